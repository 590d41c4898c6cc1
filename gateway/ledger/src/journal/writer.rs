//! Appending.

use super::cipher::{Block, Place, derive, seal};
use super::format::{BATCH_AAD_LEN, BatchHeader, Chain, MIN_BATCH_LEN, TAG_LEN, facts_len, link};
use super::format::{BATCH_HEADER_LEN, SegmentHeader};
use super::reader::Damage;
use super::recovery::{Recovered, recover};
use super::reserve::Reserve;
use super::segment::{self, Segment, Segments};
use super::{
    Draft, MAX_BATCH_BYTES, MAX_CHECKPOINT_BYTES, MAX_FACTS, Reader, SEGMENT_BYTES, Witness,
};
use crate::Keyring;
use crate::keyring::{Class, KeyringError, make_dir, randomize};
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use ring::aead::LessSafeKey;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of buffer kept between appends; a larger batch's buffer is given back.
const KEPT_BUFFER: usize = 1 << 20;
/// Bytes appended before a rotation that found the disk full is tried again.
const ROTATE_AGAIN_BYTES: u64 = 1 << 20;
/// Last millisecond of the keyring's calendar: 2100-12-31T23:59:59.999Z.
const LAST_MS: i64 = 4_133_980_799_999;

/// Where an appended batch is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Position {
    pub(crate) batch: u64,
    /// Number of its first fact; the others follow.
    pub(crate) first_record: u64,
}

/// Why the journal takes nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JournalError {
    /// No room; what was written is cut off again and appending may go on when there is.
    #[error("the disk is full")]
    Full,
    /// A write or sync failed, now or earlier: nothing is taken until a restart.
    #[error("the journal failed: {0}")]
    Failed(String),
    /// The draft is over a limit; nothing was written.
    #[error("a batch of {bytes} bytes is over the limit of {limit}")]
    TooLarge { bytes: usize, limit: usize },
    /// A month's key cannot be had.
    #[error(transparent)]
    Key(#[from] KeyringError),
    /// Opening could not use a file.
    #[error("cannot use {path}")]
    Io { path: PathBuf, source: io::Error },
}

/// What opening found.
pub(crate) struct Start {
    /// The newest whole checkpoint, as given to [`Journal::rotate`].
    pub(crate) checkpoint: Option<Vec<u8>>,
    /// Every whole batch after that checkpoint; read until `None`.
    pub(crate) batches: Reader,
    /// Bytes of a torn tail that were cut.
    pub(crate) torn_bytes: u64,
    /// Numbers of damaged batches after the checkpoint (bounded; `damaged_count` is exact).
    pub(crate) damaged: Vec<u64>,
    pub(crate) damaged_count: u64,
    /// First batch after the checkpoint that does not continue the chain: somebody edited history.
    pub(crate) broken_chain: Option<u64>,
    /// The folder is older than the witness, or its history differs.
    pub(crate) rolled_back: bool,
    /// The epoch for every draft until the next start, from 1; grown where rolled back or where
    /// record numbers may have been lost to damage.
    pub(crate) epoch: u16,
}

/// The one writer. Whoever opens it holds the data folder alone.
pub(crate) struct Journal {
    data: PathBuf,
    dir: PathBuf,
    keyring: Keyring,
    segments: Arc<Segments>,
    current: Arc<Segment>,
    file: File,
    /// Durable bytes of the current segment.
    len: u64,
    head: Head,
    epoch: u16,
    keys: Option<Keys>,
    buffer: Vec<u8>,
    reserve: Reserve,
    full: bool,
    failed: Option<String>,
    /// No rotation below this length.
    rotate_at: u64,
}

/// The last durable batch and what comes after it.
#[derive(Clone, Copy)]
struct Head {
    batch: u64,
    next_record: u64,
    chain: Chain,
}

/// Keys in use, for drafts within one month.
struct Keys {
    wanted: Range<i64>,
    destructions: u64,
    month: u32,
    salt: [u8; 16],
    facts: LessSafeKey,
    acts: LessSafeKey,
}

