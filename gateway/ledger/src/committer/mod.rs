//! The one writer: gathers what waits, decides, writes once, `fdatasync` once, answers all.
//!
//! A thread of its own owns the journal. Requests come over one bounded queue; what waits is
//! gathered into one batch. Nothing is answered before the batch is on disk, and nothing blocks
//! this thread but the journal.

mod batch;
mod counts;
mod draft;
mod recaller;
mod refusals;
mod request;
mod thread;

pub(crate) use request::{Dispatch, Outcome, Redecision, Request, Sending};
pub(crate) use thread::{Thread, start};

use crate::core::Shared;
use muster_attendance::{Attendance, DeviceId, EventId};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tokio::sync::{mpsc, oneshot};

/// Requests that may wait; callers beyond wait outside.
pub(crate) const MAX_WAITING: usize = 1024;

/// Proof that a punch is in the journal and fsynced: only the committer makes one, and a receipt
/// consumes it.
#[derive(Debug)]
pub struct Committed {
    id: EventId,
    device: DeviceId,
    boot: u32,
    seq: u64,
    apart: Option<&'static str>,
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

    /// Why it was stored apart, a code of [`crate::quarantine`]; `None` where it was not.
    pub fn apart(&self) -> Option<&'static str> {
        self.apart
    }
}

/// What became of a punch; every one but a refused is on disk.
#[derive(Debug)]
pub enum Verdict {
    /// Stored.
    New(Committed),
    /// The same punch was there already; nothing was stored.
    Again(Committed),
    /// Stored apart: its identity was used before for another punch, or its time is unusable.
    Quarantined(Committed),
    /// Refused for good, and the refusal journaled.
    Refused(RefusalReason),
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
    /// A boot number that another start of the terminal, or a copy of it, used.
    BootReused,
    /// A message of an earlier start, after one of a later.
    Replayed,
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
pub struct Committer {
    requests: mpsc::Sender<Request>,
    shared: Arc<Shared>,
}

impl Committer {
    /// Punches that one request may hold; callers split larger ones.
    pub const MAX_BATCH: usize = 1024;

    pub(crate) fn new(requests: mpsc::Sender<Request>, shared: Arc<Shared>) -> Self {
        Self { requests, shared }
    }

    /// Commits punches, one request per socket read rather than per punch. Verdicts come in the
    /// order of the punches. Waits while the queue (bounded) is full.
    pub async fn commit(&self, punches: Vec<Attendance>) -> Result<Vec<Verdict>, CommitError> {
        if punches.len() > Self::MAX_BATCH {
            let many = punches.len();
            return Err(CommitError::Invalid(format!(
                "{many} punches in one request; at most {} fit",
                Self::MAX_BATCH
            )));
        }
        if punches.is_empty() {
            return Ok(Vec::new());
        }
        self.ask(|done| Request::Commit { punches, done }).await
    }

    /// Journals a refusal for good. Refusals beyond 100 a second per device are only counted.
    pub async fn refuse(&self, refusal: Refusal) -> Result<(), CommitError> {
        self.ask(|done| Request::Refuse { refusal, done }).await
    }

    /// Whether the committing thread still takes requests and answers, be it with an error. Waits
    /// as long as the disk takes; nothing is written.
    pub async fn alive(&self) -> bool {
        let (done, answer) = oneshot::channel();
        let sent = self.requests.send(Request::Commit { punches: Vec::new(), done }).await;
        sent.is_ok() && answer.await.is_ok()
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn ask<T>(
        &self,
        request: impl FnOnce(Answer<T>) -> Request,
    ) -> Result<T, CommitError> {
        let (done, answer) = oneshot::channel();
        self.requests.send(request(done)).await.map_err(|_| self.gone())?;
        answer.await.unwrap_or_else(|_| Err(self.gone()))
    }

    /// As [`Self::ask`], for threads.
    pub(crate) fn ask_blocking<T>(
        &self,
        request: impl FnOnce(Answer<T>) -> Request,
    ) -> Result<T, CommitError> {
        let (done, answer) = oneshot::channel();
        self.requests.blocking_send(request(done)).map_err(|_| self.gone())?;
        answer.blocking_recv().unwrap_or_else(|_| Err(self.gone()))
    }

    /// Why there is no answer. A committer that stopped unasked may not have said why yet.
    fn gone(&self) -> CommitError {
        match self.shared.failure() {
            Some(why) => CommitError::Failed(why),
            None if self.shared.closing.load(Relaxed) => CommitError::Closed,
            None => CommitError::Failed("the committer stopped; restart the box".to_owned()),
        }
    }
}

/// Where an answer goes.
pub(crate) type Answer<T> = oneshot::Sender<Result<T, CommitError>>;
