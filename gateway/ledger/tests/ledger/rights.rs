//! People's rights and what time takes away.

use crate::setting::{
    LAW_PACK, NOW_MS, Setting, accepted, comes_out_the_same, commit, connected, employee, enrol,
    keys, next, policy_text, punch, seventeen, signed_by, staffed, until,
};
use muster_attendance::{EventId, PersonId};
use muster_ledger::{
    Action, Elsewhere, Keyring, KeyringError, Ledger, PersonProfile, Right, request_text,
};
use muster_residency::approval::{Part, sign};
use muster_residency::vocab::Law;
use std::path::Path;

const DAY_MS: i64 = 86_400_000;

/// Two people decide to erase.
async fn erase(ledger: &Ledger, person: PersonId, biometrics_only: bool, at_ms: i64) -> String {
    let [dpo, admin] = keys();
    let action = Action::Erase { person, biometrics_only };
    let text = request_text(&action, "mo-hq", at_ms);
    let request = ledger.ask(action, at_ms, &sign(Part::Ask, &text, &admin)).await.unwrap();
    ledger.approve(&request.id, &sign(Part::Approve, &text, &dpo)).await.unwrap();
    request.id
}

fn evidence(keyring: &Keyring, person: PersonId) -> bool {
    match keyring.find_vault_secret(Some(person), 0) {
        Ok(_) => true,
        Err(KeyringError::Gone) => false,
        Err(error) => panic!("{error}"),
    }
}

fn contains(folder: &Path, needle: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).any(|path| {
        if path.is_dir() {
            return contains(&path, needle);
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        bytes.windows(needle.len()).any(|window| window == needle)
    })
}

#[tokio::test]
async fn erasing_leaves_punches_of_nobody_and_a_list_of_what_is_left_to_do() {
    let setting = Setting::new();
    let (ledger, device, person) = staffed(&setting).await;
    commit(&ledger, device, person, 1..4).await;
    let outbox = connected(&ledger).await;
    outbox.settle(accepted(next(&outbox, 1).await)).await.unwrap();
    assert!(evidence(&ledger.keyring(), person));
    let request = erase(&ledger, person, false, NOW_MS).await;
    assert!(!evidence(&ledger.keyring(), person));
    assert!(ledger.directory().profile(person).is_none());
    assert_eq!(ledger.directory().find("17"), None);
    until("held", || outbox.backlog() == 0).await;
    let erasure = ledger.erasures().pop().unwrap();
    let todo: Vec<_> = erasure.todo.iter().cloned().collect();
    assert_eq!(todo, [Elsewhere::Backups, Elsewhere::Region("mo-hr".into())]);
    assert!(!erasure.is_complete());
    let elsewhere = Elsewhere::Terminal("gate".into());
    assert!(ledger.erased_elsewhere("hr", &request, elsewhere).await.is_err());
    let erasure = ledger.erased_elsewhere("hr", &request, Elsewhere::Backups).await.unwrap();
    assert!(!erasure.is_complete());
    let region = Elsewhere::Region("mo-hr".into());
    assert!(ledger.erased_elsewhere("hr", &request, region).await.unwrap().is_complete());
    let records = ledger.status().records;
    ledger.close().await;
    let name = b"Name 17";
    assert!(!contains(&setting.data(), name));
    let (again, recovery) = setting.open();
    assert_eq!((again.status().records, recovery.damaged_count), (records, 0));
    assert!(again.directory().profile(person).is_none());
    let report =
        muster_ledger::verify_journal(&setting.data(), muster_ledger::RootKey::new([7; 32]));
    assert!(report.unwrap().whole);
    // Erasing again is refused, and the number that comes again is somebody new.
    let new = again.directory().exchange(device, "17").await.unwrap();
    assert_ne!(new, person);
}

#[tokio::test]
async fn a_crash_between_the_act_and_the_key_erases_all_the_same() {
    let setting = Setting::new();
    let (ledger, device, person) = staffed(&setting).await;
    commit(&ledger, device, person, 1..2).await;
    let before = setting.crash("keys-as-they-were");
    erase(&ledger, person, false, NOW_MS).await;
    ledger.close().await;
    // The journal of after with the keys of before: what a crash between the two leaves.
    let keys = |setting: &Setting| setting.data().join("keys/persons");
    std::fs::copy(keys(&before), keys(&setting)).unwrap();
    let (again, _) = setting.open();
    assert!(!evidence(&again.keyring(), person));
    assert!(again.directory().profile(person).is_none());
}

