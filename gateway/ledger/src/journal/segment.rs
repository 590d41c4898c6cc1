//! The segments there are, shared between the writer and its readers.

use super::format::SegmentHeader;
use super::walk::Walker;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// How a segment's file ends.
const SUFFIX: &str = ".journal";
/// Digits of its name.
const DIGITS: usize = 16;

/// One segment's file.
pub(super) struct Segment {
    pub(super) path: PathBuf,
    /// By its name.
    pub(super) first_batch: u64,
    /// By its header, or by its first whole batch where that is damaged.
    pub(super) first_record: u64,
    /// `None` where damaged.
    pub(super) header: Option<SegmentHeader>,
    /// Durable bytes: nothing beyond is read.
    pub(super) committed: AtomicU64,
    /// No more is appended.
    pub(super) sealed: AtomicBool,
}

impl Segment {
    /// Reads the header of a segment that exists.
    pub(super) fn load(path: PathBuf, first_batch: u64, box_id: [u8; 16]) -> io::Result<Self> {
        let len = fs::metadata(&path)?.len();
        let mut walker = Walker::open(&path, len)?;
        let right = |h: &SegmentHeader| h.first_batch == first_batch && h.box_id == box_id;
        let header = walker.segment_header()?.filter(right).filter(|h| h.body() <= len);
        let first_record = match &header {
            Some(header) => header.first_record,
            None => walker.find(0, first_batch)?.map_or(0, |found| found.header.first_record),
        };
        let (committed, sealed) = (AtomicU64::new(len), AtomicBool::new(true));
        Ok(Self { path, first_batch, first_record, header, committed, sealed })
    }

    /// Where batches begin; where the header is damaged they are looked for from the start.
    pub(super) fn body(&self) -> u64 {
        self.header.as_ref().map_or(0, SegmentHeader::body)
    }

    /// Durable bytes.
    pub(super) fn len(&self) -> u64 {
        self.committed.load(Ordering::Acquire)
    }

    /// A walker over what is durable.
    pub(super) fn walk(&self) -> io::Result<Walker> {
        Walker::open(&self.path, self.len())
    }

    /// The sealed checkpoint with its header, if there is one and its CRC holds.
    pub(super) fn checkpoint(&self) -> io::Result<Option<(SegmentHeader, Vec<u8>)>> {
        let Some(header) = self.header.filter(|h| h.checkpoint_len > 0) else { return Ok(None) };
        let at = super::format::SEGMENT_HEADER_LEN as u64;
        let mut walker = self.walk()?;
        let bytes = walker.bytes(at, header.checkpoint_len as usize)?;
        let good = bytes.len() == header.checkpoint_len as usize
            && crc32c::crc32c(bytes) == header.checkpoint_crc;
        Ok(good.then(|| (header, bytes.to_vec())))
    }

    /// The file's name, for reports.
    pub(super) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// All segments in order, and the durable head.
pub(super) struct Segments {
    list: RwLock<Vec<Arc<Segment>>>,
    /// Number of the next record.
    next_record: AtomicU64,
}

impl Segments {
    /// Over what is there.
    pub(super) fn new(list: Vec<Arc<Segment>>, next_record: u64) -> Self {
        Self { list: RwLock::new(list), next_record: AtomicU64::new(next_record) }
    }

