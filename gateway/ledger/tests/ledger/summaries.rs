//! Records made from sheets: days, corrections, counts. Each is made once, decided, sent and
//! settled like a punch, over restarts and crashes.

use crate::setting::{
    NOW_MS, Setting, accepted, agree, comes_out_the_same, connected, employee, enrol, next,
    nothing, punch, until,
};
use jiff::civil::{Date, date};
use muster_attendance::{Attendance, DeviceId, Direction, Method, PersonId};
use muster_ledger::{Action, Change, DeviceKind, Ledger, Outbox, PlanEntry};
use serde_json::{Value, json};

const DAY: Date = date(2026, 12, 1);
/// 2026-12-02T04:03:00+08:00: the day's window is over, and the terminal was heard since.
const FINAL_MS: i64 = NOW_MS + 19 * 3_600_000 + 180_000;
const MINUTE_MS: i64 = 60_000;

const PROFILES: &str = r#"
[[profile]]
id = "hours"
fields = ["event_id", "subject_ref", "check_time", "direction", "shift", "period", "worked_minutes"]
time_precision = "minute"
[[profile]]
id = "sums"
fields = ["subject_ref", "date", "week", "worked_minutes"]
[[profile]]
id = "heads"
kind = "aggregate"
fields = ["site_ref", "date", "group", "count"]
k_min = 2
[[profile]]
id = "weeks"
kind = "aggregate"
fields = ["site_ref", "week", "count"]
k_min = 2
"#;

const DAILY: &str = r#"
[[permit]]
id = "P-DAY"
when = { "subject.category" = ["employee"], "record.class" = ["attendance.daily"] }
to = "mo-hr"
profile = "hours"
"#;

const CORRECTION: &str = r#"
[[permit]]
id = "P-CORR"
when = { "subject.category" = ["employee"], "record.class" = ["attendance.correction"] }
to = "mo-hr"
profile = "hours"
"#;

fn permit(id: &str, more: &str, profile: &str) -> String {
    let when = format!("{more}\"record.class\" = [\"attendance.aggregate\"]");
    format!(
        "[[permit]]\nid = \"{id}\"\nwhen = {{ {when} }}\nto = \"mo-hr\"\nprofile = \"{profile}\"\n"
    )
}

/// A box whose policy lets go what these permits name, and nothing of single punches.
async fn set_up(setting: &Setting, permits: &str) -> (Ledger, DeviceId, Vec<PersonId>) {
    let (ledger, _) = setting.open();
    govern(&ledger, permits).await;
    let device = ledger.devices().pair("gate", DeviceKind::M1, None, None, None).await.unwrap();
    let people = ["17", "18", "19"].map(|number| muster_ledger::PersonProfile {
        department: Some(if number == "19" { "shop" } else { "office" }.into()),
        ..employee(number)
    });
    ledger.directory().import(people.into()).await.unwrap();
    let people = ["17", "18", "19"].map(|number| ledger.directory().find(number).unwrap());
    let shift = json!({ "parts": [["09:00", "18:00"]] });
    let entries = vec![
        PlanEntry::Shift { name: "day".into(), shift },
        PlanEntry::Usual { shift: Some("day".into()), workdays: vec![1, 2, 3, 4, 5] },
    ];
    ledger.plans().enter("hr", entries).await.unwrap();
    (ledger, device, people.into())
}

