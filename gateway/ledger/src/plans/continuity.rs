//! Up to when all punches of a terminal are here: what its sequence numbers and its silences say.
//!
//! A number that was jumped over is a gap until it comes, or until somebody accepts it as lost.
//! A terminal that sends what it had stored is complete up to the last of that; one that was
//! silent is not complete again before it has been heard for a while.

use crate::punch_time::is_usable;
use muster_attendance::{Attendance, DeviceId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Gaps of one terminal that are kept apart; further ones widen the last.
const MAX_GAPS: usize = 64;
/// Starts of one terminal with a wrong clock that are remembered.
const MAX_STARTS: usize = 16;

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

/// What a terminal stored while its clock was wrong, in one of its starts: it waits until somebody
/// approves when it was.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WrongClock {
    /// Stored punches whose times cannot be used.
    pub count: u64,
    /// First and last of their times by the terminal, seconds since 1970.
    pub made: Option<(i64, i64)>,
    /// When the box had the first and the last of them, milliseconds since 1970.
    pub received_ms: (i64, i64),
    /// Seconds that the terminal's clock was behind the box's, by a live punch of the same start.
    pub behind: Option<i64>,
}

impl WrongClock {
    fn note(&mut self, punch: &Attendance) {
        let at = punch.at.seconds;
        if punch.live {
            self.behind = Some(punch.received_ms.div_euclid(1000).saturating_sub(at));
            return;
        }
        self.count += 1;
        let (first, last) = self.made.unwrap_or((at, at));
        self.made = Some((first.min(at), last.max(at)));
        let (_, last) = self.received_ms;
        let first = if self.count == 1 { punch.received_ms } else { self.received_ms.0 };
        self.received_ms = (first.min(punch.received_ms), last.max(punch.received_ms));
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
    /// By start.
    #[serde(default)]
    wrong: BTreeMap<u32, WrongClock>,
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

    fn note_clock(&mut self, punch: &Attendance) {
        while self.wrong.len() >= MAX_STARTS && !self.wrong.contains_key(&punch.boot) {
            self.wrong.pop_first();
        }
        self.wrong.entry(punch.boot).or_default().note(punch);
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
        let known = self.devices.entry(punch.device.0).or_default();
        known.note(punch, made);
        if !is_usable(punch) {
            known.note_clock(punch);
        }
    }

    /// Starts of a terminal in which it stored punches with a wrong clock.
    pub(super) fn wrong_clocks(&self, device: DeviceId) -> Vec<(u32, WrongClock)> {
        let known = self.devices.get(&device.0).into_iter();
        let wrong = known.flat_map(|known| &known.wrong).filter(|(_, wrong)| wrong.count > 0);
        wrong.map(|(boot, wrong)| (*boot, wrong.clone())).collect()
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
            at: DeviceTime { seconds: 1_800_000_000, offset_minutes: 0 },
            received_ms: 1_800_000_000_009,
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
    fn a_live_punch_says_how_far_behind_a_start_was() {
        let mut known = Continuities::default();
        let wrong = |seq, seconds, live| Attendance {
            at: DeviceTime { seconds, offset_minutes: 0 },
            ..punch(3, seq, live)
        };
        for punch in [wrong(1, 100, false), wrong(2, 160, false), wrong(3, 300, true)] {
            known.note(&punch, 0);
        }
        let clocks = known.wrong_clocks(DeviceId(1));
        let [(3, clock)] = clocks.as_slice() else { panic!("one start") };
        assert_eq!((clock.count, clock.made), (2, Some((100, 160))));
        assert_eq!(clock.behind, Some(1_800_000_000 - 300));
        assert!(after(&[(1, 1, true)]).wrong_clocks(DeviceId(1)).is_empty());
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
