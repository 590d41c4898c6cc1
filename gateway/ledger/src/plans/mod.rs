//! Plans: what people enter so that punches become sheets. Rosters and shifts, leave, overtime and
//! the calendar; corrections; months that were closed; gaps that were accepted; terminals' clocks
//! that were re-dated.
//!
//! Everything is an act in the journal and stays known with when it was entered, so that a sheet
//! can be computed as it was on any day. Only internal numbers are here; what says more of a
//! person is sealed under their secret.

mod continuity;
mod correction;
mod entry;
mod table;

pub use continuity::{Gap, WrongClock};
pub use correction::{Change, Correction, Decided};
pub use entry::{EntryProblem, LeavePart, PlanEntry};
pub(crate) use table::Table;

use crate::act::Act;
use crate::submit::ActSender;
use crate::{Clock, CommitError, Directory};
use jiff::civil::Date;
use muster_attendance::input::{Input, Rules};
use muster_attendance::{Attendance, DeviceId, PersonId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

/// A month that was closed: payroll was told what the sheets said then.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Closing {
    /// First day of the month.
    pub month: Date,
    /// Of whom; `None` is everybody.
    pub department: Option<String>,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
    /// Who.
    pub by: String,
    /// What was open then, in words that name it.
    pub gaps: Vec<String>,
    /// Up to when each terminal's punches were all here, by name, seconds since 1970.
    pub terminals: BTreeMap<String, Option<i64>>,
}

/// A terminal's clock was wrong from its start on: what it stored then counts this much later.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Redating {
    /// Which terminal.
    pub device: DeviceId,
    /// Which of its starts.
    pub boot: u32,
    /// Seconds to add to its times.
    pub shift_seconds: i64,
    /// Who approved it, after the preview.
    pub approver: String,
    /// What it is about.
    pub clock: WrongClock,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
}

