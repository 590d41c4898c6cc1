//! One site, three ways to read it: command line, interface for programs and page say the same.

use anyhow::{Context as _, Result, ensure};
use muster_attendance::{Attendance, DeviceClock, DeviceTime, Direction, Method, Outcome};
use muster_ledger::{DeviceKind, PersonProfile, PlanEntry};
use muster_tests::binary::{Build, gateway};
use muster_tests::page::Page;
use muster_tests::punch::now_s;
use muster_tests::site::{Layout, Site};
use serde_json::{Value, json};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);
const DAY_S: i64 = 86_400;
const PEOPLE: [(&str, &str, &str); 3] = [
    ("00001", "Ana Lei", "Kitchen"),
    ("00002", "=cmd|' /C calc'!A0", "Office"),
    ("00003", "陳大文", "Kitchen"),
];

/// Midnight at +08:00, `days` before today's, in seconds since 1970.
fn midnight(days: i64) -> i64 {
    (now_s() + 8 * 3600).div_euclid(DAY_S) * DAY_S - 8 * 3600 - days * DAY_S
}

/// Three people's last days: in time, late, gone early, a hand turned away.
fn seed(site: &Site) -> Result<()> {
    let ledger = site.ledger(0)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let device = ledger.devices().pair("gate-1", DeviceKind::M1, None, None, None).await?;
        let profile = |(person, name, department): &(&str, &str, &str)| PersonProfile {
            person: (*person).to_owned(),
            name: Some((*name).to_owned()),
            department: Some((*department).to_owned()),
            ..PersonProfile::default()
        };
        ledger.directory().import(PEOPLE.iter().map(profile).collect()).await?;
        let shift = json!({ "parts": [["09:00", "18:00"]] });
        let entries = vec![
            PlanEntry::Shift { name: "day".into(), shift },
            PlanEntry::Usual { shift: Some("day".into()), workdays: vec![1, 2, 3, 4, 5, 6, 7] },
        ];
        ledger.plans().enter("test", entries).await?;
        let mut facts = Vec::new();
        for (days, number, came, went) in
            [(2, 0, 535, 1085), (2, 1, 571, 1080), (1, 0, 540, 1020), (1, 2, 530, 1079)]
        {
            let (person, _, _) = PEOPLE[number];
            let person = ledger.directory().find(person);
            for (minute, direction) in [(came, Direction::In), (went, Direction::Out)] {
                let at = midnight(days) + minute * 60;
                facts.push((at, person, Outcome::Granted, Some(direction)));
            }
        }
        facts.push((midnight(1) + 600 * 60, None, Outcome::Denied, None));
        let fact = |(seq, (seconds, person, outcome, direction))| Attendance {
            device,
            boot: 1,
            seq,
            person,
            at: DeviceTime { seconds, offset_minutes: 480 },
            received_ms: seconds * 1_000,
            method: Method::Card,
            outcome,
            direction,
            live: true,
            clock: DeviceClock::Ok,
        };
        ledger.committer().commit((1..).zip(facts).map(fact).collect()).await?;
        ledger.close().await;
        Ok(())
    })
}

/// Every page of a list of the interface.
fn list(page: &mut Page, path: &str, key: &str, limit: usize) -> Result<Vec<Value>> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    let joint = if path.contains('?') { '&' } else { '?' };
    loop {
        let answer = page.get(&format!("{path}{joint}limit={limit}{cursor}"))?;
        let text = String::from_utf8(answer)?;
        let (head, body) = text.split_once("\r\n\r\n").context("no body")?;
        ensure!(head.starts_with("HTTP/1.1 200"), "{path}: {text}");
        let body: Value = serde_json::from_str(body)?;
        rows.extend(body[key].as_array().context("no list")?.iter().cloned());
        match body["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(rows),
        }
    }
}

