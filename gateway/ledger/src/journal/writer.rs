//! Appending.

use super::{Draft, Reader, Witness};
use crate::Keyring;
use crate::keyring::KeyringError;
use std::path::{Path, PathBuf};

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
    Io { path: PathBuf, source: std::io::Error },
}

/// What opening found.
pub(crate) struct Start {
    /// The newest whole checkpoint, as given to [`Journal::rotate`].
    pub(crate) checkpoint: Option<Vec<u8>>,
    /// Every whole batch after that checkpoint; read until `None`.
    pub(crate) batches: Reader,
    /// Bytes of a torn tail that were cut.
    pub(crate) torn_bytes: u64,
    /// Numbers of damaged batches found on the way (bounded; `damaged_count` is exact).
    pub(crate) damaged: Vec<u64>,
    pub(crate) damaged_count: u64,
    /// The folder is older than the witness, or its history differs.
    pub(crate) rolled_back: bool,
    /// The epoch for every draft until the next start; grown where rolled back.
    pub(crate) epoch: u16,
}

/// The one writer.
pub(crate) struct Journal {}

impl Journal {
    /// Opens or makes `<data>/journal`, cutting a torn tail. `now_ms` dates a first segment.
    pub(crate) fn open(
        data: &Path,
        keyring: &Keyring,
        now_ms: i64,
    ) -> Result<(Journal, Start), JournalError> {
        let _ = (data, keyring, now_ms);
        todo!()
    }

    /// Appends one batch; durable when this returns.
    pub(crate) fn append(&mut self, draft: &Draft<'_>) -> Result<Position, JournalError> {
        let _ = draft;
        todo!()
    }

    /// The segment has its size: give a checkpoint to [`Journal::rotate`].
    pub(crate) fn should_rotate(&self) -> bool {
        todo!()
    }

    /// Begins a new segment with `checkpoint` (at most [`super::MAX_CHECKPOINT_BYTES`]), the state
    /// after the last appended batch.
    pub(crate) fn rotate(&mut self, checkpoint: &[u8], at_ms: i64) -> Result<(), JournalError> {
        let _ = (checkpoint, at_ms);
        todo!()
    }

    /// A cursor at the journal's start, for any thread.
    pub(crate) fn reader(&self) -> Reader {
        todo!()
    }

    /// Number the next fact will get.
    pub(crate) fn next_record(&self) -> u64 {
        todo!()
    }

    /// The head, to be stored by [`Witness::store`].
    pub(crate) fn witness(&self) -> Witness {
        todo!()
    }

    /// Bytes of all segments.
    pub(crate) fn bytes(&self) -> u64 {
        todo!()
    }

    /// Punches are refused for want of room until [`Journal::tend`] has made the reserve again.
    pub(crate) fn is_full(&self) -> bool {
        todo!()
    }

    /// Makes the reserve again where it is missing and there is room: call every few seconds.
    pub(crate) fn tend(&mut self) {
        todo!()
    }
}
