//! The M1's image in an emulator, on a line paced to 115,200 baud: a finger's way to its receipt,
//! and how long a full queue takes to drain.

use crate::bench_box::{BenchBox, stop};
use crate::table::{Row, ms, quantile};
use anyhow::{Result, ensure};
use muster_tests::emulated::{Card, EmulatedM1};
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

/// Fingers on an empty queue: a minute.
pub(crate) fn fingers() -> Result<Vec<Row>> {
    on_a_line(0, |m1| Ok(vec![receipt(m1)?]))
}

/// A full queue: four minutes.
pub(crate) fn queue() -> Result<Vec<Row>> {
    on_a_line(QUEUED, |m1| Ok(vec![drain(m1)?]))
}

/// Measures an M1 with so many punches on its card, and compares the books.
fn on_a_line(
    queued: u64,
    measure: impl FnOnce(&mut EmulatedM1) -> Result<Vec<Row>>,
) -> Result<Vec<Row>> {
    let bench = BenchBox::new(|layout, dir| {
        layout.serial = vec![dir.join("tty-m1")];
        Ok(())
    })?;
    let dir = &bench.dir;
    let credentials = bench.site.pair("m1", NAME, dir)?;
    let (port, place) = (dir.join("tty-m1"), dir.join("m1"));
    let card = Card { mebibytes: CARD_MEBIBYTES, ..Card::default() };
    let mut m1 = EmulatedM1::with_card(&bench.site, NAME, &credentials, &port, &place, &card)?;
    m1.store_before(&secret(&credentials)?, queued)?;
    let (gateway, _) = bench.start()?;
    let waiting = m1.power_on()?;
    ensure!(waiting == queued, "{waiting} wait");
    let rows = measure(&mut m1)?;
    compare(&bench.site, vec![m1.claim()], None)?.hold()?;
    stop(gateway)?;
    Ok(rows)
}

fn drain(m1: &mut EmulatedM1) -> Result<Row> {
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

fn receipt(m1: &mut EmulatedM1) -> Result<Row> {
    let mut times = Vec::new();
    for number in 1..=FINGERS {
        times.push(m1.times((number % 5) as u16, PATIENCE)?.1);
    }
    let (median, p99) = (quantile(&mut times, 500), quantile(&mut times, 990));
    Ok(Row {
        what: format!("M1: finger found to receipt, {FINGERS} fingers, 115,200 baud, median"),
        ours: format!("{} (p99 {})", ms(median), ms(p99)),
        against: String::new(),
        ratio: String::new(),
        goal: "under 40 ms",
        met: Some(median < GOAL),
    })
}
