//! The vault: where biometric evidence is sealed, and the only place it ever reaches.
//!
//! `data/vault` holds one file a day of destruction (`2026-12-31.vault` goes when that day has
//! passed), so keeping no longer than said is removing a file. Each entry is sealed with AES-256-GCM
//! under a key that HKDF-SHA-256 derives from the person's vault secret, or the day's where there
//! is nobody; destroying that secret destroys the entry wherever a copy may lie. Entries are found
//! again by a mark, so a torn or damaged one costs itself and no other.
//!
//! [`Vault::seal`] consumes the evidence and returns when it is synced; several share one sync.
//! What the rule discards is wiped at once. Beyond [`Limits::bytes`] evidence is discarded and
//! counted, and punches go on.

mod entry;
mod reader;
mod writer;

pub use reader::{Opened, Reader};

use crate::metric;
use crate::split::BiometricEvidence;
use entry::{Header, Sealer};
use muster_attendance::{Attendance, Method};
use muster_ledger::{Clock, ClockTrust, Keyring, KeyringError};
use std::io;
use std::path::Path;
use std::sync::Arc;
use writer::{Piece, Writer};

const MS_A_DAY: i64 = 86_400_000;

/// What becomes of a punch's evidence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keep {
    /// Sealed, and destroyed after so many days.
    Vault {
        /// 1 or more.
        days: u32,
    },
    /// Wiped at once.
    Discard,
}

/// The policy's word on evidence, by method.
pub type KeepRule = Arc<dyn Fn(Method) -> Keep + Send + Sync>;

/// Bounds of the vault.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of all files; more evidence is discarded and counted.
    pub bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 16 << 30 }
    }
}

/// Why evidence was not sealed; its punch is not answered and comes again.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The files cannot be written.
    #[error("the vault cannot be written: {0}; free some space, or look after the disk")]
    Io(Arc<io::Error>),
    /// The secret cannot be had.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The vault is closed.
    #[error("the vault is closed")]
    Closed,
}

/// The way into the vault. Cheap to clone; the last clone to go ends its thread.
#[derive(Clone)]
pub struct Vault {
    keyring: Keyring,
    clock: Clock,
    keep: KeepRule,
    writer: Arc<Writer>,
}

impl Vault {
    /// Opens or makes the vault in `folder` (0700), removing what is past its day.
    pub fn open(
        folder: &Path,
        keyring: Keyring,
        clock: Clock,
        limits: Limits,
        keep: KeepRule,
    ) -> Result<Self, VaultError> {
        let writer = Writer::start(folder, limits).map_err(|e| VaultError::Io(Arc::new(e)))?;
        let vault = Self { keyring, clock, keep, writer: Arc::new(writer) };
        vault.purge();
        Ok(vault)
    }

    /// Seals evidence, each piece beside the fact it belongs to; on disk when this returns.
    pub async fn seal(
        &self,
        evidence: Vec<(Attendance, BiometricEvidence)>,
    ) -> Result<(), VaultError> {
        let mut pieces = Vec::with_capacity(evidence.len());
        for (fact, evidence) in evidence {
            match (self.keep)(fact.method) {
                Keep::Discard => count_dropped("rule"),
                Keep::Vault { days } => pieces.push(self.piece(&fact, evidence, days).await?),
            }
        }
        if pieces.is_empty() { Ok(()) } else { self.writer.write(pieces).await }
    }

    async fn piece(
        &self,
        fact: &Attendance,
        evidence: BiometricEvidence,
        days: u32,
    ) -> Result<Piece, VaultError> {
        let day = day_of(fact.received_ms);
        let secret = self.keyring.vault_secret(fact.person, day).await?;
        let header = Header::of(fact, day, &evidence);
        let bytes = Sealer::new(&secret).seal(&header, evidence).ok_or(VaultError::Closed)?;
        Ok(Piece { until: day.saturating_add(i32::try_from(days).unwrap_or(i32::MAX)), bytes })
    }

    /// Removes files whose day has passed. Only a trusted clock may: after a jump nothing goes.
    pub fn purge(&self) {
        if self.clock.trust() == ClockTrust::Trusted {
            self.writer.purge(day_of(self.clock.now_ms()));
        }
    }
}

fn day_of(ms: i64) -> i32 {
    i32::try_from(ms.div_euclid(MS_A_DAY)).unwrap_or(0)
}

fn count_dropped(reason: &'static str) {
    metrics::counter!(metric::EVIDENCE_DROPPED, "reason" => reason).increment(1);
}
