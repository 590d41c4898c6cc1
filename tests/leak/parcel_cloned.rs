//! A parcel that could be copied could be settled twice.

use muster_ledger::Parcel;

fn leak(parcel: &Parcel) -> Parcel {
    parcel.clone()
}

fn main() {}
