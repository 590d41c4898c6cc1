//! What the administrator's, the officer's and the auditor's pages read and ask for: no more of
//! the ledger than that, and no secret.
//!
//! An account is who asks here. What takes two people is proposed, or approved with a line that a
//! signer signed with their own key, under the account of the same name.

use super::{Ledger, LegalError, Shadow};
use crate::act::Act;
use crate::legal::*;
use crate::{CommitError, Governance, Signer};
use jiff::Timestamp;
use jiff::civil::Date;
use muster_attendance::PersonId;
use muster_residency::meter::Mark;
use muster_residency::vocab::Law;

/// A handle for pages. Cheap to clone.
#[derive(Clone)]
pub struct Steward(pub(super) Ledger);

impl Ledger {
    /// The handle that pages of governance get.
    pub fn steward(&self) -> Steward {
        Steward(self.clone())
    }
}

/// Reading.
impl Steward {
    /// The registry of legal evidence.
    pub fn papers(&self) -> Vec<PaperOnFile> {
        self.0.papers()
    }

    /// What is on record for taking somebody's biometrics.
    pub fn enrolment_grounds(&self, person: PersonId) -> EnrolmentGrounds {
        self.0.enrolment_grounds(person)
    }

    /// Requests that need two people, by age.
    pub fn requests(&self) -> Vec<Request> {
        self.0.requests()
    }

    /// Who may sign, and from when on where they still wait.
    pub fn signers(&self) -> Vec<(Signer, Option<i64>)> {
        self.0.signers_since()
    }

    /// Versions of the policy, by acceptance.
    pub fn versions(&self) -> Vec<PolicyVersion> {
        self.0.policy_versions()
    }

    /// The emergency stop, if it is on.
    pub fn local_only(&self) -> Option<LocalOnly> {
        self.0.local_only()
    }

    /// The threshold meter of a law, as [`Ledger::meter`] has it.
    pub fn meter(&self, law: Law) -> Option<Vec<Mark>> {
        self.0.meter(law)
    }

    /// What is on record of a person.
    pub fn person_legal(&self, person: PersonId) -> PersonLegal {
        self.0.person_legal(person)
    }

    /// Requests of people, by number.
    pub fn rights_requests(&self) -> Vec<RightsRequest> {
        self.0.rights_requests()
    }

    /// Erasures with what is left to do.
    pub fn erasures(&self) -> Vec<Erasure> {
        self.0.erasures()
    }

    /// Tries a policy on the records of the last thirty days; changes nothing.
    pub async fn shadow(&self, governance: &Governance) -> Result<Shadow, CommitError> {
        self.0.shadow(governance).await
    }

    /// Packs that were asked for, by number.
    pub fn packs(&self) -> Vec<PackRequest> {
        self.0.core().state.legal.packs.list()
    }
}

/// Asking.
impl Steward {
    /// Nothing leaves from now on; one person may say so.
    pub async fn stop(&self, account: &str) -> Result<(), LegalError> {
        self.0.stop(account).await
    }

    /// Approves a request with a line signed by the account's own key.
    pub async fn approve(
        &self,
        account: &str,
        id: &str,
        line: &str,
    ) -> Result<Request, RequestError> {
        self.own_line(account, line)?;
        self.0.approve(id, line).await
    }

    /// Files a document, or proposes that it be filed, as [`Ledger::propose`] says.
    pub async fn file_paper(
        &self,
        account: &str,
        paper: PaperFiled,
    ) -> Result<Option<Request>, RequestError> {
        self.0.file_paper(account, paper).await
    }

    /// A person restricts processing, at once; or the end of it is proposed.
    pub async fn restrict(
        &self,
        account: &str,
        person: PersonId,
        on: bool,
        reason: &str,
    ) -> Result<Option<Request>, RequestError> {
        self.0.restrict(account, person, on, reason).await
    }

    /// Proposes that a person be erased.
    pub async fn propose_erasure(
        &self,
        account: &str,
        person: PersonId,
        biometrics_only: bool,
    ) -> Result<Option<Request>, RequestError> {
        self.0.propose(account, Action::Erase { person, biometrics_only }).await
    }

    /// Notes that a person makes use of a right, received now.
    pub async fn ask_right(
        &self,
        account: &str,
        person: PersonId,
        right: Right,
        law: Law,
    ) -> Result<RightsRequest, LegalError> {
        let now_ms = self.0.inner.shared.clock.now_ms();
        let now = Timestamp::from_millisecond(now_ms).unwrap_or_default();
        self.0.ask_right(account, person, right, law, now, None).await
    }

    /// Notes the answer to a request, as [`Ledger::answer_right`] says.
    pub async fn answer_right(
        &self,
        account: &str,
        number: u32,
        answer: &str,
    ) -> Result<(), LegalError> {
        self.0.answer_right(account, number, answer).await
    }

    /// Corrects what is known of a person, as [`Ledger::correct`] says.
    pub async fn correct(
        &self,
        account: &str,
        person: PersonId,
        profile: crate::PersonProfile,
        reason: &str,
    ) -> Result<Vec<String>, LegalError> {
        self.0.correct(account, person, profile, reason).await
    }

    /// An account asks for a pack about these days.
    pub async fn ask_pack(
        &self,
        account: &str,
        from: Date,
        to: Date,
    ) -> Result<PackRequest, LegalError> {
        let inner = &self.0.inner;
        let _one = inner.changing.lock().await;
        let number = self.0.core().state.legal.packs.next_number();
        let (asked_by, at_ms) = (account.to_owned(), inner.shared.clock.now_ms());
        let request = PackRequest { number, asked_by, at_ms, from, to, released: None };
        self.0.submit(Act::PackAsked { request: request.clone() }).await?;
        Ok(request)
    }

    /// Another account releases a pack to the one that asked.
    pub async fn release_pack(&self, account: &str, number: u32) -> Result<(), LegalError> {
        let invalid = |text: &str| LegalError::Invalid(text.to_owned());
        let _one = self.0.inner.changing.lock().await;
        let known = self.0.core().state.legal.packs.get(number).cloned();
        match known {
            None => Err(invalid("there is no such pack")),
            Some(request) if request.asked_by == account => {
                Err(invalid("who asked for a pack does not release it"))
            }
            Some(request) if request.released.is_some() => Ok(()),
            Some(_) => self.0.submit(Act::PackReleased { number, by: account.to_owned() }).await,
        }
    }

    /// The pack of this number, if the account may fetch it now; that it does is journaled.
    pub async fn fetch_pack(
        &self,
        account: &str,
        number: u32,
    ) -> Result<Option<PackRequest>, CommitError> {
        let now_ms = self.0.inner.shared.clock.now_ms();
        let known = self.0.core().state.legal.packs.get(number).cloned();
        let Some(request) = known.filter(|request| request.is_fetchable_by(account, now_ms)) else {
            return Ok(None);
        };
        self.0.note(account, "audit-pack-fetched").await?;
        Ok(Some(request))
    }
}
