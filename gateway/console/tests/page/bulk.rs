//! Tables as long as the page takes them: all of it, soon, and of what is longer nothing.

use crate::site::Site;
use muster_ledger::{Plans, Role};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// People whose leave it is.
const PEOPLE: usize = 100;
/// What is wanted is ten seconds of the program as it ships; this holds of an unoptimised one.
const MOST: Duration = Duration::from_secs(24);

/// So many lines, people by turns.
fn table(lines: usize) -> String {
    let mut table = "person,date,part,from,to\n".to_owned();
    let first = jiff::civil::date(2001, 1, 1);
    for n in 0..lines {
        let date = first.saturating_add(jiff::Span::new().days((n / PEOPLE) as i64));
        let _ = writeln!(table, "{:05},{date},full,,", n % PEOPLE);
    }
    table
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::print_stdout)]
async fn a_hundred_thousand_lines_come_in_and_one_more_is_refused() {
    let site = Site::open().await;
    let mut people = Vec::new();
    for n in 0..PEOPLE {
        people.push(site.person(&format!("{n:05}"), "Somebody", "kitchen").await);
    }
    let mut mei = site.member("mei", &[Role::Hr], &[]).await;
    let csrf = mei.get("/plans").await.csrf();
    let fields = [("csrf", csrf.as_str()), ("encoding", "auto"), ("table", "")];
    let refused =
        mei.upload("/plans/leave", &fields, table(Plans::MAX_IMPORT + 1).as_bytes()).await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.body.contains("100,000") || refused.body.contains("100000"),
        "{}",
        refused.body
    );
    assert!(site.ledger.plans().is_empty(), "nothing half-done");
    let table = table(Plans::MAX_IMPORT);
    let begun = Instant::now();
    let taken = mei.upload("/plans/leave", &fields, table.as_bytes()).await;
    let took = begun.elapsed();
    println!("{} lines, {} bytes: {took:?}", Plans::MAX_IMPORT, table.len());
    assert_eq!(taken.header("location"), "/plans?kind=leave&done=100000", "{}", taken.status);
    assert!(took < MOST, "{took:?}");
    let plans = site.ledger.plans();
    let each = people.iter().map(|person| plans.entries(Some(*person)).len());
    assert!(each.eq(std::iter::repeat_n(Plans::MAX_IMPORT / PEOPLE, PEOPLE)));
    site.close().await;
}
