//! Where records may go, seen from outside: with the shipped commands, a real region over TLS, and
//! a terminal that goes on punching.

use anyhow::{Context as _, Result, ensure};
use muster_tests::binary::{Build, gateway};
use muster_tests::device::{After, Device, Habits, Way};
use muster_tests::gateway::Gateway;
use muster_tests::office::{self, as_text, key};
use muster_tests::packets::Packets;
use muster_tests::punch::people;
use muster_tests::region::{Looks, Region};
use muster_tests::site::{Layout, Site};
use rustix::process::Signal;
use std::path::Path;
use std::time::{Duration, Instant};

const START: Duration = Duration::from_secs(10);
/// What a change may take to be felt.
const SOON: Duration = Duration::from_secs(15);

/// A box with its people and a region, and a terminal that punches.
struct Stage {
    dir: tempfile::TempDir,
    site: Site,
    region: Region,
    way: Way,
    gateway: Gateway,
    device: Option<Device>,
}

impl Stage {
    /// The policy is changed before it is signed.
    fn new(change: impl Fn(String) -> String, more: &str) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let region = Region::start(office::REGION, dir.path(), Looks::Closely)?;
        let mut layout = Layout::new(gateway(Build::Real)?, &dir.path().join("box"));
        layout.more = region.section(office::DESTINATION) + more;
        layout.log = dir.path().join("gateway.log");
        office::make_keys(&mut layout, dir.path())?;
        let site = Site::init(layout)?;
        office::import(&site, people())?;
        let policy = office::write_policy(&site, 1, change)?;
        for person in ["a.dpo", "b.admin"] {
            office::sign(&site, &policy, &key(dir.path(), person))?;
        }
        site.muster(&["policy", "publish", as_text(&policy)?])?;
        let (way, gateway) = (Way::default(), start(&site)?);
        let mut stage = Self { dir, site, region, way, gateway, device: None };
        stage.meet()?;
        Ok(stage)
    }

    fn meet(&mut self) -> Result<()> {
        self.way.set(Some(self.gateway.loopback()?));
        Ok(())
    }

    fn punch(&mut self, pause: Duration) {
        let habits =
            Habits { name: "gate-1".to_owned(), seed: 7, window: 8, after: After::Resend, pause };
        self.device = Some(Device::start(habits, &self.way));
    }

    fn receipted(&self) -> u64 {
        self.device.as_ref().map_or(0, Device::receipted)
    }

    fn arrived(&self) -> u64 {
        self.region.arrived().count
    }

    fn status(&self) -> Result<serde_json::Value> {
        self.site.json(&["status", "--json"])
    }

    fn keys(&self) -> &Path {
        self.dir.path()
    }

    /// These signers approve what a command says it asked for.
    fn approve(&self, told: &str, signers: &[&str]) -> Result<()> {
        office::approve(&self.site, self.keys(), told, signers)
    }

    /// A command that is refused with this exit code, and says why.
    fn refused(&self, args: &[&str], code: i32, tells: &str) -> Result<()> {
        let output = self.site.output(args)?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.code() == Some(code), "{args:?}: {} {said}", output.status);
        ensure!(said.contains(tells), "{args:?} says {said}, not {tells}");
        Ok(())
    }
}

fn start(site: &Site) -> Result<Gateway> {
    let mut gateway = site.start()?;
    gateway.ready(START)?;
    Ok(gateway)
}