#[tokio::test]
async fn biometrics_go_alone_and_the_sheet_stays_whole() {
    let setting = Setting::new();
    let (ledger, device, person) = staffed(&setting).await;
    commit(&ledger, device, person, 1..4).await;
    erase(&ledger, person, true, NOW_MS).await;
    assert!(!evidence(&ledger.keyring(), person));
    assert_eq!(ledger.directory().profile(person).unwrap().name.as_deref(), Some("Name 17"));
    let (from, to) = (jiff::civil::date(2026, 12, 1), jiff::civil::date(2026, 12, 2));
    let days = ledger.views().person(person, from, to).await.unwrap();
    assert_eq!(days[0].1.records.len(), 3);
    assert_eq!(connected(&ledger).await.backlog(), 3);
}

#[tokio::test]
async fn one_person_erases_nobody() {
    let setting = Setting::new();
    let (ledger, _, person) = staffed(&setting).await;
    let [dpo, _] = keys();
    let action = Action::Erase { person, biometrics_only: false };
    let text = request_text(&action, "mo-hq", NOW_MS);
    let request = ledger.ask(action, NOW_MS, &sign(Part::Ask, &text, &dpo)).await.unwrap();
    assert!(ledger.approve(&request.id, &sign(Part::Approve, &text, &dpo)).await.is_err());
    // The approval of another request is none of this one.
    let other = request_text(&Action::LocalOnlyOff, "mo-hq", NOW_MS);
    let [_, admin] = keys();
    assert!(ledger.approve(&request.id, &sign(Part::Approve, &other, &admin)).await.is_err());
    assert!(ledger.directory().profile(person).is_some());
}

#[tokio::test]
async fn leavers_biometrics_go_on_their_day_while_hours_stay() {
    let setting = Setting::new();
    let (ledger, device, person) = staffed(&setting).await;
    commit(&ledger, device, person, 1..2).await;
    let day = jiff::civil::date(2026, 12, 2);
    ledger.set_leaving("hr", person, Some(day)).await.unwrap();
    assert_eq!(ledger.retain().await.unwrap().leavers, 0);
    // 2026-12-01T23:59:59+08:00 and a second later; each hour looked at, as the box does.
    let midnight = NOW_MS + 15 * 3_600_000;
    let ledger = later(&setting, ledger, midnight - 1).await;
    assert_eq!(ledger.retain().await.unwrap().leavers, 0);
    let ledger = later(&setting, ledger, midnight).await;
    assert_eq!(ledger.retain().await.unwrap().leavers, 1);
    assert_eq!(ledger.retain().await.unwrap().leavers, 0, "once");
    assert!(!evidence(&ledger.keyring(), person));
    assert!(ledger.directory().profile(person).is_some());
}

/// The box is started again at a later time: less than two days are no jump.
async fn later(setting: &Setting, ledger: Ledger, ms: i64) -> Ledger {
    ledger.close().await;
    setting.set_now(ms);
    setting.open().0
}

/// A policy that keeps records for a hundred days, under a statute's floor.
async fn keeping(ledger: &Ledger, floor: Option<u32>) {
    enrol(ledger).await;
    let floor = floor.map_or(String::new(), |days| {
        format!("floor_days = {days}\nfloor_source = \"-\"\nthen = \"hours-only\"\n")
    });
    let text = policy_text(1, "mo-hr").replace("2027-03-01", "2028-03-01")
        + "[[retention]]\nclass = \"attendance.event\"\nlocal_days = 100\n"
        + &floor;
    ledger.govern("test", Some(signed_by(&text, LAW_PACK, &keys()))).await.unwrap();
}

