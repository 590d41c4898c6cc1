//! No view of the bytes is given out.

use muster_intake::BiometricEvidence;

fn leak(evidence: &BiometricEvidence) -> &[u8] {
    evidence.as_ref()
}

fn main() {}
