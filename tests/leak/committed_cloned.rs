//! One commit, one receipt: the proof has no copies.

use muster_ledger::Committed;

fn leak(committed: &Committed) -> Committed {
    committed.clone()
}

fn main() {}
