//! One person's day: every punch, in order, with what became of it.

use crate::access::Route;
use crate::app::{App, Shared, Who};
use crate::board::{by_box_clock, pair, time_ms};
use crate::guard::{Problem, Seat, Visitor};
use crate::pages::corrections::{self, Row};
use crate::pages::sheet::{Month, say};
use crate::pages::{Badge, Shell, html, sending};
use crate::reasons::Explained;
use crate::when::{long_date, neighbours};
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::civil::Date;
use muster_attendance::{Day, Direction, Method, Outcome, PersonId};
use muster_ledger::{RecordRow, RecordState};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Punches of one day that are listed and drawn; more are only counted.
const MAX_PUNCHES: usize = 500;
/// Reasons of one record that are shown.
const MAX_REASONS: usize = 12;
/// Width of the day's drawing, in its own units: one a minute.
const DAY_MINUTES: u16 = 1_440;

pub(crate) struct PunchRow {
    pub(crate) time: String,
    pub(crate) machine: String,
    pub(crate) direction: Badge,
    pub(crate) method: String,
    pub(crate) terminal: String,
    /// Why the time or the way is not the terminal's, or how the punch came late.
    pub(crate) notes: Vec<String>,
    pub(crate) sending: Badge,
    /// The record, and whether the sheet counts it.
    pub(crate) id: String,
    pub(crate) counts: String,
    pub(crate) destination: String,
    /// The cure is told once on a page.
    pub(crate) reasons: Vec<Explained>,
    pub(crate) number: String,
}

/// The drawing: when they were in, and each punch.
struct Strip {
    spans: Vec<(u16, u16)>,
    ticks: Vec<(u16, bool)>,
}

#[derive(Template)]
#[template(path = "day.html")]
struct DayPage<'a> {
    shell: Shell,
    t: &'a Words,
    who: Who,
    /// What they may ask for, where the visitor sees that.
    rights: String,
    date: String,
    previous: Option<String>,
    next: Option<String>,
    rows: Vec<PunchRow>,
    strip: Strip,
    first: String,
    last: String,
    count: String,
    /// Words where not all punches are listed.
    more: String,
    printed: String,
    /// What the sheet makes of the day; nothing where it cannot be computed now.
    sheet: Option<Verdict>,
    month: String,
    corrections: Vec<Row>,
    /// Whether the visitor may ask for corrections.
    corrects: bool,
    person: u64,
    day: String,
    trouble: String,
    /// What stands in the form that did not do.
    typed: Typed,
    /// The newest correction of this person.
    seen: u32,
}

/// A correction as it was typed.
#[derive(Default)]
pub(crate) struct Typed {
    /// The punch, or nothing for one that is to be added.
    pub(crate) punch: String,
    pub(crate) time: String,
    pub(crate) direction: String,
    pub(crate) reason: String,
}

/// The sheet's word on a day.
pub(crate) struct Verdict {
    pub(crate) state: Badge,
    pub(crate) shift: String,
    pub(crate) marks: Vec<String>,
    pub(crate) figures: Vec<(String, String)>,
}

/// Where a person's day is: a number the box made up, and a date.
pub(crate) fn address(person: PersonId, date: Date) -> String {
    format!("/people/{}/{date}", person.0)
}

/// Whether a person is of a department that the visitor sees; nobody known is nobody's.
pub(crate) fn visible_to(app: &App, seat: &Seat, person: PersonId) -> bool {
    seat.sees_all() || {
        let profile = app.handles.directory.profile(person);
        let department = profile.and_then(|profile| profile.department);
        seat.sees(department.as_deref().unwrap_or_default())
    }
}

/// `GET /people/{person}/{date}`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Path((person, date)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let person = person.parse().map(PersonId).map_err(|_| Problem::Missing)?;
    let date: Date = date.parse().map_err(|_| Problem::Missing)?;
    show(&app, &visitor, person, date, StatusCode::OK, Default::default()).await
}

