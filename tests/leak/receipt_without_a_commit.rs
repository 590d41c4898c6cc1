//! A receipt answers a verdict, and what a verdict says is stored carries the proof.

use muster_attendance::DeviceId;
use muster_ledger::Verdict;

fn leak() -> Verdict {
    Verdict::New((DeviceId(1), 1, 1))
}

fn main() {}
