//! The journal: append-only, encrypted, hash-chained segments. The truth.
//!
//! # Constraints
//! - One writer ([`Journal`]); any number of readers ([`Reader`]) in other threads, who never see
//!   a byte that is not durable.
//! - [`Journal::append`] is one write and one `fdatasync`. A failed write or sync is final for the
//!   process: the kernel may have dropped the pages, so a later sync that succeeds proves nothing.
//!   Only a full disk is not final: what was written is cut off and appending may go on.
//! - A batch never spans segments; a segment begins with a checkpoint of the committer's state, so
//!   a start reads one segment. Memory is bounded by [`MAX_BATCH_BYTES`] and the checkpoint.
//! - Segments grow; they are not preallocated. Measured on ext4, an append to a preallocated file
//!   (unwritten or zero-filled) was no faster than one that grows the file.
//!
//! # A segment
//! `<data>/journal/NNNNNNNNNNNNNNNN.journal`, named by the number of its first batch. It is written
//! under a name ending in `.new`, fsynced, renamed, and the folder fsynced, before it is used.
//! All integers are little-endian. Header, 128 bytes:
//!
//! | at | bytes | |
//! | --- | --- | --- |
//! | 0 | 8 | `MSTRSEG1` |
//! | 8 | 2 | format version, 1 |
//! | 10 | 2 | epoch when it was begun |
//! | 12 | 4 | CRC-32C of the sealed checkpoint |
//! | 16 | 8 | number of its first batch |
//! | 24 | 8 | number of its first record |
//! | 32 | 32 | chain hash before its first batch |
//! | 64 | 16 | the box's number (`Keyring::box_id`) |
//! | 80 | 8 | when it was begun, ms since 1970 |
//! | 88 | 4 | bytes of the sealed checkpoint, 0 for none |
//! | 92 | 4 | month of the checkpoint's key, as 202612 |
//! | 96 | 16 | salt of the checkpoint's key |
//! | 112 | 12 | zero |
//! | 124 | 4 | CRC-32C of bytes 0 to 123 |
//!
//! Then the sealed checkpoint, then batches without gaps.
//!
//! # A batch
//! | at | bytes | |
//! | --- | --- | --- |
//! | 0 | 4 | `MJB1` |
//! | 4 | 2 | format version, 1 |
//! | 6 | 2 | epoch |
//! | 8 | 4 | total bytes of the batch |
//! | 12 | 4 | number of facts |
//! | 16 | 8 | batch number: dense, from 1 |
//! | 24 | 8 | number of its first record: dense, from 1 |
//! | 32 | 8 | when it was committed, ms since 1970 by the box's clock |
//! | 40 | 4 | month of its keys, as 202612 |
//! | 44 | 4 | bytes of the acts block, 0 for none |
//! | 48 | 16 | salt of its keys |
//! | 64 | 4 | CRC-32C of bytes 0 to 63 |
//! | 68 | | facts block: 64 bytes a record ([`Fact`]) encrypted, then the tag (16); absent without facts |
//! | | | acts block: each act its length (u32) and bytes, encrypted, then the tag (16) |
//! | | 32 | chain hash: SHA-256 of the hash before and every byte of this batch before this field |
//! | | 4 | CRC-32C of every byte of this batch before this field |
//!
//! # Encryption
//! AES-256-GCM; associated data is bytes 0 to 63 of the header. The key is derived (HKDF-SHA-256)
//! from the keyring's key of class and month with the batch's salt; the nonce is batch number (8),
//! epoch (2), block (1: facts 0, acts 1, checkpoint 2), zero (1). The salt is 16 random bytes drawn
//! at each start and after each append that did not succeed. So no key and nonce meet twice: within
//! a start, batch numbers grow; across starts, torn batches, rollbacks (which also grow the epoch)
//! and restored disk images, the salt differs. The month is that of `at_ms` in UTC, or the next
//! later one whose keys were not destroyed, should the clock be set back that far.
//!
//! # Damage
//! A batch counts only if both CRCs hold. Where one does not, the reader looks on, byte by byte,
//! for the next header whose number is plausible and whose batch is whole: what lies between is
//! damaged, named by its numbers and skipped. If nothing whole follows and it is the last segment,
//! it is a torn append that was never receipted, and the start cuts it. One case is told apart by
//! the witness beside the data folder: if that names the batch as durable, it is damage, and stays.
//! A batch whose keys were destroyed is whole; its blocks are [`Unreadable`].
//! The oldest segments are deleted once every class-month in them is destroyed.
//!
//! # The reserve
//! `<data>/journal/reserve` is 8 MiB set aside. When the disk is full, an append marked
//! `essential` deletes it and goes on; punches are refused from then, so that the box can still
//! start, speak and journal what it must. [`Journal::tend`] makes it again when there is room for
//! two, and punches are taken again.

mod batch;
mod cipher;
mod fact;
mod format;
mod index;
mod keys;
mod opening;
mod prune;
mod reader;
mod recovery;
mod reserve;
mod segment;
mod summary;
#[cfg(test)]
mod tests;
mod verify;
mod walk;
mod witness;
mod writer;

pub(crate) use batch::{Batch, Draft, Unreadable};
pub(crate) use fact::{Content, Fact};
pub(crate) use keys::month_of;
pub(crate) use opening::Start;
pub(crate) use prune::Beginning;
pub(crate) use reader::{ReadError, Reader, Record};
pub(crate) use summary::day_bytes;
pub(crate) use verify::{Bad, Export, Exported, Item, Seen, verify};
pub(crate) use witness::{Witness, path as witness_path};
pub(crate) use writer::{Journal, JournalError, Position};

/// Facts in one batch at most.
pub(crate) const MAX_FACTS: usize = 65_536;
/// Bytes of one batch on disk at most.
pub(crate) const MAX_BATCH_BYTES: usize = 8 << 20;
/// Bytes of a checkpoint at most.
pub(crate) const MAX_CHECKPOINT_BYTES: usize = 64 << 20;
/// Bytes of batches after which a segment has its size.
pub(crate) const SEGMENT_BYTES: u64 = 16 << 20;
/// Damaged batches that are named; more are only counted.
pub(crate) const MAX_DAMAGED_NAMED: usize = 1000;