/// The day again, with what was wrong with a correction that was asked for.
pub(crate) async fn refused(
    app: &Shared,
    visitor: &Visitor,
    person: PersonId,
    date: Date,
    said: (String, Typed),
) -> Result<Response, Problem> {
    show(app, visitor, person, date, StatusCode::UNPROCESSABLE_ENTITY, said).await
}

async fn show(
    app: &Shared,
    visitor: &Visitor,
    person: PersonId,
    date: Date,
    status: StatusCode,
    (trouble, typed): (String, Typed),
) -> Result<Response, Problem> {
    let seat = visitor.seat.as_ref().ok_or(Problem::Missing)?;
    let known = app.handles.directory.profile(person).is_some();
    if !known || !visible_to(app, seat, person) {
        return Err(Problem::Missing);
    }
    let days = app.handles.views.person(person, date, date).await?;
    let records = days.into_iter().find(|(day, _)| *day == date).map(|(_, day)| day.records);
    let records = records.unwrap_or_default();
    let sheet = app.handles.sheets.person(person, date, date).await.ok().flatten();
    let day = sheet.as_ref().and_then(|sheet| sheet.sheet.days.get(&date));
    let page = day_page(app, visitor, (person, date), &records, day);
    html(status, &DayPage { trouble, typed, ..page })
}

/// What the sheet makes of a day.
pub(crate) fn verdict(day: &Day, t: &Words) -> Verdict {
    let m = &day.minutes;
    let figures = [
        ("sum-planned", m.planned),
        ("sum-worked", m.worked),
        ("sum-overtime", m.overtime),
        ("sum-extra", m.extra),
    ];
    Verdict {
        state: say::state(day.state, t),
        shift: day.shift.clone().unwrap_or_default(),
        marks: crate::pages::sheet::person::marks(day, t),
        figures: figures.map(|(id, minutes)| (t.say(id), say::hours(minutes))).into(),
    }
}

/// Whether the sheet counts a record, and why not.
fn counts(day: Option<&Day>, id: &str, t: &Words) -> String {
    let Some(day) = day else { return String::new() };
    match day.punches.iter().find(|punch| punch.id == id) {
        Some(punch) => match punch.why {
            Some(code) => say::mark(code, day, t),
            None => t.say("counts-yes"),
        },
        None => t.say("counts-elsewhere"),
    }
}

fn day_page<'a>(
    app: &App,
    visitor: &'a Visitor,
    (person, date): (PersonId, Date),
    records: &[RecordRow],
    day: Option<&Day>,
) -> DayPage<'a> {
    let t = &visitor.t;
    let rows = punch_rows(app, t, records, day);
    let corrections = app.handles.plans.corrections(person);
    let seen = corrections.iter().map(|correction| correction.number).max().unwrap_or(0);
    let corrections = corrections.iter().filter(|correction| correction.date == date);
    let (before, after) = neighbours(date);
    let today = app.zone.date(app.now_ms());
    let after = after.filter(|after| *after <= today);
    let counted = |row: &&RecordRow| row.attendance.outcome != Outcome::Denied;
    let times = || records.iter().filter(counted).map(|row| time_ms(&row.attendance));
    let clock = |ms: Option<i64>| ms.map_or_else(|| "–".to_owned(), |ms| app.zone.clock(ms));
    let here = address(person, date);
    let rest = records.len().saturating_sub(MAX_PUNCHES) as u64;
    DayPage {
        shell: Shell::new(app, visitor, t.say("day-title"), &here),
        t,
        who: app.who(person, t),
        rights: match visitor.admits(Route::Rights) {
            true => format!("/people/{}/rights", person.0),
            false => String::new(),
        },
        date: long_date(date, t),
        previous: before.map(|day| address(person, day)),
        next: after.map(|day| address(person, day)),
        first: clock(times().min()),
        last: clock(times().max()),
        count: t.number(times().count() as u64),
        more: if rest > 0 { t.count("day-more", rest) } else { String::new() },
        strip: strip(app, records),
        printed: t.with("printed", "time", &app.zone.stamp(app.now_ms(), 0, t)),
        sheet: day.map(|day| verdict(day, t)),
        month: crate::pages::sheet::person::address(person, Month(date.first_of_month())),
        corrections: corrections.map(|c| corrections::row(app, visitor, c)).collect(),
        corrects: visitor.admits(Route::CorrectionAsk),
        person: person.0,
        day: date.to_string(),
        trouble: String::new(),
        typed: Typed::default(),
        seen,
        rows,
    }
}