/// Why something was not taken.
#[derive(Debug, thiserror::Error)]
pub enum PlansError {
    /// An entry makes no sense: its place among those given, from 0, and why.
    #[error("line {}: {}", .0 + 1, .1)]
    Entry(usize, String),
    /// Too much at once or in all.
    #[error("no more than {0} {1}")]
    Full(usize, &'static str),
    /// No such thing, or it is decided already.
    #[error("there is no such {0}, or it has been decided")]
    Unknown(&'static str),
    /// Nobody decides on what they asked for.
    #[error("whoever asked cannot approve: a second person decides")]
    SamePerson,
    /// Another entered something else in the same places meanwhile: places among those given, from
    /// 0. Nothing was entered.
    #[error("somebody else changed {} of these lines meanwhile", .0.len())]
    Changed(Vec<usize>),
    /// A text is too long or empty.
    #[error("a reason has 1 to {0} characters")]
    Reason(usize),
    /// The person is not known, or erased.
    #[error("there is no such person")]
    Person,
    /// The journal did not take it.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// The plans. Cheap to clone; clones share them.
#[derive(Clone)]
pub struct Plans {
    shared: Arc<Shared>,
}

struct Shared {
    table: RwLock<Table>,
    /// Numbers are given one at a time.
    changing: tokio::sync::Mutex<()>,
    acts: ActSender,
    directory: Directory,
    clock: Clock,
}

impl Plans {
    /// Entries of one import.
    pub const MAX_IMPORT: usize = 100_000;
    /// Entries in all, replaced ones included.
    pub const MAX: usize = 2_000_000;
    /// Characters of a reason.
    pub const MAX_REASON: usize = 500;
    /// Entries of one act.
    const TOGETHER: usize = 2_000;

    pub(crate) fn new(table: Table, acts: ActSender, directory: Directory, clock: Clock) -> Self {
        let (table, changing) = (RwLock::new(table), tokio::sync::Mutex::default());
        Self { shared: Arc::new(Shared { table, changing, acts, directory, clock }) }
    }

    /// Enters all of them or, where one makes no sense, none; fsynced on return. What has the key
    /// of an entry that is there replaces it.
    pub async fn enter(&self, actor: &str, entries: Vec<PlanEntry>) -> Result<usize, PlansError> {
        self.enter_over(actor, entries, u32::MAX).await
    }

    /// The same for somebody who saw the plans as they were at `seen`, which [`Plans::head`] gave:
    /// what another entered in the same places since is not overwritten unseen.
    pub async fn enter_over(
        &self,
        actor: &str,
        entries: Vec<PlanEntry>,
        seen: u32,
    ) -> Result<usize, PlansError> {
        if entries.len() > Self::MAX_IMPORT {
            return Err(PlansError::Full(Self::MAX_IMPORT, "lines at once"));
        }
        let problem = entries.iter().enumerate().find_map(|(n, e)| Some((n, e.problem()?)));
        if let Some((line, problem)) = problem {
            return Err(PlansError::Entry(line, problem.to_string()));
        }
        let _one = self.shared.changing.lock().await;
        let changed = self.read().changed(&entries, seen);
        if !changed.is_empty() {
            return Err(PlansError::Changed(changed));
        }
        let (count, at_ms) = (entries.len(), self.now_ms());
        if self.read().next as usize + count > Self::MAX {
            return Err(PlansError::Full(Self::MAX, "entries in all"));
        }
        let act = |some: &[PlanEntry]| Act::PlansEntered {
            actor: actor.to_owned(),
            at_ms,
            entries: some.to_vec(),
        };
        let acts: Vec<Act> = entries.chunks(Self::TOGETHER).map(act).collect();
        self.shared.acts.submit(acts).await?;
        Ok(count)
    }

    /// How far the plans are: grows with every entry.
    pub fn head(&self) -> u32 {
        self.read().next
    }

    /// Grows with whatever changes plans, entries taken out and corrections among it; it begins anew
    /// with the program.
    pub fn revision(&self) -> u64 {
        self.read().revision
    }

    /// Takes an entry out from now on.
    pub async fn remove(&self, actor: &str, number: u32) -> Result<(), PlansError> {
        let (actor, at_ms) = (actor.to_owned(), self.now_ms());
        Ok(self.shared.acts.submit(vec![Act::PlanRemoved { actor, number, at_ms }]).await?)
    }

    /// Asks for a correction; gives its number.
    pub async fn ask(
        &self,
        by: &str,
        person: PersonId,
        date: Date,
        change: Change,
        reason: &str,
    ) -> Result<u32, PlansError> {
        if !(1..=Self::MAX_REASON).contains(&reason.trim().chars().count()) {
            return Err(PlansError::Reason(Self::MAX_REASON));
        }
        let person = self.shared.directory.resolve(person);
        let reason = self.shared.directory.seal_note(person, reason.trim());
        let reason = reason.ok_or(PlansError::Person)?;
        let _one = self.shared.changing.lock().await;
        let number = self.read().corrections.keys().next_back().map_or(1, |last| last + 1);
        let (by, asked_ms) = (by.to_owned(), self.now_ms());
        let correction =
            Correction { number, person, date, change, by, asked_ms, reason, decided: None };
        self.shared.acts.submit(vec![Act::CorrectionAsked { correction }]).await?;
        Ok(number)
    }

    /// Decides on a correction that another asked for.
    pub async fn decide(&self, by: &str, number: u32, approved: bool) -> Result<(), PlansError> {
        let _one = self.shared.changing.lock().await;
        let correction = self.correction(number).filter(|c| c.decided.is_none());
        let correction = correction.ok_or(PlansError::Unknown("correction"))?;
        // Who asked may take it back, and nothing else; nor does it go by a code one handed out.
        if approved && correction.is_of(by) {
            return Err(PlansError::SamePerson);
        }
        let (by, at_ms) = (by.to_owned(), self.now_ms());
        let act = Act::CorrectionDecided { number, by, approved, at_ms };
        Ok(self.shared.acts.submit(vec![act]).await?)
    }

    /// Journals that `actor` did `what`: took sheets away as a file, say; never personal data.
    pub async fn remark(&self, actor: &str, what: &str) -> Result<(), PlansError> {
        let act = Act::Noted { actor: actor.to_owned(), what: what.to_owned() };
        Ok(self.shared.acts.submit(vec![act]).await?)
    }

    /// Notes that a month was closed, with what was open.
    pub async fn close(&self, closing: Closing) -> Result<(), PlansError> {
        let closing = Closing { at_ms: self.now_ms(), ..closing };
        Ok(self.shared.acts.submit(vec![Act::MonthClosed { closing }]).await?)
    }

    /// Accepts that the punches of a gap are lost: days no longer wait for them.
    pub async fn accept_gap(
        &self,
        actor: &str,
        device: DeviceId,
        boot: u32,
        first: u64,
    ) -> Result<(), PlansError> {
        let known = self.gaps(device).iter().any(|gap| (gap.boot, gap.first) == (boot, first));
        if !known {
            return Err(PlansError::Unknown("gap"));
        }
        let (actor, at_ms) = (actor.to_owned(), self.now_ms());
        let act = Act::GapAccepted { actor, device, boot, first, at_ms };
        Ok(self.shared.acts.submit(vec![act]).await?)
    }

    /// What `device` stored with a wrong clock, by start, re-dated or not.
    pub fn wrong_clocks(&self, device: DeviceId) -> Vec<(u32, WrongClock)> {
        self.read().continuities.wrong_clocks(device)
    }

    /// Puts a re-dating in force: what the terminal stored in this start counts `shift_seconds`
    /// later, as live punches of the same start show. Refused where they show something else.
    pub async fn redate(
        &self,
        approver: &str,
        device: DeviceId,
        boot: u32,
        shift_seconds: i64,
    ) -> Result<(), PlansError> {
        let mut known = self.wrong_clocks(device).into_iter();
        let known = known.find(|(b, clock)| *b == boot && clock.behind == Some(shift_seconds));
        let (_, clock) = known.ok_or(PlansError::Unknown("wrong clock"))?;
        let (approver, at_ms) = (approver.to_owned(), self.now_ms());
        let redating = Redating { device, boot, shift_seconds, approver, clock, at_ms };
        Ok(self.shared.acts.submit(vec![Act::Redated { redating }]).await?)
    }

    /// Re-datings in force, of which those of one start the last counts.
    pub(crate) fn redatings(&self) -> Vec<Redating> {
        self.read().redatings.clone()
    }

    /// Entries in force now, with their numbers; of `person`, or of the house.
    pub fn entries(&self, person: Option<PersonId>) -> Vec<(u32, PlanEntry)> {
        let now_ms = self.now_ms();
        let table = self.read();
        let list = match person {
            Some(person) => table.people.get(&person.0).map(Vec::as_slice).unwrap_or_default(),
            None => table.house.as_slice(),
        };
        let held = list.iter().filter(|timed| timed.holds(now_ms));
        held.map(|timed| (timed.number, timed.entry.clone())).collect()
    }

    /// Whether anything says what a day was to be.
    pub fn is_empty(&self) -> bool {
        self.read().next == 0
    }

    /// One correction.
    pub fn correction(&self, number: u32) -> Option<Correction> {
        self.read().corrections.get(&number).cloned()
    }

    /// Corrections that nobody has decided on, oldest first.
    pub fn pending(&self) -> Vec<Correction> {
        let table = self.read();
        table.corrections.values().filter(|c| c.decided.is_none()).cloned().collect()
    }

    /// Corrections that were approved since then.
    pub(crate) fn approved(&self, since_ms: i64) -> Vec<Correction> {
        let since = |correction: &&Correction| {
            let decided = correction.decided.as_ref();
            decided.is_some_and(|decided| decided.approved && decided.at_ms >= since_ms)
        };
        self.read().corrections.values().filter(since).cloned().collect()
    }

    /// A person's corrections, oldest first.
    pub fn corrections(&self, person: PersonId) -> Vec<Correction> {
        let table = self.read();
        let numbers = table.corrected.get(&person.0).into_iter().flatten();
        numbers.filter_map(|number| table.corrections.get(number)).cloned().collect()
    }

    /// Months that were closed, in that order.
    pub fn closings(&self) -> Vec<Closing> {
        self.read().closings.clone()
    }

    /// A terminal's gaps, oldest first.
    pub fn gaps(&self, device: DeviceId) -> Vec<Gap> {
        self.read().continuities.gaps(device)
    }

    /// The re-dating of a terminal's start, where there is one; the last counts.
    pub fn redating(&self, device: DeviceId, boot: u32) -> Option<Redating> {
        let table = self.read();
        let fits = |redating: &&Redating| (redating.device, redating.boot) == (device, boot);
        table.redatings.iter().rev().find(fits).cloned()
    }

    pub(crate) fn complete_until(&self, device: DeviceId, heard: i64) -> Option<i64> {
        self.read().continuities.complete_until(device, heard)
    }

    pub(crate) fn rules(&self, as_of_ms: i64) -> Rules {
        self.read().rules(as_of_ms)
    }

    pub(crate) fn fill(&self, person: PersonId, as_of_ms: i64, input: &mut Input) {
        self.read().fill(person, as_of_ms, input);
    }

    /// Puts a journaled act into the table; other acts are ignored.
    pub(crate) fn apply(&self, act: &Act) {
        if act.is_plan() {
            self.shared.table.write().unwrap_or_else(PoisonError::into_inner).apply(act);
        }
    }

    /// Takes in stored punches.
    pub(crate) fn note<'a>(&self, punches: impl Iterator<Item = &'a Attendance>) {
        let mut table = self.shared.table.write().unwrap_or_else(PoisonError::into_inner);
        punches.for_each(|punch| table.note(punch));
    }

    /// What a checkpoint holds.
    pub(crate) fn snapshot(&self) -> Table {
        self.read().clone()
    }

    fn now_ms(&self) -> i64 {
        self.shared.clock.now_ms()
    }

    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.shared.table.read().unwrap_or_else(PoisonError::into_inner)
    }
}
