//! Sheets from punches and plans: corrections by two, closed months, gaps, over a restart.

use crate::setting::{NOW_MS, Setting, employee, punch};
use jiff::civil::{Date, date};
use muster_attendance::{Attendance, Direction, PersonId, State};
use muster_ledger::{
    Change, Closing, Correction, DeviceKind, LeavePart, Ledger, PersonSheet, PlanEntry, PlansError,
};
use serde_json::json;

const DAY: Date = date(2026, 12, 1);
/// 2026-12-02T04:00:00+08:00: the day's window is over.
const NIGHT_MS: i64 = NOW_MS + 19 * 3_600_000;

pub(crate) async fn set_up(ledger: &Ledger) -> (muster_attendance::DeviceId, PersonId) {
    let device = ledger.devices().pair("gate", DeviceKind::M1, None, None, None).await.unwrap();
    ledger.directory().import(vec![employee("17")]).await.unwrap();
    let person = ledger.directory().find("17").unwrap();
    let shift = json!({ "parts": [["09:00", "18:00"]] });
    let entries = vec![
        PlanEntry::Shift { name: "day".into(), shift },
        PlanEntry::Usual { shift: Some("day".into()), workdays: vec![1, 2, 3, 4, 5] },
    ];
    assert_eq!(ledger.plans().enter("hr", entries).await.unwrap(), 2);
    (device, person)
}

pub(crate) fn at(
    seq: u64,
    device: muster_attendance::DeviceId,
    person: PersonId,
    minutes: i64,
) -> Attendance {
    let mut punch = punch(device, seq, person);
    punch.at.seconds = NOW_MS / 1000 + minutes * 60;
    punch.received_ms = NOW_MS + minutes * 60_000;
    punch.direction = Some(if seq == 1 { Direction::In } else { Direction::Out });
    punch
}

async fn sheet(ledger: &Ledger, person: PersonId) -> PersonSheet {
    ledger.sheets().person(person, DAY, DAY).await.unwrap().unwrap()
}

