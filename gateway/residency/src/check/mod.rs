//! Publish-time checks: what is wrong with a policy before it takes effect.
//!
//! An error refuses the policy; a warning is shown and left to its signers. What needs signatures
//! is in [`crate::signature`], and what compares two versions apart. What a finding says stands in
//! `i18n/LANGUAGE/findings.ftl`: under its code what is wrong, under `…-why` and `…-cure` the rest.

mod pins;
mod registry;
mod rules;
mod tables;

pub use registry::{check_registry, check_review};

use crate::explain::Language;
use crate::law_pack::{LawPack, Term};
use crate::phrase::{Phrase, Value};
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

/// Something wrong with a policy. Its texts are English; [`Finding::told`] says it in any language.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// Whether it refuses the policy.
    pub severity: Severity,
    /// The line of the policy's file, from 1.
    pub line: usize,
    /// What kind of finding it is; stable.
    pub code: &'static str,
    /// What is wrong.
    pub what: String,
    /// Why it matters.
    pub why: String,
    /// What to do about it.
    pub cure: String,
    #[serde(skip)]
    phrase: Phrase,
}

/// A finding in words.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub struct Told {
    pub what: String,
    pub why: String,
    pub cure: String,
}

impl Finding {
    fn error<const N: usize>(
        line: usize,
        code: &'static str,
        values: [(&'static str, Value); N],
    ) -> Self {
        Self::new(Severity::Error, line, code, values.into())
    }

    fn warning<const N: usize>(
        line: usize,
        code: &'static str,
        values: [(&'static str, Value); N],
    ) -> Self {
        Self::new(Severity::Warning, line, code, values.into())
    }

    fn new(
        severity: Severity,
        line: usize,
        code: &'static str,
        values: Vec<(&'static str, Value)>,
    ) -> Self {
        let phrase = Phrase::new(code, values);
        let Told { what, why, cure } = told(&phrase, Language::En);
        Self { severity, line, code, what, why, cure, phrase }
    }

    /// What, why and cure in `language`.
    pub fn told(&self, language: Language) -> Told {
        told(&self.phrase, language)
    }

    /// One line in `language`, with the place.
    pub fn in_line(&self, language: Language) -> String {
        let told = self.told(language);
        let line = [
            ("line", self.line.to_string().into()),
            ("what", told.what.into()),
            ("why", told.why.into()),
            ("cure", told.cure.into()),
        ];
        Phrase::new("finding-line", line.into()).say(language)
    }
}

fn told(phrase: &Phrase, language: Language) -> Told {
    let part = |end: &str| phrase.part(end, language);
    Told { what: part(""), why: part("-why"), cure: part("-cure") }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_line(Language::En))
    }
}

/// Findings in the making.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, finding: Finding) {
        self.0.push(finding);
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
    pins::pins(policy, law_pack, &mut findings);
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
