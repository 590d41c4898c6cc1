//! Files of fixed slots, and how one secret lies in a slot.
//!
//! A sealed secret takes 60 bytes: a random nonce (12), the secret encrypted (32), the tag (16),
//! with AES-256-GCM under a key derived from the root key for that kind of file. What the secret
//! belongs to (slot number, owner) is associated data, so a slot moved elsewhere does not open.
//! All bytes 0 means never made; 0xFF at either end means destroyed, even where a crash tore the
//! overwriting. A flash drive may keep an old copy of an overwritten block out of reach of this
//! program: that copy is still sealed under the root key.

use super::{KeyringError, Secret};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Prk, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use zeroize::Zeroize;

/// Bytes of one sealed secret.
pub(super) const SEALED_LEN: usize = NONCE_LEN + 32 + 16;
/// What a destroyed secret is overwritten with.
pub(super) const DESTROYED: [u8; SEALED_LEN] = [0xFF; SEALED_LEN];
/// So many 0xFF bytes in a row at an end are a destruction: random bytes do so once in 2^64.
const MARK: [u8; 8] = [0xFF; 8];

/// Keys derived from the root key, one for each kind of file.
pub(super) struct Derived(Prk);

impl Derived {
    /// Derives from the root key.
    pub(super) fn new(root: &[u8; 32]) -> Self {
        Self(Salt::new(HKDF_SHA256, b"muster keyring 1").extract(root))
    }

    /// The key for `kind`; HKDF with one block of output cannot fail.
    pub(super) fn key(&self, kind: &str) -> Result<LessSafeKey, KeyringError> {
        let info = [kind.as_bytes()];
        let okm = self.0.expand(&info, &AES_256_GCM).map_err(|_| KeyringError::Damaged)?;
        Ok(LessSafeKey::new(UnboundKey::from(okm)))
    }

    /// A number that tells this root key from others and says nothing of it.
    pub(super) fn id(&self, kind: &str) -> Result<[u8; 16], KeyringError> {
        struct Length;
        impl ring::hkdf::KeyType for Length {
            fn len(&self) -> usize {
                16
            }
        }
        let info = [b"id ", kind.as_bytes()];
        let mut id = [0; 16];
        let okm = self.0.expand(&info, Length).map_err(|_| KeyringError::Damaged)?;
        okm.fill(&mut id).map_err(|_| KeyringError::Damaged)?;
        Ok(id)
    }
}

/// Fills `bytes` from the system's random numbers.
pub(crate) fn randomize(bytes: &mut [u8]) -> Result<(), KeyringError> {
    let none = |_| KeyringError::Io(io::Error::other("the system gives no random numbers"));
    SystemRandom::new().fill(bytes).map_err(none)
}

/// A new random secret.
pub(super) fn random_secret() -> Result<Secret, KeyringError> {
    let mut secret = Secret([0; 32]);
    randomize(&mut secret.0)?;
    Ok(secret)
}

/// Seals `secret` for the place that `aad` describes.
pub(super) fn seal(
    key: &LessSafeKey,
    aad: &[u8],
    secret: &Secret,
) -> Result<[u8; SEALED_LEN], KeyringError> {
    let mut sealed = [0; SEALED_LEN];
    let (nonce, rest) = sealed.split_at_mut(NONCE_LEN);
    randomize(nonce)?;
    let (body, tag) = rest.split_at_mut(32);
    body.copy_from_slice(&secret.0);
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| KeyringError::Damaged)?;
    let made = key
        .seal_in_place_separate_tag(nonce, Aad::from(aad), body)
        .map_err(|_| KeyringError::Damaged)?;
    tag.copy_from_slice(made.as_ref());
    Ok(sealed)
}

/// Opens what [`seal`] made. `Gone` where never made or destroyed, `Damaged` where neither.
pub(super) fn open(key: &LessSafeKey, aad: &[u8], sealed: &[u8]) -> Result<Secret, KeyringError> {
    if sealed.iter().all(|&b| b == 0) || is_destroyed(sealed) {
        return Err(KeyringError::Gone);
    }
    let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or(KeyringError::Damaged)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| KeyringError::Damaged)?;
    let mut body = rest.to_vec();
    let secret = match key.open_in_place(nonce, Aad::from(aad), &mut body) {
        Ok(plain) => plain.try_into().map(Secret).map_err(|_| KeyringError::Damaged),
        Err(_) => Err(KeyringError::Damaged),
    };
    body.zeroize();
    secret
}

