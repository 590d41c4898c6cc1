//! Finding the head after a start, a crash, a power cut, damage or a rollback.

use super::cipher::Cipher;
use super::format::{Chain, MIN_BATCH_LEN, link};
use super::segment::{Segment, Segments, remove_unfinished};
use super::walk::{Found, Walker};
use super::{MAX_DAMAGED_NAMED, Witness};
use crate::Keyring;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Names tried when a segment in which nothing is whole is set aside.
const MAX_SET_ASIDE: u32 = 1000;

/// What the folder holds.
pub(super) struct Recovered {
    /// Oldest first; the last one is not sealed and cut to its end.
    pub(super) segments: Vec<Arc<Segment>>,
    /// The last of them.
    pub(super) current: Arc<Segment>,
    /// Opened for appending.
    pub(super) file: File,
    pub(super) checkpoint: Option<Vec<u8>>,
    /// First batch after the checkpoint.
    pub(super) from_batch: u64,
    pub(super) trace: Trace,
    pub(super) torn_bytes: u64,
    pub(super) rolled_back: bool,
    /// Numbers may have been given that are no longer seen.
    pub(super) grow_epoch: bool,
}

/// A walk along the chain.
pub(super) struct Trace {
    /// Number of the next batch.
    pub(super) next_batch: u64,
    /// Number of the next record.
    pub(super) next_record: u64,
    /// Chain hash of the last whole batch.
    pub(super) chain: Chain,
    /// False where damage hides whether the next batch continues `chain`.
    sure: bool,
    /// The highest seen.
    pub(super) epoch: u16,
    pub(super) damage: Damage,
    /// First whole batch that does not continue the one before it.
    pub(super) broken: Option<u64>,
    /// Set when the witness's batch is met with another hash.
    differs: bool,
    /// Where the last whole batch lies in the last segment: offset and length.
    last: Option<(u64, u64)>,
}

/// Finds the head of the journal in `dir`; `None` where no segment is there.
pub(super) fn recover(
    dir: &Path,
    keyring: &Keyring,
    witness: &Witness,
) -> io::Result<Option<Recovered>> {
    remove_unfinished(dir)?;
    let mut segments = Segments::scan(dir, keyring.box_id())?;
    set_aside_hopeless(&mut segments)?;
    let (from, checkpoint) = newest_checkpoint(&segments, keyring)?;
    let Some((first, last)) = segments.get(from).zip(segments.last()) else { return Ok(None) };
    let mut trace = Trace::from(first);
    let mut end = 0;
    for segment in segments.iter().skip(from) {
        end = trace.follow(segment, witness)?;
    }
    let from_batch = first.first_batch;
    let file = File::options().read(true).write(true).open(&last.path)?;
    let tail = settle_tail(last, &file, end, witness, &mut trace)?;
    make_durable(&file, &trace)?;
    File::open(dir)?.sync_all()?;
    last.sealed.store(false, Ordering::Release);
    let rolled_back = trace.differs || witness.batch >= trace.next_batch;
    let torn_bytes = if let Tail::Cut(bytes) = tail { bytes } else { 0 };
    let current = last.clone();
    Ok(Some(Recovered {
        grow_epoch: rolled_back || matches!(tail, Tail::Kept),
        segments,
        current,
        file,
        checkpoint,
        from_batch,
        trace,
        torn_bytes,
        rolled_back,
    }))
}

/// Damaged batches met so far.
#[derive(Clone, Default, Debug)]
pub(super) struct Damage {
    pub(super) named: Vec<u64>,
    pub(super) count: u64,
}

impl Damage {
    /// Notes `from` up to but without `until`.
    pub(super) fn note(&mut self, from: u64, until: u64) {
        self.count += until.saturating_sub(from);
        let room = MAX_DAMAGED_NAMED.saturating_sub(self.named.len());
        self.named.extend((from..until).take(room));
    }
}

impl Trace {
    /// Before the first batch of `segment`.
    pub(super) fn from(segment: &Segment) -> Self {
        let header = segment.header.as_ref();
        Self {
            next_batch: segment.first_batch,
            next_record: segment.first_record.max(1),
            chain: header.map_or([0; 32], |h| h.chain),
            sure: header.is_some(),
            epoch: header.map_or(0, |h| h.epoch),
            damage: Damage::default(),
            broken: None,
            differs: false,
            last: None,
        }
    }

    /// Walks a segment to its last whole batch; gives where that ends.
    fn follow(&mut self, segment: &Segment, witness: &Witness) -> io::Result<u64> {
        self.enter(segment, witness);
        let mut walker = segment.walk()?;
        let mut at = segment.body();
        while let Some(found) = walker.find(at, self.next_batch)? {
            at = found.at + found.header.total as u64;
            self.step(&found, witness);
        }
        Ok(at)
    }

