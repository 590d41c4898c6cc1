//! Drafts of policies on the page: drafting, previewing, signing.
//!
//! One rule with the command line and the configured file: [`Standing::judge`] alone accepts.

use super::{GovernError, Ledger, LegalError, Steward};
use crate::act::Act;
use crate::legal::drafts::{MAX_OPEN, MAX_TEXT};
use crate::legal::versions::Standing;
use crate::legal::*;
use crate::{CommitError, Governance};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use muster_residency::approval;
use muster_residency::check::{self, Finding};
use muster_residency::key::TrustedSigner;
use muster_residency::policy::Signer as SignedBy;
use muster_residency::{LawPack, Policy, signature};
use std::sync::PoisonError;

/// What a signature under a draft comes to.
#[derive(Debug)]
pub enum DraftSigned {
    /// It stands, and others are missing; the text says which.
    Waits(String),
    /// It was the last: the version is accepted.
    Accepted(Box<PolicyVersion>),
}

impl Steward {
    /// Drafts that may be signed now, by age.
    pub fn drafts(&self) -> Vec<PolicyDraft> {
        let ledger = &self.0;
        let now_ms = ledger.inner.shared.clock.now_ms();
        ledger.core().state.legal.drafts.open(now_ms)
    }

    /// What a draft would change, and what it still needs. Changes nothing.
    pub async fn preview(&self, governance: Governance) -> Result<PolicyPreview, GovernError> {
        let (standing, enrolled) = self.0.standing();
        let work = move || standing.preview(&governance, &enrolled);
        let done = tokio::task::spawn_blocking(work).await.map_err(|_| CommitError::Closed)?;
        Ok(done?)
    }

    /// What is wrong with a policy, and what to know before it is signed: the publish-time checks,
    /// papers it rests on, the law pack's review.
    pub fn findings(&self, policy: &Policy, pack: &LawPack) -> Vec<Finding> {
        let now_ms = self.0.inner.shared.clock.now_ms();
        let now = Timestamp::from_millisecond(now_ms).unwrap_or_default();
        let papers = self.0.core().state.legal.papers.for_engine();
        let mut found = check::check(policy, pack);
        found.extend(check::check_review(policy, pack, now.to_zoned(TimeZone::UTC).date()));
        found.extend(check::check_registry(policy, &papers, now));
        found
    }

    /// The types of paper that the policy in force and its law pack name.
    pub fn paper_types(&self) -> Vec<String> {
        let rules = self.0.rules();
        rules.map(|rules| check::paper_types(rules.policy(), rules.law_pack())).unwrap_or_default()
    }

    /// Puts a draft beside the policy in force, where it could follow it. It waits a day for its
    /// signatures.
    pub async fn draft_policy(
        &self,
        account: &str,
        governance: Governance,
    ) -> Result<PolicyDraft, GovernError> {
        let invalid = |text: String| GovernError::Commit(CommitError::Invalid(text));
        if governance.policy.len() > MAX_TEXT {
            let text =
                format!("a draft has at most {MAX_TEXT} bytes; publish a longer one as a file");
            return Err(invalid(text));
        }
        let now_ms = self.0.inner.shared.clock.now_ms();
        let draft = PolicyDraft::new(governance, account, now_ms)?;
        self.preview(draft.governance.clone()).await?;
        let _one = self.0.inner.changing.lock().await;
        let open = self.drafts();
        if let Some(known) = open.iter().find(|known| known.id == draft.id) {
            return Ok(known.clone());
        }
        if open.len() >= MAX_OPEN {
            return Err(invalid(format!("no more than {MAX_OPEN} drafts; put one of them away")));
        }
        let act = Act::PolicyDrafted { draft: Box::new(draft.clone()) };
        self.0.inner.acts.submit(vec![act]).await?;
        Ok(draft)
    }

