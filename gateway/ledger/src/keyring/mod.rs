//! Secrets outside the journal: persons, months, days, devices. Fixed slots, overwritten in place.
//!
//! All lie in `<data>/keys` (0700, files 0600), each sealed under a key derived from the root key
//! by HKDF-SHA-256 for its file. Destroying a secret overwrites its slot; what it opened is then
//! gone wherever a copy may lie, save backups of the keyring made before. Limits: 262,144 persons,
//! 65,536 devices, months and days from 1970 to 2100, named files of 64 KiB. `box` holds a number
//! derived from the root key, by which a wrong root key is told at once.

pub(crate) mod twin;

mod pairings;
mod periods;
mod persons;
mod sealed;
mod slots;

pub(crate) use sealed::{make_dir, replace};
pub(crate) use slots::randomize;

use crate::journal::Witness;
use muster_attendance::{DeviceId, PersonId};
use pairings::Pairings;
use periods::Periods;
use persons::{Half, Persons};
use sealed::Sealed;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

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

/// Access to the secrets. Cheap to clone.
#[derive(Clone)]
pub struct Keyring {
    inner: Arc<Inner>,
}

struct Inner {
    box_id: [u8; 16],
    epoch: u32,
    persons: Persons,
    months: Periods,
    days: Periods,
    pairings: Pairings,
    sealed: Sealed,
    destructions: AtomicU64,
}

/// What a month's key of the journal opens.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Class {
    /// Attendance facts.
    Facts = 0,
    /// Acts and checkpoints.
    Acts = 1,
}

impl Keyring {
    /// The secret a person's biometric evidence is sealed under; for nobody, the day's
    /// (`day` = days since 1970-01-01 in UTC). Made and fsynced on first use: a person's when the
    /// person is made, and never again once destroyed; a day's by this call.
    pub async fn vault_secret(
        &self,
        person: Option<PersonId>,
        day: i32,
    ) -> Result<Secret, KeyringError> {
        match (person, self.find_vault_secret(person, day)) {
            (None, Err(KeyringError::Gone | KeyringError::Damaged)) => {
                let slot = periods::day_slot(day);
                self.blocking(move |inner| inner.days.find_or_remake(slot)).await
            }
            (_, found) => found,
        }
    }

    /// The same for reading: never makes one.
    pub fn find_vault_secret(
        &self,
        person: Option<PersonId>,
        day: i32,
    ) -> Result<Secret, KeyringError> {
        match person {
            Some(person) => self.inner.persons.secret(person, Half::Vault),
            None => self.inner.days.find(periods::day_slot(day)),
        }
    }

    /// Destroys a person's vault secret alone: their biometric evidence is gone.
    pub async fn destroy_vault_secret(&self, person: PersonId) -> Result<(), KeyringError> {
        self.blocking(move |inner| inner.persons.destroy(person, Half::Vault)).await
    }

    /// The pairing secret of a device, fsynced when this returns.
    pub async fn put_device_secret(
        &self,
        device: DeviceId,
        secret: [u8; 32],
    ) -> Result<(), KeyringError> {
        let secret = Secret(secret);
        self.blocking(move |inner| inner.pairings.put(device, &secret)).await
    }

    /// The pairing secret of a device.
    pub fn device_secret(&self, device: DeviceId) -> Result<Secret, KeyringError> {
        self.inner.pairings.find(device)
    }

    /// A named secret of the box (`purpose` such as `device-ca`: `a-z`, `0-9` and `-`, 1 to 64
    /// characters), kept sealed under the root key.
    pub fn sealed_file(&self, purpose: &str) -> Result<Option<Vec<u8>>, KeyringError> {
        self.inner.sealed.get(purpose)
    }

    /// Writes a named secret of the box, sealed, at most 64 KiB; fsynced when this returns.
    pub fn put_sealed_file(&self, purpose: &str, bytes: &[u8]) -> Result<(), KeyringError> {
        self.inner.sealed.put(purpose, bytes)
    }

    /// The box's epoch, grown and fsynced at every start: for nonces of what the box sends.
    pub fn epoch(&self) -> u32 {
        self.inner.epoch
    }
}

