//! Who is who: everything that names a person, sealed under that person's own secret.

use muster_attendance::{DeviceId, PersonId};

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
    /// A field is too long or malformed; names the column and the cure.
    #[error("{0}")]
    Field(String),
    /// The table is full.
    #[error("no more than {0} people")]
    Full(usize),
    /// The keyring did not take it.
    #[error(transparent)]
    Keyring(#[from] crate::KeyringError),
    /// The journal did not take it.
    #[error(transparent)]
    Commit(#[from] crate::CommitError),
}

/// The directory.
#[derive(Clone)]
pub struct Directory {}

impl Directory {
    /// People a box can hold.
    pub const MAX: usize = 200_000;

    /// The person behind a terminal's number if seen before; no IO, fast.
    pub fn known(&self, device: DeviceId, number: &str) -> Option<PersonId> {
        let _ = (device, number);
        todo!()
    }

    /// The person behind a terminal's number; a new number gets its person and secrets on first
    /// sight, fsynced before this returns.
    pub async fn exchange(
        &self,
        device: DeviceId,
        number: &str,
    ) -> Result<PersonId, DirectoryError> {
        let _ = (device, number);
        todo!()
    }

    /// Adds or updates people; all or none. Re-decides what is held of them.
    pub async fn import(&self, people: Vec<PersonProfile>) -> Result<Import, DirectoryError> {
        let _ = people;
        todo!()
    }

    /// Joins a device's number to a person known by `id` (their own number): punches under it,
    /// past and future, are theirs.
    pub async fn map(&self, device: &str, number: &str, id: &str) -> Result<(), DirectoryError> {
        let _ = (device, number, id);
        todo!()
    }

    /// What is known of a person, joined numbers resolved.
    pub fn profile(&self, person: PersonId) -> Option<PersonProfile> {
        let _ = person;
        todo!()
    }

    /// Finds by the number the terminals send.
    pub fn find(&self, number: &str) -> Option<PersonId> {
        let _ = number;
        todo!()
    }

    /// Numbers seen at terminals that no import or mapping has named, at most `limit`:
    /// (person, number).
    pub fn unmapped(&self, limit: usize) -> Vec<(PersonId, String)> {
        let _ = limit;
        todo!()
    }

    /// How many people, named or not.
    pub fn len(&self) -> usize {
        todo!()
    }

    /// Whether there is nobody yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[allow(missing_docs)]
pub struct Import {
    pub added: usize,
    pub updated: usize,
    pub unchanged: usize,
}
