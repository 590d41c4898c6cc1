//! A box with one M1.

use anyhow::Result;
use muster_tests::binary::{Build, gateway};
use muster_tests::emulated::EmulatedM1;
use muster_tests::gateway::Gateway;
use muster_tests::ledgerbook::compare;
use muster_tests::site::{Layout, Site};
use std::time::Duration;

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
        let m1 = EmulatedM1::new(&site, name, &credentials, &port, &dir.path().join("m1"))?;
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

    /// How often the box has refused for this reason.
    pub(crate) fn refused(&self, reason: &str) -> Result<u64> {
        let (_, metrics) = self.gateway().http("/metrics")?;
        let name = format!("muster_refusals_total{{reason=\"{reason}\"}} ");
        let count = metrics.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok());
        Ok(count.unwrap_or(0))
    }
}
