//! Sealed messages: only the two ends can read or make them.
//!
//! # Layout
//! `version u8 | kind u8 | boot u32 | seq u64 | ciphertext | tag (16 bytes)`, little-endian. The
//! cipher is ChaCha20-Poly1305 (RFC 8439). The first 14 bytes are in clear, so a C1 can store and
//! pass on, and a box can find device and duplicates before it decrypts; they are authenticated.
//!
//! # Keys
//! Pairing gives device and box one random secret of 32 bytes. Each direction has a key of its
//! own: HKDF-SHA256 (RFC 5869), salt [`SALT`], info `up/` or `down/` and the device's name.
//!
//! # Associated data
//! The 14 bytes of the header, then the device's name. So no message passes for one of another
//! version, kind, stamp, direction or device. Tasks and reports, which carry templates, add `/` and
//! the site: so a template sealed at one site opens at no other, whatever else two boxes or
//! terminals have in common. A name has no `/`, so the two cannot be confused.
//!
//! # Why no nonce is used twice
//! A nonce is `kind u8 | boot u32 | seq, low 7 bytes`, and seq is below 2^56, so it is one to one
//! with (kind, stamp). Under one key there is one device and one direction, hence one sender, and
//! it uses a pair (kind, stamp) for one plaintext only:
//! - A device stores its boot number before the first use of it and never uses one again, so
//!   stamps of different boots differ. Within a boot, punch numbers only grow, and a number is
//!   spent even when its punch could not be stored.
//! - A punch may be sealed again to be sent again. Its plaintext is read from the queue, which
//!   never changes it; liveness, the one thing that does change, is in the kind. Sealing the same
//!   plaintext under the same nonce gives the same bytes and tells an observer nothing.
//! - Hellos count apart from punches, under a kind of their own, and each gets a new count.
//! - The box counts whatever it sends to a device, of whatever kind, in one counter that starts
//!   with each epoch; it stores an epoch before the first use of it. A second receipt for the same
//!   punch has another count, so it may say something else.
//!
//! # Threat model
//! On the line, the broker and in a C1 anybody may read, hold back, repeat, reorder, change and
//! invent. They learn when messages pass, how long they are, the device's name, stamps and
//! liveness. They cannot read, change or invent one (the tag), nor pass one off for another
//! (associated data), nor have one acted on twice: the box refuses or re-receipts by (device,
//! boot, seq), a terminal takes each (epoch, count) once, and after a start it takes nothing
//! before a Welcome that names its own new Hello. Nothing carries a time that would do harm if
//! held back, except a Welcome, which a terminal takes for a few seconds only.
//!
//! Not claimed: forward secrecy (who takes the secret from a device or the box reads what was
//! recorded; pairing again changes the keys and with them the meaning of all stamps), protection
//! of a terminal in the attacker's hands, delivery against someone who cuts the line (punches
//! wait, and the box reports the gap).

use crate::message::wire::{Reader, Writer};
use crate::message::{DecodeError, EncodeError, Kind, Message, Stamp};
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Nonce, Tag};
use core::marker::PhantomData;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes of the header in clear.
pub const HEADER_LEN: usize = 14;
/// Bytes of the authentication tag.
pub const TAG_LEN: usize = 16;
/// What sealing adds to a message's body.
pub const OVERHEAD: usize = HEADER_LEN + TAG_LEN;
/// Longest name of a device, in bytes.
pub const MAX_NAME: usize = 64;
/// Longest name of a site, in bytes.
pub const MAX_SITE: usize = 64;
/// Largest sealed message over any way, in bytes: what one MQTT payload may have.
pub const MAX_SEALED: usize = 256 * 1024;
/// Domain of the names that certificates of C1s bear, below the C1's own: none of a host, so that
/// a C1 passes for itself and never for the box.
pub const CENTRE_DOMAIN: &str = "c1.muster.internal";
/// The salt of key derivation.
pub const SALT: &[u8] = b"muster pairing 1";

/// What a sealed message shows to everyone. It is true only once the message has been opened.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Header {
    /// Version of the layout.
    pub version: u8,
    /// What it is.
    pub kind: Kind,
    /// Its place in the sender's life.
    pub stamp: Stamp,
}

