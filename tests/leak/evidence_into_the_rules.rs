//! The engine decides about the fact alone: what it never sees, it cannot put into a field.

use muster_intake::BiometricEvidence;
use muster_residency::{Decision, Rules, decide};

fn leak(rules: &Rules, evidence: &BiometricEvidence) -> Decision {
    decide(rules, evidence)
}

fn main() {}
