//! 600,000 records for a region that is away: the start with them, the drain when it is back, and
//! live punches meanwhile; against a mosquitto bridge with its limits raised.

use crate::bench_box::{BenchBox, folder, part, stop};
use crate::load::{Load, Until, run};
use crate::peer;
use crate::region::{arrivals, punch};
use crate::table::{Row, count, mib, ms, quantile};
use anyhow::{Context as _, Result, ensure};
use muster_tests::gateway::resident;
use muster_tests::office::{DESTINATION, REGION};
use muster_tests::punch::now_s;
use muster_tests::region::{Looks, Region};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Records that wait.
const BACKLOG: u64 = 600_000;
/// Live punches a second while the backlog drains.
const LIVE: u64 = 100;
/// How long a drain may take.
const PATIENCE: Duration = Duration::from_secs(300);
/// How often the region is looked at.
const TICK: Duration = Duration::from_millis(10);

const START_GOAL: Duration = Duration::from_secs(1);
const MEMORY_GOAL: u64 = 32 << 20;
const LIVE_GOAL: Duration = Duration::from_millis(250);

/// Two minutes.
pub(crate) fn backlog() -> Result<Vec<Row>> {
    let mut region = None;
    let bench = BenchBox::new(|layout, dir| {
        let started = Region::start(REGION, dir, Looks::AtTheClock)?;
        started.set_up(false);
        layout.more = started.section(DESTINATION);
        region = Some(started);
        Ok(())
    })?;
    let region = region.context("no region")?;
    let (gateway, _) = bench.start()?;
    let load = Load { connections: 50, window: 20, boot: 1 };
    let filled = run(gateway.loopback()?, load, Until::Count(part(BACKLOG)))?;
    bench.settle_down()?;
    stop(gateway)?;

    let (gateway, took) = bench.start()?;
    let bytes = gateway.resident()?;
    let address = gateway.loopback()?;
    let begun = Instant::now();
    region.set_up(true);
    let live = std::thread::spawn(move || punch(address, "live", now_s() - 40_000, LIVE, 5));
    let drained = wait_for(&region, filled.acknowledged, begun)?;
    let sent = live.join().ok().context("the live terminals failed")??;
    let mut times = arrivals(&region, &sent)?;
    stop(gateway)?;
    let theirs = bridge()?;
    let p99 = quantile(&mut times, 990);
    let rate = filled.acknowledged as f64 / drained.as_secs_f64();
    Ok(vec![
        row("start with 600,000 waiting: ready", ms(took), "1 s", took < START_GOAL),
        row("the same: resident", mib(bytes), "32 MiB", bytes <= MEMORY_GOAL),
        Row {
            what: "drain of 600,000, records/s".to_owned(),
            ours: format!("{}, settled durably", count(rate)),
            against: format!("{} mosquitto bridge, {} resident", count(theirs.0), mib(theirs.1)),
            ratio: format!("{:.2}", rate / theirs.0),
            goal: "1.5",
            met: Some(rate / theirs.0 >= 1.5),
        },
        row("live punches meanwhile, p99 to the region", ms(p99), "250 ms", p99 < LIVE_GOAL),
    ])
}

fn row(what: &str, ours: String, goal: &'static str, met: bool) -> Row {
    let (against, ratio) = (String::new(), String::new());
    Row { what: what.to_owned(), ours, against, ratio, goal, met: Some(met) }
}

fn wait_for(region: &Region, count: u64, begun: Instant) -> Result<Duration> {
    loop {
        let arrived = region.arrived().count;
        if arrived >= count {
            return Ok(begun.elapsed());
        }
        ensure!(begun.elapsed() < PATIENCE, "{arrived} of {count} arrived");
        sleep(TICK);
    }
}

/// Records a second of a bridge to the same kind of region, and its memory with the backlog.
fn bridge() -> Result<(f64, u64)> {
    let dir = folder()?;
    let region = Region::start(REGION, dir.path(), Looks::AtTheClock)?;
    region.set_up(false);
    let more = format!(
        "connection region\naddress localhost:{}\nbridge_cafile {}\ntopic muster/# out 1\n\
         cleansession false\ntry_private false\nnotifications false\nrestart_timeout 1\n",
        region.port(),
        dir.path().join("region-ca.pem").display()
    );
    let mosquitto = peer::start(dir.path(), &more)?;
    let load = Load { connections: 50, window: 20, boot: 1 };
    let filled = run(mosquitto.address, load, Until::Count(part(BACKLOG)))?;
    let bytes = resident(mosquitto.pid())?;
    region.set_up(true);
    let begun = Instant::now();
    // What it needs to find the region again is no part of its speed.
    while region.arrived().count == 0 {
        ensure!(begun.elapsed() < PATIENCE, "the bridge does not come back");
        sleep(TICK);
    }
    let took = wait_for(&region, filled.acknowledged, Instant::now())?;
    Ok((filled.acknowledged as f64 / took.as_secs_f64(), bytes))
}
