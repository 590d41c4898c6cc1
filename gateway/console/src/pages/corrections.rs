//! Corrections: asked for with a reason, decided by a second person, the recorded punch beside.

use crate::access::Route;
use crate::app::{App, Shared, Who};
use crate::guard::{Problem, Visitor, see_other};
use crate::pages::sheet::{Month, seat, tabs};
use crate::pages::{Badge, Link, Shell, day, html};
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::civil::Date;
use muster_attendance::{Direction, PersonId};
use muster_ledger::{Change, Correction, PlansError};
use serde::Deserialize;
use std::sync::Arc;

/// Corrections on one page.
const MAX_ROWS: usize = 200;

/// A correction as pages show it.
pub(crate) struct Row {
    pub(crate) number: u32,
    pub(crate) href: String,
    pub(crate) who: Who,
    pub(crate) date: String,
    pub(crate) what: String,
    pub(crate) reason: String,
    pub(crate) by: String,
    pub(crate) state: Badge,
    /// Whether the visitor may say yes, and no.
    pub(crate) may: (bool, bool),
}

#[derive(Template)]
#[template(path = "corrections.html")]
struct CorrectionsPage<'a> {
    shell: Shell,
    t: &'a Words,
    tabs: Vec<Link>,
    rows: Vec<Row>,
    trouble: String,
}

/// `GET /corrections`: what waits for a second person.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
) -> Result<Response, Problem> {
    corrections_page(&app, &visitor, StatusCode::OK, String::new())
}

fn corrections_page(
    app: &App,
    visitor: &Visitor,
    status: StatusCode,
    trouble: String,
) -> Result<Response, Problem> {
    let t = &visitor.t;
    let seat = seat(visitor)?;
    let today = app.zone.date(app.now_ms());
    let pending = app.handles.plans.pending();
    let seen = pending.iter().filter(|c| day::visible_to(app, seat, c.person));
    let page = CorrectionsPage {
        shell: Shell::new(app, visitor, t.say("tab-corrections"), "/corrections"),
        t,
        tabs: tabs(visitor, Month(today.first_of_month()), today, Route::Corrections),
        rows: seen.take(MAX_ROWS).map(|correction| row(app, visitor, correction)).collect(),
        trouble,
    };
    html(status, &page)
}

/// A correction for the visitor.
pub(crate) fn row(app: &App, visitor: &Visitor, correction: &Correction) -> Row {
    let t = &visitor.t;
    let (tone, label) = match &correction.decided {
        None => ("warn", "correction-pending"),
        Some(decided) if decided.approved => ("good", "correction-approved"),
        Some(_) => ("quiet", "correction-rejected"),
    };
    let asked = match correction.let_in_by() {
        None => correction.by.clone(),
        Some(giver) => t.with("correction-by-self", "name", giver),
    };
    let by = match &correction.decided {
        None => asked,
        Some(decided) => format!("{asked} → {}", decided.by),
    };
    let reason = app.handles.directory.open_note(correction.person, &correction.reason);
    let open = correction.decided.is_none() && visitor.admits(Route::CorrectionDecide);
    let seat = visitor.seat.as_ref();
    let own = seat.is_some_and(|seat| correction.is_of(&seat.account));
    let old_enough = seat.is_some_and(|seat| seat.may_approve);
    Row {
        number: correction.number,
        href: day::address(correction.person, correction.date),
        who: app.who(correction.person, t),
        date: correction.date.to_string(),
        what: what(app, correction, t),
        reason: reason.map(|text| crate::app::visible(&text)).unwrap_or_default(),
        by,
        state: Badge { tone, label: t.say(label) },
        may: (open && !own && old_enough, open),
    }
}

fn what(app: &App, correction: &Correction, t: &Words) -> String {
    let clock = |seconds: i64| app.zone.clock(seconds.saturating_mul(1000));
    let way = |direction: Option<Direction>| match direction {
        Some(Direction::In) => t.say("way-in"),
        Some(Direction::Out) => t.say("way-out"),
        None => t.say("way-none"),
    };
    match correction.change {
        Change::Add { at, direction } => {
            t.fill("correction-add", &[("time", &clock(at)), ("way", &way(direction))])
        }
        Change::Set { at, direction, .. } => {
            let time = at.map_or_else(|| "–".to_owned(), clock);
            t.fill("correction-set", &[("time", &time), ("way", &way(direction))])
        }
        Change::Void { .. } => t.say("correction-void"),
    }
}

