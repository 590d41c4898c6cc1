//! A token bucket that delays and never refuses.

use std::time::{Duration, Instant};

/// Seconds' worth of check-ins that may come at once.
const BURST_SECONDS: f64 = 1.0;

/// Counts check-ins against a rate.
pub(super) struct Rate {
    per_second: f64,
    tokens: f64,
    filled: Instant,
}

impl Rate {
    pub(super) fn new(per_second: u32, now: Instant) -> Self {
        let per_second = f64::from(per_second.max(1));
        Self { per_second, tokens: per_second * BURST_SECONDS, filled: now }
    }

    /// Notes `count` check-ins; how long to read nothing more, if they were too many.
    pub(super) fn spend(&mut self, count: usize, now: Instant) -> Option<Duration> {
        let earned = now.saturating_duration_since(self.filled).as_secs_f64() * self.per_second;
        self.filled = now;
        self.tokens = (self.tokens + earned).min(self.per_second * BURST_SECONDS) - count as f64;
        (self.tokens < 0.0).then(|| Duration::from_secs_f64(-self.tokens / self.per_second))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_burst_passes_and_what_follows_waits() {
        let start = Instant::now();
        let mut rate = Rate::new(100, start);
        assert_eq!(rate.spend(100, start), None);
        assert_eq!(rate.spend(50, start), Some(Duration::from_millis(500)));
        assert_eq!(rate.spend(0, start + Duration::from_millis(500)), None);
    }

    proptest! {
        #[test]
        fn who_waits_as_told_stays_within_the_rate(counts in proptest::collection::vec(0usize..500, 1..50)) {
            let start = Instant::now();
            let (mut rate, mut now) = (Rate::new(100, start), start);
            for &count in &counts {
                now += rate.spend(count, now).unwrap_or_default();
            }
            let sent = counts.iter().sum::<usize>() as f64;
            let allowed = 100.0 * (1.0 + (now - start).as_secs_f64()) + 1.0;
            prop_assert!(sent <= allowed, "{} {}", sent, allowed);
        }
    }
}
