//! Sealing and opening: AES-256-GCM under a key derived from a vault secret.
//!
//! The nonce is the first 96 bits of HMAC-SHA256 over header and plaintext, under a second key of
//! the same secret. So two plaintexts share a nonce with negligible chance, the same message sealed
//! twice gives the same bytes (by which it is known), and no counter has to survive a crash.

use muster_ledger::Secret;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::hmac::{self, HMAC_SHA256};
use zeroize::{Zeroize, Zeroizing};

/// The salt of key derivation.
const SALT: &[u8] = b"muster vault 1";

/// What one vault secret seals with.
pub(super) struct Key {
    seal: LessSafeKey,
    nonce: hmac::Key,
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl Key {
    /// Derives the keys. Fails only if the cipher does not exist.
    pub(super) fn derive(secret: &Secret) -> Option<Self> {
        let prk = Salt::new(HKDF_SHA256, SALT).extract(secret.expose());
        let derive = |info: &[u8]| {
            let mut bytes = [0u8; 32];
            prk.expand(&[info], Length(bytes.len())).ok()?.fill(&mut bytes).ok()?;
            Some(Zeroizing::new(bytes))
        };
        let seal = UnboundKey::new(&AES_256_GCM, &*derive(b"seal")?).ok()?;
        let nonce = hmac::Key::new(HMAC_SHA256, &*derive(b"nonce")?);
        Some(Self { seal: LessSafeKey::new(seal), nonce })
    }

    /// The nonce for `plain` under `header`.
    pub(super) fn nonce(&self, header: &[u8], plain: &[u8]) -> [u8; NONCE_LEN] {
        let mut mac = hmac::Context::with_key(&self.nonce);
        mac.update(&(header.len() as u64).to_le_bytes());
        mac.update(header);
        mac.update(plain);
        let mut nonce = [0; NONCE_LEN];
        for (to, from) in nonce.iter_mut().zip(mac.sign().as_ref()) {
            *to = *from;
        }
        nonce
    }

    /// Encrypts `data` in place and appends the tag; `None` (and `data` wiped) if that fails.
    pub(super) fn seal(
        &self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        data: &mut Vec<u8>,
    ) -> Option<()> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let sealed = self.seal.seal_in_place_append_tag(nonce, Aad::from(aad), data);
        if sealed.is_err() {
            data.zeroize();
        }
        sealed.ok()
    }

    /// Decrypts; `None` if it was not sealed so.
    pub(super) fn open(
        &self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        sealed: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let mut data = Zeroizing::new(sealed.to_vec());
        let nonce = Nonce::assume_unique_for_key(nonce);
        let length = self.seal.open_in_place(nonce, Aad::from(aad), &mut data).ok()?.len();
        data.truncate(length);
        Some(data)
    }
}
