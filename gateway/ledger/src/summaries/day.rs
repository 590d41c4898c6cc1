//! One person's day: from the sheet to what leaves of it.

use crate::PersonSheet;
use crate::plans::{Change, Correction};
use crate::punch_time::effective_seconds;
use jiff::civil::Date;
use muster_attendance::summary::DaySummary;
use muster_attendance::time::{Instant, Stamp, Zone};
use muster_attendance::{
    Attendance, Day, DeviceId, DeviceTime, Direction, Method, PersonId, PunchUse, Use,
};
use std::collections::BTreeMap;

/// What is read of one person's day.
pub(super) struct Reading {
    pub(super) person: PersonId,
    pub(super) is_final: bool,
    /// There, at least for a moment.
    pub(super) is_present: bool,
    /// Something was to be worked.
    pub(super) is_planned: bool,
    /// Its shift is `shift`.
    pub(super) day: DaySummary,
    pub(super) shift: Option<String>,
    pub(super) corrections: Vec<Corrected>,
}

/// A correction that is in force.
pub(super) struct Corrected {
    pub(super) number: u32,
    pub(super) device: Option<DeviceId>,
    pub(super) check: Option<DeviceTime>,
    pub(super) direction: Option<Direction>,
    pub(super) method: Option<Method>,
}

/// Reads `date` of a sheet; `None` where the sheet does not have it.
pub(super) fn read(
    sheet: &PersonSheet,
    date: Date,
    corrections: &[Correction],
    zone: &Zone,
) -> Option<Reading> {
    let day = sheet.sheet.days.get(&date)?;
    let used: Vec<&PunchUse> = day.punches.iter().filter(|punch| punch.used != Use::None).collect();
    let methods = used.iter().filter_map(|punch| sheet.punch(&punch.id));
    let (first, last) = (day.first_in.as_ref(), day.last_out.as_ref());
    let direction = match (first, last) {
        (Some(_), _) => Some(Direction::In),
        (None, Some(_)) => Some(Direction::Out),
        (None, None) => None,
    };
    let figures = DaySummary {
        person: sheet.person,
        check: first.or(last).map(stamped),
        direction,
        method: methods.map(|punch| punch.method).max_by_key(|method| telling(*method)),
        shift: None,
        worked_minutes: u16::try_from(day.minutes.worked).unwrap_or(u16::MAX),
    };
    let in_force = in_force(corrections, date);
    Some(Reading {
        person: sheet.person,
        is_final: day.is_final,
        is_present: !used.is_empty(),
        is_planned: day.minutes.planned > 0,
        day: figures,
        shift: day.shift.clone(),
        corrections: in_force.filter_map(|c| corrected(c, day, sheet, zone)).collect(),
    })
}

/// Approved by another, for that date; of several on one punch the last.
fn in_force(corrections: &[Correction], date: Date) -> impl Iterator<Item = &Correction> {
    let mut last: BTreeMap<String, ((i64, String), &Correction)> = BTreeMap::new();
    for correction in corrections.iter().filter(|correction| correction.date == date) {
        let Some(decided) = &correction.decided else { continue };
        if !decided.approved || decided.by == correction.by {
            continue;
        }
        let on = match correction.change {
            Change::Add { .. } => correction.id(),
            Change::Set { punch, .. } | Change::Void { punch } => punch.to_string(),
        };
        let rank = (decided.at_ms.div_euclid(1000), correction.id());
        let kept = last.entry(on).or_insert_with(|| (rank.clone(), correction));
        if rank > kept.0 {
            *kept = (rank, correction);
        }
    }
    last.into_values().map(|(_, correction)| correction)
}

/// The punch as it is with the correction; `None` where there is no such punch.
fn corrected(
    correction: &Correction,
    day: &Day,
    sheet: &PersonSheet,
    zone: &Zone,
) -> Option<Corrected> {
    let at = |seconds: i64| stamped(&zone.stamp(Instant::from_seconds(seconds)));
    let used = |id: String| day.punches.iter().find(|punch| punch.id == id).map(|punch| punch.used);
    let way = |used: Option<Use>, given: Option<Direction>| match used {
        Some(Use::In) => Some(Direction::In),
        Some(Use::Out) => Some(Direction::Out),
        _ => given,
    };
    let recorded = |id: String| sheet.punch(&id);
    let of = |punch: Option<&Attendance>, check, direction| Corrected {
        number: correction.number,
        device: punch.map(|punch| punch.device),
        check,
        direction,
        method: punch.map(|punch| punch.method),
    };
    Some(match correction.change {
        Change::Add { at: seconds, direction } => {
            of(None, Some(at(seconds)), way(used(correction.id()), direction))
        }
        Change::Set { punch, at: seconds, direction } => {
            let before = recorded(punch.to_string())?;
            let seconds = seconds.unwrap_or_else(|| effective_seconds(before));
            let direction = way(used(punch.to_string()), direction.or(before.direction));
            of(Some(before), Some(at(seconds)), direction)
        }
        Change::Void { punch } => of(Some(recorded(punch.to_string())?), None, None),
    })
}

fn stamped(stamp: &Stamp) -> DeviceTime {
    let offset_minutes = i16::try_from(stamp.offset_seconds.div_euclid(60)).unwrap_or(0);
    DeviceTime { seconds: stamp.at.seconds(), offset_minutes }
}

/// How much a way of showing who one is says of the body: what forbids ask for goes first.
fn telling(method: Method) -> u8 {
    match method {
        Method::Face => 6,
        Method::Fingerprint => 5,
        Method::Palm => 4,
        Method::Card => 3,
        Method::Pin => 2,
        Method::Other => 1,
    }
}
