//! In and out, and what keeps strangers out.

use crate::site::{CODE, PASSWORD, Site};
use muster_ledger::Role;

const SESSION: &str = "__Host-muster";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_administrator_comes_in_by_a_code_that_works_once() {
    let site = Site::open().await;
    site.account("mei", &[Role::Hr], &[], true).await;
    let mut browser = site.browser();
    assert_eq!(browser.log_in("mei", CODE).await.header("location"), "/welcome");
    let coded = browser.cookies.get(SESSION).cloned();
    assert_eq!(browser.get("/today").await.header("location"), "/welcome");

    let mut second = site.browser();
    assert_eq!(second.log_in("mei", CODE).await.status, 401, "the code is in use");

    let csrf = browser.get("/welcome").await.csrf();
    let form = |password, again| [("csrf", csrf.clone()), ("password", password), ("again", again)];
    for (password, again) in [("short", "short"), (PASSWORD, "another horse battery")] {
        let form = form(password.to_owned(), again.to_owned());
        let form: Vec<_> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
        assert_eq!(browser.post("/welcome", &form).await.status, 422);
    }
    let fields = [("csrf", csrf.as_str()), ("password", PASSWORD), ("again", PASSWORD)];
    assert_eq!(browser.post("/welcome", &fields).await.header("location"), "/");
    assert_ne!(browser.cookies.get(SESSION).cloned(), coded, "the session id changes");
    assert_eq!(browser.get("/").await.header("location"), "/today");
    assert_eq!(browser.get("/welcome").await.status, 404);

    assert_eq!(second.log_in("mei", CODE).await.status, 401, "the code is used up");
    assert_eq!(second.log_in("mei", PASSWORD).await.status, 303);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_dies_at_logout() {
    let site = Site::open().await;
    let mut browser = site.member("mei", &[Role::Hr], &[]).await;
    let kept = browser.clone();
    let csrf = browser.get("/today").await.csrf();
    let answer = browser.post("/logout", &[("csrf", &csrf)]).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/login"));
    for mut browser in [browser, kept] {
        assert_eq!(browser.get("/today").await.header("location"), "/login");
    }
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_cannot_be_told_apart_and_tries_are_counted() {
    let site = Site::open().await;
    site.account("mei", &[Role::Hr], &[], false).await;
    let mut answers = Vec::new();
    for name in ["mei", "nobody"] {
        let mut browser = site.browser();
        for _ in 0..10 {
            let answer = browser.log_in(name, "wrong password here").await;
            assert_eq!(answer.status, 401);
            answers.push(answer.body.replace(&answer.csrf(), "").replace(name, ""));
        }
        let answer = browser.log_in(name, PASSWORD).await;
        assert_eq!(answer.status, 429, "the eleventh, right or wrong");
        assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds <= 900));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn disabled_accounts_are_out_at_once() {
    let site = Site::open().await;
    let mut browser = site.member("mei", &[Role::Hr], &[]).await;
    assert_eq!(browser.get("/today").await.status, 200);
    let mut account = site.ledger.accounts().find("mei").expect("an account");
    account.disabled = true;
    site.ledger.accounts().put("test", account, false).await.expect("a change");
    assert_eq!(browser.get("/today").await.header("location"), "/login");
    assert_eq!(site.browser().log_in("mei", PASSWORD).await.status, 401);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forms_from_elsewhere_change_nothing() {
    let site = Site::open().await;
    let mut browser = site.member("mei", &[Role::Hr], &[]).await;
    let own = browser.get("/today").await.csrf();
    let strange = site.member("lei", &[Role::Hr], &[]).await.get("/today").await.csrf();
    let here = format!("https://{}", browser.host);
    for (csrf, origin, expect) in [
        (Some(own.as_str()), None, 403),
        (Some(own.as_str()), Some("null"), 403),
        (Some(own.as_str()), Some("https://evil.example"), 403),
        (Some(strange.as_str()), Some(here.as_str()), 403),
        (Some(""), Some(here.as_str()), 403),
        (None, Some(here.as_str()), 400),
    ] {
        let fields: Vec<_> = csrf.map(|csrf| ("csrf", csrf)).into_iter().collect();
        let answer = browser.post_from("/logout", &fields, origin).await;
        assert_eq!(answer.status, expect, "{csrf:?} {origin:?}");
    }
    let large = "x".repeat(20_000);
    let answer = browser.post("/today/search", &[("csrf", &own), ("q", &large)]).await;
    assert_eq!(answer.status, 413);
    assert_eq!(browser.get("/today").await.status, 200, "still logged in");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_hosts_of_the_box_are_answered() {
    let site = Site::open().await;
    let port = site.browser().address.port();
    for (host, expect) in [
        (format!("127.0.0.1:{port}"), 200),
        ("localhost".to_owned(), 200),
        ("muster.example".to_owned(), 200),
        ("evil.example".to_owned(), 421),
        (format!("10.1.2.3:{port}"), 421),
    ] {
        let mut browser = site.browser();
        browser.host = host;
        let answer = browser.get("/login").await;
        assert_eq!(answer.status, expect, "{}", browser.host);
        assert!(!answer.body.contains("evil"), "refused values are not echoed");
    }
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn languages_follow_the_header_and_then_the_switch() {
    let site = Site::open().await;
    let mut browser = site.browser();
    let languages = [
        ("zh-HK,en;q=0.5", "zh-Hant", "登入"),
        ("zh-CN,zh;q=0.9", "zh-Hans", "登录"),
        ("pt-PT,en;q=0.5", "pt", "Entrar"),
    ];
    for (header, tag, log_in) in languages {
        let path = format!("/login HTTP/1.1\r\nAccept-Language: {header}\r\nX-Rest:");
        let page = browser.get(&path).await;
        let marked = page.body.contains(&format!("<html lang=\"{tag}\""));
        assert!(marked && page.body.contains(log_in), "{header}");
        assert_eq!(page.body.matches("aria-pressed=\"true\"").count(), 1, "{header}");
    }
    for (_, tag, log_in) in languages {
        let csrf = browser.get("/login").await.csrf();
        let choice = [("csrf", csrf.as_str()), ("language", tag), ("to", "//evil.example")];
        assert_eq!(browser.post("/language", &choice).await.header("location"), "/");
        assert!(browser.get("/login").await.body.contains(log_in), "{tag}");
    }
    site.close().await;
}
