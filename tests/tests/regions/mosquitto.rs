//! A real mosquitto as region: TLS with a client certificate, its topic, and a restart that
//! forgets everything.

use crate::stage::Stage;
use anyhow::{Context as _, Result, ensure};
use muster_tests::mosquitto;
use muster_tests::office::DESTINATION;
use muster_tests::subscriber::Subscriber;
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::TcpListener;

#[test]
fn a_real_broker_gets_every_parcel_and_may_forget_its_sessions() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let plain = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let (mut broker, section) = mosquitto::region(folder.path(), plain)?;
    let mut stage = Stage::start(folder.path(), &section)?;
    let mut reader = Subscriber::start(plain)?;
    stage.punch(40)?;
    stage.settled(40)?;
    let mut ids = take(&mut reader, 40)?;
    broker.restart()?;
    let mut reader = Subscriber::start(plain)?;
    stage.punch(30)?;
    stage.settled(70)?;
    ids.extend(take(&mut reader, 30)?);
    ensure!(ids.len() == 70, "{} different records arrived", ids.len());
    // The log tells which region, and which batch was the last before it was gone.
    let log = std::fs::read_to_string(folder.path().join("gateway.log"))?;
    let gone = log.lines().find(|line| line.contains("not connected to the region"));
    let gone = gone.with_context(|| log.clone())?;
    ensure!(gone.contains(&format!("region{{destination=\"{DESTINATION}\"}}")), "{gone}");
    ensure!(gone.contains("batch="), "{gone}");
    stage.stop()
}

/// Reads until so many different records have come; their ids.
fn take(reader: &mut Subscriber, count: usize) -> Result<BTreeSet<String>> {
    let mut ids = BTreeSet::new();
    reader.read(|payload| {
        ids.extend(parcels(payload)?);
        Ok(ids.len() >= count)
    })?;
    Ok(ids)
}

/// The ids of a message's parcels, each with the profile's fields in the profile's order.
fn parcels(payload: &[u8]) -> Result<Vec<String>> {
    let parcels = match serde_json::from_slice(payload)? {
        Value::Array(parcels) => parcels,
        parcel => vec![parcel],
    };
    let text = std::str::from_utf8(payload)?;
    ensure!(text.trim_start_matches('[').starts_with(r#"{"event_id":"#), "{text}");
    parcels
        .into_iter()
        .map(|parcel| {
            let keys: BTreeSet<_> =
                parcel.as_object().context("no object")?.keys().map(String::as_str).collect();
            let fields = ["event_id", "subject_ref", "check_time", "direction", "site_ref"];
            ensure!(keys == BTreeSet::from(fields), "{parcel}");
            Ok(parcel["event_id"].as_str().context("no id")?.to_owned())
        })
        .collect()
}
