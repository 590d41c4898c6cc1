//! Calls counted against what is allowed: by the month, journaled ahead, and by the second. Pure.

use crate::region::Quota;
use muster_ledger::Meter;
use std::time::Duration;

/// Calls set aside in one act of the journal: so many at most are counted twice after a crash.
pub(crate) const AHEAD: u64 = 20;
/// Used beyond this share of the month, calls are for punches alone.
const SPARE: (u64, u64) = (9, 10);

/// What must happen before a call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing.
    Go,
    /// This must be in the journal; then ask again.
    Journal(Meter),
    /// No call is left: so many were made.
    Spent(u64),
}

/// Counts the calls of one destination.
#[derive(Debug)]
pub(crate) struct Calls {
    quota: Quota,
    journaled: Meter,
    used: u64,
    next_ms: i64,
}

impl Calls {
    /// Goes on from what the journal knows: all that was set aside counts as used.
    pub(crate) fn new(quota: Quota, journaled: Meter) -> Self {
        let used = journaled.calls;
        Self { quota, journaled, used, next_ms: i64::MIN }
    }

    /// Asks for one call at `now_ms`.
    pub(crate) fn take(&mut self, now_ms: i64) -> Step {
        let month = Meter::month_at(now_ms);
        // A clock set back counts on: never a call too few.
        if month > self.journaled.month {
            self.used = 0;
            return Step::Journal(Meter { month, calls: self.ahead(0), limit: self.quota.month });
        }
        if let Some(used) = self.spent(now_ms) {
            return Step::Spent(used);
        }
        if self.used >= self.journaled.calls || self.journaled.limit != self.quota.month {
            let month = self.journaled.month;
            let calls = self.ahead(self.used).max(self.journaled.calls);
            return Step::Journal(Meter { month, calls, limit: self.quota.month });
        }
        self.used += 1;
        Step::Go
    }

    /// How many were made, if none is left in the month of `now_ms`. Counts nothing.
    pub(crate) fn spent(&self, now_ms: i64) -> Option<u64> {
        let same = Meter::month_at(now_ms) <= self.journaled.month;
        let all = self.quota.month > 0 && self.used >= self.quota.month;
        (same && all).then_some(self.used)
    }

    /// `meter` is in the journal.
    pub(crate) fn journaled(&mut self, meter: Meter) {
        self.journaled = meter;
    }

    /// Whether there are calls for more than punches.
    pub(crate) fn has_spare(&self) -> bool {
        self.quota.month == 0 || self.used < self.quota.month / SPARE.1 * SPARE.0
    }

    /// How long to wait before the next call, so that they are spread over each second.
    pub(crate) fn pause(&mut self, now_ms: i64) -> Duration {
        let gap = i64::from(1000_u32.div_ceil(self.quota.second.max(1)));
        // A clock set back must not make it wait for long.
        let earliest = self.next_ms.clamp(now_ms, now_ms.saturating_add(gap));
        self.next_ms = earliest.saturating_add(gap);
        Duration::from_millis(u64::try_from(earliest - now_ms).unwrap_or(0))
    }

    fn ahead(&self, used: u64) -> u64 {
        let calls = used.saturating_add(AHEAD);
        if self.quota.month == 0 { calls } else { calls.min(self.quota.month) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 2026-11-27T12:00:00Z.
    const NOW: i64 = 1_795_780_800_000;

    fn calls(month: u64) -> Calls {
        Calls::new(Quota { month, second: 20 }, Meter::default())
    }

    /// Takes until something else than journaling comes of it.
    fn take(calls: &mut Calls, now_ms: i64) -> Step {
        loop {
            match calls.take(now_ms) {
                Step::Journal(meter) => calls.journaled(meter),
                step => return step,
            }
        }
    }

    #[test]
    fn the_last_call_of_a_month_is_the_last() {
        let mut calls = calls(50);
        for _ in 0..50 {
            assert_eq!(take(&mut calls, NOW), Step::Go);
        }
        assert_eq!(take(&mut calls, NOW), Step::Spent(50));
        assert_eq!((calls.spent(NOW), calls.used), (Some(50), 50));
        let december = NOW + 5 * 86_400_000;
        assert_eq!(calls.spent(december), None);
        assert_eq!(take(&mut calls, december), Step::Go);
        assert_eq!(calls.used, 1);
        // Back in November by a wrong clock: December's count goes on.
        assert_eq!(take(&mut calls, NOW), Step::Go);
        assert_eq!(calls.used, 2);
    }

    #[test]
    fn calls_are_spread_over_the_second() {
        let mut calls = calls(0);
        let waits: Vec<_> = (0..4).map(|_| calls.pause(NOW).as_millis()).collect();
        assert_eq!(waits, [0, 50, 50, 50]);
        assert_eq!(calls.pause(NOW + 1000).as_millis(), 0);
        assert!(calls.pause(NOW - 3_600_000).as_millis() <= 50);
    }

    proptest! {
        /// However often it starts anew, no call is made that the journal did not know of.
        #[test]
        fn never_undercounted(runs in prop::collection::vec(0u64..60, 1..20), limit in 1u64..500) {
            let (mut journal, mut made) = (Meter::default(), 0);
            for run in runs {
                let mut calls = Calls::new(Quota { month: limit, second: 1 }, journal.clone());
                for _ in 0..run {
                    match calls.take(NOW) {
                        Step::Journal(meter) => { journal = meter.clone(); calls.journaled(meter); }
                        Step::Go => { made += 1; prop_assert!(made <= journal.calls); }
                        Step::Spent(_) => {}
                    }
                }
            }
            prop_assert!(made <= limit && journal.calls <= limit);
        }
    }
}
