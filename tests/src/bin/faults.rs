//! The long forms of the fault tests: `faults kills|cuts [COUNT]`, by default 1,000, and
//! `faults emulator [COUNT]`, power failures of an emulated M1, by default 200.

use anyhow::{Result, bail};
use muster_tests::binary::{Build, gateway};
use muster_tests::faults::{Plan, cuts, kills};
use muster_tests::ledgerbook::Found;
use muster_tests::outages::{Failures, fail_in_mid_write};
use muster_tests::random::seed;
use std::fmt::Debug;

#[allow(clippy::print_stdout)]
fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let count = |default| args.get(1).map_or(Ok(default), |count| count.parse());
    let (binary, seed, compare_every) = (gateway(Build::Real)?, seed(), 50);
    println!("seed {seed}");
    let plan = |faults| Plan { binary: binary.clone(), seed, faults, compare_every };
    let found = match args.first().map(String::as_str) {
        Some("kills") => told(kills(&plan(count(1_000)?))?, |outcome| outcome.found),
        Some("cuts") => told(cuts(&plan(count(1_000)?))?, |outcome| outcome.found),
        Some("emulator") => {
            let plan = Failures { binary: binary.clone(), seed, failures: count(200)? };
            told(fail_in_mid_write(&plan)?, |outcome| outcome.found)
        }
        _ => bail!("usage: faults kills|cuts|emulator [COUNT]"),
    };
    found.hold()
}

/// Prints an outcome and gives what was found in it.
#[allow(clippy::print_stdout)]
fn told<O: Debug>(outcome: O, found: impl FnOnce(O) -> Found) -> Found {
    println!("{outcome:#?}");
    found(outcome)
}
