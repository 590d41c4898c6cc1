//! The way out: what goes, when, as which bytes, and what the region's word does.

use crate::setting::{
    NOW_MS, Setting, accepted, attestation, commit, connected, employee, govern, next, nothing,
    policy, policy_with, punch, staffed, until,
};
use muster_ledger::{PauseReason, RecordState, Settlement};

#[tokio::test]
async fn a_parcel_has_the_profiles_fields_in_order_and_goes_once() {
    let setting = Setting::new();
    let (ledger, device, person) = staffed(&setting).await;
    commit(&ledger, device, person, 1..2).await;
    let outbox = connected(&ledger).await;
    assert_eq!((outbox.backlog(), outbox.expected_region().as_deref()), (1, Some("onprem-mo")));
    let parcels = next(&outbox, 10).await;
    let text = std::str::from_utf8(parcels[0].bytes()).unwrap();
    let key = parcels[0].key();
    let (head, rest) = text.split_once("\"subject_ref\":\"").unwrap();
    assert_eq!(head, format!("{{\"event_id\":\"{key}\","));
    assert_eq!(
        &rest[32..],
        "\",\"check_time\":\"2026-12-01T08:59+08:00\",\"direction\":\"in\",\
         \"site_ref\":\"mo-hq\",\"device_alias\":\"gate\"}"
    );
    nothing(&outbox).await;
    outbox.settle(accepted(parcels)).await.unwrap();
    nothing(&outbox).await;
    let status = &ledger.status().destinations[0];
    assert_eq!((status.backlog, status.settled, status.rejected), (0, 1, 0));
    assert_eq!(status.last_settled_ms, Some(NOW_MS));
    let explanation = ledger.explain(key).await.unwrap().unwrap();
    assert_eq!(explanation.state, RecordState::Settled);
    assert_eq!(explanation.rules.unwrap().policy, "test@1");
}

#[tokio::test]
async fn without_the_regions_word_the_same_bytes_go_again() {
    let setting = Setting::new();
    let (ledger, device, person) = staffed(&setting).await;
    commit(&ledger, device, person, 1..4).await;
    let outbox = connected(&ledger).await;
    let first = next(&outbox, 10).await;
    let bytes: Vec<_> = first.iter().map(|p| p.bytes().to_vec()).collect();
    let unknown = first.into_iter().map(|p| (p, Settlement::Unknown)).collect();
    outbox.settle(unknown).await.unwrap();
    let second = next(&outbox, 10).await;
    assert_eq!(second.iter().map(|p| p.bytes().to_vec()).collect::<Vec<_>>(), bytes);
    drop(second);
    assert_eq!(next(&outbox, 10).await.len(), 3);
    assert_eq!(outbox.backlog(), 3);
}

#[tokio::test]
async fn live_punches_go_before_the_backlog() {
    let setting = Setting::new();
    let (ledger, device, person) = staffed(&setting).await;
    let late: Vec<_> = (1..50)
        .map(|seq| muster_attendance::Attendance { live: false, ..punch(device, seq, person) })
        .collect();
    ledger.committer().commit(late).await.unwrap();
    commit(&ledger, device, person, 50..52).await;
    let outbox = connected(&ledger).await;
    let parcels = next(&outbox, 4).await;
    let records: Vec<_> = parcels.iter().map(|p| p.key().number()).collect();
    let last = ledger.status().records;
    assert_eq!(records[..2], [last - 1, last]);
    assert_eq!(records[2..], [last - 50, last - 49]);
}

#[tokio::test]
async fn nothing_goes_to_a_region_that_is_wrong_or_down() {
    let setting = Setting::new();
    let (ledger, device, person) = staffed(&setting).await;
    commit(&ledger, device, person, 1..2).await;
    let outbox = ledger.outbox("mo-hr");
    nothing(&outbox).await;
    outbox.attest(attestation("cn-hangzhou")).await.unwrap();
    nothing(&outbox).await;
    let wrong = PauseReason::WrongRegion("cn-hangzhou".into());
    assert_eq!(ledger.status().destinations[0].paused, Some(wrong));
    outbox.attest(attestation("onprem-mo")).await.unwrap();
    outbox.pause(PauseReason::Down("connection refused".into())).await.unwrap();
    nothing(&outbox).await;
    let status = &ledger.status().destinations[0];
    assert_eq!(status.paused, Some(PauseReason::Down("connection refused".into())));
    assert_eq!(status.paused_since_ms, Some(NOW_MS));
    let waiting = {
        let outbox = outbox.clone();
        tokio::spawn(async move { outbox.next(9).await })
    };
    outbox.attest(attestation("onprem-mo")).await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().len(), 1);
    assert_eq!(ledger.status().destinations[0].paused, None);
}

