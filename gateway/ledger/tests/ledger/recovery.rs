//! Over a crash: what was receipted is there, once, and stands where it stood.

use crate::setting::{Setting, connected, employee, govern, punch, words};
use muster_ledger::{CommitError, Health, OpenError, RootKey, Settlement};
use std::time::Duration;

#[tokio::test]
async fn a_reopened_ledger_knows_all_it_receipted() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    govern(&ledger, 1, "mo-hr").await;
    ledger.directory().import(vec![employee("17")]).await.unwrap();
    let device = ledger.devices().intern("gate").unwrap();
    let person = ledger.directory().exchange(device, "17").await.unwrap();
    let punches: Vec<_> = (1..=600).map(|seq| punch(device, seq, person)).collect();
    let verdicts = ledger.committer().commit(punches.clone()).await.unwrap();
    let outbox = connected(&ledger).await;
    let mut parcels = outbox.next(100).await.unwrap();
    let left: Vec<_> = parcels.drain(60..).map(|p| p.bytes().to_vec()).collect();
    let settled =
        parcels.into_iter().map(|p| (p, Settlement::Accepted { receipt: None })).collect();
    outbox.settle(settled).await.unwrap();

    let crashed = setting.crash("crashed");
    let (again, recovery) = crashed.open();
    assert_eq!((recovery.records, recovery.damaged.len()), (ledger.status().records, 0));
    assert!(!recovery.rolled_back);
    let repeated = words(&again.committer().commit(punches).await.unwrap());
    let expected: Vec<_> =
        words(&verdicts).iter().map(|word| word.replace("new", "again")).collect();
    assert_eq!(repeated, expected);
    let outbox = connected(&again).await;
    assert_eq!(outbox.backlog(), 540);
    let mut got = Vec::new();
    while got.len() < 540 {
        let parcels =
            tokio::time::timeout(Duration::from_secs(5), outbox.next(1024)).await.unwrap().unwrap();
        got.extend(parcels.iter().map(|p| p.bytes().to_vec()));
        let settled = parcels.into_iter().map(|p| (p, Settlement::Accepted { receipt: None }));
        outbox.settle(settled.collect()).await.unwrap();
    }
    assert!(left.iter().all(|bytes| got.contains(bytes)));
    assert_eq!(again.status().destinations[0].settled, 600);
    again.close().await;
    let (third, _) = crashed.open();
    assert_eq!(third.status().destinations[0].settled, 600);
    assert_eq!(third.outbox("mo-hr").backlog(), 0);
}

#[tokio::test]
async fn one_process_has_the_folder() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    let clock = muster_ledger::Clock::new(|| (0, muster_ledger::ClockTrust::Trusted));
    let second = muster_ledger::Ledger::open(muster_ledger::Options {
        data: setting.data(),
        site: "mo-hq".into(),
        time_zone: "Asia/Macau".into(),
        root_key: muster_ledger::RootKey::new([7; 32]),
        clock,
        views_cache_bytes: 8 << 20,
    });
    assert!(matches!(second, Err(OpenError::InUse(_))));
    drop(ledger);
}

#[tokio::test]
async fn the_journal_verifies_and_exports_beside_a_running_gateway() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    let device = ledger.devices().intern("gate").unwrap();
    let person = ledger.directory().exchange(device, "17").await.unwrap();
    ledger.committer().commit(vec![punch(device, 1, person)]).await.unwrap();
    ledger.note("ho.mei", "looked at the box").await.unwrap();
    let key = || RootKey::new([7; 32]);
    let report = muster_ledger::verify_journal(&setting.data(), key()).unwrap();
    assert!(report.whole && report.first_bad.is_none(), "{report:?}");
    assert_eq!(report.records, 1);
    let mut text = Vec::new();
    let lines = muster_ledger::export_journal(&setting.data(), key(), &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let parsed: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(parsed.len() as u64, lines);
    let records: Vec<_> = parsed.iter().filter(|line| line["kind"] == "record").collect();
    assert_eq!((records.len(), &records[0]["seq"]), (1, &1.into()));
    assert!(parsed.iter().any(|line| line["act"] == "noted" && line["actor"] == "ho.mei"));
    let wrong = muster_ledger::verify_journal(&setting.data(), RootKey::new([8; 32]));
    assert!(matches!(wrong, Err(OpenError::WrongKey(_))));
}

#[tokio::test]
async fn a_committer_that_stops_on_an_error_of_its_own_says_so() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    let device = ledger.devices().intern("gate").unwrap();
    let person = ledger.directory().exchange(device, "17").await.unwrap();
    let committer = ledger.committer();
    committer.commit(vec![punch(device, 1, person)]).await.unwrap();
    setting.break_clock();
    for _ in 0..2 {
        let answer = committer.commit(vec![punch(device, 2, person)]).await;
        assert!(matches!(answer, Err(CommitError::Failed(_))), "{answer:?}");
    }
    assert!(ledger.outbox("mo-hr").next(1).await.is_err());
    setting.mend_clock();
    assert_eq!(ledger.status().journal, Health::Failing);
    drop((ledger, committer));
}
