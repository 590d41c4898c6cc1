//! The store under the views: the only place that knows sled 0.34.
//!
//! What it is known to do wrong shapes this file: `flush` does not sync (`fdatasync` on its file
//! follows), a leftover snapshot stops it from opening (removed first), values over 4 KiB leave
//! its pages (rows stay below), a damaged file can panic or hang it (see `runner`). A batch costs it
//! several times the memory and the time of the same inserts in the order of their keys, so there
//! are none: the cursor is written last, and adding a record twice is harmless.

use super::gather::Rows;
use super::row::{Chunk, KEY, Key, Stored, each_record, number, records};
use muster_attendance::PersonId;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Name of the file that sled keeps everything in.
const DB_FILE: &str = "db";
/// Key of the cursor: sorts after every row's, and is no row's because of its length.
const CURSOR_KEY: &[u8] = &[0xFF; KEY + 1];
/// Records from which two threads add them: only a rebuild has so many at once.
const SHARED_FROM: usize = 16_384;
/// Rows of others that are passed over on the way to the next that is wanted: looking it up costs
/// as much.
const MAX_PASSED: usize = 8;
/// Grows whenever the form of rows does: rows of another form are built again.
const FORM: u16 = 2;

/// How far the journal has been taken in. Written in one batch with the rows it stands for.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Cursor {
    form: u16,
    /// What a day is.
    pub(super) zone: String,
    /// Last batch taken in; 0 before the first.
    pub(super) batch: u64,
    /// Its chain hash: tells another history from this one.
    pub(super) chain: [u8; 32],
    /// Number of the next record.
    pub(super) next_record: u64,
}

impl Cursor {
    /// Before the first batch.
    pub(super) fn start(zone: &str) -> Self {
        Self { form: FORM, zone: zone.to_owned(), ..Self::default() }
    }
}

/// Why the store is not to be believed or used.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum StoreError {
    /// It says so itself.
    #[error("the view store failed: {0}")]
    Failed(String),
    /// What it gave back is not what was written.
    #[error("a row of the view store is damaged")]
    Damaged,
    /// Somebody else has it open.
    #[error("the view store is in use by somebody else")]
    Locked,
    /// It did not answer in time.
    #[error("the view store did not answer in time")]
    Hanging,
    /// It was set aside before it answered.
    #[error("the view store was set aside")]
    Gone,
    /// Its rows are of another history, zone or form.
    #[error("{0}")]
    Stale(&'static str),
    /// It panicked.
    #[error("the view store stopped on an error of its own")]
    Panicked,
}

impl From<sled::Error> for StoreError {
    fn from(error: sled::Error) -> Self {
        let text = error.to_string();
        if text.contains("could not acquire lock") { Self::Locked } else { Self::Failed(text) }
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Where in the export of records a page ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Position {
    pub(super) key: Key,
    /// The full chunk to go on with; the open one comes last.
    pub(super) chunk: u32,
    /// The last record given.
    pub(super) number: u64,
}

/// Records with their rows, and where to go on.
pub(super) type Page = (Vec<(Key, Stored)>, Option<Position>);

/// How a store is opened.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) folder: PathBuf,
    pub(super) cache_bytes: u64,
    #[cfg(test)]
    pub(super) faults: super::faults::Faults,
}

/// One opened store.
#[derive(Clone)]
pub(super) struct Store {
    db: sled::Db,
    file: PathBuf,
    #[cfg(test)]
    faults: super::faults::Faults,
}

impl Store {
    /// Opens or makes the store.
    pub(super) fn open(place: &Place) -> Result<Self, StoreError> {
        #[cfg(test)]
        place.faults.step();
        fs::create_dir_all(&place.folder)?;
        remove_unfinished(&place.folder)?;
        let db = sled::Config::new()
            .path(&place.folder)
            .cache_capacity(place.cache_bytes)
            .mode(sled::Mode::HighThroughput)
            .flush_every_ms(None)
            .open()?;
        Ok(Self {
            db,
            file: db_file(&place.folder),
            #[cfg(test)]
            faults: place.faults.clone(),
        })
    }

    /// How far the store has come; `None` if it is new or of another form.
    pub(super) fn cursor(&self) -> Result<Option<Cursor>, StoreError> {
        self.step();
        let Some(value) = self.db.get(CURSOR_KEY)? else { return Ok(None) };
        let (sum, bytes) = value.split_first_chunk::<4>().ok_or(StoreError::Damaged)?;
        if *sum != crc32c::crc32c(bytes).to_le_bytes() {
            return Err(StoreError::Damaged);
        }
        let cursor: Option<Cursor> = postcard::from_bytes(bytes).ok();
        Ok(cursor.filter(|cursor| cursor.form == FORM))
    }

