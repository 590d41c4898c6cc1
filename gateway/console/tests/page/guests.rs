//! Who comes without an account: a warden's device, and employees at their own page.

use crate::browser::{Answer, Browser};
use crate::site::{Site, today};
use muster_attendance::PersonId;
use muster_ledger::Role;

const WARDEN: &str = "__Host-warden";
const PIN: &str = "604182";

/// The code on a page that made one.
fn code(answer: &Answer) -> String {
    let after = answer.body.split("translate=\"no\">").nth(1).expect("a code");
    after.split('<').next().unwrap_or_default().to_owned()
}

async fn invite(facilities: &mut Browser, name: &str) -> String {
    let csrf = facilities.get("/wardens").await.csrf();
    let made = facilities.post("/wardens", &[("csrf", &csrf), ("name", name)]).await;
    assert_eq!(made.status, 200, "{}", made.body);
    code(&made)
}

async fn enrol(site: &Site, code: &str) -> (Browser, Answer) {
    let mut tablet = site.browser();
    let csrf = tablet.get("/warden/enrol").await.csrf();
    let answer = tablet.post("/warden/enrol", &[("csrf", &csrf), ("code", code)]).await;
    (tablet, answer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wardens_device_is_enrolled_once_sees_its_list_alone_and_ends_at_a_word() {
    let site = Site::open().await;
    let ana = site.person("00017", "Ana <b>Lei", "kitchen").await;
    site.punch(1, Some(ana)).await;
    let mut fong = site.member("fong", &[Role::Facilities], &[]).await;
    let code = invite(&mut fong, "gate-tablet").await;
    let (_, wrong) = enrol(&site, "AAAAA-AAAAA-AAAAA-AAAAA").await;
    assert_eq!(wrong.status, 401);
    let (mut tablet, enrolled) = enrol(&site, &code.to_lowercase()).await;
    assert_eq!(enrolled.header("location"), "/warden");
    let (_, twice) = enrol(&site, &code).await;
    assert_eq!(twice.status, 401, "a code works once");
    assert_eq!(twice.body.replace(&twice.csrf(), ""), wrong.body.replace(&wrong.csrf(), ""));

    let list = tablet.get("/warden").await;
    assert_eq!(list.status, 200);
    assert!(list.body.contains("Last seen on site") && list.body.contains("Ana &#60;b&#62;Lei"));
    assert!(!list.body.contains("<nav class=\"nav\""), "nothing else is there");
    for path in ["/onsite", "/today", "/terminals", "/own", "/account", "/wardens"] {
        let answer = tablet.get(path).await;
        assert!(answer.status == 303 && answer.header("location").contains("login"), "{path}");
    }
    let worker = tablet.get("/warden/worker.js").await;
    assert_eq!(worker.header("service-worker-allowed"), "/warden");

    let journal: Vec<_> = site.ledger.accounts().wardens();
    assert_eq!((journal[0].by.as_str(), journal[0].code.clone()), ("fong", None));
    assert!(!format!("{journal:?}").contains(&tablet.cookies[WARDEN]), "hashed at rest");
    let csrf = fong.get("/wardens").await.csrf();
    let form = [("csrf", csrf.as_str()), ("name", "gate-tablet")];
    assert_eq!(fong.post("/wardens/end", &form).await.status, 303);
    assert_eq!(tablet.get("/warden").await.header("location"), "/warden/enrol");
    let mut hr = site.member("mei", &[Role::Hr], &[]).await;
    assert_eq!(hr.get("/wardens").await.status, 404);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ticks_of_two_devices_are_one_list() {
    let site = Site::open().await;
    let ana = site.person("00017", "Ana Lei", "kitchen").await;
    site.punch(1, Some(ana)).await;
    let mut fong = site.member("fong", &[Role::Facilities], &[]).await;
    let mut devices = Vec::new();
    for name in ["yard", "gate"] {
        devices.push(enrol(&site, &invite(&mut fong, name).await).await.0);
    }
    let page = devices[0].get("/warden").await;
    let key = page.body.split("class=\"safe\" id=\"").nth(1).and_then(|t| t.split('"').next());
    let (key, csrf) = (key.expect("somebody to tick off"), page_csrf(&page));
    let now = crate::site::now_ms();
    let ticks = format!("{key}:{now}:1");
    let form = [("csrf", csrf.as_str()), ("ticks", ticks.as_str())];
    assert_eq!(devices[0].post("/warden/safe", &form).await.status, 204);
    let seen = devices[1].get("/warden").await;
    assert!(seen.body.contains(" checked ") && seen.body.contains("yard, "), "{}", seen.body);
    let stolen = devices[1].post("/warden/safe", &form).await;
    assert_eq!(stolen.status, 403, "a form token is its device's own");
    let csrf = page_csrf(&seen);
    let bad = [("csrf", csrf.as_str()), ("ticks", "nonsense")];
    assert_eq!(devices[1].post("/warden/safe", &bad).await.status, 400);
    let undo = format!("{key}:{}:0", now + 1);
    let undo = [("csrf", csrf.as_str()), ("ticks", undo.as_str())];
    assert_eq!(devices[1].post("/warden/safe", &undo).await.status, 204);
    assert!(!devices[0].get("/warden").await.body.contains(" checked "));
    site.close().await;
}

/// The form token that scripts of the list use.
fn page_csrf(answer: &Answer) -> String {
    let after = answer.body.split("data-csrf=\"").nth(1).expect("a token");
    after.split('"').next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_box_reads_who_is_there_by_a_token() {
    let site = Site::open().await;
    let ana = site.person("00017", "Ana Lei", "kitchen").await;
    site.punch(1, Some(ana)).await;
    let mut security = site.member("sec", &[Role::Security], &[]).await;
    let told = security.get("/api/v1/onsite").await;
    let roll: muster_console::Roll = serde_json::from_str(&told.body).expect("a list");
    assert_eq!((roll.seen.len(), roll.seen[0].number.as_str()), (1, "00017"));
    let mut kitchen = site.member("kit", &[Role::Hr], &["office"]).await;
    let told = kitchen.get("/api/v1/onsite").await.body;
    assert!(!told.contains("Ana Lei"), "HR sees its own departments");
    site.close().await;
}

async fn hand_out(hr: &mut Browser, number: &str) -> Answer {
    let csrf = hr.get("/access").await.csrf();
    hr.post("/access", &[("csrf", &csrf), ("number", number)]).await
}

/// From a code to one's own page.
async fn come_in(site: &Site, code: &str, pin: &str) -> (Browser, Answer) {
    let mut phone = site.browser();
    let csrf = phone.get("/own/login").await.csrf();
    let answer = phone.post("/own/code", &[("csrf", &csrf), ("code", code)]).await;
    if answer.status != 303 {
        return (phone, answer);
    }
    assert_eq!(answer.header("location"), "/own/pin");
    let csrf = phone.get("/own/pin").await.csrf();
    let answer = phone.post("/own/pin", &[("csrf", &csrf), ("pin", pin), ("again", pin)]).await;
    (phone, answer)
}

async fn log_in(site: &Site, number: &str, pin: &str) -> (Browser, Answer) {
    let mut kiosk = site.browser();
    let csrf = kiosk.get("/own/login").await.csrf();
    let form = [("csrf", csrf.as_str()), ("number", number), ("pin", pin)];
    let answer = kiosk.post("/own/login", &form).await;
    (kiosk, answer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_employee_comes_by_a_code_sees_their_own_and_asks_for_a_correction() {
    let site = Site::open().await;
    let ana = site.person("00017", "Ana Lei", "kitchen").await;
    let rui = site.person("00018", "Rui Costa", "office").await;
    for (seq, person) in [(1, ana), (2, rui)] {
        site.punch(seq, Some(person)).await;
    }
    let mut mei = site.member("mei", &[Role::Hr], &[]).await;
    let mut lei = site.member("lei", &[Role::Hr], &[]).await;
    let code = code(&hand_out(&mut mei, "00017").await);
    let (mut phone, weak) = come_in(&site, &code, "123456").await;
    assert_eq!(weak.status, 422, "a PIN that is tried first");
    assert_eq!(phone.get("/own").await.header("location"), "/own/login", "not in without a PIN");
    let (mut phone, entered) = come_in(&site, &code, PIN).await;
    assert_eq!(entered.header("location"), "/own");
    assert_eq!(come_in(&site, &code, PIN).await.1.status, 401, "a code works once");

    let month = phone.get("/own").await.body;
    assert!(month.contains("Ana Lei") && month.contains("mei, ") && !month.contains("Rui"));
    let day = format!("/own/day/{}", today());
    let page = phone.get(&day).await;
    assert!(page.body.contains("gate-01") && !page.body.contains("Rui"), "{}", page.body);
    for path in ["/today", "/people/2/2026-12-01", "/warden", "/access", "/api/v1/today"] {
        assert_ne!(phone.get(path).await.status, 200, "{path}");
    }
    let rui_day = format!("/people/{}/{}", rui.0, today());
    let theirs = lei.get(&rui_day).await.body;
    let theirs = theirs.split("name=\"punch\" value=\"").nth(1).and_then(|t| t.split('"').next());
    let (csrf, today) = (page.csrf(), today());
    let mut form = vec![
        ("csrf", csrf.as_str()),
        ("date", today.as_str()),
        ("op", "void"),
        ("punch", theirs.expect("a punch of somebody else")),
        ("reason", "not mine"),
    ];
    assert_eq!(phone.post("/own/ask", &form).await.status, 422, "another's punch");
    form.truncate(2);
    form.extend([("op", "add"), ("direction", "out"), ("time", "23:59"), ("person", "999")]);
    form.push(("reason", "left <i>by</i> the yard"));
    assert_eq!(phone.post("/own/ask", &form).await.status, 303);
    assert!(phone.get(&day).await.body.contains("left &#60;i&#62;by&#60;/i&#62; the yard"));

    decided_by_another(&site, ana, [&mut mei, &mut lei]).await;
    assert!(phone.get(&day).await.body.contains("lei"), "and they see who decided");
    let csrf = phone.get("/own").await.csrf();
    assert_eq!(phone.post("/own/out", &[("csrf", &csrf)]).await.header("location"), "/own/login");
    assert_eq!(phone.get("/own").await.header("location"), "/own/login");
    site.close().await;
}

/// Whoever handed out the code does not approve; another does.
async fn decided_by_another(site: &Site, person: PersonId, [giver, other]: [&mut Browser; 2]) {
    let asked = site.ledger.plans().corrections(person).remove(0);
    assert_eq!((asked.person, asked.by.as_str()), (person, "@mei"));
    let list = giver.get("/corrections").await;
    assert!(list.body.contains("code by mei") && !list.body.contains(">Approve<"));
    let number = asked.number.to_string();
    for (browser, expect) in [(giver, 422), (other, 303)] {
        let csrf = browser.get("/corrections").await.csrf();
        let form = [("csrf", csrf.as_str()), ("number", &number), ("approved", "true")];
        assert_eq!(browser.post("/corrections/decide", &form).await.status, expect);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_cannot_be_told_apart_at_the_kiosk_and_tries_are_counted() {
    let site = Site::open().await;
    site.person("00017", "Ana Lei", "kitchen").await;
    site.person("00018", "Rui Costa", "kitchen").await;
    let mut mei = site.member("mei", &[Role::Hr], &[]).await;
    let code = code(&hand_out(&mut mei, "00017").await);
    assert_eq!(come_in(&site, &code, PIN).await.1.status, 303);
    let (mut kiosk, right) = log_in(&site, "00017", PIN).await;
    assert_eq!(right.header("location"), "/own");
    let mut answers = Vec::new();
    for number in ["00017", "00018", "99999"] {
        for _ in 0..10 {
            let answer = log_in(&site, number, "918273").await.1;
            assert_eq!(answer.status, 401, "{number}");
            answers.push(answer.body.replace(&answer.csrf(), ""));
        }
        assert_eq!(log_in(&site, number, PIN).await.1.status, 429, "{number}, right or wrong");
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));

    hand_out(&mut mei, "00017").await;
    assert_eq!(kiosk.get("/own").await.header("location"), "/own/login", "a new code shuts out");
    let mut kitchen = site.member("off", &[Role::Hr], &["office"]).await;
    let refused = hand_out(&mut kitchen, "00017").await;
    assert_eq!(refused.status, 422, "of another department");
    let nobody = hand_out(&mut kitchen, "55555").await;
    let plain =
        |answer: &Answer, number: &str| answer.body.replace(&answer.csrf(), "").replace(number, "");
    assert_eq!(plain(&refused, "00017"), plain(&nobody, "55555"), "and cannot be told from nobody");
    site.close().await;
}
