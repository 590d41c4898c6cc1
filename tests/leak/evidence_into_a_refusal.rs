//! A refusal is journaled without anything of the message.

use muster_intake::BiometricEvidence;
use muster_ledger::{Refusal, RefusalReason};

fn leak(evidence: BiometricEvidence) -> Refusal {
    Refusal {
        device: None,
        message: None,
        reason: RefusalReason::Malformed,
        length: 1,
        payload: evidence,
    }
}

fn main() {}
