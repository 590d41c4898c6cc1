//! Bad input from devices, from outside: each is refused or set aside under a reason that a person
//! can read, is counted in `/metrics` and `status`, and harms no honest device.

use anyhow::{Context as _, Result, ensure};
use muster_tests::binary::{Build, gateway};
use muster_tests::gateway::Gateway;
use muster_tests::link::{Answer, Link};
use muster_tests::punch::{now_s, rfc3339};
use muster_tests::site::{Layout, Site};
use serde_json::{Value, json};
use std::time::Duration;

/// The device that misbehaves.
const DEVICE: &str = "gate-1";
/// How long a start or a stop may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Refusals for good, by reason.
const REFUSALS: &str = "muster_intake_refusals_total";
/// Larger than any payload may be.
const HUGE: usize = 300_000;

/// What is sent, and where it is counted.
struct Case {
    name: &'static str,
    topic: &'static str,
    payload: Vec<u8>,
    counted: Counter,
}

/// A counter of `/metrics`; `label` is a value of its labels, empty where it has none.
#[derive(Clone, Copy)]
struct Counter {
    name: &'static str,
    label: &'static str,
    /// By how much it must grow.
    by: u64,
}

#[test]
fn bad_input_is_refused_counted_and_harms_nobody_else() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut layout = Layout::new(gateway(Build::Real)?, &folder.path().join("box"));
    layout.log = folder.path().join("gateway.log");
    let site = Site::init(layout)?;
    let mut gateway = site.start()?;
    gateway.ready(PATIENCE)?;
    let mut honest = Link::open(gateway.loopback()?, "gate-2")?;
    let mut bad = Link::open(gateway.loopback()?, DEVICE)?;
    for (number, case) in (1..).zip(cases()) {
        let before = sum(&gateway, case.counted)?;
        if bad.publish(case.topic, &case.payload)? == Answer::Closed {
            bad = Link::open(gateway.loopback()?, DEVICE)?;
        }
        let after = sum(&gateway, case.counted)?;
        ensure!(after == before + case.counted.by, "{}: {before}, then {after}", case.name);
        let punch = made(number).to_string();
        let answer = honest.publish("muster/1/gate-2/checkin", punch.as_bytes())?;
        ensure!(answer == Answer::Acknowledged, "{}: an honest device waits", case.name);
    }
    what_the_box_says(&site)?;
    let status = gateway.terminate(PATIENCE)?;
    ensure!(status.success(), "SIGTERM: {status}");
    Ok(())
}

/// Status and records agree on what was done.
fn what_the_box_says(site: &Site) -> Result<()> {
    let status = site.json(&["status", "--json"])?;
    for counter in cases().iter().map(|case| case.counted).filter(|c| c.name == REFUSALS) {
        let count = status["refused"][counter.label].as_u64();
        ensure!(count >= Some(1), "{}: {}", counter.label, status["refused"]);
    }
    ensure!(status["quarantined"] == 2, "{status}");
    // A number used twice tells of a copy; a clock that is wrong does not.
    let mut alarms = status["alarms"].as_array().context("no alarms")?.iter();
    let copied = alarms.find(|a| a["reason"] == "cloned" && a["device"] == DEVICE);
    ensure!(copied.is_some_and(|alarm| alarm["count"] == 1), "{}", status["alarms"]);
    let rows = site.json(&["records", "--format", "json"])?;
    let rows = rows.as_array().context("no list")?;
    for reason in ["SEQ-CONFLICT", "CLOCK-WAIT"] {
        let aside = rows.iter().filter(|row| row["state"] == "quarantined");
        let alike = aside.filter(|row| row["reasons"] == json!([reason])).count();
        ensure!(alike == 1, "{alike} are set aside for {reason}");
    }
    let honest = rows.iter().filter(|row| row["device"] == "gate-2").count();
    ensure!(honest == cases().len(), "{honest} punches of the honest device");
    Ok(())
}

/// The samples of a counter with this label.
fn sum(gateway: &Gateway, counter: Counter) -> Result<u64> {
    let (status, text) = gateway.http("/metrics")?;
    ensure!(status == 200, "/metrics answers {status}");
    let named = |line: &&str| line.starts_with(counter.name) && line.contains(counter.label);
    let samples = text.lines().filter(named);
    Ok(samples.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum())
}

/// A good check-in.
fn made(seq: u64) -> Value {
    json!({
        "v": 1, "boot": 1, "seq": seq, "person": "00017", "at": rfc3339(now_s() - 600),
        "method": "card", "outcome": "granted", "direction": "in", "live": false,
    })
}

fn with(seq: u64, field: &str, value: Value) -> Vec<u8> {
    let mut made = made(seq);
    made[field] = value;
    made.to_string().into_bytes()
}

fn refused(label: &'static str) -> Counter {
    Counter { name: REFUSALS, label, by: 1 }
}

fn taken(label: &'static str) -> Counter {
    Counter { name: "muster_intake_checkins_total", label, by: 1 }
}

fn cases() -> Vec<Case> {
    let case = |name, payload: Vec<u8>, counted| Case {
        name,
        topic: "muster/1/gate-1/checkin",
        payload,
        counted,
    };
    let good = |seq| made(seq).to_string().into_bytes();
    let whole = good(1);
    let cut = whole[..whole.len() - 9].to_vec();
    let mut not_text = good(2);
    not_text[20] = 0xFF;
    let huge = with(4, "note", Value::from("x".repeat(HUGE)));
    let elsewhere = case("another device's topic", good(5), refused("wrong-device"));
    let nowhere = case("a topic of others", good(5), refused("bad-topic"));
    let mut sparse = made(20);
    sparse.as_object_mut().map(|made| made.remove("person"));
    let mut unknown = made(21);
    (unknown["temperature"], unknown["IdCard"]) = (json!(36.5), json!("unread"));
    let unread = Counter { name: "muster_intake_unknown_fields_total", label: "", by: 2 };
    vec![
        case("cut short", cut, refused("malformed")),
        case("not text", not_text, refused("malformed")),
        case("too large", huge, refused("oversized")),
        Case { topic: "muster/1/gate-3/checkin", ..elsewhere },
        Case { topic: "mqtt/face/basic", ..nowhere },
        case("another version", with(6, "v", json!(9)), refused("unknown-version")),
        case("a number too long", with(7, "person", json!("7".repeat(49))), refused("bad-person")),
        case("no time", with(8, "at", json!("yesterday")), refused("bad-time")),
        case("granted to nobody", sparse.to_string().into_bytes(), refused("too-sparse")),
        case("unknown fields", unknown.to_string().into_bytes(), unread),
        // A back-fill of 1970 cannot be dated, and is kept apart until somebody does.
        case(
            "a clock in 1970",
            with(22, "at", json!("1970-01-01T08:00:09+08:00")),
            taken("quarantined"),
        ),
        case("a punch", good(23), taken("stored")),
        case("another of its number", with(23, "direction", json!("out")), taken("quarantined")),
    ]
}
