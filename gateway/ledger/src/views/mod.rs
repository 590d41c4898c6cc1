//! What pages and reports read: rows in sled, filled behind the journal, rebuilt on any doubt.

use muster_attendance::{Attendance, EventId, PersonId};
use serde::Serialize;

/// Where a record stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum RecordState {
    Held,
    Queued,
    Settled,
    Dropped,
    Quarantined,
}

/// One record as pages and `records` show it.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct RecordRow {
    pub id: EventId,
    pub attendance: Attendance,
    pub state: RecordState,
    pub destination: Option<String>,
    pub reasons: Vec<String>,
}

/// A punch as it happens, for the live board.
#[derive(Clone, Debug)]
pub struct LiveRow {
    /// The record.
    pub id: EventId,
    /// The fact.
    pub attendance: Attendance,
}

/// One person on one day of the site's zone.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct PersonDay {
    /// `None` collects punches of nobody (denied, unknown finger).
    pub person: Option<PersonId>,
    /// The day's records, by time.
    pub records: Vec<RecordRow>,
}

/// Everybody on one day.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct DayBoard {
    pub date: jiff::civil::Date,
    pub people: Vec<PersonDay>,
}

/// Held records of one reason.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct HeldGroup {
    pub reason: String,
    pub count: u64,
    /// Milliseconds since 1970 of the oldest's receipt.
    pub oldest_ms: i64,
    pub destination: Option<String>,
}

/// Why nothing can be shown now.
#[derive(Debug, thiserror::Error)]
pub enum ViewsError {
    /// The views are being rebuilt.
    #[error("the views are being rebuilt: {done} of {total} records; nothing is lost, try again")]
    Rebuilding {
        /// Records done.
        done: u64,
        /// Records in all.
        total: u64,
    },
    /// The views cannot be read and are set aside.
    #[error("the views cannot be read and are being set aside: {0}")]
    Broken(String),
}

/// The read side. Cheap to clone. Reads wait (at most 10 s) until the views have reached the
/// journal's head as it was when asked.
#[derive(Clone)]
pub struct Views {}

impl Views {
    /// Everybody on `date`; at most 20,000 people.
    pub async fn day(&self, date: jiff::civil::Date) -> Result<DayBoard, ViewsError> {
        let _ = date;
        todo!()
    }

    /// One person from `from` to `to`, both inclusive, at most 400 days.
    pub async fn person(
        &self,
        person: PersonId,
        from: jiff::civil::Date,
        to: jiff::civil::Date,
    ) -> Result<Vec<(jiff::civil::Date, PersonDay)>, ViewsError> {
        let _ = (person, from, to);
        todo!()
    }

    /// One record by id.
    pub async fn record(&self, id: EventId) -> Result<Option<RecordRow>, ViewsError> {
        let _ = id;
        todo!()
    }

    /// What waits, by reason.
    pub async fn held(&self) -> Result<Vec<HeldGroup>, ViewsError> {
        todo!()
    }

    /// Records held for `reason`, oldest first, after `after`, at most `limit` (up to 1,000).
    pub async fn held_records(
        &self,
        reason: &str,
        after: Option<EventId>,
        limit: usize,
    ) -> Result<Vec<RecordRow>, ViewsError> {
        let _ = (reason, after, limit);
        todo!()
    }

    /// New punches from now on; a slow reader is told how many it missed.
    pub fn live(&self) -> tokio::sync::broadcast::Receiver<LiveRow> {
        todo!()
    }
}
