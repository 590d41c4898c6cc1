//! The thread that keeps the views: opens the store, fills it behind the journal, and on any doubt
//! sets it aside and builds it again. Intake never waits for it.

use super::batches::Batches;
use super::days::Days;
use super::gather::{Gathered, MAX_RECORDS};
use super::place::Places;
use super::runner::{self, Runner};
use super::store::{Cursor, StoreError, db_file};
use super::{Inner, Phase};
use crate::journal::{MAX_FACTS, ReadError};
use crate::punch_time::effective_seconds;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

/// Records taken up together while the journal's head is near.
const CHUNK: usize = 8_192;
/// And while there is much to build again: 20 MiB of them.
const REBUILD_CHUNK: usize = 524_288;
const _: () = assert!(REBUILD_CHUNK + MAX_FACTS <= MAX_RECORDS);
/// Records that the store is given at once, in whole rows: each call of it has a time limit.
const CALL: usize = 32_768;
/// Records behind from which a catching up is called a rebuild, and shown as one.
const REBUILD_FROM: u64 = 50_000;
/// Punches a second above which the committer is busy and the views stand back.
const BUSY_PER_SECOND: u64 = 20_000;
/// How many times longer than a chunk took the thread then rests, and at most.
const REST_FACTOR: u32 = 9;
const MAX_REST: Duration = Duration::from_millis(500);
/// Rest after a few records, so that more come together; a reader ends it.
const GATHER: Duration = Duration::from_millis(100);
/// How often the folder, the free space and the threads are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often it is looked whether there is space again, with rows in hand.
const LOW_SPACE_WAIT: Duration = Duration::from_millis(200);
/// How often rows are put on disk, while there are new ones.
const SYNC_EVERY: Duration = Duration::from_secs(5);
/// How often a rebuild says how far it is.
const SAY_EVERY: Duration = Duration::from_secs(5);
/// Free space below which the views leave the disk to the journal.
const MIN_FREE_BYTES: u64 = 8 << 20;
/// Longest pause before the next try after failures in a row.
const MAX_RETRY: Duration = Duration::from_secs(60);
/// Threads that hang in a store and are left behind until a restart.
const MAX_LEFT_BEHIND: usize = 8;
/// What opening reads in a millisecond at the least: its time limit grows with the store.
const OPEN_BYTES_PER_MS: u64 = 20_000;
/// A handle that was closed a moment ago may still hold the store: how often and long to wait.
const LOCK_TRIES: usize = 20;
const LOCK_WAIT: Duration = Duration::from_millis(100);
/// How long the last sync may take at the end.
const FINISH_LIMIT: Duration = Duration::from_secs(2);

pub(super) struct Keeper {
    pub(super) inner: Arc<Inner>,
    pub(super) batches: Batches,
    pub(super) places: Places,
    pub(super) days: Days,
    pub(super) zone: String,
    opened: Option<Opened>,
    failures: u32,
    left_behind: usize,
    looked: Instant,
    said: Instant,
    pace: Pace,
}

/// A store at work.
struct Opened {
    fill: Runner,
    read: Runner,
    file: PathBuf,
    inode: u64,
    cursor: Cursor,
    /// Since when rows wait for a sync.
    unsynced: Option<Instant>,
    rebuild: bool,
}

/// What to do before the next turn.
enum Pause {
    /// Nothing to do until the head moves.
    Idle,
    /// Stand back that long.
    Rest(Duration),
}

/// Rows gathered from the journal.
struct Portion {
    gathered: Gathered,
    cursor: Cursor,
    records: usize,
    /// The journal has no more.
    end: bool,
}

impl Keeper {
    pub(super) fn new(
        inner: Arc<Inner>,
        batches: Batches,
        places: Places,
        days: Days,
        zone: String,
    ) -> Self {
        let now = Instant::now();
        let pace = Pace { head: 0, at: now, per_second: 0 };
        Self {
            inner,
            batches,
            places,
            days,
            zone,
            opened: None,
            failures: 0,
            left_behind: 0,
            looked: now,
            said: now,
            pace,
        }
    }

