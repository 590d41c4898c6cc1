//! Its parts are the vault's.

use muster_intake::BiometricEvidence;

fn leak(evidence: BiometricEvidence) -> Vec<u8> {
    evidence.into_parts().2.to_vec()
}

fn main() {}
