//! How profiles and numbers are sealed: AES-256-GCM under a key derived from the person's own
//! directory secret, so that destroying the secret destroys what is sealed, wherever it lies.

use crate::{Keyring, KeyringError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use muster_attendance::{DeviceId, PersonId};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Ties the derived key to this use (RFC 5869 salt).
const SALT: &[u8] = b"muster directory v1";

/// What is sealed, and for whom: authenticated, so that one cannot stand in for another.
#[derive(Clone, Copy)]
pub(crate) enum Context {
    Profile(PersonId),
    Number(DeviceId, PersonId),
    /// What was written about a person.
    Note(PersonId),
    /// A second factor, under the box's own key.
    Factor([u8; 12]),
}

impl Context {
    /// The second factor of the account of this name.
    pub(crate) fn factor(name: &str) -> Self {
        let digest = ring::digest::digest(&ring::digest::SHA256, name.as_bytes());
        let mut short = [0; 12];
        short.copy_from_slice(&digest.as_ref()[..12]);
        Self::Factor(short)
    }

    fn bytes(self) -> [u8; 13] {
        let (tag, device, person) = match self {
            Self::Factor(name) => {
                let mut bytes = [3; 13];
                bytes[1..].copy_from_slice(&name);
                return bytes;
            }
            Self::Profile(person) => (1, 0, person.0),
            Self::Number(device, person) => (2, device.0, person.0),
            Self::Note(person) => (4, 0, person.0),
        };
        let mut bytes = [tag; 13];
        bytes[1..5].copy_from_slice(&device.to_le_bytes());
        bytes[5..].copy_from_slice(&person.to_le_bytes());
        bytes
    }
}

/// The key of one person.
pub(crate) struct SealKey(LessSafeKey);

impl SealKey {
    /// Derives it from the person's directory secret.
    pub(crate) fn derive(secret: &[u8; 32]) -> Self {
        let prk = Salt::new(HKDF_SHA256, SALT).extract(secret);
        let okm = prk.expand(&[b"seal"], &AES_256_GCM);
        // One block of output is never too long for HKDF.
        let key = okm.map(UnboundKey::from).or_else(|_| UnboundKey::new(&AES_256_GCM, secret));
        match key {
            Ok(key) => Self(LessSafeKey::new(key)),
            Err(_) => unreachable!("an AES-256 key of 32 bytes"),
        }
    }

    /// Seals `plain`; `nonce` is random and never used twice.
    pub(crate) fn seal(&self, nonce: [u8; NONCE_LEN], context: Context, plain: &[u8]) -> String {
        let mut sealed = Vec::with_capacity(NONCE_LEN + plain.len() + 16);
        sealed.extend_from_slice(&nonce);
        let mut text = Zeroizing::new(plain.to_vec());
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self.0.seal_in_place_separate_tag(nonce, Aad::from(context.bytes()), &mut text);
        // Fails above 64 GiB alone; an empty seal opens for nobody.
        let Ok(tag) = tag else { return String::new() };
        sealed.extend_from_slice(&text);
        sealed.extend_from_slice(tag.as_ref());
        to_text(&sealed)
    }

    /// Opens what [`Self::seal`] made under the same context.
    pub(crate) fn open(&self, context: Context, sealed: &str) -> Option<Zeroizing<Vec<u8>>> {
        let bytes = from_text(sealed)?;
        let (nonce, rest) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let mut text = Zeroizing::new(rest.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let aad = Aad::from(context.bytes());
        let len = self.0.open_in_place(nonce, aad, &mut text).ok()?.len();
        text.truncate(len);
        Some(text)
    }
}

/// Finds the key of a person.
type Find = dyn Fn(PersonId) -> Result<SealKey, KeyringError> + Send + Sync;
/// Makes persons with their secrets, fsynced on return; blocks.
type Create = dyn Fn(usize) -> Result<Vec<PersonId>, KeyringError> + Send + Sync;

/// Where the persons' secrets are: the keyring; tests bring their own.
#[derive(Clone)]
pub(crate) struct Secrets {
    pub(crate) find: Arc<Find>,
    pub(super) create: Arc<Create>,
}

impl From<Keyring> for Secrets {
    fn from(keyring: Keyring) -> Self {
        let other = keyring.clone();
        let find = move |person| Ok(SealKey::derive(keyring.directory_secret(person)?.expose()));
        let create = move |count| other.create_persons(count);
        Self { find: Arc::new(find), create: Arc::new(create) }
    }
}

/// What is sealed, as acts have it.
pub(super) fn to_text(sealed: &[u8]) -> String {
    STANDARD_NO_PAD.encode(sealed)
}

/// What an act has, as bytes; `None` where it was not made by [`to_text`].
pub(super) fn from_text(text: &str) -> Option<Vec<u8>> {
    STANDARD_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_in_its_context_alone() {
        let key = SealKey::derive(&[7; 32]);
        let own = Context::Profile(PersonId(5));
        let sealed = key.seal([1; NONCE_LEN], own, b"name");
        assert_eq!(key.open(own, &sealed).unwrap().as_slice(), b"name");
        for other in [Context::Profile(PersonId(6)), Context::Number(DeviceId(0), PersonId(5))] {
            assert!(key.open(other, &sealed).is_none());
        }
        assert!(SealKey::derive(&[8; 32]).open(own, &sealed).is_none());
        for damaged in ["", "AAAA", &sealed[1..], &sealed[..sealed.len() - 1]] {
            assert!(key.open(own, damaged).is_none());
        }
    }
}