#[tokio::test]
async fn a_months_key_goes_at_its_ceiling_and_nothing_after_a_jump() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    keeping(&ledger, None).await;
    ledger.directory().import(vec![employee("17")]).await.unwrap();
    let (device, person) = seventeen(&ledger).await;
    commit(&ledger, device, person, 1..4).await;
    assert_eq!(ledger.retain().await.unwrap().months, Vec::<u32>::new());
    // 2027-03-11T09:00:00+08:00: the first of December is a hundred days ago.
    let over = NOW_MS + 100 * DAY_MS;
    setting.set_now(over);
    let jumped = ledger.retain().await.unwrap();
    assert!(jumped.waits_for_clock && jumped.months.is_empty(), "{jumped:?}");
    let at = muster_attendance::DeviceTime { seconds: over / 1000, offset_minutes: 480 };
    let late = muster_attendance::Attendance { at, received_ms: over, ..punch(device, 9, person) };
    let punches = vec![late];
    ledger.committer().commit(punches).await.unwrap();
    // Neither do restarts within a day make the jump forgotten.
    let ledger = later(&setting, ledger, over + DAY_MS - 1).await;
    assert!(ledger.retain().await.unwrap().waits_for_clock);
    let ledger = later(&setting, ledger, over + DAY_MS).await;
    setting.trust(false);
    assert!(ledger.retain().await.unwrap().waits_for_clock);
    setting.trust(true);
    let retained = ledger.retain().await.unwrap();
    assert_eq!((retained.months, retained.act_months), (vec![202612], vec![]));
    assert_eq!(ledger.retain().await.unwrap().months, Vec::<u32>::new(), "once");
    let (from, to) = (jiff::civil::date(2026, 12, 1), jiff::civil::date(2026, 12, 31));
    let mut days = ledger.views().person(person, from, to).await;
    while matches!(days, Err(muster_ledger::ViewsError::Rebuilding { .. })) {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        days = ledger.views().person(person, from, to).await;
    }
    assert_eq!(days.unwrap().len(), 0);
    ledger.close().await;
    let root = || muster_ledger::RootKey::new([7; 32]);
    let report = muster_ledger::verify_journal(&setting.data(), root()).unwrap();
    assert!(report.whole && report.unreadable > 0, "{report:?}");
    let (again, recovery) = setting.open();
    assert_eq!((recovery.damaged_count, again.status().records), (0, 4));
}

/// Three years on, everything of the first month is destroyed: its segment goes, the chain still
/// verifies, and what the acts of that month made is still known.
#[tokio::test]
async fn a_segment_of_destroyed_months_is_deleted_and_the_chain_still_verifies() {
    const YEARS_MS: i64 = 1_200 * DAY_MS;
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    keeping(&ledger, None).await;
    ledger.directory().import(vec![employee("17")]).await.unwrap();
    let (device, person) = seventeen(&ledger).await;
    ledger.directory().import(vec![PersonProfile { basis: None, ..employee("17") }]).await.unwrap();
    commit(&ledger, device, person, 1..4).await;
    assert_eq!(ledger.status().held.values().sum::<u64>(), 3);
    let ledger = later(&setting, ledger, NOW_MS + YEARS_MS).await;
    assert!(ledger.retain().await.unwrap().waits_for_clock);
    let ledger = later(&setting, ledger, NOW_MS + YEARS_MS + DAY_MS).await;
    let retained = ledger.retain().await.unwrap();
    assert_eq!((retained.months[0], retained.act_months[0]), (202612, 202612));
    assert_eq!(ledger.status().held.values().sum::<u64>(), 0, "they are gone");
    // The first segment also has batches of this month: it goes when those do.
    assert_eq!(retained.segments, 0);
    let ledger = later(&setting, ledger, NOW_MS + 2 * YEARS_MS).await;
    assert!(ledger.retain().await.unwrap().waits_for_clock);
    let ledger = later(&setting, ledger, NOW_MS + 2 * YEARS_MS + DAY_MS).await;
    let files = |setting: &Setting| {
        let entries = std::fs::read_dir(setting.data().join("journal")).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let mut segments: Vec<_> =
            paths.filter(|path| path.extension().is_some_and(|e| e == "journal")).collect();
        segments.sort();
        segments
    };
    let old = files(&setting);
    let kept = std::fs::read(&old[0]).unwrap();
    let retained = ledger.retain().await.unwrap();
    assert!(retained.segments > 0, "{retained:?}");
    ledger.close().await;
    assert!(!old[0].exists());
    let root = || muster_ledger::RootKey::new([7; 32]);
    let verify = || muster_ledger::verify_journal(&setting.data(), root()).unwrap();
    let report = verify();
    assert!(report.whole, "{report:?}");
    assert!(report.deleted.is_some_and(|deleted| deleted.records == 3), "{report:?}");
    assert!(report.destroyed.facts.contains(&202612) && report.destroyed.acts.contains(&202612));
    // What a crash between the act and the files leaves is deleted at the next start.
    std::fs::write(&old[0], kept).unwrap();
    let (again, recovery) = setting.open();
    assert!(!old[0].exists());
    assert_eq!((recovery.damaged_count, recovery.broken_chain), (0, None));
    assert_eq!(again.directory().find("17"), Some(person));
    assert_eq!((again.signers().len(), again.policy_versions().len()), (2, 1));
    commit(&again, device, person, 4..6).await;
    let replayed = again.replay_decisions().await.unwrap();
    let receipts = (replayed.receipts.records, replayed.receipts.same, replayed.before);
    assert_eq!(receipts, (2, 2, 3), "{replayed:?}");
    again.close().await;
    assert!(verify().whole);
    // Somebody who takes away the beginning by hand is seen.
    std::fs::remove_file(&files(&setting)[0]).unwrap();
    let report = verify();
    assert!(!report.whole && report.first_bad.unwrap().why.contains("not by retention"));
}

