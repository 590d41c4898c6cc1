//! What the engine decided stays decided.

use muster_residency::Decision;
use muster_residency::vocab::Verdict;

fn leak(held: &mut Decision) {
    held.verdict = Verdict::Forward;
}

fn main() {}
