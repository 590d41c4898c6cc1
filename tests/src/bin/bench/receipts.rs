//! Durable receipts against mosquitto's PUBACKs that are not, and one terminal against the disk.

use crate::bench_box::{BenchBox, folder, stop};
use crate::load::{Load, Seen, Until, run};
use crate::peer::Mosquitto;
use crate::table::{Row, count, median, ms, quantile};
use anyhow::Result;
use std::fs::File;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

/// Runs of each; the median counts.
const RUNS: u32 = 5;
const WARM_UP: Duration = Duration::from_secs(1);
const TIME: Duration = Duration::from_secs(4);
/// Appends that are timed each round.
const SYNCS: usize = 300;
/// Punches that are timed each round.
const PUNCHES: u64 = 1500;
/// Rounds of one terminal and the disk in turn.
const ROUNDS: u32 = 5;

/// 50 connections, window 20.
pub(crate) fn receipts() -> Result<Vec<Row>> {
    let bench = BenchBox::new(|_, _| Ok(()))?;
    let (gateway, _) = bench.start()?;
    let (mut ours, mut drops, mut keeps) = (Vec::new(), Vec::new(), Vec::new());
    let mut p99 = Vec::new();
    // A first run makes the terminals known, and is not counted.
    for boot in 1..=RUNS + 1 {
        let mut seen = crowd(gateway.loopback()?, boot)?;
        bench.settle_down()?;
        if boot > 1 {
            p99.push(quantile(&mut seen.latencies, 990).as_secs_f64());
            ours.push(seen.rate());
            drops.push(peer(boot, false)?);
            keeps.push(peer(boot, true)?);
        }
    }
    stop(gateway)?;
    let (ours, p99) = (median(ours), median(p99));
    let row = |against: &str, theirs: Vec<f64>| {
        let theirs = median(theirs);
        Row {
            what: format!("receipts/s, 50 × 20, mosquitto {against}"),
            ours: format!("{} durable, p99 {p99:.4} s", count(ours)),
            against: format!("{} not durable", count(theirs)),
            ratio: format!("{:.2}", ours / theirs),
            goal: "2, aim at 3",
            met: Some(ours / theirs >= 2.0),
        }
    };
    Ok(vec![
        row("with no subscriber", drops),
        row("keeping them for a subscriber who is away", keeps),
    ])
}

fn crowd(address: SocketAddr, boot: u32) -> Result<Seen> {
    let load = Load { connections: 50, window: 20, boot };
    run(address, load, Until::Time(WARM_UP, TIME))
}

fn peer(boot: u32, keep: bool) -> Result<f64> {
    let dir = folder()?;
    let mosquitto = Mosquitto::start(dir.path(), "")?;
    if keep {
        mosquitto.keep_everything()?;
    }
    Ok(crowd(mosquitto.address, boot)?.rate())
}

/// One connection, window 1, and the disk by itself, in turn.
pub(crate) fn latency() -> Result<Vec<Row>> {
    let bench = BenchBox::new(|_, _| Ok(()))?;
    let (gateway, _) = bench.start()?;
    let (mut disk, mut punch, mut p99) = (Vec::new(), Vec::new(), Vec::new());
    for boot in 1..=ROUNDS + 1 {
        let mut syncs = syncs(bench.dir.path())?;
        let load = Load { connections: 1, window: 1, boot };
        let mut seen = run(gateway.loopback()?, load, Until::Count(PUNCHES))?;
        bench.settle_down()?;
        if boot > 1 {
            disk.push(quantile(&mut syncs, 500).as_secs_f64());
            punch.push(quantile(&mut seen.latencies, 500).as_secs_f64());
            p99.push(quantile(&mut seen.latencies, 990).as_secs_f64());
        }
    }
    stop(gateway)?;
    let (disk, punch, p99) = (median(disk), median(punch), median(p99));
    Ok(vec![Row {
        what: "one terminal, window 1: punch to receipt, median".to_owned(),
        ours: format!(
            "{} (p99 {})",
            ms(Duration::from_secs_f64(punch)),
            ms(Duration::from_secs_f64(p99))
        ),
        against: format!("{} one fdatasync", ms(Duration::from_secs_f64(disk))),
        ratio: format!("{:.2}", punch / disk),
        goal: "at most 3",
        met: Some(punch / disk <= 3.0),
    }])
}

/// Small appends to a file that grows, each with its `fdatasync`.
fn syncs(dir: &Path) -> Result<Vec<Duration>> {
    let mut file = File::options().create(true).append(true).open(dir.join("syncs"))?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let begun = Instant::now();
        file.write_all(&[7; 256])?;
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    Ok(times)
}
