//! People's rights: what they ask for, correcting, erasing.

use super::{Ledger, LegalError};
use crate::act::Act;
use crate::legal::retention::{Keeping, days_after};
use crate::legal::rights::due;
use crate::legal::{Elsewhere, Erasure, RequestError, Right, RightsRequest};
use crate::{
    CommitError, DeviceKind, DeviceState, DirectoryError, Keyring, KeyringError, PersonProfile,
};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use muster_attendance::PersonId;
use muster_residency::vocab::Law;
use std::collections::BTreeSet;

/// Days that are read back at a time.
const YEAR: i64 = 366;

/// Destroys the secrets that an erasure names; harmless if done before. Blocks.
pub(super) fn destroy(keyring: &Keyring, erasure: &Erasure) -> Result<(), KeyringError> {
    erasure.persons.iter().try_for_each(|&person| match erasure.is_of_all() {
        true => keyring.destroy_person(person),
        false => keyring.destroy_vault(person),
    })
}

impl Ledger {
    /// Notes that a person asks for something; the answer is owed by the law's time. `days` counts
    /// where the law here sets none.
    pub async fn ask_right(
        &self,
        actor: &str,
        person: PersonId,
        right: Right,
        law: Law,
        received: Timestamp,
        days: Option<i64>,
    ) -> Result<RightsRequest, LegalError> {
        let _one = self.inner.changing.lock().await;
        let zone = crate::legal::counters::zone(law);
        let request = RightsRequest {
            number: self.core().state.legal.rights.next_number(),
            person: self.directory().resolve(person),
            right,
            law,
            received_ms: received.as_millisecond(),
            due_ms: due(law, received, &zone, days).as_millisecond(),
            answered_ms: None,
            answer: None,
        };
        let act = Act::RightsAsked { actor: actor.to_owned(), request: request.clone() };
        self.submit(act).await?;
        Ok(request)
    }

    /// Notes the answer to a request.
    pub async fn answer_right(
        &self,
        actor: &str,
        number: u32,
        answer: &str,
    ) -> Result<(), LegalError> {
        let known = self.core().state.legal.rights.request(number).is_some();
        if !known {
            let text = "there is no such request; `muster person requests` shows what there is";
            return Err(LegalError::Invalid(text.into()));
        }
        let (actor, answer) = (actor.to_owned(), answer.to_owned());
        self.submit(Act::RightsAnswered { actor, number, answer }).await
    }

    /// Every request of people, by number.
    pub fn rights_requests(&self) -> Vec<RightsRequest> {
        self.core().state.legal.rights.requests()
    }

    /// Every erasure, by age.
    pub fn erasures(&self) -> Vec<Erasure> {
        self.core().state.legal.rights.erasures().to_vec()
    }

    /// Corrects what is known of a person, with a trail: which columns, by whom, and why.
    pub async fn correct(
        &self,
        actor: &str,
        person: PersonId,
        profile: PersonProfile,
        reason: &str,
    ) -> Result<Vec<String>, LegalError> {
        let person = self.directory().resolve(person);
        let before = self.directory().profile(person);
        let before = before.ok_or_else(|| LegalError::Invalid("there is no such person".into()))?;
        if before.person != profile.person {
            let text = "the number is the terminals'; map another with `muster person map`";
            return Err(LegalError::Invalid(text.into()));
        }
        let columns = differing(&before, &profile);
        if columns.is_empty() {
            return Ok(columns);
        }
        let (actor, reason) = (actor.to_owned(), reason.to_owned());
        let trail = Act::PersonCorrected { actor, person, columns: columns.clone(), reason };
        let corrected = self.directory().rewrite(person, profile, trail).await;
        corrected.map_err(|error| match error {
            DirectoryError::Commit(error) => LegalError::Commit(error),
            error => LegalError::Invalid(error.to_string()),
        })?;
        Ok(columns)
    }

