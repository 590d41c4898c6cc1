//! Which punches the journal has: exact for ever, in memory that grows by a bit a punch.
//!
//! A terminal's sequence numbers are kept in blocks of 256 as a bitmap, with the range of record
//! numbers that the block's punches lie in. What a punch said is kept for recently touched blocks
//! only; for the rest it is read back from the journal once, when a duplicate asks for it.
//! A terminal that leaves so many holes that the blocks would outgrow its punches is refused.

mod recent;

pub(crate) use recent::Original;
use recent::{Content, Recent};

use muster_attendance::{Attendance, PersonId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// Blocks a terminal may always have.
const MIN_BLOCKS: u64 = 4096;
/// Above that, punches it must have sent for each block.
const PUNCHES_PER_BLOCK: u64 = 8;
/// Conflicting punches that are remembered, so that sending one again stores nothing.
const MAX_VARIANTS: usize = 16_384;

/// Names 256 consecutive sequence numbers of one boot of one terminal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub(crate) struct BlockKey {
    device: u32,
    boot: u32,
    block: u64,
}

impl BlockKey {
    fn of(punch: &Attendance) -> (Self, u8) {
        let key = Self { device: punch.device.0, boot: punch.boot, block: punch.seq >> 8 };
        (key, (punch.seq & 0xFF) as u8)
    }

    /// True if the punch belongs to this block.
    pub(crate) fn holds(self, punch: &Attendance) -> bool {
        Self::of(punch).0 == self
    }
}

/// What is known of a punch before it is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Seen {
    /// Its identity was never used.
    New,
    /// It is stored already.
    Again(Original),
    /// Its identity was used for another punch.
    Conflict,
    /// Its identity was used; what for is to be read from these records, first and last, and
    /// given to [`Dedupe::recall`].
    Forgotten(BlockKey, u64, u64),
    /// The terminal leaves too many holes.
    TooSparse,
}

#[derive(Clone, Copy, Default, Debug, PartialEq, Serialize, Deserialize)]
struct Block {
    seen: [u64; 4],
    first: u64,
    last: u64,
}

#[derive(Clone, Default, Debug, PartialEq, Serialize, Deserialize)]
struct Window {
    blocks: BTreeMap<(u32, u64), Block>,
    punches: u64,
}

/// A punch stored under an identity that was used before.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Variant {
    key: BlockKey,
    offset: u8,
    content: Content,
    original: Original,
}

/// The windows of all terminals.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
pub(crate) struct Dedupe {
    windows: HashMap<u32, Window>,
    variants: VecDeque<Variant>,
    #[serde(skip)]
    recent: Recent,
}

impl Dedupe {
    /// Whether `punch` is there. `same_person` tells whether two internal numbers have been joined.
    pub(crate) fn check(
        &mut self,
        punch: &Attendance,
        same_person: impl Fn(PersonId, PersonId) -> bool,
    ) -> Seen {
        let (key, offset) = BlockKey::of(punch);
        let window = self.windows.entry(key.device).or_default();
        let Some(block) = window.blocks.get(&(key.boot, key.block)) else {
            let limit = MIN_BLOCKS.max(window.punches / PUNCHES_PER_BLOCK);
            return if window.blocks.len() as u64 >= limit { Seen::TooSparse } else { Seen::New };
        };
        if block.seen[usize::from(offset >> 6)] & (1 << (offset & 63)) == 0 {
            return Seen::New;
        }
        let content = Content::of(punch);
        match self.recent.find(key, offset) {
            None => Seen::Forgotten(key, block.first, block.last),
            Some((stored, original)) if stored.same(&content, &same_person) => {
                Seen::Again(original)
            }
            Some(_) => self.variant(key, offset, &content, same_person),
        }
    }

    fn variant(
        &self,
        key: BlockKey,
        offset: u8,
        content: &Content,
        same_person: impl Fn(PersonId, PersonId) -> bool,
    ) -> Seen {
        let same = |v: &&Variant| {
            v.key == key && v.offset == offset && v.content.same(content, &same_person)
        };
        self.variants.iter().find(same).map_or(Seen::Conflict, |v| Seen::Again(v.original))
    }

