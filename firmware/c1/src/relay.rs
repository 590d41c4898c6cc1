//! What waits in which direction, without a look inside.

use muster_forwarder::Forwarder;
use muster_proto::message::{Kind, Stamp};
use muster_proto::seal::Header;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Answers of the box that wait for one terminal's turn; the oldest gives way, and the terminal
/// asks again.
pub const ANSWERS: usize = 64;

/// Check-ins of one terminal remembered as stored.
pub const RECENT: usize = 256;

pub(crate) struct Relay {
    pub(crate) forwarder: Forwarder,
    terminals: Mutex<HashMap<String, Waiting>>,
    /// Wakes whoever waits for answers of the box.
    pub(crate) answered: Notify,
    not_stored: AtomicU64,
}

/// What became of a terminal's message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Taken {
    /// It is on disk, or with the box.
    Stored,
    /// Not now: the terminal keeps it.
    NotNow,
    /// No sealed message, or of no terminal carried here: it will never be taken.
    Never,
}

#[derive(Default)]
struct Waiting {
    answers: VecDeque<Vec<u8>>,
    stored: VecDeque<Stamp>,
}

impl Relay {
    pub(crate) fn new(forwarder: Forwarder, carried: impl Iterator<Item = String>) -> Self {
        let terminals = carried.map(|name| (name, Waiting::default())).collect();
        Self {
            forwarder,
            terminals: Mutex::new(terminals),
            answered: Notify::new(),
            not_stored: AtomicU64::new(0),
        }
    }

    /// Messages that could not be put on disk.
    pub(crate) fn not_stored(&self) -> u64 {
        self.not_stored.load(Ordering::Relaxed)
    }

    fn terminals(&self) -> MutexGuard<'_, HashMap<String, Waiting>> {
        self.terminals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a sealed message of `device` and puts it on disk, once. One that cannot be stored now
    /// is dropped: the terminal has it and sends it again.
    pub(crate) fn forward(&self, device: &str, sealed: &[u8]) -> Taken {
        let Ok(header) = Header::peek(sealed) else { return Taken::Never };
        if header.kind.from_box() {
            return Taken::Never;
        }
        let mut terminals = self.terminals();
        let Some(waiting) = terminals.get_mut(device) else {
            tracing::warn!("a terminal that this centre does not carry wants to be heard");
            return Taken::Never;
        };
        let punch = matches!(header.kind, Kind::LivePunch | Kind::StoredPunch);
        let again = punch && waiting.stored.contains(&header.stamp);
        // One that the box already has is asked for again by its terminal if the receipt was
        // lost, so a resend goes on where nothing waits.
        if again && self.forwarder.waiting() > 0 {
            return Taken::Stored;
        }
        match self.forwarder.push(crate::topic(device, "checkin"), sealed.to_vec()) {
            Ok(_) if punch => push_bounded(&mut waiting.stored, header.stamp, RECENT),
            Ok(_) => {}
            Err(error) => {
                self.not_stored.fetch_add(1, Ordering::Relaxed);
                tracing::error!(%error, "a message is not stored");
                return Taken::NotNow;
            }
        }
        Taken::Stored
    }

    /// Takes an answer of the box under `topic`.
    pub(crate) fn answer(&self, topic: &str, payload: Vec<u8>) {
        let Some(device) = topic.strip_prefix("muster/1/").and_then(|t| t.split('/').next()) else {
            return;
        };
        if let Some(waiting) = self.terminals().get_mut(device) {
            push_bounded(&mut waiting.answers, payload, ANSWERS);
            self.answered.notify_waiters();
        }
    }

    /// The next answer for `device`.
    pub(crate) fn next_answer(&self, device: &str) -> Option<Vec<u8>> {
        self.terminals().get_mut(device)?.answers.pop_front()
    }

    /// Whether an answer waits for `device`.
    pub(crate) fn has_answer(&self, device: &str) -> bool {
        self.terminals().get(device).is_some_and(|waiting| !waiting.answers.is_empty())
    }
}

/// Appends to a queue that forgets its oldest beyond `limit`.
fn push_bounded<T>(queue: &mut VecDeque<T>, item: T, limit: usize) {
    if queue.len() >= limit {
        queue.pop_front();
    }
    queue.push_back(item);
}
