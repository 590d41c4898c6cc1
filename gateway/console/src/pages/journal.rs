//! The journal on the page: administrative acts with filters, and the check of the whole. Both read
//! it from its beginning, so they run by themselves and the page shows how far they are.

use crate::access::Route;
use crate::app::{App, Shared, visible};
use crate::guard::{Problem, Visitor, see_other};
use crate::jobs::{Command, Done, NotNow};
use crate::pages::{Badge, Link, Shell, doctor, governance, html};
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::http::header::{HeaderValue, REFRESH};
use axum::response::Response;
use jiff::ToSpan as _;
use jiff::civil::Date;
use muster_ledger::trail::{ActFilter, ActKind, ActRow, MAX_ACTS, Span};
use serde::Deserialize;
use std::sync::Arc;

/// Seconds after which a page with something under way asks again.
const TRY_AGAIN: HeaderValue = HeaderValue::from_static("2");
/// Characters of an account's name.
const MAX_NAME: usize = 64;

struct Row {
    batch: String,
    time: String,
    machine: String,
    act: String,
    actor: String,
    fields: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "journal.html")]
struct JournalPage<'a> {
    shell: Shell,
    t: &'a Words,
    tabs: Vec<Link>,
    trouble: String,
    from: String,
    to: String,
    actor: String,
    /// Word, label, whether chosen.
    kinds: Vec<(&'static str, String, bool)>,
    running: Option<(u64, u64)>,
    rows: Vec<Row>,
    /// Nothing was looked for yet.
    fresh: bool,
    told: String,
    verified: Option<(Badge, String)>,
    key: String,
}

/// `GET /governance/journal`: what was looked for last.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
) -> Result<Response, Problem> {
    journal_page(&app, &visitor, StatusCode::OK, "")
}

fn journal_page(
    app: &App,
    visitor: &Visitor,
    status: StatusCode,
    trouble: &str,
) -> Result<Response, Problem> {
    let t = &visitor.t;
    let jobs = app.jobs.of(|command| matches!(command, Command::Acts(_) | Command::Verify));
    let running = jobs.iter().find(|job| job.ended.is_none()).map(|job| doctor::seconds(app, job));
    let looked = jobs.iter().find_map(|job| match &job.command {
        Command::Acts(filter) => Some((filter, job.ended.as_ref().map(|(_, done)| done))),
        _ => None,
    });
    let filter = looked.map(|(filter, _)| filter.clone());
    let (rows, told) = match looked.and_then(|(_, done)| done) {
        Some(Ok(Done::Acts(rows, all))) => (rows.as_slice(), found(t, *all)),
        Some(Err(why)) => (&[][..], visible(why)),
        _ => (&[][..], String::new()),
    };
    let day = |ms: i64| app.zone.date(ms).to_string();
    let today = day(app.now_ms());
    let page = JournalPage {
        shell: Shell::new(app, visitor, t.say("journal-title"), "/governance/journal"),
        t,
        tabs: governance::tabs(visitor, Route::Journal),
        trouble: if trouble.is_empty() { String::new() } else { t.say(trouble) },
        from: filter.as_ref().map_or(today.clone(), |filter| day(filter.span.from_ms)),
        to: filter.as_ref().map_or(today, |filter| day(filter.span.to_ms.saturating_sub(1))),
        actor: filter.as_ref().and_then(|f| f.actor.clone()).unwrap_or_default(),
        kinds: kinds(t, filter.as_ref().and_then(|filter| filter.kind)),
        running,
        fresh: looked.is_none(),
        rows: rows.iter().map(|one| row(app, t, one)).collect(),
        told,
        verified: verified(app, t),
        key: app.handles.report_key.clone(),
    };
    let mut answer = html(status, &page)?;
    if page.running.is_some() {
        answer.headers_mut().insert(REFRESH, TRY_AGAIN);
    }
    Ok(answer)
}

fn found(t: &Words, all: u64) -> String {
    match all > MAX_ACTS as u64 {
        true => t.count("journal-newest", all),
        false => t.count("journal-found", all),
    }
}

