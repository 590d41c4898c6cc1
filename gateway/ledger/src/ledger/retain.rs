//! What time takes away: months past their ceiling, biometric evidence of who has left, people
//! whose erasure a statute had put off.

use super::Ledger;
use crate::act::{Act, Runs};
use crate::committer::Request;
use crate::journal::{Beginning, ReadError};
use crate::keyring::Class;
use crate::legal::Erasure;
use crate::legal::retention::{Keeping, Plan, plan};
use crate::legal::rights::Rights;
use crate::{ClockTrust, CommitError, Keyring, KeyringError};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use muster_attendance::PersonId;
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};
use std::sync::PoisonError;
use std::time::Instant;

/// What one look did.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize)]
pub struct Retained {
    /// Nothing was destroyed, because the clock cannot be believed.
    pub waits_for_clock: bool,
    /// Months (as 202612) of which nothing but hours is shown from now on.
    pub reduced: Vec<u32>,
    /// Months whose records are gone.
    pub months: Vec<u32>,
    /// Months whose acts are gone.
    pub act_months: Vec<u32>,
    /// Segments deleted, of which nothing could be read any more.
    pub segments: u64,
    /// People whose biometric evidence went with them.
    pub leavers: u64,
    /// People who were erased, now that the statute's time is over.
    pub erased: u64,
}

/// Months whose keys the journal says are destroyed.
pub(super) fn gone(rights: &Rights) -> Vec<(Class, u32)> {
    let facts = rights.facts_gone.iter().map(|&month| (Class::Facts, month));
    facts.chain(rights.acts_gone.iter().map(|&month| (Class::Acts, month))).collect()
}

/// Destroys months' keys; harmless if done before. Blocks.
pub(super) fn destroy(keyring: &Keyring, months: &[(Class, u32)]) -> Result<(), KeyringError> {
    months.iter().try_for_each(|&(class, month)| match keyring.find_month_key(class, month) {
        Err(KeyringError::Gone) => Ok(()),
        _ => keyring.destroy_month(class, month),
    })
}

impl Ledger {
    /// Destroys what is past its time: to be called every hour, with a clock that runs evenly.
    /// Without trust in the clock, and for a day after it jumped, nothing is.
    pub async fn retain(&self) -> Result<Retained, CommitError> {
        let now_ms = self.inner.shared.clock.now_ms();
        if !self.is_calm(now_ms) {
            return Ok(Retained { waits_for_clock: true, ..Retained::default() });
        }
        let _one = self.inner.changing.lock().await;
        let mut retained = Retained::default();
        self.retain_months(now_ms, &mut retained).await?;
        self.retain_people(now_ms, &mut retained).await?;
        Ok(retained)
    }

    /// Whether the clock can be believed with what does not come back.
    fn is_calm(&self, now_ms: i64) -> bool {
        let trusted = self.inner.shared.clock.trust() == ClockTrust::Trusted;
        let mut calm = self.inner.calm.lock().unwrap_or_else(PoisonError::into_inner);
        let even = calm.note(now_ms, Instant::now());
        even && trusted && self.core().state.legal.steps.are_even(now_ms)
    }

    async fn retain_months(&self, now_ms: i64, retained: &mut Retained) -> Result<(), CommitError> {
        let Some(rules) = self.rules() else { return Ok(()) };
        let Some(first) = self.first_day().await? else { return Ok(()) };
        let keeping = Keeping::of(&rules, &self.inner.shared.site);
        let today = day(now_ms, TimeZone::UTC);
        let Plan { reduced, facts, acts } =
            plan(keeping, first, today, &self.core().state.legal.rights);
        self.reduce(&reduced).await?;
        retained.reduced = reduced;
        if facts.is_empty() && acts.is_empty() {
            return self.cut(retained).await;
        }
        let of_facts = |(month, records)| Act::MonthDestroyed { facts: true, month, records };
        let mut told: Vec<Act> = self.records_of(&facts).await?.into_iter().map(of_facts).collect();
        let of_acts = |&month: &u32| Act::MonthDestroyed { facts: false, month, records: vec![] };
        told.extend(acts.iter().map(of_acts));
        if !acts.is_empty() {
            // What these acts made must outlive them: it goes into a checkpoint under a later key.
            self.note("the box", "a month of acts reached its age").await?;
            self.committer().ask(|done| Request::Rotate { done }).await?;
        }
        self.inner.acts.submit(told).await?;
        let (keyring, months) = (self.keyring(), gone(&self.core().state.legal.rights));
        let work = move || destroy(&keyring, &months);
        let done = tokio::task::spawn_blocking(work).await.map_err(|_| CommitError::Closed)?;
        done.map_err(|error| CommitError::Failed(error.to_string()))?;
        if !facts.is_empty() {
            self.views().rebuild();
        }
        (retained.months, retained.act_months) = (facts, acts);
        self.cut(retained).await
    }

