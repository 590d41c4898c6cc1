//! Headers as bytes. The layout is in the module above; nothing here reads or writes a file.

use super::fact::FACT_LEN;
use super::{MAX_BATCH_BYTES, MAX_CHECKPOINT_BYTES, MAX_FACTS};
use ring::digest::{Context, SHA256};

/// Bytes of an AEAD tag.
pub(super) const TAG_LEN: usize = 16;
/// Bytes of a batch's header.
pub(super) const BATCH_HEADER_LEN: usize = 68;
/// Bytes of a batch's header that are associated data.
pub(super) const BATCH_AAD_LEN: usize = 64;
/// Chain hash and CRC.
pub(super) const TRAILER_LEN: usize = 36;
/// A batch that holds nothing: the smallest there is.
pub(super) const MIN_BATCH_LEN: usize = BATCH_HEADER_LEN + TRAILER_LEN;
/// Bytes of a segment's header.
pub(super) const SEGMENT_HEADER_LEN: usize = 128;
/// How a batch begins.
pub(super) const BATCH_MAGIC: &[u8; 4] = b"MJB1";
const SEGMENT_MAGIC: &[u8; 8] = b"MSTRSEG1";
const VERSION: u16 = 1;

/// A SHA-256 of the chain.
pub(crate) type Chain = [u8; 32];

/// The header of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct BatchHeader {
    pub(super) epoch: u16,
    pub(super) total: u32,
    pub(super) facts: u32,
    pub(super) number: u64,
    pub(super) first_record: u64,
    pub(super) at_ms: i64,
    pub(super) month: u32,
    pub(super) acts_len: u32,
    pub(super) salt: [u8; 16],
}

impl BatchHeader {
    /// The bytes on disk.
    pub(super) fn encode(&self) -> [u8; BATCH_HEADER_LEN] {
        let mut bytes = [0; BATCH_HEADER_LEN];
        bytes[0..4].copy_from_slice(BATCH_MAGIC);
        bytes[4..6].copy_from_slice(&VERSION.to_le_bytes());
        bytes[6..8].copy_from_slice(&self.epoch.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.total.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.facts.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.number.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.first_record.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.at_ms.to_le_bytes());
        bytes[40..44].copy_from_slice(&self.month.to_le_bytes());
        bytes[44..48].copy_from_slice(&self.acts_len.to_le_bytes());
        bytes[48..64].copy_from_slice(&self.salt);
        let crc = crc32c::crc32c(&bytes[..BATCH_AAD_LEN]);
        bytes[64..68].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads one; `None` unless its CRC holds and its lengths agree.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; BATCH_HEADER_LEN] = bytes.first_chunk()?;
        let known = bytes.starts_with(BATCH_MAGIC) && get_u16(bytes, 4) == VERSION;
        if !known || crc32c::crc32c(&bytes[..BATCH_AAD_LEN]) != get_u32(bytes, 64) {
            return None;
        }
        let header = Self {
            epoch: get_u16(bytes, 6),
            total: get_u32(bytes, 8),
            facts: get_u32(bytes, 12),
            number: get_u64(bytes, 16),
            first_record: get_u64(bytes, 24),
            at_ms: get_u64(bytes, 32) as i64,
            month: get_u32(bytes, 40),
            acts_len: get_u32(bytes, 44),
            salt: bytes[48..64].try_into().ok()?,
        };
        header.agrees().then_some(header)
    }

    /// Number of the record after its last.
    pub(super) fn end_record(&self) -> u64 {
        self.first_record.saturating_add(self.facts as u64)
    }

    /// Bytes of the facts block, tag and all.
    pub(super) fn facts_len(&self) -> usize {
        facts_len(self.facts as usize)
    }

    fn agrees(&self) -> bool {
        let total = self.total as usize;
        self.facts as usize <= MAX_FACTS
            && total <= MAX_BATCH_BYTES
            && (self.acts_len as usize) < MAX_BATCH_BYTES
            && total == MIN_BATCH_LEN + self.facts_len() + self.acts_len as usize
            && self.number > 0
            && self.first_record > 0
    }
}

/// Bytes of a facts block.
pub(super) fn facts_len(facts: usize) -> usize {
    if facts == 0 { 0 } else { facts * FACT_LEN + TAG_LEN }
}

/// The header of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct SegmentHeader {
    pub(super) epoch: u16,
    pub(super) checkpoint_crc: u32,
    pub(super) first_batch: u64,
    pub(super) first_record: u64,
    pub(super) chain: Chain,
    pub(super) box_id: [u8; 16],
    pub(super) at_ms: i64,
    pub(super) checkpoint_len: u32,
    pub(super) month: u32,
    pub(super) salt: [u8; 16],
}

