//! What goes to one destination: live first, backlog paced, each decided again at the moment of
//! sending, journaled with the hash of its bytes before it is handed out.

/// Why a destination is paused: its records wait, none changes destination.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PauseReason {
    /// I-03: not reachable; the text is the cause, without personal data.
    Down(String),
    /// I-04: what answers is not the region the policy names.
    WrongRegion(String),
}

/// What was seen on the wire.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct TransferPeer {
    /// Host and port as connected.
    pub host: String,
    /// SHA-256 of the peer's certificate in DER, in hex.
    pub certificate: String,
    /// `muster:region:…` names in the certificate.
    pub regions: Vec<String>,
    /// As `TLSv1_3`.
    pub tls_version: String,
    /// As `TLS13_AES_256_GCM_SHA384`.
    pub cipher: String,
}

/// What is known of a destination's region at a moment.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attestation {
    /// Seen on the wire: the certificate carries `region`.
    Endpoint {
        /// As `ap-southeast-1`.
        region: String,
        /// What was seen.
        peer: TransferPeer,
    },
}

/// The region's word on one parcel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Settlement {
    /// Taken; with the region's own receipt where it gives one (at most 200 bytes are kept).
    Accepted {
        /// The region's id or code.
        receipt: Option<String>,
    },
    /// Refused for good: set aside and shown, never sent elsewhere.
    Rejected {
        /// The region's words, at most 200 bytes are kept.
        reason: String,
    },
    /// No word: it stays queued and goes again, same bytes.
    Unknown,
}

/// A minimised record released to one destination. Only dispatch makes one; settling consumes it.
/// Dropping one unsettled is as [`Settlement::Unknown`].
pub struct Parcel {
    bytes: Box<[u8]>,
}

impl Parcel {
    /// The JSON object, at most 512 bytes: exactly these bytes are what the journal knows.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The stable key of the record, for idempotency: its event id.
    pub fn key(&self) -> muster_attendance::EventId {
        todo!()
    }
}

/// Why nothing is handed out.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OutboxError {
    /// The journal did not take the dispatch or settlement.
    #[error(transparent)]
    Commit(#[from] crate::CommitError),
}

/// One destination's queue. Cheap to clone, but one worker drains it.
#[derive(Clone)]
pub struct Outbox {}

impl Outbox {
    /// Parcels one call may hand out.
    pub const MAX_BATCH: usize = 1024;

    /// The destination's name in the policy.
    pub fn destination(&self) -> &str {
        todo!()
    }

    /// The region (as `ap-southeast-1`) that the policy in force names for it, if any does.
    pub fn expected_region(&self) -> Option<String> {
        todo!()
    }

    /// Waits until something may go, then dispatches up to `max` records: live first, then backlog
    /// oldest first. Needs an attestation that matches; empty only at shutdown.
    pub async fn next(&self, max: usize) -> Result<Vec<Parcel>, OutboxError> {
        let _ = max;
        todo!()
    }

    /// Journals the region's word on parcels; durable when this returns.
    pub async fn settle(&self, parcels: Vec<(Parcel, Settlement)>) -> Result<(), OutboxError> {
        let _ = parcels;
        todo!()
    }

    /// What was seen when the connection came up; clears a pause. Journaled where it changed.
    pub async fn attest(&self, attestation: Attestation) -> Result<(), OutboxError> {
        let _ = attestation;
        todo!()
    }

    /// Pauses the destination until the next attestation. Journaled where the kind changed.
    pub async fn pause(&self, reason: PauseReason) -> Result<(), OutboxError> {
        let _ = reason;
        todo!()
    }

    /// Records waiting for this destination.
    pub fn backlog(&self) -> u64 {
        todo!()
    }
}
