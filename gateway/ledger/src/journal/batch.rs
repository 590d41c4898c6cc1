//! A batch: one group commit, as written and as read.

use super::Fact;
use crate::keyring::Class;

/// What is to be appended, in one write and one `fdatasync`.
pub(crate) struct Draft<'a> {
    /// The box's time, milliseconds since 1970-01-01T00:00:00Z.
    pub(crate) at_ms: i64,
    /// `Start::epoch`.
    pub(crate) epoch: u16,
    /// Facts, at most [`super::MAX_FACTS`].
    pub(crate) facts: &'a [Fact],
    /// Opaque acts; facts, acts and framing together at most [`super::MAX_BATCH_BYTES`].
    pub(crate) acts: &'a [Vec<u8>],
    /// May use the reserve on a full disk. False for punches, true for what the box must be able to
    /// say (that it opened, an erasure, a settlement).
    pub(crate) essential: bool,
}

/// Why a block yields nothing although the batch is whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Unreadable {
    /// Facts or acts.
    pub(crate) class: Class,
    /// The month of the key, as 202612.
    pub(crate) month: u32,
    /// The key was destroyed; otherwise it is there but does not open the block.
    pub(crate) destroyed: bool,
}

/// One batch as read: damaged ones are never given out.
pub(crate) struct Batch {
    pub(crate) number: u64,
    pub(crate) epoch: u16,
    pub(crate) at_ms: i64,
    pub(crate) first_record: u64,
    /// Facts it holds, readable or not.
    pub(crate) fact_count: u32,
    /// The chain hash up to and with this batch, as stored.
    pub(crate) chain: [u8; 32],
    pub(crate) facts: Result<Facts, Unreadable>,
    pub(crate) acts: Result<Acts, Unreadable>,
}

/// The facts of a batch, decoded on the way.
pub(crate) struct Facts(pub(super) Vec<u8>);

impl Facts {
    /// How many.
    pub(crate) fn len(&self) -> usize {
        todo!()
    }

    /// The fact at `index`.
    pub(crate) fn get(&self, index: usize) -> Option<Fact> {
        let _ = index;
        todo!()
    }

    /// All, in record order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Fact> + '_ {
        [].into_iter()
    }
}

/// The acts of a batch.
pub(crate) struct Acts(pub(super) Vec<u8>);

impl Acts {
    /// All, in order, borrowed.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> + '_ {
        [].into_iter()
    }
}
