//! The doctor's round on the page: the same checks as `muster doctor`, each with its state, cause,
//! cure and place in the runbook. It reads the whole journal, so it runs by itself and the page
//! shows how long it has been under way.

use crate::app::{App, Shared, visible};
use crate::guard::{Problem, Visitor, see_other};
use crate::jobs::{Command, Done, Job, LIMIT, Look, LookState};
use crate::pages::{Badge, Shell, html};
use crate::words::{Language, Words};
use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{HeaderValue, REFRESH};
use axum::response::Response;
use std::sync::Arc;

/// What to do about each check, at length.
const RUNBOOK: &str = include_str!("../../../../deploy/handbook/src/runbook.md");
/// Seconds after which a page with something under way asks again.
const TRY_AGAIN: HeaderValue = HeaderValue::from_static("2");
/// Findings shown.
const MAX_SHOWN: usize = 300;
/// A check, how the name of what it found ends, what is wrong then, and what to do. The first that
/// fits counts.
const SAID: &[(&str, &str, &str, &str)] = &[
    ("region", ": certificate ends", "ill-region-ends", "cure-region-ends"),
    ("disk", "mount", "ill-disk-mount", "cure-disk-mount"),
    ("disk", "inodes", "ill-disk-inodes", "cure-disk-inodes"),
    ("disk", "errors", "ill-disk-errors", "cure-disk-errors"),
    ("policy", "policy file", "ill-policy-file", "cure-policy-file"),
    ("backup", "latest backup", "ill-backup-latest", "cure-backup-latest"),
    ("backup", "erasures in backups", "ill-backup-erasures", "cure-backup-erasures"),
    ("region", ": name", "ill-region-name", "cure-region-name"),
    ("region", ": connect", "ill-region-connect", "cure-region-connect"),
    ("region", ": TLS", "ill-region-tls", "cure-region-tls"),
    ("region", ": certificate", "ill-region-certificate", "cure-region-certificate"),
    ("region", ": region", "ill-region-region", "cure-region-region"),
    ("region", ": login", "ill-region-login", "cure-region-login"),
    ("region", ": dry run", "ill-region-dry-run", "cure-region-dry-run"),
    ("configuration", "", "ill-configuration", "cure-configuration"),
    ("gateway", "", "ill-gateway", "cure-gateway"),
    ("clock", "", "ill-clock", "cure-clock"),
    ("disk", "", "ill-disk", "cure-disk"),
    ("memory", "", "ill-memory", "cure-memory"),
    ("unit", "", "ill-unit", "cure-unit"),
    ("serial", "", "ill-serial", "cure-serial"),
    ("certificate", "", "ill-certificate", "cure-certificate"),
    ("journal", "", "ill-journal", "cure-journal"),
    ("views", "", "ill-views", "cure-views"),
    ("vault", "", "ill-vault", "cure-vault"),
    ("policy", "", "ill-policy", "cure-policy"),
    ("papers", "", "ill-papers", "cure-papers"),
    ("device", "", "ill-device", "cure-device"),
    ("renewal", "", "ill-renewal", "cure-renewal"),
    ("root-key", "", "ill-root-key", "cure-root-key"),
    ("backup", "", "ill-backup", "cure-backup"),
    ("recovery", "", "ill-recovery", "cure-recovery"),
    ("region", "", "ill-region", "cure-region"),
];

struct Row {
    name: String,
    state: Badge,
    /// What is wrong, in the language of the page; empty in English, which the box speaks itself.
    ill: String,
    /// The box's own words on it.
    cause: String,
    /// What to do, in the language of the page, and in the box's own words.
    cure: String,
    own_cure: String,
    /// The runbook's section, and its name.
    runbook: String,
    check: String,
}

#[derive(Template)]
#[template(path = "doctor.html")]
struct DoctorPage<'a> {
    shell: Shell,
    t: &'a Words,
    verdict: Option<Badge>,
    as_of: String,
    /// Seconds so far, of at most so many, and in words.
    running: Option<(u64, u64, String)>,
    trouble: String,
    rows: Vec<Row>,
}

/// `GET /doctor`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
) -> Result<Response, Problem> {
    let t = &visitor.t;
    let rounds = app.jobs.of(|command| *command == Command::Doctor);
    let running = rounds.iter().find(|job| job.ended.is_none());
    let running = running.map(|job| {
        let (done, most) = seconds(&app, job);
        (done, most, t.count("doctor-running", done))
    });
    let last = rounds.iter().find_map(|job| job.ended.as_ref());
    let (looks, trouble, as_of) = match last {
        None => (&[][..], String::new(), String::new()),
        Some((at, outcome)) => {
            let at = t.with("as-of", "time", &app.zone.stamp(*at, app.now_ms(), t));
            match outcome {
                Ok(Done::Looked(looks)) => (looks.as_slice(), String::new(), at),
                Ok(_) => (&[][..], String::new(), at),
                Err(why) => (&[][..], visible(why), at),
            }
        }
    };
    let worst = looks.iter().map(|look| look.state).max();
    let mut sorted: Vec<&Look> = looks.iter().take(MAX_SHOWN).collect();
    sorted.sort_by_key(|look| std::cmp::Reverse(look.state));
    let page = DoctorPage {
        shell: Shell::new(&app, &visitor, t.say("doctor-title"), "/doctor"),
        t,
        verdict: worst.map(|worst| verdict(worst, t)),
        as_of,
        running,
        trouble,
        rows: sorted.into_iter().map(|look| row(look, t)).collect(),
    };
    let mut answer = html(StatusCode::OK, &page)?;
    if page.running.is_some() {
        answer.headers_mut().insert(REFRESH, TRY_AGAIN);
    }
    Ok(answer)
}

