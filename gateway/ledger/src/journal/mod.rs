//! The journal: append-only, encrypted, hash-chained segments. The truth.
#![allow(dead_code, unused_imports)]

/// Facts in one batch at most.
pub(crate) const MAX_FACTS: usize = 65_536;
/// Bytes of one batch on disk at most.
pub(crate) const MAX_BATCH_BYTES: usize = 8 << 20;
/// Bytes of a checkpoint at most.
pub(crate) const MAX_CHECKPOINT_BYTES: usize = 64 << 20;

mod batch;
mod fact;
mod reader;
mod verify;
mod witness;
mod writer;

pub(crate) use batch::{Acts, Batch, Draft, Facts, Unreadable};
pub(crate) use fact::Fact;
pub(crate) use reader::{ReadError, Reader, Record};
pub(crate) use verify::{Export, Exported, Report, verify};
pub(crate) use witness::Witness;
pub(crate) use writer::{Journal, JournalError, Position, Start};
