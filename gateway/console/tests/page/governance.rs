//! The policy's life, legal evidence, approvals, rights and packs: who may, and that one person
//! loosens nothing.

use crate::browser::{Answer, Browser};
use crate::site::Site;
use muster_ledger::{Governance, PaperFiled, Role, Signer};
use muster_residency::approval::{Part, sign};
use muster_residency::facts::Lane;
use muster_residency::key::SigningKey;
use muster_residency::{LawPack, Policy, signature};
use zeroize::Zeroizing;

pub(crate) const POLICY: &str = include_str!("../../../residency/tests/policies/mo-bank.toml");
pub(crate) const LAW_PACK: &str = include_str!("../../../residency/tests/lawpack.toml");

/// The signers, whose accounts have the same names.
pub(crate) fn keys() -> [SigningKey; 2] {
    [("ho.mei", "dpo", 1), ("lam.kit", "it-admin", 2)].map(|(person, role, seed)| {
        SigningKey::new(person, role, Zeroizing::new([seed; 32])).expect("a key")
    })
}

/// A policy is in force, so that the box is set up.
async fn govern(site: &Site) {
    govern_with(site, POLICY).await;
}

/// This policy is.
pub(crate) async fn govern_with(site: &Site, text: &str) {
    let signers = keys().map(|key| key.trusted()).into_iter().map(|t| Signer {
        person: t.person,
        role: t.role,
        public_key: t.public_key,
    });
    site.ledger.enrol_signers(signers.collect()).await.expect("signers");
    let policy = Policy::parse(text).expect("a policy");
    let pack = LawPack::parse(LAW_PACK).expect("a law pack");
    let signatures = keys().iter().map(|key| signature::sign(&policy, &pack, key)).collect();
    let governance = Governance { policy: text.into(), law_pack: LAW_PACK.into(), signatures };
    site.ledger.govern("test", Some(governance)).await.expect("in force");
}

fn dpa() -> PaperFiled {
    let now = jiff::Timestamp::now();
    let day = |n: i64| now + jiff::SignedDuration::from_hours(24 * n);
    PaperFiled {
        kind: "dpa".into(),
        lane: Lane::ANY,
        from: day(-1),
        to: day(20),
        sha256: "0".repeat(64),
        file: "dpa.pdf".into(),
        filing_number: None,
        parties: Vec::new(),
        destination: None,
        clause: None,
        decision: None,
        module: None,
    }
}