fn day(sheet: &PersonSheet) -> &muster_attendance::Day {
    &sheet.sheet.days[&DAY]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_runs_from_open_to_final_and_is_never_absent_too_early() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    let (device, person) = set_up(&ledger).await;
    ledger.committer().commit(vec![at(1, device, person, 12)]).await.unwrap();
    setting.set_now(NOW_MS + 3_600_000);
    let open = sheet(&ledger, person).await;
    assert_eq!((day(&open).state, day(&open).is_final), (State::Unknown, false));
    ledger.committer().commit(vec![at(2, device, person, 560)]).await.unwrap();
    setting.set_now(NIGHT_MS);
    assert!(!day(&sheet(&ledger, person).await).is_final, "the terminal was silent since");
    ledger.devices().heard(device);
    setting.set_now(NIGHT_MS + 180_000);
    ledger.devices().heard(device);
    let done = sheet(&ledger, person).await;
    let minutes = day(&done).minutes;
    assert_eq!((day(&done).state, day(&done).is_final), (State::Present, true));
    assert_eq!((minutes.worked, minutes.late, minutes.extra), (528, 12, 20));
    assert_eq!(done.punches.len(), 2);
    ledger.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn corrections_take_two_and_outlive_a_restart() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    let (device, person) = set_up(&ledger).await;
    ledger.committer().commit(vec![at(1, device, person, 0)]).await.unwrap();
    setting.set_now(NIGHT_MS);
    ledger.devices().heard(device);
    setting.set_now(NIGHT_MS + 180_000);
    ledger.devices().heard(device);
    assert_eq!(day(&sheet(&ledger, person).await).state, State::Missing);
    let plans = ledger.plans();
    let change = Change::Add { at: NOW_MS / 1000 + 9 * 3600, direction: Some(Direction::Out) };
    let none = plans.ask("mei", person, DAY, change, "  ").await;
    assert!(matches!(none, Err(PlansError::Reason(_))));
    let number = plans.ask("mei", person, DAY, change, "forgot; Lei saw her go").await.unwrap();
    let marks = serde_json::to_value(day(&sheet(&ledger, person).await).marks).unwrap();
    assert!(marks.to_string().contains("CORR-PENDING"));
    let own = plans.decide("mei", number, true).await;
    assert!(matches!(own, Err(PlansError::SamePerson)));
    let theirs =
        plans.ask(&Correction::by_person("lei"), person, DAY, change, "mine").await.unwrap();
    let giver = plans.decide("lei", theirs, true).await;
    assert!(matches!(giver, Err(PlansError::SamePerson)), "lei handed out the code");
    plans.decide("lei", theirs, false).await.unwrap();
    plans.decide("lei", number, true).await.unwrap();
    assert!(plans.decide("lei", number, false).await.is_err(), "decided once");
    ledger.close().await;

    let (ledger, _) = setting.open();
    ledger.devices().heard(device);
    setting.set_now(NIGHT_MS + 400_000);
    ledger.devices().heard(device);
    let corrected = sheet(&ledger, person).await;
    assert_eq!(day(&corrected).state, State::Present);
    assert_eq!(corrected.punches.len(), 1, "what was recorded stays as it was");
    let kept = ledger.plans().correction(number).unwrap();
    let reason = ledger.directory().open_note(person, &kept.reason);
    assert_eq!(reason.as_deref(), Some("forgot; Lei saw her go"));
    assert!(!kept.reason.contains("Lei"), "sealed");
    ledger.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_month_stands_and_what_changes_is_an_adjustment() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    let (device, person) = set_up(&ledger).await;
    let punches = vec![at(1, device, person, 30), at(2, device, person, 540)];
    ledger.committer().commit(punches).await.unwrap();
    setting.set_now(NIGHT_MS);
    ledger.devices().heard(device);
    setting.set_now(NIGHT_MS + 180_000);
    ledger.devices().heard(device);
    let closing = Closing {
        month: DAY,
        department: None,
        at_ms: 0,
        by: "mei".into(),
        gaps: vec![],
        terminals: ledger.sheets().complete_until(),
    };
    ledger.plans().close(closing).await.unwrap();
    assert_eq!(sheet(&ledger, person).await.sheet.adjustments, []);
    setting.set_now(NIGHT_MS + 300_000);
    let leave = PlanEntry::Leave { person, date: DAY, part: LeavePart::Am };
    ledger.plans().enter("mei", vec![leave]).await.unwrap();
    let adjusted = sheet(&ledger, person).await;
    let [adjustment] = adjusted.sheet.adjustments.as_slice() else { panic!("one adjustment") };
    assert_eq!(adjustment.changes["late_minutes"], [json!(30), json!(0)]);
    assert_eq!(adjustment.changes["leave_minutes"], [json!(0), json!(270)]);
    assert_eq!(serde_json::to_value(&adjustment.why).unwrap(), json!(["OTHER"]));
    assert_eq!(adjusted.closing.unwrap().by, "mei");
    ledger.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn days_wait_for_a_gap_until_it_is_accepted() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    let (device, person) = set_up(&ledger).await;
    let late = Attendance { seq: 5, ..at(2, device, person, 540) };
    ledger.committer().commit(vec![at(1, device, person, 0), late]).await.unwrap();
    setting.set_now(NIGHT_MS);
    ledger.devices().heard(device);
    setting.set_now(NIGHT_MS + 180_000);
    ledger.devices().heard(device);
    assert!(!day(&sheet(&ledger, person).await).is_final);
    let gaps = ledger.plans().gaps(device);
    assert_eq!((gaps.len(), gaps[0].first, gaps[0].last), (1, 2, 4));
    ledger.close().await;
    let (ledger, _) = setting.open();
    assert_eq!(ledger.plans().gaps(device), gaps, "known after a restart");
    ledger.plans().accept_gap("fac", device, 1, 2).await.unwrap();
    assert!(ledger.plans().accept_gap("fac", device, 1, 2).await.is_err());
    ledger.devices().heard(device);
    setting.set_now(NIGHT_MS + 400_000);
    ledger.devices().heard(device);
    assert!(day(&sheet(&ledger, person).await).is_final);
    ledger.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_stored_with_a_wrong_clock_counts_once_its_times_are_approved() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    let (device, person) = set_up(&ledger).await;
    // The terminal began at 1970 at 08:00 of the day; it stored two punches and was back at night.
    let began = NOW_MS / 1000 - 3600;
    let wrong = |seq: u64, minutes: i64, live: bool| {
        let mut punch = at(seq, device, person, minutes);
        punch.at.seconds -= began;
        punch.received_ms = NIGHT_MS + minutes * 10;
        punch.live = live;
        punch.clock = muster_attendance::DeviceClock::Unsure;
        punch
    };
    let mut live = wrong(3, 0, true);
    live.at.seconds = NIGHT_MS / 1000 - began;
    live.received_ms = NIGHT_MS;
    setting.set_now(NIGHT_MS);
    let punches = vec![wrong(1, 5, false), wrong(2, 540, false), live];
    ledger.committer().commit(punches).await.unwrap();
    setting.set_now(NIGHT_MS + 180_000);
    assert!(day(&sheet(&ledger, person).await).punches.is_empty());
    let clocks = ledger.plans().wrong_clocks(device);
    let [(1, clock)] = clocks.as_slice() else { panic!("one start") };
    assert_eq!((clock.count, clock.behind), (2, Some(began)));
    assert!(ledger.plans().redate("fac", device, 1, began + 1).await.is_err(), "as shown alone");
    ledger.plans().redate("fac", device, 1, began).await.unwrap();
    ledger.close().await;

    let (ledger, _) = setting.open();
    ledger.devices().heard(device);
    setting.set_now(NIGHT_MS + 400_000);
    ledger.devices().heard(device);
    let redated = sheet(&ledger, person).await;
    assert_eq!(day(&redated).punches.len(), 2, "found by the days on which they came");
    assert_eq!(day(&redated).minutes.worked, 535);
    let marks = serde_json::to_value(day(&redated).marks).unwrap();
    assert!(marks.to_string().contains("CLOCK-REDATED"), "{marks}");
    ledger.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_replace_what_has_their_key_and_nonsense_changes_nothing() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    let (_, person) = set_up(&ledger).await;
    let plans = ledger.plans();
    let leave = |part| PlanEntry::Leave { person, date: DAY, part };
    plans.enter("mei", vec![leave(LeavePart::Full), leave(LeavePart::Pm)]).await.unwrap();
    let entries = plans.entries(Some(person));
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].1, leave(LeavePart::Pm));
    let bad = PlanEntry::Overtime { person, date: DAY, minutes: 2_000 };
    let refused = plans.enter("mei", vec![leave(LeavePart::Am), bad]).await;
    assert!(matches!(refused, Err(PlansError::Entry(1, _))));
    assert_eq!(plans.entries(Some(person)), entries, "all or nothing");
    plans.remove("mei", entries[0].0).await.unwrap();
    assert!(plans.entries(Some(person)).is_empty());
    let overlap = json!({ "parts": [["09:00", "13:00"], ["12:00", "18:00"]] });
    let overlap = PlanEntry::Shift { name: "bad".into(), shift: overlap };
    let refused = plans.enter("mei", vec![overlap]).await.unwrap_err().to_string();
    assert!(refused.contains("begins before"), "{refused}");
    ledger.close().await;
}
