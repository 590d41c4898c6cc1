//! How long evidence is kept, and deleting it when its time is over.

use super::Vault;
use muster_attendance::Method;
use muster_ledger::{Clock, ClockTrust, Ledger};
use muster_residency::rules::Keep;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Days that evidence is kept where no policy says otherwise, and what was set aside always.
pub const DEFAULT_DAYS: u32 = 30;
/// How often what is past its time is looked for.
const PURGE_EVERY: Duration = Duration::from_secs(3600);
/// How far the clock may differ from even running between two looks, in milliseconds.
const MAX_DRIFT_MS: i64 = 5 * 60 * 1000;
/// How long nothing is deleted after the clock has jumped.
const CALM: Duration = Duration::from_secs(24 * 3600);

/// The policy's word on evidence, asked anew each time: `[[biometric]]`.
#[derive(Clone)]
pub struct Retention(Arc<dyn Fn(Method) -> Keep + Send + Sync>);

impl Retention {
    /// `keep` must be fast: it is asked for every check-in with evidence.
    pub fn new(keep: impl Fn(Method) -> Keep + Send + Sync + 'static) -> Self {
        Self(Arc::new(keep))
    }

    /// As the policy in force says for `site`; without one, sealed for [`DEFAULT_DAYS`].
    pub fn by_policy(ledger: Ledger, site: String) -> Self {
        Self::new(move |method| match ledger.rules() {
            None => Keep::Vault { days: DEFAULT_DAYS },
            Some(rules) => rules.biometric_rule(&site, method.into()),
        })
    }

    pub(crate) fn of(&self, method: Method) -> Keep {
        (self.0)(method)
    }
}

impl Default for Retention {
    /// As without a policy: sealed for [`DEFAULT_DAYS`].
    fn default() -> Self {
        Self::new(|_| Keep::Vault { days: DEFAULT_DAYS })
    }
}

/// Deletes evidence that is past its time, while the clock can be believed, until `closing`.
pub(crate) async fn purge(vault: Vault, clock: Clock, mut closing: watch::Receiver<bool>) {
    let mut watch = ClockWatch::default();
    loop {
        let now_ms = clock.now_ms();
        let even = watch.note(now_ms, Instant::now());
        if even && clock.trust() == ClockTrust::Trusted {
            vault.purge(now_ms).await;
        }
        tokio::select! {
            () = tokio::time::sleep(PURGE_EVERY) => {}
            _ = closing.wait_for(|&closing| closing) => return,
        }
    }
}

/// Notices when the clock jumps: what is deleted by mistake does not come back.
#[derive(Default)]
struct ClockWatch {
    last: Option<(i64, Instant)>,
    jumped: Option<Instant>,
}

impl ClockWatch {
    /// Whether the clock has run evenly for [`CALM`], or since the start.
    fn note(&mut self, now_ms: i64, now: Instant) -> bool {
        if let Some((ms, at)) = self.last.replace((now_ms, now)) {
            let passed = now.saturating_duration_since(at).as_millis() as i64;
            if now_ms.saturating_sub(ms).abs_diff(passed) > MAX_DRIFT_MS as u64 {
                self.jumped = Some(now);
            }
        }
        self.jumped.is_none_or(|at| now.saturating_duration_since(at) >= CALM)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_stops_deletion_for_a_day() {
        let start = Instant::now();
        let mut watch = ClockWatch::default();
        let hour = |n: u32| start + PURGE_EVERY * n;
        assert!(watch.note(0, hour(0)));
        assert!(watch.note(3_600_000, hour(1)));
        assert!(!watch.note(40 * 86_400_000, hour(2)));
        assert!(!watch.note(40 * 86_400_000 + 3_600_000, hour(3)));
        assert!(!watch.note(3 * 3_600_000, hour(4)));
        for n in 5..28 {
            assert!(!watch.note(i64::from(n - 1) * 3_600_000, hour(n)), "{n}");
        }
        assert!(watch.note(27 * 3_600_000, hour(28)));
    }
}
