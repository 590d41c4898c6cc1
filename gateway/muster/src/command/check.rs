//! `muster check`: every problem, each with its cure; exit 78 if there is any.

use crate::cli::BoxArgs;
use crate::config;
use crate::exit::{self, Outcome};
use muster_residency::{LawPack, Policy};
use std::process::ExitCode;

pub(super) fn check(at: &BoxArgs) -> Outcome {
    let config = super::load(at)?;
    let mut problems: Vec<String> =
        config::check(&config).iter().map(ToString::to_string).collect();
    problems.extend(policy_problems(&config));
    problems.extend(crate::gateway::port_problems(&config));
    if problems.is_empty() {
        return super::print_lines(["the configuration is good"]);
    }
    super::print_lines(problems)?;
    Ok(ExitCode::from(exit::CONFIG))
}

/// The policy and law pack as files: whether they parse, and agree with the configuration.
fn policy_problems(config: &config::Config) -> Vec<String> {
    let Some(section) = &config.policy else { return Vec::new() };
    let read = crate::store::read_bounded;
    let (Ok(policy), Ok(law_pack)) = (read(&section.file), read(&section.law_pack)) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    if let Err(error) = LawPack::parse(&law_pack) {
        found.push(format!("{}: {error}", section.law_pack.display()));
    }
    match Policy::parse(&policy) {
        Err(error) => found.push(format!("{}: {error}", section.file.display())),
        Ok(policy) => found.extend(disagreements(config, &policy)),
    }
    found
}

fn disagreements(config: &config::Config, policy: &Policy) -> Vec<String> {
    let mut found = Vec::new();
    if !policy.sites.iter().any(|s| s.id == config.site.site) {
        found.push(format!(
            "[box] site: the policy has no site {}; use the name the policy gives it",
            config.site.site
        ));
    }
    for region in &config.region {
        if !policy.destinations.iter().any(|d| d.id == region.destination) {
            found.push(format!(
                "[[region]] {}: the policy names no such destination; nothing will go there",
                region.destination
            ));
        }
    }
    found
}
