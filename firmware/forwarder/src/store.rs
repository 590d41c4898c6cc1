//! The queue's file: entries appended and synced, removals appended, compacted when mostly dead.
//!
//! ```text
//! record = length u32 | CRC-32C of the rest u32 | kind u8 | index u64 | body
//! kind 1 = entry, body = topic length u16 | topic | payload;  kind 2 = removed, no body
//! ```
//! All numbers little-endian. A torn record at the end is cut at opening: its push never returned.
//! A damaged record before the end is skipped and counted. Memory holds where each waiting entry
//! lies and never what it says, so days of evidence cost a few bytes an entry.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, ErrorKind, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Bytes a queue may hold on disk, waiting entries and dead ones together.
pub const MAX_BYTES: u64 = 256 << 20;
/// Bytes of one entry: a check-in of the largest size with its topic.
pub const MAX_ENTRY: usize = 260 * 1024;
/// Dead bytes that make compaction worth it.
const DEAD_BYTES: u64 = 4 << 20;

const HEAD: usize = 8;
/// Kind and index, which every record has.
const LEAST: usize = 9;
const ENTRY: u8 = 1;
const REMOVED: u8 = 2;

/// Why an entry is not taken; the terminal must refuse aloud.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// No room until the box takes some.
    #[error("the queue is full: the box has not been reached for too long")]
    Full,
    /// Larger than any check-in may be.
    #[error("an entry of {0} bytes is too large")]
    TooLarge(usize),
    /// The disk said no.
    #[error("the queue cannot be written: {0}")]
    Io(#[from] io::Error),
}

/// One waiting entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// MQTT topic.
    pub topic: String,
    /// Opaque.
    pub payload: Vec<u8>,
}

/// Where a waiting entry's record lies.
#[derive(Clone, Copy)]
struct Place {
    at: u64,
    size: usize,
}

/// The queue.
pub struct Store {
    path: PathBuf,
    file: File,
    length: u64,
    dead: u64,
    next: u64,
    damaged: u64,
    waiting: BTreeMap<u64, Place>,
}

