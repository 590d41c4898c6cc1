//! Up to when all punches of a terminal are here: what its sequence numbers and its silences say.
//!
//! A number that was jumped over is a gap until it comes, or until somebody accepts it as lost.
//! A terminal that sends what it had stored is complete up to the last of that; one that was
//! silent is not complete again before it has been heard for a while.

use muster_attendance::{Attendance, DeviceId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Gaps of one terminal that are kept apart; further ones widen the last.
const MAX_GAPS: usize = 64;

/// Punches that a terminal numbered and the box does not have.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Gap {
    /// The terminal's boot number.
    pub boot: u32,
    /// The first that is missing.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// When the last punch before it was made, seconds since 1970.
    pub since: i64,
    /// When it was noticed, milliseconds since 1970.
    pub noticed_ms: i64,
}

impl Gap {
    /// How many punches are missing.
    pub fn len(&self) -> u64 {
        self.last.saturating_sub(self.first).saturating_add(1)
    }

    /// Never: a gap has one at least.
    pub fn is_empty(&self) -> bool {
        false
    }
}

/// One terminal's.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
pub(super) struct Continuity {
    boot: u32,
    /// The number that comes next.
    next: u64,
    /// When the last punch in order was made, seconds since 1970.
    made: i64,
    /// Whether it was sent later than made.
    stored: bool,
    gaps: Vec<Gap>,
}

impl Continuity {
    fn note(&mut self, punch: &Attendance, made: i64) {
        let (boot, seq) = (punch.boot, punch.seq);
        if self.next == 0 || boot > self.boot {
            // The first that is seen of a boot: terminals count on from anywhere.
            (self.boot, self.next) = (boot, seq.saturating_add(1));
        } else if boot == self.boot && seq >= self.next {
            if seq > self.next {
                self.open(Gap {
                    boot,
                    first: self.next,
                    last: seq - 1,
                    since: self.made,
                    noticed_ms: punch.received_ms,
                });
            }
            self.next = seq.saturating_add(1);
        } else {
            self.fill(boot, seq);
        }
        (self.made, self.stored) = (self.made.max(made), !punch.live);
        if self.stored {
            self.made = made;
        }
    }

    fn open(&mut self, gap: Gap) {
        let full = self.gaps.len() >= MAX_GAPS;
        match self.gaps.last_mut() {
            Some(last) if full => last.last = gap.last,
            _ => self.gaps.push(gap),
        }
    }

    fn fill(&mut self, boot: u32, seq: u64) {
        let holds = |gap: &Gap| gap.boot == boot && (gap.first..=gap.last).contains(&seq);
        let Some(at) = self.gaps.iter().position(holds) else { return };
        let gap = self.gaps.remove(at);
        let after = Gap { first: seq.saturating_add(1), ..gap.clone() };
        let before = Gap { last: seq.wrapping_sub(1), ..gap };
        for part in [after, before] {
            if part.first <= part.last && part.last != u64::MAX {
                self.gaps.insert(at, part);
            }
        }
    }
}

/// All terminals'.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
pub(super) struct Continuities {
    devices: BTreeMap<u32, Continuity>,
}

impl Continuities {
    /// Takes in a stored punch that counts as made at `made`, seconds since 1970.
    pub(super) fn note(&mut self, punch: &Attendance, made: i64) {
        self.devices.entry(punch.device.0).or_default().note(punch, made);
    }

    /// Accepts a gap as lost; false where there is none such.
    pub(super) fn accept(&mut self, device: DeviceId, boot: u32, first: u64) -> bool {
        let Some(known) = self.devices.get_mut(&device.0) else { return false };
        let before = known.gaps.len();
        known.gaps.retain(|gap| (gap.boot, gap.first) != (boot, first));
        known.gaps.len() < before
    }

    /// A terminal's gaps, oldest first.
    pub(super) fn gaps(&self, device: DeviceId) -> Vec<Gap> {
        self.devices.get(&device.0).map(|known| known.gaps.clone()).unwrap_or_default()
    }

    /// All punches made before this are here, seconds since 1970, where the terminal has been
    /// heard without pause until `heard`.
    pub(super) fn complete_until(&self, device: DeviceId, heard: i64) -> Option<i64> {
        let known = self.devices.get(&device.0)?;
        let open = known.gaps.iter().map(|gap| gap.since).min();
        let here = if known.stored { known.made } else { heard };
        Some(open.map_or(here, |open| open.min(here)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_attendance::{DeviceClock, DeviceTime, Method, Outcome};

    fn punch(boot: u32, seq: u64, live: bool) -> Attendance {
        Attendance {
            device: DeviceId(1),
            boot,
            seq,
            person: None,
            at: DeviceTime { seconds: 0, offset_minutes: 0 },
            received_ms: 9,
            method: Method::Pin,
            outcome: Outcome::Granted,
            direction: None,
            live,
            clock: DeviceClock::Ok,
        }
    }

    fn after(punches: &[(u32, u64, bool)]) -> Continuities {
        let mut known = Continuities::default();
        for (i, (boot, seq, live)) in punches.iter().enumerate() {
            known.note(&punch(*boot, *seq, *live), (i as i64 + 1) * 100);
        }
        known
    }

    fn gaps(punches: &[(u32, u64, bool)]) -> Vec<(u32, u64, u64)> {
        let gaps = after(punches).gaps(DeviceId(1));
        gaps.iter().map(|gap| (gap.boot, gap.first, gap.last)).collect()
    }

    #[test]
    fn numbers_jumped_over_are_gaps_until_they_come() {
        let live = |numbers: &[u64]| {
            let punches: Vec<_> = numbers.iter().map(|n| (1, *n, true)).collect();
            gaps(&punches)
        };
        assert_eq!(live(&[5, 6, 7]), []);
        assert_eq!(live(&[5, 9]), [(1, 6, 8)]);
        assert_eq!(live(&[5, 9, 7]), [(1, 6, 6), (1, 8, 8)]);
        assert_eq!(live(&[5, 9, 6, 7, 8]), []);
        assert_eq!(live(&[5, 9, 6, 6, 5]), [(1, 7, 8)], "what came is no gap again");
        assert_eq!(gaps(&[(1, 5, true), (2, 1, true), (2, 3, true)]), [(2, 2, 2)]);
    }

    #[test]
    fn a_terminal_is_complete_up_to_its_gap_or_its_store() {
        let until =
            |punches: &[(u32, u64, bool)]| after(punches).complete_until(DeviceId(1), 9_999);
        assert_eq!(until(&[]), None);
        assert_eq!(until(&[(1, 1, true), (1, 2, true)]), Some(9_999));
        assert_eq!(until(&[(1, 1, true), (1, 5, true)]), Some(100), "since before the gap");
        assert_eq!(until(&[(1, 1, true), (1, 2, false)]), Some(200), "it sends what it stored");
        assert_eq!(until(&[(1, 1, true), (1, 2, false), (1, 3, true)]), Some(9_999));
    }

    #[test]
    fn a_gap_is_accepted_once_and_gaps_are_bounded() {
        let mut known = after(&[(1, 1, true), (1, 5, true)]);
        assert!(known.accept(DeviceId(1), 1, 2) && !known.accept(DeviceId(1), 1, 2));
        assert_eq!(known.complete_until(DeviceId(1), 50), Some(50));
        let many: Vec<_> = (0..200).map(|n| (1, n * 2, true)).collect();
        assert_eq!(gaps(&many).len(), MAX_GAPS);
    }
}
