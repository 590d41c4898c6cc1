//! The recovery key and how bytes are sealed under it.
//!
//! One random key of 256 bits a box, made at first set-up; the box keeps it in its keyring, people
//! keep it split over three sheets (see `sheets`). A piece of a backup is sealed under a key of its
//! own, derived with 16 random bytes, in chunks of 64 KiB with AES-256-GCM; the nonce is the
//! chunk's number, so that no key and nonce meet twice.

use anyhow::{Result, anyhow};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, MAX_TAG_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use std::io::{self, Read, Write};
use zeroize::{Zeroize as _, Zeroizing};

/// Bytes of plain text sealed at a time.
const CHUNK: usize = 64 << 10;
/// Bytes that sealing adds to a chunk.
const TAG: usize = MAX_TAG_LEN;

/// Opens every backup of one box. Never shown but on the sheets.
pub(crate) struct RecoveryKey(Zeroizing<[u8; 32]>);

/// Tells recovery keys from each other and says nothing of them.
pub(crate) type KeySet = [u8; 8];

/// What the key of one piece is derived with.
pub(super) type PieceSalt = [u8; 16];

/// HKDF output of so many bytes.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl RecoveryKey {
    /// The name of its file in the keyring.
    pub(crate) const PURPOSE: &str = "recovery-key";

    pub(crate) fn generate() -> Result<Self> {
        Ok(Self(Zeroizing::new(random()?)))
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(Zeroizing::new(bytes.try_into().ok()?)))
    }

    /// The bytes, for the keyring and the sheets alone.
    pub(super) fn expose(&self) -> &[u8] {
        self.0.as_ref()
    }

    /// See [`KeySet`].
    pub(crate) fn set(&self) -> KeySet {
        let mut set = KeySet::default();
        // So few bytes cannot fail.
        if let Ok(okm) = self.prk(b"").expand(&[b"set"], Length(set.len())) {
            let _ = okm.fill(&mut set);
        }
        set
    }

    fn prk(&self, salt: &[u8]) -> Prk {
        Salt::new(HKDF_SHA256, &[b"muster backup 1 ", salt].concat()).extract(self.0.as_ref())
    }

    fn piece(&self, salt: &PieceSalt) -> io::Result<LessSafeKey> {
        let prk = self.prk(salt);
        let okm = prk.expand(&[b"piece"], &AES_256_GCM).map_err(|_| io::Error::other("no key"))?;
        Ok(LessSafeKey::new(UnboundKey::from(okm)))
    }

    /// Seals all of `plain`; gives the bytes read and written.
    pub(super) fn seal(
        &self,
        salt: &PieceSalt,
        mut plain: impl Read,
        mut sealed: impl Write,
    ) -> io::Result<(u64, u64)> {
        let key = self.piece(salt)?;
        let (mut read, mut written) = (0, 0);
        for number in 0.. {
            let mut chunk = Zeroizing::new(Vec::with_capacity(CHUNK + TAG));
            plain.by_ref().take(CHUNK as u64).read_to_end(&mut chunk)?;
            if chunk.is_empty() {
                break;
            }
            read += chunk.len() as u64;
            let sealing = key.seal_in_place_append_tag(nonce(number), Aad::empty(), &mut *chunk);
            sealing.map_err(|_| io::Error::other("cannot be sealed"))?;
            sealed.write_all(&chunk)?;
            written += chunk.len() as u64;
        }
        Ok((read, written))
    }

    /// Opens what [`Self::seal`] wrote; an error of kind `InvalidData` where it was changed.
    pub(super) fn open(
        &self,
        salt: &PieceSalt,
        mut sealed: impl Read,
        mut plain: impl Write,
    ) -> io::Result<u64> {
        let key = self.piece(salt)?;
        let mut written = 0;
        for number in 0.. {
            let mut chunk = Vec::with_capacity(CHUNK + TAG);
            sealed.by_ref().take((CHUNK + TAG) as u64).read_to_end(&mut chunk)?;
            if chunk.is_empty() {
                break;
            }
            let opened = key.open_in_place(nonce(number), Aad::empty(), &mut chunk);
            let opened = opened.map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
            plain.write_all(opened)?;
            written += opened.len() as u64;
            chunk.zeroize();
        }
        Ok(written)
    }
}

/// Fills an array from the system's random numbers.
pub(super) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| anyhow!("the system gives no random numbers"))?;
    Ok(bytes)
}

fn nonce(number: u64) -> Nonce {
    let mut nonce = [0; 12];
    nonce[..8].copy_from_slice(&number.to_le_bytes());
    Nonce::assume_unique_for_key(nonce)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(plain: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let key = RecoveryKey::from_bytes(&[7; 32]).unwrap();
        let (read, written) = key.seal(&[1; 16], plain, &mut out).unwrap();
        assert_eq!((read, written), (plain.len() as u64, out.len() as u64));
        out
    }

    fn opened(salt: u8, sealed: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        let key = RecoveryKey::from_bytes(&[7; 32]).unwrap();
        key.open(&[salt; 16], sealed, &mut out)?;
        Ok(out)
    }

    #[test]
    fn pieces_of_every_size_come_back() {
        for len in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5] {
            let plain: Vec<u8> = (0..len).map(|n| n as u8).collect();
            assert_eq!(opened(1, &sealed(&plain)).unwrap(), plain, "{len}");
        }
    }

    #[test]
    fn changed_bytes_and_other_salts_do_not_open() {
        let whole = sealed(&[3; 100]);
        assert!(opened(2, &whole).is_err());
        for at in 0..whole.len() {
            let mut bad = whole.clone();
            bad[at] ^= 1;
            assert!(opened(1, &bad).is_err(), "{at}");
        }
    }

    #[test]
    fn chunks_cannot_change_places() {
        let whole = sealed(&[3; 2 * CHUNK]);
        let (a, b) = whole.split_at(CHUNK + TAG);
        assert!(opened(1, &[b, a].concat()).is_err());
    }

    #[test]
    fn sets_differ_with_the_key() {
        let set = |byte| RecoveryKey::from_bytes(&[byte; 32]).unwrap().set();
        assert_eq!(set(1), set(1));
        assert_ne!(set(1), set(2));
        assert!(RecoveryKey::from_bytes(&[0; 31]).is_none());
    }
}
