//! 1,000 punches a second to the region's acknowledgement.

use crate::bench_box::{BenchBox, stop};
use crate::table::{Row, ms, quantile};
use crate::terminal::Terminal;
use anyhow::{Context as _, Result, ensure};
use muster_tests::office::{DESTINATION, REGION};
use muster_tests::punch::{now_s, rfc3339};
use muster_tests::region::{Looks, Region};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Terminals that punch in turn.
const TERMINALS: u64 = 10;
/// Punches a second, of all.
const RATE: u64 = 1000;
/// Seconds of it, after one to warm up.
const SECONDS: u64 = 20;
/// How long the last may take.
const PATIENCE: Duration = Duration::from_secs(30);
const GOAL: Duration = Duration::from_millis(250);

pub(crate) fn region() -> Result<Vec<Row>> {
    let mut region = None;
    let bench = BenchBox::new(|layout, dir| {
        let started = Region::start(REGION, dir, Looks::AtTheClock)?;
        layout.more = started.section(DESTINATION);
        region = Some(started);
        Ok(())
    })?;
    let region = region.context("no region")?;
    let (gateway, _) = bench.start()?;
    let sent = punch(gateway.loopback()?, "live", now_s() - 40_000, RATE, SECONDS)?;
    let mut times = arrivals(&region, &sent)?;
    times.drain(..(RATE as usize).min(times.len()));
    stop(gateway)?;
    let (median, p99) = (quantile(&mut times, 500), quantile(&mut times, 990));
    Ok(vec![Row {
        what: "1,000 punches/s, punch to the region's acknowledgement, p99".to_owned(),
        ours: format!("{} (median {})", ms(p99), ms(median)),
        against: "1.2 s promised elsewhere".to_owned(),
        ratio: String::new(),
        goal: "250 ms",
        met: Some(p99 < GOAL),
    }])
}

/// Punches whose times are all different, by which the region knows them; when each was due.
pub(crate) type Sent = Vec<(String, Instant)>;

/// `rate` punches a second whatever the box does; each is due at its own moment, so that waiting
/// counts. Times of punches begin at `first_s`, one second apart.
pub(crate) fn punch(
    address: SocketAddr,
    name: &str,
    first_s: i64,
    rate: u64,
    seconds: u64,
) -> Result<Sent> {
    let mut terminals = Vec::new();
    for number in 0..TERMINALS {
        let terminal = Terminal::connect(address, &format!("{name}-{number}"))?;
        terminal.ignore_answers()?;
        terminals.push(terminal);
    }
    let begun = Instant::now();
    let mut sent = Vec::new();
    for number in 0..rate * seconds {
        let due = begun + Duration::from_micros(1_000_000 / rate) * number as u32;
        sleep(due.saturating_duration_since(Instant::now()));
        let at_s = first_s + number as i64;
        let terminal = terminals.get_mut((number % TERMINALS) as usize).context("no terminal")?;
        terminal.send(number / TERMINALS + 1, at_s)?;
        sent.push((rfc3339(at_s), due));
    }
    Ok(sent)
}

/// Waits until all of `sent` have arrived; how long each took, in the order they were sent.
pub(crate) fn arrivals(region: &Region, sent: &Sent) -> Result<Vec<Duration>> {
    let begun = Instant::now();
    loop {
        let times: Vec<_> = {
            let guard = region.arrived();
            let arrived: HashMap<&str, Instant> = guard.times().collect();
            let took = |(time, due): &(String, Instant)| {
                Some(arrived.get(&**time)?.saturating_duration_since(*due))
            };
            sent.iter().filter_map(took).collect()
        };
        if times.len() == sent.len() {
            return Ok(times);
        }
        let (found, all) = (times.len(), sent.len());
        ensure!(begun.elapsed() < PATIENCE, "{found} of {all} punches arrived at the region");
        sleep(Duration::from_millis(200));
    }
}