    /// Notes that one thing which an erasure left to do elsewhere is done.
    pub async fn erased_elsewhere(
        &self,
        actor: &str,
        request: &str,
        place: Elsewhere,
    ) -> Result<Erasure, LegalError> {
        let open = |erasure: &&Erasure| erasure.request == request && erasure.todo.contains(&place);
        if !self.erasures().iter().any(|erasure| open(&erasure)) {
            let text = "no erasure has this left to do; `muster person erasures` shows what is";
            return Err(LegalError::Invalid(text.into()));
        }
        let (actor, request) = (actor.to_owned(), request.to_owned());
        let named = request.clone();
        self.submit(Act::ErasedElsewhere { actor, request, place }).await?;
        let done = self.erasures().into_iter().find(|erasure| erasure.request == named);
        done.ok_or(LegalError::Commit(CommitError::Closed))
    }

    /// What erasing a person comes to: whom, when, and what is left to do elsewhere.
    pub(super) async fn plan_erasure(
        &self,
        request: &str,
        person: PersonId,
        biometrics_only: bool,
    ) -> Result<Erasure, RequestError> {
        let directory = self.directory();
        let person = directory.resolve(person);
        if directory.profile(person).is_none() {
            return Err(RequestError::Refused("this person is erased already".into()));
        }
        let mut persons = vec![person];
        persons.extend(directory.joined(person));
        let terminals = self.devices().list().into_iter().filter(|device| {
            device.state != DeviceState::Revoked
                && matches!(device.kind, DeviceKind::M1 | DeviceKind::M2)
        });
        let mut todo: BTreeSet<Elsewhere> =
            terminals.map(|device| Elsewhere::Terminal(device.name)).collect();
        todo.insert(Elsewhere::Backups);
        let mut deferred = None;
        if !biometrics_only {
            todo.extend(self.regions_used());
            deferred = self.floor_of(person).await?;
        }
        let (deferred_ms, law) = deferred.unzip();
        Ok(Erasure {
            request: request.to_owned(),
            persons,
            biometrics_only,
            deferred_ms,
            law: law.flatten(),
            at_ms: 0,
            todo,
        })
    }

    /// Regions that were ever sent anything.
    fn regions_used(&self) -> Vec<Elsewhere> {
        let core = self.core();
        let used = core.state.standing.queues().iter().filter(|queue| queue.was_used());
        used.map(|queue| Elsewhere::Region(queue.destination.to_string())).collect()
    }

    /// Until when a statute wants a person's hours kept, and which; `None` if they may go now.
    async fn floor_of(&self, person: PersonId) -> Result<Option<(i64, Option<Law>)>, RequestError> {
        let Some(rules) = self.rules() else { return Ok(None) };
        let shared = &self.inner.shared;
        let keeping = Keeping::of(&rules, &shared.site);
        if keeping.floor == 0 {
            return Ok(None);
        }
        let now_ms = shared.clock.now_ms();
        let now = Timestamp::from_millisecond(now_ms).unwrap_or_default();
        let mut to = now.to_zoned(TimeZone::UTC).date().saturating_add(1.day());
        let (mut left, mut last) = (keeping.floor.saturating_add(2), None);
        // The newest year first.
        while left > 0 && last.is_none() {
            let days = left.min(YEAR);
            let from = to.saturating_sub((days - 1).days());
            let found = self.views().punches(&[person], from, to).await;
            let found = found.map_err(|error| RequestError::Refused(error.to_string()))?;
            let punches = found.iter().flat_map(|(_, punches)| punches);
            last = punches.map(|(_, punch)| punch.received_ms).max();
            (to, left) = (from.saturating_sub(1.day()), left - days);
        }
        let until = last.map(|last| days_after(last, keeping.floor));
        Ok(until.filter(|&until| until > now_ms).map(|until| (until, keeping.floor_law)))
    }

    /// Destroys what an erasure says, once its act is durable.
    pub(super) async fn carry_out(&self, erasure: Erasure) -> Result<(), CommitError> {
        let keyring = self.keyring();
        let done = tokio::task::spawn_blocking(move || destroy(&keyring, &erasure)).await;
        let done = done.map_err(|_| CommitError::Closed)?;
        done.map_err(|error| CommitError::Failed(error.to_string()))
    }
}

/// Names of the columns in which two profiles differ.
fn differing(a: &PersonProfile, b: &PersonProfile) -> Vec<String> {
    let values = |profile: &PersonProfile| serde_json::to_value(profile).unwrap_or_default();
    let (a, b) = (values(a), values(b));
    let columns = a.as_object().into_iter().flatten();
    columns.filter(|(key, value)| b.get(key) != Some(value)).map(|(key, _)| key.clone()).collect()
}
