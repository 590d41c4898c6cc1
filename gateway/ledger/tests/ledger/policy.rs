//! A policy's life: what is accepted, what is refused, and which version is in force when.

use crate::setting::{
    LAW_PACK, NOW_MS, Setting, accepted, agree, comes_out_the_same, commit, connected, employee,
    enrol, keys, next, nothing, policy, policy_text, seventeen, signed_by, staffed, until,
};
use muster_ledger::{
    Action, ConsentChange, GovernError, Governance, Ledger, PolicyRefused, RequestError,
    request_text,
};
use muster_residency::approval::{ApprovalFault, Part, sign};
use muster_residency::key::SigningKey;

const HOUR_MS: i64 = 3_600_000;

fn version(number: u32, by: &[SigningKey], change: impl Fn(String) -> String) -> Governance {
    signed_by(&change(policy_text(number, "mo-hr")), LAW_PACK, by)
}

/// The policy is refused, tells this much, and the one in force stays in force.
async fn refused(ledger: &Ledger, governance: Governance, tells: &str) -> PolicyRefused {
    let before = (ledger.governance(), ledger.policy_versions().len());
    let error = ledger.govern("test", Some(governance)).await.unwrap_err();
    assert!(error.to_string().contains(tells), "{error}");
    assert_eq!((ledger.governance(), ledger.policy_versions().len()), before);
    assert!(ledger.status().policy_refused.is_some_and(|told| told.contains(tells)));
    match error {
        GovernError::Refused(refused) => *refused,
        GovernError::Commit(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_loosening_signed_by_one_person_never_takes_effect() {
    let setting = Setting::new();
    let (ledger, device, person) = staffed(&setting).await;
    commit(&ledger, device, person, 1..3).await;
    let outbox = connected(&ledger).await;
    let finer = |text: String| text.replace("\"minute\"", "\"second\"");
    let one = |at: usize| keys().into_iter().skip(at).take(1).collect::<Vec<_>>();
    for by in [one(0), one(1), Vec::new()] {
        let why = refused(&ledger, version(2, &by, finer), "two people").await;
        assert!(matches!(why, PolicyRefused::Signatures { .. }), "{why}");
    }
    // Neither does a restart with it help, nor two keys of one person.
    let twice = SigningKey::new("ho.mei", "it-admin", zeroize::Zeroizing::new([9; 32])).unwrap();
    let both = [keys().into_iter().next().unwrap(), twice];
    refused(&ledger, version(2, &both, finer), "signature line 2").await;
    let parcels = next(&outbox, 9).await;
    assert!(String::from_utf8_lossy(parcels[0].bytes()).contains("T08:59+08:00"));
    drop(parcels);
    ledger.govern("test", Some(version(2, &keys(), finer))).await.unwrap();
    assert_eq!(ledger.status().policy.as_deref(), Some("test@2"));
    assert_eq!(ledger.status().policy_refused, None);
}

#[tokio::test]
async fn a_tightening_needs_one_and_keeps_its_parents_signers() {
    let setting = Setting::new();
    let (ledger, device, person) = staffed(&setting).await;
    commit(&ledger, device, person, 1..3).await;
    let outbox = connected(&ledger).await;
    let coarser = |text: String| text.replace("\"minute\"", "\"hour\"");
    refused(&ledger, version(2, &[], coarser), "a tightening needs one signature").await;
    let [_, admin] = keys();
    ledger.govern("test", Some(version(2, &[admin], coarser))).await.unwrap();
    let last = ledger.policy_versions().pop().unwrap();
    assert_eq!((last.direction.as_str(), last.signers.len()), ("tightens", 2));
    assert_eq!(last.parent.as_deref(), Some(ledger.policy_versions()[0].policy_hash.as_str()));
    let parcels = next(&outbox, 9).await;
    assert!(String::from_utf8_lossy(parcels[0].bytes()).contains("T08:00+08:00"));
    drop(parcels);
    ledger.close().await;
    let (again, _) = setting.open();
    assert_eq!(again.status().policy.as_deref(), Some("test@2"));
    assert_eq!((again.status().policy_holds.len(), again.policy_signers().len()), (0, 2));
}

#[tokio::test]
async fn what_is_wrong_is_told_with_its_line_and_cure() {
    let setting = Setting::new();
    let (ledger, ..) = staffed(&setting).await;
    let check = async |change: fn(String) -> String, tells: &str| {
        refused(&ledger, version(2, &keys(), change), tells).await;
    };
    check(|t| t.replace("[\"event_id\",", "[\"face_image\","), "which never leaves").await;
    check(|t| t.replace("\"onprem-mo\"", "\"atlantis\""), "not in the catalogue").await;
    check(
        |t| {
            t.replace("parent = \"\"\n", "")
                + "[[permit]]\nid = \"P-2\"\nwhen = {}\nto = \"mo-pay\"\nprofile = \"min\"\n"
        },
        "two destinations",
    )
    .await;
    let broken = |text: &str| Governance { policy: text.into(), ..policy(2, "mo-hr") };
    let unknown = policy_text(2, "mo-hr").replace("default =", "colour = \"red\"\ndefault =");
    refused(&ledger, broken(&unknown), "line ").await;
    // A byte changed after signing.
    let changed = policy_text(2, "mo-hr").replace("\"minute\"", "\"second\"");
    refused(&ledger, broken(&changed), "not over this policy").await;
    // An older version, with signatures that once were good.
    refused(&ledger, version(1, &keys(), |t| t.replace("\"minute\"", "\"hour\"")), "only grow")
        .await;
    let stranger =
        |t: String| t.replace("law_pack = \"test\"", "law_pack = \"test\"\nparent = \"sha256:00\"");
    refused(&ledger, version(2, &keys(), stranger), "correct `parent`").await;
}

#[tokio::test]
async fn a_later_version_takes_over_between_two_evaluations() {
    let setting = Setting::new();
    let (ledger, device, person) = staffed(&setting).await;
    commit(&ledger, device, person, 1..3).await;
    let outbox = connected(&ledger).await;
    let from_ten = |text: String| {
        text.replace("2026-11-01T00:00:00+08:00", "2026-12-01T10:00:00+08:00")
            .replace("\"minute\"", "\"hour\"")
    };
    ledger.govern("test", Some(version(2, &keys(), from_ten))).await.unwrap();
    let status = ledger.status();
    assert_eq!(
        (status.policy.as_deref(), status.policy_next.as_deref()),
        (Some("test@1"), Some("test@2"))
    );
    setting.set_now(NOW_MS + HOUR_MS - 1);
    let parcels = next(&outbox, 1).await;
    let key = parcels[0].key();
    outbox.settle(accepted(parcels)).await.unwrap();
    assert_eq!(ledger.explain(key).await.unwrap().unwrap().rules.unwrap().policy, "test@1");
    setting.set_now(NOW_MS + HOUR_MS);
    let parcels = next(&outbox, 1).await;
    let key = parcels[0].key();
    assert!(String::from_utf8_lossy(parcels[0].bytes()).contains("T08:00+08:00"));
    outbox.settle(accepted(parcels)).await.unwrap();
    assert_eq!(ledger.explain(key).await.unwrap().unwrap().rules.unwrap().policy, "test@2");
    assert_eq!(ledger.status().policy.as_deref(), Some("test@2"));
    // Who drops a tightening that is to come loosens.
    let later =
        |text: String| text.replace("2026-11-01T00:00:00+08:00", "2026-12-02T00:00:00+08:00");
    let strict = |text: String| later(text).replace("\"minute\"", "\"day\"");
    ledger.govern("test", Some(version(3, &keys(), strict))).await.unwrap();
    let [_, admin] = keys();
    let milder = |text: String| later(text).replace("\"minute\"", "\"hour\"");
    refused(&ledger, version(4, &[admin], milder), "two people").await;
}

#[tokio::test]
async fn the_end_of_a_policy_warns_and_then_holds() {
    let setting = Setting::new();
    let (ledger, device, person) = staffed(&setting).await;
    commit(&ledger, device, person, 1..2).await;
    // 2027-03-01T00:00:00+08:00.
    let end = NOW_MS + 90 * 24 * HOUR_MS - 9 * HOUR_MS;
    let warned = |days: i64| {
        setting.set_now(end - days * 24 * HOUR_MS);
        let all = ledger.status().expiring;
        all.iter().find(|e| e.what == "policy").map(|e| (e.days, e.warn))
    };
    assert_eq!(warned(31), None);
    assert_eq!((warned(30), warned(7), warned(1)), (Some((30, 30)), Some((7, 7)), Some((1, 1))));
    setting.set_now(end);
    until("held", || ledger.status().held.get("I-05-DATE") == Some(&1)).await;
}

#[tokio::test]
async fn a_trial_says_what_the_last_thirty_days_would_have_come_to_and_sends_nothing() {
    let setting = Setting::new();
    let (ledger, device, person) = staffed(&setting).await;
    commit(&ledger, device, person, 1..4).await;
    let barred = signed_by(
        &(policy_text(2, "mo-hr")
            + "[[forbid]]\nid = \"F-ALL\"\nwhen = { \"subject.category\" = [\"employee\"] }\n\
               effect = \"hold\"\nbecause = \"-\"\n"),
        LAW_PACK,
        &[],
    );
    let shadow = ledger.shadow(&barred).await.unwrap();
    assert_eq!((shadow.records, shadow.loosens, shadow.tightens), (3, 0, 3));
    assert_eq!(shadow.moves[0].from, "FORWARD to mo-hr");
    assert_eq!((shadow.moves[0].to.as_str(), shadow.moves[0].count), ("HOLD (F-ALL)", 3));
    assert_eq!(ledger.status().policy.as_deref(), Some("test@1"));
    setting.set_now(NOW_MS + 31 * 24 * HOUR_MS);
    assert_eq!(ledger.shadow(&barred).await.unwrap().records, 0);
}

fn line(part: Part, text: &str, at: usize) -> String {
    sign(part, text, &keys()[at])
}

#[tokio::test]
async fn one_switches_local_only_on_and_two_off() {
    let setting = Setting::new();
    let (ledger, device, person) = staffed(&setting).await;
    commit(&ledger, device, person, 1..3).await;
    let outbox = connected(&ledger).await;
    ledger.stop("uid 0").await.unwrap();
    nothing(&outbox).await;
    until("held", || ledger.status().held.get("S-LOCAL-ONLY") == Some(&2)).await;
    let text = request_text(&Action::LocalOnlyOff, "mo-hq", NOW_MS);
    let wrong = ledger.ask(Action::LocalOnlyOff, NOW_MS, &line(Part::Approve, &text, 0)).await;
    assert!(matches!(wrong, Err(RequestError::Fault(_))));
    let request = ledger.ask(Action::LocalOnlyOff, NOW_MS, &line(Part::Ask, &text, 0)).await;
    let request = request.unwrap();
    let same = ledger.approve(&request.id, &line(Part::Approve, &text, 0)).await;
    assert!(matches!(same, Err(RequestError::Fault(ApprovalFault::SamePerson))), "{same:?}");
    let again = ledger.ask(Action::LocalOnlyOff, NOW_MS, &line(Part::Ask, &text, 0)).await;
    assert!(matches!(again, Err(RequestError::Repeated)), "{again:?}");
    // It lives one day.
    setting.set_now(NOW_MS + 24 * HOUR_MS);
    let late = ledger.approve(&request.id, &line(Part::Approve, &text, 1)).await;
    assert!(matches!(late, Err(RequestError::Unknown(_))), "{late:?}");
    setting.set_now(NOW_MS + 24 * HOUR_MS - 1);
    assert!(ledger.local_only().is_some());
    ledger.approve(&request.id, &line(Part::Approve, &text, 1)).await.unwrap();
    assert_eq!(ledger.local_only(), None);
    until("queued", || outbox.backlog() == 2).await;
    assert_eq!(next(&outbox, 9).await.len(), 2);
}

#[tokio::test]
async fn who_signs_is_changed_by_two() {
    let setting = Setting::new();
    let (ledger, ..) = staffed(&setting).await;
    let alone = ledger.enrol_signers(ledger.signers().into_iter().take(1).collect()).await;
    assert!(alone.is_err());
    enrol(&ledger).await;
    let signers: Vec<_> = ledger.signers().into_iter().rev().collect();
    let action = Action::EnrolSigners { signers: signers.clone() };
    let text = request_text(&action, "mo-hq", NOW_MS);
    let request = ledger.ask(action, NOW_MS, &line(Part::Ask, &text, 1)).await.unwrap();
    ledger.approve(&request.id, &line(Part::Approve, &text, 0)).await.unwrap();
    assert_eq!(ledger.signers(), signers);
    assert_eq!(ledger.status().policy_holds, Vec::<String>::new());
}

#[tokio::test]
async fn a_record_that_wants_approval_goes_once_one_with_a_key_says_yes() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    enrol(&ledger).await;
    let wants =
        |text: String| text.replace("profile = \"min\"", "profile = \"min\"\napproval = true");
    ledger.govern("test", Some(version(1, &keys(), wants))).await.unwrap();
    ledger.directory().import(vec![employee("17")]).await.unwrap();
    let (device, person) = seventeen(&ledger).await;
    let punches =
        vec![crate::setting::punch(device, 1, person), crate::setting::punch(device, 2, person)];
    let verdicts = ledger.committer().commit(punches).await.unwrap();
    let muster_ledger::Verdict::New(committed) = &verdicts[0] else { panic!() };
    let id = committed.id();
    assert_eq!(ledger.status().held.get("A-01"), Some(&2));
    let outbox = connected(&ledger).await;
    let policy = ledger.explain(id).await.unwrap().unwrap().rules.unwrap().policy_sha256;
    let text = |at| muster_ledger::release_text(&id.to_string(), "mo-hr", &policy, at);
    let old = line(Part::Approve, &text(NOW_MS - HOUR_MS), 0);
    assert!(ledger.approve_record(id, NOW_MS - HOUR_MS, &old).await.is_err());
    let forged = line(Part::Approve, &text(NOW_MS), 0).replace("dpo", "hr");
    assert!(ledger.approve_record(id, NOW_MS, &forged).await.is_err());
    ledger.approve_record(id, NOW_MS, &line(Part::Approve, &text(NOW_MS), 0)).await.unwrap();
    until("freed", || outbox.backlog() == 1).await;
    // An approval that is a day old is none.
    setting.set_now(NOW_MS + 24 * HOUR_MS);
    nothing(&outbox).await;
    setting.set_now(NOW_MS + 24 * HOUR_MS - 1);
    agree(&ledger, ledger.restrict("test", person, false, "decide again").await).await;
    until("freed again", || outbox.backlog() == 1).await;
    assert_eq!(next(&outbox, 9).await[0].key(), id);
    comes_out_the_same(&ledger).await;
}

#[tokio::test]
async fn every_decision_comes_out_the_same_when_it_is_made_again() {
    let setting = Setting::new();
    let (ledger, device, person) = staffed(&setting).await;
    let consenting =
        muster_ledger::PersonProfile { basis: Some("consent".into()), ..employee("17") };
    let mut seq = 1;
    let mut some = async |ledger: &Ledger| {
        commit(ledger, device, person, seq..seq + 3).await;
        seq += 3;
    };
    some(&ledger).await;
    ledger.directory().import(vec![consenting]).await.unwrap();
    some(&ledger).await;
    let given = ConsentChange {
        guardian: false,
        given: true,
        from: jiff::Timestamp::from_millisecond(NOW_MS - HOUR_MS).unwrap(),
        to: None,
    };
    agree(&ledger, ledger.set_consent("hr", person, given).await).await;
    some(&ledger).await;
    let outbox = connected(&ledger).await;
    outbox.settle(accepted(next(&outbox, 2).await)).await.unwrap();
    agree(&ledger, ledger.restrict("dpo", person, true, "-").await).await;
    some(&ledger).await;
    agree(&ledger, ledger.restrict("dpo", person, false, "-").await).await;
    ledger
        .govern("test", Some(version(2, &keys(), |t| t.replace("\"minute\"", "\"hour\""))))
        .await
        .unwrap();
    some(&ledger).await;
    setting.trust(false);
    until("no clock", || ledger.status().policy_holds == ["I-07"]).await;
    some(&ledger).await;
    setting.trust(true);
    until("a clock", || ledger.status().policy_holds.is_empty()).await;
    setting.set_now(NOW_MS + 200 * 24 * HOUR_MS);
    some(&ledger).await;
    let replayed = ledger.replay_decisions().await.unwrap();
    let all = [replayed.receipts, replayed.redecisions, replayed.dispatches];
    assert!(all.iter().all(|tally| tally.records > 0 && tally.same == tally.records), "{all:?}");
    assert_eq!((replayed.receipts.records, replayed.dispatches.records), (21, 2));
    assert_eq!(replayed.differ, []);
    let versions = ledger.policy_versions();
    let rules = ledger.rules_of(&versions[0].policy_hash, &versions[0].law_pack_hash).unwrap();
    assert_eq!(rules.policy_version(), 1);
    ledger.close().await;
    let (again, _) = setting.open();
    let after = again.replay_decisions().await.unwrap();
    // What the passed time changed goes on being decided again, before the stop and after it.
    assert!(after.redecisions.records >= replayed.redecisions.records);
    assert_eq!(after.redecisions.same, after.redecisions.records);
    assert_eq!((after.receipts, after.dispatches), (replayed.receipts, replayed.dispatches));
    assert_eq!(after.differ, []);
}
