//! The second factor: who needs it, how it is enrolled, what it guards.

use crate::browser::{Answer, Browser};
use crate::site::{CODE, PASSWORD, Site};
use muster_ledger::{Account, Role};
use ring::hmac;

const SESSION: &str = "__Host-muster";

/// What an authenticator app shows `steps` half minutes from now.
fn app_code(secret: &[u8], steps: i64) -> String {
    let step = crate::site::now_ms() / 30_000 + steps;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let at = usize::from(tag.as_ref()[19] & 15);
    let four: [u8; 4] = tag.as_ref()[at..at + 4].try_into().expect("four bytes");
    format!("{:06}", (u32::from_be_bytes(four) & 0x7FFF_FFFF) % 1_000_000)
}

/// The secret that the page shows as text.
fn shown_secret(page: &Answer) -> Vec<u8> {
    let text = page.body.split("class=\"secret\"").nth(1).expect("a secret");
    let text = text.split(['>', '<']).nth(1).expect("its text");
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0u32, 0);
    for c in text.bytes().filter(|c| *c != b' ') {
        let value = if c.is_ascii_digit() { c - b'2' + 26 } else { c - b'A' };
        held = held << 5 | u32::from(value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    bytes
}

/// Logs in by the password and enrols an app; gives its secret, the code that was
/// used and the recovery codes.
async fn enrol(browser: &mut Browser, name: &str) -> (Vec<u8>, String, Vec<String>) {
    assert_eq!(browser.log_in(name, PASSWORD).await.header("location"), "/welcome/factor");
    let page = browser.get("/welcome/factor").await;
    let secret = shown_secret(&page);
    assert_eq!(shown_secret(&browser.get("/welcome/factor").await), secret, "it stays");
    let used = app_code(&secret, 0);
    let form = [("csrf", page.csrf()), ("code", used.clone())];
    let form: Vec<_> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let answer = browser.post("/welcome/factor", &form).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let codes = answer.body.split("<li><code>").skip(1);
    let codes = codes.filter_map(|rest| rest.split('<').next()).map(str::to_owned);
    (secret, used, codes.collect())
}

async fn second_step(browser: &mut Browser, code: &str) -> Answer {
    let csrf = browser.get("/login/code").await.csrf();
    browser.post("/login/code", &[("csrf", &csrf), ("code", code)]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_may_change_things_needs_a_second_factor() {
    let site = Site::guarded().await;
    for (role, needs) in [(Role::Auditor, false), (Role::Employee, false), (Role::Hr, true)] {
        site.account(role.name(), &[role], &[], false).await;
        let mut browser = site.browser();
        let to = browser.log_in(role.name(), PASSWORD).await;
        assert_eq!(to.header("location") == "/welcome/factor", needs, "{role:?}");
        assert_eq!(browser.get("/today").await.status == 303, needs, "{role:?}");
    }
    site.account("new", &[Role::Hr], &[], true).await;
    let mut browser = site.browser();
    browser.log_in("new", CODE).await;
    let csrf = browser.get("/welcome").await.csrf();
    let fields = [("csrf", csrf.as_str()), ("password", PASSWORD), ("again", PASSWORD)];
    let answer = browser.post("/welcome", &fields).await;
    assert_eq!(answer.header("location"), "/welcome/factor", "after the first password too");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_code_a_password_opens_nothing() {
    let site = Site::guarded().await;
    site.account("mei", &[Role::Hr], &[], false).await;
    let mut browser = site.browser();
    let (secret, used, recovery) = enrol(&mut browser, "mei").await;
    assert_eq!(recovery.len(), 8);
    assert_eq!(browser.get("/today").await.status, 200, "enrolled and in");
    let account = site.ledger.accounts().find("mei").expect("an account");
    assert!(account.second_factor.is_some_and(|sealed| !sealed.contains(&recovery[0])));

    let mut browser = site.browser();
    assert_eq!(browser.log_in("mei", PASSWORD).await.header("location"), "/login/code");
    let half = browser.cookies.get(SESSION).cloned();
    for path in ["/today", "/", "/account", "/api/v1/today", "/welcome/factor"] {
        let status = browser.get(path).await.status;
        assert!(matches!(status, 303 | 401), "{path} {status}");
    }
    assert_eq!(second_step(&mut browser, &used).await.status, 401, "used before");
    assert_eq!(second_step(&mut browser, "000000").await.status, 401);
    assert_eq!(second_step(&mut browser, &app_code(&secret, 1)).await.header("location"), "/");
    assert_ne!(browser.cookies.get(SESSION).cloned(), half, "the session id changes");
    assert_eq!(browser.get("/today").await.status, 200);

    for (code, expect) in [(&recovery[0], 303), (&recovery[0], 401), (&recovery[1], 303)] {
        let mut browser = site.browser();
        browser.log_in("mei", PASSWORD).await;
        assert_eq!(second_step(&mut browser, code).await.status, expect, "once each");
    }
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tries_of_the_code_count_with_those_of_the_password() {
    let site = Site::guarded().await;
    site.account("mei", &[Role::Hr], &[], false).await;
    enrol(&mut site.browser(), "mei").await;
    let mut browser = site.browser();
    browser.log_in("mei", PASSWORD).await;
    let mut statuses = Vec::new();
    for _ in 0..10 {
        statuses.push(second_step(&mut browser, "123456").await.status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 9);
    assert_eq!(statuses.last(), Some(&429));
    let again = site.browser().log_in("mei", PASSWORD).await;
    assert_eq!(again.status, 429, "a new password try gives no new tries");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stolen_session_gives_nobody_rights() {
    let site = Site::guarded().await;
    site.account("admin", &[Role::ItAdmin], &[], false).await;
    let mut browser = site.browser();
    let (secret, ..) = enrol(&mut browser, "admin").await;
    let csrf = browser.get("/accounts").await.csrf();
    let mut form = vec![
        ("csrf", csrf.as_str()),
        ("name", "lei"),
        ("role", "hr"),
        ("role", "facilities"),
        ("departments", "Kitchen\r\n<b>Bar</b>"),
    ];
    let asked = browser.post("/accounts", &form).await;
    assert_eq!(asked.status, 403, "a log-in is no step-up");
    assert!(asked.body.contains("name=\"code\"") && asked.body.contains("&#60;b&#62;Bar"));
    let wrong = "000000".to_owned();
    form.push(("code", wrong.as_str()));
    assert_eq!(browser.post("/accounts", &form).await.status, 403);
    assert!(site.ledger.accounts().find("lei").is_none());
    form.pop();
    let right = app_code(&secret, 1);
    form.push(("code", right.as_str()));
    let made = browser.post("/accounts", &form).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let lei: Account = site.ledger.accounts().find("lei").expect("made");
    assert_eq!(lei.roles, [Role::Hr, Role::Facilities]);
    assert_eq!(lei.departments, ["Kitchen", "<b>Bar</b>"]);
    let code = made.body.split("class=\"big\"><code translate=\"no\">").nth(1).expect("a code");
    let code = code.split('<').next().expect("its text");
    assert_eq!(site.browser().log_in("lei", code).await.header("location"), "/welcome");

    // Within five minutes the next step needs no new code.
    let form = [("csrf", csrf.as_str()), ("name", "lei"), ("disabled", "true")];
    assert_eq!(browser.post("/accounts/switch", &form).await.status, 200);
    assert!(site.ledger.accounts().find("lei").is_some_and(|lei| lei.disabled));
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_typed_outlives_its_session() {
    let site = Site::open().await;
    let mut browser = site.member("admin", &[Role::ItAdmin], &[]).await;
    let csrf = browser.get("/accounts").await.csrf();
    let form = [("csrf", csrf.as_str()), ("name", "lei"), ("role", "hr"), ("departments", "x")];
    browser.post("/logout", &[("csrf", &csrf)]).await;
    let over = browser.post("/accounts", &form).await;
    assert_eq!(over.status, 403);
    assert!(over.body.contains("value=\"lei\"") && over.body.contains("href=\"/login\""));
    browser.log_in("admin", PASSWORD).await;
    let again = browser.post("/accounts", &form).await;
    assert_eq!(again.status, 403, "the old token is no good");
    assert!(again.body.contains("value=\"lei\"") && site.ledger.accounts().find("lei").is_none());
    let csrf = again.csrf();
    let form = [("csrf", csrf.as_str()), ("name", "lei"), ("role", "hr"), ("departments", "x")];
    assert_eq!(browser.post("/accounts", &form).await.status, 200);
    let secret = [("csrf", "stale"), ("current", PASSWORD), ("password", "x"), ("again", "x")];
    let answer = browser.post("/account/password", &secret).await;
    assert!(answer.status == 403 && !answer.body.contains(PASSWORD), "passwords never come back");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_changed_by_who_knows_it() {
    let site = Site::open().await;
    let mut browser = site.member("mei", &[Role::Hr], &[]).await;
    let mut other = site.browser();
    other.log_in("mei", PASSWORD).await;
    let csrf = browser.get("/account").await.csrf();
    let new = "another horse battery";
    for (current, again, expect) in
        [("wrong", new, 422), (PASSWORD, "x", 422), (PASSWORD, new, 303)]
    {
        let form =
            [("csrf", csrf.as_str()), ("current", current), ("password", new), ("again", again)];
        assert_eq!(browser.post("/account/password", &form).await.status, expect);
    }
    assert_eq!(other.get("/today").await.header("location"), "/login", "other sessions end");
    assert_eq!(browser.get("/today").await.status, 200);
    assert_eq!(site.browser().log_in("mei", new).await.status, 303);
    site.close().await;
}
