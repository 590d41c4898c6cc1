//! A box that grows: receipts a second with ten million records against an empty one, and how fast
//! its views are built again from the journal: more than a year's punches in their order, and a few
//! million of the load's that jump from day to day.

use crate::bench_box::{BenchBox, part, stop};
use crate::load::{Load, Until, run};
use crate::office;
use crate::table::{Row, count, median};
use anyhow::Result;
use muster_tests::gateway::Gateway;
use std::time::{Duration, Instant};

/// Records of a box that was full for years.
const FULL: u64 = 10_000_000;
/// Runs of each; the median counts.
const RUNS: u32 = 3;
const WARM_UP: Duration = Duration::from_secs(1);
const TIME: Duration = Duration::from_secs(3);
const SPEED_GOAL: f64 = 0.9;
const REBUILD_GOAL: f64 = 200_000.0;

/// Five minutes.
pub(crate) fn growth() -> Result<Vec<Row>> {
    let mut empty = Vec::new();
    for _ in 0..RUNS {
        let bench = BenchBox::new(|_, _| Ok(()))?;
        let (gateway, _) = bench.start()?;
        empty.push(receipts(&gateway, 1)?);
        stop(gateway)?;
    }
    let bench = BenchBox::new(|_, _| Ok(()))?;
    let (gateway, _) = bench.start()?;
    office::fill(gateway.loopback()?, part(FULL))?;
    let full = (1..=RUNS).map(|boot| receipts(&gateway, boot)).collect::<Result<Vec<_>>>()?;
    let (records, took) = rebuild(&bench)?;
    stop(gateway)?;
    let (empty, full) = (median(empty), median(full));
    let rate = records as f64 / took.as_secs_f64();
    Ok(vec![
        Row {
            what: format!("receipts/s beside {} records", count(part(FULL) as f64)),
            ours: count(full),
            against: format!("{} in an empty box", count(empty)),
            ratio: format!("{:.2}", full / empty),
            goal: "at least 0.9",
            met: Some(full / empty >= SPEED_GOAL),
        },
        Row {
            what: format!("views of {} records built again", count(records as f64)),
            ours: format!("{} records/s, {:.0} s", count(rate), took.as_secs_f64()),
            against: String::new(),
            ratio: String::new(),
            goal: "200,000",
            met: Some(rate >= REBUILD_GOAL),
        },
    ])
}

fn receipts(gateway: &Gateway, boot: u32) -> Result<f64> {
    let load = Load { connections: 50, window: 20, boot };
    Ok(run(gateway.loopback()?, load, Until::Time(WARM_UP, TIME))?.rate())
}

/// Records in the journal, and how long until all of them are in new views.
fn rebuild(bench: &BenchBox) -> Result<(u64, Duration)> {
    bench.site.muster(&["journal", "rebuild-views"])?;
    let begun = Instant::now();
    bench.settle_down()?;
    let took = begun.elapsed();
    let records = bench.site.json(&["status", "--json"])?["records"].as_u64();
    Ok((records.unwrap_or_default(), took))
}
