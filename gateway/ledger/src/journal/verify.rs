//! Checking the whole chain, and walking it for an export. Both only read, also beside a running
//! gateway.

use super::cipher::Cipher;
use super::format::{Chain, link};
use super::segment::{Segment, Segments};
use super::walk::{Found, Walker};
use super::{Batch, Fact, ReadError, Reader, Unreadable, Witness};
use crate::Keyring;
use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// What `muster journal verify` says.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize)]
pub(crate) struct Report {
    pub(crate) segments: u64,
    pub(crate) batches: u64,
    pub(crate) records: u64,
    /// Batches with a block whose key was destroyed on purpose: whole, but it cannot be read.
    pub(crate) unreadable: u64,
    /// Batches damaged or missing, and segments with a damaged beginning.
    pub(crate) damaged: u64,
    pub(crate) first_bad: Option<Bad>,
    /// Bytes at the end that no receipt was given for: a torn append, or one being written now.
    pub(crate) torn_bytes: u64,
    /// Chain hash at the end, in hex.
    pub(crate) head: String,
    /// Where it begins, if not with the first batch; the chain hash is `None` where damage hides it.
    pub(crate) begins: Option<(u64, u64, Option<Chain>)>,
}

/// What a check meets on its way.
pub(crate) enum Seen<'a> {
    /// An act that can be read.
    Act(&'a [u8]),
    /// A checkpoint that can be read.
    Checkpoint(&'a [u8]),
}

impl Report {
    /// Nothing is damaged.
    pub(crate) fn is_whole(&self) -> bool {
        self.damaged == 0
    }
}

/// The first thing wrong.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub(crate) struct Bad {
    /// File name.
    pub(crate) segment: String,
    pub(crate) batch: u64,
    /// Record number it would begin with.
    pub(crate) record: u64,
    pub(crate) offset: u64,
    pub(crate) why: String,
}

/// Reads every byte of `<data>/journal`. A torn tail is not damage, unless the witness knows that
/// what it held was durable.
/// Where the journal does not begin with its first batch, the caller knows from what is `seen`
/// whether that is lawful.
pub(crate) fn verify(
    data: &Path,
    keyring: &Keyring,
    seen: &mut dyn FnMut(Seen<'_>),
) -> io::Result<Report> {
    // Before the files are looked at: a running writer is then never behind its witness.
    let witness = Witness::load(data).unwrap_or_default();
    let segments = Segments::scan(&data.join("journal"), keyring.box_id())?;
    let mut check = Check {
        cipher: Cipher::new(keyring),
        report: Report::default(),
        next_batch: segments.first().map_or(1, |s| s.first_batch),
        next_record: 1,
        chain: None,
        seen,
    };
    let cut = segments.first().filter(|segment| segment.first_batch > 1);
    check.report.begins = cut.map(|segment| {
        (segment.first_batch, segment.first_record, segment.header.map(|header| header.chain))
    });
    let last = segments.len().saturating_sub(1);
    for (index, segment) in segments.iter().enumerate() {
        check.segment(segment, index == last, &witness)?;
    }
    check.end(segments.last(), &witness);
    Ok(check.report)
}

/// The state of a verification.
struct Check<'a> {
    seen: &'a mut dyn FnMut(Seen<'_>),
    cipher: Cipher,
    report: Report,
    next_batch: u64,
    next_record: u64,
    /// `None` where damage hides it.
    chain: Option<Chain>,
}

