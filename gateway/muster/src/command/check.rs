//! `muster check`: every problem, each with its line and its cure; exit 78 if there is any.

use crate::cli::BoxArgs;
use crate::config::{self, Config, ConfigError, Fault, Problem};
use crate::exit::{self, Failure, Outcome};
use crate::sentence::here;
use crate::store::read_bounded;
use muster_residency::{LawPack, Policy};
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;

pub(super) fn check(at: &BoxArgs) -> Outcome {
    let problems = match Config::load(at.config.as_deref()) {
        Ok(config) => {
            crate::owner::look_as_owner(&config)?;
            problems(&config)
        }
        Err(ConfigError::Parse { path, faults }) => faults.iter().map(|f| of(&path, f)).collect(),
        Err(error) => return Err(Failure::new(exit::CONFIG, error)),
    };
    let lines: Vec<String> = if problems.is_empty() {
        vec![here("the configuration is good")]
    } else {
        problems.iter().map(told).collect()
    };
    super::tell(at.json, &json!({ "problems": problems }), lines)?;
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(exit::CONFIG) })
}

/// A fault of form as a problem.
fn of(path: &Path, fault: &Fault) -> Problem {
    let cure = "every key is explained in the shipped gateway.toml";
    let (file, line) = (Some(path.to_owned()), Some(fault.line));
    Problem { file, line, fatal: true, ..Problem::minor("form", fault.message.as_str(), cure) }
}

/// A problem with its cure, in the language of the terminal.
pub(super) fn told(problem: &Problem) -> String {
    problem.line(here)
}

/// Everything that is wrong with a configuration, the files it names and the ports it wants.
pub(crate) fn problems(config: &Config) -> Vec<Problem> {
    let mut found = config::check(config);
    found.extend(policy(config));
    let alarms = config.alarms.as_ref();
    let alarms = alarms.and_then(|section| crate::alarms::problem(section, &config.site.site));
    found.extend(alarms.map(|error| {
        Problem::minor("[alarms]", format!("{error:#}"), "every key is explained in gateway.toml")
    }));
    let siem = config.siem.as_ref();
    let siem = siem.and_then(|section| crate::siem::problem(section, &config.site.site));
    found.extend(siem.map(|error| {
        Problem::minor("[siem]", format!("{error:#}"), "every key is explained in gateway.toml")
    }));
    found.extend(crate::gateway::port_problems(config));
    found.extend(config.serial.iter().filter_map(|s| crate::doctor::serial_problem(&s.port)));
    found.extend(crate::doctor::certificate_problems(config));
    config::with_lines(config, found)
}

/// The policy and law pack as files: whether they parse, and agree with the configuration.
fn policy(config: &Config) -> Vec<Problem> {
    let Some(section) = &config.policy else { return Vec::new() };
    let (Ok(policy), Ok(law_pack)) = (read_bounded(&section.file), read_bounded(&section.law_pack))
    else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let cure = "correct it: `muster policy check` names line and cure";
    if let Err(error) = LawPack::parse(&law_pack) {
        let at = section.law_pack.display().to_string();
        found.push(Problem::minor(at, error.to_string(), "put the shipped law pack back"));
    }
    match Policy::parse(&policy) {
        Err(error) => {
            found.push(Problem::minor(section.file.display().to_string(), error.to_string(), cure));
        }
        Ok(policy) => found.extend(disagreements(config, &policy)),
    }
    found
}

fn disagreements(config: &Config, policy: &Policy) -> Vec<Problem> {
    let mut found = Vec::new();
    let site = policy.sites.iter().find(|s| s.id == config.site.site);
    match site {
        None => found.push(Problem::minor(
            "[box] site",
            format!("the policy has no site {}", config.site.site),
            "use the name the policy gives it, or publish the policy of this site",
        )),
        Some(site) => found.extend(zone(config, site.jurisdiction.as_str())),
    }
    for region in &config.region {
        if !policy.destinations.iter().any(|d| d.id == region.destination) {
            found.push(Problem::minor(
                format!("[[region]] {}", region.destination),
                "the policy names no such destination",
                "nothing will go there; correct the name, or take the section out",
            ));
        }
    }
    found
}

/// A time zone whose clocks differ from those of the site's jurisdiction.
fn zone(config: &Config, law: &str) -> Option<Problem> {
    let zone = config.site.time_zone.as_deref()?;
    let expected = crate::store::zone_of(Some(law));
    let offset = |name: &str| {
        let zone = jiff::tz::TimeZone::get(name).ok()?;
        Some(zone.to_offset(jiff::Timestamp::now()))
    };
    let (ours, theirs) = (offset(zone)?, offset(expected)?);
    // A law of many zones has none that is right for all of it.
    let many = matches!(law, "EU" | "UTC") || expected == "UTC";
    (ours != theirs && !many).then(|| {
        Problem::minor(
            "[box] time_zone",
            format!("{zone} differs from the time of {law}, where the policy says this site is"),
            format!("use {expected}, or a zone with the same clock"),
        )
    })
}
