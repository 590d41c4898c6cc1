//! The M1's image in an emulator, on a line paced to 115,200 baud: a finger's way to its receipt,
//! and how long a full queue takes to drain.

use crate::bench_box::{BenchBox, stop};
use crate::table::{Row, ms, quantile};
use anyhow::{Result, ensure};
use muster_tests::emulated::{Card, EmulatedM1, receipted};
use muster_tests::ledgerbook::compare;
use muster_tests::serial::secret;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

const NAME: &str = "m1-door";
/// Punches that wait on the card.
const QUEUED: u64 = 10_000;
/// A card that has room for them.
const CARD_MEBIBYTES: u8 = 4;
/// Fingers whose time is taken.
const FINGERS: u64 = 200;
/// How long receipts may take.
const PATIENCE: Duration = Duration::from_secs(1_200);
/// Bytes a second at 115,200 baud.
const LINE: f64 = 11_520.0;
const GOAL: Duration = Duration::from_millis(40);

pub(crate) fn m1() -> Result<Vec<Row>> {
    let bench = BenchBox::new(|layout, dir| {
        layout.serial = vec![dir.join("tty-m1")];
        Ok(())
    })?;
    let dir = bench.dir.path();
    let credentials = bench.site.pair("m1", NAME, dir)?;
    let (port, place) = (dir.join("tty-m1"), dir.join("m1"));
    let card = Card { mebibytes: CARD_MEBIBYTES, firmware: None };
    let mut m1 = EmulatedM1::with_card(&bench.site, NAME, &credentials, &port, &place, &card)?;
    m1.store_before(&secret(&credentials)?, QUEUED)?;
    let (gateway, _) = bench.start()?;
    let drained = drain(&mut m1)?;
    let fingers = fingers(&mut m1)?;
    compare(&bench.site, vec![m1.claim()], None)?.hold()?;
    stop(gateway)?;
    Ok(vec![fingers, drained])
}

fn drain(m1: &mut EmulatedM1) -> Result<Row> {
    let waiting = m1.power_on()?;
    ensure!(waiting == QUEUED, "{waiting} wait");
    let carried =
        |m1: &EmulatedM1| m1.wire().carried.load(SeqCst) + m1.wire().carried_down.load(SeqCst);
    let (begun, before) = (Instant::now(), carried(m1));
    m1.drain(QUEUED, PATIENCE)?;
    let took = begun.elapsed().as_secs_f64();
    let bytes = (carried(m1) - before) as f64;
    Ok(Row {
        what: format!("{QUEUED} punches queued at an M1, 115,200 baud"),
        ours: format!("{took:.0} s, {:.0}/s", QUEUED as f64 / took),
        against: format!("{:.0} s on the line, which is used one way at a time", bytes / LINE),
        ratio: format!("{:.2}", took * LINE / bytes),
        goal: "no loss",
        met: Some(true),
    })
}

fn fingers(m1: &mut EmulatedM1) -> Result<Row> {
    let mut times = Vec::new();
    for number in 1..=FINGERS {
        let (found, _) = m1.timed_punch((number % 5) as u16)?;
        m1.drain(QUEUED + number, PATIENCE)?;
        let seen = m1.machine()?.seen();
        let at = seen.lines.back().map(|(at, _)| *at);
        ensure!(receipted(&seen) == QUEUED + number, "receipts out of turn");
        times.extend(at.map(|at| at.duration_since(found)));
    }
    let (median, p99) = (quantile(&mut times, 500), quantile(&mut times, 990));
    Ok(Row {
        what: "M1: finger found to receipt, 115,200 baud, median".to_owned(),
        ours: format!("{} (p99 {})", ms(median), ms(p99)),
        against: String::new(),
        ratio: String::new(),
        goal: "under 40 ms",
        met: Some(median < GOAL),
    })
}
