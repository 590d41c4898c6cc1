//! Opening and closing: recovery, the threads, the handles.

mod accounts;
mod backup;
mod drafts;
mod events;
mod explain;
mod legal;
mod open;
mod policy;
mod replay;
mod requests;
mod resend;
mod retain;
mod rights;
mod shadow;
mod steward;

pub use backup::{Snapshot, box_id_in, erasures_in, prepare_restored, sealed_file_in, witness_of};
pub use drafts::DraftSigned;
pub use explain::Explanation;
pub(crate) use explain::state_of;
pub use legal::{ConsentChange, LegalError};
pub use policy::GovernError;
pub use replay::{Replayed, Tally};
pub use resend::Resent;
pub use retain::Retained;
pub use shadow::{Shadow, ShadowMove};
pub use steward::Steward;

use crate::act::Act;
use crate::committer::Request;
use crate::core::Shared;
use crate::legal::ClockWatch;
use crate::submit::ActSender;
use crate::summaries::Calendar;
use crate::*;
use muster_attendance::EventId;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use zeroize::Zeroizing;

/// How long closing may take.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

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
    /// Damaged batches that were set aside and skipped, by batch number; the first few.
    pub damaged: Vec<u64>,
    /// How many there are.
    pub damaged_count: u64,
    /// The first batch that does not continue the chain: somebody edited history.
    pub broken_chain: Option<u64>,
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
    /// The journal cannot be opened; the text says what to do.
    #[error("{0}")]
    Journal(String),
    /// A value in the options makes no sense.
    #[error("{0}")]
    Options(String),
}

/// The owner of the data folder. Clones share it.
#[derive(Clone)]
pub struct Ledger {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) shared: Arc<Shared>,
    requests: mpsc::Sender<Request>,
    acts: ActSender,
    keyring: Keyring,
    views: Views,
    recovery: Recovery,
    pseudonyms: Zeroizing<[u8; 32]>,
    /// IANA name of the site's zone.
    pub(crate) zone: String,
    /// Changes that depend on what is on file go one at a time.
    changing: tokio::sync::Mutex<()>,
    /// Which days need no look for what is made from sheets.
    pub(crate) calendar: tokio::sync::Mutex<Calendar>,
    /// Notices a clock that jumps, before anything is deleted by it.
    calm: std::sync::Mutex<ClockWatch>,
    /// Why the last policy that was handed in is not in force.
    refused: std::sync::Mutex<Option<String>>,
    /// Held until the last handle goes: one process has the folder.
    _lock: std::fs::File,
}

impl Ledger {
    /// Opens or creates the ledger in `options.data`, repairing what a crash left.
    pub fn open(options: Options) -> Result<(Ledger, Recovery), OpenError> {
        open::open(options)
    }

    /// What opening found and mended.
    pub fn recovery(&self) -> &Recovery {
        &self.inner.recovery
    }

    /// Takes attendance and refusals from devices.
    pub fn committer(&self) -> Committer {
        Committer::new(self.inner.requests.clone(), self.inner.shared.clone())
    }

    /// Who is who.
    pub fn directory(&self) -> Directory {
        self.inner.shared.tables.directory.clone()
    }

    /// Which terminals there are.
    pub fn devices(&self) -> Devices {
        self.inner.shared.tables.devices.clone()
    }

    /// The secrets: for intake's vault and links alone.
    pub fn keyring(&self) -> Keyring {
        self.inner.keyring.clone()
    }

    /// What goes to `destination`; waits for ever where no permit names it.
    pub fn outbox(&self, destination: &str) -> Outbox {
        let inner = &self.inner;
        let (committer, shared) = (self.committer(), inner.shared.clone());
        Outbox::new(destination, committer, inner.acts.clone(), shared, &inner.pseudonyms)
    }

    /// What pages and reports read.
    pub fn views(&self) -> Views {
        self.inner.views.clone()
    }

