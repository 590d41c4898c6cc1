//! What the ledger supplies: figures of a span of time, with nobody named in them.

use jiff::Timestamp;
use muster_residency::vocab::{Bucket, Law};
use serde::Serialize;
use std::collections::BTreeMap;

/// How far a region was proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// The certificate carried the region.
    Wire,
    /// A contract says so, and nothing on the wire does.
    Contract,
}

/// One way in which a far end was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Seen {
    pub proof: Proof,
    pub region: String,
    pub host: String,
    /// SHA-256 of the certificate, hex.
    pub certificate: String,
    /// Hosts that the certificate names.
    pub names: Vec<String>,
    pub tls_version: String,
    pub cipher: String,
    /// Fingerprint of the key that records were sealed to besides.
    pub sealed_to: Option<String>,
    /// What a contract says of the region: its document's number and the clause.
    pub clause: Option<String>,
}

/// Calls of a month, where the destination meters them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Calls {
    pub used: u64,
    pub limit: u64,
    /// When none will be left at the rate of the month, milliseconds since 1970.
    pub forecast_ms: Option<i64>,
}

/// One destination in the span.
#[derive(Clone, Debug, Default, Serialize)]
#[allow(missing_docs)]
pub struct DestinationFigures {
    pub destination: String,
    /// Records that left, each once, and the people behind them.
    pub records: u64,
    pub persons: u64,
    /// Records that left without a word in the journal of how the region was proved.
    pub untraced: u64,
    /// Taken by the region, and refused by it.
    pub settled: u64,
    pub rejected: u64,
    /// With a receipt of the region's own.
    pub receipts: u64,
    /// Allowed to go in the span; taken in the span within an hour of being allowed.
    pub permitted: u64,
    pub in_time: u64,
    /// Allowed to go, and not taken yet.
    pub outstanding: u64,
    /// Of those, allowed more than an hour ago.
    pub overdue: u64,
    /// Allowed to go once, and too old for the destination before they were taken.
    pub expired: u64,
    /// Lanes crossed, as `MO->SG`, with records.
    pub lanes: BTreeMap<String, u64>,
    /// What was seen of the far end, each way once; the newest last.
    pub seen: Vec<Seen>,
    pub first_ms: Option<i64>,
    pub last_ms: Option<i64>,
    /// Pauses by kind.
    pub pauses: BTreeMap<String, u64>,
    pub calls: Option<Calls>,
    /// The oldest punch that is to go there and did not yet, seconds since 1970.
    pub oldest_waiting: Option<i64>,
}

/// Records of one department that went to one destination in one profile.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[allow(missing_docs)]
pub struct Flow {
    pub department: Option<String>,
    pub profile: String,
    pub destination: String,
    pub records: u64,
}

/// One terminal in the span.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct Terminal {
    pub name: String,
    pub paired: bool,
    pub records: u64,
}

/// How often somebody did something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[allow(missing_docs)]
pub struct Access {
    pub actor: String,
    pub act: String,
    pub count: u64,
}

/// A policy in force, from when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct PolicySpan {
    pub from_ms: i64,
    pub policy: Option<String>,
    pub policy_sha256: Option<String>,
    pub law_pack: Option<String>,
}

/// Ages, in days, by which waiting records are counted: below each, and above the last.
pub const AGES_DAYS: [i64; 5] = [1, 7, 30, 90, 180];

/// Records that wait for one reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Waiting {
    pub count: u64,
    pub oldest_ms: i64,
    /// By [`AGES_DAYS`].
    pub ages: [u64; 6],
}

/// A paper of the registry of legal evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Paper {
    pub number: u32,
    pub kind: String,
    pub lane: String,
    pub from: Timestamp,
    pub to: Timestamp,
    pub filing: Option<String>,
    /// SHA-256 of the document, hex.
    pub sha256: String,
    /// The destination of the policy that it speaks of.
    pub destination: Option<String>,
    pub withdrawn: bool,
}

/// A yearly counter of exports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Counter {
    pub law: Law,
    pub year: i16,
    /// `None` for all together, exempt ones left out, as thresholds count.
    pub destination: Option<String>,
    pub bucket: Option<Bucket>,
    pub persons: u64,
    pub sensitive: u64,
    pub records: u64,
    /// What other systems of the company exported, as entered; `None`: not entered.
    pub baseline: Option<Baseline>,
}

/// Exports of other systems, as a person entered them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Baseline {
    pub persons: u64,
    pub sensitive: u64,
    pub records: u64,
}

/// What was done in a span of time.
#[derive(Clone, Debug, Default, Serialize)]
#[allow(missing_docs)]
pub struct Figures {
    /// Records processed in the span, and the people behind them.
    pub records: u64,
    pub persons: u64,
    /// People in the directory, and records in the journal, now.
    pub people: u64,
    pub stored: u64,
    pub destinations: Vec<DestinationFigures>,
    pub flows: Vec<Flow>,
    pub terminals: Vec<Terminal>,
    pub access: Vec<Access>,
    /// The policy when the span began, and each after it.
    pub policies: Vec<PolicySpan>,
    /// Records set aside, and check-ins refused, by reason.
    pub set_aside: BTreeMap<String, u64>,
    pub refused: BTreeMap<String, u64>,
    /// Records not sent now, by the first reason.
    pub waiting: BTreeMap<String, Waiting>,
    /// Records processed by calendar year of the site.
    pub processed: Vec<(i16, u64)>,
    pub papers: Vec<Paper>,
    /// When the first policy was accepted, with which the trial began; milliseconds since 1970.
    pub begun_ms: Option<i64>,
    pub counters: Vec<Counter>,
    /// The last batch read, and the chain's hash after it, hex.
    pub batch: u64,
    pub chain: String,
}
