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
/// Messages that the bridge has under way. This many drain a little faster than its default of 20;
/// without a limit it goes through all that waits for each of them, and takes minutes.
const BRIDGE_WINDOW: u32 = 1_000;
/// Pause of the bridge between two tries: each goes through all that waits, and with as much as this
/// one a second stops the whole broker.
const BRIDGE_PAUSE_S: u32 = 20;
/// How long a drain may take.
const PATIENCE: Duration = Duration::from_secs(120);
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
    region.set_up(true);
    let live = std::thread::spawn(move || punch(address, "live", now_s() - 40_000, LIVE, 5));
    let drained = drain(&region, filled.acknowledged)?;
    let sent = live.join().ok().context("the live terminals failed")??;
    let mut times = arrivals(&region, &sent)?;
    stop(gateway)?;
    let p99 = quantile(&mut times, 990);
    let rate = filled.acknowledged as f64 / drained.as_secs_f64();
    // What is ours is told also where theirs does not come through.
    let (against, ratio) = match bridge() {
        Ok((theirs, bytes)) => {
            (format!("{} mosquitto bridge, {} resident", count(theirs), mib(bytes)), rate / theirs)
        }
        Err(error) => (format!("mosquitto bridge: {error:#}"), f64::NAN),
    };
    Ok(vec![
        row("start with 600,000 waiting: ready", ms(took), "1 s", took < START_GOAL),
        row("the same: resident", mib(bytes), "32 MiB", bytes <= MEMORY_GOAL),
        Row {
            what: "drain of 600,000, records/s".to_owned(),
            ours: format!("{}, settled durably", count(rate)),
            against,
            ratio: format!("{ratio:.2}"),
            goal: "1.5",
            met: (!ratio.is_nan()).then_some(ratio >= 1.5),
        },
        row("live punches meanwhile, p99 to the region", ms(p99), "250 ms", p99 < LIVE_GOAL),
    ])
}

fn row(what: &str, ours: String, goal: &'static str, met: bool) -> Row {
    let (against, ratio) = (String::new(), String::new());
    Row { what: what.to_owned(), ours, against, ratio, goal, met: Some(met) }
}

/// How long from the first arrival until all are there: what it takes to find the region again is no
/// part of the speed.
fn drain(region: &Region, count: u64) -> Result<Duration> {
    wait_for(region, 1)?;
    wait_for(region, count)
}

fn wait_for(region: &Region, count: u64) -> Result<Duration> {
    let begun = Instant::now();
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
         cleansession false\ntry_private false\nnotifications false\n\
         restart_timeout {BRIDGE_PAUSE_S}\n",
        region.port(),
        dir.path().join("region-ca.pem").display(),
    );
    let mosquitto = peer::start(dir.path(), BRIDGE_WINDOW, &more)?;
    let load = Load { connections: 50, window: 20, boot: 1 };
    let filled = run(mosquitto.address, load, Until::Count(part(BACKLOG)))?;
    let bytes = resident(mosquitto.pid())?;
    region.set_up(true);
    let took = drain(&region, filled.acknowledged)?;
    Ok((filled.acknowledged as f64 / took.as_secs_f64(), bytes))
}