    /// Shows nothing but hours of these months from now on; what of them waited waits no more.
    async fn reduce(&self, months: &[u32]) -> Result<(), CommitError> {
        if months.is_empty() {
            return Ok(());
        }
        let of_month = |(month, records)| Act::MonthReduced { month, records };
        let told = self.records_of(months).await?.into_iter().map(of_month).collect();
        self.inner.acts.submit(told).await
    }

    /// The records of each of these months.
    async fn records_of(&self, months: &[u32]) -> Result<BTreeMap<u32, Runs>, CommitError> {
        let (shared, months) = (self.inner.shared.clone(), months.to_vec());
        let work = move || {
            let mut found: BTreeMap<u32, Runs> =
                months.iter().map(|&month| (month, Runs::new())).collect();
            let mut reader = shared.reader();
            while let Some(batch) = reader.next_batch()? {
                let Some(runs) = found.get_mut(&batch.month) else { continue };
                let (first, count) = (batch.first_record, u64::from(batch.fact_count));
                match runs.last_mut() {
                    _ if count == 0 => {}
                    Some((start, length)) if *start + *length == first => *length += count,
                    _ => runs.push((first, count)),
                }
            }
            Ok(found)
        };
        let found = tokio::task::spawn_blocking(work).await.map_err(|_| CommitError::Closed)?;
        found.map_err(|error: ReadError| CommitError::Failed(error.to_string()))
    }

    /// Deletes the oldest segments of which every class-month is destroyed.
    async fn cut(&self, retained: &mut Retained) -> Result<(), CommitError> {
        let months: HashSet<(Class, u32)> =
            gone(&self.core().state.legal.rights).into_iter().collect();
        if months.is_empty() {
            return Ok(());
        }
        let failed = |error: &dyn std::fmt::Display| CommitError::Failed(error.to_string());
        let shared = self.inner.shared.clone();
        let work = move || shared.reader().expendable(|class, m| months.contains(&(class, m)));
        let found = tokio::task::spawn_blocking(work).await.map_err(|_| CommitError::Closed)?;
        let Some(Beginning { batch, record, chain }) = found.map_err(|e| failed(&e))? else {
            return Ok(());
        };
        let chain = crate::outbox::hex(&chain);
        self.inner.acts.submit(vec![Act::JournalCut { batch, record, chain }]).await?;
        let shared = self.inner.shared.clone();
        let work = move || shared.reader().cut(batch);
        let cut = tokio::task::spawn_blocking(work).await.map_err(|_| CommitError::Closed)?;
        retained.segments = cut.map_err(|e| failed(&e))? as u64;
        Ok(())
    }

    /// The day of the journal's first batch.
    async fn first_day(&self) -> Result<Option<Date>, CommitError> {
        let shared = self.inner.shared.clone();
        let work = move || shared.reader().next_batch();
        let first = tokio::task::spawn_blocking(work).await.map_err(|_| CommitError::Closed)?;
        let first = first.map_err(|error| CommitError::Failed(error.to_string()))?;
        Ok(first.map(|batch| day(batch.at_ms, TimeZone::UTC)))
    }

    async fn retain_people(&self, now_ms: i64, retained: &mut Retained) -> Result<(), CommitError> {
        let (left, due): (Vec<(PersonId, Date)>, Vec<Erasure>) = {
            let core = self.core();
            let (legal, rights) = (&core.state.legal, &core.state.legal.rights);
            let today = day(now_ms, core.state.year.zone());
            let left = legal
                .people
                .leavers()
                .filter(|&(person, on)| on <= today && rights.left.get(&person) != Some(&on));
            let over = |e: &&Erasure| e.deferred_ms.is_some_and(|until| until <= now_ms);
            (left.collect(), rights.erasures().iter().filter(over).cloned().collect())
        };
        for (person, on) in left {
            self.inner.acts.submit(vec![Act::BiometricsLeft { person, on }]).await?;
            let persons = self.directory().joined(person);
            self.carry_out(biometrics_of(std::iter::once(person).chain(persons).collect())).await?;
            retained.leavers += 1;
        }
        for erasure in due {
            let erasure = Erasure { deferred_ms: None, ..erasure };
            self.inner.acts.submit(vec![Act::PersonErased { erasure: erasure.clone() }]).await?;
            self.carry_out(erasure).await?;
            retained.erased += 1;
        }
        Ok(())
    }
}

/// The erasure of some persons' biometric evidence.
fn biometrics_of(persons: Vec<PersonId>) -> Erasure {
    Erasure {
        request: String::new(),
        persons,
        biometrics_only: true,
        deferred_ms: None,
        law: None,
        at_ms: 0,
        todo: Default::default(),
    }
}

fn day(ms: i64, zone: TimeZone) -> Date {
    Timestamp::from_millisecond(ms).unwrap_or_default().to_zoned(zone).date()
}
