//! Reading: waits for the views to come up, asks the store, says where each record stands. Records
//! of months that are reduced to hours are shown to nobody; sheets still compute hours from them.

use super::batches::Read;
use super::row::{Key, Stored};
use super::runner::Runner;
use super::store::{Position, Store, StoreError};
use super::{
    DayBoard, HeldGroup, Inner, LiveRow, PersonDay, Phase, Progress, RecordRow, Views, ViewsError,
    days,
};
use crate::legal::reduced::Reduced;
use crate::punch_time::effective_seconds;
use jiff::civil::Date;
use muster_attendance::{Attendance, EventId, PersonId, Summary};
use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::sync::atomic::Ordering::SeqCst;
use tokio::sync::broadcast;
use tokio::time::Instant;

/// Records whose standing is asked together, so that the committer waits for no reader.
const ASK_TOGETHER: usize = 128;

/// A person with their punches.
type Punches = (PersonId, Vec<(EventId, Attendance)>);

/// One page of an export.
#[derive(Clone, Debug)]
pub struct RecordsPage {
    /// In the order of day, person and arrival.
    pub rows: Vec<RecordRow>,
    /// Where to go on; `None` after the last.
    pub next: Option<RecordsCursor>,
}

/// A place between two records of an export. As text it goes out to programs and comes back;
/// what comes back is any text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecordsCursor(Position);

impl std::fmt::Display for RecordsCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Position { key, chunk, number } = self.0;
        let person = key.person.map_or_else(|| "-".to_owned(), |person| person.0.to_string());
        write!(f, "{}.{person}.{chunk}.{number}", key.day)
    }
}

/// The text is no place in an export.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a place in an export of records; take `next` of the page before")]
pub struct CursorError;

impl std::str::FromStr for RecordsCursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let mut parts = text.split('.');
        let mut part = || parts.next().ok_or(CursorError);
        let (day, person, chunk, number) = (part()?, part()?, part()?, part()?);
        let person = match person {
            "-" => None,
            person => Some(PersonId(person.parse().map_err(|_| CursorError)?)),
        };
        let key = Key { day: day.parse().map_err(|_| CursorError)?, person };
        let chunk = chunk.parse().map_err(|_| CursorError)?;
        let number = number.parse().map_err(|_| CursorError)?;
        match parts.next() {
            None => Ok(Self(Position { key, chunk, number })),
            Some(_) => Err(CursorError),
        }
    }
}

impl Views {
    /// Everybody on `date`; at most [`Views::MAX_PEOPLE`].
    pub async fn day(&self, date: Date) -> Result<DayBoard, ViewsError> {
        let day = days::number(date);
        let ask =
            move |store: &Store| store.day(day, Self::MAX_PERSON_DAY, Self::MAX_BOARD_RECORDS);
        let rows = self.ask(ask).await?;
        let people = self.think(move |inner| inner.people(rows)).await?;
        Ok(DayBoard { date, people })
    }

    /// One person from `from` to `to`, both inclusive, at most [`Views::MAX_DAYS`] days; days
    /// without records are left out.
    pub async fn person(
        &self,
        person: PersonId,
        from: Date,
        to: Date,
    ) -> Result<Vec<(Date, PersonDay)>, ViewsError> {
        let directory = &self.handle.inner.directory;
        let person = directory.resolve(person);
        let mut people = directory.joined(person);
        people.push(person);
        let span = days::number(from)..=days::number(to);
        let ask = move |store: &Store| {
            let mut found = Vec::new();
            for day in span.take(Self::MAX_DAYS) {
                let mut records = Vec::new();
                for &person in &people {
                    let key = Key { day, person: Some(person) };
                    records.extend(store.row(key, Self::MAX_PERSON_DAY)?);
                }
                if !records.is_empty() {
                    found.push((day, records));
                }
            }
            Ok(found)
        };
        let found = self.ask(ask).await?;
        let show = move |inner: &Inner| {
            let day = |(day, records)| {
                let records = inner.show_by_time(records);
                let shown = PersonDay { person: Some(person), records };
                (!shown.records.is_empty()).then_some((days::date(day), shown))
            };
            found.into_iter().filter_map(day).collect()
        };
        self.think(show).await
    }

