//! Walking one segment's file: headers, whole batches, and what comes after damage.

use super::format::{
    BATCH_HEADER_LEN, BATCH_MAGIC, BatchHeader, Chain, MIN_BATCH_LEN, SEGMENT_HEADER_LEN,
    SegmentHeader, whole,
};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Bytes read at once: more is wasted on sparse reading, less costs calls on a full walk.
const WINDOW: usize = 64 << 10;

/// A batch found whole.
pub(super) struct Found<'a> {
    pub(super) at: u64,
    pub(super) header: BatchHeader,
    /// All of its bytes.
    pub(super) bytes: &'a [u8],
    /// Its bytes before the chain hash.
    pub(super) hashed: &'a [u8],
    /// Its chain hash as stored.
    pub(super) chain: Chain,
}

/// One open file with a window of its bytes.
pub(super) struct Walker {
    file: File,
    window: Vec<u8>,
    window_at: u64,
    limit: u64,
}

impl Walker {
    /// Opens `path`; nothing at or after `limit` is ever read.
    pub(super) fn open(path: &Path, limit: u64) -> io::Result<Self> {
        Ok(Self { file: File::open(path)?, window: Vec::new(), window_at: 0, limit })
    }

    /// Moves the limit, which only grows.
    pub(super) fn set_limit(&mut self, limit: u64) {
        self.limit = limit;
    }

    /// The bytes at `at`, fewer than `len` only at the limit.
    pub(super) fn bytes(&mut self, at: u64, len: usize) -> io::Result<&[u8]> {
        let len = self.limit.saturating_sub(at).min(len as u64) as usize;
        let inside = at.checked_sub(self.window_at).map(|start| start as usize);
        let held = inside.is_some_and(|start| start + len <= self.window.len());
        if !held {
            self.fill(at, len)?;
        }
        let start = at.saturating_sub(self.window_at) as usize;
        let end = (start + len).min(self.window.len());
        Ok(self.window.get(start..end).unwrap_or_default())
    }

    /// The header of the segment.
    pub(super) fn segment_header(&mut self) -> io::Result<Option<SegmentHeader>> {
        Ok(SegmentHeader::decode(self.bytes(0, SEGMENT_HEADER_LEN)?))
    }

    /// The header at `at`, if one is there and its batch ends below the limit.
    pub(super) fn header(&mut self, at: u64) -> io::Result<Option<BatchHeader>> {
        let room = self.limit.saturating_sub(at);
        let header = BatchHeader::decode(self.bytes(at, BATCH_HEADER_LEN)?);
        Ok(header.filter(|h| h.total as u64 <= room))
    }

    /// The first whole batch at or after `at` that may bear number `expected` or a later one.
    pub(super) fn find(&mut self, at: u64, expected: u64) -> io::Result<Option<Found<'_>>> {
        let mut next = at;
        while let Some(candidate) = self.find_magic(next)? {
            if let Some(header) = self.header(candidate)?
                && plausible(&header, expected, candidate - at)
                && whole(self.bytes(candidate, header.total as usize)?).is_some()
            {
                return self.found(candidate, header);
            }
            next = candidate + 1;
        }
        Ok(None)
    }

    /// The first batch at or after `at` by its header alone where that is good: for skipping.
    pub(super) fn hop(&mut self, at: u64, expected: u64) -> io::Result<Option<(u64, BatchHeader)>> {
        match self.header(at)? {
            Some(header) if plausible(&header, expected, 0) => Ok(Some((at, header))),
            _ => Ok(self.find(at, expected)?.map(|found| (found.at, found.header))),
        }
    }

    /// Whether every byte from `at` on is zero.
    pub(super) fn is_zero_from(&mut self, mut at: u64) -> io::Result<bool> {
        while at < self.limit {
            let bytes = self.bytes(at, WINDOW)?;
            if bytes.is_empty() || bytes.iter().any(|&b| b != 0) {
                return Ok(bytes.is_empty());
            }
            at += bytes.len() as u64;
        }
        Ok(true)
    }

    fn found(&mut self, at: u64, header: BatchHeader) -> io::Result<Option<Found<'_>>> {
        let bytes = self.bytes(at, header.total as usize)?;
        Ok(whole(bytes).map(|(hashed, chain)| Found { at, header, bytes, hashed, chain }))
    }

    /// Where a batch's magic next begins.
    fn find_magic(&mut self, mut at: u64) -> io::Result<Option<u64>> {
        while at + (MIN_BATCH_LEN as u64) <= self.limit {
            let bytes = self.bytes(at, WINDOW)?;
            let hit = bytes.windows(BATCH_MAGIC.len()).position(|w| w == BATCH_MAGIC);
            match hit {
                Some(position) => return Ok(Some(at + position as u64)),
                // The file may have become shorter than the limit: nothing more is there.
                None if bytes.len() < BATCH_MAGIC.len() => return Ok(None),
                None => at += (bytes.len() - BATCH_MAGIC.len() + 1) as u64,
            }
        }
        Ok(None)
    }

    fn fill(&mut self, at: u64, len: usize) -> io::Result<()> {
        let want = self.limit.saturating_sub(at).min(len.max(WINDOW) as u64) as usize;
        self.window.resize(want, 0);
        self.window.shrink_to(WINDOW.max(want));
        self.window_at = at;
        let mut filled = 0;
        while let Some(rest) = self.window.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, at + filled as u64) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    self.window.clear();
                    return Err(e);
                }
            }
        }
        self.window.truncate(filled);
        Ok(())
    }
}

/// Numbers only grow, and no more batches can be missing than the damaged bytes could have held.
fn plausible(header: &BatchHeader, expected: u64, gap: u64) -> bool {
    let missing = header.number.checked_sub(expected);
    missing.is_some_and(|missing| missing <= gap / MIN_BATCH_LEN as u64)
}
