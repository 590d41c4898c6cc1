//! Power cuts: what was not fsynced is gone, and nothing that was receipted is. Needs root, loop
//! devices, e2fsprogs and xfsprogs, and fails where they are missing. More cuts: `faults cuts 1000`.

#![allow(clippy::print_stdout)]

use muster_tests::binary::{Build, gateway};
use muster_tests::faults::{Plan, cuts};
use muster_tests::random::seed;

/// Cuts in the test command.
const CUTS: u64 = 20;
/// Cuts for the gateway that never syncs.
const CUTS_UNSYNCED: u64 = 5;

#[test]
fn every_receipted_punch_is_there_once_after_twenty_power_cuts() {
    let seed = seed();
    println!("seed {seed}");
    let binary = gateway(Build::Real).unwrap();
    let outcome = cuts(&Plan { binary, seed, faults: CUTS, compare_every: 7 }).unwrap();
    println!("{outcome:?}");
    outcome.found.hold().unwrap();
    // Else I5 would show nothing.
    assert!(outcome.found.settled * 2 > outcome.found.records, "most should leave: {outcome:?}");
    assert!(outcome.found.receipted > 500, "too few receipts to show anything: {outcome:?}");
}

/// The test above shows nothing unless it catches a gateway that breaks the promise.
#[test]
fn a_gateway_that_skips_its_fsync_is_caught() {
    let seed = seed();
    println!("seed {seed}");
    let binary = gateway(Build::SkipsFsync).unwrap();
    let plan = Plan { binary, seed, faults: CUTS_UNSYNCED, compare_every: 1 };
    let outcome = cuts(&plan).unwrap();
    println!("{outcome:?}");
    assert!(outcome.found.lost > 0, "nothing was lost: {outcome:?}");
}
