//! The long form of the fuzz over check-ins: `mutants [COUNT]`, by default a million.

use anyhow::{Result, ensure};
use muster_tests::mutants;
use muster_tests::random::seed;
use std::time::Instant;

#[allow(clippy::print_stdout)]
fn main() -> Result<()> {
    let count = std::env::args().nth(1).map_or(Ok(1_000_000), |count| count.parse())?;
    let (seed, began) = (seed(), Instant::now());
    println!("seed {seed}");
    let outcome = mutants::run(count, seed)?;
    println!("{outcome:#?}\n{:.0} s", began.elapsed().as_secs_f64());
    ensure!(outcome.leaks == 0, "a template reached the region");
    ensure!(outcome.forwarded > 0 && outcome.planted > 0, "nothing was tried");
    Ok(())
}
