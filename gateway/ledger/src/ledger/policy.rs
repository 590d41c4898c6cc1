//! Handing in a policy, and what was in force when.

use super::Ledger;
use crate::act::Act;
use crate::legal::versions::Standing;
use crate::legal::{PolicyRefused, PolicyVersion};
use crate::{CommitError, Governance};
use jiff::Timestamp;
use muster_residency::Rules;
use muster_residency::canonical::hash_text;
use muster_residency::policy::Signer as SignedBy;
use std::fmt::Write as _;
use std::sync::PoisonError;

/// Why a policy is not in force.
#[derive(Debug, thiserror::Error)]
pub enum GovernError {
    /// It is refused: the one in force stays in force.
    #[error(transparent)]
    Refused(Box<PolicyRefused>),
    /// The journal did not take it.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<PolicyRefused> for GovernError {
    fn from(refused: PolicyRefused) -> Self {
        Self::Refused(Box::new(refused))
    }
}

impl Ledger {
    /// Hands in a policy: checked, compared with the one in force, and accepted with the
    /// signatures that its direction asks for. It then decides from its own date on, at commit
    /// and at dispatch, and re-decides what is held. What is refused changes nothing.
    ///
    /// `None` says that the box has no policy: everything waits. The last accepted one comes back
    /// without new signatures.
    pub async fn govern(
        &self,
        actor: &str,
        governance: Option<Governance>,
    ) -> Result<(), GovernError> {
        let _one = self.inner.changing.lock().await;
        let result = self.hand_in(actor, governance).await;
        let told = result.as_ref().err().map(ToString::to_string);
        *self.inner.refused.lock().unwrap_or_else(PoisonError::into_inner) = told;
        result
    }

    async fn hand_in(
        &self,
        actor: &str,
        governance: Option<Governance>,
    ) -> Result<(), GovernError> {
        let now_ms = self.inner.shared.clock.now_ms();
        let (current, stands, standing, enrolled) = {
            let core = self.core();
            let (state, legal) = (&core.state, &core.state.legal);
            let stands = governance.as_ref().is_some_and(|g| legal.versions.stands(g, now_ms));
            let standing = Standing::of(&legal.versions, now_ms);
            let may_sign = legal.newcomers.seasoned(&state.signers, now_ms);
            (state.governance.clone(), stands, standing, may_sign)
        };
        let Some(governance) = governance else {
            if current.is_some() {
                self.inner.acts.submit(vec![Act::Governed { governance: None }]).await?;
            }
            return Ok(());
        };
        if stands {
            if current.is_none() {
                let governance = Some(governance);
                self.inner.acts.submit(vec![Act::Governed { governance }]).await?;
            }
            return Ok(());
        }
        let judge = move || standing.judge(governance, &enrolled);
        let judged = tokio::task::spawn_blocking(judge).await.map_err(|_| CommitError::Closed)?;
        let version = Box::new(judged.map_err(|refused| self.with_newcomers(refused, now_ms))?);
        let act = Act::PolicyAccepted { actor: actor.to_owned(), version };
        Ok(self.inner.acts.submit(vec![act]).await?)
    }

    /// Says of a refusal for want of signatures which signers are too new for theirs to count.
    fn with_newcomers(&self, mut refused: PolicyRefused, now_ms: i64) -> PolicyRefused {
        if let PolicyRefused::Signatures { why, .. } = &mut refused {
            let core = self.core();
            for signer in &core.state.signers {
                let until = core.state.legal.newcomers.waits_until(signer, now_ms);
                if let Some(from) = until.and_then(|ms| Timestamp::from_millisecond(ms).ok()) {
                    // Writing to a string does not fail.
                    let _ = write!(why, " | {} is new and signs from {from} on", signer.person);
                }
            }
        }
        refused
    }

    /// The policy in force, as texts.
    pub fn governance(&self) -> Option<Governance> {
        let now_ms = self.inner.shared.clock.now_ms();
        let core = self.core();
        let accepted = core.state.legal.versions.in_force(now_ms);
        let governance = core.state.governance.as_ref();
        governance.map(|told| accepted.map_or(told, |version| &version.governance).clone())
    }

    /// Every version that was accepted, by acceptance, with its texts.
    pub fn policy_versions(&self) -> Vec<PolicyVersion> {
        self.core().state.legal.versions.list().to_vec()
    }

    /// Whose word the policy in force is in force by.
    pub fn policy_signers(&self) -> Vec<SignedBy> {
        self.core().decider.signers().to_vec()
    }

    /// The rules of a policy and a law pack by their hashes (`sha256:…`), as they once were in
    /// force: with them any decision of that time can be replayed.
    pub fn rules_of(&self, policy_hash: &str, law_pack_hash: &str) -> Option<Rules> {
        let core = self.core();
        let versions = core.state.legal.versions.list().iter();
        let mut compiled = versions
            .filter(|v| v.policy_hash == policy_hash && v.law_pack_hash == law_pack_hash)
            .filter_map(|v| crate::decider::compile(&v.governance).ok());
        compiled.find(|rules| hash_text(&rules.policy_hash()) == policy_hash)
    }

    /// Why the policy that was handed in last is not in force; `None` if it is.
    pub fn policy_refused(&self) -> Option<String> {
        self.inner.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