    /// Every segment in the folder, oldest first, as one that nobody writes to.
    pub(super) fn scan(dir: &Path, box_id: [u8; 16]) -> io::Result<Vec<Arc<Segment>>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            if let Some(first_batch) = number_of(&path) {
                found.push((first_batch, path));
            }
        }
        found.sort_unstable();
        let mut least = 1;
        let load = |(number, path)| {
            let mut segment = Segment::load(path, number, box_id)?;
            // In order even where a damaged header tells nothing.
            segment.first_record = segment.first_record.max(least);
            least = segment.first_record;
            Ok(Arc::new(segment))
        };
        found.into_iter().map(load).collect()
    }

    /// Number of the next record.
    pub(super) fn next_record(&self) -> u64 {
        self.next_record.load(Ordering::Acquire)
    }

    /// Lets readers see what is durable now.
    pub(super) fn publish(&self, segment: &Segment, len: u64, next_record: u64) {
        segment.committed.store(len, Ordering::Release);
        self.next_record.store(next_record, Ordering::Release);
    }

    /// Adds the segment that is written from now on; the one before is sealed.
    pub(super) fn push(&self, segment: Arc<Segment>) {
        let mut list = self.list.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = list.last() {
            last.sealed.store(true, Ordering::Release);
        }
        list.push(segment);
    }

    /// The segment after the one that begins with `first_batch`; the first for 0.
    pub(super) fn after(&self, first_batch: u64) -> Option<Arc<Segment>> {
        let list = self.list.read().unwrap_or_else(PoisonError::into_inner);
        list.get(list.partition_point(|s| s.first_batch <= first_batch)).cloned()
    }

    /// The last segment that begins at or before; the first if none does.
    pub(super) fn holding(&self, begins: impl Fn(&Segment) -> bool) -> Option<Arc<Segment>> {
        let list = self.list.read().unwrap_or_else(PoisonError::into_inner);
        list.get(list.partition_point(|s| begins(s)).saturating_sub(1)).cloned()
    }

    /// All of them, oldest first.
    pub(super) fn list(&self) -> Vec<Arc<Segment>> {
        self.list.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes out those that begin before `batch`, never the last.
    pub(super) fn take_before(&self, batch: u64) -> Vec<Arc<Segment>> {
        let mut list = self.list.write().unwrap_or_else(PoisonError::into_inner);
        let before = list.partition_point(|segment| segment.first_batch < batch);
        let count = before.min(list.len().saturating_sub(1));
        list.drain(..count).collect()
    }

    /// Each one's file with its durable bytes, oldest first.
    pub(super) fn durable(&self) -> Vec<(PathBuf, u64)> {
        let list = self.list.read().unwrap_or_else(PoisonError::into_inner);
        list.iter().map(|s| (s.path.clone(), s.len())).collect()
    }

    /// Durable bytes of all.
    pub(super) fn bytes(&self) -> u64 {
        let list = self.list.read().unwrap_or_else(PoisonError::into_inner);
        list.iter().map(|s| s.len()).sum()
    }
}

/// Makes a segment: written under another name, fsynced, renamed, the folder fsynced.
pub(super) fn create(
    dir: &Path,
    header: &SegmentHeader,
    checkpoint: &[u8],
) -> io::Result<(File, Segment)> {
    let path = path_of(dir, header.first_batch);
    let parts: [&[u8]; 2] = [&header.encode(), checkpoint];
    if let Err(e) = crate::keyring::replace(&path, &parts) {
        // Room for what follows: the unfinished file must not stay on a full disk.
        let _ = fs::remove_file(path.with_extension("journal.new"));
        return Err(e);
    }
    let file = File::options().read(true).write(true).open(&path)?;
    let segment = Segment {
        path,
        first_batch: header.first_batch,
        first_record: header.first_record,
        header: Some(*header),
        committed: AtomicU64::new(header.body()),
        sealed: AtomicBool::new(false),
    };
    Ok((file, segment))
}

/// Removes what a crash in mid-rotation left.
pub(super) fn remove_unfinished(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "new") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// The file of the segment that begins with `first_batch`.
pub(super) fn path_of(dir: &Path, first_batch: u64) -> PathBuf {
    dir.join(format!("{first_batch:0DIGITS$}{SUFFIX}"))
}

fn number_of(path: &Path) -> Option<u64> {
    let digits = path.file_name()?.to_str()?.strip_suffix(SUFFIX)?;
    let plain = digits.len() >= DIGITS && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|&number| plain && number > 0)
}