impl Header {
    /// Reads the header of a sealed message without opening it.
    pub fn peek(sealed: &[u8]) -> Result<Self, ParseError> {
        if sealed.len() < OVERHEAD {
            return Err(ParseError::Truncated);
        }
        if sealed.len() > MAX_SEALED {
            return Err(ParseError::TooLarge);
        }
        let mut r = Reader::new(sealed);
        let (version, kind) = (r.u8()?, r.u8()?);
        if version != crate::VERSION {
            return Err(ParseError::Version(version));
        }
        let kind = Kind::from_byte(kind).ok_or(ParseError::Kind(kind))?;
        let stamp = Stamp { boot: r.u32()?, seq: r.u64()? };
        if !valid(stamp) {
            return Err(ParseError::Stamp);
        }
        Ok(Self { version, kind, stamp })
    }

    fn bytes(self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[0] = self.version;
        bytes[1] = self.kind as u8;
        bytes[2..6].copy_from_slice(&self.stamp.boot.to_le_bytes());
        bytes[6..].copy_from_slice(&self.stamp.seq.to_le_bytes());
        bytes
    }

    /// Kind, boot and the low seven bytes of seq: the header but for its first and last byte.
    fn nonce(self) -> Nonce {
        let mut nonce = Nonce::default();
        nonce.copy_from_slice(&self.bytes()[1..HEADER_LEN - 1]);
        nonce
    }
}

fn valid(stamp: Stamp) -> bool {
    stamp.boot > 0 && (1..=Stamp::MAX_SEQ).contains(&stamp.seq)
}

/// Bytes are not a sealed message, as far as one can see without the key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// Too few bytes.
    #[error("the sealed message is cut short")]
    Truncated,
    /// More than [`MAX_SEALED`] bytes.
    #[error("the sealed message is larger than {MAX_SEALED} bytes")]
    TooLarge,
    /// A version this crate does not read.
    #[error("sealed with protocol version {0}; this side reads version {v}", v = crate::VERSION)]
    Version(u8),
    /// A kind this crate does not know.
    #[error("message kind {0:#04x} is not known")]
    Kind(u8),
    /// Another kind than was asked for.
    #[error("not the kind of message that belongs here")]
    OtherKind(Kind),
    /// Boot or sequence number is 0 or too large.
    #[error("boot or sequence number is out of range")]
    Stamp,
}

impl From<DecodeError> for ParseError {
    fn from(_: DecodeError) -> Self {
        Self::Truncated
    }
}

/// A sealed message could not be opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another key, another device, or changed on the way.
    #[error("the seal does not verify: wrong key, wrong device, or changed on the way")]
    Seal,
    /// Sealed by the right sender, but its contents break a rule.
    #[error(transparent)]
    Contents(#[from] DecodeError),
}

/// A device's name cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a device's name is 1 to {MAX_NAME} visible ASCII characters other than / + # and $")]
pub struct NameError;

/// A site's name cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a site's name is 1 to {MAX_SITE} bytes without control characters")]
pub struct SiteError;

/// Whether `name` may name a device: 1 to [`MAX_NAME`] visible ASCII characters other than
/// `/ + # $`, so that it can stand in a topic.
pub fn check_name(name: &str) -> Result<(), NameError> {
    let fits = |b: u8| b.is_ascii_graphic() && !b"/+#$".contains(&b);
    if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(fits) {
        return Err(NameError);
    }
    Ok(())
}

/// A device's two keys. Wiped when dropped; no `Debug`, no `Clone`.
pub struct Keys {
    name: heapless::String<MAX_NAME>,
    /// Empty where it is not known.
    site: heapless::String<MAX_SITE>,
    up: Key,
    down: Key,
}

const MAX_ASSOCIATED: usize = HEADER_LEN + MAX_NAME + 1 + MAX_SITE;

struct Key([u8; 32]);

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for Key {}

impl Keys {
    /// Derives the keys of the device `name` from its pairing secret; the caller wipes the secret.
    pub fn derive(secret: &[u8; 32], name: &str) -> Result<Self, NameError> {
        check_name(name)?;
        let (mut prk, hkdf) = Hkdf::<Sha256>::extract(Some(SALT), secret);
        prk.zeroize();
        let key = |direction: &[u8]| {
            let mut key = Key([0; 32]);
            let info = [direction, name.as_bytes()];
            hkdf.expand_multi_info(&info, &mut key.0).map_err(|_| NameError)?;
            Ok(key)
        };
        let kept = heapless::String::try_from(name).map_err(|_| NameError)?;
        let site = heapless::String::new();
        Ok(Self { name: kept, site, up: key(b"up/")?, down: key(b"down/")? })
    }

