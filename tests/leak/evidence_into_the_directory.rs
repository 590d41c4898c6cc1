//! What the page shows of a person is text that somebody wrote.

use muster_intake::BiometricEvidence;
use muster_ledger::PersonProfile;

fn leak(evidence: BiometricEvidence) -> PersonProfile {
    PersonProfile { person: evidence, ..PersonProfile::default() }
}

fn main() {}
