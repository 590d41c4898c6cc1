//! Checking the whole chain, and walking it for an export.

use crate::Keyring;
use std::path::Path;

/// What `muster journal verify` says.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize)]
pub(crate) struct Report {
    pub(crate) segments: u64,
    pub(crate) batches: u64,
    pub(crate) records: u64,
    /// Batches whose keys were destroyed on purpose: whole, but nothing in them can be read.
    pub(crate) unreadable: u64,
    /// Damaged or missing batches.
    pub(crate) damaged: u64,
    pub(crate) first_bad: Option<Bad>,
    /// Chain hash at the end, in hex.
    pub(crate) head: String,
}

/// The first thing wrong.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub(crate) struct Bad {
    /// File name.
    pub(crate) segment: String,
    pub(crate) batch: u64,
    /// Record number it would begin with, where known.
    pub(crate) record: Option<u64>,
    pub(crate) offset: u64,
    pub(crate) why: String,
}

/// Reads every byte of `<data>/journal`; writes nothing. A torn tail of a running or crashed writer
/// is not damage.
pub(crate) fn verify(data: &Path, keyring: &Keyring) -> std::io::Result<Report> {
    let _ = (data, keyring);
    todo!()
}

/// One record or act with its place in the chain.
pub(crate) struct Exported {
    pub(crate) batch: u64,
    pub(crate) epoch: u16,
    pub(crate) at_ms: i64,
    /// Chain hash of its batch, hex.
    pub(crate) chain: String,
    pub(crate) item: Item,
}

/// What is exported.
pub(crate) enum Item {
    Fact(u64, super::Fact),
    /// The act's bytes as stored.
    Act(Vec<u8>),
    Unreadable(super::Unreadable),
}

/// Walks a journal from its start.
pub(crate) struct Export {}

impl Export {
    /// Opens `<data>/journal` for reading alone.
    pub(crate) fn open(data: &Path, keyring: &Keyring) -> std::io::Result<Export> {
        let _ = (data, keyring);
        todo!()
    }
}

impl Iterator for Export {
    type Item = Result<Exported, super::ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        todo!()
    }
}
