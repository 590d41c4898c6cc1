//! Secrets outside the journal: persons, months, days, devices. Fixed slots, overwritten in place.

use muster_attendance::{DeviceId, PersonId};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The key that opens the keyring: from systemd credentials or a key file.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct RootKey([u8; 32]);

impl RootKey {
    /// Takes the 32 bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// A 256-bit secret: never shown, zeroized on drop.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Secret([u8; 32]);

impl Secret {
    /// The bytes, for a key schedule and nothing else.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Why a secret cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// It was destroyed (erased), or never was.
    #[error("there is no such secret: it was never made, or was destroyed")]
    Gone,
    /// The disk said no.
    #[error("the keyring cannot be written")]
    Io(#[source] std::io::Error),
    /// No slot is free.
    #[error("the keyring is full ({0} slots)")]
    Full(u64),
}

/// Access to the secrets.
#[derive(Clone)]
pub struct Keyring {}

impl Keyring {
    /// The secret a person's biometric evidence is sealed under; for nobody, the day's
    /// (`day` = days since 1970-01-01 in UTC). Made and fsynced on first use.
    pub async fn vault_secret(
        &self,
        person: Option<PersonId>,
        day: i32,
    ) -> Result<Secret, KeyringError> {
        let _ = (person, day);
        todo!()
    }

    /// The same for reading: never makes one.
    pub fn find_vault_secret(
        &self,
        person: Option<PersonId>,
        day: i32,
    ) -> Result<Secret, KeyringError> {
        let _ = (person, day);
        todo!()
    }

    /// Destroys a person's vault secret alone: their biometric evidence is gone.
    pub async fn destroy_vault_secret(&self, person: PersonId) -> Result<(), KeyringError> {
        let _ = person;
        todo!()
    }

    /// The pairing secret of a device, fsynced when this returns.
    pub async fn put_device_secret(
        &self,
        device: DeviceId,
        secret: [u8; 32],
    ) -> Result<(), KeyringError> {
        let _ = (device, secret);
        todo!()
    }

    /// The pairing secret of a device.
    pub fn device_secret(&self, device: DeviceId) -> Result<Secret, KeyringError> {
        let _ = device;
        todo!()
    }

    /// A named secret of the box (`purpose` such as `device-ca`), kept sealed under the root key.
    pub fn sealed_file(&self, purpose: &str) -> Result<Option<Vec<u8>>, KeyringError> {
        let _ = purpose;
        todo!()
    }

    /// Writes a named secret of the box, sealed, at most 64 KiB; fsynced when this returns.
    pub fn put_sealed_file(&self, purpose: &str, bytes: &[u8]) -> Result<(), KeyringError> {
        let _ = (purpose, bytes);
        todo!()
    }

    /// The box's epoch, grown and fsynced at every start: for nonces of what the box sends.
    pub fn epoch(&self) -> u32 {
        todo!()
    }
}
