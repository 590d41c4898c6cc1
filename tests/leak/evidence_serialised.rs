//! Nothing writes evidence as JSON, or as any other format of serde.

use muster_intake::BiometricEvidence;

fn leak(evidence: &BiometricEvidence) -> String {
    serde_json::to_string(evidence).unwrap_or_default()
}

fn main() {}
