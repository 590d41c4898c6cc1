//! Alert rules and dashboard: Prometheus takes them, the alerts fire when they must, and every
//! metric they name is one that the gateway gives.

use anyhow::{Context as _, Result, ensure};
use muster_tests::binary::{Build, gateway};
use muster_tests::device::{After, Device, Habits, Way};
use muster_tests::office;
use muster_tests::region::{Looks, Region};
use muster_tests::site::{Layout, Site};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/dashboards")
}

fn promtool(args: &[&str]) -> Result<()> {
    let output = Command::new("promtool")
        .args(args)
        .current_dir(folder())
        .output()
        .context("promtool is missing; install the package prometheus")?;
    let said = [output.stdout, output.stderr].concat();
    ensure!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&said));
    Ok(())
}

/// Every word that begins as our metrics do.
fn metrics(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("muster_")).map(str::to_owned).collect()
}

#[test]
fn prometheus_takes_the_rules_and_they_fire_when_they_must() -> Result<()> {
    promtool(&["check", "rules", "muster.rules.yml"])?;
    promtool(&["test", "rules", "muster.rules.test.yml"])
}

#[test]
fn every_metric_that_is_named_is_given() -> Result<()> {
    let place = tempfile::tempdir()?;
    let region = Region::start(office::REGION, place.path(), Looks::Closely)?;
    let mut layout = Layout::new(gateway(Build::Real)?, &place.path().join("box"));
    layout.more = region.section(office::DESTINATION);
    office::make_keys(&mut layout, place.path())?;
    let site = Site::init(layout)?;
    office::import(&site, ["00001".to_owned()].into_iter())?;
    let mut gateway = site.start()?;
    gateway.ready(Duration::from_secs(10))?;
    office::publish(&site, place.path())?;
    let way = Way::default();
    way.set(Some(gateway.loopback()?));
    let (after, pause) = (After::Resend, Duration::from_millis(5));
    let habits = Habits { name: "gate-1".into(), seed: 5, window: 2, after, pause };
    let _terminal = Device::start(habits, &way);
    let mut named = metrics(&std::fs::read_to_string(folder().join("muster.rules.yml"))?);
    let dashboard = std::fs::read_to_string(folder().join("muster.json"))?;
    let parsed: serde_json::Value = serde_json::from_str(&dashboard)?;
    ensure!(parsed["panels"].as_array().is_some_and(|panels| panels.len() > 8));
    named.extend(metrics(&dashboard));
    // Only given after the first refusal.
    named.remove("muster_refusals_total");
    let asked = Instant::now();
    loop {
        let (_, text) = gateway.http("/metrics")?;
        let given = metrics(&text);
        let missing: Vec<_> = named.difference(&given).collect();
        if missing.is_empty() {
            return Ok(());
        }
        ensure!(asked.elapsed() < Duration::from_secs(20), "nobody gives {missing:?}");
        std::thread::sleep(Duration::from_millis(200));
    }
}
