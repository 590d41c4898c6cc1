//! Finding the record a region cannot swallow, so that it never blocks the queue.
//!
//! A connection that dies while parcels are under way says nothing of which one it was. After
//! such a death they go one at a time; one that alone kills [`STRIKES`] connections in a row is
//! set aside. Connections that do not come up at all strike nobody. Pure.

use muster_attendance::EventId;

/// Connections in a row that one record must end, alone under way, to be set aside.
pub(crate) const STRIKES: u32 = 8;

/// After a suspicious death this many single sends must succeed before batches are used again.
const CAREFUL_SENDS: u32 = 2_048;

#[derive(Debug, Default)]
pub(crate) struct Isolation {
    careful: u32,
    suspect: Option<(EventId, u32)>,
}

impl Isolation {
    /// How many parcels may be under way at once.
    pub(crate) fn allowed(&self, usual: usize) -> usize {
        if self.careful > 0 { 1 } else { usual }
    }

    /// Parcels came through.
    pub(crate) fn passed(&mut self, parcels: usize) {
        self.suspect = None;
        self.careful = self.careful.saturating_sub(u32::try_from(parcels).unwrap_or(u32::MAX));
    }

    /// The connection died with these under way; true: the only one is to be set aside.
    pub(crate) fn died_with(&mut self, under_way: &[EventId]) -> bool {
        let [only] = under_way else {
            if !under_way.is_empty() {
                self.careful = CAREFUL_SENDS.min(2 * under_way.len() as u32);
            }
            return false;
        };
        let strikes = match self.suspect {
            Some((id, strikes)) if id == *only => strikes + 1,
            _ => 1,
        };
        self.suspect = Some((*only, strikes));
        strikes >= STRIKES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u64) -> EventId {
        EventId::new(0, 0, n)
    }

    #[test]
    fn only_a_lone_repeated_killer_is_set_aside() {
        let mut isolation = Isolation::default();
        assert_eq!(isolation.allowed(100), 100);
        assert!(!isolation.died_with(&[id(1), id(2), id(3)]));
        assert_eq!(isolation.allowed(100), 1);
        for _ in 1..STRIKES {
            assert!(!isolation.died_with(&[id(2)]));
        }
        assert!(isolation.died_with(&[id(2)]));
        isolation.passed(6);
        assert_eq!(isolation.allowed(100), 100);
    }

    #[test]
    fn another_record_or_a_success_clears_the_suspicion() {
        let mut isolation = Isolation::default();
        for _ in 0..3 * STRIKES {
            assert!(!isolation.died_with(&[id(1)]));
            assert!(!isolation.died_with(&[id(2)]));
        }
        for _ in 0..3 * STRIKES {
            assert!(!isolation.died_with(&[id(1)]));
            isolation.passed(1);
        }
        assert!(!isolation.died_with(&[]));
    }
}
