//! What people at the box tell the ledger of the law and of each other's rights, and what it tells
//! of that: papers, notices, consents, restriction, counters, requests, the emergency stop.
//!
//! Every change is an act, re-decides what is held, and is judged again at dispatch.

use super::Ledger;
use crate::act::Act;
use crate::legal::approvals::{LIFE_MS, is_timely, trusted};
use crate::legal::people::MAX_NOTICES;
use crate::legal::*;
use crate::{ClockTrust, CommitError, Signer};
use jiff::Timestamp;
use muster_attendance::{EventId, PersonId};
use muster_residency::approval::{self, Part};
use muster_residency::facts::Counters;
use muster_residency::meter::{self, Mark};
use muster_residency::policy::Signer as SignedBy;
use muster_residency::vocab::{Law, Verdict};
use std::time::Duration;

/// How long the emergency stop waits for what is on its way to be called back.
const CALL_BACK: Duration = Duration::from_secs(5);
/// People who are given a notice in one act.
const MAX_GIVEN: usize = 10_000;

/// A change of a person's, or of their guardian's, consent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConsentChange {
    /// A guardian's.
    pub guardian: bool,
    /// Given, or withdrawn.
    pub given: bool,
    /// From this moment on.
    pub from: Timestamp,
    /// Given until just before here; `None` is until withdrawn.
    pub to: Option<Timestamp>,
}

/// Reading.
impl Ledger {
    /// The registry of legal evidence, by number; withdrawn documents included.
    pub fn papers(&self) -> Vec<PaperOnFile> {
        self.core().state.legal.papers.list()
    }

    /// Every version of every notice, in the order of publication.
    pub fn notices(&self) -> Vec<Notice> {
        self.core().state.legal.notices.list().to_vec()
    }

    /// What is on record of one person: consents, notices, restriction; joined persons resolved.
    pub fn person_legal(&self, person: PersonId) -> PersonLegal {
        let person = self.directory().resolve(person);
        self.core().state.legal.people.get(person).cloned().unwrap_or_default()
    }

    /// Counters of exports, totals first: this box's own part, without any baseline.
    pub fn export_counts(&self) -> Vec<ExportCount> {
        self.core().state.legal.counters.rows()
    }

    /// What was entered of other systems' exports; without it every figure is a lower bound.
    pub fn baseline(&self, law: Law, year: i16) -> Option<Baseline> {
        self.core().state.legal.counters.baseline(law, year).cloned()
    }

    /// The threshold meter of this year under a law: the legal scale and the early alarm, with the
    /// day on which each would be reached. `None` without a policy.
    pub fn meter(&self, law: Law) -> Option<Vec<Mark>> {
        let now_ms = self.inner.shared.clock.now_ms();
        let year = counters::year_of(law, now_ms);
        let core = self.core();
        let known = &core.state.legal.counters;
        let base = known.baseline(law, year).map(|base| Counters {
            persons: base.persons,
            sensitive: base.sensitive,
            records: base.records,
        });
        let rows = known.rows();
        let own = rows.iter().find(|r| (r.law, r.year) == (law, year) && r.destination.is_none());
        let own = own.map_or(Counters::default(), |row| Counters {
            persons: row.persons,
            sensitive: row.sensitive,
            records: row.records,
        });
        let threshold = &core.decider.rules()?.law_pack().threshold;
        let now = Timestamp::from_millisecond(now_ms).unwrap_or_default();
        let today = now.to_zoned(counters::zone(law)).date();
        Some(meter::marks(own, base, threshold, today))
    }

    /// Records taken in, by calendar year of the site's zone.
    pub fn processed(&self) -> Vec<(i16, u64)> {
        self.core().state.legal.processed.iter().map(|(&year, &count)| (year, count)).collect()
    }

    /// The emergency stop, if it is on.
    pub fn local_only(&self) -> Option<LocalOnly> {
        self.core().state.legal.local_only.clone()
    }

    /// Requests that need two people, by age; open, approved and over.
    pub fn requests(&self) -> Vec<Request> {
        self.core().state.legal.approvals.list().to_vec()
    }
}

