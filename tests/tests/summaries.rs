//! Records made from sheets, all the way to a region: a day's days and its count of heads.
//! They are made while the region is away, outlive a kill, and arrive once each.

use anyhow::{Result, ensure};
use muster_attendance::{Attendance, DeviceClock, DeviceTime, Direction, Method, Outcome};
use muster_ledger::DeviceKind;
use muster_tests::binary::{Build, gateway};
use muster_tests::office::{self, DESTINATION, REGION};
use muster_tests::punch::{now_s, rfc3339};
use muster_tests::region::{Looks, Region};
use muster_tests::site::{Layout, Site};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

const PEOPLE: u64 = 6;
const PATIENCE: Duration = Duration::from_secs(20);
/// How long records may take to be made or to arrive: a back-off and some more.
const EXPECTED: Duration = Duration::from_secs(45);
/// So long nothing more may come: the box looks at its sheets every 5 s.
const QUIET: Duration = Duration::from_secs(6);

/// What may leave: days and heads, and nothing of single punches.
const PERMITS: &str = r#"
[[profile]]
id = "day"
fields = ["event_id", "subject_ref", "check_time", "direction", "period", "worked_minutes"]
time_precision = "minute"
[[profile]]
id = "heads"
kind = "aggregate"
fields = ["event_id", "site_ref", "date", "count"]
k_min = 5
[[permit]]
id = "P-DAY"
when = { "subject.category" = ["employee"], "record.class" = ["attendance.daily"] }
to = "@TO"
profile = "day"
[[permit]]
id = "P-HEADS"
when = { "subject.category" = ["employee"], "record.class" = ["attendance.aggregate"] }
to = "@TO"
profile = "heads"
"#;

fn set_up(folder: &Path, region: &Region) -> Result<Site> {
    let mut layout = Layout::new(gateway(Build::Real)?, &folder.join("box"));
    layout.log = folder.join("gateway.log");
    layout.more = region.section(DESTINATION);
    office::make_keys(&mut layout, folder)?;
    let site = Site::init(layout)?;
    office::import(&site, (0..PEOPLE).map(|number| format!("{number:05}")))?;
    office::publish_changed(&site, folder, |text| office::with_permits(text, PERMITS))?;
    Ok(site)
}

/// Seconds that the terminal was last heard before now: long enough for its silence to be known.
const AGO_S: i64 = 1_200;

/// Midnight at +08:00 before the terminal was last heard, in seconds since 1970.
fn midnight() -> i64 {
    let day = 86_400;
    (now_s() - AGO_S - 120 + 8 * 3600).div_euclid(day) * day - 8 * 3600
}

/// What a terminal had kept, as the box stored it a while ago: the day before everybody came at
/// nine and went at six, and then one came again, so that all of that day is here. A box that
/// starts would wait two minutes for a terminal it only now hears of.
fn punch(site: &Site) -> Result<()> {
    let ledger = site.ledger(AGO_S)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let device = ledger.devices().pair("gate-1", DeviceKind::M1, None, None, None).await?;
        let (came, went) = (midnight() - 15 * 3600, midnight() - 6 * 3600);
        let mut moments: Vec<_> = (0..PEOPLE).map(|n| (n, came, Direction::In)).collect();
        moments.extend((0..PEOPLE).map(|n| (n, went, Direction::Out)));
        moments.push((0, now_s() - AGO_S, Direction::In));
        let mut punches = Vec::new();
        for (seq, (number, seconds, direction)) in (1..).zip(moments) {
            let person = ledger.directory().find(&format!("{number:05}"));
            punches.push(Attendance {
                device,
                boot: 1,
                seq,
                person,
                at: DeviceTime { seconds, offset_minutes: 480 },
                received_ms: (now_s() - AGO_S) * 1_000,
                method: Method::Card,
                outcome: Outcome::Granted,
                direction: Some(direction),
                live: false,
                clock: DeviceClock::Ok,
            });
        }
        ledger.committer().commit(punches).await?;
        ledger.close().await;
        Ok(())
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

fn destination(site: &Site) -> Result<Value> {
    let status = site.json(&["status", "--json"])?;
    let all = status["destinations"].as_array().cloned().unwrap_or_default();
    Ok(all.into_iter().find(|d| d["destination"] == DESTINATION).unwrap_or_default())
}

#[test]
fn days_and_heads_arrive_once_each_with_the_profiles_fields_alone() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let region = Region::start(REGION, folder.path(), Looks::Closely)?;
    region.set_up(false);
    let site = set_up(folder.path(), &region)?;
    punch(&site)?;
    let mut gateway = site.start()?;
    gateway.ready(PATIENCE)?;
    until("made", || Ok(destination(&site)?["backlog"] == PEOPLE + 1))?;
    gateway.kill()?;
    region.set_up(true);
    let mut gateway = site.start()?;
    gateway.ready(PATIENCE)?;
    until("settled", || Ok(destination(&site)?["settled"] == PEOPLE + 1))?;
    std::thread::sleep(QUIET);

    let arrived = region.arrived();
    assert_eq!((arrived.count, arrived.parcels.len() as u64), (PEOPLE + 1, PEOPLE + 1));
    assert!(arrived.changed.is_empty(), "{:?}", arrived.changed);
    let date = rfc3339(midnight() - 1)[..10].to_owned();
    let (heads, days): (Vec<_>, Vec<_>) =
        arrived.first.iter().cloned().partition(|parcel| parcel.get("count").is_some());
    for mut day in days {
        let day = day.as_object_mut().expect("a parcel is an object");
        let mut take = |key: &str| day.remove(key).unwrap_or_default();
        assert!(take("event_id").is_string() && take("subject_ref").is_string());
        assert_eq!(take("check_time"), format!("{date}T09:00+08:00"));
        assert_eq!((take("direction"), take("period")), (json!("in"), json!(date)));
        assert!(take("worked_minutes").is_u64());
        assert!(day.is_empty(), "{day:?}");
    }
    let head = &heads[0];
    let expect = json!({ "event_id": head["event_id"], "site_ref": Site::NAME, "date": date,
        "count": PEOPLE });
    assert_eq!((heads.len(), head), (1, &expect));
    drop(arrived);
    ensure!(gateway.terminate(PATIENCE)?.success(), "SIGTERM");
    Ok(())
}
