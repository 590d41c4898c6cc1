//! Last seen on site: in, unclear, out, each with the last gate. Not a head count, and nothing here
//! opens a door. For accounts one page, printed in one step; for a warden's device the same list
//! without an account, which the device keeps for when the box cannot be reached.
//!
//! The site's other boxes tell this one of their people; whoever was seen at several is where they
//! were seen last. Which boxes are heard, and as of when, stands on the list.

pub(crate) mod devices;
pub(crate) mod door;
pub(crate) mod roll;
pub(crate) mod safe;

use crate::access::Route;
use crate::app::{App, Shared, visible};
use crate::guard::{Problem, Visitor};
use crate::guest::{Entry, Who};
use crate::pages::{Shell, html};
use crate::words::Words;
use askama::Template;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use muster_ledger::Role;
use roll::{Neighbour, Place, Roll, Seen};
use serde::Deserialize;
use std::sync::Arc;

/// Other boxes that are shown.
const MAX_BOXES: usize = 16;

struct Row {
    key: String,
    shown: String,
    number: String,
    department: String,
    gate: String,
    time: String,
    machine: String,
    note: String,
    /// Ticked off: by whom, and when in milliseconds.
    safe: bool,
    by: String,
    at: i64,
}

struct Group {
    title: String,
    tone: &'static str,
    count: String,
    rows: Vec<Row>,
    /// Whether people are ticked off.
    ticks: bool,
}

/// Another box, and as of when it is in the list.
struct BoxRow {
    name: String,
    told: String,
    late: bool,
}

#[derive(Template)]
#[template(path = "onsite.html")]
struct OnSitePage<'a> {
    shell: Shell,
    t: &'a Words,
    as_of: String,
    groups: Vec<Group>,
    notes: Vec<String>,
    boxes: Vec<BoxRow>,
    printed: String,
    /// The device's name, where it is a warden's.
    device: String,
    /// Whether the visitor enrols such devices.
    manages: bool,
    script: String,
}

/// `GET /onsite`: as far as the account sees people.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
) -> Result<Response, Problem> {
    let seat = visitor.seat.as_ref().ok_or(Problem::Missing)?;
    let all = seat.sees_all()
        || seat.roles.iter().any(|r| [Role::Facilities, Role::Security].contains(r));
    show(&app, &visitor, |seen| all || seat.sees(&seen.department)).await
}

/// `GET /warden`: everybody, on a device that is enrolled.
pub(crate) async fn list(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
) -> Result<Response, Problem> {
    show(&app, &visitor, |_| true).await
}

async fn show(
    app: &App,
    visitor: &Visitor,
    sees: impl Fn(&Seen) -> bool,
) -> Result<Response, Problem> {
    let (t, now_ms) = (&visitor.t, app.now_ms());
    let mut roll = Roll::gather(app).await?;
    let others = (app.handles.neighbours)();
    others.iter().filter_map(|other| other.roll.as_ref()).for_each(|other| roll.merge(other));
    let (shown, hidden): (Vec<_>, Vec<_>) = roll.seen.iter().partition(|seen| sees(seen));
    let hidden = hidden.iter().filter(|seen| seen.place != Place::Outside).count() as u64;
    let counted = [
        ("onsite-others", hidden),
        ("onsite-unnamed", roll.unnamed),
        ("onsite-set-aside", roll.set_aside),
        ("onsite-refused", roll.refused),
    ];
    let notes = counted.into_iter().filter(|(_, n)| *n > 0).map(|(id, n)| t.count(id, n));
    let group = |place| group(app, t, place, &shown, now_ms);
    let (device, here) = match &visitor.guest {
        Some(Entry { who: Who::Warden(name), .. }) => (name.clone(), "/warden"),
        _ => (String::new(), "/onsite"),
    };
    let page = OnSitePage {
        shell: Shell::new(app, visitor, t.say("nav-onsite"), here),
        t,
        as_of: t.with("as-of", "time", &app.zone.clock_seconds(now_ms)),
        groups: [Place::Inside, Place::Unclear, Place::Outside].map(group).into(),
        notes: notes.collect(),
        boxes: others.iter().take(MAX_BOXES).map(|other| box_row(app, t, other, now_ms)).collect(),
        printed: t.with("printed", "time", &app.zone.stamp(now_ms, 0, t)),
        device,
        manages: visitor.admits(Route::Wardens),
        script: app.assets.warden.clone(),
    };
    html(StatusCode::OK, &page)
}

