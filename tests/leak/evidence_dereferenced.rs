//! Nor does it stand for its bytes.

use muster_intake::BiometricEvidence;

fn leak(evidence: &BiometricEvidence) -> &[u8] {
    &**evidence
}

fn main() {}