impl SegmentHeader {
    /// The bytes on disk.
    pub(super) fn encode(&self) -> [u8; SEGMENT_HEADER_LEN] {
        let mut bytes = [0; SEGMENT_HEADER_LEN];
        bytes[0..8].copy_from_slice(SEGMENT_MAGIC);
        bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
        bytes[10..12].copy_from_slice(&self.epoch.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.checkpoint_crc.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.first_batch.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.first_record.to_le_bytes());
        bytes[32..64].copy_from_slice(&self.chain);
        bytes[64..80].copy_from_slice(&self.box_id);
        bytes[80..88].copy_from_slice(&self.at_ms.to_le_bytes());
        bytes[88..92].copy_from_slice(&self.checkpoint_len.to_le_bytes());
        bytes[92..96].copy_from_slice(&self.month.to_le_bytes());
        bytes[96..112].copy_from_slice(&self.salt);
        let crc = crc32c::crc32c(&bytes[..124]);
        bytes[124..128].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads one; `None` unless its CRC holds.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; SEGMENT_HEADER_LEN] = bytes.first_chunk()?;
        let known = bytes.starts_with(SEGMENT_MAGIC) && get_u16(bytes, 8) == VERSION;
        if !known || crc32c::crc32c(&bytes[..124]) != get_u32(bytes, 124) {
            return None;
        }
        let header = Self {
            epoch: get_u16(bytes, 10),
            checkpoint_crc: get_u32(bytes, 12),
            first_batch: get_u64(bytes, 16),
            first_record: get_u64(bytes, 24),
            chain: bytes[32..64].try_into().ok()?,
            box_id: bytes[64..80].try_into().ok()?,
            at_ms: get_u64(bytes, 80) as i64,
            checkpoint_len: get_u32(bytes, 88),
            month: get_u32(bytes, 92),
            salt: bytes[96..112].try_into().ok()?,
        };
        let bounded = header.checkpoint_len as usize <= MAX_CHECKPOINT_BYTES + TAG_LEN;
        (bounded && header.first_batch > 0 && header.first_record > 0).then_some(header)
    }

    /// What binds a checkpoint to its segment: the header before its CRC is known.
    pub(super) fn checkpoint_aad(&self) -> [u8; SEGMENT_HEADER_LEN] {
        Self { checkpoint_crc: 0, ..*self }.encode()
    }

    /// Where its first batch lies.
    pub(super) fn body(&self) -> u64 {
        SEGMENT_HEADER_LEN as u64 + self.checkpoint_len as u64
    }
}

/// The chain hash of a batch, given its bytes before the hash.
pub(super) fn link(before: &Chain, bytes: &[u8]) -> Chain {
    let mut context = Context::new(&SHA256);
    context.update(before);
    context.update(bytes);
    let mut chain = [0; 32];
    chain.copy_from_slice(context.finish().as_ref());
    chain
}

/// The trailer of a whole batch: the bytes hashed, the hash stored. `None` where its CRC fails.
pub(super) fn whole(batch: &[u8]) -> Option<(&[u8], Chain)> {
    let (rest, crc) = batch.split_last_chunk::<4>()?;
    if crc32c::crc32c(rest) != u32::from_le_bytes(*crc) {
        return None;
    }
    let (hashed, chain) = rest.split_last_chunk::<32>()?;
    Some((hashed, *chain))
}

/// Little-endian at `at`; 0 where the bytes end before.
pub(super) fn get_u16(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |b| u16::from_le_bytes(*b))
}

/// Little-endian at `at`; 0 where the bytes end before.
pub(super) fn get_u32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |b| u32::from_le_bytes(*b))
}

/// Little-endian at `at`; 0 where the bytes end before.
pub(super) fn get_u64(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |b| u64::from_le_bytes(*b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn batch() -> BatchHeader {
        BatchHeader {
            epoch: 3,
            total: (MIN_BATCH_LEN + 2 * FACT_LEN + TAG_LEN + 40) as u32,
            facts: 2,
            number: 77,
            first_record: 1000,
            at_ms: 1_764_550_000_000,
            month: 202512,
            acts_len: 40,
            salt: [8; 16],
        }
    }

    fn segment() -> SegmentHeader {
        SegmentHeader {
            epoch: 3,
            checkpoint_crc: 5,
            first_batch: 77,
            first_record: 1000,
            chain: [4; 32],
            box_id: [6; 16],
            at_ms: -1,
            checkpoint_len: 900,
            month: 202512,
            salt: [8; 16],
        }
    }

    #[test]
    fn headers_round_trip_and_every_flipped_bit_is_noticed() {
        let (b, s) = (batch().encode(), segment().encode());
        assert_eq!(BatchHeader::decode(&b), Some(batch()));
        assert_eq!(SegmentHeader::decode(&s), Some(segment()));
        for bit in 0..b.len() * 8 {
            let mut bad = b;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(BatchHeader::decode(&bad), None, "{bit}");
        }
        for bit in 0..s.len() * 8 {
            let mut bad = s;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(SegmentHeader::decode(&bad), None, "{bit}");
        }
    }

    #[test]
    fn lengths_that_disagree_are_no_header() {
        let over = MAX_BATCH_BYTES as u32;
        for bad in [
            BatchHeader { total: 0, ..batch() },
            BatchHeader { facts: 3, ..batch() },
            BatchHeader { acts_len: u32::MAX, ..batch() },
            BatchHeader { facts: u32::MAX, ..batch() },
            BatchHeader { number: 0, ..batch() },
            BatchHeader { total: over + 8, acts_len: over, facts: 0, ..batch() },
        ] {
            assert_eq!(BatchHeader::decode(&bad.encode()), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(BatchHeader::decode(&bytes), None);
            prop_assert_eq!(SegmentHeader::decode(&bytes), None);
            let _ = whole(&bytes);
        }
    }
}
