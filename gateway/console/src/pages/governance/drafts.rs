//! One draft of a policy: what is wrong with it, what it would change, what it would do to the
//! records of the last thirty days, and who has to sign it.
//!
//! A signer's key never comes to the box: they sign the draft's files on their own machine, and give
//! the line here under the account of their own name.

use super::remedies::{self, Fault, Said};
use super::{account, overview, refused, tabs};
use crate::access::Route;
use crate::app::{App, Shared, visible};
use crate::guard::{Problem, Visitor};
use crate::pages::own::role_word;
use crate::pages::{Badge, Link, Shell, html};
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use muster_ledger::{DraftSigned, GovernError, PolicyDraft, PolicyPreview, Shadow};
use muster_residency::diff::Direction;
use muster_residency::{LawPack, Policy, signature};
use serde::Deserialize;
use std::sync::Arc;

/// Changes and findings shown.
const MAX_SHOWN: usize = 100;

#[derive(Template)]
#[template(path = "draft.html")]
struct Page<'a> {
    shell: Shell,
    t: &'a Words,
    tabs: Vec<Link>,
    trouble: String,
    id: String,
    direction: Badge,
    needs: String,
    missing: String,
    signed: Vec<String>,
    warnings: Vec<Fault>,
    changes: Vec<overview::Changed>,
    /// Empty where the trial waits for another one's end.
    trial: String,
    moves: Vec<String>,
    /// What this account's keys have to sign.
    statements: Vec<String>,
    may_sign: bool,
    may_drop: bool,
    may_fetch: bool,
    text: String,
}

/// `GET /governance/drafts/{draft}`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    shown(&app, &visitor, &id, StatusCode::OK, String::new()).await
}

/// A signature under a draft.
#[derive(Deserialize)]
pub(crate) struct Signed {
    draft: String,
    line: String,
}

/// `POST /governance/drafts/sign`: the second factor was shown just now.
pub(crate) async fn sign(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(form): Form<Signed>,
) -> Result<Response, Problem> {
    let (t, id) = (&visitor.t, form.draft.trim());
    if !visitor.seat.as_ref().is_some_and(|seat| seat.may_approve) {
        return shown(&app, &visitor, id, StatusCode::FORBIDDEN, t.say("own-new")).await;
    }
    let steward = &app.handles.steward;
    match steward.sign_draft(account(&visitor)?, id, form.line.trim()).await {
        Ok(DraftSigned::Accepted(version)) => {
            let name = format!("{}@{}", visible(&version.id), version.version);
            let from = app.zone.stamp(version.from.as_millisecond(), app.now_ms(), t);
            let done = t.fill("draft-accepted", &[("name", &name), ("from", &from)]);
            let written = (app.handles.policy_files.accepted)(&version.governance);
            let trouble = written.err().map(|why| visible(&why)).unwrap_or_default();
            let said = Said { done, trouble, ..Said::default() };
            remedies::shown(&app, &visitor, StatusCode::OK, said)
        }
        Ok(DraftSigned::Waits(_)) => shown(&app, &visitor, id, StatusCode::OK, String::new()).await,
        Err(error) => {
            let trouble = refused(&error)?;
            shown(&app, &visitor, id, StatusCode::UNPROCESSABLE_ENTITY, trouble).await
        }
    }
}

/// Which draft.
#[derive(Deserialize)]
pub(crate) struct Which {
    draft: String,
}

/// `POST /governance/drafts/drop`.
pub(crate) async fn put_away(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(form): Form<Which>,
) -> Result<Response, Problem> {
    let dropped = app.handles.steward.drop_draft(account(&visitor)?, form.draft.trim()).await;
    dropped.map_err(|_| Problem::NotSaved)?;
    let said = Said { done: visitor.t.say("draft-dropped"), ..Said::default() };
    remedies::shown(&app, &visitor, StatusCode::OK, said)
}

/// `GET /governance/drafts/{draft}/{file}`: what is signed, byte by byte.
pub(crate) async fn file(
    State(app): State<Shared>,
    Extension(_visitor): Extension<Arc<Visitor>>,
    Path((id, file)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let draft = find(&app, &id)?;
    let (name, text) = match file.as_str() {
        "policy.toml" => ("policy.toml", draft.governance.policy),
        "lawpack.toml" => ("lawpack.toml", draft.governance.law_pack),
        _ => return Err(Problem::Missing),
    };
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, text).into_response())
}

fn find(app: &App, id: &str) -> Result<PolicyDraft, Problem> {
    app.handles.steward.drafts().into_iter().find(|draft| draft.id == id).ok_or(Problem::Missing)
}

