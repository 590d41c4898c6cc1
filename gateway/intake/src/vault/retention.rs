//! How long evidence is kept, and deleting it when its time is over.

use super::Vault;
use muster_attendance::Method;
use muster_ledger::{Clock, ClockTrust, ClockWatch, Ledger};
use muster_residency::rules::Keep;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Days that evidence is kept where no policy says otherwise, and what was set aside always.
pub const DEFAULT_DAYS: u32 = 30;
/// How often what is past its time is looked for.
const PURGE_EVERY: Duration = Duration::from_secs(3600);

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
