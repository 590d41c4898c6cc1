//! Comparing is a way to find out, byte by byte.

use muster_intake::BiometricEvidence;

fn leak(evidence: &BiometricEvidence, guess: &BiometricEvidence) -> bool {
    evidence == guess
}

fn main() {}
