//! An emulated M1 whose power fails again and again in the middle of writing.

use crate::emulated::{EmulatedM1, USERS};
use crate::ledgerbook::{Found, compare};
use crate::random::Random;
use crate::site::{Layout, Site};
use anyhow::{Context as _, Result};
use std::path::PathBuf;
use std::time::Duration;

/// The power fails up to so long after the module has found a finger: about twice what storing a
/// punch takes.
const MOMENT: Duration = Duration::from_millis(4);
/// How long the gateway may take to start.
const START: Duration = Duration::from_secs(10);
/// How long the last receipts may take.
const RECEIPTS: Duration = Duration::from_secs(120);
const NAME: &str = "m1-door";

/// How many failures, and how they are chosen.
#[derive(Clone, Debug)]
pub struct Failures {
    /// The gateway's program.
    pub binary: PathBuf,
    /// Repeats the choice of moments.
    pub seed: u64,
    /// Failures in all.
    pub failures: u64,
}

/// What a run showed.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The comparison at the end.
    pub found: Found,
    /// Failures before the sign of the punch was given.
    pub before_the_beep: u64,
    /// Failures after that.
    pub after_the_beep: u64,
}

/// Punches, and lets the power fail in the next punch; again and again, with the box there in one
/// half of the time. At the end everything is drained and the books are compared.
pub fn fail_in_mid_write(plan: &Failures) -> Result<Outcome> {
    let dir = tempfile::tempdir()?;
    let (place, port) = (dir.path().join("box"), dir.path().join("tty-m1"));
    let mut layout = Layout::new(plan.binary.clone(), &place);
    layout.serial = vec![port.clone()];
    let site = Site::init(layout)?;
    let credentials = site.pair("m1", NAME, dir.path())?;
    let mut m1 = EmulatedM1::new(&site, NAME, &credentials, &port, &dir.path().join("m1"))?;
    let mut gateway = site.start()?;
    gateway.ready(START)?;
    let (mut random, mut outcome) = (Random::new(plan.seed), Outcome::default());
    for failure in 1..=plan.failures {
        let cut = random.one_in(2);
        m1.wire().cut.store(cut, std::sync::atomic::Ordering::SeqCst);
        let what = || format!("failure {failure} of seed {}", plan.seed);
        m1.power_on().with_context(what)?;
        for _ in 0..random.below(3) {
            m1.punch(random.below(USERS.len() as u64) as u16).with_context(what)?;
        }
        let page = random.below(USERS.len() as u64) as u16;
        let beeped = m1.punch_and_fail(page, random.duration(MOMENT)).with_context(what)?;
        outcome.after_the_beep += u64::from(beeped);
        outcome.before_the_beep += u64::from(!beeped);
    }
    m1.wire().cut.store(false, std::sync::atomic::Ordering::SeqCst);
    let waiting = m1.power_on()?;
    m1.drain(waiting, RECEIPTS)?;
    outcome.found = compare(&site, vec![m1.claim()], None)?;
    Ok(outcome)
}
