//! There is one copy; the vault consumes it.

use muster_intake::BiometricEvidence;

fn leak(evidence: &BiometricEvidence) -> BiometricEvidence {
    evidence.clone()
}

fn main() {}