    /// The punches of `people`, at most [`Views::MAX_TOGETHER`], from `from` to `to`, both
    /// inclusive: what sheets are computed from, without where each record stands, and those that
    /// are reduced to hours too.
    pub(crate) async fn punches(
        &self,
        people: &[PersonId],
        from: Date,
        to: Date,
    ) -> Result<Vec<Punches>, ViewsError> {
        let directory = &self.handle.inner.directory;
        let some: Vec<PersonId> = people.iter().copied().take(Self::MAX_TOGETHER).collect();
        // Each number that somebody had, with their place.
        let mut numbers: Vec<(PersonId, usize)> = Vec::with_capacity(some.len());
        for (place, person) in some.iter().enumerate() {
            numbers.push((*person, place));
            numbers.extend(directory.joined(*person).into_iter().map(|number| (number, place)));
        }
        numbers.sort_unstable();
        numbers.dedup_by_key(|(number, _)| *number);
        let span = days::number(from)..=days::number(to);
        self.ask(move |store| {
            let wanted: Vec<PersonId> = numbers.iter().map(|(number, _)| *number).collect();
            let mut found: Vec<Punches> = some.into_iter().map(|one| (one, Vec::new())).collect();
            for day in span.take(Self::MAX_DAYS) {
                store.of(day, &wanted, Self::MAX_PERSON_DAY, |number, stored| {
                    let place = numbers.binary_search_by_key(&number, |(number, _)| *number);
                    let place = place.ok().and_then(|at| numbers.get(at));
                    if let Some((_, punches)) = place.and_then(|(_, place)| found.get_mut(*place)) {
                        punches.push((stored.id(), stored.attendance));
                    }
                })?;
            }
            Ok(found)
        })
        .await
    }

    /// Records of the days `from` to `to`, both inclusive, in the order of day, person and arrival:
    /// at most `limit` (up to [`Views::MAX_PAGE`]) after `cursor`; nothing after one of other days.
    pub async fn records(
        &self,
        from: Date,
        to: Date,
        cursor: Option<RecordsCursor>,
        limit: usize,
    ) -> Result<RecordsPage, ViewsError> {
        let span = (days::number(from), days::number(to));
        let limit = limit.clamp(1, Self::MAX_PAGE);
        let after = cursor.map(|cursor| cursor.0);
        if after.is_some_and(|after| !(span.0..=span.1).contains(&after.key.day)) {
            return Ok(RecordsPage { rows: Vec::new(), next: None });
        }
        let (found, next) = self.ask(move |store| store.page(span, after, limit)).await?;
        let records = found.into_iter().map(|(_, record)| record).collect();
        let rows = self.think(move |inner| inner.show(records)).await?;
        Ok(RecordsPage { rows, next: next.map(RecordsCursor) })
    }

    /// One record by id: from the journal, so also while the views are being rebuilt.
    pub async fn record(&self, id: EventId) -> Result<Option<RecordRow>, ViewsError> {
        let find = move |inner: &Inner| {
            let mut journal = inner.journal.lock().unwrap_or_else(PoisonError::into_inner);
            let found = journal.record(id).map_err(unreadable)?;
            drop(journal);
            Ok(inner.show_read(found.into_iter().collect()).pop())
        };
        self.think(find).await?
    }

    /// What waits, by reason; a record that waits for several reasons counts under each.
    pub async fn held(&self) -> Result<Vec<HeldGroup>, ViewsError> {
        let find = |inner: &Inner| {
            let mut groups = Vec::new();
            for waiting in (inner.lookups.waiting)() {
                let oldest = inner.read(vec![waiting.oldest])?.pop();
                groups.push(HeldGroup {
                    reason: waiting.reason,
                    count: waiting.count,
                    oldest_ms: oldest.map_or(0, |(oldest, _)| oldest.attendance.received_ms),
                    destination: waiting.destination,
                });
            }
            Ok(groups)
        };
        self.think(find).await?
    }

    /// Records held for `reason`, oldest first, after `after`, at most `limit` (up to 1,000).
    pub async fn held_records(
        &self,
        reason: &str,
        after: Option<EventId>,
        limit: usize,
    ) -> Result<Vec<RecordRow>, ViewsError> {
        let reason = reason.to_owned();
        let find = move |inner: &Inner| {
            let after = after.map(EventId::number);
            let numbers = (inner.lookups.waiting_for)(&reason, after, limit.min(1_000));
            inner.show_made(numbers)
        };
        self.think(find).await?
    }

    /// Of which months nothing but hours is shown.
    pub(crate) fn reduced(&self) -> Reduced {
        (self.handle.inner.lookups.reduced)()
    }

    /// New punches from now on; a slow reader is told how many it missed. Persons are as in the
    /// record: [`crate::Directory::resolve`] says who they are.
    pub fn live(&self) -> broadcast::Receiver<LiveRow> {
        (self.handle.inner.lookups.live)()
    }

    /// Asks the store, once the views have come up to the journal's head of now.
    async fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ViewsError> {
        let inner = &self.handle.inner;
        let deadline = Instant::now() + inner.limits.wait;
        let (generation, runner) = inner.ready(deadline).await?;
        match tokio::time::timeout_at(deadline, runner.ask(ask)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                let why = error.to_string();
                if !matches!(error, StoreError::Gone) {
                    inner.suspect(generation, error);
                }
                Err(ViewsError::Broken(why))
            }
            Err(_) => Err(ViewsError::Broken(StoreError::Hanging.to_string())),
        }
    }

    /// Runs what may wait for a lock or the disk away from the tasks.
    async fn think<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> T + Send + 'static,
    ) -> Result<T, ViewsError> {
        let inner = self.handle.inner.clone();
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        done.map_err(|_| ViewsError::Broken("reading stopped on an error of its own".into()))
    }
}

