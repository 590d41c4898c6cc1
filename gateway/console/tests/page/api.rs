//! The interface for programs: tokens, pages, its description.

use crate::browser::{Answer, Browser};
use crate::live::due_by_now;
use crate::office::enter;
use crate::site::{Site, now_ms, today};
use muster_attendance::PersonId;
use muster_console::new_token;
use muster_ledger::{ApiToken, Change, Role};
use serde_json::Value;

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

async fn json(browser: &mut Browser, path: &str, token: &str) -> Value {
    let answer = read(browser, path, token).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    serde_json::from_str(&answer.body).expect("JSON")
}

async fn search(browser: &mut Browser, token: &str, body: &str) -> Answer {
    let head = format!(
        "POST /api/v1/search HTTP/1.1\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}",
        body.len()
    );
    browser.ask(&head, body).await
}

/// Two people of two departments, a record of nobody, a correction of each.
async fn two_departments() -> (Site, PersonId, PersonId) {
    let site = Site::guarded().await;
    let ana = site.person("00017", "Ana Lei", "kitchen").await;
    let rui = site.person("00018", "Rui Costa", "office").await;
    for (seq, person) in [(1, Some(ana)), (2, Some(rui)), (3, None), (4, Some(ana))] {
        site.punch(seq, person).await;
    }
    let date = today().parse().expect("a date");
    let add = Change::Add { at: now_ms() / 1000, direction: None };
    for person in [ana, rui] {
        site.ledger.plans().ask("mei", person, date, add, "forgot").await.expect("asked");
    }
    (site, ana, rui)
}

