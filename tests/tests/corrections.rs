//! A missed punch mended through the page, all the way to a region: asked for by one, approved by
//! another, and one record more leaves by the same policy.

use anyhow::{Context as _, Result, ensure};
use muster_attendance::{
    Attendance, DeviceClock, DeviceTime, Direction, Method, Outcome, PersonId,
};
use muster_ledger::{Account, DeviceKind, Role};
use muster_tests::binary::{Build, gateway};
use muster_tests::office::{self, DESTINATION, REGION};
use muster_tests::page::Page;
use muster_tests::punch::now_s;
use muster_tests::region::{Looks, Region};
use muster_tests::site::{Layout, Site};
use std::path::Path;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);
/// How long a record may take to be made and to arrive.
const EXPECTED: Duration = Duration::from_secs(45);
/// So long nothing more may come: the box looks at its sheets every 5 s.
const QUIET: Duration = Duration::from_secs(7);
/// Seconds that the terminal was last heard before now: long enough for its silence to be known.
const AGO_S: i64 = 1_200;
const DAY_S: i64 = 86_400;
const NUMBER: &str = "00001";
/// A one-time code, and its digest without the hyphens.
const CODE: &str = "7F3K2-M9QXA-R4TPW-0ZC8N";
const DIGEST: &str = "92e55f007b8365009e005706ffab956ec7a6eee9798903e1506312640f04b4a9";

const PERMITS: &str = r#"
[[profile]]
id = "day"
fields = ["event_id", "subject_ref", "check_time", "direction", "period"]
time_precision = "minute"
[[permit]]
id = "P-DAY"
when = { "subject.category" = ["employee"], "record.class" = ["attendance.daily"] }
to = "@TO"
profile = "day"
[[permit]]
id = "P-CORRECTION"
when = { "subject.category" = ["employee"], "record.class" = ["attendance.correction"] }
to = "@TO"
profile = "day"
"#;

fn set_up(folder: &Path, region: &Region) -> Result<Site> {
    let mut layout = Layout::new(gateway(Build::Real)?, &folder.join("box"));
    layout.log = folder.join("gateway.log");
    layout.page = true;
    layout.more = region.section(DESTINATION);
    office::make_keys(&mut layout, folder)?;
    let site = Site::init(layout)?;
    office::import(&site, std::iter::once(NUMBER.to_owned()))?;
    office::publish_changed(&site, folder, |text| office::with_permits(text, PERMITS))?;
    Ok(site)
}

/// Midnight at +08:00 before the terminal was last heard, in seconds since 1970.
fn midnight() -> i64 {
    (now_s() - AGO_S - 120 + 8 * 3600).div_euclid(DAY_S) * DAY_S - 8 * 3600
}

/// Two people of HR whose accounts are old enough to approve, and somebody who came at nine of the
/// day before and was not seen to go.
fn seed(site: &Site) -> Result<PersonId> {
    let ledger = site.ledger(AGO_S)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        for name in ["mei", "lei"] {
            let made = now_s() * 1_000 - 2 * Account::PROBATION_MS;
            let account = Account::new(name, vec![Role::Hr], made);
            let account = Account { one_time_code: Some(DIGEST.to_owned()), ..account };
            ledger.accounts().put("test", account, true).await?;
        }
        let device = ledger.devices().pair("gate-1", DeviceKind::M1, None, None, None).await?;
        let person = ledger.directory().find(NUMBER).context("nobody was imported")?;
        let moments = [midnight() - 15 * 3600, now_s() - AGO_S];
        let punch = |(seq, seconds): (u64, i64)| Attendance {
            device,
            boot: 1,
            seq,
            person: Some(person),
            at: DeviceTime { seconds, offset_minutes: 480 },
            received_ms: (now_s() - AGO_S) * 1_000,
            method: Method::Card,
            outcome: Outcome::Granted,
            direction: Some(Direction::In),
            live: false,
            clock: DeviceClock::Ok,
        };
        ledger.committer().commit((1..).zip(moments).map(punch).collect()).await?;
        ledger.close().await;
        Ok(person)
    })
}

