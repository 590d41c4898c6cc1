//! Days and their marks in words.

use crate::pages::Badge;
use crate::words::Words;
use muster_attendance::{Code, Day, State};

pub(crate) const MONTHS: [&str; 12] = [
    "month-1", "month-2", "month-3", "month-4", "month-5", "month-6", "month-7", "month-8",
    "month-9", "month-10", "month-11", "month-12",
];

/// Days of the week, Monday first.
pub(crate) const WEEKDAYS: [&str; 7] = [
    "weekday-short-1",
    "weekday-short-2",
    "weekday-short-3",
    "weekday-short-4",
    "weekday-short-5",
    "weekday-short-6",
    "weekday-short-7",
];

/// A state with its colour.
pub(crate) fn state(state: State, t: &Words) -> Badge {
    let (tone, label) = match state {
        State::Present => ("good", "sheet-present"),
        State::HalfDay => ("warn", "sheet-half"),
        State::Absent => ("bad", "sheet-absent"),
        State::Missing => ("bad", "sheet-missing"),
        State::Leave => ("info", "sheet-leave"),
        State::Holiday => ("info", "sheet-holiday"),
        State::Storm => ("info", "sheet-storm"),
        State::Off => ("quiet", "sheet-off"),
        State::NotEmployed => ("quiet", "sheet-not-employed"),
        State::Unrostered => ("warn", "sheet-unrostered"),
        State::Unknown => ("quiet", "sheet-unknown"),
    };
    Badge { tone, label: t.say(label) }
}

/// The mark that says no more than a state does.
pub(crate) fn told(state: State) -> Option<Code> {
    match state {
        State::Off => Some(Code::Off),
        State::Holiday => Some(Code::Holiday),
        State::NotEmployed => Some(Code::NotEmployed),
        State::Unrostered => Some(Code::NoRoster),
        _ => None,
    }
}

/// A state in one or two characters, for the matrix.
pub(crate) fn short(state: State, t: &Words) -> String {
    t.say(match state {
        State::Present => "short-present",
        State::HalfDay => "short-half",
        State::Absent => "short-absent",
        State::Missing => "short-missing",
        State::Leave => "short-leave",
        State::Holiday => "short-holiday",
        State::Storm => "short-storm",
        State::Off => "short-off",
        State::NotEmployed => "short-not-employed",
        State::Unrostered => "short-unrostered",
        State::Unknown => "short-unknown",
    })
}

/// A mark with its reason: the rule, and what of the day it rests on.
pub(crate) fn mark(code: Code, day: &Day, t: &Words) -> String {
    let m = &day.minutes;
    let minutes = |id: &str, n: i64| t.count(id, n.unsigned_abs());
    match code {
        Code::Late => minutes("mark-late", m.late),
        Code::Early => minutes("mark-early", m.early),
        Code::Gap => minutes("mark-gap", m.gap),
        Code::Leave => minutes("mark-leave", m.leave),
        Code::Storm => minutes("mark-storm", m.storm),
        Code::Ot => minutes("mark-ot", m.overtime),
        Code::OtUnapproved => minutes("mark-ot-unapproved", m.extra),
        Code::Short => minutes("mark-short", m.planned - m.worked),
        Code::BelowAbsent => below("mark-below-absent", day, t),
        Code::BelowHalf => below("mark-below-half", day, t),
        plain => t.say(plain_mark(plain)),
    }
}

fn below(id: &str, day: &Day, t: &Words) -> String {
    let (worked, planned) = (hours(day.minutes.worked), hours(day.minutes.planned));
    t.fill(id, &[("worked", &worked), ("planned", &planned)])
}

fn plain_mark(code: Code) -> &'static str {
    match code {
        Code::ClockBox => "mark-clock-box",
        Code::ClockRedated => "mark-clock-redated",
        Code::ClockWait => "mark-clock-wait",
        Code::CorrConflict => "mark-corr-conflict",
        Code::CorrPending => "mark-corr-pending",
        Code::Corrected => "mark-corrected",
        Code::DataWait => "mark-data-wait",
        Code::DayOpen => "mark-day-open",
        Code::Denied => "mark-denied",
        Code::Derived => "mark-derived",
        Code::Double => "mark-double",
        Code::Dst => "mark-dst",
        Code::Future => "mark-future",
        Code::Holiday => "mark-holiday",
        Code::MissingIn => "mark-missing-in",
        Code::MissingOut => "mark-missing-out",
        Code::MultiSite => "mark-multi-site",
        Code::NoPunch => "mark-no-punch",
        Code::NoRoster => "mark-no-roster",
        Code::NotEmployed => "mark-not-employed",
        Code::Off => "mark-off",
        Code::OutsideWindow => "mark-outside-window",
        Code::RestWork => "mark-rest-work",
        Code::ShiftBad => "mark-shift-bad",
        Code::Between => "mark-between",
        Code::Unpaired => "mark-unpaired",
        Code::Voided => "mark-voided",
        // Those with figures are said by `mark`.
        _ => "mark-other",
    }
}

/// Whether a day wants somebody to look at it.
pub(crate) fn is_exception(day: &Day) -> bool {
    let states = [State::Absent, State::Missing, State::HalfDay, State::Unrostered];
    let codes = [
        Code::Late,
        Code::Early,
        Code::Gap,
        Code::OtUnapproved,
        Code::ClockWait,
        Code::CorrPending,
        Code::CorrConflict,
        Code::RestWork,
        Code::Short,
        Code::OutsideWindow,
    ];
    states.contains(&day.state) || day.marks.iter().any(|code| codes.contains(&code))
}

/// `7:05`.
pub(crate) fn hours(minutes: i64) -> String {
    format!("{}:{:02}", minutes / 60, minutes % 60)
}

/// Nothing where there is nothing.
pub(crate) fn some_hours(minutes: i64) -> String {
    if minutes == 0 { String::new() } else { hours(minutes) }
}

/// `08:55` of a time on the day's own clock.
pub(crate) fn clock(time: Option<muster_attendance::time::LocalTime>) -> String {
    time.map_or_else(|| "–".to_owned(), |time| time.to_string())
}
