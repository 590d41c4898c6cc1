//! What came from outside is taken apart by intake alone, after it was verified.

use muster_intake::split::split;

fn leak() {
    let _ = split;
}

fn main() {}
