//! A box whose punches may all leave for one region, and a terminal at its loopback listener.

use anyhow::{Context as _, Result, ensure};
use muster_tests::binary::{Build, gateway};
use muster_tests::gateway::Gateway;
use muster_tests::link::{Answer, Link};
use muster_tests::office::{self, DESTINATION};
use muster_tests::punch::{now_s, rfc3339};
use muster_tests::site::{Layout, Site};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

/// The terminal.
const DEVICE: &str = "gate-1";
/// The person who punches.
const PERSON: &str = "00001";
/// How long a start or a stop may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long what is expected may take to come: a region's longest back-off and some more.
const EXPECTED: Duration = Duration::from_secs(45);

/// A running box.
pub(crate) struct Stage {
    pub(crate) site: Site,
    gateway: Gateway,
    link: Link,
    sent: u64,
}

impl Stage {
    /// Sets a box up in `folder` with these `[[region]]` sections and starts it.
    pub(crate) fn start(folder: &Path, regions: &str) -> Result<Self> {
        let mut layout = Layout::new(gateway(Build::Real)?, &folder.join("box"));
        layout.log = folder.join("gateway.log");
        layout.more = regions.to_owned();
        office::make_keys(&mut layout, folder)?;
        let site = Site::init(layout)?;
        office::import(&site, [PERSON.to_owned()].into_iter())?;
        office::publish(&site, folder)?;
        let mut gateway = site.start()?;
        gateway.ready(PATIENCE)?;
        let link = Link::open(gateway.loopback()?, DEVICE)?;
        Ok(Self { site, gateway, link, sent: 0 })
    }

    /// Punches so many times; each is receipted.
    pub(crate) fn punch(&mut self, count: u64) -> Result<()> {
        for _ in 0..count {
            self.sent += 1;
            let (seq, at) = (self.sent, rfc3339(now_s() - 3600 + self.sent as i64));
            let payload = format!(
                r#"{{"v":1,"boot":1,"seq":{seq},"person":"{PERSON}","at":"{at}","method":"card","outcome":"granted","direction":"in"}}"#
            );
            let topic = format!("muster/1/{DEVICE}/checkin");
            let answer = self.link.publish(&topic, payload.as_bytes())?;
            ensure!(answer == Answer::Acknowledged, "punch {seq} was not receipted");
        }
        Ok(())
    }

    /// What `status` says of the destination.
    pub(crate) fn destination(&self) -> Result<Value> {
        let status = self.site.json(&["status", "--json"])?;
        let all = status["destinations"].as_array().context("no destinations")?;
        let found = all.iter().find(|d| d["destination"] == DESTINATION);
        found.cloned().context("the destination is missing")
    }

    /// Waits until the destination's status is as wanted, and gives it.
    pub(crate) fn until(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let asked = Instant::now();
        loop {
            let now = self.destination()?;
            if wanted(&now) {
                return Ok(now);
            }
            ensure!(asked.elapsed() < EXPECTED, "not {what} within {EXPECTED:?}: {now}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits until so many are settled and none waits.
    pub(crate) fn settled(&self, count: u64) -> Result<()> {
        let done = |d: &Value| d["settled"] == count && d["backlog"] == 0;
        self.until(&format!("{count} settled"), done).map(drop)
    }

    /// Waits until `/metrics` has this line: gauges are set once a second.
    pub(crate) fn measured(&self, line: &str) -> Result<()> {
        let asked = Instant::now();
        loop {
            let (status, text) = self.gateway.http("/metrics")?;
            if status == 200 && text.lines().any(|told| told == line) {
                return Ok(());
            }
            ensure!(asked.elapsed() < PATIENCE, "/metrics, {status}: no {line} in {text}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Stops the box as a service manager does.
    pub(crate) fn stop(self) -> Result<()> {
        let status = self.gateway.terminate(PATIENCE)?;
        ensure!(status.success(), "SIGTERM: {status}");
        Ok(())
    }
}