/// The one-time code that `user add` prints.
fn code(text: &str) -> Result<&str> {
    let mut words = text.split(|c: char| c.is_whitespace() || "`\"',.".contains(c));
    words
        .find(|word| word.len() > 10 && word.split('-').all(|group| group.len() == 5))
        .context("no one-time code was printed")
}

#[test]
fn command_line_interface_and_page_say_the_same_of_one_site() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut layout = Layout::new(gateway(Build::Real)?, &folder.path().join("box"));
    layout.page = true;
    let site = Site::init(layout)?;
    seed(&site)?;
    let mut gateway = site.start()?;
    gateway.ready(PATIENCE)?;
    let told = site.muster(&["user", "add", "mei", "--role", "hr"])?;
    let console = gateway.listening().console.context("no page")?;
    let mut page = Page::enter_as(console, "mei", code(&told)?)?;

    let printed = site.json(&["records", "--format", "json"])?;
    let printed = printed.as_array().cloned().unwrap_or_default();
    assert_eq!(printed.len(), 9, "{printed:?}");
    assert_eq!(list(&mut page, "/api/v1/records", "records", 2)?, printed);
    let date = jiff::Timestamp::from_second(midnight(1))?.in_tz("Asia/Hong_Kong")?.date();
    let one_day = ["--from", &date.to_string(), "--to", &date.to_string()].map(str::to_owned);
    let one_day: Vec<&str> = one_day.iter().map(String::as_str).collect();
    let printed = site.json(&[&["records", "--format", "json"][..], &one_day].concat())?;
    let path = format!("/api/v1/records?from={date}&to={date}");
    assert_eq!(Value::from(list(&mut page, &path, "records", 100)?), printed);
    assert_eq!(printed.as_array().map(Vec::len), Some(5));

    // The month of yesterday; the two days may lie in two months.
    let month = date.strftime("%Y-%m").to_string();
    let sheets = site.json(&["sheet", "month", &month, "--json"])?;
    let sheets = sheets.as_array().cloned().unwrap_or_default();
    assert_eq!(sheets.len(), PEOPLE.len());
    assert_eq!(list(&mut page, &format!("/api/v1/sheets/{month}"), "people", 1)?, sheets);
    let kitchen = ["sheet", "month", &month, "--department", "Kitchen", "--json"];
    assert_eq!(site.json(&kitchen)?.as_array().map(Vec::len), Some(2));
    for sheet in &sheets {
        the_page_shows(&mut page, sheet, &month)?;
    }
    let worked: i64 = sheets.iter().filter_map(|s| s["month"]["worked_minutes"].as_i64()).sum();
    assert!(worked >= 480 + 539, "{worked}: {sheets:?}");
    let lines = site.muster(&["sheet", "month", &month])?;
    assert_eq!(lines.lines().count(), PEOPLE.len(), "{lines}");
    ensure!(gateway.terminate(PATIENCE)?.success(), "SIGTERM");
    Ok(())
}

/// The person's month as JSON is the printed one, and the page has its sums.
fn the_page_shows(page: &mut Page, sheet: &Value, month: &str) -> Result<()> {
    let id = sheet["id"].as_str().context("no id")?;
    let answer = page.get(&format!("/api/v1/people/{id}/month/{month}"))?;
    let text = String::from_utf8(answer)?;
    let body: Value = serde_json::from_str(text.split("\r\n\r\n").nth(1).unwrap_or_default())?;
    for key in ["person", "name", "department", "month", "days", "adjustments"] {
        assert_eq!(body[key], sheet[key], "{key}");
    }
    let html = String::from_utf8(page.get(&format!("/people/{id}/month/{month}"))?)?;
    let sums = &sheet["month"];
    for key in ["planned_minutes", "worked_minutes", "extra_minutes"] {
        let minutes = sums[key].as_i64().unwrap_or_default();
        let shown = format!("{}:{:02}", minutes / 60, minutes % 60);
        assert!(html.contains(&shown), "{key} {shown} of {}: {html}", sheet["person"]);
    }
    Ok(())
}
