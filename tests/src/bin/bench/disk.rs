//! Bytes on disk of a record, journal and views, after a million; against the sqlite storage of
//! thingsboard-gateway, where its package is installed.

use crate::bench_box::{BenchBox, disk_bytes, folder, part, stop};
use crate::load::{Load, Until, run};
use crate::table::{Row, mib, ms};
use anyhow::{Context as _, Result, ensure};
use std::ffi::OsString;
use std::process::Command;
use std::time::Duration;

const RECORDS: u64 = 1_000_000;
/// Records for the rival, which takes its time; what each takes does not depend on it.
const THEIR_RECORDS: u64 = 300_000;
/// Fills the rival's storage; needs `pip install thingsboard-gateway==3.8.5`.
const THINGSBOARD: &str = include_str!("thingsboard.py");
/// The Python that has the package.
const PYTHON: &str = "MUSTER_BENCH_PYTHON";
const GOAL: f64 = 400.0;
const START_GOAL: Duration = Duration::from_secs(1);

/// A minute.
pub(crate) fn disk() -> Result<Vec<Row>> {
    let bench = BenchBox::new(|_, _| Ok(()))?;
    let (gateway, _) = bench.start()?;
    let load = Load { connections: 50, window: 20, boot: 1 };
    let filled = run(gateway.loopback()?, load, Until::Count(part(RECORDS)))?;
    bench.settle_down()?;
    let resident = gateway.resident()?;
    stop(gateway)?;
    let per = |folder: &str| -> Result<f64> {
        let bytes = disk_bytes(&bench.site.data().join(folder))?;
        Ok(bytes as f64 / filled.acknowledged as f64)
    };
    let (journal, views) = (per("journal")?, per("views")?);
    let (gateway, took) = bench.start()?;
    stop(gateway)?;
    let all = journal + views;
    let (against, ratio) = match theirs() {
        Ok(theirs) => {
            (format!("thingsboard-gateway's sqlite {theirs:.0} B"), format!("{:.2}", all / theirs))
        }
        Err(error) => (format!("{error:#}"), String::new()),
    };
    let row = |what: &str, ours: String, goal, met| Row {
        what: what.to_owned(),
        ours,
        against: String::new(),
        ratio: String::new(),
        goal,
        met: Some(met),
    };
    let each = format!("{all:.0} B (journal {journal:.0}, views {views:.0})");
    Ok(vec![
        Row {
            against,
            ratio,
            ..row("disk per record after a million", each, "400 B", all <= GOAL)
        },
        row("resident after a million in one go", mib(resident), "", true),
        row("start with a million", ms(took), "1 s", took < START_GOAL),
    ])
}

fn theirs() -> Result<f64> {
    let dir = folder()?;
    let (script, data) = (dir.path().join("thingsboard.py"), dir.path().join("data"));
    std::fs::write(&script, THINGSBOARD)?;
    std::fs::create_dir(&data)?;
    let python = std::env::var_os(PYTHON).unwrap_or_else(|| OsString::from("python3"));
    let mut command = Command::new(&python);
    command.arg(&script).arg(&data).arg(part(THEIR_RECORDS).to_string());
    let output = command.output().with_context(|| format!("cannot run {python:?}"))?;
    let missing = "thingsboard-gateway is not installed; see `MUSTER_BENCH_PYTHON`";
    ensure!(output.status.success(), missing);
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}