impl Keyring {
    /// Opens or makes `<data>/keys`; the epoch grows (past the witness's) and is fsynced.
    pub(crate) fn open(data: &Path, root: RootKey) -> Result<Self, KeyringError> {
        Self::open_as(data, root, false)
    }

    /// Opens `<data>/keys` for reading beside a running gateway: nothing is written.
    pub(crate) fn open_to_read(data: &Path, root: RootKey) -> Result<Self, KeyringError> {
        Self::open_as(data, root, true)
    }

    /// New persons, each with a directory and a vault secret: one write, one fdatasync. Blocks.
    pub(crate) fn create_persons(&self, count: usize) -> Result<Vec<PersonId>, KeyringError> {
        self.inner.persons.create(count)
    }

    /// The secret a person's profile is sealed under.
    pub(crate) fn directory_secret(&self, person: PersonId) -> Result<Secret, KeyringError> {
        self.inner.persons.secret(person, Half::Directory)
    }

    /// A 32-byte key of the box by name (`[a-z0-9-]`, 1 to 60), made and fsynced on first use.
    pub(crate) fn named_key(&self, name: &str) -> Result<Secret, KeyringError> {
        let file = format!("key-{name}");
        if let Some(bytes) = self.inner.sealed.get(&file)?.map(Zeroizing::new) {
            return bytes.as_slice().try_into().map(Secret).map_err(|_| KeyringError::Damaged);
        }
        let secret = slots::random_secret()?;
        self.inner.sealed.put(&file, secret.expose())?;
        Ok(secret)
    }

    /// The journal's key for a month (`yyyymm`), made and fsynced on first use; `Gone` once
    /// destroyed.
    pub(crate) fn month_key(&self, class: Class, yyyymm: u32) -> Result<Secret, KeyringError> {
        self.inner.months.find_or_make(periods::month_slot(class, yyyymm)?)
    }

    /// The same for reading: never makes one.
    pub(crate) fn find_month_key(&self, class: Class, yyyymm: u32) -> Result<Secret, KeyringError> {
        self.inner.months.find(periods::month_slot(class, yyyymm)?)
    }

    /// How many months were destroyed since the start: whoever caches a month's key drops it when
    /// this changes.
    pub(crate) fn destructions(&self) -> u64 {
        self.inner.destructions.load(Ordering::Acquire)
    }

    /// Derived from the root key: tells this box's journal from another's.
    pub(crate) fn box_id(&self) -> [u8; 16] {
        self.inner.box_id
    }

    fn open_as(data: &Path, root: RootKey, read_only: bool) -> Result<Self, KeyringError> {
        let dir = data.join("keys");
        if !read_only {
            make_dir(&dir)?;
        }
        let derived = slots::Derived::new(&root.0);
        let box_id = derived.id("box")?;
        check_root_key(&dir, &box_id, read_only)?;
        let inner = Inner {
            box_id,
            epoch: next_epoch(data, &dir, read_only)?,
            persons: Persons::open(&dir, &derived, read_only)?,
            months: Periods::open(&dir, "months", &derived, read_only)?,
            days: Periods::open(&dir, "days", &derived, read_only)?,
            pairings: Pairings::open(&dir, &derived, read_only)?,
            sealed: Sealed::open(&dir, &derived, read_only)?,
            destructions: AtomicU64::new(0),
        };
        if !read_only {
            sealed::sync_dir(&dir).map_err(KeyringError::Io)?;
        }
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Runs what waits for the disk off the async threads.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, KeyringError> + Send + 'static,
    ) -> Result<T, KeyringError> {
        let inner = self.inner.clone();
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        done.unwrap_or_else(|e| Err(KeyringError::Io(std::io::Error::other(e))))
    }
}

impl Keyring {
    /// Destroys both secrets of a person; fsynced when this returns. Blocks. Harmless if done before.
    pub(crate) fn destroy_person(&self, person: PersonId) -> Result<(), KeyringError> {
        self.inner.persons.destroy_both(person)
    }

    /// Persons who were not destroyed, in no order.
    #[cfg(test)]
    pub(crate) fn persons(&self) -> Vec<PersonId> {
        self.inner.persons.all()
    }

