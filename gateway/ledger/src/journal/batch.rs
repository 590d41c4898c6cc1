//! A batch: one group commit, as written and as read.

use super::Fact;
use super::cipher::{Block, Cipher};
use super::fact::FACT_LEN;
use super::format::{BATCH_AAD_LEN, BATCH_HEADER_LEN, BatchHeader, Chain, TAG_LEN};
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
    /// Month of its keys, as 202612.
    pub(crate) month: u32,
    pub(crate) first_record: u64,
    /// Facts it holds, readable or not.
    pub(crate) fact_count: u32,
    /// The chain hash up to and with this batch, as stored.
    pub(crate) chain: Chain,
    pub(crate) facts: Result<Facts, Unreadable>,
    pub(crate) acts: Result<Acts, Unreadable>,
}

impl Batch {
    /// Opens both blocks of a whole batch, or the facts alone.
    pub(super) fn open(
        header: &BatchHeader,
        bytes: &[u8],
        chain: Chain,
        with_acts: bool,
        cipher: &mut Cipher,
    ) -> Self {
        let acts_at = BATCH_HEADER_LEN + header.facts_len();
        let facts = bytes.get(BATCH_HEADER_LEN..acts_at).unwrap_or_default();
        let acts_len = if with_acts { header.acts_len as usize } else { 0 };
        let acts = bytes.get(acts_at..acts_at + acts_len).unwrap_or_default();
        let aad = bytes.get(..BATCH_AAD_LEN).unwrap_or_default();
        let mut open = |block, sealed: &[u8]| match sealed.len() {
            0..=TAG_LEN => Ok(Vec::new()),
            _ => cipher.open(block, header.month, &header.salt, header.place(), aad, sealed),
        };
        Self {
            number: header.number,
            epoch: header.epoch,
            at_ms: header.at_ms,
            month: header.month,
            first_record: header.first_record,
            fact_count: header.facts,
            chain,
            facts: open(Block::Facts, facts).and_then(|bytes| Facts::new(bytes, header.month)),
            acts: open(Block::Acts, acts).map(Acts),
        }
    }

    /// Whether record `number` is one of its own.
    pub(crate) fn holds(&self, number: u64) -> bool {
        number.checked_sub(self.first_record).is_some_and(|i| i < self.fact_count as u64)
    }
}

/// The facts of a batch, decoded on the way.
pub(crate) struct Facts(Vec<u8>);

impl Facts {
    /// All of them have a meaning, or the block has none.
    fn new(bytes: Vec<u8>, month: u32) -> Result<Self, Unreadable> {
        let known = bytes.chunks_exact(FACT_LEN).all(|fact| Fact::decode(fact).is_some());
        let unreadable = Unreadable { class: Class::Facts, month, destroyed: false };
        if known { Ok(Self(bytes)) } else { Err(unreadable) }
    }

    /// The fact at `index`.
    pub(crate) fn get(&self, index: usize) -> Option<Fact> {
        let start = index.checked_mul(FACT_LEN)?;
        Fact::decode(self.0.get(start..start.checked_add(FACT_LEN)?)?)
    }

    /// All, in record order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Fact> + '_ {
        self.0.chunks_exact(FACT_LEN).filter_map(Fact::decode)
    }
}

/// The acts of a batch.
pub(crate) struct Acts(Vec<u8>);

impl Acts {
    /// All, in order, borrowed.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> + '_ {
        let mut rest = self.0.as_slice();
        std::iter::from_fn(move || {
            let (len, body) = rest.split_first_chunk::<4>()?;
            let (act, after) = body.split_at_checked(u32::from_le_bytes(*len) as usize)?;
            rest = after;
            Some(act)
        })
    }
}