/// Every address of the interface that is about people, of one person where there is one in it.
fn about(person: PersonId) -> Vec<String> {
    let (today, month) = (today(), today()[..7].to_owned());
    vec![
        "/api/v1/board".to_owned(),
        "/api/v1/records".to_owned(),
        "/api/v1/corrections".to_owned(),
        "/api/v1/held/I-02".to_owned(),
        "/api/v1/closings".to_owned(),
        format!("/api/v1/days/{today}"),
        format!("/api/v1/sheets/{month}"),
        format!("/api/v1/exceptions/{month}"),
        format!("/api/v1/people/{}/{today}", person.0),
        format!("/api/v1/people/{}/month/{month}", person.0),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_of_the_interface_keeps_to_the_departments() {
    let (site, ana, rui) = two_departments().await;
    let mut browser = site.browser();
    let kitchen = token(&site, "kitchen", &[Role::Hr], &["kitchen"], 60_000).await;
    let all = token(&site, "all", &[Role::Hr], &[], 60_000).await;
    let hall = token(&site, "hall", &[Role::Facilities], &[], 60_000).await;
    let missing = read(&mut browser, "/api/v1/nope", &kitchen).await;
    assert_eq!(missing.status, 404);
    for path in about(rui) {
        let whole = read(&mut browser, &path, &all).await;
        assert_eq!(whole.status, 200, "{path}: {}", whole.body);
        let own = read(&mut browser, &path, &kitchen).await;
        assert!(!own.body.contains("Rui") && !own.body.contains("00018"), "{path}: {}", own.body);
        let one = path.contains("/people/");
        assert_eq!(own.status, if one { 404 } else { 200 }, "{path}");
        assert!(!one || own.body == missing.body, "as if there were nobody: {path}");
        let other = read(&mut browser, &path, &hall).await;
        assert_eq!((other.status, &other.body), (404, &missing.body), "{path}");
        let stranger = read(&mut browser, &path, "muster_x").await;
        assert_eq!(stranger.status, 401, "{path}");
    }
    for path in about(ana) {
        assert_eq!(read(&mut browser, &path, &kitchen).await.status, 200, "{path}");
    }
    for (token, query, status, expect) in [
        (&all, r#"{"q":"rui"}"#, 200, "Rui Costa"),
        (&all, r#"{"q":"OFFICE"}"#, 200, "Rui Costa"),
        (&kitchen, r#"{"q":"rui"}"#, 200, r#""people":[]"#),
        (&kitchen, r#"{"q":"00017"}"#, 200, "Ana Lei"),
        (&hall, r#"{"q":"rui"}"#, 404, "error"),
        (&all, "q=rui", 400, "error"),
        (&all, "{}", 400, "error"),
    ] {
        let answer = search(&mut browser, token, query).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.body);
        assert!(answer.body.contains(expect), "{query}: {}", answer.body);
    }
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_in_yet_comes_by_cursors_too() {
    let site = Site::open().await;
    site.person("00017", "Ana Lei", "kitchen").await;
    site.person("00018", "Rui Costa", "office").await;
    let mut mei = site.member("mei", &[Role::Hr], &[]).await;
    assert_eq!(enter(&mut mei, "shifts", "shift,parts\nday,00:00-24:00").await.0, 303);
    assert_eq!(enter(&mut mei, "usual", "shift,workdays\nday,1 2 3 4 5 6 7").await.0, 303);
    let mut browser = site.browser();
    let all = token(&site, "all", &[Role::Hr], &[], 60_000).await;
    let path = "/api/v1/board?show=missing";
    let first = json(&mut browser, &format!("{path}&limit=1"), &all).await;
    let Some(next) = first["next"].as_str() else {
        assert!(!due_by_now(), "{first}");
        return site.close().await;
    };
    let second = json(&mut browser, &format!("{path}&limit=1&cursor={next}"), &all).await;
    let mut people = [&first, &second].map(|page| page["missing"][0]["person"].as_str());
    people.sort_unstable();
    assert_eq!(people, [Some("00017"), Some("00018")]);
    assert!(second["next"].is_null() && first["missing"][0]["due"].is_string(), "{first}");
    let counts = json(&mut browser, "/api/v1/today", &all).await["counts"].clone();
    assert_eq!((counts["missing"].as_u64(), counts["late"].as_u64()), (Some(2), Some(0)));
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_comes_whole_by_its_cursors_and_bad_ones_are_refused() {
    let (site, ana, _) = two_departments().await;
    let mut browser = site.browser();
    let all = token(&site, "all", &[Role::Dpo], &[], 60_000).await;
    for (path, list) in [
        ("/api/v1/records", "records"),
        ("/api/v1/board", "people"),
        ("/api/v1/corrections", "corrections"),
        ("/api/v1/held/I-05-SIGN", "records"),
        (&*format!("/api/v1/days/{}", today()), "people"),
    ] {
        let whole = json(&mut browser, path, &all).await[list].clone();
        assert!(whole.as_array().is_some_and(|rows| rows.len() > 1), "{path}: {whole}");
        let (mut pieces, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = json(&mut browser, &format!("{path}?limit=1{cursor}"), &all).await;
            pieces.extend(page[list].as_array().expect("a list").clone());
            let Some(next) = page["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
            assert!(pieces.len() < 10, "{path} never ends");
        }
        assert_eq!(Value::Array(pieces), whole, "{path}");
        let bad = read(&mut browser, &format!("{path}?cursor=x.y"), &all).await;
        assert_eq!(bad.status, 400, "{path}");
        assert!(bad.body.contains("\"error\""), "{path}: {}", bad.body);
        let bad = read(&mut browser, &format!("{path}?limit=-1"), &all).await;
        assert_eq!(bad.status, 400, "{path}");
    }
    let records = json(&mut browser, "/api/v1/records", &all).await;
    assert_eq!(records["records"].as_array().map(Vec::len), Some(4));
    let none = json(&mut browser, "/api/v1/records?from=1926-01-01&to=1926-12-31", &all).await;
    assert_eq!(none["records"].as_array().map(Vec::len), Some(0));
    let day = json(&mut browser, &format!("/api/v1/people/{}/{}", ana.0, today()), &all).await;
    assert_eq!(day["records"].as_array().map(Vec::len), Some(2), "{day}");
    assert_eq!(day["corrections"][0]["reason"], "forgot");
    assert!(day["sheet"]["worked_minutes"].is_number(), "{day}");
    site.close().await;
}
