//! No one person frees records or changes who signs: each such act, one way and the other.

use crate::setting::{
    NOW_MS, Setting, attestation, commit, employee, enrol, govern_with, keys, paper, policy_with,
    seventeen, staffed, until,
};
use jiff::Timestamp;
use muster_ledger::{
    Action, Baseline, ConsentChange, GovernError, Ledger, PersonProfile, PolicyRefused, Request,
    RequestError, Signer, request_text,
};
use muster_residency::approval::{ApprovalFault, Part, sign};
use muster_residency::key::SigningKey;
use muster_residency::vocab::Law;

const DAY_MS: i64 = 24 * 3_600_000;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap()
}

fn held(ledger: &Ledger, code: &str) -> u64 {
    ledger.status().held.get(code).copied().unwrap_or(0)
}

/// One signer's word under a proposal frees nothing, not twice either; the other's does.
async fn one_is_not_enough(ledger: &Ledger, request: Option<Request>, freed: impl Fn() -> bool) {
    let request = request.expect("a proposal");
    assert!(!freed(), "nobody signed {request:?}");
    let [dpo, admin] = keys();
    let line = |key: &SigningKey| sign(Part::Approve, &request.text, key);
    let stranger = SigningKey::new("a", "dpo", zeroize::Zeroizing::new([9; 32])).unwrap();
    let unknown = ledger.approve(&request.id, &line(&stranger)).await;
    assert!(matches!(unknown, Err(RequestError::Fault(ApprovalFault::Signature(_)))));
    let first = ledger.approve(&request.id, &line(&dpo)).await.unwrap();
    assert!(first.approved_by.is_none());
    let twice = ledger.approve(&request.id, &line(&dpo)).await;
    assert!(matches!(twice, Err(RequestError::Fault(ApprovalFault::SamePerson))), "{twice:?}");
    let other = sign(Part::Approve, &request.text.replace("mo-hq", "mo-hr"), &admin);
    assert!(ledger.approve(&request.id, &other).await.is_err(), "another text");
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert!(!freed(), "one signed {request:?}");
    ledger.approve(&request.id, &line(&admin)).await.unwrap();
    until("freed by two", freed).await;
    assert!(ledger.approve(&request.id, &line(&admin)).await.is_err(), "it is over");
}

#[tokio::test]
async fn each_act_that_frees_records_takes_two() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    let change =
        |text: String| text.replace("region = \"onprem-mo\"\n", "region = \"ap-southeast-1\"\n");
    govern_with(&ledger, change).await;
    let consenting = PersonProfile { basis: Some("consent".into()), ..employee("17") };
    ledger.directory().import(vec![consenting]).await.unwrap();
    let (device, person) = seventeen(&ledger).await;
    let outbox = ledger.outbox("mo-hr");
    outbox.attest(attestation("ap-southeast-1")).await.unwrap();
    commit(&ledger, device, person, 1..3).await;

    let dpa = paper("dpa", "MO->SG", NOW_MS - 1000, NOW_MS + DAY_MS);
    let filed = ledger.file_paper("hr", dpa).await.unwrap();
    one_is_not_enough(&ledger, filed, || ledger.papers().len() == 1).await;
    let given = ConsentChange { guardian: false, given: true, from: at(NOW_MS - DAY_MS), to: None };
    let consents = ledger.set_consent("hr", person, given).await.unwrap();
    one_is_not_enough(&ledger, consents, || outbox.backlog() == 2).await;
    ledger.restrict("hr", person, true, "asked").await.unwrap();
    until("restricted", || outbox.backlog() == 0).await;
    let lifted = ledger.restrict("hr", person, false, "taken back").await.unwrap();
    one_is_not_enough(&ledger, lifted, || outbox.backlog() == 2).await;
    let notice = muster_ledger::Notice {
        kind: "pics".into(),
        version: 1,
        from: at(NOW_MS),
        languages: vec!["pt".into()],
        destinations: vec!["mo-hr".into()],
        sha256: "0".repeat(64),
    };
    ledger.publish_notice("dpo", notice).await.unwrap();
    until("not told", || held(&ledger, "C-04-NOTICE") == 2).await;
    let (kind, language, people) = ("pics".into(), "pt".into(), None);
    let told = Action::GiveNotice { kind, version: 1, language, people };
    let told = ledger.propose("hr", told).await.unwrap();
    one_is_not_enough(&ledger, told, || outbox.backlog() == 2).await;
    // What holds more takes one.
    let withdrawn = ConsentChange { given: false, from: at(NOW_MS), ..given };
    assert_eq!(ledger.set_consent("hr", person, withdrawn).await.unwrap(), None);
    ledger.withdraw_paper("hr", 1, "-").await.unwrap();
    until("held", || outbox.backlog() == 0).await;
}

