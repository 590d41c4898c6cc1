//! A box with one M1.

use anyhow::{Context as _, Result, bail, ensure};
use muster_tests::binary::{Build, gateway};
use muster_tests::emulated::{Card, EmulatedM1};
use muster_tests::gateway::Gateway;
use muster_tests::ledgerbook::compare;
use muster_tests::site::{Layout, Site};
use muster_tests::webhook::Webhook;
use serde_json::Value;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long the gateway may take to start or stop.
pub(crate) const BOX: Duration = Duration::from_secs(10);
/// How long the last receipts may take: the box looks for a line every five seconds at worst, the
/// terminal for a box every eight.
pub(crate) const RECEIPTS: Duration = Duration::from_secs(60);
/// The terminal's name.
pub(crate) const NAME: &str = "m1-door";

/// Where a second terminal's line is plugged in.
const OTHER_PORT: &str = "tty-m1-other";

/// A running box, and an M1 that is off.
pub(crate) struct Stage {
    pub(crate) gateway: Option<Gateway>,
    pub(crate) site: Site,
    pub(crate) m1: EmulatedM1,
    pub(crate) secret: [u8; 32],
    /// Where the box's alarms go.
    pub(crate) webhook: Webhook,
    pub(crate) dir: tempfile::TempDir,
}

impl Stage {
    pub(crate) fn new() -> Result<Self> {
        Self::with_terminal(NAME, None)
    }

    /// The terminal on the line is called `name`, and has the pairing's secret or one of its own.
    pub(crate) fn with_terminal(name: &str, secret: Option<&str>) -> Result<Self> {
        Self::made(name, secret, &Card::default())
    }

    /// The terminal's card bears firmware: a signed image, and the key it is signed with.
    pub(crate) fn with_firmware(image: PathBuf, key: PathBuf) -> Result<Self> {
        Self::made(NAME, None, &Card { firmware: Some((image, key)), ..Card::default() })
    }

    fn made(name: &str, secret: Option<&str>, card: &Card) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let port = dir.path().join("tty-m1");
        let mut layout = Layout::new(gateway(Build::Real)?, &dir.path().join("box"));
        let webhook = Webhook::start()?;
        layout.serial = vec![port.clone(), dir.path().join(OTHER_PORT)];
        layout.more = webhook.section();
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
        Ok(Self { gateway: Some(gateway), site, m1, secret, webhook, dir })
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

    /// Waits until the box has told of this reason everywhere: on `/healthz` with cause and cure,
    /// in metrics and status, and once by webhook. `who` is a device's name, or `None`.
    pub(crate) fn alarm(&self, who: Option<&str>, reason: &str) -> Result<()> {
        let begun = Instant::now();
        while let Err(missing) = self.told_of(who, reason) {
            ensure!(begun.elapsed() < RECEIPTS, "{who:?} {reason}: {missing:#}");
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    fn told_of(&self, who: Option<&str>, reason: &str) -> Result<()> {
        let status = self.site.json(&["status", "--json"])?;
        let mut alarms = status["alarms"].as_array().context("no alarms")?.iter();
        let alarm = alarms.find(|a| a["reason"] == reason && a["device"].as_str() == who);
        let alarm = alarm.with_context(|| format!("not in status: {}", status["alarms"]))?;
        let (cause, cure) = (&alarm["cause"], &alarm["cure"]);
        let both = [cause, cure].map(|text| text.as_str().filter(|text| !text.is_empty()));
        let [Some(cause), Some(cure)] = both else { bail!("no cause or cure: {alarm}") };

        let (code, body) = self.gateway().http("/healthz")?;
        let report: Value = serde_json::from_str(&body)?;
        let mut checks = report["checks"].as_array().context("no checks")?.iter();
        let check = checks.find(|c| c["name"] == "terminals").context("no check of terminals")?;
        let says = |key: &str, text: &str| check[key].as_str().is_some_and(|c| c.contains(text));
        let name = who.unwrap_or("no device of ours");
        ensure!(code == 200 && check["status"] == "degraded", "not on /healthz: {check}");
        ensure!(says("cause", &format!("{name}: {cause}")) && says("cure", cure), "{check}");

        ensure!(self.metric("muster_intake_alarms_total", reason)? > 0, "not in metrics");
        let name = format!("terminal {} {reason}", who.unwrap_or("that is none of ours"));
        let told = self.webhook.told(&name).context("not by webhook")?;
        ensure!(told["kind"] == "tamper" && told["cause"] == cause && told["cure"] == cure);
        let times = self.webhook.names().iter().filter(|told| **told == name).count();
        ensure!(times == 1, "told {times} times");
        Ok(())
    }

    /// How often the box has refused for this reason.
    pub(crate) fn refused(&self, reason: &str) -> Result<u64> {
        self.metric("muster_refusals_total", reason)
    }

    /// A counter with this reason; 0 where there is none.
    fn metric(&self, name: &str, reason: &str) -> Result<u64> {
        let (_, metrics) = self.gateway().http("/metrics")?;
        let sample = format!("{name}{{reason=\"{reason}\"}} ");
        let count = metrics.lines().find_map(|line| line.strip_prefix(&sample)?.parse().ok());
        Ok(count.unwrap_or(0))
    }

    /// A second M1 on a line of its own, off at first, paired with this box and set up for `site`.
    pub(crate) fn another(&self, name: &str, site: &str) -> Result<EmulatedM1> {
        let credentials = self.site.pair("m1", name, self.dir.path())?;
        let (port, place) = (self.dir.path().join(OTHER_PORT), self.dir.path().join(name));
        let card = Card { site: site.to_owned(), ..Card::default() };
        EmulatedM1::with_card(&self.site, name, &credentials, &port, &place, &card)
    }
}
