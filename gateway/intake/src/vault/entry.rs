//! One entry of a vault file.
//!
//! ```text
//! mark "MVE1" | length u32 | CRC-32C u32 of what follows
//!   device u32 | boot u32 | seq u64 | person u64 (0: nobody) | day i32 | kind u8 | nonce 12
//!   ciphertext | tag 16
//! ```
//! Little-endian; `length` counts what follows the CRC. Everything before the nonce is associated
//! data. The plain text is `media length u16 | media | data`. Nonces are random: a person has some
//! thousand entries under one key, far from the 2^32 at which that would matter (NIST SP 800-38D,
//! section 8.3).

use crate::limits::MAX_PAYLOAD;
use crate::split::{BiometricEvidence, EvidenceKind};
use muster_attendance::{Attendance, DeviceId, PersonId};
use muster_ledger::Secret;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

pub(super) const MARK: [u8; 4] = *b"MVE1";
/// Mark, length, CRC.
pub(super) const PREFIX: usize = 12;
const HEADER: usize = 29;
const NONCE: usize = 12;
/// Longest body: a check-in's largest evidence with header, nonce, media and tag.
pub(super) const MAX_BODY: usize = MAX_PAYLOAD + 1024;

/// What may be read of an entry without its key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Header {
    pub(super) device: DeviceId,
    pub(super) boot: u32,
    pub(super) seq: u64,
    pub(super) person: Option<PersonId>,
    /// Days since 1970 on which it was received: which secret opens it where there is no person.
    pub(super) day: i32,
    pub(super) kind: EvidenceKind,
}

impl Header {
    pub(super) fn of(fact: &Attendance, day: i32, evidence: &BiometricEvidence) -> Self {
        let Attendance { device, boot, seq, person, .. } = *fact;
        Self { device, boot, seq, person, day, kind: evidence.kind() }
    }

    fn bytes(&self) -> [u8; HEADER] {
        let mut out = [0; HEADER];
        out[0..4].copy_from_slice(&self.device.0.to_le_bytes());
        out[4..8].copy_from_slice(&self.boot.to_le_bytes());
        out[8..16].copy_from_slice(&self.seq.to_le_bytes());
        out[16..24].copy_from_slice(&self.person.map_or(0, |p| p.0).to_le_bytes());
        out[24..28].copy_from_slice(&self.day.to_le_bytes());
        out[28] = self.kind as u8;
        out
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (device, rest) = bytes.split_first_chunk()?;
        let (boot, rest) = rest.split_first_chunk()?;
        let (seq, rest) = rest.split_first_chunk()?;
        let (person, rest) = rest.split_first_chunk()?;
        let (day, rest) = rest.split_first_chunk()?;
        let person = u64::from_le_bytes(*person);
        Some(Self {
            device: DeviceId(u32::from_le_bytes(*device)),
            boot: u32::from_le_bytes(*boot),
            seq: u64::from_le_bytes(*seq),
            person: (person != 0).then_some(PersonId(person)),
            day: i32::from_le_bytes(*day),
            kind: EvidenceKind::from_byte(*rest.first()?)?,
        })
    }
}

/// Seals and opens entries of one person.
pub(super) struct Sealer(Option<LessSafeKey>);

impl Sealer {
    pub(super) fn new(secret: &Secret) -> Self {
        let pseudorandom = Salt::new(HKDF_SHA256, b"muster vault 1").extract(secret.expose());
        let key = pseudorandom.expand(&[b"entry"], &AES_256_GCM).ok().map(UnboundKey::from);
        Self(key.map(LessSafeKey::new))
    }

    /// The whole entry; consumes and wipes the evidence. `None` if the system gives no random
    /// numbers.
    pub(super) fn seal(&self, header: &Header, evidence: BiometricEvidence) -> Option<Vec<u8>> {
        let (_, media, data) = evidence.into_parts();
        let mut nonce = [0; NONCE];
        SystemRandom::new().fill(&mut nonce).ok()?;
        let head = header.bytes();
        let mut plain = Zeroizing::new(Vec::with_capacity(2 + media.len() + data.len()));
        plain.extend_from_slice(&u16::try_from(media.len()).ok()?.to_le_bytes());
        plain.extend_from_slice(media.as_bytes());
        plain.extend_from_slice(&data);
        let aad = Aad::from(head);
        let key = self.0.as_ref()?;
        let tag = key.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), aad, &mut plain);
        let tag = tag.ok()?;
        let body: Vec<u8> = [&head[..], &nonce, &plain, tag.as_ref()].concat();
        let mut entry = Vec::with_capacity(PREFIX + body.len());
        entry.extend_from_slice(&MARK);
        entry.extend_from_slice(&u32::try_from(body.len()).ok()?.to_le_bytes());
        entry.extend_from_slice(&crc32c::crc32c(&body).to_le_bytes());
        entry.extend_from_slice(&body);
        Some(entry)
    }

    /// Media and data of an entry's body.
    pub(super) fn open(&self, body: &[u8]) -> Option<(String, Zeroizing<Vec<u8>>)> {
        let (head, rest) = body.split_at_checked(HEADER)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>()?;
        let mut sealed = Zeroizing::new(sealed.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = self.0.as_ref()?.open_in_place(nonce, Aad::from(head), &mut sealed).ok()?;
        let (length, rest) = plain.split_first_chunk::<2>()?;
        let (media, data) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        Some((String::from_utf8(media.to_vec()).ok()?, Zeroizing::new(data.to_vec())))
    }
}

/// The body of the whole entry at the start of `bytes`, with its header and the entry's size.
pub(super) fn read(bytes: &[u8]) -> Option<(Header, &[u8], usize)> {
    let (mark, rest) = bytes.split_first_chunk::<4>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (crc, rest) = rest.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length) as usize;
    let body = rest.get(..length).filter(|_| *mark == MARK && length <= MAX_BODY)?;
    if crc32c::crc32c(body) != u32::from_le_bytes(*crc) {
        return None;
    }
    Some((Header::read(body)?, body, PREFIX + length))
}
