//! Records, people and explanations as rows of JSON: the shapes of the contract.

use super::Refused;
use super::execute::{Facts, data, unavailable, value};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use muster_attendance::EventId;
use muster_console::RecordRows;
use serde_json::{Value, json};
use tokio::sync::mpsc::Sender;

/// Rows read from the views at a time.
const PAGE: usize = 1_000;
/// Days of a person that are read at a time: what `person show` reads back.
const SHOW_DAYS: i64 = 366;
/// Years of records that there can be.
const ALL_YEARS: u32 = 10;

/// Rows of all records received from `from` to `to`.
pub(super) async fn records(
    facts: &Facts,
    from: Option<Date>,
    to: Option<Date>,
    rows: Sender<Value>,
) -> Result<Value, Refused> {
    let from = from.unwrap_or(Date::constant(1970, 1, 1));
    let to = to.unwrap_or(Date::constant(9999, 12, 31));
    let views = facts.ledger.views();
    let mut names = names(facts);
    let (mut cursor, mut count) = (None, 0u64);
    loop {
        let page = views.records(from, to, cursor, PAGE).await.map_err(unavailable)?;
        for row in &page.rows {
            // A reader that went away wants no more.
            if rows.send(names.row(row)).await.is_err() {
                return Ok(Value::Null);
            }
            count += 1;
        }
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(json!({ "records": count })),
        }
    }
}

/// What is held on one person, with their records of the last year as rows.
pub(super) async fn person(facts: &Facts, id: &str, rows: Sender<Value>) -> Result<Value, Refused> {
    person_since(facts, id, Some(1), rows).await
}

/// The same with the records of so many years, or of all.
pub(super) async fn person_since(
    facts: &Facts,
    id: &str,
    years: Option<u32>,
    rows: Sender<Value>,
) -> Result<Value, Refused> {
    let directory = facts.ledger.directory();
    let unknown = || data("there is no such person; use the number the terminals send");
    let person = directory.find(id).ok_or_else(unknown)?;
    let profile = directory.profile(person).ok_or_else(unknown)?;
    let tomorrow = jiff::Timestamp::now().to_zoned(zone(facts)).date().saturating_add(days(1));
    let views = facts.ledger.views();
    let mut names = names(facts);
    for year in (0..years.unwrap_or(ALL_YEARS)).rev() {
        let to = tomorrow.saturating_sub(days(i64::from(year) * SHOW_DAYS));
        let from = to.saturating_sub(days(SHOW_DAYS - 1));
        for (_, day) in views.person(person, from, to).await.map_err(unavailable)? {
            for row in &day.records {
                if rows.send(names.row(row)).await.is_err() {
                    return Ok(Value::Null);
                }
            }
        }
    }
    value(&profile)
}

fn days(count: i64) -> jiff::Span {
    jiff::Span::new().days(count)
}

/// The stored decision of a record, in full.
pub(super) async fn explain(facts: &Facts, record: &str) -> Result<Value, Refused> {
    let id: EventId = record.parse().map_err(data)?;
    let explained = facts.ledger.explain(id).await.map_err(unavailable)?;
    let explained = explained.ok_or_else(|| data("there is no such record on this box"))?;
    value(&explained)
}

fn names(facts: &Facts) -> RecordRows {
    RecordRows::new(facts.ledger.directory(), facts.ledger.devices())
}

/// The site's zone.
pub(crate) fn zone(facts: &Facts) -> TimeZone {
    TimeZone::get(&crate::store::time_zone(&facts.config)).unwrap_or(TimeZone::UTC)
}
