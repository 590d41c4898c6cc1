//! One destination's queue: which records wait, which are on their way, what was sent before.

use crate::{Attestation, PauseReason};
use muster_attendance::Attendance;
use roaring::RoaringTreemap;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tokio::sync::Notify;

/// Live punches kept at hand, so that they go first without being read back.
const MAX_FRESH: usize = 4096;
/// Records that may be dispatched and without the region's word; beyond it only these go again.
pub(crate) const MAX_SENT: usize = 8192;

/// A record picked for dispatch, with its punch where that is at hand.
pub(crate) type Picked = (u64, Option<Attendance>);

/// What a checkpoint keeps.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Kept {
    destination: String,
    queued: Vec<u8>,
    sent: BTreeMap<u64, [u8; 32]>,
    settled: u64,
    rejected: u64,
    last_settled_ms: Option<i64>,
    paused: Option<(PauseReason, i64)>,
}

/// The queue.
#[derive(Default)]
pub(crate) struct Queue {
    pub(crate) destination: Arc<str>,
    /// Not settled, on their way or not.
    pub(crate) queued: RoaringTreemap,
    /// Handed out; empty after a start.
    inflight: RoaringTreemap,
    /// SHA-256 of the bytes of what was dispatched and is not settled.
    sent: BTreeMap<u64, [u8; 32]>,
    fresh: VecDeque<(u64, Attendance)>,
    pub(crate) settled: u64,
    pub(crate) rejected: u64,
    pub(crate) last_settled_ms: Option<i64>,
    pub(crate) paused: Option<(PauseReason, i64)>,
    /// Seen on the wire since the start.
    pub(crate) attested: Option<Attestation>,
    /// Woken when there may be something to hand out.
    pub(crate) changed: Arc<Notify>,
}

impl Queue {
    pub(crate) fn new(destination: &str) -> Self {
        Self { destination: destination.into(), ..Self::default() }
    }

    /// Adds records by a range of numbers.
    pub(crate) fn push(&mut self, first: u64, count: u64) {
        self.queued.insert_range(first..first + count);
        self.changed.notify_one();
    }

    /// Keeps a live punch at hand.
    pub(crate) fn push_fresh(&mut self, record: u64, punch: Attendance) {
        if self.fresh.len() >= MAX_FRESH {
            self.fresh.pop_front();
        }
        self.fresh.push_back((record, punch));
    }

    /// Up to `max` records that may be handed out: live ones, then the oldest. They are not marked.
    pub(crate) fn pick(&mut self, max: usize) -> Vec<Picked> {
        let mut picked = Vec::with_capacity(max.min(self.queued.len() as usize));
        if self.sent.len() >= MAX_SENT {
            let again = self.sent.keys().filter(|&&r| self.may_go(r)).take(max);
            picked.extend(again.map(|&record| (record, None)));
            if !picked.is_empty() || !self.inflight.is_empty() {
                return picked;
            }
        }
        self.fresh.retain(|(record, _)| self.queued.contains(*record));
        for &(record, punch) in &self.fresh {
            if picked.len() < max && !self.inflight.contains(record) {
                picked.push((record, Some(punch)));
            }
        }
        let live: RoaringTreemap = picked.iter().map(|(record, _)| *record).collect();
        let backlog = self.queued.iter().filter(|&r| !self.inflight.contains(r));
        let backlog = backlog.filter(|&r| !live.contains(r)).take(max - picked.len());
        picked.extend(backlog.map(|record| (record, None)));
        picked
    }

    /// True if the record waits and is not on its way.
    pub(crate) fn may_go(&self, record: u64) -> bool {
        self.queued.contains(record) && !self.inflight.contains(record)
    }

    /// Whether anything may ever have been sent there.
    pub(crate) fn was_used(&self) -> bool {
        self.settled > 0 || self.rejected > 0 || !self.sent.is_empty()
    }

    /// True while a record is handed out.
    pub(crate) fn is_sending(&self) -> bool {
        !self.inflight.is_empty()
    }

    /// The hash of the bytes it was dispatched with before, if the region's word is still owed.
    pub(crate) fn sent(&self, record: u64) -> Option<&[u8; 32]> {
        self.sent.get(&record)
    }

    /// Notes a journaled dispatch.
    pub(crate) fn note_sent(&mut self, record: u64, digest: [u8; 32]) {
        self.sent.insert(record, digest);
    }

    /// Marks a record as handed out.
    pub(crate) fn hand_out(&mut self, record: u64) {
        self.inflight.insert(record);
    }

