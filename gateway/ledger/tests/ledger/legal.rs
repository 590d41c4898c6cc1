//! Facts that change while the box runs: each re-decides what is held, and is judged again at the
//! moment of sending.

use crate::setting::{
    NOW_MS, Setting, accepted, agree, attestation, commit, employee, file, govern_with, next,
    nothing, paper, punch, seventeen, until,
};
use jiff::Timestamp;
use muster_attendance::{DeviceId, PersonId};
use muster_ledger::{
    Action, ConsentChange, Ledger, LegalError, Notice, Outbox, PaperError, PersonProfile, Request,
    RequestError,
};

/// The box sends to Singapore, which Macau's law has a gate for.
async fn exporting(
    setting: &Setting,
    profile: PersonProfile,
) -> (Ledger, Outbox, DeviceId, PersonId) {
    let (ledger, _) = setting.open();
    govern_with(&ledger, |text| {
        text.replace("region = \"onprem-mo\"\n", "region = \"ap-southeast-1\"\n")
            .replace("profile = \"min\"", "profile = \"min\"\nrequire = [\"dpa\"]")
    })
    .await;
    ledger.directory().import(vec![profile]).await.unwrap();
    let (device, person) = seventeen(&ledger).await;
    let outbox = ledger.outbox("mo-hr");
    outbox.attest(attestation("ap-southeast-1")).await.unwrap();
    (ledger, outbox, device, person)
}

fn held(ledger: &Ledger, code: &str) -> u64 {
    ledger.status().held.get(code).copied().unwrap_or(0)
}

fn consenting() -> PersonProfile {
    PersonProfile { basis: Some("consent".into()), ..employee("17") }
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap()
}

fn given(from: i64) -> ConsentChange {
    ConsentChange { guardian: false, given: true, from: at(from), to: None }
}

#[tokio::test]
async fn without_a_dpa_nothing_leaves_and_filing_one_frees_what_waits() {
    let setting = Setting::new();
    let (ledger, outbox, device, person) = exporting(&setting, employee("17")).await;
    commit(&ledger, device, person, 1..4).await;
    assert_eq!(held(&ledger, "G-MO"), 3, "{:?}", ledger.status().held);
    nothing(&outbox).await;
    let elsewhere = paper("dpa", "MO->MY", NOW_MS - 1000, NOW_MS + 1000);
    file(&ledger, elsewhere).await;
    nothing(&outbox).await;
    file(&ledger, paper("dpa", "MO->SG", NOW_MS - 1000, NOW_MS + 5000)).await;
    until("freed", || outbox.backlog() == 3).await;
    let parcels = next(&outbox, 1).await;
    outbox.settle(accepted(parcels)).await.unwrap();
    let explained = ledger.papers();
    assert_eq!((explained.len(), explained[1].filed_by.as_str()), (2, "lam.kit and ho.mei"));
    // Judged again at the moment of sending: what is taken back no longer counts.
    ledger.withdraw_paper("hr", 2, "signed by nobody").await.unwrap();
    nothing(&outbox).await;
    until("held again", || held(&ledger, "G-MO") == 2).await;
    let unknown = ledger.withdraw_paper("hr", 9, "-").await;
    assert!(matches!(unknown, Err(LegalError::Paper(PaperError::Unknown))));
    ledger.close().await;
    let (again, _) = setting.open();
    assert_eq!(again.papers(), explained_withdrawn(explained));
    assert_eq!(held(&again, "G-MO"), 2);
}

fn explained_withdrawn(
    mut papers: Vec<muster_ledger::PaperOnFile>,
) -> Vec<muster_ledger::PaperOnFile> {
    papers[1].withdrawn_ms = Some(NOW_MS);
    papers
}

#[tokio::test]
async fn a_paper_ends_to_the_second() {
    let setting = Setting::new();
    let (ledger, outbox, device, person) = exporting(&setting, employee("17")).await;
    file(&ledger, paper("dpa", "*", NOW_MS, NOW_MS + 10_000)).await;
    commit(&ledger, device, person, 1..3).await;
    setting.set_now(NOW_MS + 9_999);
    outbox.settle(accepted(next(&outbox, 1).await)).await.unwrap();
    setting.set_now(NOW_MS + 10_000);
    nothing(&outbox).await;
    until("held", || held(&ledger, "G-MO") == 1).await;
}

#[tokio::test]
async fn consent_holds_at_the_punch_and_at_the_sending() {
    let setting = Setting::new();
    let (ledger, outbox, device, person) = exporting(&setting, consenting()).await;
    file(&ledger, paper("dpa", "*", NOW_MS, NOW_MS + 86_400_000)).await;
    commit(&ledger, device, person, 1..3).await;
    assert_eq!(held(&ledger, "C-01-ABSENT"), 2);
    agree(&ledger, ledger.set_consent("hr", person, given(NOW_MS)).await).await;
    nothing(&outbox).await;
    assert_eq!(held(&ledger, "C-01-ABSENT"), 2, "it was given after the punch");
    agree(&ledger, ledger.set_consent("hr", person, given(NOW_MS - 3_600_000)).await).await;
    until("freed", || outbox.backlog() == 2).await;
    outbox.settle(accepted(next(&outbox, 1).await)).await.unwrap();
    // Withdrawn from a moment to come: it holds until then.
    let withdrawn = ConsentChange { given: false, ..given(NOW_MS + 5_000) };
    agree(&ledger, ledger.set_consent("hr", person, withdrawn).await).await;
    outbox_still_goes(&outbox).await;
    setting.set_now(NOW_MS + 5_000);
    nothing(&outbox).await;
    until("held", || held(&ledger, "C-01-WITHDRAWN") == 1).await;
}

