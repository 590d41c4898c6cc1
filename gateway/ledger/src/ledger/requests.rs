//! The emergency stop, and what two people decide: asking, proposing, approving, carrying out.
//!
//! What frees records, destroys, or changes who signs is not done by one person. Signed with a
//! signer's key it is a request, which another signer approves; without a key it is a proposal,
//! which takes two. Until the first policy is accepted the box is being set up: nothing can leave,
//! so what is filed is on file at once, and a signer adds another alone.

use super::{Ledger, LegalError};
use crate::act::Act;
use crate::legal::approvals::{Agreed, LIFE_MS, is_timely};
use crate::legal::*;
use crate::{ClockTrust, CommitError, Signer};
use jiff::Timestamp;
use muster_attendance::EventId;
use muster_residency::approval::{self, Part};
use muster_residency::key::TrustedSigner;
use muster_residency::policy::Signer as SignedBy;
use muster_residency::vocab::Verdict;
use std::time::Duration;

/// How long the emergency stop waits for what is on its way to be called back.
const CALL_BACK: Duration = Duration::from_secs(5);
/// People who are given a notice in one act.
const MAX_GIVEN: usize = 10_000;

impl Ledger {
    /// Requests that need two people, by age; open, approved and over.
    pub fn requests(&self) -> Vec<Request> {
        self.core().state.legal.approvals.list().to_vec()
    }

