//! The interface for programs: tokens, pages, its description.

use crate::browser::{Answer, Browser};
use crate::site::{Site, now_ms, today};
use muster_console::new_token;
use muster_ledger::{ApiToken, Role};

async fn token(site: &Site, name: &str, roles: &[Role], departments: &[&str], ms: i64) -> String {
    let (shown, digest) = new_token().expect("a token");
    let token = ApiToken {
        name: name.to_owned(),
        digest,
        roles: roles.to_vec(),
        departments: departments.iter().map(|d| (*d).to_owned()).collect(),
        expires_ms: now_ms() + ms,
        by: "test".to_owned(),
    };
    site.ledger.accounts().make_token(token, now_ms()).await.expect("made");
    shown.to_string()
}

async fn read(browser: &mut Browser, path: &str, token: &str) -> Answer {
    browser.get(&format!("{path} HTTP/1.1\r\nAuthorization: Bearer {token}\r\nX-Rest:")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_reads_what_its_roles_read_and_changes_nothing() {
    let site = Site::guarded().await;
    let ana = site.person("00017", "Ana Lei", "kitchen").await;
    let rui = site.person("00018", "Rui Costa", "office").await;
    for (seq, person) in [(1, ana), (2, rui)] {
        site.punch(seq, Some(person)).await;
    }
    let kitchen = token(&site, "kitchen", &[Role::Hr], &["kitchen"], 60_000).await;
    let mut browser = site.browser();
    let sheets = format!("/api/v1/sheets/{}", &today()[..7]);
    let answer = read(&mut browser, &sheets, &kitchen).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.body.contains("Ana Lei") && !answer.body.contains("Rui Costa"));
    assert_eq!(read(&mut browser, "/api/v1/devices", &kitchen).await.status, 404);
    assert_eq!(read(&mut browser, "/today", &kitchen).await.header("location"), "/login");
    assert_eq!(read(&mut browser, &sheets, "muster_x").await.status, 401);

    let all = token(&site, "all", &[Role::Auditor], &[], 60_000).await;
    let first = read(&mut browser, &format!("{sheets}?limit=1"), &all).await.body;
    let next = first.split("\"next\":\"").nth(1).and_then(|rest| rest.split('"').next());
    let next = next.expect("there is more");
    let second = read(&mut browser, &format!("{sheets}?limit=1&cursor={next}"), &all).await.body;
    assert!(second.contains("\"next\":null"));
    let both = first + &second;
    assert!(both.contains("Ana Lei") && both.contains("Rui Costa"), "each once, none left out");

    site.ledger.accounts().end_token("test", "all").await.expect("ended");
    assert_eq!(read(&mut browser, &sheets, &all).await.status, 401);
    let short = token(&site, "short", &[Role::Hr], &[], 1).await;
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    assert_eq!(read(&mut browser, &sheets, &short).await.status, 401, "its end has come");
    let described = read(&mut browser, "/api/v1/openapi.json", &kitchen).await.body;
    assert!(
        described.contains("\"openapi\":\"3.1.0\"") && described.contains("/api/v1/sheets/{month}")
    );
    site.close().await;
}
