//! `muster doctor`: everything looked at, each with its state, cause, cure and a place in the
//! runbook.
//!
//! What only the gateway knows it is asked for through the control socket (see [`inside`]); what
//! the machine, the files and the network tell is looked at here. Nothing is changed, and nothing
//! personal is in an answer. Every wait is bounded.

mod bundle;
mod certificates;
pub(crate) mod inside;
mod machine;
mod regions;
mod serial;

pub(crate) use bundle::write as write_bundle;
pub(crate) use certificates::problems as certificate_problems;
pub(crate) use inside::Inside;
pub(crate) use machine::unit;
pub(crate) use serial::{found as serial_ports, problem as serial_problem};

use crate::config::{Config, Problem};
use serde::Serialize;

/// Where the runbook lies, beside the other documents.
const RUNBOOK: &str = "handbook/src/runbook.md";

/// How something stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    Ok,
    Warning,
    Broken,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Finding {
    /// What kind of thing: the runbook's anchor.
    pub(crate) check: &'static str,
    /// Which of its kind.
    pub(crate) name: String,
    pub(crate) state: State,
    /// What was seen; of something that is not well, why.
    pub(crate) cause: String,
    /// What to do, where something is not well.
    pub(crate) cure: Option<String>,
    pub(crate) runbook: String,
}

/// Everything.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// The worst.
    pub(crate) state: State,
    pub(crate) checks: Vec<Finding>,
}

impl Finding {
    fn new(check: &'static str, name: &str, state: State, cause: impl Into<String>) -> Self {
        Self {
            check,
            name: name.to_owned(),
            state,
            cause: cause.into(),
            cure: None,
            runbook: format!("{RUNBOOK}#{check}"),
        }
    }

    fn ok(check: &'static str, name: &str, seen: impl Into<String>) -> Self {
        Self::new(check, name, State::Ok, seen)
    }

    fn warning(
        check: &'static str,
        name: &str,
        cause: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        Self { cure: Some(cure.into()), ..Self::new(check, name, State::Warning, cause) }
    }

    fn broken(
        check: &'static str,
        name: &str,
        cause: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        Self { cure: Some(cure.into()), ..Self::new(check, name, State::Broken, cause) }
    }

    fn of_problem(check: &'static str, problem: Problem) -> Self {
        let state = if problem.fatal { State::Broken } else { State::Warning };
        let cure = Some(problem.cure);
        Self { cure, ..Self::new(check, &problem.at, state, problem.what) }
    }
}

/// A configuration that cannot even be read.
pub(crate) fn unreadable(error: &dyn std::fmt::Display) -> Report {
    let cure = "correct the file; `muster check` names every problem";
    report(vec![Finding::broken("configuration", "gateway.toml", error.to_string(), cure)])
}

/// Looks at everything. `inside` is what the box says of itself, or why it cannot be asked; `unit` is
/// what `unit` found.
pub(crate) async fn examine(
    config: &Config,
    inside: Result<Inside, String>,
    unit: Finding,
) -> Report {
    let mut checks = configuration(config);
    checks.extend(machine::clock(config));
    checks.extend(machine::disk(config));
    checks.push(machine::memory());
    checks.push(unit);
    checks.extend(serial::ports(config));
    checks.extend(certificates::all(config));
    match inside {
        Ok(inside) => {
            checks.extend(inside::findings(config, &inside));
            checks.extend(regions::all(config, &inside).await);
        }
        Err(why) => checks.push(Finding::broken(
            "journal",
            "journal",
            why,
            "punches wait in the terminals; mend what is named, or restore the last backup",
        )),
    }
    report(checks)
}

fn report(checks: Vec<Finding>) -> Report {
    let state = checks.iter().map(|check| check.state).max().unwrap_or(State::Ok);
    Report { state, checks }
}

/// What `check` finds, but for what has a check of its own here.
fn configuration(config: &Config) -> Vec<Finding> {
    let problems = crate::command::check::problems(config);
    let own = |problem: &Problem| {
        problem.at.starts_with("[[serial]]") || problem.at.starts_with("certificate")
    };
    let found = problems.into_iter().filter(|problem| !own(problem));
    let mut found: Vec<_> = found.map(|p| Finding::of_problem("configuration", p)).collect();
    if config.mqtt.is_none() && config.serial.is_empty() && config.broker.is_none() {
        let what = "no device can reach this box: [mqtt], [[serial]] and [broker] are off";
        found.push(Finding {
            cure: Some("add one of these sections".to_owned()),
            ..Finding::new("configuration", "devices", State::Warning, what)
        });
    }
    if found.is_empty() {
        found.push(Finding::ok("configuration", "gateway.toml", "good"));
    }
    found
}
