//! Power failures in the middle of writing, and kills of the box.

use crate::stage::{RECEIPTS, Stage};
use muster_tests::binary::{Build, gateway};
use muster_tests::outages::{Failures, fail_in_mid_write};
use muster_tests::random::seed;

/// Power failures in the test command.
const FAILURES: u64 = 20;

#[test]
fn every_beeped_punch_is_there_once_after_twenty_power_failures_in_mid_write() {
    let seed = seed();
    println!("seed {seed}");
    let binary = gateway(Build::Real).unwrap();
    let outcome = fail_in_mid_write(&Failures { binary, seed, failures: FAILURES }).unwrap();
    println!("{outcome:?}");
    outcome.found.hold().unwrap();
    // Else the moments were all on one side of the writes.
    assert!(outcome.before_the_beep > 0, "{outcome:?}");
    assert!(outcome.after_the_beep > 0, "{outcome:?}");
}

#[test]
fn a_box_that_is_killed_gets_everything_once() {
    let mut stage = Stage::new().unwrap();
    stage.m1.power_on().unwrap();
    for number in 0..12 {
        stage.m1.punch(number % 5).unwrap();
        match number % 4 {
            1 => stage.kill_box().unwrap(),
            3 => stage.start_box().unwrap(),
            _ => {}
        }
    }
    stage.m1.drain(12, RECEIPTS).unwrap();
    stage.hold().unwrap();
    assert_eq!(stage.m1.starts().unwrap(), 1);
}