impl Check<'_> {
    fn segment(&mut self, segment: &Segment, last: bool, witness: &Witness) -> io::Result<()> {
        self.report.segments += 1;
        self.beginning(segment)?;
        let mut walker = segment.walk()?;
        let mut at = segment.body();
        while let Some(found) = walker.find(at, self.next_batch)? {
            self.batch(segment, at, &found);
            at = found.at + found.header.total as u64;
        }
        self.tail(segment, &mut walker, at, last, witness)
    }

    fn beginning(&mut self, segment: &Segment) -> io::Result<()> {
        let missing = segment.first_batch.saturating_sub(self.next_batch);
        if missing > 0 {
            self.bad(segment, 0, missing, "batches are missing before this segment");
            self.next_batch = segment.first_batch;
            self.chain = None;
        }
        let Some(header) = &segment.header else {
            self.bad(segment, 0, 1, "the segment's header is damaged or of another box");
            return Ok(());
        };
        if self.chain.is_some_and(|chain| chain != header.chain) {
            self.bad(segment, 0, 1, "the segment does not continue the one before it");
        }
        self.chain = Some(header.chain);
        self.next_record = self.next_record.max(header.first_record);
        if header.checkpoint_len > 0 && segment.checkpoint()?.is_none() {
            self.bad(segment, 0, 1, "the segment's checkpoint is damaged");
        }
        if let Some(checkpoint) = self.cipher.checkpoint(segment)? {
            (self.seen)(Seen::Checkpoint(&checkpoint));
        }
        Ok(())
    }

    fn batch(&mut self, segment: &Segment, at: u64, found: &Found<'_>) {
        let header = &found.header;
        let missing = header.number.saturating_sub(self.next_batch);
        if missing > 0 || found.at > at {
            self.bad(segment, at, missing.max(1), "bytes of no whole batch");
            self.next_batch = header.number;
            self.chain = None;
        }
        if self.chain.is_some_and(|chain| link(&chain, found.hashed) != found.chain) {
            self.bad(segment, found.at, 1, "the batch does not continue the chain");
        }
        let batch = Batch::open(header, found.bytes, found.chain, true, &mut self.cipher);
        if let Ok(acts) = &batch.acts {
            acts.iter().for_each(|act| (self.seen)(Seen::Act(act)));
        }
        let unreadable = [batch.facts.err(), batch.acts.err()];
        match unreadable
            .iter()
            .flatten()
            .find(|u| !u.destroyed)
            .or(unreadable.iter().flatten().next())
        {
            Some(u) if !u.destroyed => {
                self.bad(segment, found.at, 1, "the month's key does not open the batch")
            }
            Some(_) => self.report.unreadable += 1,
            None => {}
        }
        self.report.batches += 1;
        self.report.records += header.facts as u64;
        self.chain = Some(found.chain);
        self.next_batch = header.number + 1;
        self.next_record = self.next_record.max(header.end_record());
        self.report.head = hex(&found.chain);
    }

    fn tail(
        &mut self,
        segment: &Segment,
        walker: &mut Walker,
        at: u64,
        last: bool,
        witness: &Witness,
    ) -> io::Result<()> {
        if at >= segment.len() || (last && walker.is_zero_from(at)?) {
            return Ok(());
        }
        if last && witness.batch < self.next_batch {
            self.report.torn_bytes = segment.len() - at;
        } else if !last {
            // The next segment's number tells how many are missing.
            self.bad(segment, at, 0, "bytes of no whole batch");
        }
        Ok(())
    }

    fn end(&mut self, last: Option<&Arc<Segment>>, witness: &Witness) {
        let missing = (witness.batch + 1).saturating_sub(self.next_batch);
        if let Some(last) = last.filter(|_| missing > 0) {
            self.bad(last, last.len(), missing, "batches that were durable are missing at the end");
        }
    }

    /// Counts `batches` as damaged; keeps the first.
    fn bad(&mut self, segment: &Segment, offset: u64, batches: u64, why: &str) {
        self.report.damaged += batches;
        let (batch, record) = (self.next_batch, self.next_record);
        self.report.first_bad.get_or_insert_with(|| Bad {
            segment: segment.name(),
            batch,
            record,
            offset,
            why: why.to_owned(),
        });
    }
}

/// One record or act with its place in the chain.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Exported {
    pub(crate) batch: u64,
    pub(crate) epoch: u16,
    pub(crate) at_ms: i64,
    /// Chain hash of its batch, hex.
    pub(crate) chain: String,
    pub(crate) item: Item,
}

/// What is exported.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Item {
    /// With its record number.
    Fact(u64, Fact),
    /// The act's bytes as stored.
    Act(Vec<u8>),
    /// A block that yields nothing.
    Unreadable(Unreadable),
}

/// Walks a journal from its start, holding one batch at a time.
pub(crate) struct Export {
    reader: Reader,
    waiting: VecDeque<Exported>,
}

impl Export {
    /// Opens `<data>/journal` as it is now, for reading alone.
    pub(crate) fn open(data: &Path, keyring: &Keyring) -> io::Result<Export> {
        let segments = Segments::scan(&data.join("journal"), keyring.box_id())?;
        let segments = Arc::new(Segments::new(segments, u64::MAX));
        Ok(Export { reader: Reader::new(segments, keyring), waiting: VecDeque::new() })
    }
}

impl Iterator for Export {
    type Item = Result<Exported, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.waiting.is_empty() {
            match self.reader.next_batch() {
                Ok(Some(batch)) => self.waiting = items(batch),
                Ok(None) => return None,
                Err(e) => return Some(Err(e)),
            }
        }
        self.waiting.pop_front().map(Ok)
    }
}

/// Facts, then acts, in the batch's order.
fn items(batch: Batch) -> VecDeque<Exported> {
    let mut items = VecDeque::new();
    match &batch.facts {
        Ok(facts) => {
            items.extend((batch.first_record..).zip(facts.iter()).map(|(n, f)| Item::Fact(n, f)))
        }
        Err(unreadable) => items.push_back(Item::Unreadable(*unreadable)),
    }
    match &batch.acts {
        Ok(acts) => items.extend(acts.iter().map(|act| Item::Act(act.to_vec()))),
        Err(unreadable) => items.push_back(Item::Unreadable(*unreadable)),
    }
    let chain = hex(&batch.chain);
    let placed = |item| Exported {
        batch: batch.number,
        epoch: batch.epoch,
        at_ms: batch.at_ms,
        chain: chain.clone(),
        item,
    };
    items.into_iter().map(placed).collect()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