#[tokio::test]
async fn what_a_region_refuses_is_set_aside() {
    let setting = Setting::new();
    let (ledger, device, person) = staffed(&setting).await;
    commit(&ledger, device, person, 1..3).await;
    let outbox = connected(&ledger).await;
    let mut parcels = next(&outbox, 10).await;
    let refused = parcels.pop().unwrap();
    let key = refused.key();
    let mut words = accepted(parcels);
    words.push((refused, Settlement::Rejected { reason: "no such user".into() }));
    outbox.settle(words).await.unwrap();
    nothing(&outbox).await;
    let status = &ledger.status().destinations[0];
    assert_eq!((status.backlog, status.settled, status.rejected), (0, 1, 1));
    let explanation = ledger.explain(key).await.unwrap().unwrap();
    assert_eq!(explanation.state, RecordState::Quarantined);
}

#[tokio::test]
async fn a_held_record_goes_by_itself_once_a_signed_policy_permits_it() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    let device = ledger.devices().intern("gate").unwrap();
    let person = ledger.directory().exchange(device, "17").await.unwrap();
    commit(&ledger, device, person, 1..4).await;
    let outbox = connected(&ledger).await;
    nothing(&outbox).await;
    govern(&ledger, 1, "mo-hr").await;
    until("the unknown person holds", || ledger.status().held.contains_key("I-02")).await;
    nothing(&outbox).await;
    ledger.directory().import(vec![employee("17")]).await.unwrap();
    let parcels = next(&outbox, 10).await;
    assert!(!parcels.is_empty());
    outbox.settle(accepted(parcels)).await.unwrap();
    until("all are queued", || ledger.status().held.is_empty()).await;
}

#[tokio::test]
async fn a_policy_that_ends_or_loses_its_signatures_holds_what_is_queued() {
    let setting = Setting::new();
    let (ledger, device, person) = staffed(&setting).await;
    commit(&ledger, device, person, 1..4).await;
    let outbox = connected(&ledger).await;
    ledger.govern("test", None).await.unwrap();
    nothing(&outbox).await;
    until("held", || ledger.status().held.get("I-05-SIGN") == Some(&3)).await;
    ledger.govern("test", Some(policy(1, "mo-hr"))).await.unwrap();
    until("queued", || ledger.status().held.is_empty()).await;
    setting.set_now(NOW_MS + 200 * 86_400_000);
    until("ended", || ledger.status().held.get("I-05-DATE") == Some(&3)).await;
    setting.set_now(NOW_MS);
    setting.trust(false);
    until("no clock", || ledger.status().held.get("I-07") == Some(&3)).await;
    nothing(&outbox).await;
    setting.trust(true);
    assert_eq!(next(&outbox, 9).await.len(), 3);
}

#[tokio::test]
async fn a_policy_that_names_another_place_moves_what_waits() {
    let setting = Setting::new();
    let (ledger, device, person) = staffed(&setting).await;
    commit(&ledger, device, person, 1..4).await;
    let outbox = connected(&ledger).await;
    govern(&ledger, 2, "mo-pay").await;
    until("moved", || outbox.backlog() == 0).await;
    nothing(&outbox).await;
    assert_eq!(ledger.outbox("mo-pay").backlog(), 3);
}

#[tokio::test]
async fn a_record_sent_before_never_goes_with_other_bytes() {
    let setting = Setting::new();
    let (ledger, device, person) = staffed(&setting).await;
    commit(&ledger, device, person, 1..3).await;
    let outbox = connected(&ledger).await;
    let mut parcels = next(&outbox, 9).await;
    let left = parcels.pop().unwrap();
    let key = left.key();
    drop(left);
    outbox.settle(accepted(parcels)).await.unwrap();
    let coarser = policy_with(2, "mo-hr", |text| text.replace("\"minute\"", "\"hour\""));
    ledger.govern("test", Some(coarser)).await.unwrap();
    nothing(&outbox).await;
    let explanation = ledger.explain(key).await.unwrap().unwrap();
    assert_eq!(explanation.state, RecordState::Quarantined);
    assert_eq!(ledger.status().quarantined, 1);
}

#[tokio::test]
async fn what_the_guard_finds_does_not_leave() {
    let setting = Setting::new();
    let (ledger, _, person) = staffed(&setting).await;
    let device = ledger.devices().intern("11010519491231002X").unwrap();
    commit(&ledger, device, person, 1..2).await;
    let outbox = connected(&ledger).await;
    nothing(&outbox).await;
    assert_eq!((outbox.backlog(), ledger.status().quarantined), (0, 1));
}
