//! Reading, from any thread, never past what is durable.

use super::cipher::Cipher;
use super::format::BatchHeader;
use super::index::{Index, Spot, Target};
use super::segment::{Segment, Segments};
use super::walk::Walker;
use super::{Batch, Fact};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The disk said no while reading.
#[derive(Debug, thiserror::Error)]
#[error("the journal cannot be read")]
pub(crate) struct ReadError(#[from] std::io::Error);

/// A fact with its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Record {
    pub(crate) number: u64,
    pub(crate) epoch: u16,
    /// When its batch was committed.
    pub(crate) at_ms: i64,
    /// `None` where its batch is damaged (epoch and time are then 0) or its key destroyed.
    pub(crate) fact: Option<Fact>,
}

/// A cursor over the journal with file handles of its own. Holds one window of 64 KiB (or the
/// largest batch), one batch and a sparse index.
pub(crate) struct Reader {
    segments: Arc<Segments>,
    cipher: Cipher,
    index: Index,
    /// Segments that begin with this batch or before are not entered from the start.
    first: u64,
    place: Option<Place>,
    /// The batch that [`Reader::facts`] read last.
    batch: Option<Batch>,
    /// Records known to lie in no whole batch, so that damage is not searched for each of them.
    missing: Range<u64>,
    /// Acts are left closed.
    facts_only: bool,
}

/// Where the cursor stands.
struct Place {
    segment: Arc<Segment>,
    walker: Walker,
    at: Spot,
}

impl Reader {
    /// At the start of the journal.
    pub(super) fn new(segments: Arc<Segments>, keyring: &crate::Keyring) -> Self {
        Self {
            segments,
            cipher: Cipher::new(keyring),
            index: Index::default(),
            first: 0,
            place: None,
            batch: None,
            missing: 0..0,
            facts_only: false,
        }
    }

    /// From here on batches come as if they had no acts, which so need not be decrypted.
    pub(crate) fn facts_only(mut self) -> Self {
        self.facts_only = true;
        self
    }

    /// The next record number to be written: what is durable now lies below it.
    pub(crate) fn head_record(&self) -> u64 {
        self.segments.next_record()
    }

    /// Goes to the batch that holds record `number`, or the first one after it.
    pub(crate) fn seek_record(&mut self, number: u64) -> Result<(), ReadError> {
        self.seek(Target::Record(number))
    }

    /// Goes to the first batch numbered `number` or higher.
    pub(crate) fn seek_batch(&mut self, number: u64) -> Result<(), ReadError> {
        self.seek(Target::Batch(number))
    }

