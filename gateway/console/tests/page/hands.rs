//! What the page has the box do: the doctor's round, enrolment, asking a terminal again.

use crate::browser::Browser;
use crate::site::Site;
use muster_ledger::{DeviceKind, Role};
use std::time::Duration;

/// Reads a page until it says `expect`.
async fn until(browser: &mut Browser, path: &str, expect: &str) -> String {
    for _ in 0..100 {
        let body = browser.get(path).await.body;
        if body.contains(expect) {
            return body;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{path} never says {expect}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctors_round_is_shown_with_cause_cure_and_runbook() {
    let site = Site::open().await;
    let mut fong = site.member("fong", &[Role::Facilities], &[]).await;
    let before = fong.get("/doctor").await;
    assert!(before.body.contains("Nothing has been checked"));
    let begun = fong.post("/doctor", &[("csrf", &before.csrf())]).await;
    assert_eq!(begun.header("location"), "/doctor");
    let after = until(&mut fong, "/doctor", "disk &#60;x&#62;").await;
    for expect in ["full", "free some space", "In the runbook", "Less than 512 MiB free"] {
        assert!(after.contains(expect), "{expect}: {after}");
    }
    let mut hr = site.member("mei", &[Role::Hr], &[]).await;
    assert_eq!(hr.get("/doctor").await.status, 404);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_notice_basis_and_age_no_finger_is_asked_for_and_a_pin_is() {
    let site = Site::open().await;
    site.person("00017", "Ana Lei", "kitchen").await;
    let dead = site.ledger.devices().pair("dead-01", DeviceKind::M1, None, None, None).await;
    dead.expect("a terminal");
    let mut fong = site.member("fong", &[Role::Facilities], &[]).await;
    let csrf = fong.get("/enrolment").await.csrf();
    let looked = fong.post("/enrolment", &[("csrf", &csrf), ("number", "00017")]).await;
    assert_eq!(looked.status, 200);
    assert_eq!(looked.body.matches(">missing<").count(), 3, "{}", looked.body);
    assert!(!looked.body.contains("value=\"finger\"") && looked.body.contains("value=\"pin\""));
    let ask = |way: &'static str, terminal: &'static str, page: &'static str| {
        [("number", "00017"), ("way", way), ("terminal", terminal), ("page", page)]
    };
    for (form, expect) in [
        (ask("finger", "gate-01", "12"), "No finger may be taken"),
        (ask("finger", "gate-01", "x"), "a number from 0 to 65535"),
        (ask("pin", "nowhere", ""), "takes no tasks"),
    ] {
        let answer =
            fong.post("/enrolment", &[&[("csrf", csrf.as_str())], &form[..]].concat()).await;
        assert_eq!(answer.status, 422);
        assert!(answer.body.contains(expect), "{expect}");
    }
    assert!(fong.get("/enrolment").await.body.contains("Nobody has been enrolled"));
    let form = [&[("csrf", csrf.as_str())], &ask("pin", "gate-01", "")[..]].concat();
    assert_eq!(fong.post("/enrolment", &form).await.header("location"), "/enrolment");
    until(&mut fong, "/enrolment", ">done<").await;
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_journal_is_searched_and_checked_and_shows_no_secret() {
    let site = Site::open().await;
    site.account("mei", &[Role::Hr], &[], false).await;
    let mut auditor = site.member("wong", &[Role::Auditor], &[]).await;
    let csrf = auditor.get("/governance/journal").await.csrf();
    let today = crate::site::today();
    let ask = |kind: &'static str, actor: &'static str| {
        [("kind", kind), ("actor", actor), ("from", today.as_str()), ("to", today.as_str())]
    };
    let form = [&[("csrf", csrf.as_str())], &ask("accounts", "test")[..]].concat();
    let begun = auditor.post("/governance/journal", &form).await;
    assert_eq!(begun.header("location"), "/governance/journal");
    let found = until(&mut auditor, "/governance/journal", "<code>account-written</code>").await;
    assert!(found.contains("mei") && found.contains("2 acts.") && !found.contains("argon2"));
    let form = [&[("csrf", csrf.as_str())], &ask("accounts", "nobody")[..]].concat();
    auditor.post("/governance/journal", &form).await;
    until(&mut auditor, "/governance/journal", "Nothing fits").await;
    let bad = [("csrf", csrf.as_str()), ("from", "2026-12-02"), ("to", "2026-12-01")];
    assert_eq!(auditor.post("/governance/journal", &bad).await.status, 422);
    auditor.post("/governance/journal/verify", &[("csrf", &csrf)]).await;
    until(&mut auditor, "/governance/journal", "3 batches, 2 records").await;
    let mut hr = site.member("hr", &[Role::Hr], &[]).await;
    assert_eq!(hr.get("/governance/journal").await.status, 404);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_is_paired_by_a_code_shown_once_and_an_old_one_is_shut_out() {
    let site = Site::open().await;
    let mut fong = site.member("fong", &[Role::Facilities], &[]).await;
    let csrf = fong.get("/terminals/pair").await.csrf();
    let form = |name: &'static str| [("name", name), ("kind", "m2"), ("carrier", ""), ("host", "")];
    let post = |name| [&[("csrf", csrf.as_str())], &form(name)[..]].concat();
    let made = fong.post("/terminals/pair", &post("gate-07")).await;
    assert_eq!((made.status, made.header("cache-control")), (200, "no-store"));
    for expect in ["a1b2-c3d4-e5f6", "00:FF", "within 10 minutes", "class=\"qr-dark\""] {
        assert!(made.body.contains(expect), "{expect}: {}", made.body);
    }
    assert!(!fong.get("/terminals/pair").await.body.contains("a1b2-c3d4"), "shown once");
    for (name, expect) in [("taken", "there is a terminal named taken"), ("  ", "1 to 64")] {
        let refused = fong.post("/terminals/pair", &post(name)).await;
        assert!(refused.status == 422 && refused.body.contains(expect), "{name}");
        assert!(refused.body.contains("Nothing was paired"));
    }
    let out = [("csrf", csrf.as_str()), ("name", "gate-01")];
    assert_eq!(fong.post("/terminals/revoke", &out).await.header("location"), "/terminals/pair");
    let gate = site.ledger.devices().find("gate-01").expect("a terminal");
    assert_eq!(gate.state, muster_ledger::DeviceState::Revoked);
    let unknown = [("csrf", csrf.as_str()), ("name", "nowhere")];
    assert_eq!(fong.post("/terminals/revoke", &unknown).await.status, 404);
    let mut admin = site.member("root", &[Role::ItAdmin], &[]).await;
    assert_eq!(admin.get("/terminals/pair").await.status, 404);
    site.close().await;
}