impl Journal {
    /// Opens or makes `<data>/journal`, cutting a torn tail. `now_ms` dates a first segment.
    pub(crate) fn open(
        data: &Path,
        keyring: &Keyring,
        now_ms: i64,
    ) -> Result<(Journal, Start), JournalError> {
        let dir = data.join("journal");
        let fail = |source| JournalError::Io { path: dir.clone(), source };
        make_dir(&dir)?;
        let witness = Witness::load(data).unwrap_or_default();
        let found = match recover(&dir, keyring, &witness).map_err(fail)? {
            Some(found) => found,
            None => begin(&dir, keyring, &witness, now_ms).map_err(fail)?,
        };
        let (journal, start) = Self::assemble(data, dir, keyring, &witness, found);
        journal.keep_witness(true);
        Ok((journal, start))
    }

    /// Appends one batch; durable when this returns.
    pub(crate) fn append(&mut self, draft: &Draft<'_>) -> Result<Position, JournalError> {
        self.ready(draft.essential)?;
        let (number, first_record) = (self.head.batch + 1, self.head.next_record);
        let chain = self.encode(draft)?;
        self.write(draft.essential)?;
        self.len += self.buffer.len() as u64;
        let next_record = first_record + draft.facts.len() as u64;
        self.head = Head { batch: number, next_record, chain };
        self.segments.publish(&self.current, self.len, number, next_record);
        self.full &= !self.reserve.is_held();
        self.buffer.clear();
        self.buffer.shrink_to(KEPT_BUFFER);
        Ok(Position { batch: number, first_record })
    }

    /// The segment has its size: give a checkpoint to [`Journal::rotate`].
    pub(crate) fn should_rotate(&self) -> bool {
        self.len >= self.rotate_at && self.failed.is_none()
    }

    /// Begins a new segment with `checkpoint` (at most [`MAX_CHECKPOINT_BYTES`]), the state after
    /// the last appended batch. On a full disk the old segment goes on.
    pub(crate) fn rotate(&mut self, checkpoint: &[u8], at_ms: i64) -> Result<(), JournalError> {
        self.ready(true)?;
        if checkpoint.len() > MAX_CHECKPOINT_BYTES {
            let (bytes, limit) = (checkpoint.len(), MAX_CHECKPOINT_BYTES);
            return Err(JournalError::TooLarge { bytes, limit });
        }
        if self.head.batch < self.current.first_batch {
            return Ok(());
        }
        let (header, sealed) = self.seal_checkpoint(checkpoint, at_ms)?;
        let (file, segment) = match segment::create(&self.dir, &header, &sealed) {
            Ok(made) => made,
            Err(e) => return Err(self.rotation_failed(e)),
        };
        self.current = Arc::new(segment);
        self.segments.push(self.current.clone());
        self.file = file;
        self.len = header.body();
        self.rotate_at = self.len + SEGMENT_BYTES;
        self.keep_witness(true);
        Ok(())
    }

    /// A cursor at the journal's start, for any thread.
    pub(crate) fn reader(&self) -> Reader {
        Reader::new(self.segments.clone(), &self.keyring)
    }

    /// Number the next fact will get.
    pub(crate) fn next_record(&self) -> u64 {
        self.head.next_record
    }

    /// Chain hash of the last durable batch.
    pub(crate) fn chain(&self) -> Chain {
        self.head.chain
    }

    /// The head, to be stored by [`Witness::store`].
    pub(crate) fn witness(&self) -> Witness {
        let starts = self.keyring.epoch();
        Witness { starts, epoch: self.epoch, batch: self.head.batch, chain: self.head.chain }
    }

    /// Stores the head beside the data folder: call it every 10 s at most without `sync`, and at
    /// close with it. A failure is logged: it weakens the notice of rollbacks and nothing else.
    pub(crate) fn keep_witness(&self, sync: bool) {
        if let Err(error) = self.witness().store(&self.data, sync) {
            tracing::warn!(%error, "cannot write the witness beside the data folder");
        }
    }

    /// Bytes of all segments.
    pub(crate) fn bytes(&self) -> u64 {
        self.segments.bytes()
    }

    /// Punches are refused for want of room, or were a moment ago.
    pub(crate) fn is_full(&self) -> bool {
        self.full
    }

