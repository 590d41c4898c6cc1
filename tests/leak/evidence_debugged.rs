//! `{:?}` is what logs, errors and panics use.

use muster_intake::BiometricEvidence;

fn leak(evidence: &BiometricEvidence) -> String {
    format!("{evidence:?}")
}

fn main() {}