fn kinds(t: &Words, chosen: Option<ActKind>) -> Vec<(&'static str, String, bool)> {
    let label = |kind| {
        t.say(match kind {
            ActKind::Accounts => "journal-accounts",
            ActKind::Policy => "journal-policy",
            ActKind::Rights => "journal-rights",
            ActKind::Devices => "journal-devices",
            ActKind::Plans => "journal-plans",
            ActKind::Exports => "journal-exports",
            ActKind::Box => "journal-box",
        })
    };
    ActKind::ALL.map(|kind| (kind.word(), label(kind), chosen == Some(kind))).into()
}

fn row(app: &App, t: &Words, act: &ActRow) -> Row {
    let field = |(name, value): &(String, String)| (visible(name), visible(value));
    Row {
        batch: act.batch.to_string(),
        time: app.zone.stamp(act.at_ms, 0, t),
        machine: app.zone.machine(act.at_ms),
        act: visible(&act.act),
        actor: act.actor.as_deref().map(visible).unwrap_or_default(),
        fields: act.fields.iter().map(field).collect(),
    }
}

/// What the last check of the whole journal came to.
fn verified(app: &App, t: &Words) -> Option<(Badge, String)> {
    let checks = app.jobs.of(|command| *command == Command::Verify);
    let (at, done) = checks.into_iter().find_map(|job| job.ended)?;
    let at = t.with("as-of", "time", &app.zone.stamp(at, app.now_ms(), t));
    let badge = |tone, label: &str| Badge { tone, label: t.say(label) };
    Some(match done {
        Ok(Done::Verified { batches, records, damage: None }) => {
            let (batches, records) = (t.number(batches), t.number(records));
            let values = [("batches", batches.as_str()), ("records", &records), ("time", &at)];
            (badge("good", "journal-whole"), t.fill("journal-whole-told", &values))
        }
        Ok(Done::Verified { damage: Some(damage), .. }) => {
            (badge("bad", "journal-damaged"), format!("{} {at}", visible(&damage)))
        }
        Ok(_) => return None,
        Err(why) => (badge("warn", "journal-unchecked"), visible(&why)),
    })
}

/// What is looked for, as typed.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    from: String,
    to: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    actor: String,
}

impl Wanted {
    /// `None` where the days are none.
    fn filter(&self, app: &App) -> Option<ActFilter> {
        let (from, to): (Date, Date) = (self.from.parse().ok()?, self.to.parse().ok()?);
        let after = to.checked_add(1.day()).ok()?;
        let start = |date| Some(app.zone.seconds(date, "00:00")?.saturating_mul(1000));
        let span = Span { from_ms: start(from)?, to_ms: start(after)? };
        let kind = ActKind::ALL.into_iter().find(|kind| kind.word() == self.kind);
        let actor = self.actor.trim();
        let actor = (!actor.is_empty()).then(|| actor.chars().take(MAX_NAME).collect());
        (from <= to).then_some(ActFilter { span, kind, actor })
    }
}

/// `POST /governance/journal`: looks for acts.
pub(crate) async fn look(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(wanted): Form<Wanted>,
) -> Result<Response, Problem> {
    match wanted.filter(&app) {
        Some(filter) => begin(&app, &visitor, Command::Acts(filter)),
        None => journal_page(&app, &visitor, StatusCode::UNPROCESSABLE_ENTITY, "journal-days"),
    }
}

/// `POST /governance/journal/verify`: checks the whole.
pub(crate) async fn verify(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
) -> Result<Response, Problem> {
    begin(&app, &visitor, Command::Verify)
}

fn begin(app: &Shared, visitor: &Visitor, command: Command) -> Result<Response, Problem> {
    let actor = visitor.seat.as_ref().map(|seat| seat.account.clone()).unwrap_or_default();
    let outcome = (app.handles.commands)(actor, command.clone());
    let clock = app.handles.clock.clone();
    match app.jobs.start(command, outcome, move || clock.now_ms()) {
        Ok(()) | Err(NotNow::Running) => Ok(see_other("/governance/journal")),
        Err(NotNow::Busy) => {
            journal_page(app, visitor, StatusCode::SERVICE_UNAVAILABLE, "enrol-busy")
        }
    }
}
