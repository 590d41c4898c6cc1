//! Keys and nonces of blocks. Why none meets twice is in the module above.

use super::Unreadable;
use super::format::BatchHeader;
use super::segment::Segment;
use crate::keyring::{Class, Keyring, KeyringError, Secret};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, Tag, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use std::io;

/// Derived keys kept at a time: two for each of a few starts and months that are read in turn.
const MAX_CACHED: usize = 16;

/// What is encrypted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Block {
    Facts = 0,
    Acts = 1,
    Checkpoint = 2,
}

impl Block {
    /// Whose month key it is under.
    pub(super) fn class(self) -> Class {
        match self {
            Block::Facts => Class::Facts,
            Block::Acts | Block::Checkpoint => Class::Acts,
        }
    }
}

/// Batch number and epoch: what makes a nonce.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) batch: u64,
    pub(super) epoch: u16,
}

impl BatchHeader {
    /// What its nonces are made of.
    pub(super) fn place(&self) -> Place {
        Place { batch: self.number, epoch: self.epoch }
    }
}

/// Derives the key of a class for one salt.
pub(super) fn derive(secret: &Secret, class: Class, salt: &[u8; 16]) -> io::Result<LessSafeKey> {
    let info: [&[u8]; 2] = [b"muster journal 1", &[class as u8]];
    let prk = Salt::new(HKDF_SHA256, salt).extract(secret.expose());
    let okm = prk.expand(&info, &AES_256_GCM).map_err(refused)?;
    Ok(LessSafeKey::new(UnboundKey::from(okm)))
}

/// Encrypts `plain` where it lies.
pub(super) fn seal(
    key: &LessSafeKey,
    block: Block,
    place: Place,
    aad: &[u8],
    plain: &mut [u8],
) -> io::Result<Tag> {
    let nonce = nonce(block, place);
    key.seal_in_place_separate_tag(nonce, Aad::from(aad), plain).map_err(refused)
}

/// Opens blocks, finding keys in the keyring; never makes one.
pub(super) struct Cipher {
    keyring: Keyring,
    /// The keyring's count of destructions when the cache was filled.
    destructions: u64,
    cached: Vec<Cached>,
}

struct Cached {
    class: Class,
    month: u32,
    salt: [u8; 16],
    key: LessSafeKey,
}

impl Cipher {
    /// With nothing cached.
    pub(super) fn new(keyring: &Keyring) -> Self {
        let destructions = keyring.destructions();
        Self { keyring: keyring.clone(), destructions, cached: Vec::new() }
    }

    /// The keyring it reads from.
    pub(super) fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// Decrypts one block.
    pub(super) fn open(
        &mut self,
        block: Block,
        month: u32,
        salt: &[u8; 16],
        place: Place,
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, Unreadable> {
        let class = block.class();
        let key = self.key(class, month, salt)?;
        let mut bytes = sealed.to_vec();
        let opened = key.open_in_place(nonce(block, place), Aad::from(aad), &mut bytes);
        let len = opened.map_err(|_| Unreadable { class, month, destroyed: false })?.len();
        bytes.truncate(len);
        Ok(bytes)
    }

    /// A segment's checkpoint, if it has a whole one whose key is there.
    pub(super) fn checkpoint(&mut self, segment: &Segment) -> io::Result<Option<Vec<u8>>> {
        let Some((header, sealed)) = segment.checkpoint()? else { return Ok(None) };
        let place = Place { batch: header.first_batch, epoch: header.epoch };
        let (block, aad) = (Block::Checkpoint, header.checkpoint_aad());
        Ok(self.open(block, header.month, &header.salt, place, &aad, &sealed).ok())
    }

    fn key(
        &mut self,
        class: Class,
        month: u32,
        salt: &[u8; 16],
    ) -> Result<&LessSafeKey, Unreadable> {
        // A key destroyed since must not go on opening anything from here.
        let destructions = self.keyring.destructions();
        if self.destructions != destructions {
            self.cached.clear();
            self.destructions = destructions;
        }
        let same = |c: &Cached| c.class == class && c.month == month && c.salt == *salt;
        let at = match self.cached.iter().position(same) {
            Some(at) => at,
            None => self.fetch(class, month, salt)?,
        };
        self.cached.get(at).map(|c| &c.key).ok_or(Unreadable { class, month, destroyed: false })
    }

    fn fetch(&mut self, class: Class, month: u32, salt: &[u8; 16]) -> Result<usize, Unreadable> {
        let unreadable = |destroyed| Unreadable { class, month, destroyed };
        let secret = self.keyring.find_month_key(class, month);
        let secret = secret.map_err(|e| unreadable(matches!(e, KeyringError::Gone)))?;
        let key = derive(&secret, class, salt).map_err(|_| unreadable(false))?;
        if self.cached.len() >= MAX_CACHED {
            self.cached.remove(0);
        }
        self.cached.push(Cached { class, month, salt: *salt, key });
        Ok(self.cached.len() - 1)
    }
}

/// Only lengths that this module never uses are refused.
fn refused(_: ring::error::Unspecified) -> io::Error {
    io::Error::other("the cipher refused its input")
}

fn nonce(block: Block, place: Place) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    nonce[..8].copy_from_slice(&place.batch.to_le_bytes());
    nonce[8..10].copy_from_slice(&place.epoch.to_le_bytes());
    nonce[10] = block as u8;
    Nonce::assume_unique_for_key(nonce)
}