    /// Blocks that have to be read back to judge `punches`, each with its first and last record.
    pub(crate) fn forgotten(&self, punches: &[Attendance]) -> Vec<(BlockKey, u64, u64)> {
        let mut wanted: Vec<(BlockKey, u64, u64)> = Vec::new();
        for punch in punches {
            let (key, offset) = BlockKey::of(punch);
            let window = self.windows.get(&key.device);
            let Some(block) = window.and_then(|w| w.blocks.get(&(key.boot, key.block))) else {
                continue;
            };
            let seen = block.seen[usize::from(offset >> 6)] & (1 << (offset & 63)) != 0;
            if seen && !self.recent.has(key, offset) && wanted.iter().all(|w| w.0 != key) {
                wanted.push((key, block.first, block.last));
            }
        }
        wanted
    }

    /// Takes in what the records of a block said. What is still unknown afterwards cannot be read
    /// any more (damaged, or its month's key destroyed).
    pub(crate) fn recall(&mut self, key: BlockKey, facts: impl Iterator<Item = (u64, Attendance)>) {
        for (record, punch) in facts {
            if key.holds(&punch) {
                self.recent.put(key, BlockKey::of(&punch).1, &punch, record);
            }
        }
    }

    /// Marks `punch` as stored in `record`. True if its identity is new.
    pub(crate) fn insert(&mut self, punch: &Attendance, record: u64) -> bool {
        let (key, offset) = BlockKey::of(punch);
        let window = self.windows.entry(key.device).or_default();
        let block = window.blocks.entry((key.boot, key.block)).or_insert(Block {
            seen: [0; 4],
            first: record,
            last: record,
        });
        let (word, bit) = (&mut block.seen[usize::from(offset >> 6)], 1 << (offset & 63));
        if *word & bit != 0 {
            return false;
        }
        *word |= bit;
        block.last = block.last.max(record);
        block.first = block.first.min(record);
        window.punches += 1;
        self.recent.put(key, offset, punch, record);
        true
    }

    /// Remembers a punch that was stored although its identity had been used.
    pub(crate) fn insert_variant(&mut self, punch: &Attendance, record: u64) {
        let (key, offset) = BlockKey::of(punch);
        if self.variants.len() >= MAX_VARIANTS {
            self.variants.pop_front();
        }
        let original = Original { record, received_ms: punch.received_ms };
        self.variants.push_back(Variant { key, offset, content: Content::of(punch), original });
    }

    /// Takes back what was inserted for punches that did not reach the disk, newest first.
    pub(crate) fn undo(&mut self, punch: &Attendance, record: u64) {
        if self.variants.back().is_some_and(|v| v.original.record == record) {
            self.variants.pop_back();
            return;
        }
        let (key, offset) = BlockKey::of(punch);
        let Some(window) = self.windows.get_mut(&key.device) else { return };
        let place = (key.boot, key.block);
        let Some(block) = window.blocks.get_mut(&place) else { return };
        block.seen[usize::from(offset >> 6)] &= !(1 << (offset & 63));
        if block.seen == [0; 4] {
            window.blocks.remove(&place);
        }
        window.punches = window.punches.saturating_sub(1);
        self.recent.forget(key, offset);
    }