impl Store {
    /// Opens or makes the queue at `path`, cutting a torn end.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(path)?;
        let (mut waiting, mut next, mut at, mut damaged) = (BTreeMap::new(), 0, 0, 0);
        // What lies behind the last whole record is a torn end.
        let (mut end, mut skipped) = (0, 0);
        let mut reader = BufReader::new(&file);
        while let Some((size, record)) = read(&mut reader)? {
            match record {
                Some((index, kind)) => {
                    match kind {
                        ENTRY => drop(waiting.insert(index, Place { at, size })),
                        _ => drop(waiting.remove(&index)),
                    }
                    next = next.max(index.saturating_add(1));
                    damaged += std::mem::take(&mut skipped);
                    end = at + size as u64;
                }
                None => skipped += 1,
            }
            at += size as u64;
        }
        file.set_len(end)?;
        file.seek(SeekFrom::End(0))?;
        file.sync_all()?;
        Ok(Self { path: path.to_owned(), file, length: end, dead: 0, next, damaged, waiting })
    }

    /// Appends an entry; it is on disk when this returns.
    pub fn push(&mut self, entry: &Entry) -> Result<u64, PushError> {
        let size = HEAD + LEAST + 2 + entry.topic.len() + entry.payload.len();
        if size > MAX_ENTRY || entry.topic.len() > usize::from(u16::MAX) {
            return Err(PushError::TooLarge(size));
        }
        if self.length + size as u64 > MAX_BYTES {
            self.compact()?;
        }
        if self.length + size as u64 > MAX_BYTES {
            return Err(PushError::Full);
        }
        let index = self.next;
        let written = self.append(&record(index, Some(entry))).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // What may be half there must not be found later: its push failed.
            let _ = self.file.set_len(self.length);
            let _ = self.file.seek(SeekFrom::End(0));
            return Err(error.into());
        }
        self.waiting.insert(index, Place { at: self.length, size });
        self.length += size as u64;
        self.next += 1;
        Ok(index)
    }

    /// The box has it. Not synced: lost, the entry goes again.
    pub fn remove(&mut self, index: u64) -> io::Result<()> {
        let Some(place) = self.waiting.remove(&index) else { return Ok(()) };
        let record = record(index, None);
        self.append(&record)?;
        self.length += record.len() as u64;
        self.dead += (record.len() + place.size) as u64;
        if self.waiting.is_empty() || self.dead > DEAD_BYTES {
            self.compact()?;
        }
        Ok(())
    }

    /// Indices of waiting entries after `index`, oldest first.
    pub fn after(&self, index: Option<u64>) -> impl Iterator<Item = u64> {
        let from = index.map_or(0, |i| i.saturating_add(1));
        self.waiting.range(from..).map(|(index, _)| *index)
    }

    /// Reads a waiting entry; `None` if it does not wait. A record that is damaged on disk is an
    /// error of kind `InvalidData`.
    pub fn get(&self, index: u64) -> io::Result<Option<Entry>> {
        let Some(place) = self.waiting.get(&index) else { return Ok(None) };
        let mut bytes = vec![0; place.size];
        self.file.read_exact_at(&mut bytes, place.at)?;
        let entry = check(&bytes)
            .filter(|&(found, kind, _)| (found, kind) == (index, ENTRY))
            .and_then(|(_, _, body)| read_entry(body));
        entry.map(Some).ok_or_else(|| ErrorKind::InvalidData.into())
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Records that were damaged when the queue was opened.
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    fn append(&mut self, record: &[u8]) -> io::Result<()> {
        self.file.write_all(record)
    }

    /// Writes what waits to a new file and puts it in place of the old.
    fn compact(&mut self) -> io::Result<()> {
        let beside = self.path.with_extension("new");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&beside)?;
        let (mut length, mut waiting) = (0, BTreeMap::new());
        // Indices go on after a restart: the last one is kept as a removal.
        let last = self.next.checked_sub(1).filter(|last| !self.waiting.contains_key(last));
        if let Some(last) = last {
            let record = record(last, None);
            file.write_all(&record)?;
            length += record.len() as u64;
        }
        for (&index, &place) in &self.waiting {
            let mut bytes = vec![0; place.size];
            self.file.read_exact_at(&mut bytes, place.at)?;
            file.write_all(&bytes)?;
            waiting.insert(index, Place { at: length, ..place });
            length += place.size as u64;
        }
        file.sync_all()?;
        fs::rename(&beside, &self.path)?;
        File::open(self.path.parent().unwrap_or(Path::new(".")))?.sync_all()?;
        (self.file, self.length, self.dead, self.waiting) = (file, length, 0, waiting);
        Ok(())
    }
}

fn record(index: u64, entry: Option<&Entry>) -> Vec<u8> {
    let mut body = vec![if entry.is_some() { ENTRY } else { REMOVED }];
    body.extend_from_slice(&index.to_le_bytes());
    if let Some(Entry { topic, payload }) = entry {
        body.extend_from_slice(&(topic.len() as u16).to_le_bytes());
        body.extend_from_slice(topic.as_bytes());
        body.extend_from_slice(payload);
    }
    let mut record = Vec::with_capacity(HEAD + body.len());
    record.extend_from_slice(&(body.len() as u32).to_le_bytes());
    record.extend_from_slice(&crc32c::crc32c(&body).to_le_bytes());
    record.extend_from_slice(&body);
    record
}

/// A record's size and, if it is whole, its index and kind.
type Found = (usize, Option<(u64, u8)>);

/// Reads the next record's size and, if it is whole, its index and kind. `None` at the end, where
/// the end is torn, and where a length makes no sense.
fn read(file: &mut impl io::Read) -> io::Result<Option<Found>> {
    let mut bytes = vec![0; HEAD];
    if !fill(file, &mut bytes)? {
        return Ok(None);
    }
    let length = bytes.first_chunk::<4>().map_or(0, |l| u32::from_le_bytes(*l) as usize);
    if !(LEAST..=MAX_ENTRY).contains(&length) {
        return Ok(None);
    }
    bytes.resize(HEAD + length, 0);
    if !fill(file, bytes.get_mut(HEAD..).unwrap_or_default())? {
        return Ok(None);
    }
    Ok(Some((bytes.len(), check(&bytes).map(|(index, kind, _)| (index, kind)))))
}

