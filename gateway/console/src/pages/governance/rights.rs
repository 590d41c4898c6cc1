//! What is on record of one person besides their punches, and what they may ask for.

use super::requests::{LAWS, RIGHTS, home_law};
use super::{account, refused};
use crate::access::Route;
use crate::app::{App, Shared, visible};
use crate::guard::{Problem, Visitor};
use crate::pages::{Badge, Link, Shell, html};
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use muster_attendance::PersonId;
use muster_ledger::{Request, RequestError};
use serde::Deserialize;
use std::sync::Arc;

struct Asked {
    number: u32,
    open: bool,
    what: String,
    law: String,
    due: String,
    state: Badge,
}

#[derive(Template)]
#[template(path = "rights.html")]
struct Page<'a> {
    shell: Shell,
    t: &'a Words,
    person: u64,
    name: String,
    trouble: String,
    done: String,
    /// The name as it is on record, and what stands in the form.
    recorded: String,
    typed: (String, String),
    rights: Vec<Link>,
    laws: Vec<Link>,
    /// Columns of the directory that are known.
    known: Vec<(String, String)>,
    /// Consents, notices, leaving.
    facts: Vec<String>,
    restricted: String,
    requests: Vec<Asked>,
    /// What erasures have left to do.
    left: Vec<String>,
    may: bool,
}

/// `GET /people/{person}/rights`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Path(person): Path<u64>,
) -> Result<Response, Problem> {
    shown(&app, &visitor, PersonId(person), StatusCode::OK, Said::default())
}

/// Whom a form is about.
#[derive(Deserialize)]
pub(crate) struct About {
    person: u64,
    #[serde(default)]
    lift: bool,
    #[serde(default)]
    biometrics: bool,
}

/// What a page says of a form.
#[derive(Default)]
pub(super) struct Said {
    pub(super) trouble: String,
    pub(super) done: String,
    /// Name and reason as they were typed, where they did not do.
    pub(super) typed: Option<(String, String)>,
}

/// `POST /governance/restrict`: one restricts, two lift it.
pub(crate) async fn restrict(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(form): Form<About>,
) -> Result<Response, Problem> {
    let (steward, person) = (&app.handles.steward, known(&app, form.person)?);
    let reason = visitor.t.say("rights-reason");
    let done = steward.restrict(account(&visitor)?, person, !form.lift, &reason).await;
    told(&app, &visitor, person, done, "rights-restricted")
}

/// `POST /governance/erase`: proposes it; two signers approve.
pub(crate) async fn erase(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(form): Form<About>,
) -> Result<Response, Problem> {
    let (steward, person) = (&app.handles.steward, known(&app, form.person)?);
    let done = steward.propose_erasure(account(&visitor)?, person, form.biometrics).await;
    told(&app, &visitor, person, done, "rights-restricted")
}

pub(super) fn known(app: &App, person: u64) -> Result<PersonId, Problem> {
    let person = PersonId(person);
    app.handles.directory.profile(person).map(|_| person).ok_or(Problem::Missing)
}

fn told(
    app: &App,
    visitor: &Visitor,
    person: PersonId,
    done: Result<Option<Request>, RequestError>,
    at_once: &str,
) -> Result<Response, Problem> {
    let t = &visitor.t;
    let (status, said) = match done {
        Ok(None) => (StatusCode::OK, Said { done: t.say(at_once), ..Said::default() }),
        Ok(Some(request)) => {
            let done = t.with("rights-proposed", "request", &request.id);
            (StatusCode::OK, Said { done, ..Said::default() })
        }
        Err(error) => {
            let said = Said { trouble: refused(&error)?, ..Said::default() };
            (StatusCode::UNPROCESSABLE_ENTITY, said)
        }
    };
    shown(app, visitor, person, status, said)
}