    /// Says at which site the device is, as 1 to [`MAX_SITE`] bytes of text. Only then can tasks
    /// and reports be sealed and opened.
    pub fn set_site(&mut self, site: &str) -> Result<(), SiteError> {
        let fits = !site.is_empty() && !site.chars().any(char::is_control);
        self.site = heapless::String::try_from(site).ok().filter(|_| fits).ok_or(SiteError)?;
        Ok(())
    }

    /// The device's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Seals `message` into `out`; returns the sealed length. `out` needs [`OVERHEAD`] bytes more
    /// than the body. On an error `out` may hold part of the message in clear: wipe or reuse it.
    pub fn seal<'m, M: Message<'m>>(
        &self,
        message: &M,
        out: &mut [u8],
    ) -> Result<usize, EncodeError> {
        let (kind, stamp) = message.kind_and_stamp();
        if !valid(stamp) {
            return Err(EncodeError::Stamp);
        }
        if kind.binds_site() && self.site.is_empty() {
            return Err(EncodeError::NoSite);
        }
        let header = Header { version: crate::VERSION, kind, stamp };
        let (head, rest) = out.split_at_mut_checked(HEADER_LEN).ok_or(EncodeError::NoRoom)?;
        head.copy_from_slice(&header.bytes());
        let mut w = Writer::new(rest);
        message.write(&mut w)?;
        let len = w.len();
        let (body, rest) = rest.split_at_mut(len);
        let tag_at = rest.first_chunk_mut::<TAG_LEN>().ok_or(EncodeError::NoRoom)?;
        let tag = self.encrypt(header, body)?;
        tag_at.copy_from_slice(&tag);
        Ok(OVERHEAD + len)
    }

    fn encrypt(&self, header: Header, body: &mut [u8]) -> Result<Tag, EncodeError> {
        let aad = self.associated(header);
        let cipher = self.cipher(header.kind);
        cipher
            .encrypt_inout_detached(&header.nonce(), &aad, body.into())
            .map_err(|_| EncodeError::NoRoom)
    }

    fn decrypt(
        &self,
        header: Header,
        body: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), OpenError> {
        if header.kind.binds_site() && self.site.is_empty() {
            return Err(OpenError::Seal);
        }
        let aad = self.associated(header);
        let cipher = self.cipher(header.kind);
        cipher
            .decrypt_inout_detached(&header.nonce(), &aad, body.into(), &Tag::from(*tag))
            .map_err(|_| OpenError::Seal)
    }

    fn cipher(&self, kind: Kind) -> ChaCha20Poly1305 {
        let key = if kind.from_box() { &self.down } else { &self.up };
        ChaCha20Poly1305::new((&key.0).into())
    }

    fn associated(&self, header: Header) -> heapless::Vec<u8, MAX_ASSOCIATED> {
        let mut aad = heapless::Vec::new();
        // Cannot fail: name and site have at most MAX_NAME and MAX_SITE bytes.
        let _ = aad.extend_from_slice(&header.bytes());
        let _ = aad.extend_from_slice(self.name.as_bytes());
        if header.kind.binds_site() {
            let _ = aad.push(b'/');
            let _ = aad.extend_from_slice(self.site.as_bytes());
        }
        aad
    }
}

/// A sealed message of type `M`, of which only the header can be read until it is opened.
pub struct Sealed<'a, M> {
    header: Header,
    bytes: &'a mut [u8],
    message: PhantomData<fn() -> M>,
}

impl<'a, M: Message<'a>> Sealed<'a, M> {
    /// Takes `bytes` for a sealed `M`.
    pub fn parse(bytes: &'a mut [u8]) -> Result<Self, ParseError> {
        let header = Header::peek(bytes)?;
        if !M::is(header.kind) {
            return Err(ParseError::OtherKind(header.kind));
        }
        Ok(Self { header, bytes, message: PhantomData })
    }

    /// What it shows without a key.
    pub fn header(&self) -> Header {
        self.header
    }

    /// Verifies and decrypts it in place, and reads the message. After
    /// [`OpenError::Contents`] the buffer holds the body in clear: wipe it.
    pub fn open(self, keys: &Keys) -> Result<M, OpenError> {
        let Self { header, bytes, .. } = self;
        let (_, sealed) = bytes.split_at_mut_checked(HEADER_LEN).ok_or(OpenError::Seal)?;
        let (body, tag) = sealed.split_last_chunk_mut::<TAG_LEN>().ok_or(OpenError::Seal)?;
        keys.decrypt(header, body, tag)?;
        M::read(header, &mut Reader::new(body)).map_err(OpenError::Contents)
    }
}

#[cfg(test)]
mod tests;