/// A parcel is handed out, and goes back.
async fn outbox_still_goes(outbox: &Outbox) {
    assert_eq!(next(outbox, 1).await.len(), 1);
}

#[tokio::test]
async fn children_need_a_guardian() {
    let setting = Setting::new();
    let child = PersonProfile { age_band: Some("under14".into()), ..consenting() };
    let (ledger, outbox, device, person) = exporting(&setting, child).await;
    file(&ledger, paper("dpa", "*", NOW_MS, NOW_MS + 86_400_000)).await;
    agree(&ledger, ledger.set_consent("hr", person, given(NOW_MS - 60_000)).await).await;
    commit(&ledger, device, person, 1..2).await;
    assert_eq!(held(&ledger, "C-02-GUARDIAN"), 1);
    let guardian = ConsentChange { guardian: true, ..given(NOW_MS - 60_000) };
    agree(&ledger, ledger.set_consent("hr", person, guardian).await).await;
    until("freed", || outbox.backlog() == 1).await;
}

#[tokio::test]
async fn restriction_stops_forwards_at_once_and_for_one_person_alone() {
    let setting = Setting::new();
    let (ledger, outbox, device, person) = exporting(&setting, employee("17")).await;
    file(&ledger, paper("dpa", "*", NOW_MS, NOW_MS + 86_400_000)).await;
    ledger.directory().import(vec![employee("18")]).await.unwrap();
    let other = ledger.directory().find("18").unwrap();
    commit(&ledger, device, person, 1..3).await;
    let punches = vec![punch(device, 10, other)];
    ledger.committer().commit(punches).await.unwrap();
    agree(&ledger, ledger.restrict("dpo", person, true, "asked on paper").await).await;
    let parcels = next(&outbox, 9).await;
    assert_eq!(parcels.len(), 1);
    outbox.settle(accepted(parcels)).await.unwrap();
    until("held", || held(&ledger, "C-03-RESTRICTED") == 2).await;
    assert!(ledger.person_legal(person).restricted_ms.is_some());
    agree(&ledger, ledger.restrict("dpo", person, false, "taken back").await).await;
    until("freed", || outbox.backlog() == 2).await;
}

async fn give(
    ledger: &Ledger,
    version: u32,
    language: &str,
    person: PersonId,
) -> Result<Option<Request>, RequestError> {
    let people = Some(vec![person]);
    let (kind, language) = ("pics".into(), language.into());
    ledger.propose("hr", Action::GiveNotice { kind, version, language, people }).await
}

#[tokio::test]
async fn a_destination_that_the_notice_does_not_name_holds() {
    let setting = Setting::new();
    let (ledger, outbox, device, person) = exporting(&setting, employee("17")).await;
    file(&ledger, paper("dpa", "*", NOW_MS, NOW_MS + 86_400_000)).await;
    let notice = |version, to: &str| Notice {
        kind: "pics".into(),
        version,
        from: at(NOW_MS),
        languages: vec!["zh-Hant".into(), "pt".into()],
        destinations: vec![to.into()],
        sha256: "0".repeat(64),
    };
    ledger.publish_notice("dpo", notice(1, "elsewhere")).await.unwrap();
    agree(&ledger, give(&ledger, 1, "pt", person).await).await;
    commit(&ledger, device, person, 1..2).await;
    assert_eq!(held(&ledger, "C-04-NOTICE"), 1);
    ledger.publish_notice("dpo", notice(2, "mo-hr")).await.unwrap();
    nothing(&outbox).await;
    assert!(give(&ledger, 2, "en", person).await.is_err());
    agree(&ledger, give(&ledger, 2, "zh-Hant", person).await).await;
    until("freed", || outbox.backlog() == 1).await;
    assert!(ledger.publish_notice("dpo", notice(2, "mo-hr")).await.is_err());
}

#[tokio::test]
async fn a_contract_that_nobody_quotes_is_no_place() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    let by_contract = |text: String| {
        text.replace("residency_evidence = \"endpoint\"", "residency_evidence = \"contract\"")
    };
    govern_with(&ledger, by_contract).await;
    ledger.directory().import(vec![employee("17")]).await.unwrap();
    let (device, person) = seventeen(&ledger).await;
    commit(&ledger, device, person, 1..2).await;
    assert_eq!(held(&ledger, "G-MO"), 1, "read as the mainland and Singapore besides");
    let mut quoted = paper("contract-clause", "*", NOW_MS, NOW_MS + 1000);
    quoted.destination = Some("mo-hr".into());
    quoted.clause = Some("All data stays in the data centre in Macau.".into());
    file(&ledger, quoted).await;
    until("freed", || ledger.outbox("mo-hr").backlog() == 1).await;
}
