//! Publish-time checks: what is wrong with a policy before it takes effect.
//!
//! An error refuses the policy; a warning is shown and left to its signers. What needs signatures
//! is in [`crate::signature`], and what compares two versions apart.

mod registry;
mod rules;
mod tables;

pub use registry::{check_registry, check_review};

use crate::law_pack::{LawPack, Term};
use crate::policy::Policy;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;

/// Whether a finding refuses the policy.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The policy is refused.
    Error,
    /// It may be published as it is.
    Warning,
}

/// Something wrong with a policy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// Whether it refuses the policy.
    pub severity: Severity,
    /// The line of the policy's file, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// Why it matters.
    pub why: &'static str,
    /// What to do about it.
    pub cure: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}: {}; {}", self.line, self.what, self.why, self.cure)
    }
}

/// Findings in the making.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn error(&mut self, line: usize, what: String, why: &'static str, cure: &'static str) {
        self.0.push(Finding { severity: Severity::Error, line, what, why, cure });
    }

    fn warning(&mut self, line: usize, what: String, why: &'static str, cure: &'static str) {
        self.0.push(Finding { severity: Severity::Warning, line, what, why, cure });
    }
}

/// Checks a policy against its law pack. Findings come by line; no error means it may be published
/// once it is signed.
pub fn check(policy: &Policy, law_pack: &LawPack) -> Vec<Finding> {
    let mut findings = Findings::default();
    tables::header(policy, law_pack, &mut findings);
    tables::names(policy, law_pack, &mut findings);
    tables::sites(policy, law_pack, &mut findings);
    tables::destinations(policy, law_pack, &mut findings);
    tables::profiles(policy, law_pack, &mut findings);
    tables::retention(policy, law_pack, &mut findings);
    tables::biometric(policy, law_pack, &mut findings);
    rules::permits(policy, law_pack, &mut findings);
    rules::forbids(policy, law_pack, &mut findings);
    rules::limits(policy, &mut findings);
    findings.0.sort_by_key(|f| (f.line, f.severity));
    findings.0
}

/// Every type of paper a policy and its law pack name, sorted.
pub fn paper_types(policy: &Policy, law_pack: &LawPack) -> Vec<String> {
    let required = policy.permits.iter().flat_map(|p| &p.require);
    let excusing = policy.forbids.iter().flat_map(|f| &f.unless_evidence);
    let gates = law_pack.lane.values().flatten();
    let terms = gates.flat_map(|g| g.all.iter().chain(g.any.iter().flatten()));
    let named = terms.filter_map(|t| match t {
        Term::Paper(kind) => Some(kind),
        Term::Adequate | Term::Gba => None,
    });
    let all: BTreeSet<&String> = required.chain(excusing).chain(named).collect();
    let builtin = crate::mechanism::PAPERS.iter().map(|kind| (*kind).to_owned());
    let all: BTreeSet<String> = all.into_iter().cloned().chain(builtin).collect();
    all.into_iter().collect()
}