pub(super) fn shown(
    app: &App,
    visitor: &Visitor,
    person: PersonId,
    status: StatusCode,
    said: Said,
) -> Result<Response, Problem> {
    let (t, now_ms, steward) = (&visitor.t, app.now_ms(), &app.handles.steward);
    let profile = app.handles.directory.profile(person).ok_or(Problem::Missing)?;
    let recorded = profile.name.clone().unwrap_or_default();
    let columns = serde_json::to_value(&profile).unwrap_or_default();
    let columns = columns.as_object().into_iter().flatten();
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::Array(several) => {
            let words = several.iter().filter_map(|one| one.as_str()).map(visible);
            words.collect::<Vec<_>>().join(", ")
        }
        value => value.as_str().map_or_else(|| visible(&value.to_string()), visible),
    };
    let empty =
        |value: &serde_json::Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    let known = columns.filter(|(_, value)| !empty(value));
    let legal = steward.person_legal(person);
    let restricted = legal.restricted_ms.map(|ms| app.zone.stamp(ms, now_ms, t));
    let page = Page {
        shell: Shell::new(
            app,
            visitor,
            t.say("rights-title"),
            &format!("/people/{}/rights", person.0),
        ),
        t,
        person: person.0,
        name: app.who(person, t).shown,
        trouble: said.trouble,
        done: said.done,
        typed: said.typed.unwrap_or_else(|| (recorded.clone(), String::new())),
        recorded,
        rights: choices(RIGHTS.iter().map(|(word, label)| (*word, t.say(label))), ""),
        laws: choices(LAWS.iter().map(|law| (*law, (*law).to_owned())), &home_law(app)),
        known: known.map(|(key, value)| (label(t, key), text(value))).collect(),
        facts: facts(app, t, &legal, now_ms),
        restricted: restricted.unwrap_or_default(),
        requests: requests(app, t, person, now_ms),
        left: left(t, app, person),
        may: visitor.admits(Route::Restrict),
    };
    html(status, &page)
}

/// What a column of the directory is called; by its own name where it is new here.
fn label(t: &Words, column: &str) -> String {
    let known = match column {
        "person" => "profile-number",
        "name" => "rights-name",
        "department" => "profile-department",
        "category" => "profile-category",
        "age_band" => "profile-age",
        "employment_law" => "profile-law",
        "account_class" => "profile-account",
        "platform_user_id" => "profile-platform",
        "basis" => "profile-basis",
        other => return other.to_owned(),
    };
    t.say(known)
}

/// Values of a list to choose from.
fn choices<'a>(all: impl Iterator<Item = (&'a str, String)>, chosen: &str) -> Vec<Link> {
    let link =
        |(to, label): (&str, String)| Link { to: to.to_owned(), label, current: to == chosen };
    all.map(link).collect()
}

fn facts(app: &App, t: &Words, legal: &muster_ledger::PersonLegal, now_ms: i64) -> Vec<String> {
    let stamp = |at: jiff::Timestamp| app.zone.stamp(at.as_millisecond(), now_ms, t);
    let mut facts = Vec::new();
    for (label, intervals) in
        [("rights-consent", &legal.consent), ("rights-guardian", &legal.guardian)]
    {
        for interval in intervals {
            let to = interval.to.map_or_else(|| t.say("rights-open"), stamp);
            facts.push(t.fill(label, &[("from", &stamp(interval.from)), ("to", &to)]));
        }
    }
    for (kind, given) in &legal.notices {
        let version = given.version.to_string();
        let values = [("kind", &*visible(kind)), ("version", &*version)];
        facts.push(t.fill("rights-notice", &values));
    }
    facts.extend(legal.leaves.map(|day| t.with("rights-leaves", "day", &day.to_string())));
    facts
}

fn requests(app: &App, t: &Words, person: PersonId, now_ms: i64) -> Vec<Asked> {
    let all = app.handles.steward.rights_requests().into_iter();
    let row = |request: muster_ledger::RightsRequest| {
        let (tone, label) = match (request.answered_ms, request.due_ms < now_ms) {
            (Some(_), _) => ("good", "rights-answered"),
            (None, true) => ("bad", "rights-overdue"),
            (None, false) => ("warn", "rights-owed"),
        };
        let word = serde_json::to_value(request.right).unwrap_or_default();
        let word = RIGHTS.iter().find(|(word_of, _)| word == *word_of);
        Asked {
            number: request.number,
            open: request.answered_ms.is_none(),
            what: word.map(|(_, label)| t.say(label)).unwrap_or_default(),
            law: request.law.to_string(),
            due: app.zone.stamp(request.due_ms, now_ms, t),
            state: Badge { tone, label: t.say(label) },
        }
    };
    all.filter(|request| request.person == person).map(row).collect()
}

fn left(t: &Words, app: &App, person: PersonId) -> Vec<String> {
    let erasures = app.handles.steward.erasures().into_iter();
    let of = erasures.filter(|erasure| erasure.persons.contains(&person));
    let todo = of.flat_map(|erasure| erasure.todo);
    todo.map(|place| t.with("rights-left", "place", &visible(&place.to_string()))).collect()
}