    /// Makes the reserve again where it is missing and there is room, and notices room for punches:
    /// call every few seconds while [`Journal::is_full`].
    pub(crate) fn tend(&mut self) {
        if self.reserve.is_held() {
            self.full &= !self.reserve.has_room();
        } else {
            self.full = !self.reserve.restore();
        }
    }

    #[cfg(test)]
    pub(super) fn keyring_for_tests(&self) -> &Keyring {
        &self.keyring
    }

    /// From now on the file cannot be written.
    #[cfg(test)]
    pub(super) fn break_for_tests(&mut self) -> io::Result<()> {
        self.file = File::open(&self.current.path)?;
        Ok(())
    }

    fn assemble(
        data: &Path,
        dir: PathBuf,
        keyring: &Keyring,
        witness: &Witness,
        found: Recovered,
    ) -> (Journal, Start) {
        let Recovered { segments: list, current, file, checkpoint, trace, .. } = found;
        let head = Head {
            batch: trace.next_batch - 1,
            next_record: trace.next_record,
            chain: trace.chain,
        };
        let known = trace.epoch.max(witness.epoch).max(1);
        let epoch = if found.grow_epoch { known.saturating_add(1) } else { known };
        let segments = Arc::new(Segments::new(list, head.batch, head.next_record));
        let mut batches = Reader::new(segments.clone(), keyring);
        batches.begin_at(found.from_batch);
        let Damage { named: damaged, count: damaged_count } = trace.damage;
        let start = Start {
            checkpoint,
            batches,
            torn_bytes: found.torn_bytes,
            damaged,
            damaged_count,
            broken_chain: trace.broken,
            rolled_back: found.rolled_back,
            epoch,
        };
        let reserve = Reserve::open(&dir);
        let journal = Journal {
            data: data.to_owned(),
            dir,
            keyring: keyring.clone(),
            segments,
            file,
            len: current.len(),
            head,
            epoch,
            keys: None,
            buffer: Vec::new(),
            full: !reserve.is_held(),
            reserve,
            failed: None,
            rotate_at: current.body() + SEGMENT_BYTES,
            current,
        };
        (journal, start)
    }

    fn ready(&self, essential: bool) -> Result<(), JournalError> {
        match &self.failed {
            Some(why) => Err(JournalError::Failed(why.clone())),
            None if !essential && !self.reserve.is_held() => Err(JournalError::Full),
            None => Ok(()),
        }
    }

    /// Fills the buffer with the batch; gives its chain hash.
    fn encode(&mut self, draft: &Draft<'_>) -> Result<Chain, JournalError> {
        let header = self.header(draft)?;
        let head = self.head.chain;
        let Self { keys, buffer, .. } = self;
        let keys = keys.as_ref().ok_or_else(|| JournalError::Failed("no keys".into()))?;
        let bytes = header.encode();
        let aad = bytes.get(..BATCH_AAD_LEN).unwrap_or_default();
        buffer.clear();
        buffer.reserve(header.total as usize);
        buffer.extend_from_slice(&bytes);
        let place = header.place();
        if !draft.facts.is_empty() {
            draft.facts.iter().for_each(|fact| buffer.extend_from_slice(&fact.encode()));
            seal_from(buffer, BATCH_HEADER_LEN, &keys.facts, Block::Facts, place, aad)?;
        }
        if !draft.acts.is_empty() {
            let start = buffer.len();
            for act in draft.acts {
                buffer.extend_from_slice(&(act.len() as u32).to_le_bytes());
                buffer.extend_from_slice(act);
            }
            seal_from(buffer, start, &keys.acts, Block::Acts, place, aad)?;
        }
        let chain = link(&head, buffer);
        buffer.extend_from_slice(&chain);
        buffer.extend_from_slice(&crc32c::crc32c(buffer).to_le_bytes());
        Ok(chain)
    }

