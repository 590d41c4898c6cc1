//! Two people at one thing: whoever saves second is told, nothing is half done, and what they typed
//! is still there. The same where a session ends before the form was sent.

use crate::browser::{Answer, Browser};
use crate::governance::{POLICY, govern_with, send};
use crate::site::{PASSWORD, Site, today};
use muster_ledger::Role;

/// What a page's form carries of how things were when it was made.
fn seen(page: &Answer) -> String {
    let after = page.body.split("name=\"seen\" value=\"").nth(1).expect("a form");
    after.split('"').next().unwrap_or_default().to_owned()
}

async fn enter(browser: &mut Browser, page: &Answer, kind: &str, table: &str) -> Answer {
    let (csrf, seen) = (page.csrf(), seen(page));
    let fields = [("csrf", csrf.as_str()), ("seen", &seen), ("encoding", "auto"), ("table", table)];
    browser.upload(&format!("/plans/{kind}"), &fields, b"").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_to_save_a_plan_is_told_and_loses_nothing() {
    let site = Site::open().await;
    site.person("00017", "Ana Lei", "kitchen").await;
    let mut mei = site.member("mei", &[Role::Hr], &[]).await;
    let mut lei = site.member("lei", &[Role::Hr], &[]).await;
    let both = (mei.get("/plans?kind=shifts").await, lei.get("/plans?kind=shifts").await);
    let early = "shift,parts\nday,08:00-17:00\nnight,22:00-30:00";
    assert_eq!(enter(&mut mei, &both.0, "shifts", early).await.status, 303);
    let late = "shift,parts\nday,09:00-18:00\nhalf,09:00-13:00";
    let told = enter(&mut lei, &both.1, "shifts", late).await;
    assert_eq!(told.status, 422);
    assert!(told.body.contains("somebody else wrote something else"), "{}", told.body);
    assert!(told.body.contains("day,09:00-18:00"), "what was typed is still there");
    let there = |site: &Site| -> Vec<String> {
        let all = site.ledger.plans().entries(None).into_iter();
        all.map(|(_, entry)| format!("{entry:?}")).collect()
    };
    assert!(!there(&site).iter().any(|entry| entry.contains("half")), "all of it or nothing");
    // Having seen it, they may.
    assert_eq!(enter(&mut lei, &told, "shifts", late).await.status, 303);
    assert!(there(&site).iter().any(|entry| entry.contains("half")));

    // The same of a person's roster; of another person's, both are entered.
    site.person("00018", "Ben Ng", "kitchen").await;
    let both = (mei.get("/plans?kind=rosters").await, lei.get("/plans?kind=rosters").await);
    let roster = |number: &str, shift: &str| {
        format!("person,from,to,cycle\n{number},2026-12-01,2026-12-31,{shift}")
    };
    assert_eq!(enter(&mut mei, &both.0, "rosters", &roster("00017", "day")).await.status, 303);
    for (number, shift, expect) in
        [("00018", "day", 303), ("00017", "day", 303), ("00017", "night", 422)]
    {
        let answer = enter(&mut lei, &both.1, "rosters", &roster(number, shift)).await;
        assert_eq!(answer.status, expect, "{number} {shift}: {}", answer.body);
    }
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_to_correct_a_punch_is_told_and_loses_nothing() {
    let site = Site::open().await;
    let ana = site.person("00017", "Ana Lei", "kitchen").await;
    site.punch(1, Some(ana)).await;
    let mut mei = site.member("mei", &[Role::Hr], &[]).await;
    let mut lei = site.member("lei", &[Role::Hr], &[]).await;
    let (person, today) = (ana.0.to_string(), today());
    let day = format!("/people/{person}/{today}");
    let both = (mei.get(&day).await, lei.get(&day).await);
    let punch = both.0.body.split("name=\"punch\" value=\"").nth(1).expect("a punch");
    let punch = punch.split('"').next().unwrap_or_default().to_owned();
    let ask = async |browser: &mut Browser, page: &Answer, time: &str, reason: &str| {
        let (csrf, seen) = (page.csrf(), seen(page));
        let fields = [
            ("csrf", csrf.as_str()),
            ("person", &person),
            ("date", &today),
            ("op", "set"),
            ("punch", &punch),
            ("seen", &seen),
            ("time", time),
            ("direction", "out"),
            ("reason", reason),
        ];
        browser.post("/corrections", &fields).await
    };
    assert_eq!(ask(&mut mei, &both.0, "08:00", "the gate was shut").await.status, 303);
    let told = ask(&mut lei, &both.1, "08:30", "as <i>they</i> say").await;
    assert_eq!(told.status, 422);
    for expect in [
        "Somebody else asked for a correction of this meanwhile",
        "the gate was shut",
        "value=\"08:30\"",
        "value=\"as &#60;i&#62;they&#60;/i&#62; say\"",
        "<option value=\"out\" selected>",
        "class=\"fix\" open",
    ] {
        assert!(told.body.contains(expect), "{expect}: {}", told.body);
    }
    assert_eq!(site.ledger.plans().corrections(ana).len(), 1, "nothing was asked for");
    assert_eq!(ask(&mut lei, &told, "08:30", "as they say").await.status, 303);
    assert_eq!(site.ledger.plans().corrections(ana).len(), 2);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_to_take_a_name_is_told_and_loses_nothing() {
    let site = Site::open().await;
    let mut root = site.member("root", &[Role::ItAdmin], &[]).await;
    let mut fong = site.member("fong", &[Role::Facilities], &[]).await;
    let account = [("name", "chan.hr"), ("role", "hr"), ("departments", "Kitchen\nOffice")];
    assert_eq!(send(&mut root, "/accounts", "/accounts", &account).await.status, 200);
    let told = send(&mut root, "/accounts", "/accounts", &account).await;
    assert_eq!(told.status, 422);
    for expect in ["value=\"chan.hr\"", "Kitchen\nOffice", "value=\"hr\" checked"] {
        assert!(told.body.contains(expect), "{expect}: {}", told.body);
    }
    let hr = site.ledger.accounts().list().into_iter().filter(|a| a.name == "chan.hr");
    assert_eq!(hr.count(), 1);
    let terminal = [("name", "taken"), ("kind", "c1"), ("carrier", ""), ("host", "box.example")];
    let told = send(&mut fong, "/terminals/pair", "/terminals/pair", &terminal).await;
    assert_eq!(told.status, 422);
    for expect in ["there is a terminal named taken", "value=\"taken\"", "value=\"box.example\""] {
        assert!(told.body.contains(expect), "{expect}: {}", told.body);
    }
    assert!(told.body.contains("<option value=\"c1\" selected>"));
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_that_another_overtook_says_so_and_its_text_stays() {
    let site = Site::open().await;
    let mut root = site.member("lam.kit", &[Role::ItAdmin], &[]).await;
    let mut dpo = site.member("ho.mei", &[Role::Dpo], &[]).await;
    govern_with(&site, POLICY).await;
    let text =
        |unit: &str| POLICY.replacen("version = 7", "version = 8", 1).replacen("minute", unit, 1);
    let draft = async |browser: &mut Browser, text: &str| {
        let csrf = browser.get("/governance/remedies").await.csrf();
        let fields = [("csrf", csrf.as_str()), ("policy", text)];
        browser.upload("/governance/drafts", &fields, b"").await
    };
    let first = draft(&mut root, &text("hour")).await;
    let second = draft(&mut dpo, &text("day")).await;
    assert_eq!((first.status, second.status), (303, 303), "each has their own");
    let (first, second) =
        (first.header("location").to_owned(), second.header("location").to_owned());
    assert_ne!(first, second);
    let pages = dpo.get("/governance/remedies").await.body;
    assert!(pages.contains(&first) && pages.contains(&second), "both are seen by both");
    let law_pack = muster_residency::LawPack::parse(crate::governance::LAW_PACK).expect("one");
    let policy = muster_residency::Policy::parse(&text("hour")).expect("one");
    let line = muster_residency::signature::sign(&policy, &law_pack, &crate::governance::keys()[1]);
    let id = first.rsplit('/').next().unwrap_or_default();
    let signed = [("draft", id), ("line", line.as_str())];
    let accepted = send(&mut root, &first, "/governance/drafts/sign", &signed).await;
    assert!(accepted.body.contains("mo-bank@8"), "{}", accepted.body);
    let overtaken = dpo.get(&second).await;
    assert!(overtaken.body.contains("role=\"alert\""), "{}", overtaken.body);
    assert!(overtaken.body.contains("version = 8"), "its text is still there");
    assert!(!overtaken.body.contains("draft-line"), "and cannot be signed");
    // Typed anew for a number that is taken: refused, and the text stays in the form.
    let late = draft(&mut dpo, &text("day")).await;
    assert_eq!(late.status, 422, "{}", late.body);
    assert!(late.body.contains("version = 8"), "what was typed stays");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_policy_outlives_its_session_and_a_file_is_asked_for_again() {
    let site = Site::open().await;
    let mut root = site.member("lam.kit", &[Role::ItAdmin, Role::Hr], &[]).await;
    govern_with(&site, POLICY).await;
    // Longer than what is kept of any other form.
    let text = format!(
        "{}\n{}",
        POLICY.replacen("version = 7", "version = 8", 1),
        "# note\n".repeat(4_000)
    );
    let csrf = root.get("/governance/remedies").await.csrf();
    root.post("/logout", &[("csrf", &csrf)]).await;
    let fields = [("csrf", csrf.as_str()), ("policy", text.as_str())];
    let kept = root.upload("/governance/drafts", &fields, b"").await;
    assert_eq!(kept.status, 403, "{}", kept.body);
    assert!(kept.body.contains("# note\n# note") && kept.body.contains("/governance/drafts"));
    root.log_in("lam.kit", PASSWORD).await;
    let fields = [("policy", text.as_str())];
    let sent = send(&mut root, "/account", "/governance/drafts", &fields).await;
    assert!(sent.header("location").starts_with("/governance/drafts/"), "{}", sent.body);

    let csrf = root.get("/plans").await.csrf();
    root.post("/logout", &[("csrf", &csrf)]).await;
    let fields = [("csrf", csrf.as_str()), ("encoding", "big5"), ("table", "")];
    let kept = root.upload("/plans/shifts", &fields, b"shift,parts\nday,09:00-18:00").await;
    assert_eq!(kept.status, 403);
    for expect in ["Choose the file again", "multipart/form-data", "value=\"big5\""] {
        assert!(kept.body.contains(expect), "{expect}: {}", kept.body);
    }
    site.close().await;
}
