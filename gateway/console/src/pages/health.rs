//! How the box is: each check with its cause and its cure, and the figures behind.

use crate::access::Route;
use crate::app::{Check, Shared, visible};
use crate::guard::{Problem, Visitor};
use crate::pages::waiting::{Destination, destinations};
use crate::pages::{Badge, Shell, html};
use crate::reasons::{NO_POLICY, explain};
use crate::words::{Language, Words};
use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use muster_ledger::{Health, Status};
use std::sync::Arc;

/// How the names of checks of destinations begin; the page has a table of those.
const DESTINATION: &str = "destination ";
/// Checks that the page only hands on: how their names begin, their label, what is wrong where one
/// is not well, and what to do.
const SAID: &[(&str, &str, &str, &str)] = &[
    ("disk", "check-disk", "ill-disk", "cure-disk"),
    ("clock", "check-clock", "ill-clock", "cure-clock"),
    ("expiry", "check-expiry", "ill-papers", "cure-papers"),
    ("local-only", "stop-title", "why-local-only", "cure-local-only"),
    ("rights", "check-rights", "ill-rights", "cure-rights"),
    ("vault", "check-vault", "ill-vault", "cure-vault"),
    ("terminals", "nav-terminals", "ill-terminals", "cure-terminals"),
    ("renewal", "check-renewal", "ill-renewal", "cure-renewal"),
    ("serial", "check-serial", "ill-serial", "cure-serial"),
    ("broker", "check-broker", "ill-broker", "cure-broker"),
    ("egress", "check-egress", "ill-egress", "cure-egress"),
    ("siem", "check-siem", "ill-siem", "cure-siem"),
];
/// Checks and reasons shown.
const MAX_SHOWN: usize = 100;

#[derive(Debug)]
struct CheckRow {
    name: String,
    state: Badge,
    since: String,
    /// What is wrong, in the language of the page, where `cause` is in the box's own.
    ill: String,
    cause: String,
    cure: String,
}

struct Figure {
    label: String,
    value: String,
}

#[derive(Template)]
#[template(path = "health.html")]
struct HealthPage<'a> {
    shell: Shell,
    t: &'a Words,
    verdict: Badge,
    checks: Vec<CheckRow>,
    figures: Vec<Figure>,
    destinations: Vec<Destination>,
    refused: Vec<Figure>,
    policy: String,
    doctor: bool,
}

/// `GET /health`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
) -> Result<Response, Problem> {
    let (t, now_ms) = (&visitor.t, app.now_ms());
    let status = (app.handles.status)();
    let more = (app.handles.checks)();
    let mut rows = own_checks(&status, t);
    let worst = rows.iter().map(|(_, health, _)| *health);
    let worst = worst.chain(more.iter().map(|check| check.status)).max().unwrap_or(Health::Ok);
    for (name, _, row) in &mut rows {
        let same = more.iter().find(|check| check.name == *name);
        row.since = same.map(|check| since(&app, check, now_ms, t)).unwrap_or_default();
    }
    let own: Vec<_> = rows.iter().map(|(name, ..)| *name).collect();
    let others = more.iter().filter(|check| !own.contains(&check.name.as_str()));
    let others = others.filter(|check| !check.name.starts_with(DESTINATION));
    let others = others.take(MAX_SHOWN).map(|check| check_row(&app, check, now_ms, t));
    let checks = rows.into_iter().map(|(_, _, row)| row).chain(others).collect();
    let page = HealthPage {
        shell: Shell::new(&app, &visitor, t.say("nav-health"), "/health"),
        t,
        verdict: verdict(worst, t),
        checks,
        figures: figures(&status, t),
        destinations: destinations(&app, t, &status.destinations, now_ms),
        refused: refused(&status, t),
        policy: status.policy.as_deref().map(visible).unwrap_or_else(|| t.say("policy-none")),
        doctor: visitor.admits(Route::Doctor),
    };
    html(StatusCode::OK, &page)
}

fn verdict(worst: Health, t: &Words) -> Badge {
    let (tone, label) = match worst {
        Health::Ok => ("good", "verdict-ok"),
        Health::Degraded => ("warn", "verdict-degraded"),
        Health::Failing => ("bad", "verdict-failing"),
    };
    Badge { tone, label: t.say(label) }
}

fn state(health: Health, t: &Words) -> Badge {
    let (tone, label) = match health {
        Health::Ok => ("good", "health-ok"),
        Health::Degraded => ("warn", "health-degraded"),
        Health::Failing => ("bad", "health-failing"),
    };
    Badge { tone, label: t.say(label) }
}

