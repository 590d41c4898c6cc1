//! A real mosquitto as region, and a customer whose key parcels are sealed to: who runs the broker
//! reads nothing, the customer opens every parcel with the program that ships, and the transfers'
//! log says what was sealed.

use crate::stage::Stage;
use anyhow::{Context as _, Result, ensure};
use muster_tests::binary::firmware;
use muster_tests::mosquitto;
use muster_tests::office::DESTINATION;
use muster_tests::subscriber::Subscriber;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

const PUNCHES: u64 = 40;

#[test]
fn what_is_sealed_is_read_by_the_customer_and_by_nobody_on_the_way() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let plain = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let (mut broker, section) = mosquitto::region(folder.path(), plain)?;
    customer(folder.path())?;
    let public = folder.path().join("customer.pub");
    let section = format!("{section}seal_to = \"{}\"\n", public.display());
    let mut stage = Stage::start(folder.path(), &section)?;
    let mut reader = Subscriber::start(plain)?;
    stage.punch(PUNCHES)?;
    stage.settled(PUNCHES)?;
    let parcels = reader.parcels(PUNCHES as usize)?;
    for parcel in &parcels {
        let text = parcel.to_string();
        ensure!(text.len() <= 512, "{} bytes: {text}", text.len());
        let keys: Vec<_> = parcel.as_object().context("no object")?.keys().collect();
        ensure!(keys == ["sealed", "sealed_to"], "{text}");
    }
    let (opened, told) = open(folder.path(), DESTINATION, &parcels)?;
    ensure!(told.is_empty(), "{told}");
    let ids: BTreeSet<_> = opened.iter().map(|p| p["event_id"].to_string()).collect();
    ensure!(ids.len() == PUNCHES as usize, "{} records were opened", ids.len());
    let named = |p: &Value| p["site_ref"].is_string() && p["subject_ref"].is_string();
    ensure!(opened.iter().all(named), "{opened:?}");
    let (none, told) = open(folder.path(), "another", &parcels)?;
    ensure!(none.is_empty() && told.contains("of another destination"), "{told}");
    transfers_say_so(&stage, &parcels[0])?;
    broker.restart()?;
    stage.punch(1)?;
    stage.settled(PUNCHES + 1)?;
    stage.stop()
}

/// The key that parcels are sealed to stands in the report of what left.
fn transfers_say_so(stage: &Stage, parcel: &Value) -> Result<()> {
    let key = parcel["sealed_to"].as_str().context("no key is named")?;
    let report = stage.site.muster(&["report", "transfers", "--format", "csv"])?;
    ensure!(report.contains(key), "{report} does not name {key}");
    Ok(())
}

/// A customer's pair of keys, made as the handbook says.
fn customer(folder: &Path) -> Result<()> {
    let key = folder.join("customer.key");
    let run = |args: &[&str]| {
        let done = Command::new("openssl").args(args).output().context("openssl")?;
        ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        anyhow::Ok(())
    };
    let (key, public) = (key.display().to_string(), folder.join("customer.pub"));
    run(&["genpkey", "-algorithm", "X25519", "-out", &key])?;
    run(&["pkey", "-in", &key, "-pubout", "-out", &public.display().to_string()])
}

/// What `muster-verify open` prints of the parcels, and what it complains of.
fn open(folder: &Path, destination: &str, parcels: &[Value]) -> Result<(Vec<Value>, String)> {
    let file = folder.join("arrived.json");
    fs::write(&file, serde_json::to_vec(parcels)?)?;
    let done = Command::new(firmware("muster-verify", "muster-verify")?)
        .args(["open", "--destination", destination, "--key"])
        .arg(folder.join("customer.key"))
        .arg(&file)
        .output()?;
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    ensure!(done.status.code() == Some(i32::from(!told.is_empty())), "{} {told}", done.status);
    let lines = String::from_utf8(done.stdout)?;
    let opened: Result<Vec<Value>, _> = lines.lines().map(serde_json::from_str).collect();
    Ok((opened?, told))
}