#[tokio::test]
async fn a_baseline_is_raised_by_one_and_lowered_by_two() {
    let setting = Setting::new();
    let (ledger, ..) = staffed(&setting).await;
    let baseline = |persons, records| Baseline {
        persons,
        sensitive: 0,
        records,
        source: "HR system".into(),
        by: "uid 0".into(),
        at_ms: NOW_MS,
    };
    let known = || ledger.baseline(Law::CN, 2026).map(|b| (b.persons, b.records));
    for (persons, records) in [(100, 10), (100, 20), (150, 20)] {
        let set = ledger.set_baseline(Law::CN, 2026, baseline(persons, records)).await.unwrap();
        assert_eq!((set, known()), (None, Some((persons, records))));
    }
    let lowered = ledger.set_baseline(Law::CN, 2026, baseline(200, 19)).await.unwrap();
    one_is_not_enough(&ledger, lowered, || known() == Some((200, 19))).await;
    assert_eq!(ledger.baseline(Law::CN, 2026).unwrap().by, "ho.mei and lam.kit");
}

#[tokio::test]
async fn while_the_box_is_set_up_papers_are_on_file_at_once() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    enrol(&ledger).await;
    let dpa = || paper("dpa", "*", NOW_MS, NOW_MS + DAY_MS);
    assert_eq!(ledger.file_paper("uid 0", dpa()).await.unwrap(), None);
    assert_eq!(ledger.papers()[0].filed_by, "uid 0");
    ledger.govern("test", Some(policy_with(1, "mo-hr", |text| text))).await.unwrap();
    assert!(ledger.file_paper("uid 0", dpa()).await.unwrap().is_some());
    assert_eq!(ledger.papers().len(), 1);
    // A restart does not open the window again.
    ledger.close().await;
    let (again, _) = setting.open();
    setting.set_now(NOW_MS + 1);
    assert!(again.file_paper("uid 0", dpa()).await.unwrap().is_some());
}

#[tokio::test]
async fn a_shorter_retention_takes_two() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    let kept = |days: u32| {
        move |text: String| {
            text + &format!("[[retention]]\nclass = \"attendance.event\"\nlocal_days = {days}\n")
        }
    };
    govern_with(&ledger, kept(1095)).await;
    let mut shorter = policy_with(2, "mo-hr", kept(30));
    let both = shorter.signatures.clone();
    for line in both.lines() {
        shorter.signatures = line.to_owned();
        let refused = ledger.govern("test", Some(shorter.clone())).await.unwrap_err();
        let GovernError::Refused(refused) = refused else { panic!("{refused}") };
        assert!(matches!(*refused, PolicyRefused::Signatures { .. }));
        assert!(refused.to_string().contains("destroyed sooner"), "{refused}");
    }
    shorter.signatures = both;
    ledger.govern("test", Some(shorter)).await.unwrap();
}

fn ana() -> (SigningKey, Signer) {
    let key = SigningKey::new("lei.ana", "security", zeroize::Zeroizing::new([3; 32])).unwrap();
    let trusted = key.trusted();
    let signer =
        Signer { person: trusted.person, role: trusted.role, public_key: trusted.public_key };
    (key, signer)
}

/// A signer asks to change who signs.
async fn change(
    ledger: &Ledger,
    (add, remove): (&[Signer], &[&str]),
    at_ms: i64,
    key: &SigningKey,
) -> Result<Request, RequestError> {
    let remove = remove.iter().map(|person| (*person).to_owned()).collect();
    let action = Action::ChangeSigners { add: add.to_vec(), remove };
    let line = sign(Part::Ask, &request_text(&action, "mo-hq", at_ms), key);
    ledger.ask(action, at_ms, &line).await
}