    /// Works until asked to stop.
    pub(super) fn run(mut self, runtime: &tokio::runtime::Runtime) {
        while !self.inner.stop.load(SeqCst) {
            let pause = match self.turn() {
                Ok(pause) => pause,
                Err(error) => self.set_aside(&error),
            };
            self.pause(runtime, pause);
        }
        if let Some(opened) = self.opened.take() {
            self.inner.close_reads();
            let _ = opened.fill.call(FINISH_LIMIT, |store| store.sync());
            opened.fill.end(FINISH_LIMIT);
            opened.read.end(FINISH_LIMIT);
        }
    }

    fn turn(&mut self) -> Result<Pause, StoreError> {
        if self.left_behind >= MAX_LEFT_BEHIND {
            return Ok(Pause::Rest(MAX_RETRY));
        }
        if self.opened.is_none() {
            self.open()?;
        }
        self.look_if_due()?;
        self.inner.take_suspicion(self.places.generation())?;
        if self.inner.rebuild.load(SeqCst) {
            return Err(StoreError::Stale("a rebuild was asked for"));
        }
        if self.inner.low_space.load(SeqCst) {
            return Ok(Pause::Rest(LOOK_EVERY));
        }
        self.fill()
    }

    /// Takes up what the journal has, a portion at a time.
    fn fill(&mut self) -> Result<Pause, StoreError> {
        let head = self.inner.head_seen();
        self.pace.note(head);
        let began = Instant::now();
        let portion = match self.take_up() {
            Ok(portion) => portion,
            Err(error) => {
                tracing::warn!(%error, "the views cannot read the journal");
                return Ok(Pause::Rest(LOOK_EVERY));
            }
        };
        let Portion { gathered, cursor, records, end } = portion;
        if records > 0 && !self.add(gathered, cursor.clone())? {
            return Ok(Pause::Rest(Duration::ZERO));
        }
        let Some(opened) = &mut self.opened else { return Ok(Pause::Rest(GATHER)) };
        if records > 0 {
            opened.unsynced.get_or_insert(began);
        }
        opened.cursor = cursor;
        let filled = opened.cursor.next_record;
        opened.rebuild &= !end;
        let phase = if opened.rebuild { Phase::Rebuilding } else { Phase::Filling };
        self.inner.tell(phase, if end { filled.max(head) } else { filled }, head);
        self.sync_if_due()?;
        self.say(filled, head);
        if end {
            self.failures = 0;
        }
        Ok(self.next_pause(records, end, began.elapsed()))
    }

    /// Gives the store what was gathered; false if it is to stop or to begin again, and only then is
    /// any of it left out.
    fn add(&mut self, gathered: Gathered, cursor: Cursor) -> Result<bool, StoreError> {
        let (limit, gathered) = (self.inner.limits.operation, Arc::new(gathered));
        let mut at = 0;
        while at < gathered.rows().records() {
            let began = Instant::now();
            let Some(opened) = &self.opened else { return Ok(false) };
            let (end, all) = (gathered.end_of(at, CALL), gathered.clone());
            opened.fill.call(limit, move |store| store.add(all.rows().part(at..end)))?;
            at = end;
            if at < gathered.rows().records() && !self.goes_on(began.elapsed())? {
                return Ok(false);
            }
        }
        let Some(opened) = &self.opened else { return Ok(false) };
        opened.fill.call(limit, move |store| store.move_to(&cursor))?;
        Ok(true)
    }

    /// Between two calls of the store, of which one took so long: stands back, and waits for space.
    fn goes_on(&mut self, took: Duration) -> Result<bool, StoreError> {
        self.pace.note(self.inner.head_seen());
        if let Pause::Rest(rest) = self.next_pause(CALL, false, took) {
            std::thread::sleep(rest);
        }
        while !self.inner.stop.load(SeqCst) && !self.inner.rebuild.load(SeqCst) {
            self.look_if_due()?;
            if !self.inner.low_space.load(SeqCst) {
                return Ok(true);
            }
            std::thread::sleep(LOW_SPACE_WAIT);
        }
        Ok(false)
    }

