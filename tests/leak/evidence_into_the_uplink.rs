//! A region gets parcels, and nobody outside the ledger can fill one.

use muster_intake::BiometricEvidence;
use muster_ledger::{Outbox, Settlement};

async fn leak(outbox: Outbox, evidence: BiometricEvidence) {
    let _ = outbox.settle(vec![(evidence, Settlement::Unknown)]).await;
}

fn main() {}