#[tokio::test]
async fn a_new_signer_waits_a_day_with_everything() {
    let setting = Setting::new();
    let (ledger, ..) = staffed(&setting).await;
    let [dpo, admin] = keys();
    let (key, signer) = ana();
    let proposed = Action::ChangeSigners { add: vec![signer.clone()], remove: Vec::new() };
    assert!(ledger.propose("uid 0", proposed).await.unwrap().is_some(), "signed by nobody");
    let request =
        change(&ledger, (std::slice::from_ref(&signer), &[]), NOW_MS + 1, &admin).await.unwrap();
    assert_eq!(ledger.signers().len(), 2);
    let line = sign(Part::Approve, &request.text, &dpo);
    ledger.approve(&request.id, &line).await.unwrap();
    assert_eq!(ledger.signers().len(), 3);
    assert_eq!(ledger.signers_since()[2], (signer, Some(NOW_MS + DAY_MS)));
    // Asking, approving and signing a policy: not before a day is over, restarts included.
    ledger.close().await;
    let (ledger, _) = setting.open();
    let loosened = policy_with(2, "mo-pay", |text| text);
    let by_new = muster_residency::signature::sign(
        &muster_residency::Policy::parse(&loosened.policy).unwrap(),
        &muster_residency::LawPack::parse(&loosened.law_pack).unwrap(),
        &key,
    );
    let dpo_line = loosened.signatures.lines().next().unwrap().to_owned();
    let signatures = format!("{dpo_line}\n{by_new}");
    let loosened = muster_ledger::Governance { signatures, ..loosened };
    let too_new = |found: &Result<Request, RequestError>| matches!(found, Err(RequestError::TooNew { person, .. }) if person == "lei.ana");
    for now_ms in [NOW_MS, NOW_MS + DAY_MS - 1] {
        setting.set_now(now_ms);
        let asked = change(&ledger, (&[], &["lam.kit"]), now_ms, &key).await;
        assert!(too_new(&asked), "{asked:?}");
        let paper = paper("dpa", "*", NOW_MS, NOW_MS + DAY_MS);
        let proposed = ledger.file_paper("hr", paper).await.unwrap().unwrap();
        let line = sign(Part::Approve, &proposed.text, &key);
        let approved = ledger.approve(&proposed.id, &line).await;
        assert!(too_new(&approved), "{approved:?}");
        let refused = ledger.govern("test", Some(loosened.clone())).await.unwrap_err();
        assert!(refused.to_string().contains("lei.ana"), "{refused}");
    }
    setting.set_now(NOW_MS + DAY_MS);
    ledger.govern("test", Some(loosened)).await.unwrap();
    change(&ledger, (&[], &["lam.kit"]), NOW_MS + DAY_MS, &key).await.unwrap();
}

#[tokio::test]
async fn at_set_up_one_signer_enrols_the_other_and_then_no_more() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    let [dpo, admin] = keys();
    let of = |key: &SigningKey| {
        let trusted = key.trusted();
        let (person, role) = (trusted.person, trusted.role);
        Signer { person, role, public_key: trusted.public_key }
    };
    ledger.enrol_signers(vec![of(&admin)]).await.unwrap();
    assert!(ledger.enrol_signers(vec![of(&admin), of(&dpo)]).await.is_err(), "unsigned");
    let request = change(&ledger, (&[of(&dpo)], &[]), NOW_MS, &admin).await.unwrap();
    assert!(request.approved_by.is_some());
    assert_eq!(ledger.signers(), [of(&admin), of(&dpo)]);
    // Both sign at once, and the window closes behind them.
    ledger.govern("test", Some(policy_with(1, "mo-hr", |text| text))).await.unwrap();
    let (_, ana) = ana();
    let request = change(&ledger, (&[ana], &[]), NOW_MS + 1, &admin).await.unwrap();
    assert_eq!((request.approved_by, ledger.signers().len()), (None, 2));
    let removed = change(&ledger, (&[], &["ho.mei"]), NOW_MS + 2, &admin).await;
    assert!(matches!(removed, Err(RequestError::Refused(_))), "the dpo must stay: {removed:?}");
}