/// How long a job has been under way, of how long it may take.
pub(crate) fn seconds(app: &App, job: &Job) -> (u64, u64) {
    let since = app.now_ms().saturating_sub(job.started_ms).max(0).unsigned_abs() / 1000;
    (since.min(LIMIT.as_secs()), LIMIT.as_secs())
}

fn verdict(worst: LookState, t: &Words) -> Badge {
    let label = match worst {
        LookState::Well => "verdict-ok",
        LookState::Warning => "verdict-degraded",
        LookState::Broken => "verdict-failing",
    };
    Badge { label: t.say(label), ..state(worst, t) }
}

fn state(state: LookState, t: &Words) -> Badge {
    let (tone, label) = match state {
        LookState::Well => ("good", "health-ok"),
        LookState::Warning => ("warn", "health-degraded"),
        LookState::Broken => ("bad", "health-failing"),
    };
    Badge { tone, label: t.say(label) }
}

/// What was found: in the language of the page by its kind, and in the box's own words, as
/// `muster doctor` prints them, with the figures.
fn row(look: &Look, t: &Words) -> Row {
    let well = look.state == LookState::Well;
    let section = if well { None } else { section(&look.check) };
    let own_cure = look.cure.as_deref().map(visible).unwrap_or_default();
    let said = said(look).filter(|_| !well && t.language != Language::English);
    let (ill, cure) = said.map(|(ill, cure)| (t.say(ill), t.say(cure))).unwrap_or_default();
    Row {
        name: visible(&look.name),
        state: state(look.state, t),
        ill,
        cause: visible(&look.cause),
        cure,
        own_cure,
        runbook: section.unwrap_or_default().to_owned(),
        check: visible(&look.check),
    }
}

/// The messages on a kind of finding.
fn said(look: &Look) -> Option<(&'static str, &'static str)> {
    let fits =
        |(check, end, ..): &&(&str, &str, _, _)| look.check == *check && look.name.ends_with(end);
    SAID.iter().find(fits).map(|(_, _, ill, cure)| (*ill, *cure))
}

/// The runbook's section of a check.
fn section(check: &str) -> Option<&'static str> {
    let sections = RUNBOOK.split("\n## ").skip(1);
    let named = sections.filter_map(|section| section.split_once('\n'));
    named.into_iter().find(|(name, _)| *name == check).map(|(_, text)| text.trim())
}

/// `POST /doctor`: begins a round.
pub(crate) async fn examine(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
) -> Result<Response, Problem> {
    let actor = visitor.seat.as_ref().map(|seat| seat.account.clone()).unwrap_or_default();
    let outcome = (app.handles.commands)(actor, Command::Doctor);
    let clock = app.handles.clock.clone();
    // One that is under way is as good.
    let _ = app.jobs.start(Command::Doctor, outcome, move || clock.now_ms());
    Ok(see_other("/doctor"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Catalogue;

    #[test]
    fn every_check_that_names_a_section_has_it() {
        for check in ["configuration", "gateway", "disk", "device", "backup", "root-key"] {
            assert!(section(check).is_some_and(|text| !text.is_empty()), "{check}");
        }
        assert!(section("no such").is_none());
    }

    fn look(check: &str, name: &str) -> Look {
        Look {
            check: check.into(),
            name: name.into(),
            state: LookState::Warning,
            cause: "12 of 40 MiB free".into(),
            cure: Some("free some space".into()),
            runbook: String::new(),
        }
    }

    #[test]
    fn findings_are_told_in_the_language_of_the_page() {
        let words = |language| Words::new(Arc::new(Catalogue::embedded()), language);
        let check = |check: &str, name: &str, expect: &str| {
            assert_eq!(said(&look(check, name)).map(|(ill, _)| ill), Some(expect), "{name}");
        };
        check("disk", "disk room", "ill-disk");
        check("disk", "disk mount", "ill-disk-mount");
        check("policy", "policy file", "ill-policy-file");
        check("backup", "latest backup", "ill-backup-latest");
        check("backup", "backup", "ill-backup");
        check("region", "region hk-payroll: TLS", "ill-region-tls");
        check("region", "region hk-payroll: certificate", "ill-region-certificate");
        check("region", "region hk-payroll: certificate ends", "ill-region-ends");
        check("region", "region hk-payroll", "ill-region");
        for language in Language::ALL {
            let t = words(language);
            let row = row(&look("disk", "disk room"), &t);
            assert_eq!(row.cause, "12 of 40 MiB free");
            assert_eq!(row.ill.is_empty(), language == Language::English);
            for (_, _, ill, cure) in SAID {
                assert_ne!(t.say(ill), *ill, "{language:?}");
                assert_ne!(t.say(cure), *cure, "{language:?}");
            }
        }
        // What the doctor may find has its words: each section of the runbook that is a check.
        for check in
            ["clock", "unit", "serial", "renewal", "root-key", "recovery", "views", "vault"]
        {
            assert!(said(&look(check, check)).is_some(), "{check}");
        }
    }
}