pub(crate) async fn send(
    browser: &mut Browser,
    page: &str,
    to: &str,
    fields: &[(&str, &str)],
) -> Answer {
    let csrf = browser.get(page).await.csrf();
    browser.post(to, &[&[("csrf", csrf.as_str())], fields].concat()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loosening_signed_by_one_person_never_takes_effect_by_page() {
    let site = Site::open().await;
    let mut dpo = site.member("ho.mei", &[Role::Dpo], &[]).await;
    let mut admin = site.member("lam.kit", &[Role::ItAdmin], &[]).await;
    let mut new = site.member("lei.ana", &[Role::Security], &[]).await;
    let accounts = site.ledger.accounts();
    let anew = |account: &mut muster_ledger::Account| {
        account.created_ms = crate::site::now_ms();
        Ok(())
    };
    accounts.change("test", "lei.ana", anew).await.expect("a new account");
    govern(&site).await;
    let request = site.ledger.file_paper("uid 0", dpa()).await.unwrap().expect("a proposal");
    let page = "/governance/approvals";
    let shown = dpo.get(page).await;
    assert!(shown.body.contains(&request.id) && shown.body.contains("file-paper"));
    let [dpo_line, admin_line] = keys().map(|key| sign(Part::Approve, &request.text, &key));
    let fields = |line: &str| [("request", request.id.clone()), ("line", line.to_owned())];
    let give = async |browser: &mut Browser, line: &str| {
        let fields = fields(line);
        let fields: Vec<_> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        send(browser, page, page, &fields).await
    };
    // Under another's account, or over another text, a signature is none.
    assert_eq!(give(&mut admin, &dpo_line).await.status, 422);
    let other = sign(Part::Approve, "muster action 1\n", &keys()[0]);
    assert_eq!(give(&mut dpo, &other).await.status, 422);
    assert_eq!(give(&mut dpo, &dpo_line).await.status, 200);
    assert_eq!(give(&mut dpo, &dpo_line).await.status, 422, "twice by one");
    assert!(site.ledger.papers().is_empty(), "one person filed nothing");
    assert_eq!(give(&mut admin, &admin_line).await.status, 200);
    assert_eq!(site.ledger.papers().len(), 1);
    let papers = admin.get("/governance/papers").await;
    assert!(papers.body.contains("dpa") && papers.body.contains("ends within 30 days"));
    // A new account approves nothing for a day.
    assert_eq!(give(&mut new, &admin_line).await.status, 403);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_stops_everything_and_the_page_tells_the_policys_life() {
    let site = Site::open().await;
    let mut auditor = site.member("an.auditor", &[Role::Auditor], &[]).await;
    let mut security = site.member("lei.ana", &[Role::Security], &[]).await;
    govern(&site).await;
    let shown = auditor.get("/governance").await;
    assert!(
        shown.body.contains("mo-bank@7") && shown.body.contains("ho.mei (data protection officer)")
    );
    let tried = send(&mut auditor, "/governance", "/governance/stop", &[]).await;
    assert_eq!((tried.status, site.ledger.local_only()), (404, None), "an auditor reads");
    let stopped = send(&mut security, "/governance", "/governance/stop", &[]).await;
    assert_eq!(stopped.status, 200);
    assert_eq!(site.ledger.local_only().expect("stopped").by, "lei.ana");
    assert!(auditor.get("/governance").await.body.contains("nothing leaves this box"));
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rights_restrict_at_once_and_everything_else_waits_for_two() {
    let site = Site::open().await;
    let mut dpo = site.member("ho.mei", &[Role::Dpo], &[]).await;
    let mut hr = site.member("wong.hr", &[Role::Hr], &[]).await;
    govern(&site).await;
    let person = site.person("00017", "Chan Tai Man", "Kitchen").await;
    let (number, page) = (person.0.to_string(), format!("/people/{}/rights", person.0));
    assert!(dpo.get(&page).await.body.contains("Chan Tai Man"));
    assert_eq!(hr.get(&page).await.status, 404);
    let about = ("person", number.as_str());
    let restricted = send(&mut dpo, &page, "/governance/restrict", &[about]).await;
    assert_eq!(restricted.status, 200);
    assert!(site.ledger.person_legal(person).restricted_ms.is_some());
    let lift = [about, ("lift", "true")];
    let lifted = send(&mut dpo, &page, "/governance/restrict", &lift).await;
    assert!(lifted.body.contains("waits for two signers"), "{}", lifted.body);
    assert!(site.ledger.person_legal(person).restricted_ms.is_some(), "not by one");
    let erased = send(&mut dpo, &page, "/governance/erase", &[about]).await;
    assert!(erased.body.contains("waits for two signers"));
    assert!(site.ledger.directory().profile(person).is_some(), "not by one");
    let open = site.ledger.requests().into_iter().filter(|r| r.approved_by.is_none());
    assert_eq!(open.count(), 2);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_auditor_takes_away_only_a_pack_that_another_released() {
    let site = Site::open().await;
    let mut auditor = site.member("an.auditor", &[Role::Auditor], &[]).await;
    let mut other = site.member("b.auditor", &[Role::Auditor], &[]).await;
    let mut both = site.member("c.both", &[Role::Auditor, Role::Dpo], &[]).await;
    let mut dpo = site.member("ho.mei", &[Role::Dpo], &[]).await;
    let page = "/governance/packs";
    let days = [("from", "2026-11-01"), ("to", "2026-11-30")];
    assert_eq!(send(&mut auditor, page, page, &days).await.status, 200);
    let backwards = [("from", "2026-11-30"), ("to", "2026-11-01")];
    assert_eq!(send(&mut auditor, page, page, &backwards).await.status, 422);
    assert_eq!(auditor.get("/governance/packs/1").await.status, 404, "nobody released it");
    let release = "/governance/packs/release";
    assert_eq!(send(&mut auditor, page, release, &[("number", "1")]).await.status, 404);
    assert_eq!(send(&mut dpo, page, release, &[("number", "1")]).await.status, 200);
    let file = auditor.get("/governance/packs/1").await;
    assert_eq!((file.status, file.body.as_str()), (200, "2026-11-01 2026-11-30"));
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"audit-1.tar\"");
    assert_eq!(other.get("/governance/packs/1").await.status, 404, "not theirs");
    assert_eq!(dpo.get("/governance/packs/1").await.status, 404);
    // Who holds both roles is still one person.
    assert_eq!(send(&mut both, page, page, &days).await.status, 200);
    assert_eq!(send(&mut both, page, release, &[("number", "2")]).await.status, 422);
    assert_eq!(both.get("/governance/packs/2").await.status, 404);
    site.close().await;
}