/// Between ceiling and floor nothing but hours is to be seen of a month, by no way, and neither
/// after a restart nor after the views are built again; on the floor's day it is destroyed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_ceiling_and_before_the_floor_nothing_but_hours_is_seen() {
    let (setting, ledger, person, id) = reduced().await;
    seen(&ledger, person, id, false).await;
    assert_eq!(ledger.retain().await.unwrap().reduced, Vec::<u32>::new(), "once");
    ledger.views().rebuild();
    seen(&ledger, person, id, false).await;
    ledger.close().await;
    let mut journal = Vec::new();
    let root = || muster_ledger::RootKey::new([7; 32]);
    muster_ledger::export_journal(&setting.data(), root(), &mut journal).unwrap();
    let journal = String::from_utf8(journal).unwrap();
    assert_eq!(journal.matches("\"kind\":\"hours-only\"").count(), 2);
    assert_eq!(journal.matches("\"kind\":\"record\"").count(), 1, "of the month that is not due");
    assert!(!journal.contains(&format!("\"at_seconds\":{}", NOW_MS / 1000)));
    let (ledger, _) = setting.open();
    seen(&ledger, person, id, false).await;
    comes_out_the_same(&ledger).await;
    // The statute's time of a person's hours runs on though their records are not shown.
    erase(&ledger, person, false, setting_ms()).await;
    let erasure = ledger.erasures().pop().unwrap();
    assert!(erasure.deferred_ms.is_some(), "{erasure:?}");
    let end = NOW_MS + (365 + 31) * DAY_MS;
    let ledger = later(&setting, ledger, end).await;
    assert!(ledger.retain().await.unwrap().waits_for_clock);
    let ledger = later(&setting, ledger, end + DAY_MS).await;
    assert!(ledger.retain().await.unwrap().months.contains(&202612));
}

/// 2027-03-12T09:00:00+08:00: the first of December is more than a hundred days ago.
const fn setting_ms() -> i64 {
    NOW_MS + 101 * DAY_MS
}

/// A box whose first month was reduced just now; whose records they were, and one of them.
async fn reduced() -> (Setting, Ledger, PersonId, EventId) {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    keeping(&ledger, Some(365)).await;
    let (device, person) = crate::sheets::set_up(&ledger).await;
    let punches =
        [(1, 0), (2, 540)].map(|(seq, minute)| crate::sheets::at(seq, device, person, minute));
    ledger.committer().commit(punches.to_vec()).await.unwrap();
    let today = jiff::civil::date(2026, 12, 1);
    setting.set_now(NOW_MS + 19 * 3_600_000);
    let records = ledger.views().records(today, today, None, 10).await.unwrap().rows;
    let id = records[0].id;
    seen(&ledger, person, id, true).await;
    let ledger = later(&setting, ledger, setting_ms() - DAY_MS).await;
    assert!(ledger.retain().await.unwrap().waits_for_clock);
    // One of this month, which stays as it is.
    let at = muster_attendance::DeviceTime {
        seconds: (setting_ms() - DAY_MS) / 1000,
        offset_minutes: 480,
    };
    let received_ms = setting_ms() - DAY_MS;
    let late = muster_attendance::Attendance { at, received_ms, ..punch(device, 3, person) };
    ledger.committer().commit(vec![late]).await.unwrap();
    let ledger = later(&setting, ledger, setting_ms()).await;
    let waiting = |ledger: &Ledger| ledger.status().destinations.iter().map(|d| d.backlog).sum();
    let before: u64 = waiting(&ledger);
    let retained = ledger.retain().await.unwrap();
    assert_eq!((retained.reduced, retained.months), (vec![202612], vec![]));
    assert_eq!((before, waiting(&ledger)), (3, 1), "what is reduced waits for no region");
    (setting, ledger, person, id)
}

