//! The request desk: what a person asks for and when it was answered, a copy of all that is held
//! on them, and their name put right.
//!
//! One officer does each of these alone, so none of them may free a record: what decisions rest on
//! (department, category, age, law, account, basis) is corrected with the staff list.

use super::rights::{Said, known, shown};
use super::{account, legal_refused};
use crate::app::{App, Shared};
use crate::guard::{Problem, Visitor};
use axum::Extension;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use muster_attendance::PersonId;
use muster_ledger::{LegalError, Right};
use muster_residency::Policy;
use muster_residency::vocab::Law;
use serde::Deserialize;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Rights as the form has them, with what each is called.
pub(super) const RIGHTS: [(&str, &str); 6] = [
    ("access", "right-access"),
    ("export", "right-export"),
    ("correct", "right-correct"),
    ("restrict", "right-restrict"),
    ("erase", "right-erase"),
    ("object", "right-object"),
];
/// Laws that set a time for the answer, and those of the places that boxes stand in.
pub(super) const LAWS: [&str; 7] = ["HK", "MO", "CN", "SG", "MY", "EU", "UK"];
/// Characters of a name, an answer or a reason.
const MAX_TEXT: usize = 200;

/// The form of a copy of all that is held on a person.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CopyForm {
    /// All of it.
    Json,
    /// The records.
    Csv,
}

/// A copy, later; an error is a sentence for people.
pub type Copying = Pin<Box<dyn Future<Output = Result<Zeroizing<Vec<u8>>, String>> + Send>>;

/// Makes a copy of all that is held on the person of this number, for an account: what `muster
/// person export` prints.
pub type Copies = Arc<dyn Fn(String, String, CopyForm) -> Copying + Send + Sync>;

/// What somebody asks for.
#[derive(Deserialize)]
pub(crate) struct Asked {
    person: u64,
    right: Right,
    law: String,
}

/// `POST /governance/rights`: notes that a person asks for something; the law's time runs.
pub(crate) async fn ask(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(asked): Form<Asked>,
) -> Result<Response, Problem> {
    let person = known(&app, asked.person)?;
    let law = LAWS.contains(&&*asked.law).then(|| Law::from_code(&asked.law)).flatten();
    let law = law.ok_or(Problem::Form)?;
    let steward = &app.handles.steward;
    let noted = steward.ask_right(account(&visitor)?, person, asked.right, law).await;
    told(&app, &visitor, person, noted.map(drop), "rights-noted")
}

/// The answer to a request.
#[derive(Deserialize)]
pub(crate) struct Answer {
    person: u64,
    number: u32,
    answer: String,
}

/// `POST /governance/rights/answer`.
pub(crate) async fn answer(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(given): Form<Answer>,
) -> Result<Response, Problem> {
    let person = known(&app, given.person)?;
    let steward = &app.handles.steward;
    let asked = steward.rights_requests();
    let open = asked.iter().find(|one| (one.number, one.person) == (given.number, person));
    let open = open.ok_or(Problem::Missing)?;
    if open.answered_ms.is_some() {
        // Somebody was quicker; their answer stays.
        let said = Said { trouble: visitor.t.say("rights-answered-already"), ..Said::default() };
        return shown(&app, &visitor, person, StatusCode::CONFLICT, said);
    }
    let Some(text) = text(&given.answer) else { return Err(Problem::Form) };
    let noted = steward.answer_right(account(&visitor)?, given.number, text).await;
    told(&app, &visitor, person, noted, "rights-answer-noted")
}

/// A name put right.
#[derive(Deserialize)]
pub(crate) struct Corrected {
    person: u64,
    name: String,
    /// The name that the page showed.
    was: String,
    reason: String,
}