    /// Adds records to rows. The cursor goes after them ([`Self::move_to`]): after a crash in between
    /// the same records are added again, and those that are there are passed over.
    pub(super) fn add(&self, rows: Rows<'_>) -> Result<(), StoreError> {
        self.step();
        if rows.records() < SHARED_FROM { self.add_rows(rows) } else { self.add_shared(rows) }
    }

    /// Moves the cursor.
    pub(super) fn move_to(&self, cursor: &Cursor) -> Result<(), StoreError> {
        self.step();
        let bytes = postcard::to_stdvec(cursor).map_err(|_| StoreError::Damaged)?;
        let mut value = crc32c::crc32c(&bytes).to_le_bytes().to_vec();
        value.extend_from_slice(&bytes);
        self.db.insert(CURSOR_KEY, value)?;
        Ok(())
    }

    /// The records of one row, whole chunks until at least `max`, the newest chunk first.
    pub(super) fn row(&self, key: Key, max: usize) -> Result<Vec<Stored>, StoreError> {
        self.step();
        let mut found = Vec::new();
        for item in self.db.scan_prefix(key.prefix()) {
            let (key, value) = item?;
            found.extend(records(&key, &value).ok_or(StoreError::Damaged)?);
            if found.len() >= max {
                break;
            }
        }
        Ok(found)
    }

    /// The rows of a day, each as [`Self::row`] gives it, until at least `max` records are together.
    pub(super) fn day(
        &self,
        day: i32,
        max_row: usize,
        max: usize,
    ) -> Result<Vec<(Key, Vec<Stored>)>, StoreError> {
        self.step();
        let mut rows: Vec<(Key, Vec<Stored>)> = Vec::new();
        let mut count = 0;
        let mut items = self.db.scan_prefix(Key::day_prefix(day));
        while let Some(item) = items.next() {
            let (bytes, value) = item?;
            let Some((key, _)) = Key::read(&bytes) else { break };
            let found = records(&bytes, &value).ok_or(StoreError::Damaged)?;
            count += found.len();
            match rows.last_mut() {
                Some((last, records)) if *last == key => records.extend(found),
                _ => rows.push((key, found)),
            }
            if count >= max {
                break;
            }
            if rows.last().is_some_and(|(_, records)| records.len() >= max_row) {
                // The rest of the row may be very long.
                items = self.db.range(after_row(key)..Key::day_end(day).to_vec());
            }
        }
        Ok(rows)
    }

    /// Hands over the records of some people (ascending) on one day, of each at least `max` of as
    /// many. Rows of others in between are passed over; where they are many, they are leapt over.
    pub(super) fn of(
        &self,
        day: i32,
        people: &[PersonId],
        max: usize,
        mut each: impl FnMut(PersonId, Stored),
    ) -> Result<(), StoreError> {
        self.step();
        let key = |person: PersonId| Key { day, person: Some(person) };
        let end = people.last().map(|last| after_row(key(*last))).unwrap_or_default();
        let mut wanted = people.iter().copied().peekable();
        'leap: while let Some(&first) = wanted.peek() {
            let (mut passed, mut of, mut count) = (0, first, 0);
            for item in self.db.range(key(first).prefix().to_vec()..end.clone()) {
                let (bytes, value) = item?;
                let (row, _) = Key::read(&bytes).ok_or(StoreError::Damaged)?;
                let person = row.person.ok_or(StoreError::Damaged)?;
                while wanted.next_if(|wanted| *wanted < person).is_some() {}
                let Some(&next) = wanted.peek() else { break };
                if next != person {
                    passed += 1;
                    if passed > MAX_PASSED {
                        continue 'leap;
                    }
                    continue;
                }
                (passed, count) = (0, if of == person { count } else { 0 });
                of = person;
                if count < max {
                    let read = each_record(&bytes, &value, |record| {
                        count += 1;
                        each(person, record);
                    });
                    read.ok_or(StoreError::Damaged)?;
                }
            }
            break;
        }
        Ok(())
    }

