//! The page's figures as JSON under `/api/v1`, for whoever is logged in and for programs that bear
//! a token: the same people by the same rules as on the page.
//!
//! Lists come a page at a time. `next` of a page is the `cursor` of the next one; a page may hold
//! fewer than asked for, or none, and still name a next. A person's `id` is the number that the box
//! made up for them, as in the page's addresses; `person` is the number the terminals send.

pub(crate) mod board;
pub(crate) mod records;
pub(crate) mod sheets;
pub(crate) mod status;

use crate::app::{App, Who};
use crate::guard::Problem;
use axum::Json;
use axum::extract::{FromRequestParts, Query};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use muster_attendance::PersonId;
use muster_ledger::Correction;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// An error as the interface says it.
pub(crate) fn refusal(status: StatusCode, what: &str) -> Response {
    (status, Json(json!({ "error": { "status": status.as_u16(), "message": what } })))
        .into_response()
}

/// `GET /api/v1/openapi.json`.
pub(crate) async fn description() -> Json<Value> {
    Json(crate::openapi::document())
}

/// What the address asks for; what cannot be read is refused as every error is.
pub(crate) struct Asked<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::from_request_parts(parts, state).await;
        query.map(|Query(asked)| Self(asked)).map_err(|_| Problem::Form)
    }
}

/// Where to go on, and how many at once.
#[derive(Deserialize, Default)]
pub(crate) struct Turn {
    pub(crate) cursor: Option<String>,
    pub(crate) limit: Option<usize>,
    pub(crate) department: Option<String>,
}

impl Turn {
    /// How many, at most `most`, which is also what comes unasked.
    fn limit(&self, most: usize) -> usize {
        self.limit.unwrap_or(most).clamp(1, most)
    }
}

/// Rows of a list, written out as they are made: as values, a page of a hundred people's months
/// would hold many times the memory of its text.
#[derive(Default)]
struct Rows(String);

impl Rows {
    fn push(&mut self, row: &Value) {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        // Writing to a string cannot fail.
        let _ = write!(self.0, "{row}");
    }

    /// An answer that has them under `name` beside what `head` has, which is something.
    fn answer(self, head: &Value, name: &str) -> Response {
        let head = head.to_string();
        let head = head.strip_suffix('}').unwrap_or(&head);
        let body = format!("{head},\"{name}\":[{}]}}", self.0);
        ([(CONTENT_TYPE, "application/json")], body).into_response()
    }
}

/// Reads a cursor.
fn cursor<T: std::str::FromStr>(text: Option<&str>) -> Result<Option<T>, Problem> {
    text.map(str::parse).transpose().map_err(|_| Problem::Form)
}

/// Whose: what every row about somebody begins with.
fn of(person: PersonId, who: &Who) -> Value {
    json!({
        "id": person.0.to_string(),
        "person": who.number,
        "name": who.shown,
        "department": who.department,
    })
}

/// A row with more keys.
fn with(mut row: Value, more: Value) -> Value {
    if let (Some(row), Value::Object(more)) = (row.as_object_mut(), more) {
        row.extend(more);
    }
    row
}

/// A correction with its reason, and who decided on it.
fn correction(app: &App, correction: &Correction) -> Value {
    let time = |ms: i64| app.zone.machine(ms);
    let decided = correction.decided.as_ref().map(|decided| {
        json!({ "by": decided.by, "at": time(decided.at_ms), "approved": decided.approved })
    });
    json!({
        "number": correction.number,
        "date": correction.date.to_string(),
        "change": correction.change,
        "by": correction.by,
        "asked": time(correction.asked_ms),
        "reason": app.handles.directory.open_note(correction.person, &correction.reason),
        "decided": decided,
    })
}