/// `POST /governance/correct`: one entry of the journal says who, and why.
pub(crate) async fn correct(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(form): Form<Corrected>,
) -> Result<Response, Problem> {
    let person = known(&app, form.person)?;
    let profile = app.handles.directory.profile(person).ok_or(Problem::Missing)?;
    let keep = |trouble: String| Said {
        trouble,
        typed: Some((form.name.clone(), form.reason.clone())),
        ..Said::default()
    };
    let now = profile.name.clone().unwrap_or_default();
    if now != form.was {
        let said = keep(visitor.t.with("rights-changed", "name", &crate::app::visible(&now)));
        return shown(&app, &visitor, person, StatusCode::CONFLICT, said);
    }
    let (Some(name), Some(reason)) = (text(&form.name), text(&form.reason)) else {
        let said = keep(visitor.t.say("rights-correct-rule"));
        return shown(&app, &visitor, person, StatusCode::UNPROCESSABLE_ENTITY, said);
    };
    let profile = muster_ledger::PersonProfile { name: Some(name.to_owned()), ..profile };
    let corrected = app.handles.steward.correct(account(&visitor)?, person, profile, reason).await;
    match corrected {
        Err(LegalError::Invalid(why)) => {
            let said = keep(crate::app::visible(&why));
            shown(&app, &visitor, person, StatusCode::UNPROCESSABLE_ENTITY, said)
        }
        done => told(&app, &visitor, person, done.map(drop), "rights-corrected"),
    }
}

/// Whose copy, and in which form.
#[derive(Deserialize)]
pub(crate) struct Taken {
    person: u64,
    form: CopyForm,
}

/// `POST /governance/take`: all that is held on one person, as a file; the journal says who took it.
pub(crate) async fn take(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(taken): Form<Taken>,
) -> Result<Response, Problem> {
    let person = known(&app, taken.person)?;
    let number = app.handles.directory.profile(person).ok_or(Problem::Missing)?.person;
    let actor = account(&visitor)?.to_owned();
    let copy = match (app.handles.copies)(actor.clone(), number, taken.form).await {
        Ok(copy) => copy,
        Err(why) => {
            let said = Said { trouble: crate::app::visible(&why), ..Said::default() };
            return shown(&app, &visitor, person, StatusCode::SERVICE_UNAVAILABLE, said);
        }
    };
    let noted = app.handles.plans.remark(&actor, "took a copy of what is held on one person");
    noted.await.map_err(|_| Problem::NotSaved)?;
    let (media, ending) = match taken.form {
        CopyForm::Json => ("application/json", "json"),
        CopyForm::Csv => ("text/csv; charset=utf-8", "csv"),
    };
    // A number that the box made up: nothing of theirs is in a file's name.
    let disposition = format!("attachment; filename=\"person-{}.{ending}\"", person.0);
    Ok(([(CONTENT_TYPE, media.to_owned()), (CONTENT_DISPOSITION, disposition)], copy.to_vec())
        .into_response())
}

/// The law of this place, as the newest policy has it; empty without one.
pub(super) fn home_law(app: &App) -> String {
    let versions = app.handles.steward.versions();
    let policy = versions.last().and_then(|v| Policy::parse(&v.governance.policy).ok());
    let sites = policy.map(|policy| policy.sites).unwrap_or_default();
    let home = sites.iter().find(|site| site.id == app.site);
    home.map(|site| site.jurisdiction.to_string()).unwrap_or_default()
}

/// What was typed, if it is anything and not too much.
fn text(typed: &str) -> Option<&str> {
    let typed = typed.trim();
    (1..=MAX_TEXT).contains(&typed.chars().count()).then_some(typed)
}

fn told(
    app: &App,
    visitor: &Visitor,
    person: PersonId,
    done: Result<(), LegalError>,
    message: &str,
) -> Result<Response, Problem> {
    let (status, said) = match done {
        Ok(()) => (StatusCode::OK, Said { done: visitor.t.say(message), ..Said::default() }),
        Err(error) => {
            let said = Said { trouble: legal_refused(&error)?, ..Said::default() };
            (StatusCode::UNPROCESSABLE_ENTITY, said)
        }
    };
    shown(app, visitor, person, status, said)
}