/// Whether a destruction was at least begun.
pub(super) fn is_destroyed(sealed: &[u8]) -> bool {
    sealed.starts_with(&MARK) || sealed.ends_with(&MARK)
}

/// A file of slots. A missing file opened for reading is all empty.
pub(super) struct SlotFile {
    file: Option<File>,
    read_only: bool,
    /// A write or sync failed: nothing written later could be trusted to be durable.
    failed: AtomicBool,
}

impl SlotFile {
    /// Opens `path`, making it (mode 0600) unless `read_only`.
    pub(super) fn open(path: &Path, read_only: bool) -> Result<Self, KeyringError> {
        let mut options = OpenOptions::new();
        options.read(true).write(!read_only).create(!read_only).truncate(false).mode(0o600);
        let file = match options.open(path) {
            Ok(file) => Some(file),
            Err(e) if read_only && e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(KeyringError::Io(e)),
        };
        Ok(Self { file, read_only, failed: AtomicBool::new(false) })
    }

    /// Bytes in the file.
    pub(super) fn len(&self) -> Result<u64, KeyringError> {
        let Some(file) = &self.file else { return Ok(0) };
        Ok(file.metadata().map_err(KeyringError::Io)?.len())
    }

    /// Reads at `offset`; what lies beyond the end reads as zeros.
    pub(super) fn read(&self, offset: u64, into: &mut [u8]) -> Result<(), KeyringError> {
        let mut filled = 0;
        while let Some(rest) = into.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let Some(file) = &self.file else { break };
            match file.read_at(rest, offset + filled as u64) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(KeyringError::Io(e)),
            }
        }
        into.iter_mut().skip(filled).for_each(|b| *b = 0);
        Ok(())
    }

    /// Writes at `offset`; durable when this returns. After a failure other than a full disk,
    /// every later write fails too.
    pub(super) fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), KeyringError> {
        let refuse = |why: &str| KeyringError::Io(io::Error::other(why.to_owned()));
        let file = self.file.as_ref().filter(|_| !self.read_only);
        let file = file.ok_or_else(|| refuse("the keyring was opened for reading alone"))?;
        if self.failed.load(Ordering::Acquire) {
            return Err(refuse("an earlier write failed; restart to check the disk"));
        }
        let fail = |e: io::Error| {
            let full = e.kind() == io::ErrorKind::StorageFull;
            self.failed.fetch_or(!full, Ordering::AcqRel);
            KeyringError::Io(e)
        };
        file.write_all_at(bytes, offset).map_err(fail)?;
        rustix::fs::fdatasync(file).map_err(|e| {
            self.failed.store(true, Ordering::Release);
            KeyringError::Io(e.into())
        })
    }

    /// Sets room aside so that slots can be written on a full disk; best effort.
    pub(super) fn reserve(&self, offset: u64, bytes: u64) {
        if let Some(file) = self.file.as_ref().filter(|_| !self.read_only) {
            let _ = rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), offset, bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> LessSafeKey {
        Derived::new(&[7; 32]).key("test").unwrap()
    }

    #[test]
    fn a_secret_opens_in_its_own_place_alone() {
        let sealed = seal(&key(), b"here", &Secret([9; 32])).unwrap();
        assert_eq!(open(&key(), b"here", &sealed).unwrap().expose(), &[9; 32]);
        assert!(matches!(open(&key(), b"there", &sealed), Err(KeyringError::Damaged)));
        let other = Derived::new(&[7; 32]).key("other").unwrap();
        assert!(matches!(open(&other, b"here", &sealed), Err(KeyringError::Damaged)));
    }

    #[test]
    fn a_destruction_torn_anywhere_leaves_no_secret() {
        let sealed = seal(&key(), b"here", &Secret([9; 32])).unwrap();
        for at in 1..SEALED_LEN {
            let mut front = sealed;
            front[..at].fill(0xFF);
            let mut back = sealed;
            back[at..].fill(0xFF);
            for torn in [front, back].into_iter().filter(|torn| *torn != sealed) {
                assert!(open(&key(), b"here", &torn).is_err(), "{at}");
            }
            if at >= 8 {
                assert!(matches!(open(&key(), b"here", &front), Err(KeyringError::Gone)));
            }
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let sealed = seal(&key(), b"here", &Secret([9; 32])).unwrap();
        for bit in 0..SEALED_LEN * 8 {
            let mut bad = sealed;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(open(&key(), b"here", &bad), Err(KeyringError::Damaged)), "{bit}");
        }
    }
}
