//! Certificates over the years, with the device's own code against a box whose clock the test
//! sets.

use anyhow::{Context as _, Result, ensure};
use muster_forwarder::config::BoxConfig;
use muster_forwarder::pair::{pair, renew};
use muster_forwarder::{Forwarder, Login};
use muster_intake::authority::{LIFETIME, Pairing, RENEWED_BEFORE};
use muster_intake::{Config, Handles, Intake};
use muster_ledger::{Clock, ClockTrust, DeviceKind, Ledger, Options, RootKey};
use muster_proto::pairing::Link;
use muster_tests::binary::{Build, gateway};
use muster_tests::punch::now_s;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

const DAY: i64 = 86_400_000;
/// 2026-12-01.
const START: i64 = 1_796_083_200_000;
const LIMIT: Duration = Duration::from_secs(10);

/// What the box takes for now, and whether it believes it.
#[derive(Clone, Default)]
struct Time(Arc<(AtomicI64, AtomicBool)>);

impl Time {
    fn clock(&self) -> Clock {
        let time = self.clone();
        Clock::new(move || {
            let trusted = time.0.1.load(Ordering::Relaxed);
            let trust = if trusted { ClockTrust::Trusted } else { ClockTrust::Untrusted };
            (time.0.0.load(Ordering::Relaxed), trust)
        })
    }

    fn set(&self, now_ms: i64, trusted: bool) {
        self.0.0.store(now_ms, Ordering::Relaxed);
        self.0.1.store(trusted, Ordering::Relaxed);
    }
}

struct Stage {
    folder: tempfile::TempDir,
    time: Time,
    ledger: Ledger,
    intake: Intake,
    login: Login,
    credentials: PathBuf,
}

impl Stage {
    /// A box, and an M2 paired by code on the first day.
    async fn build() -> Result<Self> {
        Self::build_at(START).await
    }

    async fn build_at(start: i64) -> Result<Self> {
        let (folder, time) = (tempfile::tempdir()?, Time::default());
        time.set(start, true);
        let data = folder.path().join("data");
        let (ledger, _) = Ledger::open(Options {
            data: data.clone(),
            site: "mo-hq".into(),
            time_zone: "Asia/Macau".into(),
            root_key: RootKey::new([7; 32]),
            clock: time.clock(),
            views_cache_bytes: 1 << 20,
        })?;
        let any = Some(([127, 0, 0, 1], 0).into());
        let config = Config { mqtt_tls: any, data, ..Config::default() };
        let intake = Intake::start(config, Handles::of(&ledger, time.clock())).await?;
        let port = intake.addresses().mqtt_tls.context("no listener")?.port();
        let (name, kind) = ("m2".to_owned(), DeviceKind::M2);
        let pairing = Pairing { name, kind, carrier: None, address: None };
        let made = intake.pairings().open(pairing).await?;
        let link = Link { host: "127.0.0.1", port, code: &made.code, pin: made.pin }.to_string();
        let credentials = folder.path().join("credentials");
        let place = credentials.clone();
        tokio::task::spawn_blocking(move || pair(&link, "m2", &place)).await??;
        let login = login(&credentials)?;
        Ok(Self { folder, time, ledger, intake, login, credentials })
    }

    async fn renew(&self, login: &Login) -> Result<bool> {
        let (login, place) = (login.clone(), self.credentials.clone());
        Ok(tokio::task::spawn_blocking(move || renew(&login, "m2", &place)).await??)
    }

    /// Whether the box takes a punch from whoever logs in so.
    async fn is_heard(&self, login: Login, seq: u64) -> Result<bool> {
        let queue = tempfile::tempdir_in(self.folder.path())?;
        let (forwarder, _answers) = Forwarder::start(&queue.path().join("queue"), login)?;
        let payload = format!(
            "{{\"v\":1,\"boot\":1,\"seq\":{seq},\"person\":\"7\",\"method\":\"card\",\
             \"at\":\"2026-12-01T08:59:31+08:00\",\"outcome\":\"granted\"}}"
        );
        forwarder.push("muster/1/m2/checkin".into(), payload.into_bytes())?;
        let begun = Instant::now();
        while forwarder.acknowledged() == 0 && begun.elapsed() < Duration::from_secs(3) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(forwarder.acknowledged() == 1)
    }