fn until(what: &str, mut wanted: impl FnMut() -> Result<bool>) -> Result<()> {
    let asked = Instant::now();
    while !wanted()? {
        ensure!(asked.elapsed() < EXPECTED, "not {what} within {EXPECTED:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

fn posted(page: &mut Page, path: &str, fields: &[(&str, &str)]) -> Result<String> {
    Ok(String::from_utf8_lossy(&page.post(path, fields)?).into_owned())
}

#[test]
fn a_correction_by_two_people_brings_one_record_more_at_the_region() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let region = Region::start(REGION, folder.path(), Looks::Closely)?;
    region.set_up(true);
    let site = set_up(folder.path(), &region)?;
    let person = seed(&site)?;
    let mut gateway = site.start()?;
    gateway.ready(PATIENCE)?;
    let console = gateway.listening().console.context("no page")?;
    let mut mei = Page::enter_as(console, "mei", CODE)?;
    let mut lei = Page::enter_as(console, "lei", CODE)?;
    until("the day at the region", || Ok(region.arrived().count == 1))?;

    let date = jiff::Timestamp::from_second(midnight() - 1)?.in_tz("Asia/Hong_Kong")?.date();
    let (day, date) = (format!("/people/{}/{date}", person.0), date.to_string());
    let (csrf, number) = (mei.csrf(&day)?, person.0.to_string());
    let asked = [
        ("csrf", csrf.as_str()),
        ("person", &number),
        ("date", &date),
        ("op", "add"),
        ("direction", "out"),
        ("time", "18:00"),
        ("reason", "went by the yard"),
    ];
    let answer = posted(&mut mei, "/corrections", &asked)?;
    ensure!(answer.starts_with("HTTP/1.1 303"), "{answer}");
    let (csrf, code) = (mei.csrf("/corrections")?, mei.code(1)?);
    let own = [("csrf", csrf.as_str()), ("number", "1"), ("approved", "true"), ("code", &code)];
    let answer = posted(&mut mei, "/corrections/decide", &own)?;
    ensure!(answer.starts_with("HTTP/1.1 422"), "not by who asked: {answer}");
    std::thread::sleep(QUIET);
    assert_eq!(region.arrived().count, 1, "nothing leaves before the second person's word");

    let (csrf, code) = (lei.csrf("/corrections")?, lei.code(1)?);
    let said = [("csrf", csrf.as_str()), ("number", "1"), ("approved", "true"), ("code", &code)];
    let answer = posted(&mut lei, "/corrections/decide", &said)?;
    ensure!(answer.starts_with("HTTP/1.1 303"), "{answer}");
    until("the correction at the region", || Ok(region.arrived().count == 2))?;
    std::thread::sleep(QUIET);
    let arrived = region.arrived();
    assert_eq!((arrived.count, arrived.parcels.len()), (2, 2), "once each");
    assert!(arrived.changed.is_empty(), "{:?}", arrived.changed);
    let [first, more] = arrived.first.as_slice() else { anyhow::bail!("two parcels") };
    assert_eq!(first["check_time"], format!("{date}T09:00+08:00"));
    assert_eq!(more["check_time"], format!("{date}T18:00+08:00"));
    assert_eq!(more["direction"], "out");
    assert_eq!(more["period"], date.as_str());
    assert_eq!(first["subject_ref"], more["subject_ref"]);
    assert_ne!(first["event_id"], more["event_id"]);
    drop(arrived);

    // The punch that was recorded stays beside what was added, with who asked and who agreed.
    let shown = String::from_utf8(lei.get(&day)?)?;
    for expect in ["09:00:00", "mei → lei", "went by the yard"] {
        assert!(shown.contains(expect), "{expect}: {shown}");
    }
    ensure!(gateway.terminate(PATIENCE)?.success(), "SIGTERM");
    Ok(())
}