/// What there is to see of the first of December, everywhere: all of it, or its hours.
async fn seen(ledger: &Ledger, person: PersonId, id: EventId, whole: bool) {
    let count = if whole { 2 } else { 0 };
    let (day, views) = (jiff::civil::date(2026, 12, 1), ledger.views());
    let mut board = views.day(day).await;
    while matches!(board, Err(muster_ledger::ViewsError::Rebuilding { .. })) {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        board = views.day(day).await;
    }
    let people = board.unwrap().people;
    assert_eq!(people.iter().map(|day| day.records.len()).sum::<usize>(), count);
    assert_eq!(people.len(), usize::from(whole), "not even who was there");
    assert_eq!(views.person(person, day, day).await.unwrap().len(), usize::from(whole));
    assert_eq!(views.records(day, day, None, 10).await.unwrap().rows.len(), count);
    assert_eq!(views.record(id).await.unwrap().is_some(), whole);
    assert_eq!(ledger.explain(id).await.unwrap().is_some(), whole);
    let (sheets, devices) = (ledger.sheets(), ledger.devices());
    devices.list().iter().for_each(|device| devices.heard(device.id));
    let sheet = sheets.person(person, day, day).await.unwrap().unwrap();
    assert_eq!(sheet.punches.len(), count);
    let of_day = &sheet.sheet.days[&day];
    assert_eq!(of_day.minutes.worked, 540);
    let more = [of_day.first_in.is_some(), of_day.last_out.is_some(), of_day.shift.is_some()];
    assert_eq!(more, [whole; 3]);
    assert_eq!((of_day.minutes.planned > 0, !of_day.punches.is_empty()), (whole, whole));
    assert_eq!(sheet.sheet.month.minutes.planned, of_day.minutes.planned);
    let hours = sheets.reduced_hours(person).await.unwrap();
    assert_eq!(hours, if whole { vec![] } else { vec![(day, 540)] });
}

#[tokio::test]
async fn a_statutes_floor_restricts_first_and_erases_on_its_day() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    keeping(&ledger, Some(365)).await;
    ledger.directory().import(vec![employee("17")]).await.unwrap();
    let (device, person) = seventeen(&ledger).await;
    commit(&ledger, device, person, 1..2).await;
    erase(&ledger, person, false, NOW_MS).await;
    let erasure = ledger.erasures().pop().unwrap();
    assert_eq!(erasure.deferred_ms, Some(NOW_MS + 365 * DAY_MS));
    assert_eq!(erasure.law, Some(Law::MO));
    assert!(!evidence(&ledger.keyring(), person), "biometric evidence does not wait");
    until("held", || ledger.status().held.get("C-03-RESTRICTED") == Some(&1)).await;
    assert!(ledger.directory().profile(person).is_some());
    ledger.close().await;
    setting.set_now(NOW_MS + 365 * DAY_MS);
    let (ledger, _) = setting.open();
    assert!(ledger.retain().await.unwrap().waits_for_clock, "a year in one step is a jump");
    let ledger = later(&setting, ledger, NOW_MS + 366 * DAY_MS).await;
    assert_eq!(ledger.retain().await.unwrap().erased, 1);
    assert!(ledger.directory().profile(person).is_none());
}

#[tokio::test]
async fn correcting_leaves_a_trail_and_requests_have_their_time() {
    let setting = Setting::new();
    let (ledger, _, person) = staffed(&setting).await;
    let correct = PersonProfile { name: Some("Chan Tai Man".into()), ..employee("17") };
    let columns = ledger.correct("hr", person, correct, "misspelt").await.unwrap();
    assert_eq!(columns, ["name"]);
    let name = ledger.directory().profile(person).unwrap().name;
    assert_eq!(name.as_deref(), Some("Chan Tai Man"));
    let mut journal = Vec::new();
    let root = muster_ledger::RootKey::new([7; 32]);
    muster_ledger::export_journal(&setting.data(), root, &mut journal).unwrap();
    let journal = String::from_utf8(journal).unwrap();
    assert!(journal.contains("person-corrected") && journal.contains("misspelt"));
    assert!(!journal.contains("Chan Tai Man"));
    let now = jiff::Timestamp::from_millisecond(NOW_MS).unwrap();
    let asked = ledger.ask_right("hr", person, Right::Access, Law::HK, now, None).await.unwrap();
    assert_eq!((asked.number, asked.due_ms), (1, NOW_MS + 40 * DAY_MS));
    setting.set_now(NOW_MS + 40 * DAY_MS + 1);
    assert_eq!(ledger.status().rights_overdue, 1);
    ledger.answer_right("hr", 1, "handed over").await.unwrap();
    assert_eq!(ledger.status().rights_overdue, 0);
    assert!(ledger.answer_right("hr", 2, "-").await.is_err());
}