async fn shown(
    app: &Shared,
    visitor: &Visitor,
    id: &str,
    status: StatusCode,
    trouble: String,
) -> Result<Response, Problem> {
    let (t, draft, steward) = (&visitor.t, find(app, id)?, &app.handles.steward);
    let read = |_| Problem::Internal;
    let policy = Policy::parse(&draft.governance.policy).map_err(read)?;
    let pack = LawPack::parse(&draft.governance.law_pack).map_err(read)?;
    let (preview, overtaken) = match steward.preview(draft.governance.clone()).await {
        Ok(preview) => (Some(preview), String::new()),
        Err(GovernError::Refused(why)) => (None, visible(&why.told(t.language.tongue()))),
        Err(GovernError::Commit(_)) => return Err(Problem::NotSaved),
    };
    let trial = trial(app, &draft).await;
    let header = &policy.header;
    let name = format!("{}@{}", visible(&header.id), header.version);
    let warnings = steward.findings(&policy, &pack);
    let title = t.with("draft-title", "name", &name);
    let page = Page {
        shell: Shell::new(app, visitor, title, &format!("/governance/drafts/{}", draft.id)),
        t,
        tabs: tabs(visitor, Route::Remedies),
        trouble: if trouble.is_empty() { overtaken } else { trouble },
        direction: overview::direction(t, preview.as_ref().map_or("loosens", word)),
        needs: t.say(match &preview {
            Some(preview) if preview.direction != Direction::Loosens => "draft-needs-one",
            _ => "draft-needs-two",
        }),
        missing: missing(&preview),
        signed: signed(t, &preview),
        warnings: warnings.iter().take(MAX_SHOWN).map(|finding| Fault::of(finding, t)).collect(),
        changes: changes(t, &preview),
        trial: trial.as_ref().map(|trial| summary(t, trial)).unwrap_or_default(),
        moves: trial.map(|trial| overview::moves(t, &trial)).unwrap_or_default(),
        statements: statements(app, visitor, &policy, &pack),
        may_sign: preview.is_some() && visitor.admits(Route::DraftSign),
        may_drop: visitor.admits(Route::DraftDrop),
        may_fetch: visitor.admits(Route::DraftFile),
        text: visible_lines(&draft.governance.policy),
        id: draft.id,
    };
    html(status, &page)
}

fn word(preview: &PolicyPreview) -> &'static str {
    match preview.direction {
        Direction::Loosens => "loosens",
        Direction::Tightens => "tightens",
        Direction::Neutral => "neutral",
    }
}

fn missing(preview: &Option<PolicyPreview>) -> String {
    let missing = preview.as_ref().and_then(|preview| preview.missing);
    missing.map(|fault| fault.to_string()).unwrap_or_default()
}

fn signed(t: &Words, preview: &Option<PolicyPreview>) -> Vec<String> {
    let signed = preview.iter().flat_map(|preview| &preview.signed);
    signed.map(|by| format!("{} ({})", visible(&by.person), role_word(&by.role, t))).collect()
}

fn changes(t: &Words, preview: &Option<PolicyPreview>) -> Vec<overview::Changed> {
    let changes = preview.iter().flat_map(|preview| &preview.changes);
    changes.take(MAX_SHOWN).map(|change| overview::changed(t, change)).collect()
}

/// What the draft would do to the records of the last thirty days. One trial or report at a time.
async fn trial(app: &Shared, draft: &PolicyDraft) -> Option<Shadow> {
    let _turn = app.report_turn.try_acquire().ok()?;
    app.handles.steward.shadow(&draft.governance).await.ok()
}

fn summary(t: &Words, trial: &Shadow) -> String {
    let values = [
        ("records", t.number(trial.records)),
        ("loosens", t.number(trial.loosens)),
        ("tightens", t.number(trial.tightens)),
    ];
    let values = values.each_ref().map(|(key, value)| (*key, value.as_str()));
    t.fill("draft-trial", &values)
}

/// What the keys of this account's name sign.
fn statements(app: &App, visitor: &Visitor, policy: &Policy, pack: &LawPack) -> Vec<String> {
    let own = visitor.seat.as_ref().map(|seat| seat.account.as_str()).unwrap_or_default();
    let signers = app.handles.steward.signers();
    let mine = signers.iter().filter(|(signer, _)| signer.person == own);
    let text = |role: &str| visible_lines(&signature::statement(policy, pack, own, role));
    mine.map(|(signer, _)| text(&signer.role)).collect()
}

fn visible_lines(text: &str) -> String {
    text.lines().map(visible).collect::<Vec<_>>().join("\n")
}