    fn header(&mut self, draft: &Draft<'_>) -> Result<BatchHeader, JournalError> {
        let acts: usize = draft.acts.iter().map(|act| act.len().saturating_add(4)).sum();
        let acts_len = if draft.acts.is_empty() { 0 } else { acts.saturating_add(TAG_LEN) };
        let bytes = (MIN_BATCH_LEN + facts_len(draft.facts.len())).saturating_add(acts_len);
        if bytes > MAX_BATCH_BYTES || draft.facts.len() > MAX_FACTS {
            return Err(JournalError::TooLarge { bytes, limit: MAX_BATCH_BYTES });
        }
        let (number, first_record) = (self.head.batch + 1, self.head.next_record);
        let keys = self.keys_for(draft.at_ms)?;
        Ok(BatchHeader {
            epoch: draft.epoch,
            total: bytes as u32,
            facts: draft.facts.len() as u32,
            number,
            first_record,
            at_ms: draft.at_ms,
            month: keys.month,
            acts_len: acts_len as u32,
            salt: keys.salt,
        })
    }

    /// One write and one sync. Whatever fails, the salt is not used again.
    fn write(&mut self, essential: bool) -> Result<(), JournalError> {
        match self.write_once() {
            Ok(()) => Ok(()),
            Err(e) if is_full(&e) => {
                self.keys = None;
                self.cut_back()?;
                self.full = true;
                // The same bytes again: same key, same nonce, same text.
                if !essential || !self.reserve.release() {
                    return Err(JournalError::Full);
                }
                self.write_once().map_err(|e| self.second_failure(e))
            }
            Err(e) => Err(self.fail(e)),
        }
    }

    fn write_once(&mut self) -> io::Result<()> {
        self.file.write_all_at(&self.buffer, self.len)?;
        if let Err(e) = sync(&self.file) {
            // Never as a full disk: after a failed sync nothing is known of what was written.
            return Err(io::Error::other(format!("fdatasync: {e}")));
        }
        Ok(())
    }

    fn second_failure(&mut self, error: io::Error) -> JournalError {
        match is_full(&error).then(|| self.cut_back()) {
            Some(Ok(())) => JournalError::Full,
            Some(Err(e)) => e,
            None => self.fail(error),
        }
    }

    fn rotation_failed(&mut self, error: io::Error) -> JournalError {
        if !is_full(&error) {
            return self.fail(error);
        }
        self.full = true;
        self.rotate_at = self.len + ROTATE_AGAIN_BYTES;
        JournalError::Full
    }

    /// Takes back what a write that found the disk full has left.
    fn cut_back(&mut self) -> Result<(), JournalError> {
        self.file.set_len(self.len).map_err(|e| self.fail(e))
    }

    fn fail(&mut self, error: io::Error) -> JournalError {
        let why = error.to_string();
        self.failed = Some(why.clone());
        JournalError::Failed(why)
    }

    fn keys_for(&mut self, at_ms: i64) -> Result<&Keys, JournalError> {
        let (at_ms, destructions) = (at_ms.clamp(0, LAST_MS), self.keyring.destructions());
        let good = |k: &Keys| k.wanted.contains(&at_ms) && k.destructions == destructions;
        if !self.keys.as_ref().is_some_and(good) {
            self.keys = Some(Keys::new(&self.keyring, at_ms).map_err(key_error)?);
        }
        self.keys.as_ref().ok_or_else(|| JournalError::Failed("no keys".into()))
    }

    fn seal_checkpoint(
        &self,
        checkpoint: &[u8],
        at_ms: i64,
    ) -> Result<(SegmentHeader, Vec<u8>), JournalError> {
        let keys = Keys::new(&self.keyring, at_ms.clamp(0, LAST_MS)).map_err(key_error)?;
        let mut header = SegmentHeader {
            epoch: self.epoch,
            checkpoint_crc: 0,
            first_batch: self.head.batch + 1,
            first_record: self.head.next_record,
            chain: self.head.chain,
            box_id: self.keyring.box_id(),
            at_ms,
            checkpoint_len: (checkpoint.len() + TAG_LEN) as u32,
            month: keys.month,
            salt: keys.salt,
        };
        let place = Place { batch: header.first_batch, epoch: header.epoch };
        let mut sealed = checkpoint.to_vec();
        let aad = header.checkpoint_aad();
        seal_from(&mut sealed, 0, &keys.acts, Block::Checkpoint, place, &aad)?;
        header.checkpoint_crc = crc32c::crc32c(&sealed);
        Ok((header, sealed))
    }
}

