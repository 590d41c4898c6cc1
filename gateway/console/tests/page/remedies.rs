//! The three remedies, each with its own approval: a tightening takes one signature, another
//! destination and a filing take two, and one person alone loosens nothing.

use crate::browser::{Answer, Browser};
use crate::governance::{LAW_PACK, POLICY, govern_with, keys, send};
use crate::site::Site;
use muster_ledger::Role;
use muster_residency::approval::{Part, sign};
use muster_residency::{LawPack, Policy, signature};

const PAGE: &str = "/governance/remedies";
const DRAFTS: &str = "/governance/drafts";

/// The next version, with one text in place of another.
fn changed(from: &str, to: &str) -> String {
    assert!(POLICY.contains(from), "{from}");
    POLICY.replacen("version = 7", "version = 8", 1).replacen(from, to, 1)
}

/// Two destinations to choose from.
fn two_destinations() -> String {
    let other = "[[destination]]\nid = \"hk-node\"\nregion = \"cn-hongkong\"\n\
                 connector = \"https\"\noperator = \"The bank itself\"\nremote_access_from = []\n\
                 residency_evidence = \"endpoint\"\n\n[[profile]]";
    POLICY.replacen("[[profile]]", other, 1)
}

/// The line that the `n`th signer's key makes over a policy's text.
fn line(n: usize, policy: &str) -> String {
    let policy = Policy::parse(policy).expect("a policy");
    let pack = LawPack::parse(LAW_PACK).expect("a law pack");
    signature::sign(&policy, &pack, &keys()[n])
}

async fn draft(browser: &mut Browser, fields: &[(&str, &str)]) -> Answer {
    let csrf = browser.get(PAGE).await.csrf();
    browser.upload(DRAFTS, &[&[("csrf", csrf.as_str())], fields].concat(), b"").await
}

/// Keeps a draft and gives its page's address.
async fn kept(browser: &mut Browser, fields: &[(&str, &str)]) -> String {
    let answer = draft(browser, fields).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    answer.header("location").to_owned()
}

async fn give(browser: &mut Browser, page: &str, line: &str) -> Answer {
    let id = page.rsplit('/').next().unwrap_or_default();
    send(browser, page, "/governance/drafts/sign", &[("draft", id), ("line", line)]).await
}