/// A correction, as typed.
#[derive(Deserialize)]
pub(crate) struct Asked {
    /// Nothing where somebody asks for themself.
    #[serde(default)]
    person: u64,
    pub(crate) date: Date,
    /// `add`, `set` or `void`.
    op: String,
    #[serde(default)]
    punch: String,
    /// The newest correction of that person that the page knew; empty where it is of no matter.
    #[serde(default)]
    seen: String,
    #[serde(default)]
    pub(crate) time: String,
    #[serde(default)]
    direction: String,
    pub(crate) reason: String,
}

impl Asked {
    /// What was typed, for the form to hold it.
    fn typed(&self) -> day::Typed {
        day::Typed {
            punch: self.punch.clone(),
            time: self.time.clone(),
            direction: self.direction.clone(),
            reason: self.reason.clone(),
        }
    }

    /// Whether another's correction of the same punch waits, or was decided on after this page was
    /// made: whoever asks now has not seen it.
    fn meets(&self, all: &[Correction]) -> bool {
        let seen: u32 = self.seen.parse().unwrap_or(u32::MAX);
        let same = |c: &&Correction| match c.change {
            Change::Set { punch, .. } | Change::Void { punch } => punch.to_string() == self.punch,
            Change::Add { .. } => self.op == "add" && c.date == self.date,
        };
        all.iter().filter(same).any(|c| c.number > seen)
    }

    /// What is to be done; `None` where the time or the punch is none.
    pub(crate) fn change(&self, app: &App) -> Option<Change> {
        let direction = match self.direction.as_str() {
            "in" => Some(Direction::In),
            "out" => Some(Direction::Out),
            _ => None,
        };
        let at = || app.zone.seconds(self.date, &self.time);
        match self.op.as_str() {
            "add" => Some(Change::Add { at: at()?, direction }),
            "set" => {
                let at = if self.time.is_empty() { None } else { Some(at()?) };
                Some(Change::Set { punch: self.punch.parse().ok()?, at, direction })
            }
            "void" => Some(Change::Void { punch: self.punch.parse().ok()? }),
            _ => None,
        }
    }
}

/// `POST /corrections`.
pub(crate) async fn ask(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(asked): Form<Asked>,
) -> Result<Response, Problem> {
    let seat = seat(&visitor)?;
    let person = PersonId(asked.person);
    let known = app.handles.directory.profile(person).is_some();
    if !known || !day::visible_to(&app, seat, person) {
        return Err(Problem::Missing);
    }
    let refuse = |id: &str| {
        let trouble = visitor.t.say(id);
        day::refused(&app, &visitor, person, asked.date, (trouble, asked.typed()))
    };
    if asked.meets(&app.handles.plans.corrections(person)) {
        return refuse("correction-met").await;
    }
    let Some(change) = asked.change(&app) else { return refuse("correction-time").await };
    let plans = &app.handles.plans;
    match plans.ask(&seat.account, person, asked.date, change, &asked.reason).await {
        Ok(_) => Ok(see_other(&day::address(person, asked.date))),
        Err(PlansError::Reason(_)) => refuse("correction-reason").await,
        Err(PlansError::Person) => Err(Problem::Missing),
        Err(_) => Err(Problem::NotSaved),
    }
}

/// Which correction, and whether it is approved.
#[derive(Deserialize)]
pub(crate) struct Decision {
    number: u32,
    approved: bool,
}

/// `POST /corrections/decide`.
pub(crate) async fn decide(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(decision): Form<Decision>,
) -> Result<Response, Problem> {
    let seat = seat(&visitor)?;
    let plans = &app.handles.plans;
    let correction = plans.correction(decision.number);
    let correction = correction.filter(|c| day::visible_to(&app, seat, c.person));
    let correction = correction.ok_or(Problem::Missing)?;
    let say = |id: &str| visitor.t.say(id);
    let refused = StatusCode::UNPROCESSABLE_ENTITY;
    if decision.approved && !seat.may_approve {
        return corrections_page(&app, &visitor, refused, say("own-new"));
    }
    match plans.decide(&seat.account, correction.number, decision.approved).await {
        Ok(()) => Ok(see_other("/corrections")),
        Err(PlansError::SamePerson) => {
            corrections_page(&app, &visitor, refused, say("correction-same-person"))
        }
        // Somebody was quicker.
        Err(PlansError::Unknown(_)) => {
            corrections_page(&app, &visitor, StatusCode::CONFLICT, say("correction-decided"))
        }
        Err(_) => Err(Problem::NotSaved),
    }
}
