//! What is known of a destination's region, and what pauses a destination.
//!
//! Two kinds of proof that are never mixed up: what was seen on the wire, and what a contract says.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use muster_residency::policy::Destination;
use muster_residency::vocab::ResidencyEvidence;

/// Why a destination is paused: its records wait, none changes destination.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PauseReason {
    /// I-03: not reachable; the text is the cause, without personal data.
    Down(String),
    /// I-04: what answers is not the region the policy names.
    WrongRegion(String),
    /// What answers is not the tenant that is configured: nothing is sent until that is mended.
    WrongTenant(String),
    /// No more calls are allowed for now; the text says how many there were and when it goes on.
    Quota(String),
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
    /// DNS names and addresses in the certificate, the first few.
    #[serde(default)]
    pub names: Vec<String>,
    /// As `TLSv1_3`.
    pub tls_version: String,
    /// As `TLS13_AES_256_GCM_SHA384`.
    pub cipher: String,
    /// Fingerprint of the key that parcels are sealed to besides; the outbox fills it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_to: Option<String>,
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
    /// By contract, not verified: the policy says so, and nothing on the wire does.
    Contract {
        /// As the policy names it.
        region: String,
        /// What was seen: the host and its certificate, and no region.
        peer: TransferPeer,
        /// The clause that says so, and the number of its document; the ledger fills them in.
        #[serde(default)]
        clause: Option<(u32, String)>,
    },
}

impl Attestation {
    /// The region, seen or promised.
    pub fn region(&self) -> &str {
        match self {
            Self::Endpoint { region, .. } | Self::Contract { region, .. } => region,
        }
    }

    /// What was seen of who answered.
    pub fn peer(&self) -> &TransferPeer {
        match self {
            Self::Endpoint { peer, .. } | Self::Contract { peer, .. } => peer,
        }
    }

    /// The same, with what parcels are sealed to.
    pub(super) fn sealed_to(mut self, recipient: Option<&str>) -> Self {
        let (Self::Endpoint { peer, .. } | Self::Contract { peer, .. }) = &mut self;
        peer.sealed_to = recipient.map(str::to_owned);
        self
    }

    /// SHA-256 of it as journaled, base64: what a transfer names it by.
    pub(crate) fn digest(&self) -> String {
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        STANDARD.encode(ring::digest::digest(&ring::digest::SHA256, &bytes))
    }

    /// Whether only a contract says so.
    pub fn is_by_contract(&self) -> bool {
        matches!(self, Self::Contract { .. })
    }

    /// The clause that a contract says it by, with the number of its document.
    pub fn clause(&self) -> Option<(u32, &str)> {
        match self {
            Self::Contract { clause: Some((number, text)), .. } => Some((*number, text)),
            _ => None,
        }
    }

    /// The words for how far the region is proved: for every place that names it.
    pub fn proof(&self) -> &'static str {
        match self {
            Self::Endpoint { .. } => "seen on the wire",
            Self::Contract { .. } => "by contract, not verified",
        }
    }

    /// Why this is not what the policy asks for, if it is not.
    pub(super) fn contradicts(&self, named: &Destination) -> Option<String> {
        if named.region != self.region() {
            return Some(self.region().to_owned());
        }
        let promised = matches!(
            named.residency_evidence,
            Some(ResidencyEvidence::Contract | ResidencyEvidence::Attestation)
        );
        (self.is_by_contract() && !promised)
            .then(|| "nothing on the wire shows a region, and the policy quotes no contract".into())
    }
}
