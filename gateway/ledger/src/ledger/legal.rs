//! What people at the box tell the ledger of the law and of each other's rights, and what it tells
//! of that: papers, notices, consents, restriction, counters.
//!
//! Every change is an act, re-decides what is held, and is judged again at dispatch. What holds
//! more takes one person; what frees records is proposed, and takes two.

use super::Ledger;
use crate::CommitError;
use crate::act::Act;
use crate::legal::people::MAX_NOTICES;
use crate::legal::*;
use jiff::Timestamp;
use muster_attendance::PersonId;
use muster_residency::facts::Counters;
use muster_residency::meter::{self, Mark};
use muster_residency::vocab::Law;

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

    /// What is on record for taking a person's fingerprint or face.
    pub fn enrolment_grounds(&self, person: PersonId) -> EnrolmentGrounds {
        let now = self.trusted_now().ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let age_band = self.directory().profile(person).and_then(|profile| profile.age_band);
        let person = self.person_legal(person);
        let core = self.core();
        let legal = &core.state.legal;
        EnrolmentGrounds::look_up(
            (&legal.notices, &legal.papers),
            &person,
            age_band.as_deref(),
            now,
        )
    }

    /// Counters of exports, totals first: this box's own part, without any baseline.
    pub fn export_counts(&self) -> Vec<ExportCount> {
        self.core().state.legal.counters.rows()
    }

    /// What was entered of other systems' exports; without it every figure is a lower bound.
    pub fn baseline(&self, law: Law, year: i16) -> Option<Baseline> {
        self.core().state.legal.counters.baseline(law, year).cloned()
    }

    /// Laws and years for which a baseline was entered.
    pub fn baselines(&self) -> Vec<(Law, i16)> {
        self.core().state.legal.counters.baselines()
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
}

/// Papers.
impl Ledger {
    /// Files a document, as [`Ledger::propose`] says.
    pub async fn file_paper(
        &self,
        actor: &str,
        paper: PaperFiled,
    ) -> Result<Option<Request>, RequestError> {
        self.propose(actor, Action::FilePaper { paper: Box::new(paper) }).await
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
    /// Notes that a person, or their guardian, no longer consents; or proposes that they do, as
    /// [`Ledger::propose`] says.
    pub async fn set_consent(
        &self,
        actor: &str,
        person: PersonId,
        change: ConsentChange,
    ) -> Result<Option<Request>, RequestError> {
        let ConsentChange { guardian, given, from, to } = change;
        if given {
            return self.propose(actor, Action::GiveConsent { person, guardian, from, to }).await;
        }
        let person = self.directory().resolve(person);
        let actor = actor.to_owned();
        let act = Act::ConsentSet { actor, person, guardian, given, from, to };
        self.inner.acts.submit(vec![act]).await?;
        Ok(None)
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

    /// Whether there is such a version of a notice in this language.
    pub(super) fn check_notice(
        &self,
        kind: &str,
        version: u32,
        language: &str,
    ) -> Result<(), LegalError> {
        let core = self.core();
        let Some(notice) = core.state.legal.notices.get(kind, version) else {
            return Err(LegalError::Invalid("there is no such version of this notice".into()));
        };
        if !notice.languages.iter().any(|known| known == language) {
            let text = format!("the notice is written in {} alone", notice.languages.join(", "));
            return Err(LegalError::Invalid(text));
        }
        Ok(())
    }

    /// A person restricts processing: nothing of theirs leaves from now on. Or the end of it is
    /// proposed, as [`Ledger::propose`] says.
    pub async fn restrict(
        &self,
        actor: &str,
        person: PersonId,
        on: bool,
        reason: &str,
    ) -> Result<Option<Request>, RequestError> {
        let (actor, reason) = (actor.to_owned(), reason.to_owned());
        if !on {
            return self.propose(&actor, Action::LiftRestriction { person, reason }).await;
        }
        let person = self.directory().resolve(person);
        let act = Act::PersonRestricted { actor, person, on, reason };
        self.inner.acts.submit(vec![act]).await?;
        Ok(None)
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

    /// Enters what other systems of the company exported in a year; where that counts fewer than
    /// before, proposes it, as [`Ledger::propose`] says.
    pub async fn set_baseline(
        &self,
        law: Law,
        year: i16,
        baseline: Baseline,
    ) -> Result<Option<Request>, RequestError> {
        let known = self.baseline(law, year);
        if known.is_some_and(|known| baseline.is_below(&known)) {
            let (actor, by, at_ms) = (baseline.by.clone(), String::new(), 0);
            let baseline = Baseline { by, at_ms, ..baseline };
            return self.propose(&actor, Action::LowerBaseline { law, year, baseline }).await;
        }
        self.inner.acts.submit(vec![Act::BaselineSet { law, year, baseline }]).await?;
        Ok(None)
    }
}

impl Ledger {
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
