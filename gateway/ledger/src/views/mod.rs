//! What pages and reports read: rows in sled, filled behind the journal, rebuilt on any doubt.
//!
//! Nothing here is the truth and nothing here is on the way of a receipt. A row holds the punches
//! of one person on one day of the site's zone (`row`); where a record stands is looked up in the
//! committer's memory when it is read (`lookups`), and single or held records come from the
//! journal itself. One thread keeps the store (`keeper`), others call it (`runner`), so that a
//! store that hangs, panics, lies or vanishes is set aside and built again while punches go on.

mod batches;
mod days;
#[cfg(test)]
mod faults;
mod gather;
mod keeper;
mod lookups;
mod place;
mod read;
mod row;
mod runner;
mod store;
#[cfg(test)]
mod tape;

pub(crate) use batches::Batches;
pub(crate) use lookups::Lookups;
pub use read::{CursorError, RecordsCursor, RecordsPage};

use crate::{Directory, Health};
use days::Days;
use jiff::tz::TimeZone;
use keeper::Keeper;
use muster_attendance::{Attendance, EventId, PersonId, Summary};
use place::Places;
use runner::Runner;
use serde::Serialize;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use store::StoreError;
use tokio::sync::{Notify, watch};

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
    /// The punch; of a record made from sheets who, when, which way and how are as it says, and
    /// no terminal is named.
    pub attendance: Attendance,
    /// Where it was made from sheets: what it says.
    pub summary: Option<Summary>,
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
    /// The day's records, by time; of more than [`Views::MAX_PERSON_DAY`] the newest.
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
/// journal's head as it was when asked. Persons that were joined to somebody are shown as them.
#[derive(Clone)]
pub struct Views {
    handle: Arc<Handle>,
}

/// What the views are opened with.
pub(crate) struct Setup<'a> {
    /// `data/views`.
    pub(crate) folder: &'a Path,
    pub(crate) cache_bytes: u64,
    /// IANA name of the site's zone.
    pub(crate) zone: &'a str,
    pub(crate) batches: Batches,
    /// Number the next record will have, moved after each fsync.
    pub(crate) head: watch::Receiver<u64>,
    pub(crate) lookups: Lookups,
    pub(crate) directory: Directory,
}

/// How long calls into the store may take.
#[derive(Clone, Copy)]
struct Limits {
    open: Duration,
    operation: Duration,
    /// How long a read waits for the views to come up with the journal.
    wait: Duration,
}

const LIMITS: Limits = Limits {
    open: Duration::from_secs(5),
    operation: Duration::from_secs(10),
    wait: Duration::from_secs(10),
};

/// How long closing waits for the thread.
const CLOSE_LIMIT: Duration = Duration::from_secs(3);

/// Ends the thread when the last handle goes.
struct Handle {
    inner: Arc<Inner>,
    /// Closed when the thread has ended.
    ended: watch::Receiver<()>,
}

/// What handles and thread share.
struct Inner {
    limits: Limits,
    head: watch::Receiver<u64>,
    progress: watch::Sender<Progress>,
    /// The store that may be read, with its generation.
    reads: RwLock<Option<(u64, Runner)>>,
    /// What a reader found wrong with the store of a generation.
    suspicion: Mutex<Option<(u64, StoreError)>>,
    rebuild: AtomicBool,
    low_space: AtomicBool,
    stop: AtomicBool,
    wake: Notify,
    /// Readers that wait for the views to come up.
    readers: AtomicUsize,
    /// Bytes of the store.
    bytes: AtomicU64,
    journal: Mutex<Batches>,
    lookups: Lookups,
    directory: Directory,
}

/// How far the views are.
#[derive(Clone, Debug)]
struct Progress {
    phase: Phase,
    /// Records below this number are in the views.
    filled: u64,
    /// The journal's head when this was told.
    total: u64,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Phase {
    Opening,
    Rebuilding,
    Filling,
    Broken(Arc<str>),
}

impl Views {
    /// People on one board.
    pub const MAX_PEOPLE: usize = 20_000;
    /// Records shown of one person on one day, about; exports have them all.
    pub const MAX_PERSON_DAY: usize = 1_000;
    /// Records on one board, about.
    pub const MAX_BOARD_RECORDS: usize = 200_000;
    /// Days of one person's read.
    pub const MAX_DAYS: usize = 400;
    /// People whose punches are read together.
    pub const MAX_TOGETHER: usize = 256;
    /// Records of one page.
    pub const MAX_PAGE: usize = 5_000;