    async fn former_is_gone(&self) -> Result<()> {
        let begun = Instant::now();
        while self.ledger.devices().find("m2").context("no m2")?.former.is_some() {
            ensure!(begun.elapsed() < LIMIT, "the former certificate still counts");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    async fn end(self) {
        self.intake.stop().await;
        self.ledger.close().await;
    }
}

fn login(credentials: &Path) -> Result<Login> {
    let here = BoxConfig { host: None, port: None, credentials: credentials.to_owned() };
    Ok(here.login(None, Path::new(""))?)
}

/// Not before half its life, and then by itself; an answer that was lost is asked for again with
/// the old certificate; once the new one was shown, the old one is of no use.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_renewed_well_before_its_end() -> Result<()> {
    let stage = Stage::build().await?;
    let old = stage.login.clone();
    ensure!(stage.is_heard(old.clone(), 1).await?, "a new device is heard");
    ensure!(!stage.renew(&old).await?, "on the first day");
    let (life, before) = (LIFETIME.as_millis() as i64, RENEWED_BEFORE.as_millis() as i64);
    stage.time.set(START + life - before - 2 * DAY, true);
    ensure!(!stage.renew(&old).await?, "too early");
    stage.time.set(START + life - before + DAY, true);
    ensure!(stage.renew(&old).await?, "half of its life is over");
    // As if that answer had been lost.
    ensure!(stage.is_heard(old.clone(), 2).await?, "the old one counts until the new is shown");
    ensure!(stage.renew(&old).await?, "asked again");
    let new = login(&stage.credentials)?;
    ensure!(new.certificate_pem != old.certificate_pem);
    ensure!(stage.is_heard(new.clone(), 3).await?, "the new one");
    stage.former_is_gone().await?;
    ensure!(!stage.is_heard(old.clone(), 4).await?, "the old one, after the new");
    ensure!(stage.renew(&old).await.is_err(), "nor is it renewed");
    // A life later than the first began: the old one would have ended.
    stage.time.set(START + life + DAY, true);
    ensure!(stage.is_heard(new.clone(), 5).await?, "after the first one's end");
    // Nobody renewed this one: it ends.
    stage.time.set(START + 3 * life, true);
    ensure!(!stage.is_heard(new, 6).await?, "after its own end");
    stage.end().await;
    Ok(())
}

/// Sixty days without power, then a clock that begins in 1970, or far off: a device is heard, and
/// the box mends nothing by a clock that it does not trust.
#[tokio::test(flavor = "multi_thread")]
async fn power_that_was_gone_and_clocks_that_restart_shut_nobody_out() -> Result<()> {
    let stage = Stage::build().await?;
    let login = stage.login.clone();
    stage.time.set(START + 60 * DAY, true);
    ensure!(stage.is_heard(login.clone(), 1).await?, "after sixty days");
    for (seq, now) in [(2, 0), (3, 5_000), (4, START + 4000 * DAY)] {
        stage.time.set(now, false);
        ensure!(stage.is_heard(login.clone(), seq).await?, "the box's clock says {now}");
        ensure!(!stage.renew(&login).await?, "renewed by a clock that says {now}");
    }
    // The renewal runs by itself in the program: it asks soon after its start.
    stage.time.set(START + 500 * DAY, true);
    let queue = stage.folder.path().join("queue");
    let (mut forwarder, _answers) = Forwarder::start(&queue, login)?;
    forwarder.keep_certificate("m2", stage.credentials.clone());
    let begun = Instant::now();
    while !stage.credentials.join("renewed.pem").exists() {
        ensure!(begun.elapsed() < 2 * LIMIT, "the program did not ask");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(forwarder);
    stage.end().await;
    Ok(())
}

/// A terminal that was paired long ago and whose renewal failed all the time since: the doctor of
/// today tells, with what to do; one whose certificate is over is broken.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_nobody_renewed_in_time_is_told() -> Result<()> {
    let now_ms = now_s() * 1000;
    let cases = [
        (300, "ok", "", ""),
        (500, "warning", "was not renewed in time", "restart the terminal"),
        (800, "broken", "it is shut out", "muster device revoke"),
    ];
    for (days_ago, state, cause, cure) in cases {
        let stage = Stage::build_at(now_ms - days_ago * DAY).await?;
        ensure!(stage.is_heard(stage.login.clone(), 1).await?, "{days_ago}: a new device is heard");
        let begun = Instant::now();
        while stage.ledger.devices().find("m2").is_some_and(|m2| m2.certificate_ends_s.is_none()) {
            ensure!(begun.elapsed() < LIMIT, "its end is not noted");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let folder = stage.folder.path().to_owned();
        std::fs::write(folder.join("data/keys/root.key"), [7; 32])?;
        let config = "[box]\nsite = \"mo-hq\"\ndata = \"data\"\n[clock]\ntrust = \"assume\"\n";
        std::fs::write(folder.join("gateway.toml"), config)?;
        let Stage { folder: kept, time: _, ledger, intake, .. } = stage;
        intake.stop().await;
        ledger.close().await;
        let output = Command::new(gateway(Build::Real)?)
            .args(["doctor", "--json", "--config"])
            .arg(folder.join("gateway.toml"))
            .output()?;
        let report: Value =
            serde_json::from_slice(&output.stdout).with_context(|| format!("{output:?}"))?;
        let checks = report["checks"].as_array().context("no checks")?;
        let found = checks.iter().find(|check| check["check"] == "renewal");
        let Some(found) = found else {
            ensure!(state == "ok", "{days_ago} days: nothing is told: {report}");
            kept.close()?;
            continue;
        };
        let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
        ensure!(text("state") == state, "{days_ago} days: {found}");
        ensure!(text("cause").contains(cause) && text("cure").contains(cure), "{found}");
        ensure!(text("name") == "certificate of device m2", "{found}");
        ensure!(text("runbook").ends_with("#renewal"), "{found}");
        kept.close()?;
    }
    Ok(())
}
