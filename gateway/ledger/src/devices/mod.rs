//! Which terminals there are: acts in the journal, looked up in memory.
//!
//! A device's number goes into every fact, so it is found on the hot path: one read lock and one
//! hash look-up. What changes with every punch (last seen, counts) is atomic beside the table.

mod table;
#[cfg(test)]
mod tests;

pub(crate) use table::{Snapshot, Table};

use crate::act::Act;
use crate::submit::{ActSender, Durable};
use crate::{Clock, CommitError};
use muster_attendance::DeviceId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::sync::{oneshot, watch};

/// What a device is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum DeviceKind {
    M1,
    M2,
    C1,
    Reader,
    /// Seen on the loopback listener, never paired.
    Unpaired,
}

/// Where a device stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum DeviceState {
    Paired,
    Unpaired,
    Revoked,
}

/// One device.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Device {
    /// Its number in the journal.
    pub id: DeviceId,
    /// Its name, 1 to 128 characters: the common name of its certificate.
    pub name: String,
    /// What it is.
    pub kind: DeviceKind,
    /// Where it stands.
    pub state: DeviceState,
    /// The C1 that may speak for it.
    pub carrier: Option<DeviceId>,
    /// Its address on a serial line, where it has one.
    pub address: Option<u8>,
    /// SHA-256 of its certificate in DER, in hex, where it has one.
    pub certificate: Option<String>,
    /// The one before, as long as the device has not shown that it has the new one.
    pub former: Option<String>,
    /// When the certificate that it last showed ends, seconds since 1970; `None` where that has no
    /// end, or none was shown.
    pub certificate_ends_s: Option<i64>,
    /// When the box last had a message of it, milliseconds since 1970; `None` before the first.
    pub last_seen_ms: Option<i64>,
    /// Records of it in the journal.
    pub records: u64,
    /// Refusals of it since the box was set up.
    pub refused: u64,
}

/// An entry of a terminal's event log.
#[derive(Clone, Debug)]
pub struct Told {
    /// The terminal's boot number, and the entry's number within it.
    pub entry: (u32, u64),
    /// Seconds since 1970 by the terminal's clock.
    pub at: i64,
    /// Whether that clock may be wrong.
    pub clock_unsure: bool,
    /// What happened, from a fixed set of words.
    pub what: String,
    /// More of it.
    pub detail: u32,
}

/// What became of a task that a terminal was given.
#[derive(Clone, Debug)]
pub struct Did {
    /// The task, from a fixed set of words.
    pub task: String,
    /// Whom it was about.
    pub person: Option<muster_attendance::PersonId>,
    /// `done`, or why not, from a fixed set of words.
    pub result: String,
    /// How many templates, where it is about them.
    pub count: u32,
}

/// Why a device cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum DevicesError {
    /// A name is used once.
    #[error("there is already a device named {0}; revoke it first or choose another name")]
    Exists(String),
    /// No such name.
    #[error("there is no device named {0}; `muster device list` shows what there is")]
    Unknown(String),
    /// The name has a form that topics and certificates cannot carry.
    #[error("a device name has 1 to 128 characters and none of / + # or control characters")]
    Name,
    /// The carrier is not a device of this box.
    #[error("the device that is to carry it is not paired here; pair the C1 first")]
    Carrier,
    /// The table is full.
    #[error("no more than {0} devices")]
    Full(usize),
    /// The journal did not take it.
    #[error(transparent)]
    Commit(#[from] crate::CommitError),
}

/// The table of devices. Cheap to clone; clones share it.
#[derive(Clone)]
pub struct Devices {
    shared: Arc<Shared>,
}

struct Shared {
    table: RwLock<Table>,
    /// First sightings on their way to the journal.
    pending: Mutex<HashMap<DeviceId, Durable>>,
    /// Pairings and revocations go one at a time.
    changing: tokio::sync::Mutex<()>,
    revision: watch::Sender<u64>,
    acts: ActSender,
    clock: Clock,
}

impl Devices {
    /// Devices a box can hold, unpaired and revoked ones included.
    pub const MAX: usize = 20_000;

    /// Characters of a name.
    pub const MAX_NAME: usize = 128;

