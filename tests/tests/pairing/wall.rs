//! A box, a terminal's program and a code between them.

use anyhow::{Context as _, Result, ensure};
use muster_intake::pairing::GUESSES;
use muster_tests::binary::{Build, firmware, gateway};
use muster_tests::gateway::Gateway;
use muster_tests::m2::{self, pair, run};
use muster_tests::site::{Layout, Site};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// For a start, a punch on its way, a connection to be cut.
const LIMIT: Duration = Duration::from_secs(20);

struct Wall {
    folder: tempfile::TempDir,
    site: Site,
    gateway: Gateway,
}

impl Wall {
    fn build() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut layout = Layout::new(gateway(Build::Real)?, &folder.path().join("box"));
        layout.tls = true;
        let site = Site::init(layout)?;
        let mut gateway = site.start()?;
        gateway.ready(LIMIT)?;
        Ok(Self { folder, site, gateway })
    }

    fn code(&self, kind: &str, name: &str) -> Result<Value> {
        self.site.json(&["device", "pair", "--kind", kind, "--name", name, "--code", "--json"])
    }

    /// The configuration of an M2 that knows neither its name nor the box.
    fn m2(&self) -> Result<PathBuf> {
        m2::configure(&self.folder.path().join("m2"), "00017")
    }

    fn device(&self, name: &str) -> Result<Value> {
        let devices = self.site.json(&["device", "list", "--json"])?;
        let found = devices.as_array().into_iter().flatten().find(|d| d["name"] == name);
        found.cloned().with_context(|| format!("no {name}"))
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn until(what: &str, mut done: impl FnMut() -> Result<bool>) -> Result<()> {
    let begun = Instant::now();
    while !done()? {
        ensure!(begun.elapsed() < LIMIT, "{what}: not within {LIMIT:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

#[test]
fn a_terminal_with_a_code_is_paired_punches_and_is_green() -> Result<()> {
    let wall = Wall::build()?;
    let made = wall.code("m2", "gate-07")?;
    let link = made["link"].as_str().context("no link")?;
    let port = wall.gateway.listening().mqtt.context("no listener")?.port();
    assert!(link.starts_with(&format!("muster-pair://127.0.0.1:{port}/#")), "{link}");
    let config = wall.m2()?;
    // Without it the program says what to do.
    let mut unpaired = Command::new(firmware("muster-m2", "muster-m2")?);
    let refused = unpaired.arg("--config").arg(&config).env("RUST_LOG", "info").output()?;
    assert_eq!(refused.status.code(), Some(78));
    assert!(said(&refused).contains("muster device pair --code"), "{}", said(&refused));
    let paired = pair("muster-m2", &config, link)?;
    assert!(paired.status.success(), "{}", said(&paired));
    assert!(said(&paired).contains("paired as gate-07"));
    let terminal = run("muster-m2", &config)?;
    until("the first punch", || Ok(wall.device("gate-07")?["records"].as_u64() >= Some(1)))?;
    let device = wall.device("gate-07")?;
    assert_eq!((&device["state"], &device["kind"]), (&"paired".into(), &"m2".into()));
    let (status, health) = wall.gateway.http("/healthz")?;
    assert_eq!(status, 200, "{health}");
    // What it holds is for it alone.
    use std::os::unix::fs::PermissionsExt as _;
    let credentials = config.with_file_name("credentials");
    for file in fs::read_dir(&credentials)? {
        let file = file?;
        assert_eq!(file.metadata()?.permissions().mode() & 0o777, 0o600, "{:?}", file.path());
    }
    assert!(!credentials.join("pairing.key").exists());
    drop(terminal);
    revoked_at_once(&wall, &config)
}

/// In one step; the connection that is open ends at once, and what comes after is refused.
fn revoked_at_once(wall: &Wall, config: &Path) -> Result<()> {
    let terminal = run("muster-m2", config)?;
    let before = wall.device("gate-07")?["records"].as_u64();
    until("a punch", || Ok(wall.device("gate-07")?["records"].as_u64() > before))?;
    let open = || -> Result<u64> {
        let (_, metrics) = wall.gateway.http("/metrics")?;
        let line = metrics.lines().find_map(|l| l.strip_prefix("muster_mqtt_connections "));
        Ok(line.context("no gauge")?.trim().parse::<f64>()? as u64)
    };
    assert_eq!(open()?, 1);
    wall.site.muster(&["device", "revoke", "gate-07"])?;
    let revoked = Instant::now();
    until("cut off", || Ok(open()? == 0))?;
    assert!(revoked.elapsed() < Duration::from_secs(2), "{:?}", revoked.elapsed());
    drop(terminal);
    assert_eq!(wall.device("gate-07")?["state"], "revoked");
    // The log tells which connection of which terminal, and nothing of who punched.
    let log = fs::read_to_string(&wall.site.layout().log)?;
    let ended = |line: &&str| line.contains("a terminal is disconnected");
    let ended = log.lines().find(ended).with_context(|| log.clone())?;
    assert!(ended.contains("mqtt{connection=") && ended.contains("device=\"gate-07\"}"), "{ended}");
    assert!(!log.contains("00017"), "{log}");
    Ok(())
}

#[test]
fn a_code_is_for_one_terminal_of_its_kind_and_one_box() -> Result<()> {
    let wall = Wall::build()?;
    let config = wall.m2()?;
    let made = wall.code("m2", "gate-07")?;
    let link = made["link"].as_str().context("no link")?;
    // Guessed: refused, and slowly.
    let guessed = link.replace(made["code"].as_str().context("no code")?, "0000-0000-0000");
    let begun = Instant::now();
    let refused = pair("muster-m2", &config, &guessed)?;
    assert_eq!(refused.status.code(), Some(69));
    assert!(begun.elapsed() >= Duration::from_secs(1));
    // Another box behind the address: the code is not said to it.
    let (address, pin) = link.rsplit_once('.').context("no pin")?;
    let other: String = pin.chars().rev().collect();
    assert_ne!(pin, other);
    let refused = pair("muster-m2", &config, &format!("{address}.{other}"))?;
    assert_eq!(refused.status.code(), Some(69));
    // A centre does not take a terminal's code, and does not spend it.
    let centre = wall.folder.path().join("c1.toml");
    fs::write(&centre, "data = \"c1\"\n[box]\ncredentials = \"c1-credentials\"\n")?;
    let refused = pair("muster-c1", &centre, link)?;
    assert!(!refused.status.success());
    let paired = pair("muster-m2", &config, link)?;
    assert!(paired.status.success(), "{}", said(&paired));
    // Spent: another terminal gets nothing.
    let second = wall.folder.path().join("second.toml");
    fs::write(&second, fs::read_to_string(&config)?.replace("\"credentials\"", "\"second\""))?;
    let refused = pair("muster-m2", &second, link)?;
    assert_eq!(refused.status.code(), Some(69));
    assert!(!wall.folder.path().join("second/device.pem").exists());
    // The centre has its own.
    let made = wall.code("c1", "c1-hall")?;
    let paired = pair("muster-c1", &centre, made["link"].as_str().context("no link")?)?;
    assert!(paired.status.success(), "{}", said(&paired));
    let _centre = run("muster-c1", &centre)?;
    until("the centre", || {
        Ok(wall.gateway.http("/metrics")?.1.contains("muster_mqtt_connections 1"))
    })?;
    let metrics = wall.gateway.http("/metrics")?.1;
    for result in ["paired\"} 2", "wrong-code\"} 2", "refused\"} 1"] {
        let line = format!("muster_pairings_total{{result=\"{result}");
        assert!(metrics.contains(&line), "{line} in {metrics}");
    }
    Ok(())
}

#[test]
fn what_cannot_be_paired_so_is_said_before_a_code_is_made() -> Result<()> {
    let mut wall = Wall::build()?;
    let refusal = |wall: &Wall, kind: &str, name: &str, more: &[&str]| -> Result<String> {
        let mut args = vec!["device", "pair", "--kind", kind, "--name", name, "--code"];
        args.extend(more);
        let output = wall.site.output(&args)?;
        ensure!(!output.status.success(), "{args:?}: {}", said(&output));
        Ok(said(&output))
    };
    assert!(refusal(&wall, "m1", "gate-08", &[])?.contains("muster device card"));
    assert!(refusal(&wall, "m2", "gate/08", &[])?.contains("1 to 64 characters"));
    assert!(refusal(&wall, "m2", "gate-08", &["--host", "a b"])?.contains("host name"));
    wall.site.pair("m2", "gate-08", wall.folder.path())?;
    assert!(refusal(&wall, "m2", "gate-08", &[])?.contains("already a device named gate-08"));
    // Text for people has the picture too.
    let shown = wall.site.muster(&["device", "pair", "--kind", "m2", "--name", "g", "--code"])?;
    assert!(shown.contains('█') && shown.contains("fingerprint"), "{shown}");
    wall.gateway.stop_now()?;
    assert!(refusal(&wall, "m2", "gate-09", &[])?.contains("start it"));
    Ok(())
}

/// Ten wrong codes are no typing errors: an alarm, with its cure, on the page and in `/healthz`; and
/// the right code still pairs.
#[test]
fn somebody_who_guesses_codes_is_told_of() -> Result<()> {
    let wall = Wall::build()?;
    let config = wall.m2()?;
    let made = wall.code("m2", "gate-07")?;
    let link = made["link"].as_str().context("no link")?;
    let guessed = link.replace(made["code"].as_str().context("no code")?, "0000-0000-0000");
    let told = || Ok::<_, anyhow::Error>(wall.gateway.http("/healthz")?.1.contains("guesses"));
    for round in 0..GUESSES {
        ensure!(!told()?, "after {round} wrong codes");
        let refused = pair("muster-m2", &config, &guessed)?;
        assert_eq!(refused.status.code(), Some(69));
    }
    until("the alarm", told)?;
    let (_, health) = wall.gateway.http("/healthz")?;
    assert!(health.contains("look who is on the terminals' network"), "{health}");
    let metrics = wall.gateway.http("/metrics")?.1;
    assert!(metrics.contains("muster_intake_alarms_total{reason=\"guessed\"} 1"), "{metrics}");
    let paired = pair("muster-m2", &config, link)?;
    assert!(paired.status.success(), "{}", said(&paired));
    Ok(())
}
