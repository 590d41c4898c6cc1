//! The one writer: gathers what waits, decides, writes once, `fdatasync` once, answers all.

use muster_attendance::{Attendance, DeviceId, EventId};

/// Proof that a punch is in the journal and fsynced: only the committer makes one, and a receipt
/// consumes it.
#[derive(Debug)]
pub struct Committed {
    pub(crate) id: EventId,
    pub(crate) device: DeviceId,
    pub(crate) boot: u32,
    pub(crate) seq: u64,
}

impl Committed {
    /// The record's stable id.
    pub fn id(&self) -> EventId {
        self.id
    }

    /// Which message it answers.
    pub fn message(&self) -> (DeviceId, u32, u64) {
        (self.device, self.boot, self.seq)
    }
}

/// What became of a punch; every one is on disk.
#[derive(Debug)]
pub enum Verdict {
    /// Stored.
    New(Committed),
    /// The same punch was there already; nothing was stored.
    Again(Committed),
    /// Stored apart: its identity was used before for another punch, or its time is unusable.
    Quarantined(Committed),
}

/// Why a message is refused for good. Stable: devices and metrics see the text in kebab case.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum RefusalReason {
    UnknownDevice,
    WrongDevice,
    Revoked,
    Malformed,
    Oversized,
    NotAuthentic,
    BadTopic,
    BadPerson,
    BadTime,
    TooSparse,
    UnknownVersion,
}

/// A refusal for good, to be journaled before the device is told. Holds no content of the message.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The device that sent it, where known.
    pub device: Option<DeviceId>,
    /// Its `(boot, seq)`, where readable.
    pub message: Option<(u32, u64)>,
    /// Why.
    pub reason: RefusalReason,
    /// Length of the message in bytes.
    pub length: u64,
}

/// Why nothing was committed: the device keeps its punches and tries again.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CommitError {
    /// No room on the disk.
    #[error("the disk is full: free some space and punches are taken again")]
    Full,
    /// The disk failed; no receipt is given until a restart finds it well.
    #[error("the journal cannot be written: {0}")]
    Failed(String),
    /// The box is shutting down.
    #[error("the box is shutting down")]
    Closed,
    /// The request makes no sense; the text says why.
    #[error("{0}")]
    Invalid(String),
}

/// The way into the journal. Cheap to clone.
#[derive(Clone)]
pub struct Committer {}

impl Committer {
    /// Punches that one request may hold; callers split larger ones.
    pub const MAX_BATCH: usize = 1024;

    /// Commits punches, one request per socket read rather than per punch. Verdicts come in the
    /// order of the punches. Waits while the queue (bounded) is full.
    pub async fn commit(&self, punches: Vec<Attendance>) -> Result<Vec<Verdict>, CommitError> {
        let _ = punches;
        todo!()
    }

    /// Journals a refusal for good. Refusals beyond 100 a second per device are only counted.
    pub async fn refuse(&self, refusal: Refusal) -> Result<(), CommitError> {
        let _ = refusal;
        todo!()
    }
}