    /// Takes over `table`, as the checkpoint or replay left it.
    pub(crate) fn new(table: Table, acts: ActSender, clock: Clock) -> Self {
        Self {
            shared: Arc::new(Shared {
                table: RwLock::new(table),
                pending: Mutex::default(),
                changing: tokio::sync::Mutex::default(),
                revision: watch::Sender::new(0),
                acts,
                clock,
            }),
        }
    }

    /// Finds or makes the number of `name`; an unknown name becomes an unpaired device, journaled
    /// before its first punch. Fast when known.
    pub fn intern(&self, name: &str) -> Result<DeviceId, DevicesError> {
        if let Some(id) = self.read().journaled(name) {
            return Ok(id);
        }
        if !is_name(name) {
            return Err(DevicesError::Name);
        }
        self.first_sight(name)
    }

    /// Finds by name; of several that bore it, the one that was paired last.
    pub fn find(&self, name: &str) -> Option<Device> {
        let table = self.read();
        table.id(name).and_then(|id| table.get(id))
    }

    /// Finds by number.
    pub fn get(&self, id: DeviceId) -> Option<Device> {
        self.read().get(id)
    }

    /// Where a device stands and who carries it: what a connection checks again, without copying
    /// the rest.
    pub fn standing(&self, id: DeviceId) -> Option<(DeviceState, Option<DeviceId>)> {
        self.read().standing(id)
    }

    /// All, by name; revoked ones included.
    pub fn list(&self) -> Vec<Device> {
        self.read().list()
    }

    /// Pairs a device (its secret goes to the keyring apart). Fsynced when this returns. A revoked
    /// name gives a new number, because the terminal counts from the start again.
    pub async fn pair(
        &self,
        name: &str,
        kind: DeviceKind,
        carrier: Option<DeviceId>,
        address: Option<u8>,
        certificate: Option<String>,
    ) -> Result<DeviceId, DevicesError> {
        if !is_name(name) {
            return Err(DevicesError::Name);
        }
        let _one = self.shared.changing.lock().await;
        let id = self.reserve(name, carrier)?;
        let name = name.to_owned();
        let act = Act::DevicePaired { id, name, kind, carrier, address, certificate };
        self.shared.acts.submit(vec![act]).await?;
        Ok(id)
    }

    /// Revokes a device, effective at once (see [`Devices::revision`]).
    pub async fn revoke(&self, name: &str) -> Result<(), DevicesError> {
        let _one = self.shared.changing.lock().await;
        let id = self.read().id(name).ok_or_else(|| DevicesError::Unknown(name.to_owned()))?;
        Ok(self.shared.acts.submit(vec![Act::DeviceRevoked { id }]).await?)
    }

    /// Notes a certificate that renews `former`, by their SHA-256 in hex. Until the device has
    /// shown it ([`Devices::shown`]) both hold good: the answer that brings it may be lost.
    pub async fn certify(
        &self,
        id: DeviceId,
        certificate: String,
        former: String,
    ) -> Result<(), DevicesError> {
        let _one = self.shared.changing.lock().await;
        let act = Act::DeviceCertified { id, certificate, former: Some(former), ends: None };
        Ok(self.shared.acts.submit(vec![act]).await?)
    }

    /// A device has shown the certificate that it was given last, which ends at `ends`, seconds since
    /// 1970: one before it is of no use from now on.
    pub fn shown(&self, id: DeviceId, certificate: &str, ends: Option<i64>) {
        let certificate = certificate.to_owned();
        let act = Act::DeviceCertified { id, certificate, former: None, ends };
        // Where the journal does not take it, the next connection says it again.
        drop(self.shared.acts.submit_detached(vec![act]));
    }

    /// Journals an entry of a terminal's event log. Fsynced when this returns.
    pub async fn told(&self, id: DeviceId, told: Told) -> Result<(), CommitError> {
        let Told { entry: (boot, seq), at, clock_unsure, what, detail } = told;
        let act = Act::DeviceTold { id, boot, seq, at, clock_unsure, what, detail };
        self.shared.acts.submit(vec![act]).await
    }

