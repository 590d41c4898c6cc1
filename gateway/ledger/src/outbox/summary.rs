//! The fields that only records made from sheets have.

use super::render::{Unfit, json_text};
use crate::quarantine::FIELD_ABSENT;
use crate::state::labels::Labels;
use jiff::civil::Date;
use muster_attendance::summary::{Count, DaySummary, Label, Span, Summary, SummaryKind};
use muster_residency::vocab::{Field, TimePrecision};
use std::fmt::Write as _;

/// Characters of `shift`.
const MAX_SHIFT: usize = 16;
/// Characters of `group`.
const MAX_GROUP: usize = 32;

/// Writes one field's value, or says that the record has none.
pub(super) fn write(
    text: &mut String,
    field: Field,
    made: &Summary,
    precision: TimePrecision,
    labels: &Labels,
) -> Result<(), Unfit> {
    let day = made.day();
    match field {
        Field::Date => quote(text, made.date),
        Field::Week => {
            let week = made.date.iso_week_date();
            quote(text, format_args!("{:04}-W{:02}", week.year(), week.week()));
        }
        Field::Period => quote(text, period(made, precision)?),
        Field::Shift => labelled(text, day.and_then(|day| day.shift), MAX_SHIFT, labels)?,
        Field::Group => labelled(text, group(made), MAX_GROUP, labels)?,
        Field::WorkedMinutes => {
            number(text, day.map(|day: &DaySummary| day.worked_minutes.into()))?
        }
        Field::Count => number(text, count(made).map(|count| count.count))?,
        _ => return Err(Unfit(FIELD_ABSENT)),
    }
    Ok(())
}

fn count(made: &Summary) -> Option<&Count> {
    match &made.kind {
        SummaryKind::Count(count) => Some(count),
        _ => None,
    }
}

fn group(made: &Summary) -> Option<Label> {
    count(made)?.of.group
}

/// The day, or the month where that is what was summed up. What is of one day is no month.
fn period(made: &Summary, precision: TimePrecision) -> Result<String, Unfit> {
    let month = |date: Date| format!("{:04}-{:02}", date.year(), date.month());
    match count(made).map_or(Span::Day, |count| count.span) {
        Span::Day if precision == TimePrecision::Month => Err(Unfit(FIELD_ABSENT)),
        Span::Day => Ok(made.date.to_string()),
        Span::Month => Ok(month(made.date)),
        Span::Week => Err(Unfit(FIELD_ABSENT)),
    }
}

fn labelled(
    text: &mut String,
    label: Option<Label>,
    max: usize,
    labels: &Labels,
) -> Result<(), Unfit> {
    text.push_str(&json_text(labels.text(label).ok_or(Unfit(FIELD_ABSENT))?, max));
    Ok(())
}

fn number(text: &mut String, number: Option<u32>) -> Result<(), Unfit> {
    let number = number.ok_or(Unfit(FIELD_ABSENT))?;
    // Writing to a string does not fail.
    let _ = write!(text, "{number}");
    Ok(())
}

fn quote(text: &mut String, value: impl std::fmt::Display) {
    // Writing to a string does not fail.
    let _ = write!(text, "\"{value}\"");
}
