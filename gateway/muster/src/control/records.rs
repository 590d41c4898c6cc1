//! Records, people and explanations as rows of JSON: the shapes of the contract.

use super::Refused;
use super::execute::{Facts, data, unavailable, value};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use muster_attendance::{Attendance, DeviceTime, EventId, PersonId};
use muster_ledger::{Directory, RecordRow};
use serde_json::{Value, json};
use std::collections::HashMap;
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
    let mut names = Names::new(facts);
    let (mut cursor, mut count) = (None, 0u64);
    loop {
        let page = views.records(from, to, cursor, PAGE).await.map_err(unavailable)?;
        for row in &page.rows {
            // A reader that went away wants no more.
            if rows.send(names.record(row)).await.is_err() {
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
    let mut names = Names::new(facts);
    for year in (0..years.unwrap_or(ALL_YEARS)).rev() {
        let to = tomorrow.saturating_sub(days(i64::from(year) * SHOW_DAYS));
        let from = to.saturating_sub(days(SHOW_DAYS - 1));
        for (_, day) in views.person(person, from, to).await.map_err(unavailable)? {
            for row in &day.records {
                if rows.send(names.record(row)).await.is_err() {
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

/// The site's zone.
pub(crate) fn zone(facts: &Facts) -> TimeZone {
    TimeZone::get(&crate::store::time_zone(&facts.config)).unwrap_or(TimeZone::UTC)
}

/// Looks names up once for many rows.
struct Names<'a> {
    facts: &'a Facts,
    directory: Directory,
    devices: HashMap<u32, String>,
    people: HashMap<PersonId, (Option<String>, Option<String>)>,
}

impl<'a> Names<'a> {
    fn new(facts: &'a Facts) -> Self {
        Self {
            facts,
            directory: facts.ledger.directory(),
            devices: HashMap::new(),
            people: HashMap::new(),
        }
    }

    fn record(&mut self, row: &RecordRow) -> Value {
        let fact = &row.attendance;
        let (person, name) = match fact.person {
            Some(person) => self.person(person),
            None => (None, None),
        };
        json!({
            "id": row.id,
            "device": self.device(fact),
            "boot": fact.boot,
            "seq": fact.seq,
            "person": person,
            "name": name,
            "at": device_time(fact.at),
            "received": received(fact.received_ms),
            "method": fact.method,
            "outcome": fact.outcome,
            "direction": fact.direction,
            "state": row.state,
            "destination": row.destination,
            "reasons": row.reasons,
        })
    }

    fn device(&mut self, fact: &Attendance) -> String {
        let devices = self.facts.ledger.devices();
        let name = || devices.get(fact.device).map(|d| d.name).unwrap_or_default();
        self.devices.entry(fact.device.0).or_insert_with(name).clone()
    }

    fn person(&mut self, person: PersonId) -> (Option<String>, Option<String>) {
        let profile = || self.directory.profile(person).map(|p| (Some(p.person), p.name));
        self.people.entry(person).or_insert_with(|| profile().unwrap_or_default()).clone()
    }
}

/// The terminal's time in the offset it gave it in, as RFC 3339 with seconds.
pub(crate) fn device_time(at: DeviceTime) -> Option<String> {
    let offset = jiff::tz::Offset::from_seconds(i32::from(at.offset_minutes) * 60).ok()?;
    let instant = jiff::Timestamp::from_second(at.seconds).ok()?;
    Some(instant.display_with_offset(offset).to_string())
}

fn received(ms: i64) -> Option<String> {
    jiff::Timestamp::from_millisecond(ms).ok().map(|t| t.to_string())
}
