//! Kill -9 at any moment: what was receipted is there, once. More kills: `faults kills 1000`.

#![allow(clippy::print_stdout)]

use muster_tests::binary::{Build, gateway};
use muster_tests::faults::{Plan, kills};
use muster_tests::random::seed;

/// Kills in the test command.
const KILLS: u64 = 40;

#[test]
fn every_receipted_punch_is_there_once_after_forty_kills() {
    let seed = seed();
    println!("seed {seed}");
    let binary = gateway(Build::Real).unwrap();
    let outcome = kills(&Plan { binary, seed, faults: KILLS, compare_every: 10 }).unwrap();
    println!("{outcome:?}");
    outcome.found.hold().unwrap();
    // Else I5 would show nothing.
    assert!(outcome.found.settled * 2 > outcome.found.records, "most should leave: {outcome:?}");
    assert!(outcome.found.receipted > 1000, "too few receipts to show anything: {outcome:?}");
}
