//! Appending.

use super::cipher::{Block, Place, seal};
use super::format::{
    BATCH_AAD_LEN, BATCH_HEADER_LEN, BatchHeader, Chain, MIN_BATCH_LEN, SegmentHeader, TAG_LEN,
    facts_len, link,
};
use super::keys::Keys;
use super::reserve::Reserve;
use super::segment::{self, Segment, Segments};
use super::{
    Draft, MAX_BATCH_BYTES, MAX_CHECKPOINT_BYTES, MAX_FACTS, Reader, SEGMENT_BYTES, Witness,
};
use crate::Keyring;
use crate::keyring::KeyringError;
use ring::aead::LessSafeKey;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

/// Bytes of buffer kept between appends; a larger batch's buffer is given back.
const KEPT_BUFFER: usize = 1 << 20;
/// Bytes appended before a rotation that found the disk full is tried again.
const ROTATE_AGAIN_BYTES: u64 = 1 << 20;
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

/// The one writer. Whoever opens it holds the data folder alone.
pub(crate) struct Journal {
    pub(super) data: PathBuf,
    pub(super) dir: PathBuf,
    pub(super) keyring: Keyring,
    pub(super) segments: Arc<Segments>,
    pub(super) current: Arc<Segment>,
    pub(super) file: File,
    /// Durable bytes of the current segment.
    pub(super) len: u64,
    pub(super) head: Head,
    pub(super) epoch: u16,
    pub(super) keys: Option<Keys>,
    pub(super) buffer: Vec<u8>,
    pub(super) reserve: Reserve,
    pub(super) full: bool,
    pub(super) failed: Option<String>,
    /// No rotation below this length.
    pub(super) rotate_at: u64,
}

/// The last durable batch and what comes after it.
#[derive(Clone, Copy)]
pub(super) struct Head {
    pub(super) batch: u64,
    pub(super) next_record: u64,
    pub(super) chain: Chain,
}

impl Journal {
    /// Appends one batch; durable when this returns.
    pub(crate) fn append(&mut self, draft: &Draft<'_>) -> Result<Position, JournalError> {
        self.ready(draft.essential)?;
        let (number, first_record) = (self.head.batch + 1, self.head.next_record);
        let chain = self.encode(draft)?;
        self.write(draft.essential)?;
        self.len += self.buffer.len() as u64;
        let next_record = first_record + draft.facts.len() as u64;
        self.head = Head { batch: number, next_record, chain };
        self.segments.publish(&self.current, self.len, next_record);
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
        if !self.keys.as_ref().is_some_and(|keys| keys.serve(&self.keyring, at_ms)) {
            self.keys = Some(Keys::new(&self.keyring, at_ms).map_err(key_error)?);
        }
        self.keys.as_ref().ok_or_else(|| JournalError::Failed("no keys".into()))
    }

    fn seal_checkpoint(
        &self,
        checkpoint: &[u8],
        at_ms: i64,
    ) -> Result<(SegmentHeader, Vec<u8>), JournalError> {
        let keys = Keys::new(&self.keyring, at_ms).map_err(key_error)?;
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
