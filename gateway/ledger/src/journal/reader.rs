//! Reading, from any thread, never past what is durable.

use super::{Batch, Fact, Unreadable};

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
    /// `None` where its batch is damaged or its key destroyed.
    pub(crate) fact: Option<Fact>,
}

/// A cursor over the journal with file handles of its own.
pub(crate) struct Reader {}

impl Reader {
    /// The next record number to be written: what is durable now lies below it.
    pub(crate) fn head_record(&self) -> u64 {
        todo!()
    }

    /// The number of the last durable batch; 0 before the first.
    pub(crate) fn head_batch(&self) -> u64 {
        todo!()
    }

    /// Goes to the batch that holds record `number`, or the first one after it.
    pub(crate) fn seek_record(&mut self, number: u64) -> Result<(), ReadError> {
        let _ = number;
        todo!()
    }

    /// Goes to the first batch numbered `number` or higher.
    pub(crate) fn seek_batch(&mut self, number: u64) -> Result<(), ReadError> {
        let _ = number;
        todo!()
    }

    /// The next whole batch; `None` at the durable end (ask again later). Damaged ones are skipped.
    pub(crate) fn next_batch(&mut self) -> Result<Option<Batch>, ReadError> {
        todo!()
    }

    /// The facts of `records` (ascending), touching only the batches that hold them.
    pub(crate) fn facts<'a>(
        &'a mut self,
        records: impl Iterator<Item = u64> + 'a,
    ) -> impl Iterator<Item = Result<Record, ReadError>> + 'a {
        records.map(|_| todo!())
    }

    /// One record.
    pub(crate) fn record(&mut self, number: u64) -> Result<Option<Record>, ReadError> {
        let _ = number;
        todo!()
    }

    /// A second cursor at the start of the journal.
    pub(crate) fn another(&self) -> Reader {
        todo!()
    }
}