impl Keys {
    /// Keys for a moment, with a salt of their own. Where the month's keys were destroyed or are
    /// damaged, the next month's serve.
    fn new(keyring: &Keyring, at_ms: i64) -> Result<Self, KeyringError> {
        let (mut month, wanted) = month_of(at_ms);
        let destructions = keyring.destructions();
        let both = |month| {
            let facts = keyring.month_key(Class::Facts, month)?;
            Ok((facts, keyring.month_key(Class::Acts, month)?))
        };
        let (facts, acts) = loop {
            match both(month) {
                Err(KeyringError::Gone | KeyringError::Damaged) => month = following(month),
                found => break found?,
            }
        };
        let mut salt = [0; 16];
        randomize(&mut salt)?;
        let derive = |secret, class| derive(secret, class, &salt).map_err(KeyringError::Io);
        let (facts, acts) = (derive(&facts, Class::Facts)?, derive(&acts, Class::Acts)?);
        Ok(Self { wanted, destructions, month, salt, facts, acts })
    }
}

/// The first segment of a journal.
fn begin(dir: &Path, keyring: &Keyring, witness: &Witness, now_ms: i64) -> io::Result<Recovered> {
    let header = SegmentHeader {
        epoch: witness.epoch.max(1),
        checkpoint_crc: 0,
        first_batch: 1,
        first_record: 1,
        chain: [0; 32],
        box_id: keyring.box_id(),
        at_ms: now_ms,
        checkpoint_len: 0,
        month: month_of(now_ms.clamp(0, LAST_MS)).0,
        salt: [0; 16],
    };
    segment::create(dir, &header, &[])?;
    let found = recover(dir, keyring, witness)?;
    found.ok_or_else(|| io::Error::other("the first segment is gone again"))
}

/// Encrypts `buffer` from `start` and appends the tag.
fn seal_from(
    buffer: &mut Vec<u8>,
    start: usize,
    key: &LessSafeKey,
    block: Block,
    place: Place,
    aad: &[u8],
) -> Result<(), JournalError> {
    let plain = buffer.get_mut(start..).unwrap_or_default();
    let tag = seal(key, block, place, aad, plain);
    let tag = tag.map_err(|e| JournalError::Failed(e.to_string()))?;
    buffer.extend_from_slice(tag.as_ref());
    Ok(())
}

/// With the feature `skip-fsync` nothing is synced, so that the power-cut test can be seen to fail.
/// Never part of a build that is used.
fn sync(file: &File) -> io::Result<()> {
    if cfg!(feature = "skip-fsync") {
        return Ok(());
    }
    Ok(rustix::fs::fdatasync(file)?)
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// A key that finds no room is a full disk too.
fn key_error(error: KeyringError) -> JournalError {
    match error {
        KeyringError::Io(e) if is_full(&e) => JournalError::Full,
        other => JournalError::Key(other),
    }
}

/// The month of a moment in UTC, as 202612, and the milliseconds it spans.
fn month_of(at_ms: i64) -> (u32, Range<i64>) {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or_default();
    let date = at.to_zoned(TimeZone::UTC).date();
    let first = date.first_of_month();
    let start = |date: jiff::civil::Date| {
        date.to_zoned(TimeZone::UTC).map_or(0, |zoned| zoned.timestamp().as_millisecond())
    };
    let next = first.checked_add(1.month()).unwrap_or(first);
    (date.year() as u32 * 100 + date.month() as u32, start(first)..start(next))
}

fn following(month: u32) -> u32 {
    if month % 100 >= 12 { (month / 100 + 1) * 100 + 1 } else { month + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_those_of_utc() {
        for (at_ms, month) in [
            (0, 197001),
            (1_764_547_199_999, 202511),
            (1_764_547_200_000, 202512),
            (1_767_225_599_999, 202512),
            (1_767_225_600_000, 202601),
            (LAST_MS, 210012),
        ] {
            let (found, span) = month_of(at_ms);
            assert_eq!(found, month, "{at_ms}");
            assert!(span.contains(&at_ms), "{at_ms}");
        }
        assert_eq!((following(202611), following(202612)), (202612, 202701));
    }
}
