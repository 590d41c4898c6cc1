//! A box with one M1.

use anyhow::{Context as _, Result, ensure};
use muster_tests::binary::{Build, gateway};
use muster_tests::emulated::{Card, EmulatedM1};
use muster_tests::gateway::Gateway;
use muster_tests::ledgerbook::compare;
use muster_tests::site::{Layout, Site};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long the gateway may take to start or stop.
pub(crate) const BOX: Duration = Duration::from_secs(10);
/// How long the last receipts may take: the box looks for a line every five seconds at worst, the
/// terminal for a box every eight.
pub(crate) const RECEIPTS: Duration = Duration::from_secs(60);
/// The terminal's name.
pub(crate) const NAME: &str = "m1-door";

/// A running box, and an M1 that is off.
pub(crate) struct Stage {
    pub(crate) gateway: Option<Gateway>,
    pub(crate) site: Site,
    pub(crate) m1: EmulatedM1,
    pub(crate) secret: [u8; 32],
    pub(crate) dir: tempfile::TempDir,
}

impl Stage {
    pub(crate) fn new() -> Result<Self> {
        Self::with_terminal(NAME, None)
    }

    /// The terminal on the line is called `name`, and has the pairing's secret or one of its own.
    pub(crate) fn with_terminal(name: &str, secret: Option<&str>) -> Result<Self> {
        Self::made(name, secret, &Card { mebibytes: 1, firmware: None })
    }

    /// The terminal's card bears firmware: a signed image, and the key it is signed with.
    pub(crate) fn with_firmware(image: PathBuf, key: PathBuf) -> Result<Self> {
        Self::made(NAME, None, &Card { mebibytes: 1, firmware: Some((image, key)) })
    }

    fn made(name: &str, secret: Option<&str>, card: &Card) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let port = dir.path().join("tty-m1");
        let mut layout = Layout::new(gateway(Build::Real)?, &dir.path().join("box"));
        layout.serial = vec![port.clone()];
        let site = Site::init(layout)?;
        let credentials = site.pair("m1", NAME, dir.path())?;
        if let Some(secret) = secret {
            std::fs::write(credentials.join("device.secret"), secret)?;
        }
        let secret = muster_tests::serial::secret(&credentials)?;
        let place = dir.path().join("m1");
        let m1 = EmulatedM1::with_card(&site, name, &credentials, &port, &place, card)?;
        let mut gateway = site.start()?;
        gateway.ready(BOX)?;
        Ok(Self { gateway: Some(gateway), site, m1, secret, dir })
    }

    pub(crate) fn gateway(&self) -> &Gateway {
        self.gateway.as_ref().expect("the box runs")
    }

    /// Kills the box.
    pub(crate) fn kill_box(&mut self) -> Result<()> {
        self.gateway.take().map_or(Ok(()), Gateway::kill)
    }

    pub(crate) fn start_box(&mut self) -> Result<()> {
        let mut gateway = self.site.start()?;
        gateway.ready(BOX)?;
        self.gateway = Some(gateway);
        Ok(())
    }

    /// Everything beeped for is on the box, once, and nothing else is.
    pub(crate) fn hold(&self) -> Result<()> {
        let found = compare(&self.site, vec![self.m1.claim()], None)?;
        println!("{found:?}");
        found.hold()
    }

    /// Waits until `/healthz` has an alarm with these words, of the terminal or of nobody.
    pub(crate) fn alarm(&self, words: &str) -> Result<()> {
        let begun = Instant::now();
        loop {
            let (code, body) = self.gateway().http("/healthz")?;
            let report: serde_json::Value = serde_json::from_str(&body)?;
            let checks = report["checks"].as_array();
            let check = checks.and_then(|all| all.iter().find(|c| c["name"] == "terminals"));
            let check = check.context("no check of terminals")?;
            let cause = check["cause"].as_str().unwrap_or_default();
            if cause.contains(words) {
                ensure!(code == 200 && check["status"] == "degraded", "{report}");
                ensure!(check["cure"].as_str().is_some_and(|cure| !cure.is_empty()), "{report}");
                return Ok(());
            }
            ensure!(begun.elapsed() < RECEIPTS, "no alarm {words:?}: {check}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// How often the box has refused for this reason.
    pub(crate) fn refused(&self, reason: &str) -> Result<u64> {
        let (_, metrics) = self.gateway().http("/metrics")?;
        let name = format!("muster_refusals_total{{reason=\"{reason}\"}} ");
        let count = metrics.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok());
        Ok(count.unwrap_or(0))
    }
}
