//! HR's work: plans in, sheets out, corrections by two, closing, files; each of its own departments.

use crate::browser::Browser;
use crate::site::{PASSWORD, Site, today};
use muster_attendance::PersonId;
use muster_ledger::Role;

/// The token of a page that every HR may open.
async fn token(browser: &mut Browser) -> String {
    browser.get("/plans").await.csrf()
}

pub(crate) async fn enter(browser: &mut Browser, kind: &str, table: &str) -> (u16, String) {
    let csrf = token(browser).await;
    let fields = [("csrf", csrf.as_str()), ("encoding", "auto"), ("table", table)];
    let answer = browser.upload(&format!("/plans/{kind}"), &fields, b"").await;
    (answer.status, answer.body)
}

fn month() -> String {
    today()[..7].to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_a_shift_to_a_corrected_day_by_two_people() {
    let site = Site::open().await;
    let ana = site.person("00017", "Ana Lei", "kitchen").await;
    let mut mei = site.member("mei", &[Role::Hr], &[]).await;
    let mut lei = site.member("lei", &[Role::Hr], &["kitchen"]).await;
    assert!(mei.get("/sheets").await.body.contains("/plans?kind=shifts"), "it says how to begin");
    assert_eq!(enter(&mut mei, "shifts", "shift,parts\nday,00:00-24:00").await.0, 303);
    // Days off: whatever the time of day is, a punch belongs to its own date.
    assert_eq!(enter(&mut mei, "usual", "shift,workdays\nday,").await.0, 303);
    site.punch(1, Some(ana)).await;

    let day = format!("/people/{}/{}", ana.0, today());
    let page = mei.get(&day).await;
    assert!(page.body.contains("The punch that belongs with it is missing"), "{}", page.body);
    let (csrf, person) = (page.csrf(), ana.0.to_string());
    let today = today();
    let mut form = vec![
        ("csrf", csrf.as_str()),
        ("person", person.as_str()),
        ("date", today.as_str()),
        ("op", "add"),
        ("direction", "out"),
        ("time", "25:00"),
        ("reason", "left by the yard"),
    ];
    assert_eq!(mei.post("/corrections", &form).await.status, 303);
    form[5].1 = "99:00";
    let bad = mei.post("/corrections", &form).await;
    assert!(bad.status == 422 && bad.body.contains("role=\"alert\""));
    form[5].1 = "23:59";
    form[6].1 = "   ";
    assert_eq!(mei.post("/corrections", &form).await.status, 422, "a reason is needed");

    let decide = |approved: &'static str| [("number", "1"), ("approved", approved)];
    let own = mei.get("/corrections").await;
    assert!(own.body.contains("left by the yard") && !own.body.contains(">Approve<"));
    let csrf = own.csrf();
    let form = [&[("csrf", csrf.as_str())][..], &decide("true")].concat();
    assert_eq!(mei.post("/corrections/decide", &form).await.status, 422, "not by who asked");
    let csrf = lei.get("/corrections").await.csrf();
    let form = [&[("csrf", csrf.as_str())][..], &decide("true")].concat();
    assert_eq!(lei.post("/corrections/decide", &form).await.status, 303);
    assert_eq!(lei.post("/corrections/decide", &form).await.status, 409, "decided once");
    let after = mei.get(&day).await.body;
    assert!(after.contains("mei → lei") && after.contains("Corrected, with a second person"));
    let month = format!("/people/{}/month/{}", ana.0, month());
    let calendar = mei.get(&month).await;
    assert_eq!(calendar.status, 200);
    assert!(
        calendar.body.contains("Ana Lei") && calendar.body.contains("class=\"calendar plain\"")
    );
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_of_sheets_keeps_to_the_departments() {
    let site = Site::open().await;
    let ana = site.person("00017", "Ana Lei", "kitchen").await;
    let rui = site.person("00018", "Rui Costa", "office").await;
    for (seq, person) in [(1, ana), (2, rui)] {
        site.punch(seq, Some(person)).await;
    }
    let mut all = site.member("all", &[Role::Hr], &[]).await;
    enter(&mut all, "shifts", "shift,parts\nday,00:00-24:00").await;
    let mut kitchen = site.member("kit", &[Role::Hr], &["kitchen"]).await;
    let missing = kitchen.get("/nope").await.body;
    let of = |person: PersonId| {
        [
            format!("/people/{}/{}", person.0, today()),
            format!("/people/{}/month/{}", person.0, month()),
        ]
    };
    for path in of(ana) {
        assert_eq!(kitchen.get(&path).await.status, 200, "{path}");
    }
    for path in of(rui).into_iter().chain(of(PersonId(5))) {
        let answer = kitchen.get(&path).await;
        assert_eq!((answer.status, &answer.body), (404, &missing), "{path}");
    }
    let listed = [
        "/sheets".to_owned(),
        format!("/sheets/day/{}", today()),
        "/sheets/exceptions".to_owned(),
        "/sheets?department=office".to_owned(),
        "/onsite".to_owned(),
    ];
    for path in &listed {
        let answer = kitchen.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.body.contains("Rui Costa"), "{path}");
        let answer = all.get(path).await;
        assert!(answer.body.contains("Rui Costa") || path.contains("exceptions"), "{path}");
    }
    let csrf = token(&mut kitchen).await;
    let file = [
        ("csrf", csrf.as_str()),
        ("month", &month()),
        ("department", ""),
        ("form", "csv"),
        ("detail", "days"),
    ];
    let taken = kitchen.post("/sheets/file", &file).await;
    assert!(taken.body.contains("Ana Lei") && !taken.body.contains("Rui Costa"));
    let (rui_id, date) = (rui.0.to_string(), today());
    let ask = [
        ("csrf", csrf.as_str()),
        ("person", rui_id.as_str()),
        ("date", date.as_str()),
        ("op", "add"),
        ("time", "09:00"),
        ("direction", "in"),
        ("reason", "x"),
    ];
    assert_eq!(kitchen.post("/corrections", &ask).await.status, 404);
    let (status, body) = enter(&mut kitchen, "leave", "person,date\n00018,2026-12-01").await;
    assert!(status == 422 && body.contains("nobody of this number"));
    assert_eq!(enter(&mut kitchen, "leave", "person,date\n00017,2026-12-01").await.0, 303);
    assert_eq!(enter(&mut kitchen, "holidays", "date\n2026-12-25").await.0, 404);
    let close = [("csrf", csrf.as_str()), ("month", &month()), ("department", "")];
    assert_eq!(kitchen.post("/sheets/close", &close).await.status, 404, "everybody's month");
    let close = [("csrf", csrf.as_str()), ("month", &month()), ("department", "kitchen")];
    assert_eq!(kitchen.post("/sheets/close", &close).await.status, 303);
    assert!(kitchen.get("/sheets?department=kitchen").await.body.contains("Closed"));
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_with_problems_change_nothing_and_say_where() {
    let site = Site::open().await;
    let mut mei = site.member("mei", &[Role::Hr], &[]).await;
    let (status, body) = enter(&mut mei, "shifts", "shift,parts\nday,09:00-18:00\nbad,9-5").await;
    assert!(status == 422 && body.contains(">3</td>") && body.contains("shift:"));
    assert!(body.contains("bad,9-5"), "what was typed is kept");
    assert!(site.ledger.plans().is_empty());
    // "早班" in Big5 and in GB18030.
    let big5 = [&b"shift,parts\n"[..], b"\xa6\xad\xaf\x5a", b",09:00-18:00\n"].concat();
    let csrf = token(&mut mei).await;
    for (encoding, expect) in [("utf-8", 422), ("big5", 303)] {
        let fields = [("csrf", csrf.as_str()), ("encoding", encoding), ("table", "")];
        let answer = mei.upload("/plans/shifts", &fields, &big5).await;
        assert_eq!(answer.status, expect, "{encoding}: {}", answer.body);
    }
    assert!(mei.get("/plans?kind=shifts").await.body.contains("早班"));
    let huge = vec![b'x'; 9 << 20];
    let fields = [("csrf", csrf.as_str()), ("encoding", "auto"), ("table", "")];
    assert_eq!(mei.upload("/plans/shifts", &fields, &huge).await.status, 413);
    let stale = [("csrf", "x"), ("encoding", "auto"), ("table", "shift,parts\nx,09:00-10:00")];
    assert_eq!(mei.upload("/plans/shifts", &stale, b"").await.status, 403);
    for path in ["/sheets?month=1026-01", "/sheets?month=9999-99", "/sheets/day/0001-01-01"] {
        assert_eq!(mei.get(path).await.status, 404, "{path}");
    }
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_compute_nothing_and_leave_a_trace() {
    let site = Site::open().await;
    site.person("00017", "=HYPERLINK(\"x\")", "+kitchen").await;
    let mut mei = site.member("mei", &[Role::Hr], &[]).await;
    let csrf = token(&mut mei).await;
    let month = month();
    for (form, detail) in [("csv", "sums"), ("csv", "days"), ("xlsx", "sums"), ("xlsx", "days")] {
        let fields = [
            ("csrf", csrf.as_str()),
            ("month", month.as_str()),
            ("department", ""),
            ("form", form),
            ("detail", detail),
        ];
        let file = mei.post("/sheets/file", &fields).await;
        assert_eq!(file.status, 200);
        assert!(file.header("content-disposition").ends_with(&format!(".{form}\"")));
        if form == "csv" {
            assert!(file.body.contains("'=HYPERLINK") && file.body.contains("'+kitchen"));
        } else {
            assert!(file.body.starts_with("PK"));
        }
    }
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_on_site_is_seen_and_an_unknown_number_is_named() {
    let site = Site::open().await;
    let ana = site.person("00017", "Ana Lei", "kitchen").await;
    let nobody = site.ledger.directory().exchange(site.gate, "99").await.expect("a person");
    site.punch(1, Some(ana)).await;
    site.punch(2, Some(nobody)).await;
    let mut fong = site.member("fong", &[Role::Facilities], &[]).await;
    let list = fong.get("/onsite").await;
    assert!(list.body.contains("Ana Lei") && list.body.contains("One number at the terminals"));
    let page = fong.get("/unknown").await;
    assert!(page.body.contains(">99<"));
    let csrf = page.csrf();
    let whose = |person| {
        [("csrf", csrf.as_str()), ("device", "gate-01"), ("number", "99"), ("person", person)]
    };
    assert_eq!(fong.post("/unknown", &whose("4711")).await.status, 422);
    assert_eq!(fong.post("/unknown", &whose("00017")).await.status, 303);
    assert!(!fong.get("/unknown").await.body.contains(">99<"));
    assert_eq!(site.browser().log_in("fong", PASSWORD).await.status, 303);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gap_is_told_and_taken_for_lost() {
    let site = Site::open().await;
    let ana = site.person("00017", "Ana Lei", "kitchen").await;
    site.punch(1, Some(ana)).await;
    site.punch(5, Some(ana)).await;
    let mut fong = site.member("fong", &[Role::Facilities], &[]).await;
    let page = fong.get("/terminals").await;
    assert!(
        page.body.contains("3 missing: numbers 2 to 4 since the terminal’s start 1"),
        "{}",
        page.body
    );
    let csrf = page.csrf();
    let device = site.gate.0.to_string();
    let form =
        [("csrf", csrf.as_str()), ("device", device.as_str()), ("boot", "1"), ("first", "2")];
    assert_eq!(fong.post("/terminals/gap", &form).await.status, 303);
    assert_eq!(fong.post("/terminals/gap", &form).await.status, 404);
    assert!(!fong.get("/terminals").await.body.contains("missing: 2"));
    site.close().await;
}
