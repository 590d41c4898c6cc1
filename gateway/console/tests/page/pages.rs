//! What the pages show, to whom.

use crate::site::{PASSWORD, Site, today};
use muster_ledger::Role;
use std::collections::BTreeSet;

const PAGES: [&str; 11] = [
    "/",
    "/today",
    "/today?show=refused",
    "/terminals",
    "/waiting",
    "/waiting/I-05-SIGN",
    "/health",
    "/api/v1/today",
    "/api/v1/held",
    "/api/v1/devices",
    "/api/v1/status",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_carries_the_headers_that_protect_it() {
    let site = Site::open().await;
    let roles = [Role::Hr, Role::Facilities];
    let mut member = site.member("mei", &roles, &[]).await;
    let mut stranger = site.browser();
    let others = ["/login", "/nope", "/assets/app.js", "/assets/nope.js", "/assets/../Cargo.toml"];
    for path in PAGES.into_iter().chain(others) {
        for answer in [member.get(path).await, stranger.get(path).await] {
            let policy = answer.header("content-security-policy");
            assert!(policy.starts_with("default-src 'none'"), "{path}");
            assert!(!policy.contains("unsafe"), "{path}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
            assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
            let kept = path == "/assets/app.js";
            assert_eq!(answer.header("cache-control") == "no-store", !kept, "{path}");
            for inline in ["style=", "<style", "onclick", "javascript:"] {
                assert!(kept || !answer.body.contains(inline), "{inline} in {path}");
            }
        }
    }
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_learn_nothing_of_what_is_there() {
    let site = Site::open().await;
    let mut stranger = site.browser();
    let person = format!("/people/7/{}", today());
    for path in PAGES.into_iter().chain([person.as_str(), "/nope", "/api/nope"]) {
        let answer = stranger.get(path).await;
        if path.starts_with("/api/") {
            assert_eq!(answer.status, 401, "{path}");
        } else {
            let expect = (303, "/login", "");
            let seen = (answer.status, answer.header("location"), answer.body.as_str());
            assert_eq!(seen, expect, "{path}");
        }
    }
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forbidden_and_missing_look_the_same() {
    let site = Site::open().await;
    let ana = site.person("00017", "Ana", "kitchen").await;
    let mut facilities = site.member("fong", &[Role::Facilities], &[]).await;
    let missing = facilities.get("/nope").await;
    assert_eq!(missing.status, 404);
    let person = format!("/people/{}/{}", ana.0, today());
    for path in ["/today", "/today/live", "/waiting/I-02", person.as_str(), "/welcome"] {
        let answer = facilities.get(path).await;
        assert_eq!((answer.status, &answer.body), (404, &missing.body), "{path}");
    }
    for path in ["/terminals", "/waiting", "/health"] {
        assert_eq!(facilities.get(path).await.status, 200, "{path}");
    }
    let mut nobody = site.member("nim", &[], &[]).await;
    assert_eq!(nobody.get("/").await.status, 200, "and it says what to do");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hr_sees_its_own_departments_alone() {
    let site = Site::open().await;
    let ana = site.person("00017", "Ana Lei", "kitchen").await;
    let rui = site.person("00018", "Rui Costa", "office").await;
    for (seq, person) in [(1, ana), (2, rui)] {
        site.punch(seq, Some(person)).await;
    }
    let mut kitchen = site.member("kit", &[Role::Hr], &["kitchen"]).await;
    let board = kitchen.get("/today").await.body;
    assert!(board.contains("Ana Lei") && !board.contains("Rui Costa"));
    assert!(kitchen.get("/api/v1/today").await.body.contains("\"seen\":1"));
    for (person, expect) in [(ana, 200), (rui, 404)] {
        let path = format!("/people/{}/{}", person.0, today());
        assert_eq!(kitchen.get(&path).await.status, expect);
    }
    let held = kitchen.get("/waiting/I-05-SIGN").await.body;
    assert!(held.contains("Ana Lei") && !held.contains("Rui Costa"));
    let csrf = kitchen.get("/today").await.csrf();
    let found = kitchen.post("/today/search", &[("csrf", &csrf), ("q", "costa")]).await;
    assert_eq!(found.status, 200);
    assert!(!found.body.contains("Rui Costa"));
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_shown_as_they_are_and_harm_nothing() {
    let site = Site::open().await;
    let names = [
        ("<script>alert(1)</script>", "&#60;script&#62;alert(1)&#60;/script&#62;"),
        ("\" onmouseover=\"x", "&#34; onmouseover=&#34;x"),
        ("=1+1\t\r\n\u{1b}[31m", "=1+1\u{2409}\u{240d}\u{240a}\u{241b}[31m"),
        ("\u{202e}abc", "<bdi>\u{202e}abc</bdi>"),
        ("何美", "<bdi>何美</bdi>"),
    ];
    let mut paths = vec!["/today".to_owned(), "/waiting/I-05-SIGN".to_owned()];
    for (n, (name, _)) in names.iter().enumerate() {
        let person = site.person(&format!("{n:05}"), name, "a<b>").await;
        site.punch(n as u64 + 1, Some(person)).await;
        paths.push(format!("/people/{}/{}", person.0, today()));
    }
    let mut browser = site.member("mei", &[Role::Hr], &[]).await;
    let board = browser.get("/today").await.body;
    for (name, shown) in names {
        assert!(board.contains(shown), "{name:?}");
    }
    for path in paths {
        let body = browser.get(&path).await.body;
        assert!(!body.contains("<script>alert") && !body.contains("a<b>"), "{path}");
        assert!(!body.contains("\" onmouseover"), "{path}");
        assert!(!path.contains("Ana"), "no name in an address");
    }
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_that_are_none_are_missing() {
    let site = Site::open().await;
    let ana = site.person("00017", "Ana", "kitchen").await.0;
    let mut browser = site.member("mei", &[Role::Hr, Role::Dpo], &[]).await;
    for path in [
        format!("/people/{ana}/2026-13-01"),
        format!("/people/{ana}/9999999-01-01"),
        "/people/-1/2026-01-01".to_owned(),
        "/people/99999999999999999999/2026-01-01".to_owned(),
        "/people/1/2026-01-01".to_owned(),
        "/waiting/%3Cb%3E".to_owned(),
        "/waiting/I-02?after=x".to_owned(),
        "/waiting/..%2f..%2fetc".to_owned(),
        "/today/search".to_owned(),
        "/assets/app.css.map".to_owned(),
    ] {
        assert_eq!(browser.get(&path).await.status, 404, "{path}");
    }
    for path in ["/today?show=%3Cb%3E&page=0", "/today?page=99999", "/waiting/NO-SUCH-CODE"] {
        assert_eq!(browser.get(path).await.status, 200, "{path}");
    }
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn empty_pages_say_what_to_do() {
    let site = Site::open().await;
    let mut browser = site.member("mei", &[Role::Hr, Role::Facilities], &[]).await;
    for (path, expect) in [
        ("/today", "Nobody has punched today"),
        ("/today?show=refused", "No terminal has refused anybody today"),
        ("/waiting", "Nothing is held"),
        ("/waiting/I-02", "Nothing waits for this reason any more"),
        ("/terminals", "Not heard from since it was paired"),
        ("/health", "No policy is in force"),
    ] {
        assert!(browser.get(path).await.body.contains(expect), "{path}");
    }
    assert_eq!(site.browser().log_in("mei", PASSWORD).await.status, 303);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_are_read_by_some_and_taken_away_by_fewer() {
    let site = Site::open().await;
    let ana = site.person("00017", "Ana", "kitchen<b>").await;
    site.punch(1, Some(ana)).await;
    let mut auditor = site.member("auditor", &[Role::Auditor], &[]).await;
    let mut dpo = site.member("dpo", &[Role::Dpo], &[]).await;
    let mut hr = site.member("hr", &[Role::Hr], &[]).await;
    assert!(auditor.get("/reports").await.body.contains("Records of processing"));
    for kind in muster_report::Kind::ALL.map(|kind| kind.word()) {
        let path = format!("/reports/{kind}");
        let page = auditor.get(&path).await;
        assert_eq!(page.status, 200, "{kind}");
        assert!(!page.body.contains("kitchen<b>") && !page.body.contains("Ana"), "{kind}");
        assert!(!page.body.to_lowercase().contains("compliant"), "{kind}");
        assert!(!page.body.contains("/json?"), "auditors take nothing away by themselves");
        assert!(dpo.get(&path).await.body.contains("/json?"), "{kind}");
        assert_eq!(hr.get(&path).await.status, 404, "{kind}");
    }
    let file = dpo.get("/reports/score/json?from=2026-12-01&to=2026-12-31").await;
    assert!(file.status == 200 && file.body.contains("\"report\": \"score\""), "{}", file.body);
    assert_eq!(auditor.get("/reports/score/json").await.status, 404);
    assert!(dpo.get("/reports/flows/svg").await.body.contains("<svg"));
    for path in
        ["/reports/none", "/reports/score/exe", "/reports/score?from=x", "/reports/score/svg"]
    {
        assert_eq!(dpo.get(path).await.status, 404, "{path}");
    }
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_is_explained_in_four_languages() {
    let site = Site::open().await;
    let ana = site.person("00017", "Ana Lei", "kitchen").await;
    site.punch(1, Some(ana)).await;
    let mut kitchen = site.member("kit", &[Role::Hr], &["kitchen"]).await;
    let mut office = site.member("off", &[Role::Hr], &["office"]).await;
    let list = kitchen.get("/waiting/I-05-SIGN").await.body;
    let path = list.split("href=\"/records/").nth(1).and_then(|t| t.split('"').next());
    let path = format!("/records/{}", path.expect("a link to the explanation"));
    for (tongue, expect) in [
        ("en", "The policy lacks signatures"),
        ("zh-Hant", "簽署"),
        ("zh-Hans", "签"),
        ("pt", "assinaturas"),
    ] {
        let page = kitchen.get(&format!("{path}?in={tongue}")).await;
        assert!(page.status == 200 && page.body.contains(expect), "{tongue}: {}", page.body);
    }
    assert_eq!(office.get(&path).await.status, 404, "of another department");
    assert_eq!(kitchen.get("/records/nothing").await.status, 404);
    site.close().await;
}

/// Bytes of the first screen with all that it loads, on the wire.
const MAX_FIRST_SCREEN: usize = 150 * 1024;
/// Bytes of one answer's head, at most.
const HEAD: usize = 1_024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_screen_of_a_full_board_is_light() {
    let site = Site::open().await;
    for seq in 1..=300 {
        let (number, name) = (format!("{seq:05}"), format!("Maria da Conceição Pereira {seq}"));
        let person = site.person(&number, &name, "Food and beverage, night").await;
        site.punch(seq, Some(person)).await;
    }
    let mut browser = site.member("mei", &[Role::Hr], &[]).await;
    let page = browser.get("/today").await;
    assert!(page.body.contains("Maria da Concei"), "{}", page.body);
    let assets = page.body.split(['"', '\'']).filter(|text| text.starts_with("/assets/"));
    let assets: BTreeSet<String> = assets.map(str::to_owned).collect();
    assert!(assets.len() >= 3, "{assets:?}");
    let mut bytes = page.body.len() + HEAD;
    for asset in &assets {
        bytes += browser.weigh(asset).await + HEAD;
    }
    assert!(bytes <= MAX_FIRST_SCREEN, "{bytes} bytes: the page {}, {assets:?}", page.body.len());
    site.close().await;
}
