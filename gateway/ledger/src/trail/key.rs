//! The key that reports are signed with: the box's own, kept in the keyring.

use crate::{Keyring, KeyringError};
use ring::signature::{Ed25519KeyPair, KeyPair as _};

/// An Ed25519 key pair that never leaves the process.
pub struct ReportKey(Ed25519KeyPair);

impl ReportKey {
    pub(super) fn open(keyring: &Keyring) -> Result<Self, KeyringError> {
        let seed = keyring.named_key("reports")?;
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.expose());
        pair.map(Self).map_err(|_| KeyringError::Damaged)
    }

    /// Signs `bytes`.
    pub fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        let mut signature = [0; 64];
        signature.copy_from_slice(self.0.sign(bytes).as_ref());
        signature
    }

    /// The public half, 32 bytes.
    pub fn public_key(&self) -> [u8; 32] {
        let mut key = [0; 32];
        key.copy_from_slice(self.0.public_key().as_ref());
        key
    }
}
