//! What changed since a sheet was closed.
//!
//! A closed sheet is what payroll was told: it stands. The sheet shows the truth of now, and each
//! difference between the two is an adjustment with its reason.

use crate::correction::Corrections;
use crate::day::Day;
use crate::input::Closed;
use crate::time::Instant;
use jiff::civil::Date;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A closed date that is different now.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Adjustment {
    /// Which.
    pub date: Date,
    /// What was kept then that differs: `[then, now]`, now null where there is no such thing.
    pub changes: BTreeMap<String, [Value; 2]>,
    /// Why, sorted.
    pub why: Vec<Reason>,
}

/// Why a closed date is different now.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Reason {
    /// A punch of the day was received after the sheet was closed.
    Backfill,
    /// A correction for the day was decided after the sheet was closed.
    Correction,
    /// Neither: roster, leave, parameters or the like.
    Other,
}

/// Compares the closed dates among `days` with what they are now.
pub(crate) fn adjustments(
    closed: &Closed,
    days: &BTreeMap<Date, Day>,
    corrections: &Corrections<'_>,
) -> Vec<Adjustment> {
    let both = closed.days.iter().filter_map(|(date, then)| Some((*date, then, days.get(date)?)));
    both.filter_map(|(date, then, day)| {
        let changes = changes(then, day);
        let why = || reasons(closed.at, date, day, corrections);
        (!changes.is_empty()).then(|| Adjustment { date, changes, why: why() })
    })
    .collect()
}

fn changes(then: &Map<String, Value>, day: &Day) -> BTreeMap<String, [Value; 2]> {
    let now = serde_json::to_value(day).unwrap_or_default();
    let now = |key: &str| now.get(key).cloned().unwrap_or_default();
    let pairs = then.iter().map(|(key, old)| (key.clone(), [old.clone(), now(key)]));
    pairs.filter(|(_, [old, new])| old != new).collect()
}

fn reasons(at: Instant, date: Date, day: &Day, corrections: &Corrections<'_>) -> Vec<Reason> {
    let backfill = day.received.is_some_and(|received| received > at);
    let corrected = corrections.decided_after(at, date);
    let other = !backfill && !corrected;
    let all = [Reason::Backfill, Reason::Correction, Reason::Other];
    all.into_iter()
        .zip([backfill, corrected, other])
        .filter_map(|(r, is)| is.then_some(r))
        .collect()
}