/// A day's punches in words.
pub(crate) fn punch_rows(
    app: &App,
    t: &Words,
    records: &[RecordRow],
    day: Option<&Day>,
) -> Vec<PunchRow> {
    let mut told_before = BTreeSet::new();
    let mut told = |code: &String| {
        let mut told = app.explain(code, t);
        if !told_before.insert(code.clone()) {
            told.cure.clear();
        }
        told
    };
    let numbered = records.iter().zip(pair(records)).enumerate();
    let row = |(i, (row, paired)): (usize, (&RecordRow, crate::board::Paired))| {
        let fact = &row.attendance;
        let ms = time_ms(fact);
        let mut notes = Vec::new();
        if by_box_clock(fact) {
            notes.push(t.say("note-box-time"));
        }
        if !fact.live {
            let received = app.zone.stamp(fact.received_ms, ms, t);
            notes.push(t.with("note-late", "time", &received));
        }
        if paired.derived {
            notes.push(t.say("note-derived"));
        }
        PunchRow {
            time: app.zone.clock_seconds(ms),
            machine: app.zone.machine(ms),
            direction: way(fact.outcome, row.state, paired.direction, paired.repeat, t),
            method: method(fact.method, t),
            terminal: app.device_name(fact.device, t),
            notes,
            sending: sending(row.state, t),
            counts: counts(day, &row.id.to_string(), t),
            id: row.id.to_string(),
            destination: row.destination.clone().unwrap_or_default(),
            reasons: row.reasons.iter().take(MAX_REASONS).map(&mut told).collect(),
            number: (i + 1).to_string(),
        }
    };
    numbered.take(MAX_PUNCHES).map(row).collect()
}

fn way(
    outcome: Outcome,
    state: RecordState,
    direction: Option<Direction>,
    repeat: bool,
    t: &Words,
) -> Badge {
    let (tone, label) = match (outcome, direction) {
        (Outcome::Denied, _) => ("bad", "way-refused"),
        (_, Some(Direction::In)) => ("good", "way-in"),
        (_, Some(Direction::Out)) => ("quiet", "way-out"),
        (_, None) if repeat => ("quiet", "way-repeat"),
        (_, None) if state == RecordState::Quarantined => ("bad", "way-set-aside"),
        (_, None) => ("quiet", "way-none"),
    };
    Badge { tone, label: t.say(label) }
}

/// A method's name.
pub(crate) fn method(method: Method, t: &Words) -> String {
    t.say(match method {
        Method::Fingerprint => "method-fingerprint",
        Method::Face => "method-face",
        Method::Card => "method-card",
        Method::Pin => "method-pin",
        Method::Palm => "method-palm",
        Method::Other => "method-other",
    })
}

fn strip(app: &App, records: &[RecordRow]) -> Strip {
    let mut strip = Strip { spans: Vec::new(), ticks: Vec::new() };
    let mut open: Option<u16> = None;
    for (row, paired) in records.iter().zip(pair(records)).take(MAX_PUNCHES) {
        let minute = app.zone.minute_of_day(time_ms(&row.attendance)).min(DAY_MINUTES);
        strip.ticks.push((minute, row.attendance.outcome == Outcome::Denied));
        match paired.direction {
            Some(Direction::In) => open = open.or(Some(minute)),
            Some(Direction::Out) => {
                let span = open.take().and_then(|from| Some((from, minute.checked_sub(from)?)));
                strip.spans.extend(span);
            }
            None => {}
        }
    }
    strip
}