/// Counts a waiting reader, so that the keeper does not rest.
struct WaitingReader<'a>(&'a Inner);

impl<'a> WaitingReader<'a> {
    fn new(inner: &'a Inner) -> Self {
        inner.readers.fetch_add(1, SeqCst);
        inner.wake.notify_one();
        Self(inner)
    }
}

impl Drop for WaitingReader<'_> {
    fn drop(&mut self) {
        self.0.readers.fetch_sub(1, SeqCst);
    }
}

impl Inner {
    /// The store to read, once it has come up to the journal's head of now.
    async fn ready(&self, deadline: Instant) -> Result<(u64, Runner), ViewsError> {
        let head = self.head_seen();
        let mut progress = self.progress.subscribe();
        if let Some(reads) = self.reads_at(head, &progress.borrow_and_update()) {
            return Ok(reads);
        }
        let _waiting = WaitingReader::new(self);
        loop {
            let now = progress.borrow_and_update().clone();
            if let Some(reads) = self.reads_at(head, &now) {
                return Ok(reads);
            }
            if now.phase == Phase::Rebuilding {
                return Err(ViewsError::Rebuilding { done: now.filled, total: now.total });
            }
            if tokio::time::timeout_at(deadline, progress.changed()).await.is_err() {
                return Err(match now.phase {
                    Phase::Broken(why) => ViewsError::Broken(why.to_string()),
                    _ => ViewsError::Rebuilding { done: now.filled, total: head },
                });
            }
        }
    }

    fn reads_at(&self, head: u64, progress: &Progress) -> Option<(u64, Runner)> {
        if progress.phase != Phase::Filling || progress.filled < head {
            return None;
        }
        self.reads.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Records made from sheets among them.
    fn show_made(&self, numbers: Vec<u64>) -> Result<Vec<RecordRow>, ViewsError> {
        Ok(self.show_read(self.read(numbers)?))
    }

    fn show_read(&self, read: Vec<Read>) -> Vec<RecordRow> {
        let made: BTreeMap<u64, Summary> =
            read.iter().filter_map(|(stored, made)| Some((stored.number, (*made)?))).collect();
        let mut rows = self.show(read.into_iter().map(|(stored, _)| stored).collect());
        for row in &mut rows {
            row.summary = made.get(&row.id.number()).copied();
        }
        rows
    }

    fn read(&self, numbers: Vec<u64>) -> Result<Vec<Read>, ViewsError> {
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        journal.records(numbers).map_err(unreadable)
    }

    /// Rows of a day as people, joined ones together.
    fn people(&self, rows: Vec<(Key, Vec<Stored>)>) -> Vec<PersonDay> {
        let mut people: BTreeMap<Option<PersonId>, Vec<Stored>> = BTreeMap::new();
        for (key, records) in rows {
            let person = key.person.map(|person| self.directory.resolve(person));
            if people.len() < Views::MAX_PEOPLE || people.contains_key(&person) {
                people.entry(person).or_default().extend(records);
            }
        }
        let shown = people.into_iter();
        shown
            .map(|(person, records)| PersonDay { person, records: self.show_by_time(records) })
            .filter(|day| !day.records.is_empty())
            .collect()
    }

    fn show_by_time(&self, mut records: Vec<Stored>) -> Vec<RecordRow> {
        records
            .sort_unstable_by_key(|record| (effective_seconds(&record.attendance), record.number));
        self.show(records)
    }

    /// Says where each record stands and who its person is, of those that may be shown.
    fn show(&self, mut records: Vec<Stored>) -> Vec<RecordRow> {
        let reduced = (self.lookups.reduced)();
        records.retain(|record| !reduced.hides(record.attendance.received_ms));
        let mut rows = Vec::with_capacity(records.len());
        for together in records.chunks(ASK_TOGETHER) {
            let asked: Vec<_> = together.iter().map(|r| (r.number, r.decision)).collect();
            let standings = (self.lookups.standing)(&asked);
            rows.extend(together.iter().zip(standings).map(|(record, standing)| RecordRow {
                id: record.id(),
                attendance: self.resolved(record.attendance),
                summary: None,
                state: standing.state,
                destination: standing.destination,
                reasons: standing.reasons,
            }));
        }
        rows
    }

    fn resolved(&self, attendance: Attendance) -> Attendance {
        let person = attendance.person.map(|person| self.directory.resolve(person));
        Attendance { person, ..attendance }
    }
}

fn unreadable(error: crate::journal::ReadError) -> ViewsError {
    ViewsError::Broken(error.to_string())
}