    /// Punches stored of a terminal, conflicting ones left out.
    #[cfg(test)]
    fn punches(&self, device: muster_attendance::DeviceId) -> u64 {
        self.windows.get(&device.0).map_or(0, |w| w.punches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_attendance::{DeviceClock, DeviceId, DeviceTime, Method, Outcome};
    use proptest::prelude::*;

    fn punch(seq: u64, seconds: i64) -> Attendance {
        Attendance {
            device: DeviceId(1),
            boot: 1,
            seq,
            person: Some(PersonId(7)),
            at: DeviceTime { seconds, offset_minutes: 480 },
            received_ms: 1000 * seconds,
            method: Method::Card,
            outcome: Outcome::Granted,
            direction: None,
            live: true,
            clock: DeviceClock::Ok,
        }
    }

    fn exact(a: PersonId, b: PersonId) -> bool {
        a == b
    }

    #[test]
    fn the_same_is_known_another_is_a_conflict_and_a_conflict_again_is_known() {
        let mut dedupe = Dedupe::default();
        assert_eq!(dedupe.check(&punch(5, 10), exact), Seen::New);
        assert!(dedupe.insert(&punch(5, 10), 1));
        let original = Original { record: 1, received_ms: 10_000 };
        assert_eq!(dedupe.check(&punch(5, 10), exact), Seen::Again(original));
        assert_eq!(dedupe.check(&punch(5, 11), exact), Seen::Conflict);
        dedupe.insert_variant(&punch(5, 11), 2);
        let variant = Original { record: 2, received_ms: 11_000 };
        assert_eq!(dedupe.check(&punch(5, 11), exact), Seen::Again(variant));
        assert_eq!(dedupe.check(&punch(5, 12), exact), Seen::Conflict);
    }

    #[test]
    fn what_was_forgotten_is_recalled_from_the_block() {
        let mut dedupe = Dedupe::default();
        dedupe.insert(&punch(300, 10), 40);
        dedupe.insert(&punch(301, 11), 44);
        dedupe.recent = Recent::default();
        let Seen::Forgotten(key, 40, 44) = dedupe.check(&punch(300, 10), exact) else {
            panic!("not forgotten")
        };
        let asked = [punch(300, 10), punch(301, 11), punch(302, 1), punch(9, 1)];
        assert_eq!(dedupe.forgotten(&asked), [(key, 40, 44)]);
        dedupe.recall(
            key,
            [(40, punch(300, 10)), (42, punch(9, 9)), (44, punch(301, 11))].into_iter(),
        );
        assert!(matches!(dedupe.check(&punch(301, 11), exact), Seen::Again(o) if o.record == 44));
        assert!(dedupe.forgotten(&asked).is_empty());
        assert_eq!(dedupe.check(&punch(301, 12), exact), Seen::Conflict);
    }

    #[test]
    fn holes_are_bounded() {
        let mut dedupe = Dedupe::default();
        for i in 0..MIN_BLOCKS {
            assert!(dedupe.insert(&punch(i << 8, 1), i));
        }
        assert_eq!(dedupe.check(&punch(MIN_BLOCKS << 8, 1), exact), Seen::TooSparse);
        assert_eq!(dedupe.check(&punch(1, 1), exact), Seen::New);
    }

    #[test]
    fn joined_people_are_the_same() {
        let mut dedupe = Dedupe::default();
        dedupe.insert(&punch(1, 1), 1);
        let joined = Attendance { person: Some(PersonId(8)), ..punch(1, 1) };
        assert_eq!(dedupe.check(&joined, exact), Seen::Conflict);
        assert!(matches!(dedupe.check(&joined, |_, _| true), Seen::Again(_)));
        let nobody = Attendance { person: None, ..punch(1, 1) };
        assert_eq!(dedupe.check(&nobody, |_, _| true), Seen::Conflict);
    }

    proptest! {
        #[test]
        fn undo_restores_and_agrees_with_a_set(seqs in proptest::collection::vec(0u64..2000, 1..200), undone in 0usize..50) {
            let mut dedupe = Dedupe::default();
            let mut model = std::collections::BTreeSet::new();
            let mut done = Vec::new();
            for (record, &seq) in seqs.iter().enumerate() {
                let fresh = dedupe.insert(&punch(seq, 1), record as u64);
                prop_assert_eq!(fresh, model.insert(seq));
                if fresh { done.push((seq, record as u64)); }
            }
            for (seq, record) in done.iter().rev().take(undone) {
                dedupe.undo(&punch(*seq, 1), *record);
                model.remove(seq);
            }
            prop_assert_eq!(dedupe.punches(DeviceId(1)), model.len() as u64);
            for seq in 0..2000 {
                let known = dedupe.check(&punch(seq, 1), exact) != Seen::New;
                prop_assert_eq!(known, model.contains(&seq));
            }
        }
    }
}
