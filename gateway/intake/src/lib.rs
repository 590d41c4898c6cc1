//! The device side: links, verify, split, vault. Biometric evidence lives and dies here.
//!
//! A link (MQTT, serial, an existing broker) brings bytes; they become a check-in only once they
//! are proven to come from the device they name, and a check-in becomes an attendance fact and
//! its evidence only by being taken apart field by field. The fact goes to the ledger, the
//! evidence to the vault and nowhere else. A device is answered when both are on disk.
//!
//! Everything is bounded, in one place: [`limits`]. A slow or hostile device costs the others
//! nothing but what it is allowed.
#![forbid(unsafe_code)]

pub mod alarms;
pub mod authority;
pub mod broker;
mod ingest;
mod intake;
mod json;
pub mod limits;
mod metric;
mod mqtt;
pub mod pairing;
mod seals;
pub mod serial;
mod split;
mod tasks;
pub mod terminals;
mod time;
mod topic;
pub mod vault;
mod verify;

pub use broker::{BrokerConfig, BrokerStatus};
pub use intake::{Addresses, Config, Intake, IntakeStatus, StartError};
pub use limits::Limits;
pub use mqtt::ListenError;
pub use pairing::Pairings;
pub use seals::LocalOffset;
pub use serial::{SerialConfig, SerialStatus};
pub use split::{BiometricEvidence, EvidenceKind};
pub use terminals::Terminals;
pub use vault::{Keep, Retention};

use muster_ledger::{Clock, Committer, Devices, Directory, Keyring, Ledger};

/// What of the ledger the device side works with.
#[derive(Clone)]
pub struct Handles {
    /// Takes attendance and refusals.
    pub committer: Committer,
    /// Who is who.
    pub directory: Directory,
    /// Which terminals there are.
    pub devices: Devices,
    /// Pairing secrets and vault secrets.
    pub keyring: Keyring,
    /// The box's time.
    pub clock: Clock,
}

impl Handles {
    /// The handles of `ledger`; `clock` is the one it was opened with.
    pub fn of(ledger: &Ledger, clock: Clock) -> Self {
        Self {
            committer: ledger.committer(),
            directory: ledger.directory(),
            devices: ledger.devices(),
            keyring: ledger.keyring(),
            clock,
        }
    }
}
