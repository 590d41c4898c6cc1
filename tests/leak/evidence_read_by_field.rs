//! Its fields are intake's.

use muster_intake::BiometricEvidence;

fn leak(evidence: &BiometricEvidence) -> &[u8] {
    &evidence.data
}

fn main() {}