fn in_force(site: &Site) -> u32 {
    let newest = site.ledger.policy_versions().pop().expect("a version");
    assert_eq!(site.ledger.governance().expect("in force"), newest.governance);
    newest.version
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tightening_from_the_page_takes_effect_with_one_signature() {
    let site = Site::open().await;
    let mut admin = site.member("lam.kit", &[Role::ItAdmin], &[]).await;
    let mut auditor = site.member("an.auditor", &[Role::Auditor], &[]).await;
    govern_with(&site, POLICY).await;
    let person = site.person("00017", "Chan Tai Man", "treasury").await;
    site.punch(1, Some(person)).await;
    let tighter = changed("\"compliance\"]", "\"compliance\", \"treasury\"]");
    let offered = admin.get(PAGE).await.body;
    assert!(offered.contains("version = 8") && offered.contains("P-STAFF → sg-tenant"));
    let page = kept(&mut admin, &[("policy", &tighter.replace('\n', "\r\n"))]).await;
    let shown = auditor.get(&page).await.body;
    for told in ["tightens", "One signature puts it in force", "treasury", "1 records tried"] {
        assert!(shown.contains(told), "{told} in {shown}");
    }
    assert!(!shown.contains("name=\"line\""), "an auditor signs nothing");
    let shown = admin.get(&page).await.body;
    assert!(shown.contains("muster policy signature 1\npolicy mo-bank@8 sha256:"), "{shown}");
    let file = admin.get(&format!("{page}/policy.toml")).await;
    assert_eq!((file.status, file.body.as_str()), (200, tighter.as_str()), "what was typed");
    assert_eq!(admin.get(&format!("{page}/lawpack.toml")).await.body, LAW_PACK);
    assert_eq!(in_force(&site), 7);
    // Under another's account, or over another text, a signature is none.
    for other in [line(0, &tighter), line(1, POLICY), String::from("muster-sig-1 lam.kit")] {
        assert_eq!(give(&mut admin, &page, &other).await.status, 422, "{other}");
    }
    assert_eq!(in_force(&site), 7);
    let done = give(&mut admin, &page, &line(1, &tighter)).await;
    assert!(done.status == 200 && done.body.contains("mo-bank@8 is accepted"), "{}", done.body);
    assert_eq!(in_force(&site), 8);
    let newest = site.ledger.policy_versions().pop().expect("a version");
    assert_eq!((newest.direction.as_str(), newest.signers.len()), ("tightens", 2));
    assert_eq!(admin.get(&page).await.status, 404, "no draft any more");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_destination_waits_for_two_and_one_alone_never_gets_it() {
    let site = Site::open().await;
    let mut dpo = site.member("ho.mei", &[Role::Dpo], &[]).await;
    let mut admin = site.member("lam.kit", &[Role::ItAdmin], &[]).await;
    let two = two_destinations();
    govern_with(&site, &two).await;
    let page = kept(&mut admin, &[("permit", "P-STAFF"), ("to", "hk-node")]).await;
    let shown = dpo.get(&page).await.body;
    assert!(shown.contains("loosens") && shown.contains("Two people in two roles"), "{shown}");
    let text = dpo.get(&format!("{page}/policy.toml")).await.body;
    assert_eq!(Policy::parse(&text).expect("a policy").permits[0].to, "hk-node");
    let both = [line(0, &text), line(1, &text)];
    assert_eq!(give(&mut dpo, &page, &both.concat()).await.status, 422, "one line at a time");
    for _ in 0..2 {
        let answer = give(&mut dpo, &page, &both[0]).await;
        assert_eq!(answer.status, 200);
        assert!(
            answer.body.contains("ho.mei (data protection officer)"),
            "it stands, and waits: {}",
            answer.body
        );
        assert_eq!(in_force(&site), 7);
    }
    // Nor does the second line count where the first of the two gives it.
    assert_eq!(give(&mut dpo, &page, &both[1]).await.status, 422);
    assert_eq!(in_force(&site), 7);
    assert_eq!(give(&mut admin, &page, &both[1]).await.status, 200);
    assert_eq!(in_force(&site), 8);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_that_is_wrong_says_where_and_keeps_nothing() {
    let site = Site::open().await;
    let mut dpo = site.member("ho.mei", &[Role::Dpo], &[]).await;
    let mut hr = site.member("wong.hr", &[Role::Hr], &[]).await;
    govern_with(&site, POLICY).await;
    let at = |text: &str| POLICY[..POLICY.find(text).expect("there")].lines().count() + 1;
    for (from, to, line, told) in [
        ("default = \"hold\"", "defualt = \"hold\"", at("default = \"hold\""), "correct the name"),
        ("\"check_time\"", "\"face_image\"", at("[[profile]]"), "face_image"),
        ("to = \"sg-tenant\"", "to = \"nowhere\"", 0, "nowhere"),
        ("ap-southeast-1", "atlantis-1", 0, "atlantis-1"),
        ("version = 8", "version = 7", 0, "versions only grow"),
    ] {
        let next = POLICY.replacen("version = 7", "version = 8", 1);
        let answer = draft(&mut dpo, &[("policy", &next.replacen(from, to, 1))]).await;
        assert_eq!(answer.status, 422, "{to}");
        assert!(answer.body.contains(told), "{told}: {}", answer.body);
        let number = format!("num\">{line}</td>");
        assert!(line == 0 || answer.body.contains(&number), "{number}: {}", answer.body);
    }
    assert!(dpo.get(PAGE).await.body.contains("No draft waits"));
    assert_eq!(hr.get(PAGE).await.status, 404);
    let huge = format!("{POLICY}{}", "#".repeat(200 << 10));
    assert_eq!(draft(&mut dpo, &[("policy", &huge)]).await.status, 422);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filing_from_the_page_waits_for_two_and_its_hash_is_the_documents() {
    let site = Site::open().await;
    let mut dpo = site.member("ho.mei", &[Role::Dpo], &[]).await;
    let mut admin = site.member("lam.kit", &[Role::ItAdmin], &[]).await;
    govern_with(&site, POLICY).await;
    let page = "/governance/papers";
    let csrf = dpo.get(page).await.csrf();
    let fields = [
        ("csrf", csrf.as_str()),
        ("type", "mo-notification"),
        ("lane", "MO->SG"),
        ("from", "2026-11-01T00:00:01"),
        ("to", "2031-11-01T00:00:00"),
        ("number", "GPDP-7/2026"),
        ("parties", "The bank\r\nThe tenant\r\n"),
    ];
    let mut wrong = fields;
    wrong[2].1 = "to Singapore";
    assert_eq!(dpo.upload(page, &wrong, b"notification").await.status, 422);
    assert_eq!(dpo.upload(page, &fields, b"").await.status, 422, "no document, no hash");
    let proposed = dpo.upload(page, &fields, b"notification").await;
    assert!(proposed.body.contains("waits for two signers"), "{}", proposed.body);
    let request = site.ledger.requests().pop().expect("a proposal");
    let approve = async |browser: &mut Browser, n: usize| {
        let line = sign(Part::Approve, &request.text, &keys()[n]);
        let fields = [("request", request.id.as_str()), ("line", line.as_str())];
        send(browser, "/governance/approvals", "/governance/approvals", &fields).await.status
    };
    assert_eq!((approve(&mut dpo, 0).await, approve(&mut dpo, 0).await), (200, 422));
    assert!(site.ledger.papers().is_empty(), "one person filed nothing");
    assert_eq!(approve(&mut admin, 1).await, 200);
    let paper = site.ledger.papers().pop().expect("on file").paper;
    let sha256 = ring::digest::digest(&ring::digest::SHA256, b"notification");
    let sha256: String = sha256.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((paper.sha256, paper.file.as_str()), (sha256, "plan.csv"));
    assert_eq!(
        paper.from.to_string(),
        "2026-10-31T16:00:01Z",
        "by the site's clock, to the second"
    );
    assert_eq!(paper.parties, ["The bank", "The tenant"]);
    assert_eq!(paper.filing_number.as_deref(), Some("GPDP-7/2026"));
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_draft_or_a_filing_is_refused_for_is_told_in_the_page_s_language() {
    let site = Site::open().await;
    let mut dpo = site.member("ho.mei", &[Role::Dpo], &[]).await;
    govern_with(&site, POLICY).await;
    let biometric = changed("\"check_time\"", "\"face_image\"");
    let same_number = POLICY.to_owned();
    for (language, never, grows) in [
        ("en", "which never leaves", "versions only grow"),
        ("zh-Hant", "永不離開的", "版本號只增不減"),
        ("zh-Hans", "永不离开的", "版本号只增不减"),
        ("pt", "que nunca sai", "as versões só crescem"),
    ] {
        dpo.cookies.insert("__Host-language".to_owned(), language.to_owned());
        for (policy, told) in [(&biometric, never), (&same_number, grows)] {
            let answer = draft(&mut dpo, &[("policy", policy)]).await;
            assert_eq!(answer.status, 422, "{language}");
            assert!(answer.body.contains(told), "{language} {told}: {}", answer.body);
        }
    }
    site.close().await;
}
