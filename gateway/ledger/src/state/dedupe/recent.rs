//! What recently touched blocks said: a cache bounded across all terminals.

use super::BlockKey;
use muster_attendance::{Attendance, PersonId};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Punches whose content is kept (about 1.5 MiB).
const MAX_ENTRIES: usize = 32_768;

/// Where a punch is stored: all that its id is made of besides the epoch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Original {
    /// Its record's number.
    pub(crate) record: u64,
    /// When it was received.
    pub(crate) received_ms: i64,
}

/// What makes two messages under one identity the same punch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Content {
    person: u64,
    seconds: i64,
    /// Whether there is a person, method, outcome, direction (0 for none).
    words: [u8; 4],
}

impl Content {
    pub(super) fn of(punch: &Attendance) -> Self {
        Self {
            person: punch.person.map_or(0, |p| p.0),
            seconds: punch.at.seconds,
            words: [
                punch.person.is_some().into(),
                punch.method as u8,
                punch.outcome as u8,
                punch.direction.map_or(0, |d| d as u8),
            ],
        }
    }

    pub(super) fn same(
        &self,
        other: &Self,
        same_person: impl Fn(PersonId, PersonId) -> bool,
    ) -> bool {
        (self.seconds, self.words) == (other.seconds, other.words)
            && (self.person == other.person
                || self.words[0] == 1 && same_person(PersonId(self.person), PersonId(other.person)))
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    content: Content,
    offset: u8,
    original: Original,
}

#[derive(Clone, Default, Debug)]
struct Touched {
    entries: Vec<Entry>,
    stamp: u64,
}

/// The cache.
#[derive(Clone, Default, Debug)]
pub(super) struct Recent {
    blocks: HashMap<BlockKey, Touched>,
    entries: usize,
    stamp: u64,
}

impl Recent {
    pub(super) fn find(&mut self, key: BlockKey, offset: u8) -> Option<(Content, Original)> {
        self.stamp += 1;
        let touched = self.blocks.get_mut(&key)?;
        touched.stamp = self.stamp;
        let entry = touched.entries.iter().rev().find(|e| e.offset == offset)?;
        Some((entry.content, entry.original))
    }

    pub(super) fn has(&self, key: BlockKey, offset: u8) -> bool {
        let touched = self.blocks.get(&key);
        touched.is_some_and(|touched| touched.entries.iter().any(|e| e.offset == offset))
    }

    /// The first content put for an identity is the one that stays.
    pub(super) fn put(&mut self, key: BlockKey, offset: u8, punch: &Attendance, record: u64) {
        if self.entries >= MAX_ENTRIES {
            self.forget_older_half();
        }
        self.stamp += 1;
        let touched = self.blocks.entry(key).or_default();
        touched.stamp = self.stamp;
        let in_order = touched.entries.last().is_none_or(|e| e.offset < offset);
        if in_order || touched.entries.iter().all(|e| e.offset != offset) {
            let original = Original { record, received_ms: punch.received_ms };
            touched.entries.push(Entry { content: Content::of(punch), offset, original });
            self.entries += 1;
        }
    }

    pub(super) fn forget(&mut self, key: BlockKey, offset: u8) {
        if let Some(touched) = self.blocks.get_mut(&key) {
            let before = touched.entries.len();
            touched.entries.retain(|e| e.offset != offset);
            self.entries -= before - touched.entries.len();
        }
    }

    fn forget_older_half(&mut self) {
        let mut stamps: Vec<u64> = self.blocks.values().map(|t| t.stamp).collect();
        stamps.sort_unstable();
        let Some(&middle) = stamps.get(stamps.len() / 2) else { return };
        self.blocks.retain(|_, touched| touched.stamp > middle);
        self.entries = self.blocks.values().map(|t| t.entries.len()).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_attendance::{DeviceClock, DeviceId, DeviceTime, Method, Outcome};

    #[test]
    fn memory_is_bounded_and_the_newest_stay() {
        let punch = |seq: u64| Attendance {
            device: DeviceId(1),
            boot: 0,
            seq,
            person: None,
            at: DeviceTime { seconds: 1, offset_minutes: 0 },
            received_ms: 1,
            method: Method::Pin,
            outcome: Outcome::Denied,
            direction: None,
            live: true,
            clock: DeviceClock::Ok,
        };
        let mut recent = Recent::default();
        let many = 3 * MAX_ENTRIES as u64;
        for seq in 0..many {
            let (key, offset) = BlockKey::of(&punch(seq));
            recent.put(key, offset, &punch(seq), seq);
            assert!(recent.entries <= MAX_ENTRIES);
        }
        let (key, offset) = BlockKey::of(&punch(many - 1));
        assert_eq!(recent.find(key, offset).map(|(_, o)| o.record), Some(many - 1));
        let (key, offset) = BlockKey::of(&punch(0));
        assert!(recent.find(key, offset).is_none());
    }
}
