//! Enrolment at a terminal: a finger only where notice, a legal basis for biometrics and age are on
//! record; a PIN chosen at the terminal beside it, for whoever has no basis or wants no finger
//! taken. The box refuses again by itself what this page would let through.

use crate::app::{App, Shared, Who, visible};
use crate::guard::{Problem, Visitor, see_other};
use crate::jobs::{Command, Job, NotNow};
use crate::pages::{Badge, Shell, doctor, html};
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::http::header::{HeaderValue, REFRESH};
use axum::response::Response;
use muster_attendance::PersonId;
use muster_ledger::{DeviceKind, DeviceState};
use serde::Deserialize;
use std::sync::Arc;

/// Seconds after which a page with something under way asks again.
const TRY_AGAIN: HeaderValue = HeaderValue::from_static("2");
/// Terminals that are offered.
const MAX_TERMINALS: usize = 500;
/// Jobs shown.
const MAX_JOBS: usize = 12;

/// One of the three grounds.
struct Ground {
    name: String,
    state: Badge,
    /// What to do where it is missing.
    next: String,
}

struct JobRow {
    what: String,
    terminal: String,
    number: String,
    state: Badge,
    told: String,
    running: Option<(u64, u64)>,
}

#[derive(Template)]
#[template(path = "enrolment.html")]
struct EnrolmentPage<'a> {
    shell: Shell,
    t: &'a Words,
    terminals: Vec<String>,
    typed: Asked,
    who: Option<Who>,
    grounds: Vec<Ground>,
    /// All three are there.
    complete: bool,
    jobs: Vec<JobRow>,
    trouble: String,
}

/// Whose enrolment, where and how, as typed.
#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    number: String,
    #[serde(default)]
    terminal: String,
    #[serde(default)]
    page: String,
    /// Empty to look at what is on record; `finger`, `pin`.
    #[serde(default)]
    way: String,
}

/// `GET /enrolment`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
) -> Result<Response, Problem> {
    enrolment(&app, &visitor, StatusCode::OK, Asked::default(), "")
}

fn enrolment(
    app: &App,
    visitor: &Visitor,
    status: StatusCode,
    typed: Asked,
    trouble: &str,
) -> Result<Response, Problem> {
    let t = &visitor.t;
    let person = app.handles.directory.find(typed.number.trim());
    let grounds = person.map(|person| grounds(app, t, person)).unwrap_or_default();
    let jobs = app.jobs.of(|c| matches!(c, Command::Finger { .. } | Command::Pin { .. }));
    let page = EnrolmentPage {
        shell: Shell::new(app, visitor, t.say("enrol-title"), "/enrolment"),
        t,
        terminals: terminals(app),
        who: person.map(|person| app.who(person, t)),
        complete: !grounds.is_empty() && grounds.iter().all(|ground| ground.next.is_empty()),
        grounds,
        typed,
        jobs: jobs.iter().take(MAX_JOBS).map(|job| job_row(app, t, job)).collect(),
        trouble: if trouble.is_empty() { String::new() } else { t.say(trouble) },
    };
    let running = page.jobs.iter().any(|job| job.running.is_some());
    let mut answer = html(status, &page)?;
    if running && page.typed.number.is_empty() {
        answer.headers_mut().insert(REFRESH, TRY_AGAIN);
    }
    Ok(answer)
}

/// Terminals that take tasks.
fn terminals(app: &App) -> Vec<String> {
    let all = app.handles.devices.list().into_iter();
    let fit = all.filter(|d| d.kind == DeviceKind::M1 && d.state == DeviceState::Paired);
    fit.map(|device| device.name).take(MAX_TERMINALS).collect()
}

/// What is on record; what is missing says what to do.
fn grounds(app: &App, t: &Words, person: PersonId) -> Vec<Ground> {
    let found = app.handles.steward.enrolment_grounds(person);
    [
        ("enrol-notice", found.notice(), "enrol-notice-next"),
        ("enrol-basis", found.basis(), "enrol-basis-next"),
        ("enrol-age", found.age(), "enrol-age-next"),
    ]
    .map(|(name, there, next)| {
        let (tone, label) =
            if there { ("good", "enrol-on-record") } else { ("bad", "enrol-missing") };
        Ground {
            name: t.say(name),
            state: Badge { tone, label: t.say(label) },
            next: if there { String::new() } else { t.say(next) },
        }
    })
    .into()
}

fn job_row(app: &App, t: &Words, job: &Job) -> JobRow {
    let (what, terminal, number) = match &job.command {
        Command::Finger { terminal, number, .. } => {
            ("enrol-finger", terminal.as_str(), number.as_str())
        }
        Command::Pin { terminal, number } => ("enrol-pin", terminal.as_str(), number.as_str()),
        Command::Again { terminal } => ("gap-again", terminal.as_str(), ""),
        Command::Doctor | Command::Acts(_) | Command::Verify => ("doctor-title", "", ""),
    };
    let ((tone, label), told) = match &job.ended {
        None => (("info", "enrol-running"), t.say("enrol-running-next")),
        Some((at, Ok(_))) => (("good", "enrol-done"), app.zone.stamp(*at, app.now_ms(), t)),
        Some((_, Err(why))) => (("bad", "enrol-refused"), visible(why)),
    };
    JobRow {
        what: t.say(what),
        terminal: visible(terminal),
        number: visible(number),
        state: Badge { tone, label: t.say(label) },
        told,
        running: job.ended.is_none().then(|| doctor::seconds(app, job)),
    }
}

/// `POST /enrolment`: shows what is on record or, where a way is chosen, begins.
pub(crate) async fn ask(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(asked): Form<Asked>,
) -> Result<Response, Problem> {
    let refuse =
        |asked, why| enrolment(&app, &visitor, StatusCode::UNPROCESSABLE_ENTITY, asked, why);
    let number = asked.number.trim().to_owned();
    let Some(person) = app.handles.directory.find(&number) else {
        return refuse(asked, "unknown-nobody");
    };
    let terminal = asked.terminal.clone();
    if !asked.way.is_empty() && !terminals(&app).contains(&terminal) {
        return refuse(asked, "enrol-no-terminal");
    }
    let command = match asked.way.as_str() {
        "" => return enrolment(&app, &visitor, StatusCode::OK, asked, ""),
        "pin" => Command::Pin { terminal, number },
        "finger" => {
            let Ok(page) = asked.page.trim().parse() else { return refuse(asked, "enrol-page") };
            let complete = grounds(&app, &visitor.t, person).iter().all(|one| one.next.is_empty());
            if !complete {
                return refuse(asked, "enrol-not-on-record");
            }
            Command::Finger { terminal, number, page }
        }
        _ => return Err(Problem::Form),
    };
    let actor = visitor.seat.as_ref().map(|seat| seat.account.clone()).unwrap_or_default();
    let outcome = (app.handles.commands)(actor, command.clone());
    let clock = app.handles.clock.clone();
    match app.jobs.start(command, outcome, move || clock.now_ms()) {
        Ok(()) | Err(NotNow::Running) => Ok(see_other("/enrolment")),
        Err(NotNow::Busy) => refuse(asked, "enrol-busy"),
    }
}