    /// Journals what became of a terminal's task. Fsynced when this returns.
    pub async fn did(&self, id: DeviceId, did: Did) -> Result<(), CommitError> {
        let Did { task, person, result, count } = did;
        let act = Act::DeviceDid { id, task, person, result, count };
        self.shared.acts.submit(vec![act]).await
    }

    /// Changes whenever a pairing or revocation does: open connections check their device again.
    pub fn revision(&self) -> watch::Receiver<u64> {
        self.shared.revision.subscribe()
    }

    /// Notes that a device was heard of, for last seen (memory only; punches are noted anyway).
    pub fn heard(&self, id: DeviceId) {
        self.read().note_seen(id, self.shared.clock.now_ms());
    }

    /// Up to when a device has been heard, milliseconds since 1970: one that was away counts as
    /// silent since then until it has been heard for two minutes.
    pub fn heard_until(&self, id: DeviceId, now_ms: i64) -> Option<i64> {
        self.read().heard_until(id, now_ms)
    }

    /// Puts a journaled act into the table; other acts are ignored.
    pub(crate) fn apply(&self, act: &Act) {
        match act {
            Act::DeviceSeen { id, .. } => {
                self.write().apply(act);
                self.pending().remove(id);
            }
            Act::DevicePaired { .. } | Act::DeviceRevoked { .. } | Act::DeviceCertified { .. } => {
                self.write().apply(act);
                self.shared.revision.send_modify(|n| *n += 1);
            }
            Act::Refused { device: Some(device), count, .. } => {
                self.read().note_refused(*device, *count);
            }
            _ => {}
        }
    }

    /// Counts punches that were journaled; `at_ms` is when the box had the last of them.
    pub(crate) fn note_punches(&self, device: DeviceId, count: u64, at_ms: i64) {
        self.read().note_punches(device, count, at_ms);
    }

    /// Whether a fact may name this device: its act is in the journal.
    pub(crate) fn is_journaled(&self, id: DeviceId) -> bool {
        self.read().is_journaled(id)
    }

    /// What a checkpoint holds: journaled devices and their counts.
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.read().snapshot()
    }

    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.shared.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table> {
        self.shared.table.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn pending(&self) -> MutexGuard<'_, HashMap<DeviceId, Durable>> {
        self.shared.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Numbers an unseen name and queues its act; a sighting whose act failed is queued again.
    fn first_sight(&self, name: &str) -> Result<DeviceId, DevicesError> {
        let mut pending = self.pending();
        let id = self.write().see(name).ok_or(DevicesError::Full(Self::MAX))?;
        let queue = || {
            self.shared.acts.submit_detached(vec![Act::DeviceSeen { id, name: name.to_owned() }])
        };
        if self.is_journaled(id) {
            return Ok(id);
        }
        let durable = pending.entry(id).or_insert_with(queue);
        match durable.try_recv() {
            Ok(Err(CommitError::Full)) => *durable = queue(),
            Ok(Err(error)) => return Err(error.into()),
            Err(oneshot::error::TryRecvError::Closed) => return Err(CommitError::Closed.into()),
            Ok(Ok(())) | Err(oneshot::error::TryRecvError::Empty) => {}
        }
        Ok(id)
    }

    /// The number a pairing of `name` gets.
    fn reserve(&self, name: &str, carrier: Option<DeviceId>) -> Result<DeviceId, DevicesError> {
        let mut table = self.write();
        if let Some(carrier) = carrier
            && !matches!(table.standing(carrier), Some((DeviceState::Paired, _)))
        {
            return Err(DevicesError::Carrier);
        }
        match table.id(name).and_then(|id| Some((id, table.standing(id)?.0))) {
            Some((_, DeviceState::Paired)) => Err(DevicesError::Exists(name.to_owned())),
            Some((id, DeviceState::Unpaired)) => Ok(id),
            Some((_, DeviceState::Revoked)) | None => {
                table.reserve().ok_or(DevicesError::Full(Self::MAX))
            }
        }
    }
}

fn is_name(name: &str) -> bool {
    let fits = |c: char| !matches!(c, '/' | '+' | '#') && !c.is_control();
    (1..=Devices::MAX_NAME).contains(&name.chars().count()) && name.chars().all(fits)
}
