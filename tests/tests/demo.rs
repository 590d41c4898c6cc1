//! The demo is the main job on real parts: it must keep every promise, as it counts them itself at
//! both far ends.

use anyhow::{Context as _, Result, ensure};
use muster_tests::binary::{Build, gateway};
use muster_tests::emulated::image;
use serde_json::Value;
use std::process::Command;

/// How long it plays, in seconds.
const SECONDS: &str = "30";
/// Punches that it makes at the least.
const PUNCHES: u64 = 200;

#[test]
fn the_demo_loses_nothing_and_leaks_nothing() -> Result<()> {
    plays(&[])
}

#[test]
fn the_demo_runs_the_real_image_too() -> Result<()> {
    let image = image()?;
    plays(&["--qemu", "--image", image.to_str().context("a name is not text")?])
}

#[test]
fn a_demo_without_its_image_says_what_to_do() -> Result<()> {
    let binary = gateway(Build::Real)?;
    let output = Command::new(binary).args(["demo", "--qemu", "--image", "no-such"]).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(!output.status.success() && said.contains("firmware/build m1"), "{said}");
    Ok(())
}

fn plays(more: &[&str]) -> Result<()> {
    let binary = gateway(Build::Real)?;
    let mut command = Command::new(binary);
    let output = command.args(["demo", "--for", SECONDS, "--json"]).args(more).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {said}", output.status);
    let summary: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("not one JSON document: {output:?}"))?;
    let number = |key: &str| summary[key].as_u64().with_context(|| format!("no {key}: {summary}"));
    ensure!(number("punches")? >= PUNCHES, "too few punches: {summary}");
    ensure!(number("receipted")? == number("punches")?, "{summary}");
    ensure!(number("lost")? == 0, "{summary}");
    ensure!(number("biometric_bytes_in")? > 100_000, "{summary}");
    ensure!(number("biometric_bytes_out")? == 0, "{summary}");
    let counts = |key: &str| {
        let counts = summary[key].as_object().into_iter().flatten();
        counts.filter_map(|(name, count)| Some((name.clone(), count.as_u64()?))).collect::<Vec<_>>()
    };
    let forwarded = counts("forwarded");
    ensure!(forwarded.len() == 2 && forwarded.iter().all(|(_, n)| *n > 0), "{summary}");
    let held = counts("held");
    ensure!(held.len() >= 2, "one person is unmapped and one record held: {summary}");
    let found: u64 = forwarded.iter().chain(&held).map(|(_, n)| n).sum();
    ensure!(found == number("punches")?, "{summary}");
    Ok(())
}
