//! `{}` is what pages and messages use.

use muster_intake::BiometricEvidence;

fn leak(evidence: &BiometricEvidence) -> String {
    format!("{evidence}")
}

fn main() {}
