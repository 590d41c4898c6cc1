//! Not sent yet: what waits, why, since when, and what would free it.

use crate::access::Route;
use crate::app::{App, Shared, visible};
use crate::board::time_ms;
use crate::guard::{Problem, Visitor};
use crate::pages::day::{address, visible_to};
use crate::pages::{Badge, Shell, html, sending};
use crate::reasons::{Explained, is_code};
use crate::when::ago;
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use muster_attendance::EventId;
use muster_ledger::{DestinationStatus, HeldGroup, PauseReason, RecordRow};
use serde::Deserialize;
use std::sync::Arc;

/// Records on one page.
const PAGE: usize = 100;
/// Groups shown.
const MAX_GROUPS: usize = 200;

/// Records that wait for one reason.
pub(crate) struct Group {
    pub(crate) told: Explained,
    pub(crate) count: String,
    pub(crate) oldest: String,
    pub(crate) oldest_machine: String,
    pub(crate) destination: String,
    pub(crate) href: Option<String>,
}

/// A destination with what waits for it.
pub(crate) struct Destination {
    pub(crate) name: String,
    pub(crate) state: Badge,
    pub(crate) backlog: String,
    pub(crate) settled: String,
    pub(crate) rejected: String,
    pub(crate) last: String,
    pub(crate) cause: String,
    /// How far its region is proved, and calls used where they are metered.
    pub(crate) notes: Vec<String>,
}

struct HeldRow {
    /// Why it waits, in full.
    explain: String,
    href: String,
    shown: String,
    time: String,
    machine: String,
    terminal: String,
    received: String,
    destination: String,
    others: Vec<Explained>,
    sending: Badge,
}

#[derive(Template)]
#[template(path = "waiting.html")]
struct WaitingPage<'a> {
    shell: Shell,
    t: &'a Words,
    groups: Vec<Group>,
    destinations: Vec<Destination>,
    total: String,
    quarantined: String,
    quarantined_any: bool,
}

#[derive(Template)]
#[template(path = "waiting_reason.html")]
struct ReasonPage<'a> {
    shell: Shell,
    t: &'a Words,
    told: Explained,
    rows: Vec<HeldRow>,
    next: Option<String>,
    first: bool,
}

/// `GET /waiting`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
) -> Result<Response, Problem> {
    let (t, now_ms) = (&visitor.t, app.now_ms());
    let status = (app.handles.status)();
    let page = WaitingPage {
        shell: Shell::new(&app, &visitor, t.say("nav-waiting"), "/waiting"),
        t,
        groups: groups(&app, &visitor, now_ms).await?,
        destinations: destinations(&app, t, &status.destinations, now_ms),
        total: t.number(status.held.values().sum()),
        quarantined: t.count("quarantined-count", status.quarantined),
        quarantined_any: status.quarantined > 0,
    };
    html(StatusCode::OK, &page)
}

/// What waits by reason, the most first.
pub(crate) async fn groups(
    app: &App,
    visitor: &Visitor,
    now_ms: i64,
) -> Result<Vec<Group>, Problem> {
    let mut held = app.handles.views.held().await?;
    held.sort_by_key(|group| std::cmp::Reverse(group.count));
    held.truncate(MAX_GROUPS);
    let may_list = lists(visitor);
    Ok(held.iter().map(|group| group_row(app, &visitor.t, group, now_ms, may_list)).collect())
}

fn lists(visitor: &Visitor) -> bool {
    let seat = visitor.seat.as_ref().map(|seat| (seat.stage, seat.roles.as_slice()));
    Route::WaitingReason.admits(seat)
}

fn group_row(app: &App, t: &Words, group: &HeldGroup, now_ms: i64, may_list: bool) -> Group {
    let linked = may_list && is_code(&group.reason);
    Group {
        told: app.explain(&group.reason, t),
        count: t.number(group.count),
        oldest: ago(now_ms, group.oldest_ms, t),
        oldest_machine: app.zone.machine(group.oldest_ms),
        destination: group.destination.as_deref().map(visible).unwrap_or_default(),
        href: linked.then(|| format!("/waiting/{}", group.reason)),
    }
}

