//! Durable receipts against mosquitto's PUBACKs that are not, and one terminal against the disk.

use crate::bench_box::{BenchBox, folder, stop};
use crate::load::{Load, Seen, Until, run};
use crate::peer;
use crate::table::{Row, count, median, ms, quantile};
use crate::terminal::{PAYLOAD, Terminal};
use anyhow::Result;
use std::fs::File;
use std::io::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Runs of each; the median counts.
const RUNS: u32 = 5;
const WARM_UP: Duration = Duration::from_secs(1);
const TIME: Duration = Duration::from_secs(3);
/// Punches of one terminal, each after one append to the disk.
const PUNCHES: u64 = 3000;
/// As many before, not counted.
const WARM_UPS: u64 = 300;

/// 50 connections, window 20: a minute and a half. Each run has a box of its own, so that none
/// waits for, or shares the processors with, the views of the one before.
pub(crate) fn receipts() -> Result<Vec<Row>> {
    let (mut ours, mut drops, mut keeps) = (Vec::new(), Vec::new(), Vec::new());
    let mut p99 = Vec::new();
    for _ in 0..RUNS {
        let mut seen = ours_alone()?;
        p99.push(quantile(&mut seen.latencies, 990).as_secs_f64());
        ours.push(seen.rate());
        drops.push(peer(false)?);
        keeps.push(peer(true)?);
    }
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

/// The terminals become known while it warms up.
fn ours_alone() -> Result<Seen> {
    let bench = BenchBox::new(|_, _| Ok(()))?;
    let (gateway, _) = bench.start()?;
    let seen = crowd(gateway.loopback()?)?;
    stop(gateway)?;
    Ok(seen)
}

fn crowd(address: SocketAddr) -> Result<Seen> {
    let load = Load { connections: 50, window: 20, boot: 1 };
    run(address, load, Until::Time(WARM_UP, TIME))
}

fn peer(keep: bool) -> Result<f64> {
    let dir = folder()?;
    let mosquitto = peer::start(dir.path(), peer::UNLIMITED, "")?;
    if keep {
        peer::keep_everything(&mosquitto)?;
    }
    Ok(crowd(mosquitto.address)?.rate())
}

/// One connection, window 1, and the disk by itself, one after the other in turn: so both meet the
/// same disk.
pub(crate) fn latency() -> Result<Vec<Row>> {
    let bench = BenchBox::new(|_, _| Ok(()))?;
    let (gateway, _) = bench.start()?;
    let mut file = File::options().create(true).append(true).open(bench.dir.join("syncs"))?;
    let mut terminal = Terminal::connect(gateway.loopback()?, "bench-one")?;
    let (mut disk, mut punch) = (Vec::new(), Vec::new());
    for number in 1..=WARM_UPS + PUNCHES {
        let (one, other) = (sync(&mut file)?, terminal.punch(number)?);
        if number > WARM_UPS {
            disk.push(one);
            punch.push(other);
        }
    }
    stop(gateway)?;
    let figures = |times: &mut Vec<Duration>| {
        let (median, p99) = (quantile(times, 500), quantile(times, 990));
        (median.as_secs_f64(), format!("{} (p99 {})", ms(median), ms(p99)))
    };
    let ((disk, disk_text), (punch, punch_text)) = (figures(&mut disk), figures(&mut punch));
    Ok(vec![Row {
        what: "one terminal, window 1: punch to receipt, median".to_owned(),
        ours: punch_text,
        against: format!("one fdatasync {disk_text}"),
        ratio: format!("{:.2}", punch / disk),
        goal: "at most 3",
        met: Some(punch / disk <= 3.0),
    }])
}

/// A small append to a file that grows, with its `fdatasync`.
fn sync(file: &mut File) -> Result<Duration> {
    let begun = Instant::now();
    file.write_all(&[7; PAYLOAD])?;
    file.sync_data()?;
    Ok(begun.elapsed())
}