    fn next_pause(&self, records: usize, end: bool, took: Duration) -> Pause {
        if records == 0 && end {
            return Pause::Idle;
        }
        if self.inner.readers.load(SeqCst) > 0 {
            return Pause::Rest(Duration::ZERO);
        }
        if self.pace.per_second > BUSY_PER_SECOND {
            return Pause::Rest((took * REST_FACTOR).min(MAX_REST));
        }
        Pause::Rest(if end { GATHER } else { Duration::ZERO })
    }

    fn pause(&mut self, runtime: &tokio::runtime::Runtime, pause: Pause) {
        let inner = self.inner.clone();
        let woken = async {
            match pause {
                Pause::Rest(rest) if rest.is_zero() => {}
                Pause::Rest(rest) => {
                    let _ = tokio::time::timeout(rest, inner.wake.notified()).await;
                }
                Pause::Idle => {
                    let mut head = inner.head.clone();
                    let seen = inner.progress.borrow().filled;
                    let moved = head.wait_for(|&head| head > seen);
                    tokio::select! {
                        moved = moved => if moved.is_err() {
                            // The ledger is gone or going.
                            let _ = tokio::time::timeout(LOOK_EVERY, inner.wake.notified()).await;
                        },
                        () = inner.wake.notified() => {}
                        () = tokio::time::sleep(LOOK_EVERY) => {}
                    }
                }
            }
        };
        runtime.block_on(woken);
    }

    /// Gathers rows from the journal.
    fn take_up(&mut self) -> Result<Portion, ReadError> {
        let (mut cursor, max) = match &self.opened {
            Some(opened) => {
                (opened.cursor.clone(), if opened.rebuild { REBUILD_CHUNK } else { CHUNK })
            }
            None => (Cursor::start(&self.zone), 0),
        };
        let left = self.inner.head_seen().saturating_sub(cursor.next_record);
        let mut gathered = Gathered::with_capacity(max.min(left as usize));
        let mut records = 0;
        let mut end = false;
        while records < max {
            let Some(piece) = self.batches.next()? else {
                end = true;
                break;
            };
            for record in &piece.records {
                let day = self.days.day(effective_seconds(&record.attendance));
                gathered.add(day, record);
            }
            records += piece.records.len();
            cursor.batch = piece.batch;
            cursor.chain = piece.chain;
            cursor.next_record = piece.next_record;
        }
        Ok(Portion { gathered: gathered.sorted(), cursor, records, end })
    }

    /// Opens the newest store, or makes one, and goes to where it left off.
    fn open(&mut self) -> Result<(), StoreError> {
        let limits = self.inner.limits;
        let place = self.places.current()?;
        let file = db_file(&place.folder);
        let was_there = file.exists();
        // A large store takes its time to open.
        let slack = self.places.bytes() / OPEN_BYTES_PER_MS;
        let limit = limits.open + Duration::from_millis(slack);
        let mut store = runner::open(place.clone(), limit);
        for _ in 0..LOCK_TRIES {
            if !matches!(store, Err(StoreError::Locked)) {
                break;
            }
            std::thread::sleep(LOCK_WAIT);
            store = runner::open(place.clone(), limit);
        }
        let store = store?;
        let fill = Runner::start("muster-views", store.clone())?;
        let read = Runner::start("muster-views-read", store)?;
        let cursor = match fill.call(limits.operation, |store| store.cursor())? {
            Some(cursor) if cursor.zone == self.zone => cursor,
            Some(_) => return Err(StoreError::Stale("the site's time zone has changed")),
            None if was_there => return Err(StoreError::Stale("its rows have no end")),
            None => self.begin(&fill)?,
        };
        self.go_to(&cursor)?;
        let inode = std::fs::metadata(&file)?.ino();
        let head = self.inner.head_seen();
        let rebuild = head.saturating_sub(cursor.next_record) > REBUILD_FROM;
        let phase = if rebuild { Phase::Rebuilding } else { Phase::Opening };
        self.inner.tell(phase, cursor.next_record, head);
        self.inner.open_reads(self.places.generation(), read.clone());
        self.opened = Some(Opened { fill, read, file, inode, cursor, unsynced: None, rebuild });
        Ok(())
    }