    /// Records of the days `from` to `to` (both inclusive) in the order of day, person and arrival,
    /// at most `max`, after `after`. The position is where to go on; `None` at the end.
    pub(super) fn page(
        &self,
        (from, to): (i32, i32),
        after: Option<Position>,
        max: usize,
    ) -> Result<Page, StoreError> {
        self.step();
        let mut page = Vec::new();
        let mut next = after;
        let mut row = match after {
            Some(position) => Some(position.key),
            None => self.first_row(Key::day_prefix(from).to_vec(), to)?,
        };
        while let Some(key) = row {
            next = self.page_row(key, next.filter(|next| next.key == key), max, &mut page)?;
            if next.is_some() {
                return Ok((page, next));
            }
            row = self.first_row(after_row(key), to)?;
        }
        Ok((page, None))
    }

    /// Adds the records of one row to a page; a position if the page is full before the row ends.
    fn page_row(
        &self,
        key: Key,
        after: Option<Position>,
        max: usize,
        page: &mut Vec<(Key, Stored)>,
    ) -> Result<Option<Position>, StoreError> {
        let first = after.map_or(1, |position| position.chunk);
        let mut seen = after.map(|position| position.number);
        let mut chunk = first;
        let full = self.db.range(key.chunk(first)..=key.chunk(u32::MAX));
        for item in full.chain(self.db.range(key.chunk(0)..=key.chunk(0))) {
            let (bytes, value) = item?;
            // Once its chunk is full, what is in the open one is found under the next number.
            chunk = Key::read(&bytes).map_or(chunk, |(_, n)| if n == 0 { chunk } else { n });
            for record in records(&bytes, &value).ok_or(StoreError::Damaged)? {
                if seen.is_some_and(|seen| record.number <= seen) {
                    continue;
                }
                if page.len() >= max {
                    let number = seen.unwrap_or(0);
                    return Ok(Some(Position { key, chunk, number }));
                }
                seen = Some(record.number);
                page.push((key, record));
            }
        }
        Ok(None)
    }

    /// The first row at or after `start`, up to day `to`.
    fn first_row(&self, start: Vec<u8>, to: i32) -> Result<Option<Key>, StoreError> {
        let Some(item) = self.db.range(start..).next() else { return Ok(None) };
        let (bytes, _) = item?;
        Ok(Key::read(&bytes).map(|(key, _)| key).filter(|key| key.day <= to))
    }

    /// Puts on disk what was added so far.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        self.step();
        self.db.flush()?;
        Ok(File::open(&self.file)?.sync_data()?)
    }

    /// Adds half of the rows on a thread of its own.
    fn add_shared(&self, rows: Rows<'_>) -> Result<(), StoreError> {
        let (first, second) = rows.halves();
        std::thread::scope(|scope| {
            let other = scope.spawn(|| self.add_rows(second));
            let own = self.add_rows(first);
            own.and(other.join().unwrap_or(Err(StoreError::Panicked)))
        })
    }

    fn add_rows(&self, rows: Rows<'_>) -> Result<(), StoreError> {
        rows.each().try_for_each(|(key, packed)| self.add_row(key, packed))
    }

    fn add_row<'a>(
        &self,
        key: Key,
        packed: impl Iterator<Item = &'a [u8]>,
    ) -> Result<(), StoreError> {
        let open = key.chunk(0);
        let mut chunk = match self.db.get(open)? {
            Some(value) => Chunk::resume(&open, &value).ok_or(StoreError::Damaged)?,
            None => Chunk::new(0),
        };
        let last = chunk.last();
        for packed in packed {
            let record = number(packed).ok_or(StoreError::Damaged)?;
            if last.is_some_and(|last| record <= last) || chunk.push(record, packed) {
                continue;
            }
            let number = chunk.full().saturating_add(1);
            let full = key.chunk(number);
            self.db.insert(full, chunk.value(&full))?;
            chunk = Chunk::new(number);
            if !chunk.push(record, packed) {
                return Err(StoreError::Damaged);
            }
        }
        self.db.insert(open, chunk.value(&open))?;
        Ok(())
    }

    /// Where tests make the store hang, fail or panic.
    fn step(&self) {
        #[cfg(test)]
        self.faults.step();
    }
}

/// Where the row after `key`'s begins at the earliest.
fn after_row(key: Key) -> Vec<u8> {
    let mut start = key.chunk(u32::MAX).to_vec();
    start.push(0);
    start
}

/// The file to watch: when it is another or gone, the store has lost its ground.
pub(super) fn db_file(folder: &Path) -> PathBuf {
    folder.join(DB_FILE)
}

/// A snapshot that was being written at a crash stops the store from opening.
fn remove_unfinished(folder: &Path) -> Result<(), StoreError> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("snap.") && name.ends_with("generating") {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
