//! Leave to send is made where a dispatch is on disk, and nowhere else.

use muster_ledger::outbox::parcel::Release;

fn leak() -> Release {
    Release(())
}

fn main() {}
