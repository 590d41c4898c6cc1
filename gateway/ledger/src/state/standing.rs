//! Where each record stands: held, quarantined, in a queue, or done with.

use super::decisions::{Decisions, Disposition};
use super::queue::{Kept, Queue};
use muster_attendance::Attendance;
use roaring::RoaringTreemap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a checkpoint keeps.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct KeptStanding {
    held: BTreeMap<u32, Vec<u8>>,
    set_aside: BTreeMap<String, Vec<u8>>,
    overrides: BTreeMap<u32, Vec<u8>>,
    dropped: u64,
    queues: Vec<Kept>,
}

/// Where records stand. Sets of record numbers only: what the records say is in the journal.
#[derive(Default)]
pub(crate) struct Standing {
    /// Held records by decision.
    held: BTreeMap<u32, RoaringTreemap>,
    /// Quarantined records by reason, from a fixed set of codes.
    set_aside: BTreeMap<String, RoaringTreemap>,
    /// Records that are under another decision than the one they were stored with.
    overrides: BTreeMap<u32, RoaringTreemap>,
    dropped: u64,
    queues: Vec<Queue>,
}

/// Where one record stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    Held,
    Queued(usize),
    SetAside,
    /// Settled or dropped, as its decision says.
    Done,
}

impl Standing {
    /// The number of a destination's queue, made if need be.
    pub(crate) fn queue_number(&mut self, destination: &str) -> usize {
        let found = self.queues.iter().position(|q| &*q.destination == destination);
        found.unwrap_or_else(|| {
            self.queues.push(Queue::new(destination));
            self.queues.len() - 1
        })
    }

    /// All queues.
    pub(crate) fn queues(&self) -> &[Queue] {
        &self.queues
    }

    /// One queue, made if need be.
    pub(crate) fn queue(&mut self, destination: &str) -> &mut Queue {
        let number = self.queue_number(destination);
        &mut self.queues[number]
    }

    /// Places new records that share a decision.
    pub(crate) fn place(&mut self, decisions: &Decisions, decision: u32, first: u64, count: u64) {
        match decisions.disposition(decision) {
            Disposition::Queue(number) => {
                if let Some(queue) = self.queues.get_mut(number) {
                    queue.push(first, count);
                }
            }
            Disposition::Hold => {
                self.held.entry(decision).or_default().insert_range(first..first + count);
            }
            Disposition::Drop => self.dropped += count,
        }
    }

    /// Keeps a live punch of a queue at hand.
    pub(crate) fn push_fresh(&mut self, number: usize, record: u64, punch: Attendance) {
        if let Some(queue) = self.queues.get_mut(number) {
            queue.push_fresh(record, punch);
        }
    }

    /// Sets records aside, wherever they stood.
    pub(crate) fn set_aside(&mut self, reason: &str, first: u64, count: u64) {
        self.remove(first, count);
        self.queues.iter_mut().for_each(|queue| {
            queue.finish(first, count);
        });
        let set = self.set_aside.entry(reason.to_owned()).or_default();
        set.insert_range(first..first + count);
    }

    /// Records are gone: they stand nowhere any more.
    pub(crate) fn forget(&mut self, first: u64, count: u64) {
        self.remove(first, count);
        self.queues.iter_mut().for_each(|queue| {
            queue.finish(first, count);
        });
        let range = first..first + count;
        self.set_aside.retain(|_, set| {
            set.remove_range(range.clone());
            !set.is_empty()
        });
        self.overrides.retain(|_, set| {
            set.remove_range(range.clone());
            !set.is_empty()
        });
    }

    /// Puts records under another decision.
    pub(crate) fn redecide(
        &mut self,
        decisions: &Decisions,
        decision: u32,
        first: u64,
        count: u64,
    ) {
        self.remove(first, count);
        self.override_with(decision, first, count);
        self.place(decisions, decision, first, count);
    }

    /// Notes the decision records are under without moving them.
    pub(crate) fn override_with(&mut self, decision: u32, first: u64, count: u64) {
        self.overrides.retain(|&other, set| {
            if other != decision {
                set.remove_range(first..first + count);
            }
            !set.is_empty()
        });
        self.overrides.entry(decision).or_default().insert_range(first..first + count);
    }

    /// The decision a record is under, given the one it was stored with.
    pub(crate) fn decision(&self, record: u64, stored: u32) -> u32 {
        let changed = self.overrides.iter().find(|(_, set)| set.contains(record));
        changed.map_or(stored, |(&decision, _)| decision)
    }

    /// Where a record stands.
    pub(crate) fn find(&self, record: u64) -> Place {
        if self.held.values().any(|set| set.contains(record)) {
            return Place::Held;
        }
        if self.set_aside.values().any(|set| set.contains(record)) {
            return Place::SetAside;
        }
        let queued = self.queues.iter().position(|q| q.queued.contains(record));
        queued.map_or(Place::Done, Place::Queued)
    }

    /// Whether a change of facts may move the record: held, or queued and not on its way.
    pub(crate) fn is_open(&self, record: u64) -> bool {
        self.held.values().any(|set| set.contains(record))
            || self.queues.iter().any(|q| q.may_go(record))
    }

