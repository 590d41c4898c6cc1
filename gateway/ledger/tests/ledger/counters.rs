//! Exports out of the mainland are counted before they leave, each person once a year, and never
//! too few.

use crate::setting::{
    LAW_PACK, NOW_MS, Setting, accepted, agree, attestation, comes_out_the_same, employee, enrol,
    file, keys, next, nothing, paper, policy_text, punch, signed_by, until,
};
use muster_attendance::{Attendance, DeviceTime};
use muster_ledger::{Baseline, ExportCount, Ledger, Outbox, PersonProfile, RootKey};
use muster_residency::vocab::{Bucket, Law};

/// 2027-01-01T00:00:00+08:00.
const NEW_YEAR_MS: i64 = 1_798_732_800_000;
const MECHANISM: &str = "[[lane.CN]]\nid = \"G-CN-38\"\nbuiltin = \"cn_mechanism\"\ncite = \"-\"\n";

/// A box in the mainland that sends to Singapore, where three persons a year need a contract.
async fn mainland(setting: &Setting, people: &[&str]) -> Ledger {
    let (ledger, _) = setting.open();
    enrol(&ledger).await;
    let pack = LAW_PACK
        .replace("[threshold]", &format!("{MECHANISM}[threshold]"))
        .replace("cn_persons_scc = 100000", "cn_persons_scc = 3");
    let policy = policy_text(1, "mo-hr")
        .replace("= \"MO\"", "= \"CN\"")
        .replace("region = \"onprem-mo\"\n", "region = \"ap-southeast-1\"\n")
        .replace("region = \"onprem-mo-2\"\n", "region = \"ap-southeast-3\"\n")
        .replace("\"subject.category\" = [\"employee\"]", "\"subject.department\" = [\"a\"]")
        + "[[permit]]\nid = \"P-B\"\nwhen = { \"subject.department\" = [\"b\"] }\n\
           to = \"mo-pay\"\nprofile = \"min\"\n";
    ledger.govern("test", Some(signed_by(&policy, &pack, &keys()))).await.unwrap();
    let person = |number: &&str| PersonProfile {
        department: Some(number.chars().take(1).collect()),
        ..employee(number)
    };
    ledger.directory().import(people.iter().map(person).collect()).await.unwrap();
    ledger
}

async fn punches(ledger: &Ledger, people: &[&str], first: u64) {
    let device = ledger.devices().intern("gate").unwrap();
    let find = |number: &&str| ledger.directory().find(number).unwrap();
    let people = people.iter().map(find);
    let punches = (first..).zip(people).map(|(seq, person)| punch(device, seq, person)).collect();
    ledger.committer().commit(punches).await.unwrap();
}

async fn to(ledger: &Ledger, destination: &str, region: &str) -> Outbox {
    let outbox = ledger.outbox(destination);
    outbox.attest(attestation(region)).await.unwrap();
    outbox
}

fn total(ledger: &Ledger) -> (u64, u64) {
    let rows = ledger.export_counts();
    let total = rows.iter().find(|row| row.destination.is_none() && row.year == 2026);
    total.map_or((0, 0), |row| (row.persons, row.records))
}

fn held(ledger: &Ledger, code: &str) -> u64 {
    ledger.status().held.get(code).copied().unwrap_or(0)
}

#[tokio::test]
async fn a_threshold_holds_to_the_person_however_many_are_chosen_at_once() {
    let setting = Setting::new();
    let ledger = mainland(&setting, &["a1", "a2", "a3", "a4"]).await;
    punches(&ledger, &["a1", "a1", "a2", "a3", "a4", "a1"], 1).await;
    let outbox = to(&ledger, "mo-hr", "ap-southeast-1").await;
    let parcels = next(&outbox, 10).await;
    assert_eq!(parcels.len(), 4, "three of the first person, one of the second");
    assert_eq!(total(&ledger), (2, 4));
    outbox.settle(accepted(parcels)).await.unwrap();
    nothing(&outbox).await;
    assert_eq!(held(&ledger, "T-CN-100K"), 2);
    file(&ledger, paper("cn-scc", "CN->SG", NOW_MS, NOW_MS + 1000)).await;
    until("freed", || outbox.backlog() == 2).await;
    outbox.settle(accepted(next(&outbox, 10).await)).await.unwrap();
    assert_eq!(total(&ledger), (4, 6));
    let of = |bucket| -> Vec<ExportCount> {
        let rows = ledger.export_counts();
        rows.into_iter().filter(|row| row.bucket == Some(bucket)).collect()
    };
    assert_eq!((of(Bucket::Lt100k)[0].persons, of(Bucket::Scc)[0].persons), (2, 2));
    assert_eq!(of(Bucket::Scc)[0].destination.as_deref(), Some("mo-hr"));
    assert_eq!(ledger.processed(), [(2026, 6)]);
    comes_out_the_same(&ledger).await;
}

#[tokio::test]
async fn a_crash_between_reserving_and_sending_never_counts_too_few() {
    let setting = Setting::new();
    let ledger = mainland(&setting, &["a1", "a2", "a3"]).await;
    punches(&ledger, &["a1", "a2", "a3"], 1).await;
    let outbox = to(&ledger, "mo-hr", "ap-southeast-1").await;
    // What is on disk the moment the parcels are handed out, and not a byte of them sent.
    let parcels = next(&outbox, 10).await;
    let after = setting.crash("handed-out");
    assert_eq!(parcels.len(), 2);
    drop(parcels);
    ledger.close().await;
    let (again, _) = after.open();
    assert_eq!(total(&again), (2, 2));
    let outbox = to(&again, "mo-hr", "ap-southeast-1").await;
    let parcels = next(&outbox, 10).await;
    assert_eq!(parcels.len(), 2, "the same two and nobody else");
    outbox.settle(accepted(parcels)).await.unwrap();
    assert_eq!(total(&again), (2, 2), "a retry is no second export");
    assert_eq!(held(&again, "T-CN-100K"), 1);
    // A start from a checkpoint tells the same as one from the journal.
    again.close().await;
    let (once_more, _) = after.open();
    assert_eq!(total(&once_more), (2, 2));
    comes_out_the_same(&once_more).await;
}

