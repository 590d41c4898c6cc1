//! Opening and closing: recovery, the committer's thread, the handles.

use crate::*;
use std::path::PathBuf;

/// What a ledger needs to open.
pub struct Options {
    /// The data folder (`[box] data`); holds `journal`, `keys`, `views` and, for intake, `vault`.
    pub data: PathBuf,
    /// The site of the policy that this box stands on (`[box] site`).
    pub site: String,
    /// IANA name of the site's time zone: what a day is.
    pub time_zone: String,
    /// Opens the keyring.
    pub root_key: RootKey,
    /// Where time comes from.
    pub clock: Clock,
    /// Bytes of cache for the views; default 8 MiB.
    pub views_cache_bytes: u64,
}

/// What opening found and mended; logged and shown by `status`.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Recovery {
    /// Records whole in the journal.
    pub records: u64,
    /// Bytes of a torn tail that were cut: never receipted.
    pub torn_bytes: u64,
    /// Damaged batches that were set aside and skipped, by batch number.
    pub damaged: Vec<u64>,
    /// The data folder is older than the box remembers.
    pub rolled_back: bool,
    /// Milliseconds that opening took.
    pub took_ms: u64,
}

/// Why a ledger does not open. Each says what to do in its text.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has the data folder.
    #[error("{0} is in use by another process; stop the other muster first")]
    InUse(PathBuf),
    /// The root key does not open this keyring.
    #[error("the root key does not open {0}; restore the key this box was set up with")]
    WrongKey(PathBuf),
    /// The disk said no.
    #[error("cannot use {path}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A value in the options makes no sense.
    #[error("{0}")]
    Options(String),
}

/// The owner of the data folder. Clones share it.
#[derive(Clone)]
pub struct Ledger {}

impl Ledger {
    /// Opens or creates the ledger in `options.data`, repairing what a crash left.
    pub fn open(options: Options) -> Result<(Ledger, Recovery), OpenError> {
        let _ = options;
        todo!()
    }

    /// Takes attendance and refusals from devices.
    pub fn committer(&self) -> Committer {
        todo!()
    }

    /// Who is who.
    pub fn directory(&self) -> Directory {
        todo!()
    }

    /// Which terminals there are.
    pub fn devices(&self) -> Devices {
        todo!()
    }

    /// The secrets: for intake's vault and links alone.
    pub fn keyring(&self) -> Keyring {
        todo!()
    }

    /// What goes to `destination`; waits for ever where no permit names it.
    pub fn outbox(&self, destination: &str) -> Outbox {
        let _ = destination;
        todo!()
    }

    /// What pages and reports read.
    pub fn views(&self) -> Views {
        todo!()
    }

    /// Who may log in.
    pub fn accounts(&self) -> Accounts {
        todo!()
    }

    /// Puts a policy in force (journaled where it differs from the last) and re-decides what is
    /// held; `None` holds everything. Future decisions, at commit and dispatch, use it.
    pub async fn govern(&self, governance: Option<Governance>) -> Result<(), CommitError> {
        let _ = governance;
        todo!()
    }

    /// Enrols who may sign policies (first set-up, or an approved change).
    pub async fn enrol_signers(&self, signers: Vec<Signer>) -> Result<(), CommitError> {
        let _ = signers;
        todo!()
    }

    /// Who may sign policies.
    pub fn signers(&self) -> Vec<Signer> {
        todo!()
    }

    /// What the box is doing now.
    pub fn status(&self) -> Status {
        todo!()
    }

    /// Stops the threads after everything accepted so far is on disk; at most 5 s.
    pub async fn close(self) {
        todo!()
    }
}