    /// No word came: it goes again.
    pub(crate) fn hand_back(&mut self, record: u64) {
        self.inflight.remove(record);
        self.changed.notify_one();
    }

    /// Records that were allowed to go there since set-up.
    pub(crate) fn permitted(&self) -> u64 {
        self.settled.saturating_add(self.rejected).saturating_add(self.queued.len())
    }

    /// Records that are allowed to go and cannot: refused for good, or waiting while it is paused.
    pub(crate) fn undeliverable(&self) -> u64 {
        let waiting = if self.paused.is_some() { self.queued.len() } else { 0 };
        self.rejected.saturating_add(waiting)
    }

    /// Takes records out: they go elsewhere or wait. What they were sent with stays known.
    pub(crate) fn remove(&mut self, first: u64, count: u64) {
        self.inflight.remove_range(first..first + count);
        self.queued.remove_range(first..first + count);
    }

    /// Takes records out for good. How many were in.
    pub(crate) fn finish(&mut self, first: u64, count: u64) -> u64 {
        let range = first..first + count;
        self.inflight.remove_range(range.clone());
        for record in self.sent.range(range.clone()).map(|(r, _)| *r).collect::<Vec<_>>() {
            self.sent.remove(&record);
        }
        self.queued.remove_range(range)
    }

    /// For the checkpoint.
    pub(crate) fn keep(&self) -> Kept {
        Kept {
            destination: self.destination.to_string(),
            queued: super::standing::to_bytes(&self.queued),
            sent: self.sent.clone(),
            settled: self.settled,
            rejected: self.rejected,
            last_settled_ms: self.last_settled_ms,
            paused: self.paused.clone(),
        }
    }

    /// From the checkpoint; `None` if it is damaged.
    pub(crate) fn restore(kept: Kept) -> Option<Self> {
        Some(Self {
            queued: RoaringTreemap::deserialize_from(&kept.queued[..]).ok()?,
            sent: kept.sent,
            settled: kept.settled,
            rejected: kept.rejected,
            last_settled_ms: kept.last_settled_ms,
            paused: kept.paused,
            ..Self::new(&kept.destination)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_attendance::{DeviceClock, DeviceId, DeviceTime, Method, Outcome};

    fn punch() -> Attendance {
        Attendance {
            device: DeviceId(1),
            boot: 1,
            seq: 1,
            person: None,
            at: DeviceTime { seconds: 1, offset_minutes: 0 },
            received_ms: 1,
            method: Method::Pin,
            outcome: Outcome::Granted,
            direction: None,
            live: true,
            clock: DeviceClock::Ok,
        }
    }

    fn numbers(picked: &[Picked]) -> Vec<u64> {
        picked.iter().map(|(record, _)| *record).collect()
    }

    #[test]
    fn live_goes_first_then_the_oldest() {
        let mut queue = Queue::new("d");
        queue.push(1, 20);
        queue.push_fresh(19, punch());
        queue.push_fresh(20, punch());
        assert_eq!(numbers(&queue.pick(4)), [19, 20, 1, 2]);
        for record in [19, 20, 1, 2] {
            queue.hand_out(record);
        }
        assert_eq!(numbers(&queue.pick(2)), [3, 4]);
        queue.hand_back(1);
        queue.finish(19, 1);
        assert_eq!(numbers(&queue.pick(2)), [1, 3]);
        assert_eq!(queue.queued.len(), 19);
    }

    #[test]
    fn with_many_unsettled_only_these_go_again() {
        let mut queue = Queue::new("d");
        let many = MAX_SENT as u64;
        queue.push(1, many + 10);
        queue.push_fresh(many + 10, punch());
        (1..=many).for_each(|record| queue.note_sent(record, [0; 32]));
        assert_eq!(numbers(&queue.pick(2)), [1, 2]);
        queue.finish(1, 1);
        assert_eq!(numbers(&queue.pick(2)), [many + 10, 2]);
    }

    #[test]
    fn a_checkpoint_gives_back_what_was_on_its_way() {
        let mut queue = Queue::new("d");
        queue.push(5, 2);
        queue.note_sent(5, [7; 32]);
        queue.hand_out(5);
        let Some(mut again) = Queue::restore(queue.keep()) else { panic!("not restored") };
        assert_eq!(numbers(&again.pick(9)), [5, 6]);
        assert_eq!(again.sent(5), Some(&[7; 32]));
    }
}