    /// Nothing leaves from now on, and what is on its way is called back. One person may do so;
    /// the end of it takes two. In force at once, even where the journal cannot take it.
    pub async fn stop(&self, actor: &str) -> Result<(), LegalError> {
        self.inner.shared.stop.send_replace(true);
        if self.local_only().is_none() {
            self.submit(Act::LocalOnly { on: true, actor: actor.to_owned() }).await?;
        }
        let back = async {
            while self.core().state.standing.queues().iter().any(|queue| queue.is_sending()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(CALL_BACK, back).await.is_err() {
            let text = "the stop is on, but a connection did not end within 5 s; unplug the \
                        network and restart the box";
            return Err(LegalError::Invalid(text.into()));
        }
        Ok(())
    }

    /// Asks for what two people must decide; `line` is the asker's signature over the exact text
    /// of [`request_text`] for this site and `at_ms`. Gives the request.
    pub async fn ask(
        &self,
        action: Action,
        at_ms: i64,
        line: &str,
    ) -> Result<Request, RequestError> {
        let _one = self.inner.changing.lock().await;
        let now_ms = self.timely(at_ms)?;
        self.may_ask(&action)?;
        self.check_action(&action)?;
        let text = request_text(&action, &self.inner.shared.site, at_ms);
        let signers = self.may_sign(line, now_ms)?;
        let asked_by = approval::verify(Part::Ask, &text, line, &signers)?;
        let mut request = self.core().state.legal.approvals.draft(action, text, now_ms)?;
        request.asked_by = Some(asked_by);
        let mut acts = Vec::new();
        if self.is_mutual_enrolment(&request.action) {
            request.approved_by = request.asked_by.clone();
            acts = self.acts_of(&request, now_ms)?;
        }
        acts.insert(0, Act::RequestMade { request: request.clone() });
        self.inner.acts.submit(acts).await?;
        Ok(request)
    }

    /// Does what frees records where the box is still being set up; else proposes it, for two
    /// signers to approve. Gives the request where there is one.
    pub async fn propose(
        &self,
        actor: &str,
        action: Action,
    ) -> Result<Option<Request>, RequestError> {
        let _one = self.inner.changing.lock().await;
        self.may_ask(&action)?;
        self.check_action(&action)?;
        let now_ms = self.inner.shared.clock.now_ms();
        let text = request_text(&action, &self.inner.shared.site, now_ms);
        let mut request = self.core().state.legal.approvals.draft(action, text, now_ms)?;
        request.proposed_by = Some(actor.to_owned());
        if !self.core().state.legal.is_set_up() && request.action.frees_records() {
            let acts = self.acts_of(&request, now_ms)?;
            self.inner.acts.submit(acts).await?;
            return Ok(None);
        }
        self.trusted_now()?;
        self.inner.acts.submit(vec![Act::RequestMade { request: request.clone() }]).await?;
        Ok(Some(request))
    }

    /// Approves an open request; `line` is the approver's signature over its text. Under a proposal
    /// the first of two; where nobody is left to ask, what was asked for is done when this returns.
    pub async fn approve(&self, id: &str, line: &str) -> Result<Request, RequestError> {
        let _one = self.inner.changing.lock().await;
        let now_ms = self.trusted_now()?;
        let signers = self.may_sign(line, now_ms)?;
        let agreed = self.core().state.legal.approvals.approve(id, now_ms, line, &signers)?;
        let (request, by) = match agreed {
            Agreed::First(request, by) => {
                let act = Act::RequestBacked { id: request.id.clone(), by: by.clone() };
                self.inner.acts.submit(vec![act]).await?;
                return Ok(Request { asked_by: Some(by), ..request });
            }
            Agreed::Both(request, first, by) => (Request { asked_by: Some(first), ..request }, by),
        };
        let request = Request { approved_by: Some(by.clone()), ..request };
        let mut acts = vec![Act::RequestApproved { id: request.id.clone(), by }];
        if let Action::WriteAccount { .. } | Action::ResetAccount { .. } = &request.action {
            self.decide_account(&request, acts).await?;
            return Ok(request);
        }
        if let Action::Erase { person, biometrics_only } = request.action {
            let erasure = self.plan_erasure(&request.id, person, biometrics_only).await?;
            acts.push(Act::PersonErased { erasure: erasure.clone() });
            self.inner.acts.submit(acts).await?;
            self.carry_out(erasure).await?;
            return Ok(request);
        }
        self.check_action(&request.action)?;
        acts.extend(self.acts_of(&request, now_ms)?);
        self.inner.acts.submit(acts).await?;
        Ok(request)
    }

    /// Lets one record go that waits for approval; `line` is the approver's signature over
    /// [`release_text`]. Good for a day, for the destination and policy it was decided under.
    pub async fn approve_record(
        &self,
        id: EventId,
        at_ms: i64,
        line: &str,
    ) -> Result<SignedBy, RequestError> {
        let now_ms = self.timely(at_ms)?;
        let refused = || RequestError::Refused("this record waits for no approval".into());
        let explained = self.explain(id).await?.ok_or_else(refused)?;
        let person = explained.person();
        let decision = explained.decision.filter(|d| d.decision == Verdict::Approve);
        let destination = decision.and_then(|d| d.would_be).ok_or_else(refused)?;
        let policy = explained.rules.ok_or_else(refused)?.policy_sha256;
        let text = release_text(&id.to_string(), &destination, &policy, at_ms);
        let signers = self.may_sign(line, now_ms)?;
        let by = approval::verify(Part::Approve, &text, line, &signers)?;
        let approval = RecordApproval {
            destination,
            policy_sha256: policy,
            by: by.clone(),
            until_ms: now_ms.saturating_add(LIFE_MS),
        };
        let acts = vec![Act::RecordApproved { record: id.number(), person, approval }];
        self.inner.acts.submit(acts).await?;
        Ok(by)
    }

    /// Writes the account that two people decided on; neither of them is whose log-in is reset.
    async fn decide_account(&self, request: &Request, acts: Vec<Act>) -> Result<(), RequestError> {
        if let Action::ResetAccount { name } = &request.action {
            let mut both = request.asked_by.iter().chain(&request.approved_by);
            if both.any(|signer| signer.person == *name) {
                let text = "two others reset a log-in, not its owner";
                return Err(RequestError::Refused(text.into()));
            }
        }
        self.write_decided(actor(request), &request.action, acts).await
    }

    /// What is wrong with an action before anybody signs it, and again before it is done.
    fn check_action(&self, action: &Action) -> Result<(), LegalError> {
        let invalid = |text: &str| LegalError::Invalid(text.to_owned());
        match action {
            Action::FilePaper { paper } => {
                paper.check()?;
                self.core().state.legal.papers.next_number()?;
            }
            Action::GiveConsent { from, to, .. } if to.is_some_and(|to| to <= *from) => {
                return Err(invalid("the consent ends before it begins"));
            }
            Action::GiveNotice { kind, version, language, people } => {
                self.check_notice(kind, *version, language)?;
                if people.as_ref().is_some_and(Vec::is_empty) {
                    return Err(invalid("name the people who were given the notice"));
                }
            }
            Action::ChangeSigners { add, remove } => {
                signers::changed(&self.signers(), add, remove).map_err(invalid)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// The acts that carry out a request; those of an erasure or an account are planned apart.
    fn acts_of(&self, request: &Request, now_ms: i64) -> Result<Vec<Act>, LegalError> {
        let actor = actor(request);
        let resolved = |person| self.directory().resolve(person);
        Ok(match request.action.clone() {
            Action::Erase { .. } | Action::WriteAccount { .. } | Action::ResetAccount { .. } => {
                Vec::new()
            }
            Action::LocalOnlyOff => vec![Act::LocalOnly { on: false, actor }],
            Action::EnrolSigners { signers } => vec![Act::SignersEnrolled { signers }],
            Action::ChangeSigners { add, remove } => {
                let signers = signers::changed(&self.signers(), &add, &remove);
                let signers = signers.map_err(|text| LegalError::Invalid(text.to_owned()))?;
                vec![Act::SignersEnrolled { signers }]
            }
            Action::FilePaper { paper } => {
                let number = self.core().state.legal.papers.next_number()?;
                vec![Act::PaperFiled { actor, number, paper: *paper }]
            }
            Action::LowerBaseline { law, year, baseline } => {
                let baseline = Baseline { by: actor, at_ms: now_ms, ..baseline };
                vec![Act::BaselineSet { law, year, baseline }]
            }
            Action::GiveConsent { person, guardian, from, to } => {
                let (person, given) = (resolved(person), true);
                vec![Act::ConsentSet { actor, person, guardian, given, from, to }]
            }
            Action::LiftRestriction { person, reason } => {
                vec![Act::PersonRestricted { actor, person: resolved(person), on: false, reason }]
            }
            Action::GiveNotice { kind, version, language, people } => {
                let people = people.unwrap_or_else(|| self.directory().people());
                let people: Vec<_> = people.into_iter().map(resolved).collect();
                let given = |some: &[_]| Act::NoticeGiven {
                    actor: actor.clone(),
                    kind: kind.clone(),
                    version,
                    language: language.clone(),
                    people: some.to_vec(),
                };
                people.chunks(MAX_GIVEN).map(given).collect()
            }
        })
    }

    /// In the set-up window one signer enrols another; nobody goes.
    fn is_mutual_enrolment(&self, action: &Action) -> bool {
        let set_up = self.core().state.legal.is_set_up();
        !set_up && matches!(action, Action::ChangeSigners { remove, .. } if remove.is_empty())
    }

    /// Who may sign now; says so where the signer of `line` is too new.
    pub(super) fn may_sign(
        &self,
        line: &str,
        now_ms: i64,
    ) -> Result<Vec<TrustedSigner>, RequestError> {
        let core = self.core();
        let (newcomers, signers) = (&core.state.legal.newcomers, &core.state.signers);
        let named = approval::signer_named(line);
        for signer in signers {
            let is_named = named == Some((signer.person.as_str(), signer.role.as_str()));
            let waits = newcomers.waits_until(signer, now_ms).filter(|_| is_named);
            if let Some(until) = waits {
                return Err(RequestError::TooNew {
                    person: signer.person.clone(),
                    role: signer.role.clone(),
                    from: Timestamp::from_millisecond(until).unwrap_or_default(),
                });
            }
        }
        Ok(newcomers.seasoned(signers, now_ms))
    }

    /// The box's time, if it can say what has expired.
    pub(super) fn trusted_now(&self) -> Result<i64, RequestError> {
        let clock = &self.inner.shared.clock;
        match clock.trust() {
            ClockTrust::Trusted => Ok(clock.now_ms()),
            ClockTrust::Untrusted => Err(RequestError::Clock),
        }
    }

    fn timely(&self, at_ms: i64) -> Result<i64, RequestError> {
        let now_ms = self.trusted_now()?;
        if is_timely(at_ms, now_ms) { Ok(now_ms) } else { Err(RequestError::Time) }
    }

    /// Who signs is changed by two people; the first signers are enrolled at set-up.
    pub(super) fn may_enrol(&self, signers: &[Signer]) -> Result<(), CommitError> {
        let known = self.signers();
        if known.is_empty() || known == signers {
            return Ok(());
        }
        let text = "who may sign is changed by two people: `muster signers add`, and let the \
                    other approve it";
        Err(CommitError::Invalid(text.into()))
    }
}

/// How acts name whoever decided.
fn actor(request: &Request) -> String {
    match (&request.asked_by, &request.approved_by) {
        (Some(a), Some(b)) if a != b => format!("{} and {}", a.person, b.person),
        (Some(a), _) => a.person.clone(),
        (None, _) => request.proposed_by.clone().unwrap_or_default(),
    }
}
