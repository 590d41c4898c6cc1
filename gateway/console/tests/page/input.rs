//! What people type and bring in files: notes as they are, tables of any size, nothing half-done.

use crate::site::{Site, today};
use muster_ledger::{PlanEntry, Role};
use std::fmt::Write as _;

/// Markup, a formula, control characters, a change of direction: each as a page has to show it.
const NOTES: [(&str, &str); 4] = [
    ("<img src=x onerror=alert(1)>", "&#60;img src=x onerror=alert(1)&#62;"),
    ("=HYPERLINK(\"x\")", "=HYPERLINK(&#34;x&#34;)"),
    ("tab\tbell\u{7}escape\u{1b}[2J", "tab\u{2409}bell\u{2407}escape\u{241b}[2J"),
    ("\u{202e}txet\u{2066}", "\u{202e}txet\u{2066}"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notes_are_shown_as_they_were_typed_and_harm_nothing() {
    let site = Site::open().await;
    let ana = site.person("00017", "Ana Lei", "kitchen").await;
    let mut mei = site.member("mei", &[Role::Hr], &[]).await;
    let (day, person) = (format!("/people/{}/{}", ana.0, today()), ana.0.to_string());
    let csrf = mei.get(&day).await.csrf();
    let date = today();
    for (note, _) in NOTES {
        let form = [
            ("csrf", csrf.as_str()),
            ("person", &person),
            ("date", &date),
            ("op", "add"),
            ("direction", "out"),
            ("time", "18:00"),
            ("reason", note),
        ];
        assert_eq!(mei.post("/corrections", &form).await.status, 303, "{note:?}");
    }
    for path in [day, "/corrections".to_owned()] {
        let body = mei.get(&path).await.body;
        for (note, shown) in NOTES {
            assert!(body.contains(&format!("<bdi>{shown}</bdi>")), "{note:?} on {path}: {body}");
        }
        assert!(!body.contains("<img src=x"), "{path}");
    }
    let told = mei.get("/api/v1/corrections").await;
    let told: serde_json::Value = serde_json::from_str(&told.body).expect("JSON");
    for (place, (note, _)) in NOTES.iter().enumerate() {
        assert_eq!(told["corrections"][place]["reason"], *note);
    }
    site.close().await;
}

/// Few and wide, so that a slow machine enters them in time.
const LINES: i64 = 3_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_of_megabytes_is_taken_whole_or_not_at_all() {
    let site = Site::open().await;
    site.person("00017", "Ana Lei", "kitchen").await;
    let mut mei = site.member("mei", &[Role::Hr], &[]).await;
    let csrf = mei.get("/plans").await.csrf();
    let fields = [("csrf", csrf.as_str()), ("encoding", "auto"), ("table", "")];
    let mut table = "person,date,part,from,to\n".to_owned();
    let first = jiff::civil::date(1970, 1, 1);
    for n in 0..LINES {
        let date = first.saturating_add(jiff::Span::new().days(n));
        let _ = writeln!(table, "00017,{date},hours,09:00,11:00{:1000}", "");
    }
    assert!(table.len() > 2 << 20);
    let bad = format!("{table}00017,2026-13-01,hours,09:00,11:00\n");
    let refused = mei.upload("/plans/leave", &fields, bad.as_bytes()).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains(">3002</td>"), "the line is named");
    assert!(site.ledger.plans().is_empty(), "nothing half-done");
    let taken = mei.upload("/plans/leave", &fields, table.as_bytes()).await;
    assert_eq!(taken.header("location"), "/plans?kind=leave&done=3000", "{}", taken.status);
    let person = site.ledger.directory().find("00017");
    let leave = site.ledger.plans().entries(person);
    assert_eq!(leave.iter().filter(|(_, e)| matches!(e, PlanEntry::Leave { .. })).count(), 3_000);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shifts_that_overlap_and_columns_that_are_none_are_told_by_line() {
    let site = Site::open().await;
    let mut mei = site.member("mei", &[Role::Hr], &[]).await;
    let csrf = mei.get("/plans").await.csrf();
    for (kind, table, expect) in [
        ("shifts", "shift,parts\na,09:00-18:00\nb,09:00-13:00 12:00-18:00", ">3</td>"),
        ("shifts", "shift,parts\na,18:00-09:00", ">2</td>"),
        ("shifts", "shift,hours\na,9", "Column 2"),
        ("holidays", "date,date\n2026-01-01,2026-01-02", "twice"),
        ("holidays", "date\n2026-01-01\n2026-01-01", ">3</td>"),
        ("rosters", "person,from,to,cycle\n00017,1900-01-01,2100-01-01,day", ">2</td>"),
        ("usual", "shift,workdays\n=1+1,1 2 8", ">2</td>"),
    ] {
        let fields = [("csrf", csrf.as_str()), ("encoding", "auto"), ("table", table)];
        let answer = mei.upload(&format!("/plans/{kind}"), &fields, b"").await;
        assert_eq!(answer.status, 422, "{table}");
        assert!(answer.body.contains(expect), "{table}: {}", answer.body);
        assert!(answer.body.contains("role=\"alert\""), "{table}");
    }
    assert!(site.ledger.plans().is_empty());
    site.close().await;
}
