//! The policy's life: what is in force, what comes, every version with its direction and signers,
//! how the last two differ; and the emergency stop.

use super::{account, legal_refused, tabs};
use crate::access::Route;
use crate::app::{App, Shared, visible};
use crate::guard::{Problem, Visitor};
use crate::pages::own::role_word;
use crate::pages::{Badge, Link, Shell, html};
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use muster_ledger::{PolicyVersion, Shadow};
use muster_residency::diff::{self, Direction};
use muster_residency::{LawPack, Policy, Rules};
use std::sync::Arc;

/// Versions shown, the newest first.
const MAX_VERSIONS: usize = 50;
/// Changes shown between two versions.
const MAX_CHANGES: usize = 100;
/// Kinds of move that a trial shows.
const MAX_MOVES: usize = 50;

struct Version {
    name: String,
    state: Badge,
    direction: Badge,
    signers: String,
    from: String,
    until: String,
    hash: String,
}

pub(super) struct Changed {
    pub(super) direction: Badge,
    pub(super) what: String,
    pub(super) example: String,
}

#[derive(Template)]
#[template(path = "governance.html")]
struct Page<'a> {
    shell: Shell,
    t: &'a Words,
    tabs: Vec<Link>,
    trouble: String,
    /// Why nothing leaves, where nothing does.
    holds: String,
    /// Why the last policy handed in is not in force.
    refused: String,
    stopped: String,
    may_stop: bool,
    versions: Vec<Version>,
    /// What changed with the newest version.
    changes: Vec<Changed>,
    moves: Vec<String>,
    tried: bool,
}

/// `GET /governance`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
) -> Result<Response, Problem> {
    shown(&app, &visitor, StatusCode::OK, String::new()).await
}

/// `POST /governance/stop`: nothing leaves from now on. One person may say so.
pub(crate) async fn stop(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
) -> Result<Response, Problem> {
    let trouble = match app.handles.steward.stop(account(&visitor)?).await {
        Ok(()) => String::new(),
        Err(error) => legal_refused(&error)?,
    };
    shown(&app, &visitor, StatusCode::OK, trouble).await
}

async fn shown(
    app: &Shared,
    visitor: &Visitor,
    status: StatusCode,
    trouble: String,
) -> Result<Response, Problem> {
    let (t, now_ms) = (&visitor.t, app.now_ms());
    let (steward, box_status) = (&app.handles.steward, (app.handles.status)());
    let versions = steward.versions();
    let newest = versions.len().saturating_sub(2);
    let pair = versions.get(newest..).unwrap_or_default().to_vec();
    let changes = tokio::task::spawn_blocking(move || changes(&pair)).await;
    let changes = changes.map_err(|_| Problem::Internal)?;
    let trial = trial(app, versions.last(), now_ms).await;
    let stopped = steward.local_only().map(|stop| {
        let since = app.zone.stamp(stop.since_ms, now_ms, t);
        t.fill("stop-on", &[("by", &visible(&stop.by)), ("since", &since)])
    });
    let page = Page {
        shell: Shell::new(app, visitor, t.say("nav-governance"), "/governance"),
        t,
        tabs: tabs(visitor, Route::Governance),
        trouble,
        holds: box_status.policy_holds.join(", "),
        refused: box_status.policy_refused.as_deref().map(visible).unwrap_or_default(),
        may_stop: stopped.is_none() && visitor.admits(Route::Stop),
        stopped: stopped.unwrap_or_default(),
        versions: versions
            .iter()
            .rev()
            .take(MAX_VERSIONS)
            .map(|version| version_row(app, t, version, now_ms))
            .collect(),
        changes: changes.iter().map(|change| changed(t, change)).collect(),
        tried: trial.is_some(),
        moves: trial.map(|trial| moves(t, &trial)).unwrap_or_default(),
    };
    html(status, &page)
}

fn version_row(app: &App, t: &Words, version: &PolicyVersion, now_ms: i64) -> Version {
    let (from, until) = (version.from.as_millisecond(), version.until.as_millisecond());
    let state = match (version.superseded, from <= now_ms, until <= now_ms) {
        (true, ..) => ("quiet", "version-superseded"),
        (_, false, _) => ("info", "version-to-come"),
        (.., true) => ("bad", "version-ended"),
        _ => ("good", "version-began"),
    };
    let signers: Vec<String> = version
        .signers
        .iter()
        .map(|signer| format!("{} ({})", visible(&signer.person), role_word(&signer.role, t)))
        .collect();
    Version {
        name: format!("{}@{}", visible(&version.id), version.version),
        state: Badge { tone: state.0, label: t.say(state.1) },
        direction: direction(t, &version.direction),
        signers: signers.join(", "),
        from: app.zone.stamp(from, now_ms, t),
        until: app.zone.stamp(until, now_ms, t),
        hash: version.policy_hash.clone(),
    }
}

pub(super) fn direction(t: &Words, word: &str) -> Badge {
    let (tone, label) = match word {
        "tightens" => ("good", "direction-tightens"),
        "loosens" => ("warn", "direction-loosens"),
        _ => ("quiet", "direction-neutral"),
    };
    Badge { tone, label: t.say(label) }
}

/// What a version that is still to come would do to the records of the last thirty days. One trial
/// or report at a time: each reads the journal.
async fn trial(app: &Shared, newest: Option<&PolicyVersion>, now_ms: i64) -> Option<Shadow> {
    let to_come = newest.filter(|v| !v.superseded && v.from.as_millisecond() > now_ms)?;
    let _turn = app.report_turn.try_acquire().ok()?;
    app.handles.steward.shadow(&to_come.governance).await.ok()
}

/// How the newest of two versions differs from the one before it; nothing of one alone.
fn changes(versions: &[PolicyVersion]) -> Vec<diff::Change> {
    let rules = |version: &PolicyVersion| {
        let policy = Policy::parse(&version.governance.policy).ok()?;
        Some(Rules::new(policy, LawPack::parse(&version.governance.law_pack).ok()?))
    };
    let [before, after] = versions else { return Vec::new() };
    let Some((before, after)) = rules(before).zip(rules(after)) else { return Vec::new() };
    let mut found = diff::diff(&before, &after).changes;
    found.truncate(MAX_CHANGES);
    found
}

pub(super) fn changed(t: &Words, change: &diff::Change) -> Changed {
    let word = match change.direction {
        Direction::Loosens => "loosens",
        Direction::Tightens => "tightens",
        Direction::Neutral => "neutral",
    };
    Changed {
        direction: direction(t, word),
        what: visible(&change.told(t.language.tongue())),
        example: change.example.as_deref().map(visible).unwrap_or_default(),
    }
}

pub(super) fn moves(t: &Words, trial: &Shadow) -> Vec<String> {
    let line = |moved: &muster_ledger::ShadowMove| {
        let values = [
            ("count", t.number(moved.count)),
            ("from", visible(&moved.from)),
            ("to", visible(&moved.to)),
        ];
        let values = values.each_ref().map(|(key, value)| (*key, value.as_str()));
        t.fill("trial-move", &values)
    };
    trial.moves.iter().take(MAX_MOVES).map(line).collect()
}
