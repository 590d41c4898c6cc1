//! One record made from sheets as the journal keeps it: as long as a punch, told from one by the
//! byte at 47, which is never a punch's outcome.
//!
//! | at | bytes | a person's day | a count |
//! | --- | --- | --- | --- |
//! | 0 | 4 | terminal of the corrected punch | permit |
//! | 4 | 4 | number of the correction | how many |
//! | 8 | 4 | shift | group |
//! | 12 | 4 | zero | category |
//! | 16 | 8 | person | zero |
//! | 24 | 8 | time, seconds since 1970, signed | zero |
//! | 32 | 8 | made, ms since 1970, signed | made |
//! | 40 | 4 | decision | decision |
//! | 44 | 2 | the time's offset from UTC in minutes, signed | zero |
//! | 46 | 1 | method, 0 for none | zero |
//! | 47 | 1 | 0x81 a day, 0x82 a correction | 0x83 |
//! | 48 | 1 | direction, 0 for none | zero |
//! | 49 | 1 | flags: 4 quarantined, 8 has a time | flags: 4 |
//! | 50 | 4 | date, as 20261201 | first date |
//! | 54 | 2 | minutes worked | 1 a day, 2 a week, 3 a month |
//! | 56 | 8 | of a correction: the day's figures it stands for | basis, in 4 bytes |
//!
//! Texts are numbers of labels, 0 for none.

use super::fact::{FACT_LEN, direction, method};
use super::format::{get_u16, get_u32, get_u64};
use jiff::civil::Date;
use muster_attendance::summary::{Count, Counted, DaySummary, Label, Span, Summary, SummaryKind};
use muster_attendance::{DeviceId, DeviceTime, PersonId};

/// Where the kind stands.
pub(super) const KIND_AT: usize = 47;
const DAY: u8 = 0x81;
const CORRECTION: u8 = 0x82;
const COUNT: u8 = 0x83;
const HAS_TIME: u8 = 8;

/// Writes one into an empty fact, but for its decision and whether it is quarantined.
pub(super) fn encode(summary: &Summary, bytes: &mut [u8; FACT_LEN]) {
    bytes[32..40].copy_from_slice(&summary.made_ms.to_le_bytes());
    bytes[50..54].copy_from_slice(&date_number(summary.date).to_le_bytes());
    match &summary.kind {
        SummaryKind::Day(day) => encode_day(day, DAY, bytes),
        SummaryKind::Correction { number, device, day, stands_for } => {
            encode_day(day, CORRECTION, bytes);
            bytes[56..64].copy_from_slice(&stands_for.to_le_bytes());
            bytes[0..4].copy_from_slice(&device.map_or(0, |device| device.0).to_le_bytes());
            bytes[4..8].copy_from_slice(&number.to_le_bytes());
        }
        SummaryKind::Count(count) => {
            bytes[0..4].copy_from_slice(&count.of.permit.0.to_le_bytes());
            bytes[4..8].copy_from_slice(&count.count.to_le_bytes());
            bytes[8..12].copy_from_slice(&label_number(count.of.group));
            bytes[12..16].copy_from_slice(&label_number(count.of.category));
            bytes[KIND_AT] = COUNT;
            bytes[54..56].copy_from_slice(&(count.span as u16).to_le_bytes());
            bytes[56..60].copy_from_slice(&label_number(count.basis));
        }
    }
}

fn encode_day(day: &DaySummary, kind: u8, bytes: &mut [u8; FACT_LEN]) {
    bytes[8..12].copy_from_slice(&label_number(day.shift));
    bytes[16..24].copy_from_slice(&day.person.0.to_le_bytes());
    if let Some(check) = day.check {
        bytes[24..32].copy_from_slice(&check.seconds.to_le_bytes());
        bytes[44..46].copy_from_slice(&check.offset_minutes.to_le_bytes());
        bytes[49] |= HAS_TIME;
    }
    bytes[46] = day.method.map_or(0, |method| method as u8);
    bytes[KIND_AT] = kind;
    bytes[48] = day.direction.map_or(0, |direction| direction as u8);
    bytes[54..56].copy_from_slice(&day.worked_minutes.to_le_bytes());
}

/// A person's day as it is kept, with nothing beside it.
pub(crate) fn day_bytes(day: &DaySummary) -> [u8; FACT_LEN] {
    let mut bytes = [0; FACT_LEN];
    encode_day(day, DAY, &mut bytes);
    bytes
}

/// Reads one; `None` where it is none, or a field has no meaning.
pub(super) fn decode(bytes: &[u8; FACT_LEN]) -> Option<Summary> {
    let kind = match bytes[KIND_AT] {
        DAY => SummaryKind::Day(decode_day(bytes)?),
        CORRECTION => SummaryKind::Correction {
            number: get_u32(bytes, 4),
            device: Some(get_u32(bytes, 0)).filter(|&id| id != 0).map(DeviceId),
            day: decode_day(bytes)?,
            stands_for: get_u64(bytes, 56),
        },
        COUNT => SummaryKind::Count(Count {
            span: [Span::Day, Span::Week, Span::Month]
                .into_iter()
                .find(|&span| span as u16 == get_u16(bytes, 54))?,
            of: Counted {
                permit: Label(get_u32(bytes, 0)),
                group: label(get_u32(bytes, 8)),
                category: label(get_u32(bytes, 12)),
            },
            count: get_u32(bytes, 4),
            basis: label(get_u32(bytes, 56)),
        }),
        _ => return None,
    };
    Some(Summary { kind, date: date(get_u32(bytes, 50))?, made_ms: get_u64(bytes, 32) as i64 })
}

fn decode_day(bytes: &[u8; FACT_LEN]) -> Option<DaySummary> {
    let check = DeviceTime {
        seconds: get_u64(bytes, 24) as i64,
        offset_minutes: get_u16(bytes, 44) as i16,
    };
    let how = match bytes[46] {
        0 => None,
        byte => Some(method(byte)?),
    };
    Some(DaySummary {
        person: Some(get_u64(bytes, 16)).filter(|&p| p != 0).map(PersonId)?,
        check: (bytes[49] & HAS_TIME != 0).then_some(check),
        direction: direction(bytes[48])?,
        method: how,
        shift: label(get_u32(bytes, 8)),
        worked_minutes: get_u16(bytes, 54),
    })
}

fn label(number: u32) -> Option<Label> {
    Some(number).filter(|&number| number != 0).map(Label)
}

fn label_number(label: Option<Label>) -> [u8; 4] {
    label.map_or(0, |label| label.0).to_le_bytes()
}

/// As 20261201; dates before the year 0 are no dates here.
fn date_number(date: Date) -> u32 {
    let (year, month, day) = (date.year(), date.month(), date.day());
    u32::from(year.max(0).unsigned_abs()) * 10_000
        + u32::from(month.unsigned_abs()) * 100
        + u32::from(day.unsigned_abs())
}

fn date(number: u32) -> Option<Date> {
    let part = |n: u32| i8::try_from(n % 100).ok();
    let year = i16::try_from(number / 10_000).ok()?;
    Date::new(year, part(number / 100)?, part(number)?).ok()
}