/// Papers.
impl Ledger {
    /// Files a document; gives its number.
    pub async fn file_paper(&self, actor: &str, paper: PaperFiled) -> Result<u32, LegalError> {
        paper.check()?;
        let _one = self.inner.changing.lock().await;
        let number = self.core().state.legal.papers.next_number()?;
        let actor = actor.to_owned();
        self.submit(Act::PaperFiled { actor, number, paper }).await?;
        Ok(number)
    }

    /// Takes a document back: it counts for nothing from now on.
    pub async fn withdraw_paper(
        &self,
        actor: &str,
        number: u32,
        reason: &str,
    ) -> Result<(), LegalError> {
        let known = self.core().state.legal.papers.get(number).map(|p| p.withdrawn_ms.is_some());
        match known {
            None => Err(PaperError::Unknown.into()),
            Some(true) => Ok(()),
            Some(false) => {
                let (actor, reason) = (actor.to_owned(), reason.to_owned());
                self.submit(Act::PaperWithdrawn { actor, number, reason }).await
            }
        }
    }
}

/// People.
impl Ledger {
    /// Notes that a person, or their guardian, consents or no longer does.
    pub async fn set_consent(
        &self,
        actor: &str,
        person: PersonId,
        change: ConsentChange,
    ) -> Result<(), LegalError> {
        let ConsentChange { guardian, given, from, to } = change;
        if to.is_some_and(|to| to <= from) {
            return Err(LegalError::Invalid("the consent ends before it begins".into()));
        }
        let person = self.directory().resolve(person);
        let actor = actor.to_owned();
        self.submit(Act::ConsentSet { actor, person, guardian, given, from, to }).await
    }

    /// Publishes a version of a notice.
    pub async fn publish_notice(&self, actor: &str, notice: Notice) -> Result<(), LegalError> {
        let _one = self.inner.changing.lock().await;
        {
            let core = self.core();
            let notices = &core.state.legal.notices;
            if notices.has_newer(&notice.kind, notice.version) {
                let text = "there is a notice of this or a later version; give it a higher one";
                return Err(LegalError::Invalid(text.into()));
            }
            if notices.list().len() >= MAX_NOTICES {
                return Err(LegalError::Invalid(format!("no more than {MAX_NOTICES} notices")));
            }
        }
        if notice.kind.is_empty() || notice.languages.is_empty() || notice.destinations.is_empty() {
            let text = "a notice needs a kind, a language and the destinations it tells of";
            return Err(LegalError::Invalid(text.into()));
        }
        let actor = actor.to_owned();
        self.submit(Act::NoticePublished { actor, notice }).await
    }

    /// Notes that people were given a version of a notice in a language.
    pub async fn give_notice(
        &self,
        actor: &str,
        kind: &str,
        version: u32,
        language: &str,
        people: &[PersonId],
    ) -> Result<(), LegalError> {
        {
            let core = self.core();
            let notice = core.state.legal.notices.get(kind, version);
            let languages = notice.map(|notice| notice.languages.clone());
            let written = languages.ok_or_else(|| {
                LegalError::Invalid("there is no such version of this notice".into())
            })?;
            if !written.iter().any(|known| known == language) {
                let text = format!("the notice is written in {} alone", written.join(", "));
                return Err(LegalError::Invalid(text));
            }
        }
        let directory = self.directory();
        for some in people.chunks(MAX_GIVEN) {
            let people = some.iter().map(|&person| directory.resolve(person)).collect();
            let (actor, kind) = (actor.to_owned(), kind.to_owned());
            let language = language.to_owned();
            self.submit(Act::NoticeGiven { actor, kind, version, language, people }).await?;
        }
        Ok(())
    }

    /// A person restricts processing: nothing of theirs leaves from now on; or lifts that.
    pub async fn restrict(
        &self,
        actor: &str,
        person: PersonId,
        on: bool,
        reason: &str,
    ) -> Result<(), LegalError> {
        let person = self.directory().resolve(person);
        let (actor, reason) = (actor.to_owned(), reason.to_owned());
        self.submit(Act::PersonRestricted { actor, person, on, reason }).await
    }

    /// The day on which a person leaves, in the site's zone; `None` takes it back.
    pub async fn set_leaving(
        &self,
        actor: &str,
        person: PersonId,
        on: Option<jiff::civil::Date>,
    ) -> Result<(), LegalError> {
        let (person, actor) = (self.directory().resolve(person), actor.to_owned());
        self.submit(Act::PersonLeaves { actor, person, on }).await
    }

