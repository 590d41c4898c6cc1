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
    /// The root key is not the one this keyring was made with.
    #[error("the root key does not open the keyring; restore the key this box was set up with")]
    WrongKey,
    /// A secret is there but damaged; it is never guessed.
    #[error("a secret of the keyring is damaged")]
    Damaged,
    /// A name or number outside what the keyring holds.
    #[error("not a name or number of the keyring: {0}")]
    Name(String),
    /// No slot is free.
    #[error("the keyring is full ({0} slots)")]
    Full(u64),
}

/// Access to the secrets.
#[derive(Clone)]
pub struct Keyring {}

/// What a month's key of the journal opens.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Class {
    /// Attendance facts.
    Facts = 0,
    /// Acts and checkpoints.
    Acts = 1,
}

#[allow(dead_code)]
impl Keyring {
    /// Opens or makes `<data>/keys`; the epoch grows (past the witness's) and is fsynced.
    pub(crate) fn open(data: &std::path::Path, root: RootKey) -> Result<Self, KeyringError> {
        let _ = (data, root);
        todo!()
    }

    /// Opens `<data>/keys` for reading beside a running gateway: nothing is written.
    pub(crate) fn open_to_read(
        data: &std::path::Path,
        root: RootKey,
    ) -> Result<Self, KeyringError> {
        let _ = (data, root);
        todo!()
    }

    /// New persons, each with a directory and a vault secret: one write, one fdatasync. Blocks.
    pub(crate) fn create_persons(&self, count: usize) -> Result<Vec<PersonId>, KeyringError> {
        let _ = count;
        todo!()
    }

    /// The secret a person's profile is sealed under.
    pub(crate) fn directory_secret(&self, person: PersonId) -> Result<Secret, KeyringError> {
        let _ = person;
        todo!()
    }

    /// Destroys both secrets of a person; fsynced when this returns. Blocks. Harmless if done before.
    pub(crate) fn destroy_person(&self, person: PersonId) -> Result<(), KeyringError> {
        let _ = person;
        todo!()
    }

    /// Persons whose directory secret is there, in no order.
    pub(crate) fn persons(&self) -> Vec<PersonId> {
        todo!()
    }

    /// A 32-byte key of the box by name (`[a-z0-9-]`, 1 to 64), made and fsynced on first use.
    pub(crate) fn named_key(&self, name: &str) -> Result<Secret, KeyringError> {
        let _ = name;
        todo!()
    }

    /// The journal's key for a month (`yyyymm`), made and fsynced on first use.
    pub(crate) fn month_key(&self, class: Class, yyyymm: u32) -> Result<Secret, KeyringError> {
        let _ = (class, yyyymm);
        todo!()
    }

    /// Destroys a month's key: its blocks can be read no more, the chain still verifies.
    pub(crate) fn destroy_month(&self, class: Class, yyyymm: u32) -> Result<(), KeyringError> {
        let _ = (class, yyyymm);
        todo!()
    }

    /// Destroys a day's vault secret (for evidence of nobody).
    pub(crate) fn destroy_day(&self, day: i32) -> Result<(), KeyringError> {
        let _ = day;
        todo!()
    }

    /// Random, made with the keyring: tells this box's journal from another's.
    pub(crate) fn box_id(&self) -> [u8; 16] {
        todo!()
    }
}

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
