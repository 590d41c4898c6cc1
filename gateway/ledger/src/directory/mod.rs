//! Who is who: everything that names a person, sealed under that person's own secret.
//!
//! A terminal's number is exchanged for a random internal number before the journal sees a punch.
//! The journal holds profiles sealed; what is here in memory is opened at start and with every
//! change. [`Directory::known`] is on the way of every punch: one read lock, no allocation.
//!
//! Numbers are the company's: the same number at two terminals is one person, unless it was mapped
//! at one of them. Joining keeps the provisional person's number in old and new records, so that a
//! punch sent again is still recognised; [`Directory::resolve`] says who it is.

mod profile;
mod seal;
mod table;

pub(crate) use seal::{Context, SealKey, Secrets};
pub(crate) use table::{Snapshot, Table};

use crate::act::Act;
use crate::submit::ActSender;
use crate::{CommitError, Devices};
use muster_attendance::{DeviceId, PersonId};
pub use profile::ProfileProblem;
use profile::is_number;
use ring::rand::{SecureRandom, SystemRandom};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// What is known of a person; absent stays unknown, and unknown holds where the policy needs it.
#[derive(Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct PersonProfile {
    /// The number the terminals send, 1 to 48 characters.
    pub person: String,
    /// As HR writes it, at most 200 characters; absent for a number never imported.
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub department: Option<String>,
    #[serde(default)]
    pub category: Option<String>,
    #[serde(default)]
    pub age_band: Option<String>,
    /// Jurisdiction codes, as `MO`.
    #[serde(default)]
    pub employment_law: Vec<String>,
    #[serde(default)]
    pub account_class: Option<String>,
    #[serde(default)]
    pub platform_user_id: Option<String>,
    /// Legal basis, as `contract`.
    #[serde(default)]
    pub basis: Option<String>,
}

