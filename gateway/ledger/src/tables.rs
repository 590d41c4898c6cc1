//! The tables that acts fill: devices, accounts, directory. Looked up in memory by their handles,
//! kept whole in every checkpoint.

use crate::act::Act;
use crate::directory::{SealKey, Secrets};
use crate::journal::Fact;
use crate::keyring::{Keyring, KeyringError};
use crate::state::checkpoint::CheckpointError;
use crate::submit::ActSender;
use crate::{
    Accounts, Clock, Devices, Directory, PersonProfile, Plans, accounts, devices, directory, plans,
};
use muster_attendance::{Attendance, DeviceId, PersonId};

/// The tables while the journal is read.
pub(crate) struct Building {
    devices: devices::Table,
    accounts: accounts::Table,
    directory: directory::Table,
    plans: plans::Table,
    secrets: Secrets,
}

impl Building {
    pub(crate) fn empty(keyring: &Keyring) -> Self {
        Self {
            devices: devices::Table::default(),
            accounts: accounts::Table::default(),
            directory: directory::Table::default(),
            plans: plans::Table::default(),
            secrets: keyring.clone().into(),
        }
    }

    /// From what [`Tables::snapshots`] gave.
    pub(crate) fn restore(
        snapshots: &[Vec<u8>],
        keyring: &Keyring,
    ) -> Result<Self, CheckpointError> {
        // The form before plans has three.
        let ([devices, accounts, directory], rest) = match snapshots {
            [devices, accounts, directory, rest @ ..] => ([devices, accounts, directory], rest),
            _ => return Err(CheckpointError::Damaged),
        };
        let plans = rest.first().map(|bytes| plans::Table::restore(bytes));
        let plans = plans.unwrap_or_else(|| Some(plans::Table::default()));
        let damaged = |_| CheckpointError::Damaged;
        let secrets = Secrets::from(keyring.clone());
        let directory = postcard::from_bytes(directory).map_err(damaged)?;
        Ok(Self {
            devices: devices::Table::restore(devices::Snapshot::read(devices).map_err(damaged)?),
            accounts: accounts::Table::restore(accounts).ok_or(CheckpointError::Damaged)?,
            directory: directory::Table::restore(directory, &*secrets.find),
            plans: plans.ok_or(CheckpointError::Damaged)?,
            secrets,
        })
    }

    pub(crate) fn apply(&mut self, act: &Act) {
        self.devices.apply(act);
        self.accounts.apply(act);
        self.directory.apply(act, &*self.secrets.find);
        self.plans.apply(act);
    }

    pub(crate) fn note_punches(&mut self, facts: &[Fact], at_ms: i64) {
        counted(facts).for_each(|punch| self.plans.note(punch));
        by_device(facts, |device, count| self.devices.note_punches(device, count, at_ms));
    }

    /// Who a person of a record is, and what is known of them.
    pub(crate) fn who(&self, person: PersonId) -> (PersonId, Option<PersonProfile>) {
        (self.directory.resolve(person), self.directory.profile(person))
    }

    /// Whether their secret is destroyed.
    pub(crate) fn is_erased(&self, person: PersonId) -> bool {
        matches!((self.secrets.find)(person), Err(KeyringError::Gone))
    }

    /// The handles.
    pub(crate) fn finish(self, acts: &ActSender, clock: &Clock, factors: SealKey) -> Tables {
        let devices = Devices::new(self.devices, acts.clone(), clock.clone());
        let (secrets, known) = (self.secrets, devices.clone());
        let directory = Directory::new(self.directory, secrets, acts.clone(), known);
        Tables {
            devices,
            plans: Plans::new(self.plans, acts.clone(), directory.clone(), clock.clone()),
            directory,
            accounts: Accounts::new(self.accounts, acts.clone(), factors),
        }
    }
}

/// All of them.
pub(crate) struct Tables {
    pub(crate) devices: Devices,
    pub(crate) directory: Directory,
    pub(crate) accounts: Accounts,
    pub(crate) plans: Plans,
}

impl Tables {
    /// Does what a durable act says.
    pub(crate) fn apply(&self, act: &Act) {
        self.devices.apply(act);
        self.accounts.apply(act);
        self.directory.apply(act);
        self.plans.apply(act);
    }

    /// Counts durable punches.
    pub(crate) fn note_punches(&self, facts: &[Fact], at_ms: i64) {
        self.plans.note(counted(facts));
        by_device(facts, |device, count| self.devices.note_punches(device, count, at_ms));
    }

    /// Who a person of a record is, and what is known of them.
    pub(crate) fn who(&self, person: PersonId) -> (PersonId, Option<PersonProfile>) {
        (self.directory.resolve(person), self.directory.profile(person))
    }

    /// Whether two internal numbers are one person's.
    pub(crate) fn same_person(&self, a: PersonId, b: PersonId) -> bool {
        self.directory.resolve(a) == self.directory.resolve(b)
    }

    /// For a checkpoint.
    pub(crate) fn snapshots(&self) -> Result<Vec<Vec<u8>>, CheckpointError> {
        let damaged = |_| CheckpointError::Damaged;
        let devices = postcard::to_stdvec(&self.devices.snapshot()).map_err(damaged)?;
        let accounts = self.accounts.snapshot().keep().ok_or(CheckpointError::Damaged)?;
        let directory = postcard::to_stdvec(&self.directory.snapshot()).map_err(damaged)?;
        let plans = self.plans.snapshot().keep().ok_or(CheckpointError::Damaged)?;
        Ok(vec![devices, accounts, directory, plans])
    }
}

/// Punches as terminals number them: a quarantined one may bear the number of another.
fn counted(facts: &[Fact]) -> impl Iterator<Item = &Attendance> {
    facts.iter().filter_map(|fact| fact.content.punch())
}

fn by_device(facts: &[Fact], mut note: impl FnMut(DeviceId, u64)) {
    let devices: Vec<DeviceId> = counted(facts).map(|punch| punch.device).collect();
    for group in devices.chunk_by(|a, b| a == b) {
        if let Some(&device) = group.first() {
            note(device, group.len() as u64);
        }
    }
}
