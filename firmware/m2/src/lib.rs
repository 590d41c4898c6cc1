//! The face terminal on embedded Linux: a capture becomes a check-in on disk, and only then may the
//! terminal beep; the forwarder brings it to the box over mutual TLS.
//!
//! Recognition is a vendor's engine that hands over [`Capture`]s; this library never looks into
//! the evidence. On the box's own TLS an M2 sends JSON.
#![forbid(unsafe_code)]

mod check_in;

pub use check_in::{Capture, Direction, Evidence, EvidenceKind, Method, Outcome};
pub use muster_forwarder::{Login, PushError, StartError};

use muster_forwarder::{Forwarder, Incoming, boot};
use serde::Deserialize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// A running face terminal.
pub struct M2 {
    name: String,
    boot: u32,
    next_seq: AtomicU64,
    forwarder: Forwarder,
    refused: Arc<AtomicU64>,
    listener: JoinHandle<()>,
}

/// The box's word on one check-in, as it comes on the receipt topic.
#[derive(Deserialize)]
struct Receipt<'a> {
    #[serde(borrow)]
    result: &'a str,
}

impl M2 {
    /// Starts the terminal that keeps its state in `folder`: boot number raised, queue opened,
    /// what waited from before on its way again.
    pub fn start(folder: &Path, login: Login) -> Result<Self, StartError> {
        std::fs::create_dir_all(folder)?;
        let boot = boot::raise(&folder.join("boot"))?;
        let name = login.device.clone();
        let login = Login { subscribe: vec![format!("muster/1/{name}/receipt")], ..login };
        let (forwarder, incoming) = Forwarder::start(&folder.join("queue"), login)?;
        let refused = Arc::new(AtomicU64::new(0));
        let listener = tokio::spawn(count_refused(incoming, refused.clone()));
        Ok(Self { name, boot, next_seq: AtomicU64::new(1), forwarder, refused, listener })
    }

    /// Stores a capture as a check-in; when this returns the terminal may beep. Gives its
    /// `(boot, seq)`.
    pub fn punch(&self, capture: &Capture<'_>) -> Result<(u32, u64), PushError> {
        let seq = self.next_seq.fetch_add(1, Ordering::Relaxed);
        let topic = format!("muster/1/{}/checkin", self.name);
        self.forwarder.push(topic, check_in::json(self.boot, seq, capture))?;
        Ok((self.boot, seq))
    }

    /// Check-ins the box has on its disk, since the start.
    pub fn receipted(&self) -> u64 {
        self.forwarder.acknowledged()
    }

    /// Check-ins that wait for the box.
    pub fn waiting(&self) -> usize {
        self.forwarder.waiting()
    }

    /// Check-ins the box refused for good; they are among the receipted.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

impl Drop for M2 {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn count_refused(mut incoming: mpsc::Receiver<Incoming>, refused: Arc<AtomicU64>) {
    while let Some(message) = incoming.recv().await {
        let receipt = serde_json::from_slice::<Receipt<'_>>(&message.payload);
        if receipt.is_ok_and(|receipt| receipt.result == "refused") {
            refused.fetch_add(1, Ordering::Relaxed);
        }
    }
}