fn box_row(app: &App, t: &Words, other: &Neighbour, now_ms: i64) -> BoxRow {
    let told = match &other.roll {
        Some(roll) => t.with("as-of", "time", &app.zone.stamp(roll.as_of_ms, now_ms, t)),
        None => t.say("onsite-box-silent"),
    };
    let late = other.cause.is_some() || other.roll.is_none();
    BoxRow { name: visible(&other.name), told, late }
}

fn row(app: &App, t: &Words, seen: &Seen, now_ms: i64) -> Row {
    let number = visible(&seen.number);
    let shown = match &seen.name {
        Some(name) => visible(name),
        None if number.is_empty() => t.say("person-erased"),
        None => t.with("person-unnamed", "number", &number),
    };
    let tick = app.ticks.of(&seen.key, now_ms);
    Row {
        key: visible(&seen.key),
        shown,
        number,
        department: visible(&seen.department),
        gate: match seen.gate.is_empty() {
            true => t.say("terminal-unknown"),
            false => visible(&seen.gate),
        },
        time: app.zone.stamp(seen.at_ms, now_ms, t),
        machine: app.zone.machine(seen.at_ms),
        note: roll::doubt(seen.doubt, t),
        safe: tick.as_ref().is_some_and(|tick| tick.safe),
        at: tick.as_ref().map(|tick| tick.at_ms).unwrap_or_default(),
        by: tick.filter(|tick| tick.safe).map(|tick| by(app, t, &tick)).unwrap_or_default(),
    }
}

fn by(app: &App, t: &Words, tick: &safe::Tick) -> String {
    let time = app.zone.clock(tick.at_ms);
    t.fill("warden-safe-by", &[("name", &tick.by), ("time", &time)])
}

fn group(app: &App, t: &Words, place: Place, shown: &[&Seen], now_ms: i64) -> Group {
    let of = shown.iter().filter(|seen| seen.place == place);
    let mut rows: Vec<Row> = of.map(|seen| row(app, t, seen, now_ms)).collect();
    rows.sort_by(|a, b| (&a.department, &a.shown).cmp(&(&b.department, &b.shown)));
    let (title, tone) = match place {
        Place::Inside => ("onsite-in", "good"),
        Place::Unclear => ("onsite-unclear", "warn"),
        Place::Outside => ("onsite-out", "quiet"),
    };
    let count = t.number(rows.len() as u64);
    Group { title: t.say(title), tone, count, rows, ticks: place != Place::Outside }
}

/// What a device has ticked off.
#[derive(Deserialize)]
pub(crate) struct Sent {
    ticks: String,
}

/// `POST /warden/safe`.
pub(crate) async fn safe(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(sent): Form<Sent>,
) -> Result<Response, Problem> {
    let Some(Entry { who: Who::Warden(name), .. }) = &visitor.guest else {
        return Err(Problem::Missing);
    };
    app.ticks.take(&sent.ticks, name, app.now_ms()).ok_or(Problem::Form)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /api/v1/onsite`: for the site's other boxes, everybody last seen at this one.
pub(crate) async fn api(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
) -> Result<Json<Roll>, Problem> {
    let seat = visitor.seat.as_ref().ok_or(Problem::Missing)?;
    let mut roll = Roll::gather(&app).await?;
    let all = seat.sees_all()
        || seat.roles.iter().any(|r| [Role::Facilities, Role::Security].contains(r));
    roll.seen.retain(|seen| all || seat.sees(&seen.department));
    Ok(Json(roll))
}
