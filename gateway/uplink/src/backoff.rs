//! Exponential back-off with full jitter: pure; randomness comes in.

use std::time::Duration;

/// First and shortest bound of a wait.
pub const FIRST: Duration = Duration::from_millis(500);
/// No wait is longer: a region that comes back is used within this and a handshake.
pub const LONGEST: Duration = Duration::from_secs(30);

/// Counts failures in a row and says how long to wait.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after one more failure: between half the bound and the bound, where the bound
    /// doubles from [`FIRST`] to [`LONGEST`]. `random` is any evenly spread number.
    pub fn next(&mut self, random: u64) -> Duration {
        let bound = FIRST.saturating_mul(1 << self.failures.min(10)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let half = bound / 2;
        half + half.mul_f64(random as f64 / u64::MAX as f64)
    }

    /// Something worked: start from the beginning.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn waits_are_bounded_and_grow(randoms in prop::collection::vec(any::<u64>(), 1..200)) {
            let mut backoff = Backoff::default();
            for (i, random) in randoms.into_iter().enumerate() {
                let wait = backoff.next(random);
                let bound = FIRST.saturating_mul(1 << i.min(10)).min(LONGEST);
                prop_assert!(wait >= bound / 2 && wait <= bound, "{wait:?} of {bound:?}");
            }
        }
    }

    #[test]
    fn success_starts_anew() {
        let mut backoff = Backoff::default();
        for _ in 0..20 {
            backoff.next(0);
        }
        assert_eq!(backoff.next(u64::MAX), LONGEST);
        backoff.reset();
        assert_eq!(backoff.next(0), FIRST / 2);
    }
}
