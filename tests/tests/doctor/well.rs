//! A box that is well, and one whose gateway does not run.

use crate::stage::{Stage, until};
use anyhow::{Result, ensure};
use muster_tests::device::{After, Device, Habits, Way};
use muster_tests::office;
use muster_tests::region::{Looks, Region};
use std::time::Duration;

#[test]
fn a_well_box_is_well_and_says_what_a_dead_disk_would_cost() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let region = Region::start(office::REGION, folder.path(), Looks::Closely)?;
    let stage = Stage::new(office::reaching(&region))?;
    let gateway = stage.start()?;
    office::publish(&stage.site, stage.folder.path())?;
    let way = Way::default();
    way.set(Some(gateway.loopback()?));
    let habits = Habits {
        name: "gate-1".into(),
        seed: 3,
        window: 1,
        after: After::Resend,
        pause: Duration::from_millis(5),
    };
    let terminal = Device::start(habits, &way);
    until("punches", || Ok(terminal.receipted() > 20))?;
    let complaints = stage.complaints()?;
    let none = complaints.iter().find(|line| line.contains("If the disk died now: all"));
    ensure!(none.is_some(), "{complaints:?}");
    let backup = stage.folder.path().join("a.backup");
    stage.site.muster(&["backup", "--to", office::as_text(&backup)?])?;
    std::fs::remove_file(stage.site.layout().dir.join("recovery-sheets.txt"))?;
    // The shipped law pack has a date for its review, which may be near.
    let dated = |line: &String| line.starts_with("warning law-pack");
    let complaints = stage.complaints()?;
    ensure!(complaints.iter().all(dated), "{complaints:#?}");
    let (code, report) = stage.doctor()?;
    let expect = if complaints.is_empty() { (0, "ok") } else { (1, "warning") };
    ensure!((code, report["state"].as_str().unwrap_or_default()) == expect, "{code} {report}");
    let checks = report["checks"].as_array().cloned().unwrap_or_default();
    let kinds: Vec<&str> = checks.iter().filter_map(|check| check["check"].as_str()).collect();
    for kind in [
        "configuration",
        "clock",
        "disk",
        "memory",
        "unit",
        "certificate",
        "gateway",
        "journal",
        "views",
        "vault",
        "policy",
        "device",
        "root-key",
        "backup",
        "region",
    ] {
        ensure!(kinds.contains(&kind), "{kind} was not looked at: {kinds:?}");
    }
    let plain = stage.site.output(&["doctor"])?;
    let plain = String::from_utf8_lossy(&plain.stdout);
    ensure!(plain.contains(" 0 broken"), "{plain}");
    Ok(())
}

#[test]
fn a_gateway_that_does_not_run_is_broken() -> Result<()> {
    let stage = Stage::new(|_, _| Ok(()))?;
    let (code, report) = stage.doctor()?;
    ensure!(code == 2 && report["state"] == "broken", "{code} {report}");
    let complaints = stage.complaints()?;
    ensure!(complaints.iter().any(|line| line.starts_with("broken gateway: not running")));
    std::fs::write(stage.site.config(), "[box\n")?;
    let (code, report) = stage.doctor()?;
    ensure!(code == 2 && report["checks"][0]["check"] == "configuration", "{report}");
    Ok(())
}
