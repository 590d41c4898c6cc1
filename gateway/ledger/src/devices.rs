//! Which terminals there are: acts in the journal, looked up in memory.

use muster_attendance::DeviceId;

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
#[derive(Clone, Debug, serde::Serialize)]
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
    /// When the box last had a message of it, milliseconds since 1970; `None` before the first.
    pub last_seen_ms: Option<i64>,
    /// Records of it in the journal.
    pub records: u64,
    /// Refusals of it since the box was set up.
    pub refused: u64,
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
    /// The table is full.
    #[error("no more than {0} devices")]
    Full(usize),
    /// The journal did not take it.
    #[error(transparent)]
    Commit(#[from] crate::CommitError),
}

/// The table of devices.
#[derive(Clone)]
pub struct Devices {}

impl Devices {
    /// Devices a box can hold, unpaired ones included.
    pub const MAX: usize = 20_000;

    /// Finds or makes the number of `name`; an unknown name becomes an unpaired device, journaled
    /// before its first punch. Fast when known.
    pub fn intern(&self, name: &str) -> Result<DeviceId, DevicesError> {
        let _ = name;
        todo!()
    }

    /// Finds by name.
    pub fn find(&self, name: &str) -> Option<Device> {
        let _ = name;
        todo!()
    }

    /// Finds by number.
    pub fn get(&self, id: DeviceId) -> Option<Device> {
        let _ = id;
        todo!()
    }

    /// All, by name.
    pub fn list(&self) -> Vec<Device> {
        todo!()
    }

    /// Pairs a device (its secret goes to the keyring apart). Fsynced when this returns.
    pub async fn pair(
        &self,
        name: &str,
        kind: DeviceKind,
        carrier: Option<DeviceId>,
        address: Option<u8>,
        certificate: Option<String>,
    ) -> Result<DeviceId, DevicesError> {
        let _ = (name, kind, carrier, address, certificate);
        todo!()
    }

    /// Revokes a device, effective at once (see [`Devices::revision`]).
    pub async fn revoke(&self, name: &str) -> Result<(), DevicesError> {
        let _ = name;
        todo!()
    }

    /// Changes whenever a pairing or revocation does: open connections check their device again.
    pub fn revision(&self) -> tokio::sync::watch::Receiver<u64> {
        todo!()
    }

    /// Notes that a device was heard of, for last seen (memory only; punches are noted anyway).
    pub fn heard(&self, id: DeviceId) {
        let _ = id;
        todo!()
    }
}
