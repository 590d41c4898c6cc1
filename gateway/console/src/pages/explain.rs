//! One record's decision: what was decided, by which rule and where that says so, and the smallest
//! sets of papers that would free it; in any of four languages.

use crate::app::{App, Shared, visible};
use crate::guard::{Problem, Visitor};
use crate::pages::day::visible_to;
use crate::pages::{Badge, Link, Shell, html, sending};
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use muster_attendance::EventId;
use muster_ledger::{Explanation, RecordState};
use muster_residency::explain::{self, Language as Tongue};
use serde::Deserialize;
use std::sync::Arc;

struct Reason {
    code: String,
    sentence: String,
    /// What would free it, in the visitor's language; empty for what holds nothing.
    cure: String,
    cite: String,
    /// What was asked for, by alternative; each with whether it is there.
    asked: Vec<Vec<(String, bool)>>,
}

#[derive(Template)]
#[template(path = "explain.html")]
struct ExplainPage<'a> {
    shell: Shell,
    t: &'a Words,
    id: String,
    state: Badge,
    tongue: &'static str,
    tongues: Vec<Link>,
    verdict: String,
    reasons: Vec<Reason>,
    frees: Vec<Vec<String>>,
    notes: Vec<String>,
    /// Policy and law pack with their hashes.
    rules: Vec<String>,
}

/// In which language.
#[derive(Deserialize)]
pub(crate) struct In {
    r#in: Option<String>,
}

/// `GET /records/{record}`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Path(record): Path<String>,
    Query(query): Query<In>,
) -> Result<Response, Problem> {
    let id: EventId = record.parse().map_err(|_| Problem::Missing)?;
    let (asked, seat) = (app.clone(), visitor.seat.as_ref().ok_or(Problem::Missing)?);
    let explained = tokio::task::spawn_blocking(move || (asked.handles.explain)(id)).await;
    let explained = explained.map_err(|_| Problem::Internal)?.map_err(|error| {
        tracing::warn!(%error, "a record cannot be explained");
        Problem::Views
    })?;
    let explained = explained.ok_or(Problem::Missing)?;
    if explained.person().is_some_and(|person| !visible_to(&app, seat, person)) {
        return Err(Problem::Missing);
    }
    let t = &visitor.t;
    let tongue = query.r#in.as_deref().map_or_else(|| t.language.tongue(), Tongue::from_tag);
    let here = format!("/records/{id}");
    let page = ExplainPage {
        shell: Shell::new(&app, &visitor, t.say("explain-title"), &here),
        t,
        id: id.to_string(),
        state: sending(explained.state, t),
        tongue: tongue.tag(),
        tongues: tongues(&here, tongue),
        verdict: verdict(&explained, t, tongue),
        reasons: reasons(&app, t, &explained, tongue),
        frees: frees(&explained, tongue),
        notes: notes(&explained, tongue),
        rules: rules(&explained),
    };
    html(StatusCode::OK, &page)
}

fn tongues(here: &str, current: Tongue) -> Vec<Link> {
    let link = |tongue: Tongue| Link {
        to: format!("{here}?in={}", tongue.tag()),
        label: match tongue {
            Tongue::En => "English",
            Tongue::ZhHant => "繁體中文",
            Tongue::ZhHans => "简体中文",
            Tongue::Pt => "Português",
        }
        .to_owned(),
        current: tongue == current,
    };
    Tongue::ALL.into_iter().map(link).collect()
}

fn verdict(explained: &Explanation, t: &Words, tongue: Tongue) -> String {
    let decision = explained.decision.as_ref();
    decision.map_or_else(|| t.say("explain-damaged"), |d| explain::words(d, tongue).verdict)
}

fn reasons(app: &App, t: &Words, explained: &Explanation, tongue: Tongue) -> Vec<Reason> {
    let Some(decision) = &explained.decision else { return Vec::new() };
    let words = explain::words(decision, tongue).reasons.into_iter();
    let details = decision.details.iter().map(Some).chain(std::iter::repeat(None));
    words
        .zip(details)
        .map(|((code, sentence, cite), detail)| Reason {
            cure: match explained.state {
                RecordState::Held => app.explain(&code, t).cure,
                _ => String::new(),
            },
            code: visible(&code),
            sentence: visible(&sentence),
            cite: cite.as_deref().map(visible).unwrap_or_default(),
            asked: detail.map(asked).unwrap_or_default(),
        })
        .collect()
}

fn asked(reason: &muster_residency::decision::Reason) -> Vec<Vec<(String, bool)>> {
    let needs = |set: &Vec<muster_residency::decision::Need>| {
        set.iter().map(|need| (visible(need.what.as_str()), need.met)).collect()
    };
    reason.alternatives.iter().map(needs).collect()
}

fn frees(explained: &Explanation, tongue: Tongue) -> Vec<Vec<String>> {
    let decision = explained.decision.as_ref();
    let sets = decision.map(|d| explain::words(d, tongue).to_release).unwrap_or_default();
    sets.into_iter().map(|set| set.iter().map(|text| visible(text)).collect()).collect()
}

fn notes(explained: &Explanation, tongue: Tongue) -> Vec<String> {
    let note = explained.decision.as_ref().map(|d| explain::words(d, tongue).note);
    let overdue = explained.law_pack_overdue.then(|| explain::overdue(tongue));
    note.into_iter().chain(overdue).collect()
}

fn rules(explained: &Explanation) -> Vec<String> {
    let Some(rules) = &explained.rules else { return Vec::new() };
    [(&rules.policy, &rules.policy_sha256), (&rules.law_pack, &rules.law_pack_sha256)]
        .map(|(name, hash)| format!("{} sha256:{hash}", visible(name)))
        .into()
}