    /// Puts a draft away.
    pub async fn drop_draft(&self, account: &str, id: &str) -> Result<(), LegalError> {
        let _one = self.0.inner.changing.lock().await;
        if !self.drafts().iter().any(|draft| draft.id == id) {
            return Ok(());
        }
        let (actor, id) = (account.to_owned(), id.to_owned());
        self.0.submit(Act::PolicyDraftDropped { actor, id }).await
    }

    /// Signs a draft with a line that the account's own key made over it. Where that was the last
    /// signature its direction asks for, the version is accepted when this returns.
    pub async fn sign_draft(
        &self,
        account: &str,
        id: &str,
        line: &str,
    ) -> Result<DraftSigned, RequestError> {
        self.own_line(account, line)?;
        let ledger = &self.0;
        let _one = ledger.inner.changing.lock().await;
        let now_ms = ledger.trusted_now()?;
        let open = self.drafts().into_iter().find(|draft| draft.id == id);
        let draft = open.ok_or_else(|| {
            RequestError::Refused("there is no such draft any more; they live a day".into())
        })?;
        let by = ledger.signer_of(&draft, line, now_ms)?;
        let governance = draft.signed(line);
        let (standing, enrolled) = ledger.standing();
        let judge = move || standing.judge(governance, &enrolled);
        let judged = tokio::task::spawn_blocking(judge).await.map_err(|_| CommitError::Closed)?;
        let (id, line) = (id.to_owned(), line.trim_end().to_owned());
        let mut acts = vec![Act::PolicyDraftSigned { id, line, by }];
        let signed = match judged {
            Ok(version) => {
                let (actor, version) = (account.to_owned(), Box::new(version));
                acts.push(Act::PolicyAccepted { actor, version: version.clone() });
                DraftSigned::Accepted(version)
            }
            Err(refused @ PolicyRefused::Signatures { .. }) => {
                DraftSigned::Waits(refused.to_string())
            }
            Err(refused) => return Err(RequestError::Refused(refused.to_string())),
        };
        ledger.inner.acts.submit(acts).await?;
        if matches!(signed, DraftSigned::Accepted(_)) {
            *ledger.inner.refused.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        Ok(signed)
    }

    /// Refuses a signature that is another person's than the account's.
    pub(super) fn own_line(&self, account: &str, line: &str) -> Result<(), RequestError> {
        if approval::signer_named(line).is_some_and(|(person, _)| person == account) {
            return Ok(());
        }
        let text = "the signature is another person's than the account's";
        Err(RequestError::Refused(text.into()))
    }
}

impl Ledger {
    /// What a policy is compared with now, and who may sign one.
    fn standing(&self) -> (Standing, Vec<TrustedSigner>) {
        let now_ms = self.inner.shared.clock.now_ms();
        let core = self.core();
        let (state, legal) = (&core.state, &core.state.legal);
        let may_sign = legal.newcomers.seasoned(&state.signers, now_ms);
        (Standing::of(&legal.versions, now_ms), may_sign)
    }

    /// Who made the one line, if it is good for this draft.
    fn signer_of(
        &self,
        draft: &PolicyDraft,
        line: &str,
        now_ms: i64,
    ) -> Result<SignedBy, RequestError> {
        let refused = |error: &dyn ToString| RequestError::Refused(error.to_string());
        let line = line.trim_end();
        if line.contains('\n') {
            return Err(refused(&"give one line, the one that your own key made"));
        }
        let policy = Policy::parse(&draft.governance.policy).map_err(|error| refused(&error))?;
        let pack = LawPack::parse(&draft.governance.law_pack).map_err(|error| refused(&error))?;
        let verified = signature::verify(line, &policy, &pack, &self.may_sign(line, now_ms)?);
        match (verified.signers.into_iter().next(), verified.refused.first()) {
            (Some(by), _) => Ok(by),
            (None, Some(fault)) => Err(refused(&fault.fault)),
            (None, None) => Err(refused(&signature::SignatureFault::Format)),
        }
    }
}