    /// Starts the thread that opens or builds the views. Never fails: without a store, reads say so.
    pub(crate) fn open(setup: Setup<'_>) -> std::io::Result<Self> {
        let places = Places::new(
            setup.folder,
            setup.cache_bytes,
            #[cfg(test)]
            Default::default(),
        );
        Self::open_at(setup, places, LIMITS)
    }

    fn open_at(setup: Setup<'_>, places: Places, limits: Limits) -> std::io::Result<Self> {
        let Setup { zone, batches, head, lookups, directory, .. } = setup;
        let progress = Progress { phase: Phase::Opening, filled: 0, total: *head.borrow() };
        let inner = Arc::new(Inner {
            limits,
            head,
            progress: watch::Sender::new(progress),
            reads: RwLock::default(),
            suspicion: Mutex::default(),
            rebuild: AtomicBool::new(false),
            low_space: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            wake: Notify::new(),
            readers: AtomicUsize::new(0),
            bytes: AtomicU64::new(0),
            journal: Mutex::new(batches.another()),
            lookups,
            directory,
        });
        let days = Days::new(TimeZone::get(zone).unwrap_or(TimeZone::UTC));
        let keeper = Keeper::new(inner.clone(), batches, places, days, zone.to_owned());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let (ending, ended) = watch::channel(());
        std::thread::Builder::new().name("muster-views-keeper".into()).spawn(move || {
            keeper.run(&runtime);
            drop(ending);
        })?;
        Ok(Self { handle: Arc::new(Handle { inner, ended }) })
    }

    /// Throws the views away and builds them again from the journal; returns at once.
    /// [`Views::progress`] begins at nothing from here on.
    pub fn rebuild(&self) {
        self.handle.inner.rebuild.store(true, SeqCst);
        self.handle.inner.tell(Phase::Rebuilding, 0, self.handle.inner.head_seen());
        self.handle.inner.wake.notify_one();
    }

    /// Records in the views and in the journal, now.
    pub fn progress(&self) -> (u64, u64) {
        let head = *self.handle.inner.head.borrow();
        (self.handle.inner.progress.borrow().filled.min(head), head)
    }

    /// How well the views are, and why not.
    pub fn health(&self) -> (Health, Option<String>) {
        let inner = &self.handle.inner;
        let (done, total) = self.progress();
        match &inner.progress.borrow().phase {
            Phase::Broken(why) => (Health::Degraded, Some(format!("set aside: {why}"))),
            Phase::Rebuilding => {
                (Health::Degraded, Some(format!("being rebuilt: {done} of {total} records")))
            }
            _ if inner.low_space.load(SeqCst) => {
                (Health::Degraded, Some("the disk is nearly full; free some space".into()))
            }
            Phase::Opening | Phase::Filling => (Health::Ok, None),
        }
    }

    /// Bytes the views take on disk, as last looked at.
    pub fn bytes(&self) -> u64 {
        self.handle.inner.bytes.load(SeqCst)
    }

    /// Puts the views on disk and ends their thread; waits at most 3 s.
    pub(crate) async fn close(&self) {
        self.handle.inner.end();
        let mut ended = self.handle.ended.clone();
        let _ = tokio::time::timeout(CLOSE_LIMIT, ended.changed()).await;
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.inner.end();
    }
}

impl Inner {
    fn end(&self) {
        self.stop.store(true, SeqCst);
        self.wake.notify_one();
    }

    fn head_seen(&self) -> u64 {
        *self.head.borrow()
    }

    fn tell(&self, phase: Phase, filled: u64, total: u64) {
        let waits = self.rebuild.load(SeqCst);
        let (phase, filled) = if waits { (Phase::Rebuilding, 0) } else { (phase, filled) };
        self.progress.send_replace(Progress { phase, filled, total });
    }

    fn tell_broken(&self, why: &str) {
        self.progress.send_modify(|progress| {
            progress.phase = Phase::Broken(why.into());
            progress.filled = 0;
        });
    }

    fn open_reads(&self, generation: u64, runner: Runner) {
        let mut reads = self.reads.write().unwrap_or_else(PoisonError::into_inner);
        *reads = Some((generation, runner));
    }

    fn close_reads(&self) {
        *self.reads.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// A reader found something wrong: the keeper looks into it at once.
    fn suspect(&self, generation: u64, error: StoreError) {
        let mut suspicion = self.suspicion.lock().unwrap_or_else(PoisonError::into_inner);
        *suspicion = Some((generation, error));
        self.wake.notify_one();
    }

    fn take_suspicion(&self, generation: u64) -> Result<(), StoreError> {
        let mut suspicion = self.suspicion.lock().unwrap_or_else(PoisonError::into_inner);
        match suspicion.take() {
            Some((of, error)) if of == generation => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
