//! Only the engine decides.

use muster_residency::Decision;

fn leak(held: Decision) -> Decision {
    Decision { to_release: Vec::new(), ..held }
}

fn main() {}
