//! Mutated check-ins, the short form: `mutants` runs a million.

use anyhow::Result;
use muster_tests::mutants;
use muster_tests::random::seed;

const COUNT: u64 = 5_000;

#[test]
fn no_byte_of_a_template_reaches_the_region_whatever_a_terminal_sends() -> Result<()> {
    let seed = seed();
    let outcome = mutants::run(COUNT, seed)?;
    assert_eq!((outcome.sent, outcome.leaks), (COUNT, 0), "seed {seed}: {outcome:?}");
    // A search that finds nothing in what was sent has not looked, and a region that got nothing
    // has nothing to show.
    assert!(outcome.planted > COUNT * 8 / 10, "seed {seed}: {outcome:?}");
    assert!(outcome.forwarded > COUNT / 4, "seed {seed}: {outcome:?}");
    Ok(())
}
