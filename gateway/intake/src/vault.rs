//! The vault: where biometric evidence is sealed, and the only place it is.
//!
//! Files of one day (by receipt, in UTC) and one method each, so that retention deletes whole
//! files. Every entry is sealed under a key derived from its person's vault secret (for nobody,
//! the day's), so destroying that secret destroys the evidence wherever the file lies. A group of
//! entries is fsynced before its punches are committed; one thread does the writing.
//!
//! The vault never stops a punch: if it cannot keep a piece of evidence (disk nearly full, over
//! its bound, a destroyed secret, an error) the piece is dropped, counted and shown in
//! [`VaultStatus`]. A message that comes again is kept once. What was set aside because its
//! identity was used before is kept too, sealed, within a bound a day.

mod cipher;
mod entry;
mod reader;
mod retention;
mod shelf;
mod writer;

pub use muster_residency::rules::Keep;
pub use reader::{Opened, Reader, ReaderError, Shelved};
pub(crate) use retention::purge;
pub use retention::{DEFAULT_DAYS, Retention};

use crate::metric;
use crate::split::BiometricEvidence;
use cipher::Key;
use entry::{EntryKind, Header};
use muster_attendance::{Attendance, Method, PersonId};
use muster_ledger::Keyring;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot};
use writer::{Append, Order};
use zeroize::Zeroizing;

/// Groups of entries that wait for the writer.
const MAX_WAITING: usize = 64;
/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// How the vault is.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct VaultStatus {
    /// Bytes on disk.
    pub bytes: u64,
    /// Entries sealed since the start.
    pub sealed: u64,
    /// Pieces of evidence that could not be kept since the start; punches were taken all the same.
    pub dropped: u64,
    /// Why evidence is being dropped now, with what to do; `None` while all is well.
    pub degraded: Option<String>,
    /// Bytes of torn entries that were cut off; their punches were never receipted.
    pub torn_bytes: u64,
}

/// Why the vault does not open.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The disk said no.
    #[error("cannot use the vault {path}; check that the folder is there and belongs to muster")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// The way into the vault. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Vault {
    orders: mpsc::Sender<Order>,
    keyring: Keyring,
    retention: Retention,
    status: Arc<Mutex<VaultStatus>>,
}

impl Vault {
    /// Opens or makes the vault in the folder `dir`, bounded to `max_bytes` on disk.
    pub(crate) fn open(
        dir: PathBuf,
        keyring: Keyring,
        retention: Retention,
        max_bytes: u64,
    ) -> Result<Self, VaultError> {
        let status = Arc::new(Mutex::new(VaultStatus::default()));
        let (orders, taken) = mpsc::channel(MAX_WAITING);
        writer::start(dir, max_bytes, taken, status.clone())?;
        Ok(Self { orders, keyring, retention, status })
    }

    pub(crate) fn status(&self) -> VaultStatus {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Seals evidence beside its punches; fsynced when this returns. What cannot be kept is
    /// dropped, counted and shown.
    pub(crate) async fn seal(&self, evidence: Vec<(Attendance, BiometricEvidence)>) {
        let mut group = Vec::with_capacity(evidence.len());
        let mut lost = 0;
        for (attendance, piece) in evidence {
            if self.retention.of(attendance.method) == Keep::Discard {
                metrics::counter!(metric::EVIDENCE_DROPPED, "reason" => "policy").increment(1);
                continue;
            }
            match self.entry(&attendance, piece).await {
                Some(append) => group.push(append),
                None => lost += 1,
            }
        }
        let written = self.write(group).await;
        self.note_dropped(lost + written);
    }

    async fn entry(&self, attendance: &Attendance, piece: BiometricEvidence) -> Option<Append> {
        let (kind, media, data) = piece.into_parts();
        let header = Header::of(attendance, EntryKind::Evidence(kind));
        self.sealed(header, &media, data, attendance.person).await
    }

    /// Seals the bytes of a message that was set aside, under the day's secret.
    pub(crate) async fn set_aside(&self, attendance: &Attendance, bytes: &[u8]) {
        let header = Header::of(attendance, EntryKind::SetAside);
        let data = Zeroizing::new(bytes.to_vec());
        let group: Vec<_> = self.sealed(header, "", data, None).await.into_iter().collect();
        if group.is_empty() || self.write(group).await > 0 {
            self.note_dropped(1);
        }
    }

    async fn sealed(
        &self,
        mut header: Header,
        media: &str,
        data: Zeroizing<Vec<u8>>,
        person: Option<PersonId>,
    ) -> Option<Append> {
        header.person = person;
        let secret = match self.keyring.vault_secret(person, header.day()).await {
            Ok(secret) => secret,
            Err(error) => {
                tracing::warn!(%error, "evidence cannot be sealed and is dropped");
                return None;
            }
        };
        let key = Key::derive(&secret)?;
        Some(Append { shelf: header.shelf(), bytes: entry::seal(&mut header, &key, media, data)? })
    }

    /// Hands a group to the writer; how many entries were not kept.
    async fn write(&self, group: Vec<Append>) -> u64 {
        if group.is_empty() {
            return 0;
        }
        let count = group.len() as u64;
        let (done, written) = oneshot::channel();
        if self.orders.send(Order::Append { group, done }).await.is_err() {
            return count;
        }
        if written.await.unwrap_or(false) { 0 } else { count }
    }

    fn note_dropped(&self, count: u64) {
        if count > 0 {
            metrics::counter!(metric::EVIDENCE_DROPPED, "reason" => "vault").increment(count);
            self.status.lock().unwrap_or_else(PoisonError::into_inner).dropped += count;
        }
    }

    /// Deletes what is past its time on the day of `now_ms`.
    pub(crate) async fn purge(&self, now_ms: i64) {
        let retention = self.retention.clone();
        let keep = move |method: Option<Method>| match method.map(|method| retention.of(method)) {
            Some(Keep::Vault { days }) => days,
            Some(Keep::Discard) => 0,
            None => DEFAULT_DAYS,
        };
        let order = Order::Purge { today: now_ms.div_euclid(DAY_MS), keep: Box::new(keep) };
        // A writer that is gone has been reported by then.
        let _ = self.orders.send(order).await;
    }
}
