//! Last seen on site: in, unclear, out, each with the last gate. Not a head count: a punch says
//! where somebody was, not where they are. One page, to be printed in one step.
//!
//! Looks at today and the night before, so that a shift over midnight is not forgotten; counts
//! numbers that nobody has named, and punches that were set aside.

use crate::app::{App, Shared};
use crate::board::{Board, Line, Presence};
use crate::guard::{Problem, Visitor};
use crate::pages::{Shell, html};
use crate::when::neighbours;
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use muster_attendance::PersonId;
use muster_ledger::{RecordState, Role};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Seen this long ago and not since, somebody is not on site any more.
const NIGHT_MS: i64 = 16 * 60 * 60 * 1000;

/// Where somebody was last seen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Place {
    Inside,
    Unclear,
    Outside,
}

struct Row {
    key: String,
    shown: String,
    number: String,
    department: String,
    gate: String,
    time: String,
    machine: String,
    note: String,
}

struct Group {
    title: String,
    tone: &'static str,
    count: String,
    rows: Vec<Row>,
    /// Whether people are ticked off.
    ticks: bool,
}

#[derive(Template)]
#[template(path = "onsite.html")]
struct OnSitePage<'a> {
    shell: Shell,
    t: &'a Words,
    as_of: String,
    groups: Vec<Group>,
    notes: Vec<String>,
    printed: String,
}

/// `GET /onsite`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
) -> Result<Response, Problem> {
    let (t, now_ms) = (&visitor.t, app.now_ms());
    let today = app.zone.date(now_ms);
    let mut last: BTreeMap<u64, (Line, bool)> = BTreeMap::new();
    if let (Some(before), _) = neighbours(today) {
        let board = Board::of(&app.handles.views.day(before).await?, &app.zone, 0);
        last.extend(board.lines.into_iter().map(|line| (line.person.0, (line, true))));
    }
    let board = app.live.now().await?;
    last.extend(board.lines.iter().map(|line| (line.person.0, (*line, false))));
    let seat = visitor.seat.as_ref().ok_or(Problem::Missing)?;
    let all = seat.sees_all()
        || seat.roles.iter().any(|r| [Role::Facilities, Role::Security].contains(r));
    let (mut groups, mut others, mut set_aside) = (BTreeMap::<Place, Vec<Row>>::new(), 0u64, 0u64);
    for (line, before) in last.into_values() {
        set_aside += u64::from(line.state == RecordState::Quarantined);
        let Some(place) = place(&line, before, now_ms) else { continue };
        if !all && !super::day::visible_to(&app, seat, line.person) {
            others += u64::from(place != Place::Outside);
            continue;
        }
        groups.entry(place).or_default().push(row(&app, t, &line, before, now_ms));
    }
    let unnamed = app.handles.directory.unmapped(10_000).len() as u64;
    let counted = [
        ("onsite-others", others),
        ("onsite-unnamed", unnamed),
        ("onsite-set-aside", set_aside),
        ("onsite-refused", board.refused_count),
    ];
    let notes = counted.into_iter().filter(|(_, n)| *n > 0).map(|(id, n)| t.count(id, n));
    let page = OnSitePage {
        shell: Shell::new(&app, &visitor, t.say("nav-onsite"), "/onsite"),
        t,
        as_of: t.with("as-of", "time", &app.zone.clock_seconds(now_ms)),
        groups: [Place::Inside, Place::Unclear, Place::Outside]
            .map(|place| group(place, groups.remove(&place).unwrap_or_default(), t))
            .into(),
        notes: notes.collect(),
        printed: t.with("printed", "time", &app.zone.stamp(now_ms, 0, t)),
    };
    html(StatusCode::OK, &page)
}

/// Where a line says that somebody was last seen; nowhere where only refused, or long ago.
fn place(line: &Line, before: bool, now_ms: i64) -> Option<Place> {
    if before && now_ms.saturating_sub(line.last_ms) > NIGHT_MS {
        return None;
    }
    match (line.presence, before) {
        (Presence::Refused, _) => None,
        (Presence::Out | Presence::ProbablyOut, true) => None,
        _ if line.state == RecordState::Quarantined => Some(Place::Unclear),
        (Presence::In, false) => Some(Place::Inside),
        (Presence::In | Presence::ProbablyIn, _) => Some(Place::Unclear),
        (Presence::Out, false) => Some(Place::Outside),
        (Presence::ProbablyOut, false) => Some(Place::Unclear),
    }
}

fn row(app: &App, t: &Words, line: &Line, before: bool, now_ms: i64) -> Row {
    let who = app.who(line.person, t);
    let note = match (before, line.presence) {
        (true, _) => t.say("onsite-night"),
        (_, Presence::ProbablyIn | Presence::ProbablyOut) => t.say("onsite-by-turns"),
        _ => String::new(),
    };
    Row {
        key: key(line.person),
        shown: who.shown,
        number: who.number,
        department: who.department,
        gate: app.device_name(line.last_device, t),
        time: app.zone.stamp(line.last_ms, now_ms, t),
        machine: app.zone.machine(line.last_ms),
        note,
    }
}

fn key(person: PersonId) -> String {
    format!("w{}", person.0)
}

fn group(place: Place, mut rows: Vec<Row>, t: &Words) -> Group {
    rows.sort_by(|a, b| (&a.department, &a.shown).cmp(&(&b.department, &b.shown)));
    let (title, tone) = match place {
        Place::Inside => ("onsite-in", "good"),
        Place::Unclear => ("onsite-unclear", "warn"),
        Place::Outside => ("onsite-out", "quiet"),
    };
    let count = t.number(rows.len() as u64);
    Group { title: t.say(title), tone, count, rows, ticks: place != Place::Outside }
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_attendance::DeviceId;

    fn at(presence: Presence, state: RecordState, before: bool, ago_ms: i64) -> Option<Place> {
        let line = Line {
            person: PersonId(1),
            presence,
            first_ms: None,
            last_ms: 0,
            last_device: DeviceId(1),
            box_time: false,
            punches: 1,
            waiting: 0,
            state,
            changed: 0,
        };
        place(&line, before, ago_ms)
    }

    #[test]
    fn nobody_is_said_to_be_out_who_may_be_in() {
        use Place::*;
        let hour = 3_600_000;
        for (presence, before, ago, expect) in [
            (Presence::In, false, hour, Some(Inside)),
            (Presence::ProbablyIn, false, hour, Some(Unclear)),
            (Presence::ProbablyOut, false, hour, Some(Unclear)),
            (Presence::Out, false, hour, Some(Outside)),
            (Presence::Refused, false, hour, None),
            (Presence::In, true, 8 * hour, Some(Unclear)),
            (Presence::In, true, 17 * hour, None),
            (Presence::Out, true, 8 * hour, None),
        ] {
            assert_eq!(at(presence, RecordState::Settled, before, ago), expect, "{presence:?}");
        }
        assert_eq!(at(Presence::Out, RecordState::Quarantined, false, hour), Some(Unclear));
    }
}