    /// Takes the word of a segment's header.
    fn enter(&mut self, segment: &Segment, witness: &Witness) {
        self.last = None;
        if self.next_batch < segment.first_batch {
            self.damage.note(self.next_batch, segment.first_batch);
            self.next_batch = segment.first_batch;
            self.sure = false;
        }
        let Some(header) = &segment.header else { return };
        if self.sure && header.chain != self.chain {
            self.broken.get_or_insert(header.first_batch);
        }
        self.chain = header.chain;
        self.sure = true;
        self.epoch = self.epoch.max(header.epoch);
        self.next_record = self.next_record.max(header.first_record);
        self.compare(header.first_batch - 1, witness);
    }

    /// Takes one whole batch.
    fn step(&mut self, found: &Found<'_>, witness: &Witness) {
        let header = &found.header;
        if header.number > self.next_batch {
            self.damage.note(self.next_batch, header.number);
            self.sure = false;
        }
        if self.sure && link(&self.chain, found.hashed) != found.chain {
            self.broken.get_or_insert(header.number);
        }
        self.chain = found.chain;
        self.sure = true;
        self.next_batch = header.number + 1;
        self.next_record = self.next_record.max(header.end_record());
        self.epoch = self.epoch.max(header.epoch);
        self.last = Some((found.at, header.total as u64));
        self.compare(header.number, witness);
    }

    fn compare(&mut self, batch: u64, witness: &Witness) {
        if batch == witness.batch && batch > 0 {
            self.differs = self.chain != witness.chain;
        }
    }
}

/// What became of the bytes after the last whole batch.
enum Tail {
    /// So many were cut; zeros do not count.
    Cut(u64),
    /// They hold receipted batches, damaged.
    Kept,
}

/// Cuts what was never receipted after the last whole batch; keeps and names what the witness
/// knows as durable.
fn settle_tail(
    segment: &Segment,
    file: &File,
    end: u64,
    witness: &Witness,
    trace: &mut Trace,
) -> io::Result<Tail> {
    let len = segment.len();
    if end >= len {
        return Ok(Tail::Cut(0));
    }
    let mut walker = segment.walk()?;
    let empty = walker.is_zero_from(end)?;
    let known = witness.batch.checked_sub(trace.next_batch).map(|more| more + 1);
    if known.is_some_and(|known| !empty && known <= (len - end) / MIN_BATCH_LEN as u64) {
        keep_damaged(&mut walker, end, len, witness, trace)?;
        return Ok(Tail::Kept);
    }
    file.set_len(end)?;
    segment.committed.store(end, Ordering::Release);
    Ok(Tail::Cut(if empty { 0 } else { len - end }))
}

/// Counts receipted batches at the tail as damaged, so that no number of theirs is given again.
fn keep_damaged(
    walker: &mut Walker,
    end: u64,
    len: u64,
    witness: &Witness,
    trace: &mut Trace,
) -> io::Result<()> {
    // As many records as the bytes could hold, unless the headers tell.
    let mut next_record = trace.next_record.saturating_add((len - end) / 64);
    let mut at = end;
    while let Some(header) = walker.header(at)? {
        if header.number == witness.batch {
            next_record = header.end_record();
        }
        at += header.total as u64;
    }
    trace.damage.note(trace.next_batch, witness.batch + 1);
    trace.next_batch = witness.batch + 1;
    trace.next_record = next_record.max(trace.next_record);
    Ok(())
}

/// What was read may be in the page cache alone: a killed process never synced it, or its sync
/// failed and the kernel now calls the pages clean. Only the last batch can be such a one, so it
/// is written again, the same bytes to the same place, and all is synced.
fn make_durable(file: &File, trace: &Trace) -> io::Result<()> {
    if let Some((at, len)) = trace.last {
        let mut bytes = vec![0; len as usize];
        file.read_exact_at(&mut bytes, at)?;
        file.write_all_at(&bytes, at)?;
    }
    file.sync_all()
}

/// Renames trailing segments in which neither the header nor any batch is whole.
fn set_aside_hopeless(segments: &mut Vec<Arc<Segment>>) -> io::Result<()> {
    while let Some(last) = segments.last().filter(|last| last.header.is_none()) {
        if last.walk()?.find(0, last.first_batch)?.is_some() {
            return Ok(());
        }
        let aside = |n| last.path.with_extension(format!("damaged-{n}"));
        let free = (1..=MAX_SET_ASIDE).map(aside).find(|path| !path.exists());
        let free = free.ok_or_else(|| io::Error::other("too many damaged segments set aside"))?;
        tracing::warn!(segment = last.name(), "nothing in this segment is whole: set aside");
        fs::rename(&last.path, free)?;
        segments.pop();
    }
    Ok(())
}

/// The newest segment whose checkpoint opens; else the first.
fn newest_checkpoint(
    segments: &[Arc<Segment>],
    keyring: &Keyring,
) -> io::Result<(usize, Option<Vec<u8>>)> {
    let mut cipher = Cipher::new(keyring);
    for (index, segment) in segments.iter().enumerate().rev() {
        if let Some(checkpoint) = cipher.checkpoint(segment)? {
            return Ok((index, Some(checkpoint)));
        }
    }
    Ok((0, None))
}