/// Why the directory refuses.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// The number does not fit.
    #[error("a person's number has 1 to 48 characters and no control characters")]
    Number,
    /// No such person.
    #[error("there is no such person; `muster person show` takes the number the terminals send")]
    Unknown,
    /// No such device.
    #[error("there is no such device; `muster device list` shows what there is")]
    Device,
    /// Fields are too long or malformed; a line each, with row, column and cure.
    #[error("{0}")]
    Field(String),
    /// The table is full.
    #[error("no more than {0} people")]
    Full(usize),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
    /// The keyring did not take it.
    #[error(transparent)]
    Keyring(#[from] crate::KeyringError),
    /// The journal did not take it.
    #[error(transparent)]
    Commit(#[from] crate::CommitError),
}

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[allow(missing_docs)]
pub struct Import {
    pub added: usize,
    pub updated: usize,
    pub unchanged: usize,
}

/// First sights that are journaled together.
const MAX_TOGETHER: usize = 1024;
/// Bytes of sealed profiles that an import journals together; more go in several batches. Small
/// ones, because every start reads them back: glibc answers a large buffer that is freed by keeping
/// as much of the heap for good (its dynamic mmap threshold), and an idle box must stay small.
const MAX_IMPORT_BYTES: usize = 48 << 10;

/// The directory. Cheap to clone; clones share it.
#[derive(Clone)]
pub struct Directory {
    shared: Arc<Shared>,
}

struct Shared {
    table: RwLock<Table>,
    /// Numbers that wait for a person; whoever holds `changing` next serves them all.
    wanted: Mutex<Vec<Box<str>>>,
    /// Changes go one at a time. Holds persons whose secrets were made and are not used yet.
    changing: tokio::sync::Mutex<Vec<PersonId>>,
    secrets: Secrets,
    acts: ActSender,
    devices: Devices,
    random: SystemRandom,
}

impl Directory {
    /// People a box can hold.
    pub const MAX: usize = 200_000;
    /// Characters of a terminal's number.
    pub const MAX_NUMBER: usize = 48;
    /// Characters of a name.
    pub const MAX_NAME: usize = 200;
    /// Characters of a department.
    pub const MAX_DEPARTMENT: usize = 100;
    /// Characters of a platform's user id.
    pub const MAX_PLATFORM_USER_ID: usize = 64;
    /// Codes of employment law for one person.
    pub const MAX_LAWS: usize = 8;

    /// Takes over `table`, as the checkpoint or replay left it.
    pub(crate) fn new(table: Table, secrets: Secrets, acts: ActSender, devices: Devices) -> Self {
        Self {
            shared: Arc::new(Shared {
                table: RwLock::new(table),
                wanted: Mutex::default(),
                changing: tokio::sync::Mutex::default(),
                secrets,
                acts,
                devices,
                random: SystemRandom::new(),
            }),
        }
    }

    /// The person behind a terminal's number if seen before; no IO, fast.
    pub fn known(&self, device: DeviceId, number: &str) -> Option<PersonId> {
        self.read().known(device, number)
    }

    /// The person behind a terminal's number; a new number gets its person and secrets on first
    /// sight, fsynced before this returns.
    pub async fn exchange(
        &self,
        device: DeviceId,
        number: &str,
    ) -> Result<PersonId, DirectoryError> {
        if let Some(person) = self.known(device, number) {
            return Ok(person);
        }
        if !is_number(number) {
            return Err(DirectoryError::Number);
        }
        self.wanted().push(number.into());
        let mut spare = self.shared.changing.lock().await;
        if self.known(device, number).is_none() {
            self.first_sights(number, &mut spare).await?;
        }
        self.known(device, number).ok_or(DirectoryError::Full(Self::MAX))
    }

    /// Adds or updates people; all are checked before any is written. A row replaces what was
    /// known of that person. Durable on return; a very large import is journaled in parts, so
    /// after a crash it is to be run again.
    pub async fn import(&self, people: Vec<PersonProfile>) -> Result<Import, DirectoryError> {
        let people = profile::check(people)?;
        let mut spare = self.shared.changing.lock().await;
        let (import, changed) = self.compare(people)?;
        let added = self.persons(import.added, &mut spare).await?;
        let mut added = added.into_iter();
        let mut acts = Vec::new();
        let mut bytes = 0;
        for (person, profile) in changed {
            let Some(person) = person.or_else(|| added.next()) else { continue };
            let act = self.written(person, &profile)?;
            bytes += profile_bytes(&act);
            acts.push(act);
            if bytes >= MAX_IMPORT_BYTES {
                bytes = 0;
                self.shared.acts.submit(std::mem::take(&mut acts)).await?;
            }
        }
        if !acts.is_empty() {
            self.shared.acts.submit(acts).await?;
        }
        Ok(import)
    }

    /// Writes a person's profile anew and, in the same batch, the act that says why.
    pub(crate) async fn rewrite(
        &self,
        person: PersonId,
        profile: PersonProfile,
        trail: Act,
    ) -> Result<(), DirectoryError> {
        let mut checked = profile::check(vec![profile])?;
        let profile = checked.pop().ok_or(DirectoryError::Unknown)?;
        let _one = self.shared.changing.lock().await;
        let acts = vec![self.written(person, &profile)?, trail];
        Ok(self.shared.acts.submit(acts).await?)
    }

    /// Joins a device's number to a person known by `id` (their own number): punches under it,
    /// past and future, are theirs. A number that was imported under a name of its own keeps its
    /// past; what that device sends from now on is `id`'s.
    pub async fn map(&self, device: &str, number: &str, id: &str) -> Result<(), DirectoryError> {
        if !is_number(number) {
            return Err(DirectoryError::Number);
        }
        let device = self.shared.devices.find(device).ok_or(DirectoryError::Device)?.id;
        let _one = self.shared.changing.lock().await;
        let into = self.find(id).ok_or(DirectoryError::Unknown)?;
        let before = self.known(device, number);
        if before.is_some_and(|person| self.resolve(person) == into) {
            return Ok(());
        }
        let from = before.filter(|&person| self.read().is_provisional(person));
        let key = (self.shared.secrets.find)(into)?;
        let sealed = key.seal(self.nonce()?, Context::Number(device, into), number.as_bytes());
        let act = Act::PersonMapped { device, from, into, sealed };
        Ok(self.shared.acts.submit(vec![act]).await?)
    }

    /// What is known of a person, joined numbers resolved.
    pub fn profile(&self, person: PersonId) -> Option<PersonProfile> {
        self.read().profile(person)
    }

    /// Seals what was written about a person under their secret, so that it goes when they are
    /// erased; `None` where they are not known.
    pub fn seal_note(&self, person: PersonId, text: &str) -> Option<String> {
        let key = (self.shared.secrets.find)(person).ok()?;
        Some(key.seal(self.nonce().ok()?, Context::Note(person), text.as_bytes()))
    }

    /// What [`Directory::seal_note`] sealed; `None` once the person is erased.
    pub fn open_note(&self, person: PersonId, sealed: &str) -> Option<String> {
        let key = (self.shared.secrets.find)(person).ok()?;
        let bytes = key.open(Context::Note(person), sealed)?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Finds by the number the terminals send.
    pub fn find(&self, number: &str) -> Option<PersonId> {
        self.read().find(number)
    }

    /// Who a person of a record is: provisional persons that were joined to somebody resolve to
    /// them, everybody else to themselves.
    pub fn resolve(&self, person: PersonId) -> PersonId {
        self.read().resolve(person)
    }

    /// Provisional persons that were joined into `person`: their records and remembered
    /// decisions are `person`'s too.
    pub fn joined(&self, person: PersonId) -> Vec<PersonId> {
        self.read().joined(person)
    }

    /// Numbers seen at terminals that no import or mapping has named, at most `limit`:
    /// (person, number).
    pub fn unmapped(&self, limit: usize) -> Vec<(PersonId, String)> {
        self.read().unmapped(limit)
    }

    /// Everybody, named or not, without those joined to somebody else; in no order.
    pub fn people(&self) -> Vec<PersonId> {
        self.read().people()
    }

    /// How many people, named or not.
    pub fn len(&self) -> usize {
        self.read().len()
    }

    /// Whether there is nobody yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Grows with every change of a person.
    pub fn revision(&self) -> u64 {
        self.read().revision()
    }

    /// Who changed after `revision`; `None` means too many to say: look at everybody again.
    pub fn changed_since(&self, revision: u64) -> Option<Vec<PersonId>> {
        self.read().changed_since(revision)
    }

    /// Puts a journaled act into the table; other acts are ignored.
    pub(crate) fn apply(&self, act: &Act) {
        let concerns = matches!(
            act,
            Act::PersonWritten { .. } | Act::PersonMapped { .. } | Act::PersonErased { .. }
        );
        if concerns {
            self.write().apply(act, &*self.shared.secrets.find);
        }
    }

    /// What a checkpoint holds: profiles as sealed in the journal.
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.read().snapshot()
    }

    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.shared.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table> {
        self.shared.table.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn wanted(&self) -> MutexGuard<'_, Vec<Box<str>>> {
        self.shared.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes persons for `number` and whatever else waits, in one go.
    async fn first_sights(
        &self,
        number: &str,
        spare: &mut Vec<PersonId>,
    ) -> Result<(), DirectoryError> {
        let mut numbers = {
            let mut wanted = self.wanted();
            let keep = wanted.len().saturating_sub(MAX_TOGETHER);
            wanted.split_off(keep)
        };
        numbers.push(number.into());
        numbers.sort_unstable();
        numbers.dedup();
        {
            let table = self.read();
            numbers.retain(|number| table.find(number).is_none());
            numbers.truncate(Self::MAX.saturating_sub(table.len()));
        }
        if numbers.is_empty() {
            return Err(DirectoryError::Full(Self::MAX));
        }
        let persons = self.persons(numbers.len(), spare).await?;
        let mut acts = Vec::with_capacity(numbers.len());
        for (&person, number) in persons.iter().zip(&numbers) {
            acts.push(self.written(person, &PersonProfile::of_number(number))?);
        }
        let submitted = self.shared.acts.submit(acts).await;
        if matches!(submitted, Err(CommitError::Full)) {
            spare.extend(persons);
        }
        Ok(submitted?)
    }

    /// Persons with fsynced secrets that nothing names yet: spare ones first.
    async fn persons(
        &self,
        count: usize,
        spare: &mut Vec<PersonId>,
    ) -> Result<Vec<PersonId>, DirectoryError> {
        let mut persons = spare.split_off(spare.len().saturating_sub(count));
        let missing = count - persons.len();
        if missing > 0 {
            let create = self.shared.secrets.create.clone();
            let made = tokio::task::spawn_blocking(move || create(missing)).await;
            persons.extend(made.map_err(|_| CommitError::Closed)??);
        }
        Ok(persons)
    }

    /// What an import would do: rows that change something, with their person if there is one.
    #[allow(clippy::type_complexity)]
    fn compare(
        &self,
        people: Vec<PersonProfile>,
    ) -> Result<(Import, Vec<(Option<PersonId>, PersonProfile)>), DirectoryError> {
        let table = self.read();
        let mut import = Import::default();
        let mut changed = Vec::new();
        for profile in people {
            let person = table.own(&profile.person);
            match person.map(|person| table.profile(person)) {
                Some(Some(before)) if before == profile => {
                    import.unchanged += 1;
                    continue;
                }
                Some(_) => import.updated += 1,
                None => import.added += 1,
            }
            changed.push((person, profile));
        }
        if table.len() + import.added > Self::MAX {
            return Err(DirectoryError::Full(Self::MAX));
        }
        Ok((import, changed))
    }

    fn written(&self, person: PersonId, profile: &PersonProfile) -> Result<Act, DirectoryError> {
        let key: SealKey = (self.shared.secrets.find)(person)?;
        let plain = serde_json::to_vec(profile).map(zeroize::Zeroizing::new);
        let plain = plain.map_err(|error| DirectoryError::Field(error.to_string()))?;
        let sealed = key.seal(self.nonce()?, Context::Profile(person), &plain);
        Ok(Act::PersonWritten { person, sealed })
    }

    fn nonce(&self) -> Result<[u8; 12], DirectoryError> {
        let mut nonce = [0; 12];
        self.shared.random.fill(&mut nonce).map_err(|_| DirectoryError::Random)?;
        Ok(nonce)
    }
}

fn profile_bytes(act: &Act) -> usize {
    match act {
        Act::PersonWritten { sealed, .. } => sealed.len() + 64,
        _ => 0,
    }
}

#[cfg(test)]
pub(crate) mod tests;
