//! What the box is doing now: numbers for `status`, `/healthz` and the page; nothing personal.

use serde::Serialize;

/// Health of a part.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Health {
    Ok,
    Degraded,
    Failing,
}

/// One destination.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct DestinationStatus {
    pub destination: String,
    pub backlog: u64,
    pub settled: u64,
    pub rejected: u64,
    pub paused: Option<crate::PauseReason>,
    pub paused_since_ms: Option<i64>,
    pub last_settled_ms: Option<i64>,
}

/// The ledger's own account of itself.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// Records in the journal.
    pub records: u64,
    /// Punches receipted since the start.
    pub receipted: u64,
    /// Held records by reason code.
    pub held: std::collections::BTreeMap<String, u64>,
    /// Records set aside.
    pub quarantined: u64,
    /// Refusals by reason since set-up.
    pub refused: std::collections::BTreeMap<String, u64>,
    /// Every destination the policy or the outbox knows.
    pub destinations: Vec<DestinationStatus>,
    /// Whether punches can be receipted, and if not why.
    pub journal: Health,
    /// Why the journal is not well.
    pub journal_cause: Option<String>,
    /// Views: rebuilding or broken is degraded.
    pub views: Health,
    /// Records the views are behind.
    pub views_behind: u64,
    /// Policy in force, as `mo-bank@7`, and why nothing leaves if so.
    pub policy: Option<String>,
    /// I-05 or I-07 codes that hold everything now.
    pub policy_holds: Vec<String>,
    /// Bytes on disk: journal, views.
    pub journal_bytes: u64,
}