    /// Marks a new store as empty, so that the next start does not take it for a damaged one.
    fn begin(&self, fill: &Runner) -> Result<Cursor, StoreError> {
        let start = Cursor::start(&self.zone);
        let first = start.clone();
        fill.call(self.inner.limits.operation, move |store| store.move_to(&first))?;
        Ok(start)
    }

    /// Puts the journal's cursor behind the last batch taken in, which must be the very same.
    fn go_to(&mut self, cursor: &Cursor) -> Result<(), StoreError> {
        let failed = |error: ReadError| StoreError::Failed(error.to_string());
        self.batches.seek(cursor.batch).map_err(failed)?;
        if cursor.batch == 0 {
            return Ok(());
        }
        let piece = self.batches.next().map_err(failed)?;
        let same = |piece: &super::batches::Piece| {
            (piece.batch, piece.chain) == (cursor.batch, cursor.chain)
        };
        if piece.as_ref().is_some_and(same) {
            return Ok(());
        }
        Err(StoreError::Stale("it was filled from another journal, or a newer state of this one"))
    }

    fn look_if_due(&mut self) -> Result<(), StoreError> {
        if self.looked.elapsed() >= LOOK_EVERY {
            self.looked = Instant::now();
            self.look()?;
        }
        Ok(())
    }

    /// Looks whether the store still has its ground.
    fn look(&mut self) -> Result<(), StoreError> {
        let Some(opened) = &self.opened else { return Ok(()) };
        if opened.read.hangs(self.inner.limits.operation) {
            return Err(StoreError::Hanging);
        }
        let inode = std::fs::metadata(&opened.file).map(|meta| meta.ino());
        if inode.ok() != Some(opened.inode) {
            return Err(StoreError::Stale("its files were removed or replaced"));
        }
        self.inner.bytes.store(self.places.bytes(), SeqCst);
        let low = self.places.free_bytes().is_some_and(|free| free < MIN_FREE_BYTES);
        if low && !self.inner.low_space.swap(low, SeqCst) {
            tracing::warn!("the disk is nearly full: the views wait and leave it to the journal");
        }
        self.inner.low_space.store(low, SeqCst);
        Ok(())
    }

    fn sync_if_due(&mut self) -> Result<(), StoreError> {
        let Some(opened) = &mut self.opened else { return Ok(()) };
        if opened.unsynced.is_some_and(|since| since.elapsed() >= SYNC_EVERY) {
            opened.fill.call(self.inner.limits.operation, |store| store.sync())?;
            opened.unsynced = None;
        }
        Ok(())
    }

    fn say(&mut self, done: u64, total: u64) {
        let rebuilding = self.opened.as_ref().is_some_and(|opened| opened.rebuild);
        if rebuilding && self.said.elapsed() >= SAY_EVERY {
            self.said = Instant::now();
            tracing::info!(done, total, "the views are being rebuilt");
        }
    }

    /// Gives the store up and begins another.
    fn set_aside(&mut self, error: &StoreError) -> Pause {
        self.inner.close_reads();
        self.inner.rebuild.store(false, SeqCst);
        self.inner.tell_broken(&error.to_string());
        self.opened = None;
        if matches!(error, StoreError::Hanging) {
            self.left_behind += 1;
        }
        tracing::warn!(%error, "the views are set aside and built again; punches go on");
        self.places.set_aside();
        self.failures = self.failures.saturating_add(1);
        if self.left_behind >= MAX_LEFT_BEHIND {
            self.inner.tell_broken("it hung too often; restart the box and check its disk");
        }
        // The first time at once.
        let seconds = (1u64 << self.failures.min(7)) / 2 - 1;
        Pause::Rest(Duration::from_secs(seconds).min(MAX_RETRY))
    }
}

/// How fast punches are being committed.
struct Pace {
    head: u64,
    at: Instant,
    per_second: u64,
}

impl Pace {
    /// Shorter spans say nothing.
    const SPAN: Duration = Duration::from_millis(100);

    fn note(&mut self, head: u64) {
        let passed = self.at.elapsed();
        if passed >= Self::SPAN {
            let records = u128::from(head.saturating_sub(self.head));
            self.per_second = (records * 1000 / passed.as_millis().max(1)) as u64;
            (self.head, self.at) = (head, Instant::now());
        }
    }
}
