//! The format's objects, as they are written, and what they mean.

use crate::fact::{DeviceClock, Direction, Outcome};
use crate::input::{
    Closed, Correction, Employed, Holiday, Leave, LeaveKind, Op, Overtime, Punch, RosterEntry,
    Status, Storm, Terminal, Workdays,
};
use crate::time::{Instant, LocalTime, Site, Zone};
use jiff::civil::Date;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::error::Error;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The value without its own null entries: null is the same as absent.
pub(super) fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let entries = object.iter().filter(|(_, value)| !value.is_null());
            Value::Object(entries.map(|(key, value)| (key.clone(), value.clone())).collect())
        }
        other => other.clone(),
    }
}

/// What reads itself.
pub(super) fn plain<T: DeserializeOwned>(value: &Value) -> Result<T, Error> {
    T::deserialize(value)
}

/// Parameters that are the house's alone.
#[derive(Deserialize, Default)]
#[serde(default, expecting = "an object")]
pub(super) struct ParamsEntry {
    directions: Directions,
    pub(super) day_cut: LocalTime,
    #[serde(deserialize_with = "workdays")]
    pub(super) workdays: Workdays,
    pub(super) default_shift: Option<String>,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Directions {
    #[default]
    Given,
    Derive,
}

impl ParamsEntry {
    pub(super) fn derives(&self) -> bool {
        self.directions == Directions::Derive
    }
}

/// A list such as `[1, 2, 3, 4, 5]`, or the same as `"1-5"`.
#[derive(Deserialize)]
#[serde(untagged, expecting = "workdays are a list such as [1, 2, 3, 4, 5], or \"1-5\"")]
enum WorkdaysEntry {
    List(Vec<u8>),
    Span(String),
}

fn workdays<'de, D: Deserializer<'de>>(from: D) -> Result<Workdays, D::Error> {
    let days = match WorkdaysEntry::deserialize(from)? {
        WorkdaysEntry::List(days) => Workdays::from_iso(days),
        WorkdaysEntry::Span(text) => {
            let ends = text.split_once('-');
            let ends = ends.and_then(|(a, b)| Some((a.parse().ok()?, b.parse::<u8>().ok()?)));
            ends.and_then(|(first, last)| Workdays::from_iso(first..=last))
        }
    };
    let problem = || D::Error::custom("workdays are numbers from 1, Monday, to 7, Sunday");
    days.ok_or_else(problem)
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct SiteEntry {
    zone: Option<String>,
    zones: Option<Vec<ZoneEntry>>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct ZoneEntry {
    from: Option<Date>,
    zone: String,
}

pub(super) fn site(value: &Value) -> Result<Site, Error> {
    let zone = |name: &str| Zone::named(name).map_err(Error::custom);
    match SiteEntry::deserialize(value)? {
        SiteEntry { zones: Some(zones), .. } if !zones.is_empty() => {
            let zones = zones.iter().map(|z| Ok((z.from.unwrap_or(Date::MIN), zone(&z.zone)?)));
            Ok(Site::changing(zones.collect::<Result<_, Error>>()?))
        }
        SiteEntry { zone: Some(name), .. } => Ok(Site::fixed(zone(&name)?)),
        _ => Err(Error::custom("it has neither `zone` nor `zones`: give it one")),
    }
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct TerminalEntry {
    site: Option<String>,
    complete_until: Option<Instant>,
}

pub(super) fn terminal(value: &Value) -> Result<Terminal, Error> {
    let TerminalEntry { site, complete_until } = TerminalEntry::deserialize(value)?;
    Ok(Terminal { site, complete_until })
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct RosterItem {
    from: Option<Date>,
    to: Option<Date>,
    #[serde(default)]
    cycle: Vec<Option<String>>,
    site: Option<String>,
}

pub(super) fn roster(value: &Value) -> Result<RosterEntry, Error> {
    let RosterItem { from, to, cycle, site } = RosterItem::deserialize(value)?;
    Ok(RosterEntry { from, to, cycle, site })
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct EmployedEntry {
    from: Option<Date>,
    to: Option<Date>,
}

pub(super) fn employed(value: &Value) -> Result<Employed, Error> {
    let EmployedEntry { from, to } = EmployedEntry::deserialize(value)?;
    Ok(Employed { from, to })
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct HolidayEntry {
    date: Date,
    site: Option<String>,
}

pub(super) fn holiday(value: &Value) -> Result<Holiday, Error> {
    let HolidayEntry { date, site } = HolidayEntry::deserialize(value)?;
    Ok(Holiday { date, site })
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct StormEntry {
    date: Date,
    site: Option<String>,
    from: Option<LocalTime>,
    to: Option<LocalTime>,
}

pub(super) fn storm(value: &Value) -> Result<Storm, Error> {
    let StormEntry { date, site, from, to } = StormEntry::deserialize(value)?;
    let (from, to) = (from.unwrap_or(LocalTime::MIDNIGHT), to.unwrap_or(LocalTime::DAY_END));
    Ok(Storm { date, site, from, to })
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct LeaveEntry {
    date: Date,
    kind: LeaveWord,
    from: Option<LocalTime>,
    to: Option<LocalTime>,
    status: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum LeaveWord {
    Full,
    Am,
    Pm,
    Hours,
}

pub(super) fn leave(value: &Value) -> Result<Leave, Error> {
    let entry = LeaveEntry::deserialize(value)?;
    let kind = match (entry.kind, entry.from, entry.to) {
        (LeaveWord::Full, ..) => LeaveKind::Full,
        (LeaveWord::Am, ..) => LeaveKind::Am,
        (LeaveWord::Pm, ..) => LeaveKind::Pm,
        (LeaveWord::Hours, Some(from), Some(to)) => LeaveKind::Hours { from, to },
        (LeaveWord::Hours, ..) => {
            return Err(Error::custom("leave of hours needs `from` and `to`: give both"));
        }
    };
    Ok(Leave { date: entry.date, kind, approved: is_approved(entry.status.as_deref()) })
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct OvertimeEntry {
    date: Date,
    minutes: u32,
    status: Option<String>,
}

pub(super) fn overtime(value: &Value) -> Result<Overtime, Error> {
    let OvertimeEntry { date, minutes, status } = OvertimeEntry::deserialize(value)?;
    Ok(Overtime { date, minutes, approved: is_approved(status.as_deref()) })
}

/// Leave and overtime are approved unless they say otherwise.
fn is_approved(status: Option<&str>) -> bool {
    matches!(status, None | Some("approved"))
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct PunchEntry {
    id: String,
    at: Instant,
    terminal: Option<String>,
    direction: Option<Value>,
    outcome: Option<String>,
    clock: Option<String>,
    live: Option<bool>,
    received_at: Option<Instant>,
    redated_at: Option<Instant>,
}

pub(super) fn punch(value: &Value) -> Result<Punch, Error> {
    let entry = PunchEntry::deserialize(value)?;
    Ok(Punch {
        id: entry.id,
        at: entry.at,
        terminal: entry.terminal,
        direction: direction(entry.direction.as_ref()),
        outcome: outcome(entry.outcome.as_deref()),
        clock: clock(entry.clock.as_deref()),
        live: entry.live.unwrap_or(true),
        received_at: entry.received_at,
        redated_at: entry.redated_at,
    })
}

/// Only `in` and `out` are directions; terminals also say 255 and the like, which is none.
fn direction(value: Option<&Value>) -> Option<Direction> {
    match value?.as_str()? {
        "in" => Some(Direction::In),
        "out" => Some(Direction::Out),
        _ => None,
    }
}

/// What is neither granted nor duress did not let anyone through.
fn outcome(word: Option<&str>) -> Outcome {
    match word {
        None | Some("granted") => Outcome::Granted,
        Some("duress") => Outcome::Duress,
        Some(_) => Outcome::Denied,
    }
}

/// Any word but `ok` is a reason to doubt the clock.
fn clock(word: Option<&str>) -> DeviceClock {
    match word {
        None | Some("ok") => DeviceClock::Ok,
        Some(_) => DeviceClock::Unsure,
    }
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct CorrectionEntry {
    id: String,
    op: OpWord,
    date: Option<Date>,
    punch: Option<String>,
    at: Option<Instant>,
    direction: Option<Value>,
    status: Option<String>,
    by: Option<String>,
    approver: Option<String>,
    decided_at: Option<Instant>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum OpWord {
    Add,
    Set,
    Void,
}

pub(super) fn correction(value: &Value) -> Result<Correction, Error> {
    let entry = CorrectionEntry::deserialize(value)?;
    Ok(Correction {
        id: entry.id,
        op: match entry.op {
            OpWord::Add => Op::Add,
            OpWord::Set => Op::Set,
            OpWord::Void => Op::Void,
        },
        date: entry.date,
        punch: entry.punch,
        at: entry.at,
        direction: direction(entry.direction.as_ref()),
        status: match entry.status.as_deref() {
            Some("approved") => Status::Approved,
            Some("rejected") => Status::Rejected,
            _ => Status::Pending,
        },
        by: entry.by,
        approver: entry.approver,
        decided_at: entry.decided_at,
    })
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct ClosedEntry {
    at: Instant,
    #[serde(default)]
    days: BTreeMap<Date, Map<String, Value>>,
}

pub(super) fn closed(value: &Value) -> Result<Closed, Error> {
    let ClosedEntry { at, days } = ClosedEntry::deserialize(value)?;
    Ok(Closed { at, days })
}
