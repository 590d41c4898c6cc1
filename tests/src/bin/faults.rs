//! The long forms of the fault tests: `faults kills|cuts [COUNT]`, by default 1,000.

use anyhow::{Result, bail};
use muster_tests::binary::{Build, gateway};
use muster_tests::faults::{Plan, cuts, kills};
use muster_tests::random::seed;

#[allow(clippy::print_stdout)]
fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let faults = args.get(1).map_or(Ok(1_000), |count| count.parse())?;
    let plan = Plan { binary: gateway(Build::Real)?, seed: seed(), faults, compare_every: 50 };
    println!("seed {}", plan.seed);
    let outcome = match args.first().map(String::as_str) {
        Some("kills") => kills(&plan)?,
        Some("cuts") => cuts(&plan)?,
        _ => bail!("usage: faults kills|cuts [COUNT]"),
    };
    println!("{outcome:#?}");
    outcome.found.hold()
}
