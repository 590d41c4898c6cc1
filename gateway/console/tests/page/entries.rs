//! Each form that changes something leaves its entry in the journal, in one batch with what it
//! changes.

use crate::browser::{Answer, Browser};
use crate::governance::{LAW_PACK, POLICY, govern_with, keys, send};
use crate::site::Site;
use muster_ledger::Role;
use muster_residency::approval::{Part, sign};
use muster_residency::{LawPack, Policy, signature};

/// Acts after batch `from`: each with its batch; decisions, which follow by themselves, left out.
fn acts(site: &Site, from: u64) -> Vec<(u64, String)> {
    let told = site.journal();
    let lines = told.lines().filter_map(|line| serde_json::from_str(line).ok());
    let act = |line: serde_json::Value| {
        let name = line["act"].as_str()?.to_owned();
        let follows = ["decided", "redecided", "attested"].contains(&name.as_str());
        Some((line["batch"].as_u64()?, name)).filter(|(batch, _)| !follows && *batch > from)
    };
    lines.filter_map(act).collect()
}

fn head(site: &Site) -> u64 {
    acts(site, 0).last().map_or(0, |(batch, _)| *batch)
}

/// What a form leaves: these acts, all in one batch.
#[track_caller]
fn check(site: &Site, from: u64, answer: &Answer, expect: &[&str]) {
    assert!(answer.status < 400, "{} {}", answer.status, answer.body);
    let left = acts(site, from);
    let names: Vec<&str> = left.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(names, expect);
    assert!(left.iter().all(|(batch, _)| *batch == left[0].0), "in one batch: {left:?}");
}

async fn upload(browser: &mut Browser, page: &str, to: &str, fields: &[(&str, &str)]) -> Answer {
    let csrf = browser.get(page).await.csrf();
    browser.upload(to, &[&[("csrf", csrf.as_str())], fields].concat(), b"").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_form_that_changes_something_leaves_its_entry_in_one_batch() {
    let site = Site::open().await;
    let mut dpo = site.member("ho.mei", &[Role::Dpo, Role::Hr], &[]).await;
    let mut admin = site.member("lam.kit", &[Role::ItAdmin], &[]).await;
    let mut auditor = site.member("an.auditor", &[Role::Auditor], &[]).await;
    govern_with(&site, POLICY).await;
    let person = site.person("00017", "Chan Tai Man", "Kitchen").await.0.to_string();
    let about = [("person", person.as_str())];
    let rights = format!("/people/{person}/rights");

    for (page, to, fields, expect) in [
        (&*rights, "/governance/restrict", &about[..], "person-restricted"),
        (&rights, "/governance/erase", &about[..], "request-made"),
        ("/governance", "/governance/stop", &[], "local-only"),
    ] {
        let from = head(&site);
        let answer = send(&mut dpo, page, to, fields).await;
        check(&site, from, &answer, &[expect]);
    }
    let from = head(&site);
    let table = [("encoding", "utf-8"), ("table", "shift,parts\nday,09:00-18:00")];
    let answer = upload(&mut dpo, "/plans?kind=shifts", "/plans/shifts", &table).await;
    check(&site, from, &answer, &["plans-entered"]);
    let from = head(&site);
    let account = [("name", "new.one"), ("role", "hr"), ("departments", "")];
    let answer = send(&mut admin, "/accounts", "/accounts", &account).await;
    check(&site, from, &answer, &["account-written"]);

    let packs = "/governance/packs";
    let from = head(&site);
    let days = [("from", "2026-11-01"), ("to", "2026-11-30")];
    check(&site, from, &send(&mut auditor, packs, packs, &days).await, &["pack-asked"]);
    let from = head(&site);
    let answer = send(&mut dpo, packs, "/governance/packs/release", &[("number", "1")]).await;
    check(&site, from, &answer, &["pack-released"]);
    a_policy(&site, &mut admin).await;
    a_paper(&site, &mut dpo, &mut admin).await;
    site.close().await;
}

/// What is accepted names what it was before and what it is now.
async fn a_policy(site: &Site, admin: &mut Browser) {
    let text = POLICY.replacen("version = 7", "version = 8", 1).replacen("minute", "hour", 1);
    let page = "/governance/remedies";
    let from = head(site);
    let answer = upload(admin, page, "/governance/drafts", &[("policy", &text)]).await;
    check(site, from, &answer, &["policy-drafted"]);
    let id = answer.header("location").rsplit('/').next().unwrap_or_default().to_owned();
    let (policy, pack) = (Policy::parse(&text), LawPack::parse(LAW_PACK));
    let line = signature::sign(&policy.expect("one"), &pack.expect("one"), &keys()[1]);
    let from = head(site);
    let signed = [("draft", id.as_str()), ("line", line.as_str())];
    let answer = send(admin, page, "/governance/drafts/sign", &signed).await;
    check(site, from, &answer, &["policy-draft-signed", "policy-accepted"]);
    let versions = site.ledger.policy_versions();
    let [before, after] = versions.as_slice() else { panic!("two versions") };
    assert_eq!(after.parent.as_ref(), Some(&before.policy_hash));
    assert_ne!(after.policy_hash, before.policy_hash);
}

async fn a_paper(site: &Site, dpo: &mut Browser, admin: &mut Browser) {
    let (page, sha256) = ("/governance/papers", "ab".repeat(32));
    let paper = [
        ("type", "dpa"),
        ("lane", "*"),
        ("from", "2026-11-01"),
        ("to", "2027-11-01"),
        ("sha256", &sha256),
        ("name", "dpa.pdf"),
    ];
    let from = head(site);
    check(site, from, &upload(dpo, page, page, &paper).await, &["request-made"]);
    let request = site.ledger.requests().pop().expect("a proposal");
    for (n, browser, expect) in
        [(0, dpo, &["request-backed"][..]), (1, admin, &["request-approved", "paper-filed"])]
    {
        let line = sign(Part::Approve, &request.text, &keys()[n]);
        let fields = [("request", request.id.as_str()), ("line", line.as_str())];
        let from = head(site);
        let answer = send(browser, "/governance/approvals", "/governance/approvals", &fields).await;
        check(site, from, &answer, expect);
    }
}
