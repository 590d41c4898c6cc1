//! The engine's own way of making one is its own.

use muster_residency::Decision;
use muster_residency::decision::Made;

fn leak(made: Made) -> Decision {
    Decision::made(made)
}

fn main() {}