async fn govern(ledger: &Ledger, permits: &str) {
    enrol(ledger).await;
    let change = |text: String| {
        let (head, _) = text.split_once("[[permit]]").unwrap();
        format!("{head}{PROFILES}{permits}")
    };
    let classes = |pack: &str| {
        let known = r#"known_classes = ["attendance.event", "attendance.correction", "attendance.daily", "attendance.aggregate"]"#;
        pack.replace(r#"known_classes = ["attendance.event"]"#, known)
    };
    let policy = change(crate::setting::policy_text(1, "mo-hr"));
    let pack = classes(crate::setting::LAW_PACK);
    let signed = crate::setting::signed_by(&policy, &pack, &crate::setting::keys());
    ledger.govern("test", Some(signed)).await.expect("a policy");
}

fn at(seq: u64, device: DeviceId, person: PersonId, minutes: i64) -> Attendance {
    let mut punch = punch(device, seq, person);
    punch.at.seconds = NOW_MS / 1000 + minutes * 60;
    punch.received_ms = NOW_MS + minutes * MINUTE_MS;
    punch.direction = None;
    punch
}

/// Everybody comes at nine and goes at six; then the day is over and the terminal was heard.
async fn work(setting: &Setting, ledger: &Ledger, device: DeviceId, people: &[PersonId]) {
    let came = (1..).zip(people).map(|(seq, &person)| at(seq, device, person, 0));
    let went =
        (people.len() as u64 + 1..).zip(people).map(|(seq, &person)| at(seq, device, person, 540));
    ledger.committer().commit(came.chain(went).collect()).await.unwrap();
    end_day(setting, ledger, device, 0);
}

/// The day that is so many after the first is over and complete.
fn end_day(setting: &Setting, ledger: &Ledger, device: DeviceId, days: i64) {
    let at = FINAL_MS + days * 86_400_000;
    setting.set_now(at - 180_000);
    ledger.devices().heard(device);
    setting.set_now(at);
    ledger.devices().heard(device);
}

/// What comes out of the outbox, settled.
async fn taken(outbox: &Outbox) -> Vec<Value> {
    let parcels = next(outbox, 100).await;
    let read = parcels.iter().map(|parcel| serde_json::from_slice(parcel.bytes()).unwrap());
    let read = read.collect();
    outbox.settle(accepted(parcels)).await.unwrap();
    read
}

async fn approve(ledger: &Ledger, person: PersonId, change: Change) -> u32 {
    let number = ledger.plans().ask("mei", person, DAY, change, "forgot").await.unwrap();
    ledger.plans().decide("lei", number, true).await.unwrap();
    number
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_final_day_is_sent_once_and_a_correction_brings_one_record_more() {
    let setting = Setting::new();
    let (ledger, device, people) = set_up(&setting, &format!("{DAILY}{CORRECTION}")).await;
    let person = people[0];
    ledger.committer().commit(vec![at(1, device, person, 0)]).await.unwrap();
    assert_eq!(ledger.summarize().await.unwrap(), 0, "the day is open");
    end_day(&setting, &ledger, device, 0);
    assert_eq!(ledger.summarize().await.unwrap(), 1, "of the others nothing was ever seen");
    assert_eq!(ledger.summarize().await.unwrap(), 0);
    let outbox = connected(&ledger).await;
    let days = taken(&outbox).await;
    assert_eq!(days.len(), 1);
    let keys: Vec<&String> = days[0].as_object().unwrap().keys().collect();
    let fields =
        ["check_time", "direction", "event_id", "period", "shift", "subject_ref", "worked_minutes"];
    assert_eq!(keys, fields);
    let of = |key: &str| days[0][key].clone();
    assert_eq!((of("check_time"), of("direction")), ("2026-12-01T09:00+08:00".into(), "in".into()));
    assert_eq!((of("period"), of("shift")), ("2026-12-01".into(), "day".into()));
    assert_eq!(of("worked_minutes"), 0, "no going");

    let change = Change::Add { at: NOW_MS / 1000 + 9 * 3600, direction: Some(Direction::Out) };
    approve(&ledger, person, change).await;
    setting.set_now(FINAL_MS + MINUTE_MS);
    assert_eq!(ledger.summarize().await.unwrap(), 1);
    assert_eq!(ledger.summarize().await.unwrap(), 0);
    let more = taken(&outbox).await;
    assert_eq!(more.len(), 1);
    assert_eq!(more[0]["worked_minutes"], 540);
    assert_eq!(more[0]["check_time"], "2026-12-01T18:00+08:00");
    assert_eq!(more[0]["direction"], "out");
    assert_ne!(more[0]["event_id"], days[0]["event_id"]);
    assert_eq!(more[0]["subject_ref"], days[0]["subject_ref"]);
    nothing(&outbox).await;
    comes_out_the_same(&ledger).await;
    ledger.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_a_restart_nor_a_crash_makes_anything_twice() {
    let setting = Setting::new();
    let (ledger, device, people) = set_up(&setting, &format!("{DAILY}{CORRECTION}")).await;
    work(&setting, &ledger, device, &people).await;
    assert_eq!(ledger.summarize().await.unwrap(), 3);
    let outbox = connected(&ledger).await;
    let sent = next(&outbox, 1).await;
    let bytes = sent[0].bytes().to_vec();
    let crashed = setting.crash("after");
    drop((sent, outbox));
    ledger.close().await;

    let again = async |setting: &Setting| {
        let (ledger, recovery) = setting.open();
        assert!(recovery.damaged.is_empty() && recovery.broken_chain.is_none());
        ledger.devices().heard(device);
        setting.set_now(FINAL_MS + 180_000);
        ledger.devices().heard(device);
        assert_eq!(ledger.summarize().await.unwrap(), 0);
        let outbox = connected(&ledger).await;
        let parcels = next(&outbox, 10).await;
        assert_eq!(parcels.len(), 3);
        assert_eq!(parcels[0].bytes(), bytes, "the same id and the same bytes");
        outbox.settle(accepted(parcels)).await.unwrap();
        assert_eq!(ledger.summarize().await.unwrap(), 0);
        nothing(&outbox).await;
        drop(outbox);
        ledger.close().await;
    };
    setting.set_now(FINAL_MS);
    again(&crashed).await;
    setting.set_now(FINAL_MS);
    again(&setting).await;
    // A checkpoint holds it too: a later start reads nothing else.
    let (ledger, _) = setting.open();
    assert_eq!(ledger.summarize().await.unwrap(), 0);
    ledger.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_that_changes_without_a_permit_for_corrections_is_sent_again() {
    let setting = Setting::new();
    let sums = DAILY.replace("\"hours\"", "\"sums\"");
    let (ledger, device, people) = set_up(&setting, &sums).await;
    work(&setting, &ledger, device, &people[..1]).await;
    assert_eq!(ledger.summarize().await.unwrap(), 1);
    let outbox = connected(&ledger).await;
    let first = taken(&outbox).await;
    let subject = first[0]["subject_ref"].clone();
    let sum = |minutes: u32| {
        json!({ "subject_ref": subject, "date": "2026-12-01", "week": "2026-W49",
            "worked_minutes": minutes })
    };
    assert_eq!(first, [sum(540)]);
    let change = Change::Add { at: NOW_MS / 1000 + 10 * 3600, direction: Some(Direction::Out) };
    approve(&ledger, people[0], change).await;
    setting.set_now(FINAL_MS + MINUTE_MS);
    assert_eq!(ledger.summarize().await.unwrap(), 0, "an hour outside the plan changes no sum");
    let back =
        PlanEntry::Leave { person: people[0], date: DAY, part: muster_ledger::LeavePart::Pm };
    ledger.plans().enter("hr", vec![back]).await.unwrap();
    setting.set_now(FINAL_MS + 2 * MINUTE_MS);
    assert_eq!(ledger.summarize().await.unwrap(), 1);
    assert_eq!(taken(&outbox).await, [sum(270)]);
    ledger.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn corrections_alone_tell_each_changed_punch() {
    let setting = Setting::new();
    let (ledger, device, people) = set_up(&setting, CORRECTION).await;
    work(&setting, &ledger, device, &people[..1]).await;
    let sheet = ledger.sheets().person(people[0], DAY, DAY).await.unwrap().unwrap();
    let ids: Vec<_> = sheet.sheet.days[&DAY].punches.iter().map(|p| p.id.clone()).collect();
    let (came, went) = (ids[0].parse().unwrap(), ids[1].parse().unwrap());
    let set = Change::Set { punch: came, at: Some(NOW_MS / 1000 - 600), direction: None };
    approve(&ledger, people[0], set).await;
    approve(&ledger, people[0], Change::Void { punch: went }).await;
    let refused = ledger.plans().ask("mei", people[0], DAY, set, "no").await.unwrap();
    ledger.plans().decide("lei", refused, false).await.unwrap();
    setting.set_now(FINAL_MS + MINUTE_MS);
    assert_eq!(ledger.summarize().await.unwrap(), 2);
    let outbox = connected(&ledger).await;
    let told = taken(&outbox).await;
    assert_eq!(told[0]["check_time"], "2026-12-01T08:50+08:00");
    assert_eq!(told[0]["direction"], "in");
    assert_eq!((told[1].get("check_time"), told[1].get("direction")), (None, None), "taken out");
    assert_eq!(ledger.summarize().await.unwrap(), 0);
    ledger.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_are_of_those_who_were_there_and_small_cells_wait() {
    let setting = Setting::new();
    let office = permit("P-HEADS", "\"subject.category\" = [\"employee\"], ", "heads");
    let (ledger, device, people) = set_up(&setting, &office).await;
    work(&setting, &ledger, device, &people).await;
    assert_eq!(ledger.summarize().await.unwrap(), 2, "one a department");
    let outbox = connected(&ledger).await;
    let count = json!({ "site_ref": "mo-hq", "date": "2026-12-01", "group": "office", "count": 2 });
    assert_eq!(taken(&outbox).await, [count]);
    nothing(&outbox).await;
    let held = ledger.views().held().await.unwrap();
    assert!(held.iter().any(|group| group.reason == "K-01" && group.count == 1), "{held:?}");
    let waits = ledger.views().held_records("K-01", None, 9).await.unwrap();
    assert!(waits[0].summary.is_some());
    ledger.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_week_is_counted_when_all_of_it_is_final() {
    let setting = Setting::new();
    let (ledger, device, people) = set_up(&setting, &permit("P-WEEKS", "", "weeks")).await;
    work(&setting, &ledger, device, &people).await;
    let outbox = connected(&ledger).await;
    for days in 0..5 {
        end_day(&setting, &ledger, device, days);
        assert_eq!(ledger.summarize().await.unwrap(), 0, "{days}");
    }
    end_day(&setting, &ledger, device, 5);
    // The week began before the box did: Monday is before its first record, and nobody was there.
    assert_eq!(ledger.summarize().await.unwrap(), 1);
    let week = json!({ "site_ref": "mo-hq", "week": "2026-W49", "count": 3 });
    assert_eq!(taken(&outbox).await, [week]);
    ledger.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restricted_and_erased_people_and_the_emergency_stop_keep_everything_here() {
    let setting = Setting::new();
    let (ledger, device, people) = set_up(&setting, DAILY).await;
    ledger.restrict("dpo", people[0], true, "asked").await.unwrap();
    work(&setting, &ledger, device, &people).await;
    assert_eq!(ledger.summarize().await.unwrap(), 3);
    let outbox = connected(&ledger).await;
    until("two go", || outbox.backlog() == 2).await;
    ledger.stop("security").await.unwrap();
    nothing(&outbox).await;
    agree(&ledger, ledger.propose("dpo", Action::LocalOnlyOff).await).await;
    let erase = Action::Erase { person: people[1], biometrics_only: false };
    agree(&ledger, ledger.propose("dpo", erase).await).await;
    until("one goes", || outbox.backlog() == 1).await;
    outbox.attest(crate::setting::attestation("onprem-mo")).await.unwrap();
    assert_eq!(taken(&outbox).await.len(), 1);
    setting.set_now(FINAL_MS + MINUTE_MS);
    assert_eq!(ledger.summarize().await.unwrap(), 0);
    ledger.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_permit_nothing_is_made_and_a_policy_that_comes_later_looks_back() {
    let setting = Setting::new();
    let (ledger, device, people) = set_up(&setting, "").await;
    work(&setting, &ledger, device, &people).await;
    assert_eq!(ledger.summarize().await.unwrap(), 0);
    let records = ledger.status().records;
    assert_eq!(records, 6);
    ledger.close().await;
    let setting = Setting::new();
    let (ledger, device, people) = set_up(&setting, DAILY).await;
    let mut by_face = at(1, device, people[0], 0);
    by_face.method = Method::Face;
    ledger.committer().commit(vec![by_face, at(2, device, people[0], 540)]).await.unwrap();
    end_day(&setting, &ledger, device, 0);
    assert_eq!(ledger.summarize().await.unwrap(), 1);
    let mut lines = Vec::new();
    ledger.close().await;
    let root = || muster_ledger::RootKey::new([7; 32]);
    muster_ledger::export_journal(&setting.data(), root(), &mut lines).unwrap();
    let text = String::from_utf8(lines).unwrap();
    let made =
        text.lines().filter(|line| line.contains("\"kind\":\"summary\"")).collect::<Vec<_>>();
    assert_eq!(made.len(), 1);
    assert!(made[0].contains("\"method\":\"face\""), "the way that says most: {}", made[0]);
}
