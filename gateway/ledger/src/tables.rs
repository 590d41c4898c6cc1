//! The tables that acts fill: devices, accounts, directory. Looked up in memory by their handles,
//! kept whole in every checkpoint.

use crate::act::Act;
use crate::journal::Fact;
use crate::keyring::Keyring;
use crate::state::checkpoint::CheckpointError;
use crate::submit::ActSender;
use crate::{Accounts, Clock, Devices, Directory, accounts, devices};
use muster_attendance::{DeviceId, PersonId};

/// The tables while the journal is read.
#[derive(Default)]
pub(crate) struct Building {
    devices: devices::Table,
    accounts: accounts::Table,
}

impl Building {
    /// From what [`Tables::snapshots`] gave.
    pub(crate) fn restore(snapshots: &[Vec<u8>]) -> Result<Self, CheckpointError> {
        let [devices, accounts] = snapshots else { return Err(CheckpointError::Damaged) };
        let damaged = |_| CheckpointError::Damaged;
        let devices = postcard::from_bytes(devices).map_err(damaged)?;
        let accounts = postcard::from_bytes(accounts).map_err(damaged)?;
        Ok(Self { devices: devices::Table::restore(devices), accounts })
    }

    pub(crate) fn apply(&mut self, act: &Act) {
        self.devices.apply(act);
        self.accounts.apply(act);
    }

    pub(crate) fn note_punches(&self, facts: &[Fact], at_ms: i64) {
        by_device(facts, |device, count| self.devices.note_punches(device, count, at_ms));
    }

    /// The handles.
    pub(crate) fn finish(self, acts: &ActSender, keyring: &Keyring, clock: &Clock) -> Tables {
        let _ = keyring;
        Tables {
            devices: Devices::new(self.devices, acts.clone(), clock.clone()),
            directory: Directory {},
            accounts: Accounts::new(self.accounts, acts.clone()),
        }
    }
}

/// All three.
pub(crate) struct Tables {
    pub(crate) devices: Devices,
    pub(crate) directory: Directory,
    pub(crate) accounts: Accounts,
}

impl Tables {
    /// Does what a durable act says.
    pub(crate) fn apply(&self, act: &Act) {
        self.devices.apply(act);
        self.accounts.apply(act);
    }

    /// Counts durable punches.
    pub(crate) fn note_punches(&self, facts: &[Fact], at_ms: i64) {
        by_device(facts, |device, count| self.devices.note_punches(device, count, at_ms));
    }

    /// Whether two internal numbers are one person's.
    pub(crate) fn same_person(&self, a: PersonId, b: PersonId) -> bool {
        a == b
    }

    /// For a checkpoint.
    pub(crate) fn snapshots(&self) -> Result<Vec<Vec<u8>>, CheckpointError> {
        let damaged = |_| CheckpointError::Damaged;
        let devices = postcard::to_stdvec(&self.devices.snapshot()).map_err(damaged)?;
        let accounts = postcard::to_stdvec(&self.accounts.snapshot()).map_err(damaged)?;
        Ok(vec![devices, accounts])
    }
}

fn by_device(facts: &[Fact], mut note: impl FnMut(DeviceId, u64)) {
    for group in facts.chunk_by(|a, b| a.attendance.device == b.attendance.device) {
        if let Some(fact) = group.first() {
            note(fact.attendance.device, group.len() as u64);
        }
    }
}