    /// The next whole batch; `None` at the durable end (ask again later). Damaged ones are skipped.
    pub(crate) fn next_batch(&mut self) -> Result<Option<Batch>, ReadError> {
        if self.place.is_none() && !self.enter_next(self.first)? {
            return Ok(None);
        }
        while let Some(place) = &mut self.place {
            // In this order: once sealed, the length read after is final.
            let sealed = place.segment.sealed.load(Ordering::Acquire);
            place.walker.set_limit(place.segment.len());
            if let Some(found) = place.walker.find(place.at.offset, place.at.batch)? {
                self.index.note(place.segment.first_batch, found.at, &found.header);
                place.at = after(found.at, &found.header);
                let acts = !self.facts_only;
                let (bytes, cipher) = (found.bytes, &mut self.cipher);
                return Ok(Some(Batch::open(&found.header, bytes, found.chain, acts, cipher)));
            }
            let left = place.segment.first_batch;
            if !sealed || !self.enter_next(left)? {
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// The facts of `records` (ascending), touching only the batches that hold them. Moves the
    /// cursor. Numbers that were never given yield nothing.
    pub(crate) fn facts<'a>(
        &'a mut self,
        records: impl Iterator<Item = u64> + 'a,
    ) -> impl Iterator<Item = Result<Record, ReadError>> + 'a {
        records.filter_map(move |number| self.record(number).transpose())
    }

    /// One record; `None` for a number that was not given yet. Moves the cursor.
    pub(crate) fn record(&mut self, number: u64) -> Result<Option<Record>, ReadError> {
        if number == 0 || number >= self.head_record() {
            return Ok(None);
        }
        let held = self.batch.as_ref().is_some_and(|b| b.holds(number));
        if !held && !self.missing.contains(&number) {
            self.seek_record(number)?;
            self.batch = self.next_batch()?;
            let next = self.batch.as_ref().map_or(number + 1, |b| b.first_record);
            self.missing = number..next;
        }
        let batch = self.batch.as_ref().filter(|b| b.holds(number));
        let fact = |b: &Batch| b.facts.as_ref().ok()?.get((number - b.first_record) as usize);
        Ok(Some(Record {
            number,
            epoch: batch.map_or(0, |b| b.epoch),
            at_ms: batch.map_or(0, |b| b.at_ms),
            fact: batch.and_then(fact),
        }))
    }

    /// A second cursor, at the start of the journal.
    pub(crate) fn another(&self) -> Reader {
        let facts_only = self.facts_only;
        Reader { facts_only, ..Reader::new(self.segments.clone(), self.cipher.keyring()) }
    }

    /// The segments it reads.
    pub(super) fn segments(&self) -> &Segments {
        &self.segments
    }

    /// The checkpoint of the first segment that has one which opens and behind which every act can
    /// still be read, with the number of its first batch; `None` where that is the very beginning.
    pub(crate) fn readable_from(&mut self) -> Result<Option<(u64, Vec<u8>)>, ReadError> {
        let mut hidden = 0;
        self.seek_batch(0)?;
        while let Some(batch) = self.next_batch()? {
            if batch.acts.is_err() {
                hidden = batch.number;
            }
        }
        let list = self.segments.list();
        if hidden == 0 && list.first().is_none_or(|segment| segment.first_batch <= 1) {
            return Ok(None);
        }
        for segment in list.iter().filter(|segment| segment.first_batch > hidden) {
            if let Some(checkpoint) = self.cipher.checkpoint(segment)? {
                return Ok(Some((segment.first_batch, checkpoint)));
            }
        }
        Ok(None)
    }

    /// Every segment's file with its durable bytes, oldest first.
    pub(crate) fn durable(&self) -> Vec<(PathBuf, u64)> {
        self.segments.durable()
    }

    /// Stands at the start of the segment that begins with `first_batch`; for a fresh cursor.
    pub(super) fn begin_at(&mut self, first_batch: u64) {
        self.first = first_batch.saturating_sub(1);
    }

    fn seek(&mut self, target: Target) -> Result<(), ReadError> {
        let segment = match target {
            Target::Batch(number) => self.segments.holding(|s| s.first_batch <= number),
            Target::Record(number) => self.segments.holding(|s| s.first_record <= number),
        };
        let Some(segment) = segment else { return Ok(()) };
        let start = self.nearest(&segment, target);
        match &mut self.place {
            Some(place) if place.segment.first_batch == segment.first_batch => place.at = start,
            place => {
                let walker = segment.walk()?;
                *place = Some(Place { segment, walker, at: start });
            }
        }
        self.skip_to(target)
    }

    /// Skips batches by their headers until the target is next, or the segment ends.
    fn skip_to(&mut self, target: Target) -> Result<(), ReadError> {
        let Some(place) = &mut self.place else { return Ok(()) };
        place.walker.set_limit(place.segment.len());
        while let Some((at, header)) = place.walker.hop(place.at.offset, place.at.batch)? {
            self.index.note(place.segment.first_batch, at, &header);
            if target.reached(&header) {
                place.at = Spot { offset: at, batch: header.number, record: header.first_record };
                return Ok(());
            }
            place.at = after(at, &header);
        }
        Ok(())
    }

    /// The closest known spot before the target: the index's, the cursor's or the segment's start.
    fn nearest(&self, segment: &Segment, target: Target) -> Spot {
        let start = start_of(segment);
        let known = self.index.nearest(segment.first_batch, target).unwrap_or(start);
        let here = self.place.as_ref().filter(|p| p.segment.first_batch == segment.first_batch);
        let here = here.map(|p| p.at).filter(|at| at.before(target));
        here.filter(|at| at.offset > known.offset).unwrap_or(known)
    }

    /// Enters the segment after the one that begins with `first_batch`; false if there is none.
    fn enter_next(&mut self, first_batch: u64) -> Result<bool, ReadError> {
        let Some(segment) = self.segments.after(first_batch) else { return Ok(false) };
        let (walker, at) = (segment.walk()?, start_of(&segment));
        self.place = Some(Place { segment, walker, at });
        Ok(true)
    }
}

fn start_of(segment: &Segment) -> Spot {
    Spot { offset: segment.body(), batch: segment.first_batch, record: segment.first_record }
}

fn after(at: u64, header: &BatchHeader) -> Spot {
    Spot { offset: at + header.total as u64, batch: header.number + 1, record: header.end_record() }
}
