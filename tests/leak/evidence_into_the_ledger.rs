//! The ledger takes facts. Evidence is none.

use muster_intake::BiometricEvidence;
use muster_ledger::Committer;

async fn leak(committer: Committer, evidence: BiometricEvidence) {
    let _ = committer.commit(vec![evidence]).await;
}

fn main() {}
