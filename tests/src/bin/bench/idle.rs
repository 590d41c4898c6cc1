//! A box with nothing to do: page, TLS listener, loopback, metrics all on.

use crate::bench_box::{BenchBox, stop};
use crate::table::{Row, mib};
use anyhow::Result;
use std::thread::sleep;
use std::time::Duration;

/// Before anything is measured.
const REST: Duration = Duration::from_secs(5);
const TIME: Duration = Duration::from_secs(30);
const GOAL_BYTES: u64 = 20 << 20;
const GOAL_CPU: f64 = 0.5;

pub(crate) fn idle() -> Result<Vec<Row>> {
    let bench = BenchBox::new(|layout, _| {
        (layout.tls, layout.page) = (true, true);
        Ok(())
    })?;
    let (gateway, _) = bench.start()?;
    sleep(REST);
    let before = gateway.cpu()?;
    sleep(TIME);
    let percent = (gateway.cpu()? - before).as_secs_f64() / TIME.as_secs_f64() * 100.0;
    let bytes = gateway.resident()?;
    stop(gateway)?;
    let row = |what: &str, ours, goal, met| Row {
        what: what.to_owned(),
        ours,
        against: String::new(),
        ratio: String::new(),
        goal,
        met: Some(met),
    };
    Ok(vec![
        row("idle, resident", mib(bytes), "20 MiB", bytes <= GOAL_BYTES),
        row("idle, of one core", format!("{percent:.2} %"), "0.5 %", percent < GOAL_CPU),
    ])
}
