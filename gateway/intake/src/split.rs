//! The split: what may be known of a punch on one side, its evidence on the other.
//!
//! [`split`] takes a check-in apart field by field, so a new field that chose no side does not
//! compile. [`BiometricEvidence`] has no way out but into the vault: it cannot be cloned, shown,
//! serialised or borrowed as bytes outside this crate, and is wiped when dropped.

use crate::verify::{CheckIn, Verified};
use muster_attendance::{Attendance, DeviceId, PersonId};
use zeroize::Zeroizing;

/// What a piece of evidence is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum EvidenceKind {
    FingerprintTemplate = 1,
    FingerprintImage = 2,
    FaceTemplate = 3,
    FaceImage = 4,
    Score = 5,
}

impl EvidenceKind {
    /// From the name in JSON check-ins.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "fingerprint-template" => Self::FingerprintTemplate,
            "fingerprint-image" => Self::FingerprintImage,
            "face-template" => Self::FaceTemplate,
            "face-image" => Self::FaceImage,
            "score" => Self::Score,
            _ => return None,
        })
    }
}

/// One piece of biometric evidence on its way into the vault.
pub struct BiometricEvidence {
    kind: EvidenceKind,
    media: String,
    data: Zeroizing<Vec<u8>>,
}

impl BiometricEvidence {
    pub(crate) fn new(kind: EvidenceKind, media: String, data: Zeroizing<Vec<u8>>) -> Self {
        Self { kind, media, data }
    }

    /// For the vault's sealing alone.
    pub(crate) fn into_parts(self) -> (EvidenceKind, String, Zeroizing<Vec<u8>>) {
        (self.kind, self.media, self.data)
    }
}

/// Takes a verified check-in apart. `person` is the number's stand-in from the directory, and
/// `received_ms` the box's time.
pub(crate) fn split(
    verified: Verified<CheckIn<'_>>,
    person: Option<PersonId>,
    received_ms: i64,
) -> (Attendance, Vec<BiometricEvidence>) {
    let (device, check_in): (DeviceId, CheckIn<'_>) = verified.into_inner();
    let CheckIn {
        boot,
        seq,
        person: _, // exchanged for `person` by the directory
        at,
        method,
        outcome,
        direction,
        live,
        clock,
        evidence,
        unknown_fields: _, // counted by then
    } = check_in;
    let attendance = Attendance {
        device,
        boot,
        seq,
        person,
        at,
        received_ms,
        method,
        outcome,
        direction,
        live,
        clock,
    };
    (attendance, evidence)
}
