//! What is under way on a connection that answers message by message: batches of parcels, each sent
//! as several messages. A batch is answered when every message of it is, and after those before it.
//! Pure.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// A region that answers each batch within this is sent several at a time. To one that takes longer
/// the line is full with one: what waits behind it would only keep live punches waiting.
const QUICK: Duration = Duration::from_millis(50);

/// Batches of `P`s under way.
pub(crate) struct UnderWay<P> {
    batches: VecDeque<Batch<P>>,
    /// Number of the first of them.
    first: u64,
    /// Since when the first of them is.
    since: Instant,
    /// The last answer came within [`QUICK`].
    quick: bool,
    /// The batch of each message that has no packet id yet, in the order they were sent.
    nameless: VecDeque<u64>,
    /// The batch of each message whose answer is owed, by packet id.
    owed: HashMap<u16, u64>,
}

struct Batch<P> {
    parcels: Vec<P>,
    unanswered: usize,
}

impl<P> UnderWay<P> {
    /// With nothing under way.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            batches: VecDeque::new(),
            first: 0,
            since: now,
            quick: false,
            nameless: VecDeque::new(),
            owed: HashMap::new(),
        }
    }

    /// Batches that are not answered.
    pub(crate) fn len(&self) -> usize {
        self.batches.len()
    }

    /// Since when the answer for the first of them has been waited for, and for nothing else.
    pub(crate) fn waits_since(&self) -> Option<Instant> {
        self.batches.front().map(|_| self.since)
    }

    /// How many may be under way, where `most` are to a region that answers quickly.
    pub(crate) fn allowed(&self, most: usize) -> usize {
        if self.quick { most } else { 1 }
    }

    /// A batch was sent as so many messages.
    pub(crate) fn sent(&mut self, parcels: Vec<P>, messages: usize, now: Instant) {
        if self.batches.is_empty() {
            self.since = now;
        }
        let number = self.first + self.batches.len() as u64;
        self.nameless.extend((0..messages).map(|_| number));
        self.batches.push_back(Batch { parcels, unanswered: messages });
    }

    /// The next message in the order they were sent went out under this packet id.
    pub(crate) fn named(&mut self, id: u16) {
        if let Some(batch) = self.nameless.pop_front() {
            self.owed.insert(id, batch);
        }
    }

    /// The message of this packet id was answered. An id that is owed nothing changes nothing.
    pub(crate) fn answered(&mut self, id: u16) {
        let batch = self.owed.remove(&id).and_then(|number| number.checked_sub(self.first));
        if let Some(batch) = batch.and_then(|at| self.batches.get_mut(at as usize)) {
            batch.unanswered = batch.unanswered.saturating_sub(1);
        }
    }

    /// Takes the parcels of the batches in front that are answered; empty where none is.
    pub(crate) fn take_answered(&mut self, now: Instant) -> Vec<P> {
        let mut answered = Vec::new();
        while let Some(batch) = self.batches.pop_front_if(|batch| batch.unanswered == 0) {
            self.quick = now.saturating_duration_since(self.since) <= QUICK;
            self.since = now;
            self.first += 1;
            answered.extend(batch.parcels);
        }
        answered
    }

    /// Takes everything.
    pub(crate) fn take_all(&mut self) -> Vec<P> {
        self.owed.clear();
        self.nameless.clear();
        self.first += self.batches.len() as u64;
        self.batches.drain(..).flat_map(|batch| batch.parcels).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_batch_is_answered_with_its_last_message_and_in_its_turn() {
        let begun = Instant::now();
        let after = |ms| begun + Duration::from_millis(ms);
        let mut way = UnderWay::new(begun);
        way.sent(vec!["a", "b"], 2, after(1));
        way.sent(vec!["c"], 1, after(2));
        [1, 2, 3].into_iter().for_each(|id| way.named(id));
        assert_eq!((way.len(), way.waits_since()), (2, Some(after(1))));
        way.answered(3);
        way.answered(2);
        way.answered(2);
        way.answered(9);
        assert_eq!(way.take_answered(after(3)), Vec::<&str>::new());
        way.answered(1);
        assert_eq!(way.take_answered(after(4)), ["a", "b", "c"]);
        assert_eq!((way.len(), way.waits_since()), (0, None));
        way.sent(vec!["d"], 1, after(5));
        way.named(1);
        way.answered(1);
        assert_eq!(way.take_answered(after(6)), ["d"]);
    }

    #[test]
    fn several_go_at_a_time_while_answers_come_quickly() {
        let begun = Instant::now();
        let after = |ms| begun + Duration::from_millis(ms);
        let mut way = UnderWay::new(begun);
        let mut answer = |sent: u64, answered: u64| {
            way.sent(vec![()], 1, after(sent));
            way.named(1);
            way.answered(1);
            way.take_answered(after(answered));
            way.allowed(4)
        };
        assert_eq!(answer(1000, 1050), 4);
        assert_eq!(answer(2000, 2051), 1);
        assert_eq!(answer(3000, 3001), 4);
        // Two at a time: each counts from when the one before it was answered.
        way.sent(vec![()], 1, after(4000));
        way.sent(vec![()], 1, after(4000));
        [1, 2].into_iter().for_each(|id| way.named(id));
        way.answered(1);
        way.take_answered(after(4040));
        assert_eq!((way.waits_since(), way.allowed(4)), (Some(after(4040)), 4));
        way.answered(2);
        way.take_answered(after(4090));
        assert_eq!(way.allowed(4), 4);
    }

    proptest! {
        /// Whatever order answers come in, each parcel is taken once, in order, and never before
        /// every message of its batch was answered.
        #[test]
        fn nothing_is_answered_early_twice_or_never(
            batches in prop::collection::vec(1usize..4, 1..6),
            order: prop::sample::Index,
            lost in 0u16..4,
        ) {
            let now = Instant::now();
            let mut way = UnderWay::new(now);
            let mut ids = Vec::new();
            for (number, &messages) in batches.iter().enumerate() {
                way.sent(vec![number], messages, now);
                for _ in 0..messages {
                    let id = ids.len() as u16 + 1;
                    way.named(id);
                    ids.push((id, number));
                }
            }
            let turn = order.index(ids.len());
            ids.rotate_left(turn);
            let mut heard: HashMap<usize, usize> = HashMap::new();
            let mut taken = Vec::new();
            for &(id, number) in ids.iter().skip(usize::from(lost)) {
                way.answered(id);
                *heard.entry(number).or_default() += 1;
                for done in way.take_answered(now) {
                    prop_assert_eq!(heard.get(&done), Some(&batches[done]));
                    taken.push(done);
                }
            }
            taken.extend(way.take_all());
            prop_assert_eq!(taken, (0..batches.len()).collect::<Vec<_>>());
            prop_assert_eq!(way.len(), 0);
        }
    }
}