#[tokio::test]
async fn two_destinations_at_once_share_one_threshold() {
    for round in 0..20 {
        let setting = Setting::new();
        let people = ["a1", "a2", "b1", "b2"];
        let ledger = mainland(&setting, &people).await;
        punches(&ledger, &people, 1).await;
        let one = to(&ledger, "mo-hr", "ap-southeast-1").await;
        let other = to(&ledger, "mo-pay", "ap-southeast-3").await;
        let wait = std::time::Duration::from_millis(200);
        let (a, b) = tokio::join!(
            tokio::time::timeout(wait, one.next(9)),
            tokio::time::timeout(wait, other.next(9))
        );
        let count = |got: Result<Result<Vec<_>, _>, _>| {
            got.map_or(0, |parcels| parcels.map_or(0, |p: Vec<muster_ledger::Parcel>| p.len()))
        };
        assert_eq!((count(a) + count(b), total(&ledger).0), (2, 2), "round {round}");
        comes_out_the_same(&ledger).await;
    }
}

#[tokio::test]
async fn the_years_turn_begins_anew_in_the_laws_own_zone() {
    let setting = Setting::new();
    let ledger = mainland(&setting, &["a1", "a2", "a3"]).await;
    punches(&ledger, &["a1", "a2", "a3"], 1).await;
    let outbox = to(&ledger, "mo-hr", "ap-southeast-1").await;
    outbox.settle(accepted(next(&outbox, 10).await)).await.unwrap();
    setting.set_now(NEW_YEAR_MS - 1);
    nothing(&outbox).await;
    assert_eq!(held(&ledger, "T-CN-100K"), 1);
    setting.set_now(NEW_YEAR_MS);
    until("freed at midnight in Shanghai", || outbox.backlog() == 1).await;
    outbox.settle(accepted(next(&outbox, 10).await)).await.unwrap();
    let of_2027 = ledger.export_counts().into_iter().find(|row| row.year == 2027).unwrap();
    assert_eq!((of_2027.persons, total(&ledger).0), (1, 2));
    comes_out_the_same(&ledger).await;
}

#[tokio::test]
async fn what_other_systems_exported_counts_too() {
    let setting = Setting::new();
    let ledger = mainland(&setting, &["a1", "a2"]).await;
    let baseline = Baseline {
        persons: 1,
        sensitive: 0,
        records: 9,
        source: "HR system".into(),
        by: "dpo".into(),
        at_ms: NOW_MS,
    };
    agree(&ledger, ledger.set_baseline(Law::CN, 2026, baseline).await).await;
    punches(&ledger, &["a1", "a2"], 1).await;
    let outbox = to(&ledger, "mo-hr", "ap-southeast-1").await;
    assert_eq!(next(&outbox, 10).await.len(), 1);
    assert_eq!(ledger.baseline(Law::CN, 2026).map(|b| b.records), Some(9));
    assert_eq!(total(&ledger), (1, 1), "this box's own part");
    comes_out_the_same(&ledger).await;
}

#[tokio::test]
async fn inside_the_border_nothing_is_counted() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    crate::setting::govern(&ledger, 1, "mo-hr").await;
    ledger.directory().import(vec![employee("17")]).await.unwrap();
    punches(&ledger, &["17"], 1).await;
    let outbox = to(&ledger, "mo-hr", "onprem-mo").await;
    outbox.settle(accepted(next(&outbox, 10).await)).await.unwrap();
    assert_eq!(ledger.export_counts(), []);
}

#[tokio::test]
async fn what_was_processed_is_every_record_of_the_journal_sent_or_not() {
    let setting = Setting::new();
    let ledger = mainland(&setting, &["a1", "a2"]).await;
    punches(&ledger, &["a1", "a2", "a1"], 1).await;
    setting.set_now(NEW_YEAR_MS);
    let person = ledger.directory().find("a2").unwrap();
    let device = ledger.devices().intern("gate").unwrap();
    let late = |seq| {
        let at = Attendance { received_ms: NEW_YEAR_MS, ..punch(device, seq, person) };
        Attendance { at: DeviceTime { seconds: NEW_YEAR_MS / 1000, ..at.at }, ..at }
    };
    ledger.committer().commit(vec![late(4), late(5)]).await.unwrap();
    // What comes twice is processed once.
    ledger.committer().commit(vec![late(5)]).await.unwrap();
    let expect = [(2026, 3), (2027, 2)];
    assert_eq!(ledger.processed(), expect);
    // From the journal alone, and from a checkpoint.
    let after = setting.crash("counted");
    ledger.close().await;
    for _ in 0..2 {
        let (again, _) = after.open();
        assert_eq!(again.processed(), expect);
        let mut lines = Vec::new();
        muster_ledger::export_journal(&after.data(), RootKey::new([7; 32]), &mut lines).unwrap();
        let lines = String::from_utf8(lines).unwrap();
        let records = lines.lines().filter(|line| line.contains("\"kind\":\"record\""));
        assert_eq!(records.count() as u64, expect.iter().map(|(_, count)| count).sum::<u64>());
        again.close().await;
    }
}
