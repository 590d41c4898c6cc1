//! The layout of an entry.
//!
//! `length u32 | CRC-32C u32 | header (HEADER_LEN) | sealed`, little-endian; the length counts
//! header and sealed bytes, and the CRC covers them: it finds torn tails without any key. Sealed
//! is `length of media type u8 | media type | data | tag`. The header is authenticated with it.

use super::DAY_MS;
use super::cipher::Key;
use super::shelf::Shelf;
use crate::limits::{MAX_MEDIA_CHARS, MAX_PAYLOAD};
use crate::split::EvidenceKind;
use muster_attendance::{Attendance, DeviceId, Method, PersonId};
use ring::aead::NONCE_LEN;
use zeroize::Zeroizing;

/// Version of the layout: the first byte of a header.
const VERSION: u8 = 1;
/// Bytes of a header.
pub(super) const HEADER_LEN: usize = 48;
/// Length and CRC before the header.
pub(super) const PREFIX_LEN: usize = 8;
/// Longest entry after the prefix.
pub(super) const MAX_ENTRY: usize = HEADER_LEN + 1 + 4 * MAX_MEDIA_CHARS + MAX_PAYLOAD + 16;
/// Kind byte of what was set aside.
const SET_ASIDE: u8 = 0xF0;

/// What an entry holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum EntryKind {
    /// A piece of evidence.
    Evidence(EvidenceKind),
    /// A message that was set aside, whole.
    SetAside,
}

/// What is known of an entry without its key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Header {
    pub(super) kind: EntryKind,
    pub(super) method: Method,
    pub(super) device: DeviceId,
    pub(super) boot: u32,
    pub(super) seq: u64,
    pub(super) person: Option<PersonId>,
    pub(super) received_ms: i64,
    pub(super) nonce: [u8; NONCE_LEN],
}

impl Header {
    pub(super) fn of(attendance: &Attendance, kind: EntryKind) -> Self {
        Self {
            kind,
            method: attendance.method,
            device: attendance.device,
            boot: attendance.boot,
            seq: attendance.seq,
            person: attendance.person,
            received_ms: attendance.received_ms,
            nonce: [0; NONCE_LEN],
        }
    }

    /// Days since 1970-01-01 in UTC, by receipt.
    pub(super) fn day(&self) -> i32 {
        self.received_ms.div_euclid(DAY_MS) as i32
    }

    pub(super) fn shelf(&self) -> Shelf {
        let method = match self.kind {
            EntryKind::Evidence(_) => Some(self.method),
            EntryKind::SetAside => None,
        };
        Shelf { day: self.received_ms.div_euclid(DAY_MS), method }
    }

    fn bytes(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        let kind = match self.kind {
            EntryKind::Evidence(kind) => kind as u8,
            EntryKind::SetAside => SET_ASIDE,
        };
        bytes[0] = VERSION;
        bytes[1] = kind;
        bytes[2] = self.method as u8;
        bytes[3] = u8::from(self.person.is_some());
        bytes[4..8].copy_from_slice(&self.device.0.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.boot.to_le_bytes());
        bytes[12..20].copy_from_slice(&self.seq.to_le_bytes());
        bytes[20..28].copy_from_slice(&self.person.map_or(0, |p| p.0).to_le_bytes());
        bytes[28..36].copy_from_slice(&self.received_ms.to_le_bytes());
        bytes[36..48].copy_from_slice(&self.nonce);
        bytes
    }

    /// What the nonce is made of and the seal covers: all but the nonce, and not the time of
    /// receipt, so that a message that comes again is known.
    fn identity(&self) -> [u8; HEADER_LEN] {
        Self { nonce: [0; NONCE_LEN], received_ms: 0, ..*self }.bytes()
    }

    pub(super) fn read(bytes: &[u8; HEADER_LEN]) -> Option<Self> {
        let number = |range: std::ops::Range<usize>| {
            bytes
                .get(range)
                .unwrap_or_default()
                .iter()
                .rev()
                .fold(0u64, |n, &b| n << 8 | u64::from(b))
        };
        if bytes[0] != VERSION {
            return None;
        }
        let mut nonce = [0; NONCE_LEN];
        nonce.copy_from_slice(&bytes[36..48]);
        Some(Self {
            kind: entry_kind(bytes[1])?,
            method: method(bytes[2])?,
            device: DeviceId(number(4..8) as u32),
            boot: number(8..12) as u32,
            seq: number(12..20),
            person: (bytes[3] == 1).then(|| PersonId(number(20..28))),
            received_ms: number(28..36) as i64,
            nonce,
        })
    }
}

fn entry_kind(byte: u8) -> Option<EntryKind> {
    Some(EntryKind::Evidence(match byte {
        1 => EvidenceKind::FingerprintTemplate,
        2 => EvidenceKind::FingerprintImage,
        3 => EvidenceKind::FaceTemplate,
        4 => EvidenceKind::FaceImage,
        5 => EvidenceKind::Score,
        SET_ASIDE => return Some(EntryKind::SetAside),
        _ => return None,
    }))
}

fn method(byte: u8) -> Option<Method> {
    super::shelf::METHODS.into_iter().find(|&method| method as u8 == byte)
}

/// Seals an entry, ready to be appended; `header` gets its nonce.
pub(super) fn seal(
    header: &mut Header,
    key: &Key,
    media: &str,
    data: Zeroizing<Vec<u8>>,
) -> Option<Vec<u8>> {
    let mut body = Vec::with_capacity(1 + media.len() + data.len() + 16);
    body.push(u8::try_from(media.len()).ok()?);
    body.extend_from_slice(media.as_bytes());
    body.extend_from_slice(&data);
    drop(data);
    header.nonce = key.nonce(&header.identity(), &body);
    key.seal(header.nonce, &header.bytes(), &mut body)?;
    let mut entry = Vec::with_capacity(PREFIX_LEN + HEADER_LEN + body.len());
    entry.extend_from_slice(&((HEADER_LEN + body.len()) as u32).to_le_bytes());
    let crc = crc32c::crc32c_append(crc32c::crc32c(&header.bytes()), &body);
    entry.extend_from_slice(&crc.to_le_bytes());
    entry.extend_from_slice(&header.bytes());
    entry.extend_from_slice(&body);
    Some(entry)
}

/// Opens an entry's sealed bytes into media type and data.
pub(super) fn open(
    header: &Header,
    key: &Key,
    sealed: &[u8],
) -> Option<(String, Zeroizing<Vec<u8>>)> {
    let body = key.open(header.nonce, &header.bytes(), sealed)?;
    let (&length, rest) = body.split_first()?;
    let (media, data) = rest.split_at_checked(length.into())?;
    Some((std::str::from_utf8(media).ok()?.to_owned(), Zeroizing::new(data.to_vec())))
}

/// Length after the prefix, and CRC, of the entry that `prefix` begins; `None` if it begins none.
pub(super) fn prefix(prefix: [u8; PREFIX_LEN]) -> Option<(usize, u32)> {
    let [a, b, c, d, crc @ ..] = prefix;
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    (HEADER_LEN..=MAX_ENTRY).contains(&length).then(|| (length, u32::from_le_bytes(crc)))
}
