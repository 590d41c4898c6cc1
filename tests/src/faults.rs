//! Faults at random moments while terminals send, and what must hold after each.

use crate::crowd::Crowd;
use crate::disk::Disk;
use crate::gateway::Gateway;
use crate::ledgerbook::{Found, compare};
use crate::random::Random;
use crate::site::Site;
use anyhow::{Context as _, Result, ensure};
use rustix::process::Signal;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A start after a kill may take this long.
pub const START_AFTER_KILL: Duration = Duration::from_secs(5);
/// A start after a power cut may take this long.
pub const START_AFTER_CUT: Duration = Duration::from_secs(10);
/// Longest run between two faults.
const RUN: Duration = Duration::from_millis(600);
/// Faults at start-up come within this time: about twice what a start takes.
const STARTING: Duration = Duration::from_millis(150);
/// One fault in so many comes during a start.
const AT_START: u64 = 4;
/// The region is away in one run of so many.
const AWAY: u64 = 3;
/// How long the last receipts and the last settlements may take.
const DRAIN: Duration = Duration::from_secs(60);
/// How long a stop may take.
const STOP: Duration = Duration::from_secs(10);

/// How many faults, and how they are chosen.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The gateway's program.
    pub binary: PathBuf,
    /// Repeats the choice of moments.
    pub seed: u64,
    /// Faults in all.
    pub faults: u64,
    /// The books are compared after every so many faults, and at the end.
    pub compare_every: u64,
}

/// What a run showed.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The last comparison: at the end, or where something did not hold.
    pub found: Found,
    /// Faults up to then.
    pub faults: u64,
    /// Faults that came before the gateway was ready.
    pub at_start: u64,
    /// The longest start.
    pub slowest_start: Duration,
}

/// SIGKILL. An error is that something could not be done, as a start within its limit; what does
/// not hold is in the outcome.
pub fn kills(plan: &Plan) -> Result<Outcome> {
    let dir = tempfile::tempdir()?;
    let mut random = Random::new(plan.seed);
    let (place, binary) = (dir.path().join("box"), plan.binary.clone());
    let (site, crowd) = Crowd::set_up(binary, &place, dir.path(), &mut random, || Ok(()))?;
    let mut run = Run { site, crowd, random, outcome: Outcome::default() };
    for fault in 1..=plan.faults {
        run.kill().with_context(|| format!("kill {fault} of seed {}", plan.seed))?;
        if run.is_broken(plan, fault)? {
            return Ok(run.outcome);
        }
    }
    run.finish(START_AFTER_KILL).with_context(|| format!("at the end, seed {}", plan.seed))
}

/// Power cuts; as [`kills`].
pub fn cuts(plan: &Plan) -> Result<Outcome> {
    let dir = tempfile::tempdir()?;
    let mut disk = Disk::new(dir.path())?;
    let mut random = Random::new(plan.seed);
    let (place, binary) = (disk.path().join("box"), plan.binary.clone());
    let (site, crowd) = Crowd::set_up(binary, &place, dir.path(), &mut random, || disk.sync())?;
    let mut run = Run { site, crowd, random, outcome: Outcome::default() };
    for fault in 1..=plan.faults {
        run.cut(&mut disk).with_context(|| format!("cut {fault} of seed {}", plan.seed))?;
        if run.is_broken(plan, fault)? {
            return Ok(run.outcome);
        }
    }
    run.finish(START_AFTER_CUT).with_context(|| format!("at the end, seed {}", plan.seed))
}

struct Run {
    site: Site,
    crowd: Crowd,
    random: Random,
    outcome: Outcome,
}

impl Run {
    /// The region is away for some of the time.
    fn weather(&mut self) {
        self.crowd.region.set_up(!self.random.one_in(AWAY));
    }

    /// Starts the gateway and lets it run for a while, or not even until it is ready.
    fn some_time(&mut self, limit: Duration) -> Result<Gateway> {
        self.weather();
        let mut gateway = self.site.start()?;
        if self.random.one_in(AT_START) {
            self.outcome.at_start += 1;
            sleep(self.random.duration(STARTING));
        } else {
            self.ready(&mut gateway, limit)?;
            sleep(self.random.duration(RUN));
            ensure!(gateway.is_running(), "the gateway ended by itself");
        }
        Ok(gateway)
    }

    fn ready(&mut self, gateway: &mut Gateway, limit: Duration) -> Result<()> {
        let took = gateway.ready(limit)?;
        self.outcome.slowest_start = self.outcome.slowest_start.max(took);
        self.crowd.meet(gateway)
    }

    fn kill(&mut self) -> Result<()> {
        let gateway = self.some_time(START_AFTER_KILL)?;
        gateway.kill()?;
        self.crowd.way.set(None);
        self.crowd.check()
    }

    fn cut(&mut self, disk: &mut Disk) -> Result<()> {
        let gateway = self.some_time(START_AFTER_CUT)?;
        gateway.signal(Signal::STOP)?;
        disk.cut()?;
        gateway.kill()?;
        self.crowd.way.set(None);
        disk.power_on()?;
        self.crowd.check()
    }

    /// Compares now and then, with the gateway down, so that both books stand still. What does not
    /// hold ends the run.
    fn is_broken(&mut self, plan: &Plan, fault: u64) -> Result<bool> {
        self.outcome.faults = fault;
        if !fault.is_multiple_of(plan.compare_every) || fault == plan.faults {
            return Ok(false);
        }
        self.outcome.found = compare(&self.site, self.crowd.claims(false), None)?;
        Ok(self.outcome.found.hold().is_err())
    }

    /// Lets everybody finish, stops the gateway as a service manager does, and compares.
    fn finish(mut self, limit: Duration) -> Result<Outcome> {
        self.crowd.region.set_up(true);
        let mut gateway = self.site.start()?;
        self.ready(&mut gateway, limit)?;
        self.crowd.drain(DRAIN)?;
        self.settled()?;
        let status = gateway.terminate(STOP)?;
        ensure!(status.success(), "SIGTERM: {status}");
        self.crowd.check()?;
        self.outcome.found =
            compare(&self.site, self.crowd.claims(true), Some(&self.crowd.region))?;
        Ok(self.outcome)
    }

    /// Waits until nothing is on its way to the region.
    fn settled(&self) -> Result<()> {
        let asked = Instant::now();
        loop {
            let status = self.site.json(&["status", "--json"])?;
            let backlog = status["destinations"].as_array().into_iter().flatten();
            let waiting: u64 = backlog.filter_map(|d| d["backlog"].as_u64()).sum();
            if waiting == 0 {
                return Ok(());
            }
            ensure!(asked.elapsed() < DRAIN, "{waiting} records still wait for the region");
            sleep(RUN);
        }
    }
}
