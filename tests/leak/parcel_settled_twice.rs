//! A region has one word on a parcel.

use muster_ledger::{Outbox, Parcel, Settlement};

async fn leak(outbox: Outbox, parcel: Parcel) {
    let taken = Settlement::Accepted { receipt: None };
    let _ = outbox.settle(vec![(parcel, taken)]).await;
    let refused = Settlement::Rejected { reason: "changed my mind".to_owned() };
    let _ = outbox.settle(vec![(parcel, refused)]).await;
}

fn main() {}