fn until(what: &str, ready: impl Fn() -> Result<bool>) -> Result<()> {
    let asked = Instant::now();
    while !ready()? {
        ensure!(asked.elapsed() < SOON, "never came: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

#[test]
fn without_a_dpa_nothing_is_forwarded_until_one_is_filed() -> Result<()> {
    let requires = |text: String| {
        text.replace("profile = \"minimal\"", "profile = \"minimal\"\nrequire = [\"dpa\"]")
    };
    let mut stage = Stage::new(requires, "")?;
    let policy = stage.site.layout().dir.join("policy-1.toml");
    for command in ["check", "diff", "publish"] {
        let told = stage.site.output(&["policy", command, as_text(&policy)?])?;
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        assert!(told.contains("requires `dpa`, which is not in the registry"), "{command}: {told}");
    }
    stage.punch(Duration::from_millis(5));
    until("punches are held", || Ok(stage.status()?["held"]["R-DPA"].as_u64() > Some(50)))?;
    assert_eq!(stage.arrived(), 0);
    let dpa = stage.dir.path().join("dpa.pdf");
    std::fs::write(&dpa, "a contract")?;
    let add = |kind: &str, from: &str, to: &str, more: &[&str]| -> Result<Vec<String>> {
        let args = ["papers", "add", as_text(&dpa)?, "--type", kind, "--lane", "*"];
        let dates = ["--from", from, "--to", to];
        let args = args.iter().chain(&dates).chain(more);
        Ok(args.map(|arg| (*arg).to_owned()).collect())
    };
    let run = |args: Vec<String>| {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        stage.site.muster(&args)
    };
    let old = add("eu-scc", "2026-01-01", "2036-01-01", &["--decision", "2010/87"])?;
    assert!(run(old).is_err_and(|error| error.to_string().contains("2021/914")));
    // Two people stand behind each paper: without a key both approve, with one the other does.
    let ended = run(add("dpa", "2020-01-01", "2021-01-01", &[])?)?;
    stage.approve(&ended, &["a.dpo", "b.admin"])?;
    assert_eq!(stage.arrived(), 0, "one that has ended is none");
    let admin = key(stage.keys(), "b.admin");
    let more = ["--party", "Test Payroll Limited", "--key", as_text(&admin)?];
    let asked = run(add("dpa", "2026-01-01", "2036-01-01", &more)?)?;
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(stage.arrived(), 0, "one person opens nothing");
    stage.approve(&asked, &["a.dpo"])?;
    until("what waited has left", || Ok(stage.arrived() > 50))?;
    let papers = stage.site.json(&["papers", "list", "--json"])?;
    assert_eq!(papers.as_array().map(Vec::len), Some(2));
    stage.site.muster(&["papers", "withdraw", "2", "--reason", "signed by the wrong party"])?;
    until("new punches are held", || Ok(stage.status()?["held"]["R-DPA"].as_u64() > Some(5)))?;
    let there = stage.arrived();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(stage.arrived(), there);
    Ok(())
}

#[test]
fn local_only_in_mid_stream_lets_nothing_leave_and_two_people_end_it() -> Result<()> {
    let mut stage = Stage::new(|text| text, "")?;
    stage.punch(Duration::from_millis(1));
    let wire = Packets::to(stage.region.port())?;
    until("records leave", || Ok(stage.arrived() > 300))?;
    ensure!(wire.count()?.1 > 1_000, "the wire is looked at");
    stage.site.muster(&["local-only", "on"])?;
    // What the kernel had taken before may still be read by the region, and its farewell answered.
    std::thread::sleep(Duration::from_millis(50));
    let (there, receipted, sent) = (stage.arrived(), stage.receipted(), wire.count()?);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(stage.arrived(), there, "not one record after the stop");
    assert_eq!(wire.count()?, sent, "not one packet, empty ones included");
    assert!(stage.receipted() > receipted + 100, "punches go on being taken");
    let status = stage.status()?;
    assert!(status["local_only"]["by"].as_str().is_some_and(|by| by.starts_with("uid ")));
    stage.refused(&["local-only", "off"], 64, "two people")?;
    let (dpo, admin) = (key(stage.keys(), "a.dpo"), key(stage.keys(), "b.admin"));
    let (dpo, admin) = (as_text(&dpo)?, as_text(&admin)?);
    let asked = stage.site.muster(&["local-only", "off", "--key", admin])?;
    let id = asked.split([' ', ',']).nth(1).context("no request")?.to_owned();
    stage.refused(&["approve", &id, "--key", admin], 77, "who asked cannot approve")?;
    stage.refused(&["approve", "0123456789ab", "--key", dpo], 65, "no open request")?;
    // A restart does not end it either.
    stage.gateway.signal(Signal::TERM)?;
    stage.way.set(None);
    std::thread::sleep(Duration::from_millis(500));
    stage.gateway = start(&stage.site)?;
    stage.meet()?;
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(stage.arrived(), there);
    stage.site.muster(&["approve", &id, "--key", dpo])?;
    until("records leave again", || Ok(stage.arrived() > there + 100))?;
    let device = stage.device.take().context("no terminal")?;
    device.drain(SOON)?;
    until("everything is there", || Ok(stage.region.arrived().parcels.len() as u64 > there))?;
    assert_eq!(stage.region.arrived().changed, Vec::<String>::new(), "the same bytes or none");
    Ok(())
}

#[test]
fn a_loosening_signed_by_one_person_never_takes_effect() -> Result<()> {
    let mut stage = Stage::new(|text| text, "")?;
    let looser = |text: String| text.replace("\"site_ref\"]", "\"site_ref\", \"device_alias\"]");
    let policy = office::write_policy(&stage.site, 2, looser)?;
    office::sign(&stage.site, &policy, &key(stage.keys(), "b.admin"))?;
    let in_force = |stage: &Stage| -> Result<bool> {
        let status = stage.status()?;
        let refused = status["policy_refused"].as_str().unwrap_or_default();
        Ok(status["policy"] == "hk-test@1" && refused.contains("two people"))
    };
    // By command.
    let publish = ["policy", "publish", as_text(&policy)?];
    stage.refused(&publish, 65, "policy-2.toml: line 2: a loosening needs two people")?;
    assert!(in_force(&stage)?);
    // By file, while it runs and at a start.
    let place = stage.site.layout().dir.join("policy.toml");
    std::fs::copy(&policy, &place)?;
    let beside = |path: &Path| format!("{}.sig", path.display());
    std::fs::copy(beside(&policy), beside(&place))?;
    stage.gateway.signal(Signal::HUP)?;
    until("the file is refused", || in_force(&stage))?;
    stage.gateway.signal(Signal::TERM)?;
    std::thread::sleep(Duration::from_millis(500));
    stage.gateway = start(&stage.site)?;
    stage.meet()?;
    assert!(in_force(&stage)?);
    let (code, health) = stage.gateway.http("/healthz")?;
    assert!(code == 200 && health.contains("hk-test@1 stays in force"), "{code} {health}");
    stage.punch(Duration::from_millis(5));
    until("records leave by the old policy", || Ok(stage.arrived() > 20))?;
    // With the second signature it is in force.
    office::sign(&stage.site, &policy, &key(stage.keys(), "a.dpo"))?;
    stage.site.muster(&publish)?;
    until("the new one is in force", || Ok(stage.status()?["policy"] == "hk-test@2"))?;
    let history = stage.site.json(&["policy", "history", "--json"])?;
    assert_eq!(history[1]["direction"], "loosens");
    // Back again: a new version with the old content.
    let back = stage.site.layout().dir.join("back.toml");
    stage.site.muster(&["policy", "rollback", "1", "--out", as_text(&back)?])?;
    for person in ["a.dpo", "b.admin"] {
        office::sign(&stage.site, &back, &key(stage.keys(), person))?;
    }
    stage.site.muster(&["policy", "publish", as_text(&back)?])?;
    until("it is rolled back", || Ok(stage.status()?["policy"] == "hk-test@3"))?;
    let replayed = stage.site.json(&["journal", "replay", "--json"])?;
    assert_eq!(replayed["records"], replayed["same"], "{replayed}");
    Ok(())
}

/// Each command that frees records, run by one person: it says what it waits for, exits well, and
/// changes nothing.
#[test]
fn what_frees_records_waits_for_two_by_every_command() -> Result<()> {
    let stage = Stage::new(|text| text, "")?;
    let file = stage.dir.path().join("paper.pdf");
    std::fs::write(&file, "a paper")?;
    let file = as_text(&file)?;
    stage.site.muster(&["person", "restrict", "00017"])?;
    let notice = ["--kind", "pics", "--number", "1", "--language", "en"];
    let add = ["--destination", office::DESTINATION, "--from", "2026-01-01"];
    stage.site.muster(&[&["notice", "add", file], &notice[..], &add].concat())?;
    let counts = |persons: &'static str| {
        let rest = ["--sensitive", "0", "--records", "9", "--source", "HR"];
        let law = ["counters", "baseline", "--law", "CN", "--year", "2026", "--persons", persons];
        [&law[..], &rest].concat()
    };
    stage.site.muster(&counts("500"))?;
    let dates = ["--from", "2026-01-01", "--to", "2036-01-01"];
    let paper = [&["papers", "add", file, "--type", "dpa", "--lane", "*"], &dates[..]].concat();
    let lift = vec!["person", "restrict", "00017", "--lift"];
    let consent = vec!["consent", "set", "00017", "--given", "--from", "2026-01-01"];
    let give = [&["notice", "give"], &notice[..], &["00017"]].concat();
    let state = || -> Result<_> {
        let papers = stage.site.json(&["papers", "list", "--json"])?;
        let legal = stage.site.json(&["person", "export", "00017"])?["legal"].clone();
        let counters = stage.site.json(&["counters", "list", "--json"])?["baselines"].clone();
        Ok((papers, legal, counters))
    };
    let before = state()?;
    let mut asked = Vec::new();
    for command in [paper, lift, consent, give, counts("400")] {
        let told = stage.site.muster(&command)?;
        assert!(told.contains("counts once two signers approved it"), "{command:?}: {told}");
        stage.approve(&told, &["b.admin"])?;
        assert_eq!(state()?, before, "{command:?} by one person");
        let id = told.split([' ', ':']).nth(1).context("no request")?.to_owned();
        let admin = key(stage.keys(), "b.admin");
        stage.refused(&["approve", &id, "--key", as_text(&admin)?], 77, "cannot approve")?;
        asked.push(told);
    }
    for told in asked {
        stage.approve(&told, &["a.dpo"])?;
    }
    let (papers, legal, counters) = state()?;
    assert_eq!(papers.as_array().map(Vec::len), Some(1));
    assert!(legal["restricted_ms"].is_null() && legal["consent"][0].is_object(), "{legal}");
    assert_eq!(legal["notices"]["pics"]["version"], 1);
    assert_ne!(counters, before.2);
    Ok(())
}

#[test]
fn who_signs_is_changed_by_two_and_a_new_signer_waits_a_day() -> Result<()> {
    let stage = Stage::new(|text| text, "")?;
    let new = key(stage.keys(), "c.new");
    let make = ["policy", "key", "--person", "c.new", "--role", "security", "--out"];
    stage.site.away(&[&make[..], &[as_text(&new)?]].concat())?;
    let signer = format!("c.new:security:{}.pub", new.display());
    let count =
        || -> Result<usize> { Ok(stage.site.muster(&["signers", "list"])?.lines().count()) };
    stage.refused(&["signers", "add", &signer], 65, "changed by two people")?;
    let admin = key(stage.keys(), "b.admin");
    let asked = stage.site.muster(&["signers", "add", &signer, "--key", as_text(&admin)?])?;
    assert_eq!(count()?, 2);
    stage.approve(&asked, &["a.dpo"])?;
    assert_eq!(count()?, 3);
    assert!(stage.site.muster(&["signers", "list"])?.contains("signs from"));
    stage.site.muster(&["local-only", "on"])?;
    let tries = ["local-only", "off", "--key", as_text(&new)?];
    stage.refused(&tries, 77, "enrolled less than a day ago")?;
    let asked = stage.site.muster(&["signers", "remove", "c.new", "--key", as_text(&admin)?])?;
    stage.approve(&asked, &["a.dpo"])?;
    assert_eq!(count()?, 2);
    let dpo = ["signers", "remove", "a.dpo", "--key", as_text(&admin)?];
    stage.refused(&dpo, 65, "the dpo among them")
}

#[test]
fn with_the_region_down_and_another_one_up_nothing_moves() -> Result<()> {
    let elsewhere = tempfile::tempdir()?;
    let other = Region::start("onprem-hk", elsewhere.path(), Looks::Closely)?;
    let second = |text: String| {
        text.replace(
            "[[profile]]",
            "[[destination]]\nid = \"hk-spare\"\nregion = \"onprem-hk\"\nconnector = \"mqtt\"\n\
             operator = \"Test Payroll Limited\"\nremote_access_from = []\n\
             residency_evidence = \"endpoint\"\n[[profile]]",
        ) + "[[permit]]\nid = \"P-VISITOR\"\n\
             when = { \"subject.category\" = [\"visitor\"] }\nto = \"hk-spare\"\n\
             profile = \"minimal\"\n"
    };
    let mut stage = Stage::new(second, &other.section("hk-spare"))?;
    until("the spare region is connected", || {
        let status = stage.status()?;
        let spare = status["destinations"].as_array().into_iter().flatten();
        Ok(spare.filter(|d| d["destination"] == "hk-spare").any(|d| d["paused"].is_null()))
    })?;
    stage.region.set_up(false);
    stage.punch(Duration::from_millis(2));
    until("punches wait", || {
        let status = stage.status()?;
        let queue = status["destinations"].as_array().into_iter().flatten();
        let queue = queue.filter(|d| d["destination"] == office::DESTINATION);
        Ok(queue.filter_map(|d| d["backlog"].as_u64()).sum::<u64>() > 200)
    })?;
    assert_eq!((stage.arrived(), other.arrived().count), (0, 0));
    stage.region.set_up(true);
    until("the same region gets them", || Ok(stage.arrived() > 200))?;
    assert_eq!(other.arrived().count, 0);
    Ok(())
}

#[test]
fn a_person_takes_their_data_away_restricts_and_is_erased() -> Result<()> {
    let mut stage = Stage::new(|text| text, "")?;
    stage.punch(Duration::from_millis(1));
    until("punches are taken", || Ok(stage.receipted() > 1500))?;
    stage.device.take().context("no terminal")?.drain(SOON)?;
    let export = stage.site.json(&["person", "export", "00017"])?;
    assert_eq!(export["person"]["name"], "Person 00017");
    let records = export["records"].as_array().map_or(0, Vec::len);
    assert!(records > 0, "{export}");
    let csv = stage.site.muster(&["person", "export", "00017", "--format", "csv"])?;
    assert_eq!(csv.lines().count(), records + 1);
    let correct =
        ["person", "correct", "00017", "--set", "name=Chan Tai Man", "--reason", "misspelt"];
    stage.site.muster(&correct)?;
    stage.site.muster(&["person", "restrict", "00017"])?;
    let shown = stage.site.json(&["person", "export", "00017"])?;
    assert!(
        !shown["legal"]["restricted_ms"].is_null() && shown["person"]["name"] == "Chan Tai Man"
    );
    stage.site.muster(&["person", "request", "00017", "--right", "erase", "--law", "HK"])?;
    let (dpo, admin) = (key(stage.keys(), "a.dpo"), key(stage.keys(), "b.admin"));
    let (dpo, admin) = (as_text(&dpo)?, as_text(&admin)?);
    let asked = stage.site.muster(&["person", "erase", "00017", "--key", admin])?;
    let id = asked.split([' ', ',']).nth(1).context("no request")?.to_owned();
    assert_eq!(stage.site.json(&["person", "export", "00017"])?["person"]["person"], "00017");
    let done = stage.site.muster(&["approve", &id, "--key", dpo])?;
    assert!(done.contains("still to do: backups") && done.contains("region hk-payroll"), "{done}");
    stage.refused(&["person", "export", "00017"], 65, "no such person")?;
    let told = stage.site.muster(&["person", "erasures"])?;
    assert!(told.contains("still to do") && !told.contains("erased"), "{told}");
    for place in ["backups", "region hk-payroll"] {
        stage.site.muster(&["person", "erased-at", &id, place])?;
    }
    assert!(stage.site.muster(&["person", "erasures"])?.contains("erased"));
    assert_eq!(stage.site.output(&["journal", "verify"])?.status.code(), Some(0));
    Ok(())
}

#[test]
fn a_destination_is_left_step_by_step_with_its_receipts() -> Result<()> {
    let mut stage = Stage::new(|text| text, "")?;
    stage.punch(Duration::from_millis(5));
    until("records leave", || Ok(stage.arrived() > 20))?;
    let steps = |stage: &Stage| -> Result<Vec<(String, String)>> {
        let made = stage.site.json(&["report", "offboarding"])?;
        let rows = made["sections"]["offboarding"]["rows"].as_array().context("no rows")?.clone();
        let of = rows.iter().filter(|row| row["destination"] == office::DESTINATION);
        let text =
            |row: &serde_json::Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
        Ok(of.map(|row| (text(row, "state"), text(row, "receipt"))).collect())
    };
    let open = |stage: &Stage| -> Result<Vec<bool>> {
        Ok(steps(stage)?.iter().map(|(state, _)| state == "OPEN").collect())
    };
    assert_eq!(open(&stage)?, [true; 4], "a list of what to do, and nothing is changed by it");
    // Stop: one person is enough for a policy in which nothing leads there.
    let text = std::fs::read_to_string(stage.site.layout().dir.join("policy-1.toml"))?;
    let text = text.replace("version = 1\n", "version = 2\n");
    let permit = text.find("[[permit]]").context("no permit")?;
    let after = text.find("[[biometric]]").context("no end of it")?;
    let policy = stage.site.layout().dir.join("policy-2.toml");
    std::fs::write(&policy, text[..permit].to_owned() + &text[after..])?;
    office::sign(&stage.site, &policy, &key(stage.keys(), "b.admin"))?;
    stage.site.muster(&["policy", "publish", as_text(&policy)?])?;
    until("it is stopped and drained", || Ok(open(&stage)? == [false, false, true, true]))?;
    let letter = stage.dir.path().join("letter.pdf");
    std::fs::write(&letter, "please delete")?;
    for kind in ["deletion-request", "deletion-confirmation"] {
        let mut args = vec!["papers", "add", as_text(&letter)?, "--type", kind, "--lane", "*"];
        args.extend(["--destination", office::DESTINATION]);
        args.extend(["--from", "2026-01-01", "--to", "2036-01-01"]);
        let told = stage.site.muster(&args)?;
        stage.approve(&told, &["a.dpo", "b.admin"])?;
    }
    assert_eq!(open(&stage)?, [false; 4]);
    let digest = ring::digest::digest(&ring::digest::SHA256, b"please delete");
    let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(steps(&stage)?[3].1, format!("paper 2, SHA-256 {hex}"));
    let csv =
        stage.site.muster(&["report", "offboarding", "--format", "csv", "--language", "zh"])?;
    assert!(csv.contains("要求删除"), "{csv}");
    Ok(())
}

#[test]
fn commands_about_people_speak_the_terminals_language() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let site = Site::init(Layout::new(gateway(Build::Real)?, &dir.path().join("box")))?;
    let staff = dir.path().join("staff.csv");
    std::fs::write(&staff, "person,name\n1,Lei Ka Hou\n")?;
    for (all, lang, told) in [
        ("", "zh_MO.UTF-8", "未變"),
        ("", "zh", "未变"),
        ("zh_CN.UTF-8", "pt_PT.UTF-8", "未变"),
        ("", "pt_PT.UTF-8", "acrescentadas"),
        ("C", "zh_HK", "unchanged"),
        ("", "", "unchanged"),
    ] {
        let mut command = std::process::Command::new(&site.layout().binary);
        command.args(["person", "import", as_text(&staff)?, "--config", as_text(&site.config())?]);
        command.env("LC_ALL", all).env_remove("LC_MESSAGES").env("LANG", lang);
        let output = command.output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success() && said.contains(told), "{all} {lang}: {said}");
    }
    Ok(())
}
