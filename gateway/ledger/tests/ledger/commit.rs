//! Receipts: once, in order, the same again.

use crate::setting::{NOW_MS, Setting, employee, govern, punch, words};
use muster_attendance::{Attendance, DeviceClock, DeviceId, DeviceTime};
use muster_ledger::{CommitError, Committer, RecordState, Refusal, RefusalReason};

#[tokio::test]
async fn the_same_again_is_stored_once_and_another_is_set_apart() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    let device = ledger.devices().intern("gate").unwrap();
    let person = ledger.directory().exchange(device, "17").await.unwrap();
    let committer = ledger.committer();
    let first = punch(device, 5, person);
    let other = Attendance { at: DeviceTime { seconds: NOW_MS / 1000, ..first.at }, ..first };
    let verdicts = committer.commit(vec![first, first, other, other]).await.unwrap();
    assert_eq!(verdicts.len(), 4);
    let got = words(&verdicts);
    assert!(got[0].starts_with("new") && got[1] == got[0].replace("new", "again"), "{got:?}");
    assert!(got[2].starts_with("apart") && got[3] == got[2].replace("apart", "again"), "{got:?}");
    let again = words(&committer.commit(vec![other, first]).await.unwrap());
    assert_eq!(again, [got[3].clone(), got[1].clone()]);
    assert_eq!(ledger.status().quarantined, 1);
    assert_eq!(ledger.devices().get(device).unwrap().records, 2);
    ledger.close().await;
}

#[tokio::test]
async fn without_a_policy_punches_are_taken_and_held() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    let device = ledger.devices().intern("gate").unwrap();
    let person = ledger.directory().exchange(device, "17").await.unwrap();
    let verdicts = ledger.committer().commit(vec![punch(device, 1, person)]).await.unwrap();
    assert!(words(&verdicts)[0].starts_with("new"));
    assert_eq!(ledger.status().held.get("I-05-SIGN"), Some(&1));
    assert_eq!(ledger.status().policy_holds, ["I-05-SIGN"]);
}

#[tokio::test]
async fn an_unusable_time_waits_when_late_and_is_replaced_when_live() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    govern(&ledger, 1, "mo-hr").await;
    ledger.directory().import(vec![employee("17")]).await.unwrap();
    let device = ledger.devices().intern("gate").unwrap();
    let person = ledger.directory().exchange(device, "17").await.unwrap();
    let lost = DeviceTime { seconds: 1, offset_minutes: 480 };
    let live = Attendance { at: lost, ..punch(device, 1, person) };
    let late = Attendance { live: false, seq: 2, ..live };
    let unsure = Attendance { clock: DeviceClock::Unsure, live: false, ..punch(device, 3, person) };
    let verdicts = ledger.committer().commit(vec![live, late, unsure]).await.unwrap();
    let got = words(&verdicts);
    assert!(got[0].starts_with("new"), "{got:?}");
    assert!(got[1].starts_with("apart") && got[2].starts_with("apart"), "{got:?}");
    let muster_ledger::Verdict::Quarantined(committed) = &verdicts[1] else { panic!() };
    let explanation = ledger.explain(committed.id()).await.unwrap().unwrap();
    assert_eq!(explanation.state, RecordState::Quarantined);
    assert_eq!(explanation.decision.unwrap().reasons, ["CLOCK-WAIT"]);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    let device = ledger.devices().intern("gate").unwrap();
    let person = ledger.directory().exchange(device, "17").await.unwrap();
    let committer = ledger.committer();
    let unknown = punch(DeviceId(999), 1, person);
    assert_eq!(words(&committer.commit(vec![unknown]).await.unwrap()), ["refused UnknownDevice"]);
    let many = vec![punch(device, 1, person); Committer::MAX_BATCH + 1];
    assert!(matches!(committer.commit(many).await, Err(CommitError::Invalid(_))));
    assert!(committer.commit(Vec::new()).await.unwrap().is_empty());
}

#[tokio::test]
async fn refusals_are_journaled_and_counted() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    let device = ledger.devices().intern("gate").unwrap();
    let refusal = Refusal {
        device: Some(device),
        message: None,
        reason: RefusalReason::NotAuthentic,
        length: 99,
    };
    for _ in 0..3 {
        ledger.committer().refuse(refusal.clone()).await.unwrap();
    }
    assert_eq!(ledger.status().refused.get("not-authentic"), Some(&3));
    assert_eq!(ledger.devices().get(device).unwrap().refused, 3);
    ledger.close().await;
    let (ledger, _) = setting.open();
    assert_eq!(ledger.status().refused.get("not-authentic"), Some(&3));
}

#[tokio::test]
async fn after_closing_nothing_is_taken() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    let committer = ledger.committer();
    let device = ledger.devices().intern("gate").unwrap();
    let person = ledger.directory().exchange(device, "17").await.unwrap();
    ledger.close().await;
    let late = committer.commit(vec![punch(device, 1, person)]).await;
    assert!(matches!(late, Err(CommitError::Closed)), "{late:?}");
}

#[tokio::test]
async fn a_whole_log_sent_again_is_known() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    let device = ledger.devices().intern("gate").unwrap();
    let person = ledger.directory().exchange(device, "17").await.unwrap();
    // More punches than content is kept of, so that the first have to be read back.
    let log: Vec<Vec<Attendance>> = (0..40)
        .map(|part| (0..1000).map(|n| punch(device, part * 1000 + n, person)).collect())
        .collect();
    let mut first = Vec::new();
    for part in &log {
        first.extend(words(&ledger.committer().commit(part.clone()).await.unwrap()));
    }
    let mut again = Vec::new();
    for part in &log {
        again.extend(words(&ledger.committer().commit(part.clone()).await.unwrap()));
    }
    let expected: Vec<_> = first.iter().map(|word| word.replace("new", "again")).collect();
    assert_eq!(again, expected);
    assert_eq!(ledger.status().records, 40_000);
}
