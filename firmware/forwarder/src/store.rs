//! The queue's file: entries appended and synced, removals appended, compacted when mostly dead.
//!
//! ```text
//! record = length u32 | CRC-32C of the rest u32 | kind u8 | index u64 | body
//! kind 1 = entry, body = topic length u16 | topic | payload;  kind 2 = removed, no body
//! ```
//! All numbers little-endian. A torn record at the end is cut at opening: its push never returned.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// Bytes a queue may hold on disk, waiting entries and dead ones together.
pub const MAX_BYTES: u64 = 256 << 20;
/// Bytes of one entry: a check-in of the largest size with its topic.
pub const MAX_ENTRY: usize = 260 * 1024;
/// Dead bytes that make compaction worth it.
const DEAD_BYTES: u64 = 4 << 20;

const HEAD: usize = 8;
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

/// The queue.
pub struct Store {
    path: PathBuf,
    file: File,
    length: u64,
    dead: u64,
    next: u64,
    waiting: BTreeMap<u64, Entry>,
}

impl Store {
    /// Opens or makes the queue at `path`, cutting a torn end.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut bytes = Vec::new();
        (&file).take(MAX_BYTES + MAX_ENTRY as u64).read_to_end(&mut bytes)?;
        let (mut waiting, mut next, mut at) = (BTreeMap::new(), 0, 0);
        while let Some((index, entry, size)) = read(&bytes[at..]) {
            match entry {
                Some(entry) => drop(waiting.insert(index, entry)),
                None => drop(waiting.remove(&index)),
            }
            next = next.max(index + 1);
            at += size;
        }
        file.set_len(at as u64)?;
        file.seek(SeekFrom::End(0))?;
        file.sync_all()?;
        Ok(Self { path: path.to_owned(), file, length: at as u64, dead: 0, next, waiting })
    }

    /// Appends an entry; it is on disk when this returns.
    pub fn push(&mut self, entry: Entry) -> Result<u64, PushError> {
        let size = HEAD + 11 + entry.topic.len() + entry.payload.len();
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
        let written =
            self.append(&record(index, Some(&entry))).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // What may be half there must not be found later: its push failed.
            let _ = self.file.set_len(self.length);
            let _ = self.file.seek(SeekFrom::End(0));
            return Err(error.into());
        }
        self.length += size as u64;
        self.next += 1;
        self.waiting.insert(index, entry);
        Ok(index)
    }

    /// The box has it. Not synced: lost, the entry goes again.
    pub fn remove(&mut self, index: u64) -> io::Result<()> {
        if self.waiting.remove(&index).is_none() {
            return Ok(());
        }
        let record = record(index, None);
        self.append(&record)?;
        self.length += record.len() as u64;
        self.dead += record.len() as u64;
        if self.waiting.is_empty() || self.dead > DEAD_BYTES {
            self.compact()?;
        }
        Ok(())
    }

    /// Waiting entries after `index`, oldest first.
    pub fn after(&self, index: Option<u64>) -> impl Iterator<Item = (u64, &Entry)> {
        let from = index.map_or(0, |i| i.saturating_add(1));
        self.waiting.range(from..).map(|(index, entry)| (*index, entry))
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn append(&mut self, record: &[u8]) -> io::Result<()> {
        self.file.write_all(record)
    }

    /// Writes what waits to a new file and puts it in place of the old.
    fn compact(&mut self) -> io::Result<()> {
        let beside = self.path.with_extension("new");
        let mut file = File::create(&beside)?;
        let mut length = 0;
        // Indices go on after a restart: the last one is kept as a removal.
        let last = self.next.checked_sub(1).map(|last| record(last, None));
        let keeps_last = self.waiting.contains_key(&self.next.wrapping_sub(1));
        let live = self.waiting.iter().map(|(index, entry)| record(*index, Some(entry)));
        for record in last.filter(|_| !keeps_last).into_iter().chain(live) {
            file.write_all(&record)?;
            length += record.len() as u64;
        }
        file.sync_all()?;
        fs::rename(&beside, &self.path)?;
        File::open(self.path.parent().unwrap_or(Path::new(".")))?.sync_all()?;
        (self.file, self.length, self.dead) = (file, length, 0);
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

/// Reads one record: its index, its entry unless it is a removal, and its size. `None` at the end
/// and where the end is torn.
fn read(bytes: &[u8]) -> Option<(u64, Option<Entry>, usize)> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (crc, rest) = rest.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length) as usize;
    let body = rest.get(..length).filter(|_| length <= MAX_ENTRY)?;
    if crc32c::crc32c(body) != u32::from_le_bytes(*crc) {
        return None;
    }
    let (kind, body) = body.split_first()?;
    let (index, body) = body.split_first_chunk::<8>()?;
    let entry = match *kind {
        ENTRY => Some(read_entry(body)?),
        REMOVED => None,
        _ => return None,
    };
    Some((u64::from_le_bytes(*index), entry, HEAD + length))
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
        store.after(None).map(|(i, e)| (i, e.clone())).collect()
    }

    proptest! {
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
                        let index = store.push(entry(n)).unwrap();
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
    fn too_large_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("queue")).unwrap();
        let large = Entry { topic: "t".into(), payload: vec![0; MAX_ENTRY] };
        assert!(matches!(store.push(large), Err(PushError::TooLarge(_))));
        assert_eq!(store.waiting(), 0);
    }
}