    /// What reports and exports read out of the journal.
    pub fn trail(&self) -> trail::Trail {
        let inner = &self.inner;
        trail::Trail::new(inner.shared.clone(), inner.keyring.clone(), &inner.pseudonyms)
    }

    /// Rosters, leave, corrections, closed months.
    pub fn plans(&self) -> Plans {
        self.inner.shared.tables.plans.clone()
    }

    /// Sheets, computed from punches and plans.
    pub fn sheets(&self) -> Sheets {
        let shared = &self.inner.shared;
        let parts = (self.plans(), self.devices(), self.directory());
        Sheets::new(
            self.views(),
            parts,
            shared.clock.clone(),
            shared.site.clone(),
            &self.inner.zone,
        )
    }

    /// Who may log in.
    pub fn accounts(&self) -> Accounts {
        self.inner.shared.tables.accounts.clone()
    }

    /// The rules that enough people have signed, compiled, out of their dates too; `None` where
    /// there are none.
    pub fn rules(&self) -> Option<Arc<muster_residency::Rules>> {
        let core = self.inner.shared.core();
        let holds = core.decider.policy_holds(self.inner.shared.clock.now_ms());
        let unsigned = holds.iter().any(|code| code == "I-05-SIGN");
        core.decider.rules().filter(|_| !unsigned).cloned()
    }

    pub(crate) fn core(&self) -> std::sync::MutexGuard<'_, crate::core::Core> {
        self.inner.shared.core()
    }

    /// Enrols who may sign policies at first set-up; later changes go by [`Ledger::ask`].
    pub async fn enrol_signers(&self, signers: Vec<Signer>) -> Result<(), CommitError> {
        self.may_enrol(&signers)?;
        self.inner.acts.submit(vec![Act::SignersEnrolled { signers }]).await
    }

    /// Who may sign policies.
    pub fn signers(&self) -> Vec<Signer> {
        self.inner.shared.core().state.signers.clone()
    }

    /// Who may sign, each with the moment they sign from, milliseconds since 1970, where they still
    /// wait for their first day to pass.
    pub fn signers_since(&self) -> Vec<(Signer, Option<i64>)> {
        let now_ms = self.inner.shared.clock.now_ms();
        let core = self.core();
        let waits = |signer: &Signer| core.state.legal.newcomers.waits_until(signer, now_ms);
        core.state.signers.iter().map(|signer| (signer.clone(), waits(signer))).collect()
    }

    /// Journals that `actor` did `what`: an administrative note, never personal data.
    pub async fn note(&self, actor: &str, what: &str) -> Result<(), CommitError> {
        let act = Act::Noted { actor: actor.to_owned(), what: what.to_owned() };
        self.inner.acts.submit(vec![act]).await
    }

    /// The stored decision of a record, in full; `None` if there is no such record.
    pub async fn explain(&self, id: EventId) -> Result<Option<Explanation>, CommitError> {
        let shared = self.inner.shared.clone();
        let work = move || explain::explain(&shared, id);
        tokio::task::spawn_blocking(work).await.unwrap_or(Err(CommitError::Closed))
    }

    /// What the box is doing now.
    pub fn status(&self) -> Status {
        let status = status::of(&self.inner.shared, &self.inner.views);
        Status { policy_refused: self.policy_refused(), ..status }
    }

    /// Stops the threads after everything accepted so far is on disk; at most 5 s.
    pub async fn close(self) {
        let committer = self.committer();
        let closing = committer.ask(|done| Request::Close { done });
        match tokio::time::timeout(CLOSE_LIMIT, closing).await {
            Ok(Ok(()) | Err(CommitError::Closed)) => {}
            Ok(Err(error)) => tracing::warn!(%error, "closing"),
            Err(_) => tracing::warn!("closing took too long: what was not receipted is not stored"),
        }
        self.inner.shared.close();
        self.inner.views.close().await;
    }
}