    /// Enters what other systems of the company exported in a year.
    pub async fn set_baseline(
        &self,
        law: Law,
        year: i16,
        baseline: Baseline,
    ) -> Result<(), LegalError> {
        self.submit(Act::BaselineSet { law, year, baseline }).await
    }
}

/// The emergency stop, and what two people decide.
impl Ledger {
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
        self.may_ask(&action)?;
        let shared = &self.inner.shared;
        let _one = self.inner.changing.lock().await;
        let now_ms = self.timely(at_ms)?;
        let text = request_text(&action, &shared.site, at_ms);
        let request = {
            let core = self.core();
            let state = &core.state;
            let approvals = &state.legal.approvals;
            let mut request = approvals.ask(action, text, at_ms, line, &state.signers)?;
            request.at_ms = now_ms;
            request
        };
        let acts = vec![Act::RequestMade { request: request.clone() }];
        self.inner.acts.submit(acts).await?;
        Ok(request)
    }

    /// Approves an open request; `line` is the approver's signature over its text. What was asked
    /// for is done when this returns.
    pub async fn approve(&self, id: &str, line: &str) -> Result<Request, RequestError> {
        let _one = self.inner.changing.lock().await;
        let now_ms = self.trusted_now()?;
        let (request, by) = {
            let core = self.core();
            let state = &core.state;
            state.legal.approvals.approve(id, now_ms, line, &state.signers)?
        };
        let mut acts = vec![Act::RequestApproved { id: request.id.clone(), by: by.clone() }];
        let actor = format!("{} and {}", request.asked_by.person, by.person);
        match &request.action {
            Action::LocalOnlyOff => acts.push(Act::LocalOnly { on: false, actor }),
            Action::EnrolSigners { signers } => {
                acts.push(Act::SignersEnrolled { signers: signers.clone() });
            }
            action @ (Action::WriteAccount { .. } | Action::ResetAccount { .. }) => {
                if let Action::ResetAccount { name } = action
                    && [&request.asked_by.person, &by.person].contains(&name)
                {
                    let text = "two others reset a log-in, not its owner";
                    return Err(RequestError::Refused(text.into()));
                }
                self.write_decided(actor, action, acts).await?;
                return Ok(Request { approved_by: Some(by), ..request });
            }
            Action::Erase { person, biometrics_only } => {
                let erasure = self.plan_erasure(&request.id, *person, *biometrics_only).await?;
                acts.push(Act::PersonErased { erasure: erasure.clone() });
                self.inner.acts.submit(acts).await?;
                self.carry_out(erasure).await?;
                return Ok(Request { approved_by: Some(by), ..request });
            }
        }
        self.inner.acts.submit(acts).await?;
        Ok(Request { approved_by: Some(by), ..request })
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
        let decision = explained.decision.filter(|d| d.decision == Verdict::Approve);
        let destination = decision.and_then(|d| d.would_be).ok_or_else(refused)?;
        let policy = explained.rules.ok_or_else(refused)?.policy_sha256;
        let text = release_text(&id.to_string(), &destination, &policy, at_ms);
        let signers = self.signers();
        let by = approval::verify(Part::Approve, &text, line, &trusted(&signers))?;
        let approval = RecordApproval {
            destination,
            policy_sha256: policy,
            by: by.clone(),
            until_ms: now_ms.saturating_add(LIFE_MS),
        };
        let (record, person) = (id.number(), explained.attendance.person);
        let acts = vec![Act::RecordApproved { record, person, approval }];
        self.inner.acts.submit(acts).await?;
        Ok(by)
    }

    /// The box's time, if it can say what has expired.
    fn trusted_now(&self) -> Result<i64, RequestError> {
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
        let text = "who may sign is changed by two people: make a request and let the other \
                    approve it";
        Err(CommitError::Invalid(text.into()))
    }

    pub(super) async fn submit(&self, act: Act) -> Result<(), LegalError> {
        Ok(self.inner.acts.submit(vec![act]).await?)
    }
}

/// Why a legal fact was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LegalError {
    /// The document cannot be filed.
    #[error(transparent)]
    Paper(#[from] PaperError),
    /// It makes no sense; the text says why.
    #[error("{0}")]
    Invalid(String),
    /// The journal did not take it.
    #[error(transparent)]
    Commit(#[from] CommitError),
}