    /// Up to `max` open records, ascending from `from`.
    pub(crate) fn open_from(&self, from: u64, max: usize) -> Vec<u64> {
        let sets = self.held.values().chain(self.queues.iter().map(|q| &q.queued));
        let mut open = Vec::new();
        for set in sets {
            let mut records = set.iter();
            records.advance_to(from);
            open.extend(records.take(max));
        }
        open.sort_unstable();
        open.dedup();
        open.truncate(max);
        open
    }

    /// Held records by decision.
    pub(crate) fn held(&self) -> impl Iterator<Item = (u32, u64)> {
        self.held.iter().map(|(&decision, set)| (decision, set.len()))
    }

    /// Quarantined records by reason.
    pub(crate) fn quarantined(&self) -> impl Iterator<Item = (&str, u64)> {
        self.set_aside.iter().map(|(reason, set)| (&**reason, set.len()))
    }

    /// Held records by decision, as sets.
    pub(crate) fn held_sets(&self) -> impl Iterator<Item = (u32, &RoaringTreemap)> {
        self.held.iter().map(|(&decision, set)| (decision, set))
    }

    /// Quarantined records by reason, as sets.
    pub(crate) fn set_aside_sets(&self) -> impl Iterator<Item = (&str, &RoaringTreemap)> {
        self.set_aside.iter().map(|(reason, set)| (&**reason, set))
    }

    /// Records dropped.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    fn remove(&mut self, first: u64, count: u64) {
        self.held.retain(|_, set| {
            set.remove_range(first..first + count);
            !set.is_empty()
        });
        for queue in &mut self.queues {
            queue.remove(first, count);
        }
    }

    /// For the checkpoint.
    pub(crate) fn keep(&self) -> KeptStanding {
        let sets = |sets: &BTreeMap<u32, RoaringTreemap>| {
            sets.iter().map(|(&decision, set)| (decision, to_bytes(set))).collect()
        };
        let aside = self.set_aside.iter().map(|(reason, set)| (reason.clone(), to_bytes(set)));
        KeptStanding {
            held: sets(&self.held),
            set_aside: aside.collect(),
            overrides: sets(&self.overrides),
            dropped: self.dropped,
            queues: self.queues.iter().map(Queue::keep).collect(),
        }
    }

    /// From the checkpoint; `None` if it is damaged.
    pub(crate) fn restore(kept: KeptStanding) -> Option<Self> {
        fn sets<K: Ord>(kept: BTreeMap<K, Vec<u8>>) -> Option<BTreeMap<K, RoaringTreemap>> {
            let read = |bytes: Vec<u8>| RoaringTreemap::deserialize_from(&bytes[..]).ok();
            kept.into_iter().map(|(key, bytes)| Some((key, read(bytes)?))).collect()
        }
        Some(Self {
            held: sets(kept.held)?,
            set_aside: sets(kept.set_aside)?,
            overrides: sets(kept.overrides)?,
            dropped: kept.dropped,
            queues: kept.queues.into_iter().map(Queue::restore).collect::<Option<_>>()?,
        })
    }
}

/// The portable form of a set.
pub(super) fn to_bytes(set: &RoaringTreemap) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(set.serialized_size());
    // Writing to memory does not fail.
    let _ = set.serialize_into(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::super::decisions::Ruling;
    use super::*;
    use muster_residency::vocab::Verdict;

    fn forward(to: &str) -> Ruling {
        let mut ruling = Ruling::hold("-");
        ruling.decision.decision = Verdict::Forward;
        ruling.decision.destination = Some(to.into());
        ruling
    }

    fn setting() -> (Standing, Decisions, [u32; 3]) {
        let (mut standing, mut decisions) = (Standing::default(), Decisions::default());
        let mut drop = Ruling::hold("D");
        drop.decision.decision = Verdict::Drop;
        let numbers = [Ruling::hold("H"), forward("sg"), drop]
            .map(|ruling| decisions.intern(ruling, |d| standing.queue_number(d)));
        (standing, decisions, numbers)
    }

    #[test]
    fn records_move_between_places() {
        let (mut standing, decisions, [hold, sg, drop]) = setting();
        standing.place(&decisions, hold, 1, 4);
        standing.place(&decisions, sg, 5, 2);
        standing.place(&decisions, drop, 7, 1);
        assert_eq!(standing.open_from(0, 99), [1, 2, 3, 4, 5, 6]);
        assert_eq!(standing.open_from(3, 2), [3, 4]);
        standing.redecide(&decisions, sg, 2, 2);
        assert_eq!(
            [1, 2, 5, 7].map(|r| standing.find(r)),
            [Place::Held, Place::Queued(0), Place::Queued(0), Place::Done]
        );
        assert_eq!((standing.decision(2, hold), standing.decision(1, hold)), (sg, hold));
        standing.set_aside("X", 5, 1);
        assert_eq!(standing.find(5), Place::SetAside);
        standing.place(&decisions, hold, 8, 2);
        standing.place(&decisions, sg, 10, 2);
        standing.set_aside("X", 11, 1);
        standing.forget(8, 4);
        assert_eq!([8, 9, 10, 11].map(|r| standing.find(r)), [Place::Done; 4]);
        assert_eq!(standing.quarantined().collect::<Vec<_>>(), [("X", 1)]);
        assert_eq!(standing.queues()[0].queued.len(), 3);
        let Some(again) = Standing::restore(standing.keep()) else { panic!("not restored") };
        assert_eq!(again.open_from(0, 99), standing.open_from(0, 99));
        assert_eq!((again.dropped(), again.decision(2, hold)), (1, sg));
    }
}
