//! Records of the user list: what they hold, and their seal.

use super::User;
use crate::CRC;
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Nonce, Tag};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use muster_proto::message::{HASH, SALT, Settings, Verifier};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes of a record's contents.
pub(super) const BODY: usize = 104;
const NONCE: usize = 12;
const TAG: usize = 16;
/// CRC-32C, nonce, contents, tag: whole write units.
pub(super) const RECORD: usize = 136;
/// A page that is none.
pub(super) const NO_PAGE: u16 = u16::MAX;

pub(super) const PUT: u8 = 1;
pub(super) const REMOVED: u8 = 2;
pub(super) const SETTINGS: u8 = 3;

/// Under which records are sealed. Wiped when dropped.
pub struct ListKey {
    seal: [u8; 32],
    nonce: [u8; 32],
}

impl Drop for ListKey {
    fn drop(&mut self) {
        self.seal.zeroize();
        self.nonce.zeroize();
    }
}

impl ZeroizeOnDrop for ListKey {}

impl ListKey {
    /// From the pairing secret, which the caller wipes.
    pub fn derive(secret: &[u8; 32]) -> Self {
        let hkdf = Hkdf::<Sha256>::new(Some(b"muster user list 1"), secret);
        let mut key = Self { seal: [0; 32], nonce: [0; 32] };
        // 32 bytes are always to be had.
        let _ = hkdf.expand(b"seal", &mut key.seal);
        let _ = hkdf.expand(b"nonce", &mut key.nonce);
        key
    }

    fn nonce(&self, place: &[u8; 8], body: &[u8; BODY]) -> [u8; NONCE] {
        let mut nonce = [0; NONCE];
        // A key of any length is allowed.
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.nonce) {
            mac.update(place);
            mac.update(body);
            nonce.copy_from_slice(&mac.finalize().into_bytes()[..NONCE]);
        }
        nonce
    }

    fn cipher(&self) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new((&self.seal).into())
    }

    /// A record with these contents for this place.
    pub(super) fn seal(&self, place: &[u8; 8], body: &[u8; BODY]) -> Option<[u8; RECORD]> {
        let mut bytes = [0xFF; RECORD];
        let (nonce, mut sealed) = (self.nonce(place, body), *body);
        let tag = self.cipher().encrypt_inout_detached(
            &Nonce::from(nonce),
            place,
            sealed.as_mut_slice().into(),
        );
        let (contents, rest) = bytes[4 + NONCE..].split_at_mut(BODY);
        contents.copy_from_slice(&sealed);
        rest[..TAG].copy_from_slice(&tag.ok()?);
        bytes[4..4 + NONCE].copy_from_slice(&nonce);
        let sum = CRC.checksum(&bytes[4..]);
        bytes[..4].copy_from_slice(&sum.to_le_bytes());
        Some(bytes)
    }

    /// A record's kind and contents; nothing where it is blank, torn, or another's.
    pub(super) fn open(&self, bytes: &[u8; RECORD], place: &[u8; 8]) -> Option<(u8, [u8; BODY])> {
        let (sum, checked) = bytes.split_first_chunk::<4>()?;
        if CRC.checksum(checked).to_le_bytes() != *sum {
            return None;
        }
        let (nonce, rest) = checked.split_first_chunk::<NONCE>()?;
        let (body, rest) = rest.split_first_chunk::<BODY>()?;
        let (tag, _) = rest.split_first_chunk::<TAG>()?;
        let mut body = *body;
        let opened = self.cipher().decrypt_inout_detached(
            &Nonce::from(*nonce),
            place,
            body.as_mut_slice().into(),
            &Tag::from(*tag),
        );
        opened.ok().map(|()| (body[0], body))
    }
}

pub(super) fn place_of(generation: u32, record: u16) -> [u8; 8] {
    let ([a, b, c, d], [e, f]) = (generation.to_le_bytes(), record.to_le_bytes());
    [a, b, c, d, e, f, 0, 0]
}

/// Kind, length of number, number, two pages, whether there is a PIN, salt, hash.
pub(super) fn user_body(user: &User, kind: u8) -> [u8; BODY] {
    let mut body = [0; BODY];
    let number = user.number.as_bytes();
    body[0] = kind;
    body[1] = number.len() as u8;
    body[2..2 + number.len()].copy_from_slice(number);
    let pages = [user.page, user.duress].map(|page| page.unwrap_or(NO_PAGE).to_le_bytes());
    body[50..52].copy_from_slice(&pages[0]);
    body[52..54].copy_from_slice(&pages[1]);
    if let Some(Verifier { salt, hash }) = &user.pin {
        body[54] = 1;
        body[55..55 + SALT].copy_from_slice(salt);
        body[55 + SALT..55 + SALT + HASH].copy_from_slice(hash);
    }
    body
}

pub(super) fn parse_user(body: &[u8; BODY]) -> Option<User> {
    let number = body.get(2..2 + usize::from(body[1]))?;
    let mut user = User::new(core::str::from_utf8(number).ok()?).ok()?;
    let page = |at: usize| {
        let page = u16::from_le_bytes([body[at], body[at + 1]]);
        (page != NO_PAGE).then_some(page)
    };
    (user.page, user.duress) = (page(50), page(52));
    if body[54] == 1 {
        let (salt, rest) = body[55..].split_first_chunk::<SALT>()?;
        let (hash, _) = rest.split_first_chunk::<HASH>()?;
        user.pin = Some(Verifier { salt: *salt, hash: *hash });
    }
    Some(user)
}

pub(super) fn settings_body(settings: Settings) -> [u8; BODY] {
    let mut body = [0; BODY];
    let [a, b] = settings.lock_seconds.to_le_bytes();
    body[..5].copy_from_slice(&[SETTINGS, settings.pins.into(), settings.pin_tries, a, b]);
    body
}

pub(super) fn parse_settings(body: &[u8; BODY]) -> Option<Settings> {
    let &[_, pins, pin_tries, a, b, ..] = body;
    let lock_seconds = u16::from_le_bytes([a, b]);
    (pin_tries > 0).then_some(Settings { pins: pins == 1, pin_tries, lock_seconds })
}