    /// Destroys a month's key: its blocks can be read no more, the chain still verifies.
    pub(crate) fn destroy_month(&self, class: Class, yyyymm: u32) -> Result<(), KeyringError> {
        self.inner.months.destroy(periods::month_slot(class, yyyymm)?)?;
        self.inner.destructions.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    /// Destroys a person's vault secret alone. Blocks. Harmless if done before.
    pub(crate) fn destroy_vault(&self, person: PersonId) -> Result<(), KeyringError> {
        self.inner.persons.destroy(person, Half::Vault)
    }

    /// Destroys a day's vault secret (for evidence of nobody).
    #[cfg(test)]
    pub(crate) fn destroy_day(&self, day: i32) -> Result<(), KeyringError> {
        self.inner.days.destroy(periods::day_slot(day))
    }
}

/// Compares with what the keyring was made with; where nothing readable is there, writes it.
fn check_root_key(dir: &Path, box_id: &[u8; 16], read_only: bool) -> Result<(), KeyringError> {
    let path = dir.join("box");
    match twin::load::<16, _>(&path, |_| 0) {
        Some(known) if known == *box_id => Ok(()),
        Some(_) => Err(KeyringError::WrongKey),
        None if read_only => Err(KeyringError::Gone),
        // Both copies, so that one bad sector does not matter.
        None => (0..2)
            .try_for_each(|n| twin::store(&path, box_id, |_| n, true))
            .map_err(KeyringError::Io),
    }
}

/// The epoch of this start: one more than any known, durable before it is used.
fn next_epoch(data: &Path, dir: &Path, read_only: bool) -> Result<u32, KeyringError> {
    let path = dir.join("epoch");
    let number = |record: &[u8; 4]| u32::from_le_bytes(*record);
    let known = twin::load(&path, number).as_ref().map_or(0, number);
    if read_only {
        return Ok(known);
    }
    let witnessed = Witness::load(data).map_or(0, |witness| witness.starts);
    let next = known.max(witnessed).saturating_add(1);
    twin::store(&path, &next.to_le_bytes(), number, true).map_err(KeyringError::Io)?;
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(data: &Path) -> Keyring {
        Keyring::open(data, RootKey::new([5; 32])).unwrap()
    }

    #[test]
    fn a_wrong_root_key_is_told_and_changes_nothing() {
        let data = tempfile::tempdir().unwrap();
        let key = *open(data.path()).month_key(Class::Facts, 202612).unwrap().expose();
        let wrong = Keyring::open(data.path(), RootKey::new([6; 32]));
        assert!(matches!(wrong, Err(KeyringError::WrongKey)));
        let again = open(data.path()).month_key(Class::Facts, 202612).unwrap();
        assert_eq!(again.expose(), &key);
    }

    #[test]
    fn a_damaged_copy_of_the_box_number_is_survived() {
        let data = tempfile::tempdir().unwrap();
        open(data.path());
        let path = data.path().join("keys/box");
        let whole = std::fs::read(&path).unwrap();
        for at in [0, 19, 512, 531] {
            let mut bad = whole.clone();
            bad[at] ^= 1;
            std::fs::write(&path, bad).unwrap();
            assert!(Keyring::open_to_read(data.path(), RootKey::new([5; 32])).is_ok(), "{at}");
        }
    }

    #[test]
    fn the_epoch_grows_past_every_witness() {
        let parent = tempfile::tempdir().unwrap();
        let data = parent.path().join("data");
        assert_eq!([open(&data).epoch(), open(&data).epoch()], [1, 2]);
        Witness { starts: 40, ..Witness::default() }.store(&data, true).unwrap();
        assert_eq!(open(&data).epoch(), 41);
        let reading = Keyring::open_to_read(&data, RootKey::new([5; 32])).unwrap();
        assert_eq!(reading.epoch(), 41);
        assert!(reading.create_persons(1).is_err());
    }

    #[test]
    fn a_destroyed_person_is_gone_for_every_purpose() {
        let data = tempfile::tempdir().unwrap();
        let made = open(data.path()).create_persons(2).unwrap();
        open(data.path()).destroy_person(made[0]).unwrap();
        let keyring = open(data.path());
        assert_eq!(keyring.persons(), [made[1]]);
        assert!(matches!(keyring.directory_secret(made[0]), Err(KeyringError::Gone)));
        assert!(matches!(keyring.find_vault_secret(Some(made[0]), 0), Err(KeyringError::Gone)));
    }

    #[test]
    fn named_keys_stay_and_differ() {
        let data = tempfile::tempdir().unwrap();
        let a = *open(data.path()).named_key("pseudonym-sg").unwrap().expose();
        let b = *open(data.path()).named_key("pseudonym-mo").unwrap().expose();
        assert_eq!(*open(data.path()).named_key("pseudonym-sg").unwrap().expose(), a);
        assert_ne!(a, b);
    }

    #[tokio::test]
    async fn the_vaults_secrets_are_made_once_and_destroyed_alone() {
        let data = tempfile::tempdir().unwrap();
        let keyring = open(data.path());
        let person = keyring.create_persons(1).unwrap()[0];
        let nobody = *keyring.vault_secret(None, 20_000).await.unwrap().expose();
        assert_eq!(*keyring.find_vault_secret(None, 20_000).unwrap().expose(), nobody);
        assert!(matches!(keyring.find_vault_secret(None, 20_001), Err(KeyringError::Gone)));
        keyring.vault_secret(Some(person), 0).await.unwrap();
        keyring.destroy_vault_secret(person).await.unwrap();
        assert!(matches!(keyring.vault_secret(Some(person), 0).await, Err(KeyringError::Gone)));
        assert!(keyring.directory_secret(person).is_ok());
        keyring.destroy_day(20_000).unwrap();
        assert!(keyring.find_vault_secret(None, 20_000).is_err());
        assert_ne!(*keyring.vault_secret(None, 20_000).await.unwrap().expose(), nobody);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig {
            cases: 32,
            ..Default::default()
        })]
        #[test]
        fn damage_yields_the_right_secret_or_none(
            file in proptest::sample::select(vec!["box", "epoch", "persons", "months", "devices"]),
            flips in proptest::collection::vec((0usize..2048, 1u8..), 1..8),
            cut in proptest::option::of(0usize..2048),
        ) {
            let parent = tempfile::tempdir().unwrap();
            let data = parent.path().join("data");
            let keyring = open(&data);
            let person = keyring.create_persons(3).unwrap()[1];
            let secret = Secret([9; 32]);
            keyring.inner.pairings.put(DeviceId(2), &secret).unwrap();
            let all = |keyring: &Keyring| {
                [
                    keyring.find_vault_secret(Some(person), 0),
                    keyring.directory_secret(person),
                    keyring.device_secret(DeviceId(2)),
                    keyring.find_month_key(Class::Facts, 197003),
                ]
            };
            keyring.month_key(Class::Facts, 197003).unwrap();
            let before = all(&keyring).map(Result::unwrap);
            let path = data.join("keys").join(file);
            let mut bytes = std::fs::read(&path).unwrap();
            bytes.truncate(cut.unwrap_or(usize::MAX));
            for (at, flip) in flips {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= flip;
                }
            }
            std::fs::write(&path, bytes).unwrap();
            for (found, was) in all(&open(&data)).into_iter().zip(before) {
                if let Ok(found) = found {
                    assert_eq!(found.expose(), was.expose());
                }
            }
        }
    }

    #[tokio::test]
    async fn files_are_for_the_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let data = tempfile::tempdir().unwrap();
        let keyring = open(data.path());
        keyring.create_persons(1).unwrap();
        keyring.put_device_secret(DeviceId(1), [1; 32]).await.unwrap();
        keyring.put_sealed_file("device-ca", b"x").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let keys = data.path().join("keys");
        for dir in [keys.clone(), keys.join("sealed")] {
            assert_eq!(mode(&dir), 0o700);
            for entry in std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()) {
                assert!(entry.is_dir() || mode(&entry) == 0o600, "{}", entry.display());
            }
        }
    }
}
