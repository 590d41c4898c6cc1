//! One commit, one receipt.

use muster_ledger::{Committed, Verdict};

fn leak(committed: Committed) -> [Verdict; 2] {
    [Verdict::New(committed), Verdict::New(committed)]
}

fn main() {}