/// Reads all of `buffer`; false at the end of the file.
fn fill(file: &mut impl io::Read, buffer: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// A whole record's index, kind and body.
fn check(record: &[u8]) -> Option<(u64, u8, &[u8])> {
    let (_, rest) = record.split_first_chunk::<4>()?;
    let (crc, body) = rest.split_first_chunk::<4>()?;
    if crc32c::crc32c(body) != u32::from_le_bytes(*crc) {
        return None;
    }
    let (&kind, body) = body.split_first()?;
    let (index, body) = body.split_first_chunk::<8>()?;
    let known = matches!(kind, ENTRY | REMOVED);
    known.then_some((u64::from_le_bytes(*index), kind, body))
}

fn read_entry(body: &[u8]) -> Option<Entry> {
    let (length, rest) = body.split_first_chunk::<2>()?;
    let (topic, payload) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    Some(Entry { topic: String::from_utf8(topic.to_vec()).ok()?, payload: payload.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(n: u8) -> Entry {
        Entry { topic: format!("t/{n}"), payload: vec![n; usize::from(n)] }
    }

    fn waiting(store: &Store) -> Vec<(u64, Entry)> {
        store.after(None).map(|i| (i, store.get(i).unwrap().unwrap())).collect()
    }

    proptest! {
        // Every push is a sync of the disk.
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Pushes, removals, restarts and cuts of the end against a plain map.
        #[test]
        fn nothing_pushed_is_lost(steps in prop::collection::vec((0u8..4, any::<u8>()), 1..60)) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("queue");
            let mut store = Store::open(&path).unwrap();
            let mut model = BTreeMap::new();
            for (what, n) in steps {
                match what {
                    0 | 1 => {
                        let index = store.push(&entry(n)).unwrap();
                        prop_assert!(model.insert(index, entry(n)).is_none(), "index used twice");
                    }
                    2 => {
                        let oldest = model.keys().next().copied();
                        if let Some(index) = oldest {
                            store.remove(index).unwrap();
                            model.remove(&index);
                        }
                    }
                    _ => {
                        drop(store);
                        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
                        file.write_all(&record(u64::MAX, Some(&entry(9)))[..usize::from(n % 20)]).unwrap();
                        store = Store::open(&path).unwrap();
                    }
                }
                prop_assert_eq!(waiting(&store), model.clone().into_iter().collect::<Vec<_>>());
            }
        }

        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("queue");
            fs::write(&path, bytes).unwrap();
            prop_assert!(Store::open(&path).is_ok());
        }
    }

    #[test]
    fn a_damaged_record_costs_itself_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue");
        let mut store = Store::open(&path).unwrap();
        for n in 100..103 {
            store.push(&entry(n)).unwrap();
        }
        let second = store.waiting[&1];
        let mut bytes = fs::read(&path).unwrap();
        bytes[second.at as usize + second.size - 1] ^= 1;
        fs::write(&path, bytes).unwrap();
        // Found while it runs, it is an error; found at a start, it is skipped and counted.
        assert_eq!(store.get(1).unwrap_err().kind(), ErrorKind::InvalidData);
        let store = Store::open(&path).unwrap();
        assert_eq!(waiting(&store), [(0, entry(100)), (2, entry(102))]);
        assert_eq!(store.damaged(), 1);
    }

    #[test]
    fn too_large_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("queue")).unwrap();
        let large = Entry { topic: "t".into(), payload: vec![0; MAX_ENTRY] };
        assert!(matches!(store.push(&large), Err(PushError::TooLarge(_))));
        assert_eq!(store.waiting(), 0);
    }
}
