//! How long a month of 5,000 people takes as XLSX, and how much memory: `cargo run --release -p
//! muster-console --example month_file`. Everything on the way is real: a ledger on disk, the page
//! over TLS, a form with its token.
#![allow(clippy::print_stdout, dead_code, missing_docs)]

#[path = "../tests/page/browser.rs"]
mod browser;
#[path = "../tests/page/site.rs"]
mod site;

use muster_attendance::{
    Attendance, DeviceClock, DeviceTime, Direction, Method, Outcome, PersonId,
};
use muster_ledger::{PersonProfile, PlanEntry, Role};
use serde_json::json;
use site::Site;
use std::time::Instant;

const PEOPLE: u32 = 5_000;
/// Facts of one commit.
const TOGETHER: usize = 1_000;

#[tokio::main]
async fn main() {
    let site = Site::open().await;
    let people = people(&site).await;
    let month = (site::today()[..8].to_owned() + "01").parse::<jiff::civil::Date>();
    let month = month.expect("a date").yesterday().expect("a day").first_of_month();
    let punches = punches(&site, &people, month).await;
    let mut browser = site.member("mei", &[Role::Hr], &[]).await;
    let word = month.strftime("%Y-%m").to_string();
    for (form, detail) in [("xlsx", "sums"), ("csv", "sums"), ("xlsx", "days")] {
        let csrf = browser.get("/plans").await.csrf();
        let fields = [
            ("csrf", csrf.as_str()),
            ("month", word.as_str()),
            ("department", ""),
            ("form", form),
            ("detail", detail),
        ];
        let before = reset_peak();
        let began = Instant::now();
        let answer = browser.post("/sheets/file", &fields).await;
        let took = began.elapsed();
        assert_eq!(answer.status, 200);
        let more = (peak() - before) / 1024;
        println!(
            "{form} {detail}: {} ms, {more} MiB more, {PEOPLE} people, {punches} punches",
            took.as_millis()
        );
    }
    for path in ["/sheets".to_owned(), format!("/people/{}/month/{word}", people[0].0)] {
        let mut times: Vec<u128> = Vec::new();
        for _ in 0..30 {
            let began = Instant::now();
            assert_eq!(browser.get(&path).await.status, 200);
            times.push(began.elapsed().as_millis());
        }
        times.sort_unstable();
        println!(
            "{path}: median {} ms, longest of 30 {} ms, TLS handshake included",
            times[15], times[29]
        );
    }
    site.close().await;
}

async fn people(site: &Site) -> Vec<PersonId> {
    let profile = |n: u32| PersonProfile {
        person: format!("{n:05}"),
        name: Some(format!("Person {n}")),
        department: Some(format!("Department {}", n % 40)),
        ..PersonProfile::default()
    };
    let directory = site.ledger.directory();
    directory.import((0..PEOPLE).map(profile).collect()).await.expect("an import");
    let shift =
        json!({ "parts": [["09:00", "18:00"]], "breaks": [{ "from": "13:00", "to": "14:00" }] });
    let entries = vec![
        PlanEntry::Shift { name: "day".into(), shift },
        PlanEntry::Usual { shift: Some("day".into()), workdays: vec![1, 2, 3, 4, 5] },
    ];
    site.ledger.plans().enter("test", entries).await.expect("plans");
    (0..PEOPLE).filter_map(|n| directory.find(&format!("{n:05}"))).collect()
}

/// Four punches a person and working day of the month.
async fn punches(site: &Site, people: &[PersonId], month: jiff::civil::Date) -> u64 {
    let (mut seq, mut some) = (0, Vec::with_capacity(TOGETHER));
    for day in month.series(jiff::Span::new().days(1)).take_while(|d| *d <= month.last_of_month()) {
        if day.weekday().to_monday_zero_offset() >= 5 {
            continue;
        }
        for (hour, minute, way) in [(8, 55, 0), (13, 2, 1), (13, 58, 0), (18, 4, 1)] {
            let at = day.at(hour, minute, 0, 0).in_tz("Asia/Macau").expect("a time").timestamp();
            for person in people {
                seq += 1;
                some.push(Attendance {
                    device: site.gate,
                    boot: 1,
                    seq,
                    person: Some(*person),
                    at: DeviceTime { seconds: at.as_second(), offset_minutes: 480 },
                    received_ms: at.as_millisecond(),
                    method: Method::Face,
                    outcome: Outcome::Granted,
                    direction: Some(if way == 0 { Direction::In } else { Direction::Out }),
                    live: true,
                    clock: DeviceClock::Ok,
                });
                if some.len() >= TOGETHER {
                    let full = std::mem::take(&mut some);
                    site.ledger.committer().commit(full).await.expect("a commit");
                }
            }
        }
    }
    site.ledger.committer().commit(some).await.expect("a commit");
    // Waits for the views.
    site.ledger.views().day(month).await.expect("a board");
    seq
}

/// Highest resident memory so far, KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|text| text.trim().split(' ').next()?.parse().ok()).unwrap_or_default()
}

/// Forgets the peak; gives what is resident now.
fn reset_peak() -> u64 {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    peak()
}
