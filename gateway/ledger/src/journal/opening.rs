//! Opening: from what recovery found to a writer and a start.

use super::format::SegmentHeader;
use super::keys::month_of;
use super::recovery::{Damage, Recovered, recover};
use super::reserve::Reserve;
use super::segment::{self, Segments};
use super::writer::{Head, Journal, JournalError};
use super::{Reader, SEGMENT_BYTES, Witness};
use crate::Keyring;
use crate::keyring::make_dir;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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

impl Start {
    /// Logs what was mended or cannot be.
    fn say(&self) {
        let Self { torn_bytes, damaged_count, .. } = self;
        if *torn_bytes > 0 || *damaged_count > 0 {
            tracing::warn!(torn_bytes, damaged_count, "cut a torn tail or skipped damaged batches");
        }
        if let Some(batch) = self.broken_chain {
            tracing::error!(batch, "this batch does not continue the chain: history was edited");
        }
        if self.rolled_back {
            tracing::error!(epoch = self.epoch, "the data folder is older than the box remembers");
        }
    }
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
        start.say();
        journal.keep_witness(true);
        Ok((journal, start))
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
        let segments = Arc::new(Segments::new(list, head.next_record));
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
        month: month_of(now_ms).0,
        salt: [0; 16],
    };
    segment::create(dir, &header, &[])?;
    let found = recover(dir, keyring, witness)?;
    found.ok_or_else(|| io::Error::other("the first segment is gone again"))
}