/// A check of the ledger: the name it has in `/healthz`, how it is, its row.
type OwnCheck = (&'static str, Health, CheckRow);

/// The ledger's own checks, in the visitor's language.
fn own_checks(status: &Status, t: &Words) -> Vec<OwnCheck> {
    let row = |name: &'static str, label: &str, health: Health, cause: String, cure: String| {
        let (name_shown, since) = (t.say(label), String::new());
        let (state, ill) = (state(health, t), String::new());
        (name, health, CheckRow { name: name_shown, state, since, ill, cause, cure })
    };
    let when = |bad: bool, id: &str| if bad { t.say(id) } else { String::new() };
    let journal = status.journal != Health::Ok;
    let views = status.views != Health::Ok;
    let behind = if views { t.count("cause-views", status.views_behind) } else { String::new() };
    let set_aside = status.quarantined > 0;
    let kept =
        if set_aside { t.count("cause-quarantined", status.quarantined) } else { String::new() };
    vec![
        row(
            "journal",
            "check-journal",
            status.journal,
            status.journal_cause.as_deref().map(visible).unwrap_or_default(),
            when(journal, "cure-receipts"),
        ),
        row("views", "check-views", status.views, behind, when(views, "cure-lists")),
        policy_check(status, t),
        row(
            "quarantine",
            "check-quarantine",
            if set_aside { Health::Degraded } else { Health::Ok },
            kept,
            when(set_aside, "cure-quarantined"),
        ),
    ]
}

fn policy_check(status: &Status, t: &Words) -> OwnCheck {
    let told = match (&status.policy, status.policy_holds.first()) {
        (None, _) => Some(explain(NO_POLICY, t)),
        (Some(_), Some(code)) => Some(explain(code, t)),
        (Some(_), None) => None,
    };
    let health = if told.is_some() { Health::Degraded } else { Health::Ok };
    let (cause, cure) = told.map(|told| (told.why, told.cure)).unwrap_or_default();
    let (name, since, ill) = (t.say("check-policy"), String::new(), String::new());
    ("policy", health, CheckRow { name, state: state(health, t), since, ill, cause, cure })
}

/// Since when a check is as it is.
fn since(app: &Shared, check: &Check, now_ms: i64, t: &Words) -> String {
    let since = check.since.map(|ms| app.zone.stamp(ms, now_ms, t));
    since.map(|since| t.with("since", "time", &since)).unwrap_or_default()
}

/// A check that the page only hands on: named in the language of the page, and what is wrong in the
/// box's own words, which have the figures. Those are English: beside another language what the
/// check means and what to do are told first.
fn check_row(app: &Shared, check: &Check, now_ms: i64, t: &Words) -> CheckRow {
    let kind = check.name.split(' ').next().unwrap_or_default();
    let said = SAID.iter().find(|(name, ..)| *name == kind);
    // What it is of: the port of a serial line.
    let of = check.name.get(kind.len()..).unwrap_or_default();
    let name = said.map(|(_, label, ..)| t.say(label) + of).unwrap_or_else(|| check.name.clone());
    let own = |text: &Option<String>| text.as_deref().map(visible).unwrap_or_default();
    let (mut ill, mut cure) = (String::new(), own(&check.cure));
    if let Some((_, _, means, does)) = said.filter(|_| t.language != Language::English)
        && check.status != Health::Ok
    {
        (ill, cure) = (t.say(means), t.say(does));
    }
    let (state, since) = (state(check.status, t), since(app, check, now_ms, t));
    CheckRow { name: visible(&name), state, since, ill, cause: own(&check.cause), cure }
}

fn figures(status: &Status, t: &Words) -> Vec<Figure> {
    let figure = |label: &str, value: String| Figure { label: t.say(label), value };
    vec![
        figure("figure-records", t.number(status.records)),
        figure("figure-receipted", t.number(status.receipted)),
        figure("figure-held", t.number(status.held.values().sum())),
        figure("figure-quarantined", t.number(status.quarantined)),
        figure("figure-refused", t.number(status.refused.values().sum())),
        figure("figure-bytes", size(status.journal_bytes)),
    ]
}

fn refused(status: &Status, t: &Words) -> Vec<Figure> {
    let figure = |(reason, count): (&String, &u64)| Figure {
        label: refusal(reason, t),
        value: t.number(*count),
    };
    status.refused.iter().filter(|(_, n)| **n > 0).take(MAX_SHOWN).map(figure).collect()
}

/// Reasons for refusing a message, as the ledger writes them, in words.
fn refusal(reason: &str, t: &Words) -> String {
    let id = match reason {
        "unknown-device" => "refusal-unknown-device",
        "wrong-device" => "refusal-wrong-device",
        "revoked" => "refusal-revoked",
        "malformed" => "refusal-malformed",
        "oversized" => "refusal-oversized",
        "not-authentic" => "refusal-not-authentic",
        "bad-topic" => "refusal-bad-topic",
        "bad-person" => "refusal-bad-person",
        "bad-time" => "refusal-bad-time",
        "too-sparse" => "refusal-too-sparse",
        "unknown-version" => "refusal-unknown-version",
        other => return visible(other),
    };
    t.say(id)
}

/// Bytes in the largest unit that leaves a number of at least one.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if bytes < 1024 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_unit() {
        for (bytes, expect) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1536, "1.5 KiB"),
            (5 * 1024 * 1024, "5.0 MiB"),
            (u64::MAX, "16777216.0 TiB"),
        ] {
            assert_eq!(size(bytes), expect);
        }
    }
}