/// Destinations in words.
pub(crate) fn destinations(
    app: &App,
    t: &Words,
    all: &[DestinationStatus],
    now_ms: i64,
) -> Vec<Destination> {
    let row = |one: &DestinationStatus| {
        let (state, cause) = destination_state(app, t, one, now_ms);
        Destination {
            name: visible(&one.destination),
            state,
            backlog: t.number(one.backlog),
            settled: t.number(one.settled),
            rejected: t.number(one.rejected),
            last: one.last_settled_ms.map_or_else(|| t.say("never-sent"), |ms| ago(now_ms, ms, t)),
            cause,
            notes: notes(t, one),
        }
    };
    all.iter().map(row).collect()
}

fn notes(t: &Words, one: &DestinationStatus) -> Vec<String> {
    let proof = one.by_contract.map(|by_contract| match by_contract {
        true => t.say("proof-contract"),
        false => t.say("proof-wire"),
    });
    let meter = one.meter.as_ref().filter(|meter| meter.limit > 0).map(|meter| {
        let values = [("used", &*t.number(meter.calls)), ("limit", &*t.number(meter.limit))];
        t.fill("calls-used", &values)
    });
    proof.into_iter().chain(meter).collect()
}

fn destination_state(
    app: &App,
    t: &Words,
    one: &DestinationStatus,
    now_ms: i64,
) -> (Badge, String) {
    let since = one.paused_since_ms.map(|ms| app.zone.stamp(ms, now_ms, t)).unwrap_or_default();
    let (tone, label, cause) = match &one.paused {
        None if one.backlog > 0 => ("info", "destination-sending", String::new()),
        None => ("good", "destination-clear", String::new()),
        Some(PauseReason::Down(cause)) => ("warn", "destination-down", visible(cause)),
        Some(PauseReason::WrongRegion(cause)) => ("bad", "destination-wrong", visible(cause)),
        Some(PauseReason::WrongTenant(cause)) => ("bad", "destination-tenant", visible(cause)),
        Some(PauseReason::Quota(cause)) => ("warn", "destination-quota", visible(cause)),
    };
    (Badge { tone, label: t.with(label, "since", &since) }, cause)
}

/// Where a list goes on.
#[derive(Deserialize)]
pub(crate) struct Paging {
    after: Option<String>,
}

/// `GET /waiting/{reason}`.
pub(crate) async fn reason(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Path(reason): Path<String>,
    Query(paging): Query<Paging>,
) -> Result<Response, Problem> {
    if !is_code(&reason) {
        return Err(Problem::Missing);
    }
    let t = &visitor.t;
    let after = paging.after.as_deref().map(str::parse::<EventId>);
    let after = after.transpose().map_err(|_| Problem::Missing)?;
    let records = app.handles.views.held_records(&reason, after, PAGE + 1).await?;
    let more = records.len() > PAGE;
    let records = records.get(..PAGE.min(records.len())).unwrap_or_default();
    let last = records.last().filter(|_| more).map(|row| row.id);
    let page = ReasonPage {
        shell: Shell::new(&app, &visitor, t.say("nav-waiting"), &format!("/waiting/{reason}")),
        t,
        told: app.explain(&reason, t),
        rows: records.iter().filter_map(|row| held_row(&app, &visitor, row, &reason)).collect(),
        next: last.map(|id| format!("/waiting/{reason}?after={id}")),
        first: after.is_none(),
    };
    html(StatusCode::OK, &page)
}

/// A record, if the visitor may see whose it is.
fn held_row(app: &App, visitor: &Visitor, row: &RecordRow, reason: &str) -> Option<HeldRow> {
    let (t, fact, seat) = (&visitor.t, &row.attendance, visitor.seat.as_ref()?);
    let (ms, now_ms) = (time_ms(fact), app.now_ms());
    if fact.person.is_some_and(|person| !visible_to(app, seat, person)) {
        return None;
    }
    let others = row.reasons.iter().filter(|code| *code != reason);
    let href = fact.person.map(|person| address(person, app.zone.date(ms)));
    let shown = fact.person.map(|person| app.who(person, t).shown);
    Some(HeldRow {
        explain: format!("/records/{}", row.id),
        href: href.unwrap_or_default(),
        shown: shown.unwrap_or_else(|| t.say("person-nobody")),
        time: app.zone.stamp(ms, now_ms, t),
        machine: app.zone.machine(ms),
        terminal: app.device_name(fact.device, t),
        received: ago(now_ms, fact.received_ms, t),
        destination: row.destination.as_deref().map(visible).unwrap_or_default(),
        others: others.map(|code| app.explain(code, t)).collect(),
        sending: sending(row.state, t),
    })
}
