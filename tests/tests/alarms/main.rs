//! Alarms by webhook and mail, over TLS, within 30 s, each once, with its cure.

mod sinks;

use anyhow::{Context as _, Result, ensure};
use muster_tests::authority::{Authority, Server};
use muster_tests::binary::{Build, gateway};
use muster_tests::link::Link;
use muster_tests::office;
use muster_tests::punch::{now_s, rfc3339};
use muster_tests::region::{Looks, Region};
use muster_tests::site::{Layout, Site};
use sinks::{Heard, http, smtp};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// By when everything must have been told.
const LIMIT: Duration = Duration::from_secs(30);
/// Nothing more may come for so long.
const QUIET: Duration = Duration::from_secs(6);
const KINDS: [&str; 5] = ["tamper", "region-mismatch", "lost-device", "disk", "certificate"];
const PERSON: &str = "Lei Ka Hou";

/// A small disk in memory.
struct Tmpfs(PathBuf);

impl Tmpfs {
    fn mount(at: &Path) -> Result<Self> {
        std::fs::create_dir_all(at)?;
        let mount = ["-t", "tmpfs", "-o", "size=300m", "tmpfs"];
        ensure!(Command::new("mount").args(mount).arg(at).status()?.success(), "no tmpfs");
        Ok(Self(at.to_owned()))
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn certificate_of_another(folder: &Path) -> Result<String> {
    let key = rcgen::KeyPair::generate()?;
    let params = rcgen::CertificateParams::new(vec!["other.example".to_owned()])?;
    std::fs::write(folder.join("page.pem"), params.self_signed(&key)?.pem())?;
    std::fs::write(folder.join("page.key"), key.serialize_pem())?;
    Ok(format!(
        "[console]\nlisten = \"127.0.0.1:0\"\nhosts = [\"muster.example\"]\n\
         cert = \"{0}/page.pem\"\nkey = \"{0}/page.key\"\n",
        folder.display()
    ))
}

/// Puts an older data folder back: somebody was at the box.
fn roll_back(site: &Site) -> Result<()> {
    let (data, old) = (site.data(), site.layout().dir.join("older"));
    ensure!(Command::new("cp").arg("-a").args([&data, &old]).status()?.success());
    for _ in 0..2 {
        site.muster(&["status"])?;
    }
    std::fs::remove_dir_all(&data)?;
    Ok(std::fs::rename(old, data)?)
}

#[test]
fn each_alarm_is_told_once_with_its_cure_within_thirty_seconds() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let authority = Authority::new()?;
    let ca = folder.path().join("alarms-ca.pem");
    std::fs::write(&ca, authority.pem())?;
    let tls = authority.issue(&Server { region: None, ..Server::of("-") })?.tls13()?;
    let heard = Heard::default();
    let (web, mail) = (http(tls.clone(), heard.clone())?, smtp(tls, heard.clone())?);
    let region = Region::start("cn-north", folder.path(), Looks::Closely)?;
    let place = folder.path().join("box");
    let _disk = Tmpfs::mount(&place)?;
    let mut layout = Layout::new(gateway(Build::Real)?, &place);
    layout.serial = vec![PathBuf::from("/dev/serial/by-id/usb-gone")];
    layout.more = certificate_of_another(folder.path())? + &region.section(office::DESTINATION);
    std::fs::write(folder.path().join("token"), "let-me-in")?;
    layout.more += &format!(
        "[alarms]\n[alarms.webhook]\nurl = \"https://localhost:{web}/hook\"\nca = \"{0}\"\n\
         token_file = \"{1}/token\"\n[alarms.mail]\nhost = \"localhost\"\nport = {mail}\n\
         ca = \"{0}\"\nfrom = \"box@example.org\"\nto = [\"it@example.org\"]\n",
        ca.display(),
        folder.path().display()
    );
    office::make_keys(&mut layout, folder.path())?;
    let site = Site::init(layout)?;
    let staff = folder.path().join("staff.csv");
    std::fs::write(&staff, format!("person,name\n1,{PERSON}\n"))?;
    site.muster(&["person", "import", office::as_text(&staff)?])?;
    office::publish(&site, folder.path())?;
    roll_back(&site)?;
    let began = Instant::now();
    let mut gateway = site.start()?;
    gateway.ready(LIMIT)?;
    let all: BTreeSet<&str> = KINDS.into();
    while heard.kinds("web") != all || heard.kinds("mail") != all {
        let told = (heard.kinds("web"), heard.kinds("mail"));
        ensure!(began.elapsed() < LIMIT, "after {LIMIT:?}: {told:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
    std::thread::sleep(QUIET);
    let (web, mail) = (heard.all("web"), heard.all("mail"));
    for told in [&web, &mail] {
        let once: BTreeSet<_> = told.iter().map(|told| &told.subject).collect();
        ensure!(once.len() == told.len(), "told twice: {told:#?}");
        for told in told {
            ensure!(told.text.len() > 60 && told.has_cure, "no cure: {told:?}");
            ensure!(!told.text.contains(PERSON), "a person is named: {told:?}");
        }
    }
    ensure!(web.iter().all(|told| told.authorised), "no token");
    // A restart tells nothing twice.
    gateway.terminate(Duration::from_secs(10))?;
    let (_, metrics) = {
        let mut gateway = site.start()?;
        gateway.ready(LIMIT)?;
        std::thread::sleep(QUIET);
        let metrics = gateway.http("/metrics")?;
        gateway.terminate(Duration::from_secs(10)).context("second stop")?;
        metrics
    };
    ensure!(heard.all("web").len() == web.len(), "{:#?}", heard.all("web"));
    ensure!(heard.all("mail").len() == mail.len(), "{:#?}", heard.all("mail"));
    let mut dropped = metrics.lines().filter(|line| line.contains("result=\"dropped\""));
    ensure!(dropped.all(|line| line.ends_with(" 0")), "{metrics}");
    Ok(())
}

/// A terminal whose name is somebody's identity card: what would leave with it is stopped, and told.
#[test]
fn an_attempt_to_leak_is_told_within_thirty_seconds() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let authority = Authority::new()?;
    let ca = folder.path().join("alarms-ca.pem");
    std::fs::write(&ca, authority.pem())?;
    std::fs::write(folder.path().join("token"), "let-me-in")?;
    let tls = authority.issue(&Server { region: None, ..Server::of("-") })?.tls13()?;
    let heard = Heard::default();
    let web = http(tls, heard.clone())?;
    let region = Region::start(office::REGION, folder.path(), Looks::Closely)?;
    let mut layout = Layout::new(gateway(Build::Real)?, &folder.path().join("box"));
    layout.more = format!(
        "{}[alarms]\n[alarms.webhook]\nurl = \"https://localhost:{web}/hook\"\nca = \"{}\"\n\
         token_file = \"{}/token\"\n",
        region.section(office::DESTINATION),
        ca.display(),
        folder.path().display()
    );
    office::make_keys(&mut layout, folder.path())?;
    let site = Site::init(layout)?;
    office::import(&site, std::iter::once("00017".to_owned()))?;
    let named = |text: String| text.replace("\"site_ref\"]", "\"site_ref\", \"device_alias\"]");
    let policy = office::write_policy(&site, 1, named)?;
    for person in ["a.dpo", "b.admin"] {
        office::sign(&site, &policy, &office::key(folder.path(), person))?;
    }
    site.muster(&["policy", "publish", office::as_text(&policy)?])?;
    let mut gateway = site.start()?;
    gateway.ready(LIMIT)?;
    let card = "A1234563";
    let mut link = Link::open(gateway.loopback()?, card)?;
    let began = Instant::now();
    let punch = format!(
        "{{\"v\":1,\"boot\":1,\"seq\":1,\"person\":\"00017\",\"at\":\"{}\",\"method\":\"card\",\
         \"outcome\":\"granted\",\"direction\":\"in\",\"live\":true}}",
        rfc3339(now_s())
    );
    link.publish(&format!("muster/1/{card}/checkin"), punch.as_bytes())?;
    let told = || heard.all("web").into_iter().find(|t| t.subject.starts_with("leak-attempt"));
    while told().is_none() {
        ensure!(began.elapsed() < LIMIT, "after {LIMIT:?}: {:?}", heard.all("web"));
        std::thread::sleep(Duration::from_millis(100));
    }
    ensure!(told().is_some_and(|told| told.has_cure && !told.text.contains(card)));
    ensure!(region.arrived().parcels.is_empty(), "nothing left");
    gateway.kill()
}
