//! A policy's life on the box: which versions were accepted, and which of them is in force when.
//!
//! A version comes in only with the signatures its direction asks for: two people in two roles,
//! the data protection officer among them, where it loosens; one new signature, with its parent's
//! signers kept, where it does not. What is refused changes nothing. A version may begin later: it
//! then takes over between two evaluations. Rolling back is a new version with the old content.

use super::words;
use crate::Governance;
use jiff::Timestamp;
use muster_residency::canonical::hash_text;
use muster_residency::check::{self, Finding, Severity};
use muster_residency::diff::{self, Change, Diff, Direction};
use muster_residency::explain::Language;
use muster_residency::key::TrustedSigner;
use muster_residency::parse::ParseError;
use muster_residency::policy::Signer as SignedBy;
use muster_residency::signature::{self, PublishFault};
use muster_residency::{LawPack, Policy, Rules};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt::Write as _;

/// Versions that are kept with their texts, so that decisions can be replayed.
const MAX_VERSIONS: usize = 1_000;
/// Changes and lines that one refusal tells.
const MAX_TOLD: usize = 8;

/// An accepted version.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PolicyVersion {
    /// Policy, law pack and signatures, as texts.
    pub governance: Governance,
    /// The policy's name.
    pub id: String,
    /// Its number.
    pub version: u32,
    /// SHA-256 over the policy's canonical form, `sha256:` and hex.
    pub policy_hash: String,
    /// SHA-256 over the law pack's canonical form, `sha256:` and hex.
    pub law_pack_hash: String,
    /// The policy it followed, by hash; `None` for a first one.
    pub parent: Option<String>,
    /// Which way it went from there: `neutral`, `tightens` or `loosens`.
    pub direction: String,
    /// Whose word it is in force by, its parent's signers included.
    pub signers: Vec<SignedBy>,
    /// In force from here.
    pub from: Timestamp,
    /// In force until just before here.
    pub until: Timestamp,
    /// Milliseconds since 1970.
    #[serde(default)]
    pub accepted_ms: i64,
    /// Another was accepted before this one began: it never does.
    #[serde(default)]
    pub superseded: bool,
}

/// Why a version is not accepted: the one in force stays in force.
#[derive(Debug, thiserror::Error)]
pub enum PolicyRefused {
    /// The policy cannot be read.
    #[error("the policy, {0}")]
    Policy(ParseError),
    /// The law pack cannot be read.
    #[error("the law pack, {0}")]
    LawPack(ParseError),
    /// The publish-time checks found errors.
    #[error("{}", told(.0))]
    Findings(Vec<Finding>),
    /// Signatures are missing.
    #[error("line {line}: {fault}{why}")]
    Signatures {
        /// The line of `[policy]`.
        line: usize,
        /// What is missing.
        fault: PublishFault,
        /// What loosens, and which lines of the `.sig` file do not count and why.
        why: String,
    },
    /// The number does not grow.
    #[error(
        "line {line}: version {found} of {id} follows {known}; versions only grow: give it a \
         higher number and sign it again"
    )]
    Version {
        /// The line of `[policy]`.
        line: usize,
        /// The policy.
        id: String,
        /// What it says.
        found: u32,
        /// The highest accepted.
        known: u32,
    },
    /// It names another parent than the version in force.
    #[error(
        "line {line}: the policy follows {found}, and {known} is in force; write it anew from \
         that, and correct `parent`"
    )]
    Parent {
        /// The line of `[policy]`.
        line: usize,
        /// What it names.
        found: String,
        /// What is in force.
        known: String,
    },
    /// The law pack is older than the one in force.
    #[error("the law pack is version {found}, and {known} is in force; law packs only grow")]
    OlderLawPack {
        /// Its version.
        found: u32,
        /// The one in force.
        known: u32,
    },
}

impl PolicyRefused {
    /// Why, in `language`; faults of the text itself are told in English.
    pub fn told(&self, language: Language) -> String {
        match self {
            Self::Policy(_) | Self::LawPack(_) => self.to_string(),
            Self::Findings(all) => {
                let lines = all.iter().take(MAX_TOLD).map(|finding| finding.in_line(language));
                lines.collect::<Vec<_>>().join(" | ")
            }
            Self::Signatures { fault, why, .. } => {
                let key = match fault {
                    PublishFault::Loosening => "policy-refused-loosening",
                    PublishFault::Tightening => "policy-refused-tightening",
                    PublishFault::Parent => "policy-refused-parents-signers",
                };
                format!("{}{why}", words::say(language, key, &[]))
            }
            Self::Version { id, found, known, .. } => {
                let (found, known) = (found.to_string(), known.to_string());
                let values = [("id", id.as_str()), ("found", &found), ("known", &known)];
                words::say(language, "policy-refused-version", &values)
            }
            Self::Parent { found, known, .. } => {
                let values = [("found", found.as_str()), ("known", known)];
                words::say(language, "policy-refused-parent", &values)
            }
            Self::OlderLawPack { found, known } => {
                let (found, known) = (found.to_string(), known.to_string());
                let values = [("found", found.as_str()), ("known", &known)];
                words::say(language, "policy-refused-law-pack", &values)
            }
        }
    }
}

fn told(findings: &[Finding]) -> String {
    let lines: Vec<String> = findings.iter().take(MAX_TOLD).map(ToString::to_string).collect();
    lines.join(" | ")
}

/// All accepted versions, by acceptance.
#[derive(Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Versions(Vec<PolicyVersion>);

impl Versions {
    /// All of them.
    pub(crate) fn list(&self) -> &[PolicyVersion] {
        &self.0
    }

    /// The one in force at `now_ms`, its end apart.
    pub(crate) fn in_force(&self, now_ms: i64) -> Option<&PolicyVersion> {
        self.0.iter().rev().find(|v| !v.superseded && v.from.as_millisecond() <= now_ms)
    }

    /// The one that takes over after `now_ms`.
    pub(crate) fn scheduled(&self, now_ms: i64) -> Option<&PolicyVersion> {
        self.0.last().filter(|v| !v.superseded && v.from.as_millisecond() > now_ms)
    }

    /// Whether these very texts were accepted and are, or come, in force.
    pub(crate) fn stands(&self, governance: &Governance, now_ms: i64) -> bool {
        let hashes = |g: &Governance| {
            let policy = Policy::parse(&g.policy).ok()?.hash();
            Some((policy, LawPack::parse(&g.law_pack).ok()?.hash()))
        };
        let Some(wanted) = hashes(governance) else { return false };
        let standing = self.in_force(now_ms).into_iter().chain(self.scheduled(now_ms));
        standing.filter_map(|v| hashes(&v.governance)).any(|known| known == wanted)
    }

    pub(super) fn accept(&mut self, version: PolicyVersion, at_ms: i64) {
        for earlier in &mut self.0 {
            earlier.superseded |= earlier.from.as_millisecond() > at_ms;
        }
        if self.0.len() >= MAX_VERSIONS {
            self.0.remove(0);
        }
        self.0.push(PolicyVersion { accepted_ms: at_ms, ..version });
    }
}

/// What a version would change, and what it still needs.
#[derive(Clone, Debug)]
pub struct PolicyPreview {
    /// The freest of the changes; a first version loosens.
    pub direction: Direction,
    /// No version was in force before.
    pub first: bool,
    /// What changes, the loosening first.
    pub changes: Vec<Change>,
    /// Who signed so far.
    pub signed: Vec<SignedBy>,
    /// Which signatures it lacks; `None` where it lacks none.
    pub missing: Option<PublishFault>,
}

/// Which way a version goes; a first one loosens.
fn direction(diff: Option<&Diff>) -> Direction {
    diff.map_or(Direction::Loosens, |diff| diff.direction)
}

/// What a version is compared with.
pub(crate) struct Standing {
    in_force: Option<PolicyVersion>,
    scheduled: Option<PolicyVersion>,
    /// The highest accepted number of each policy.
    highest: HashMap<String, u32>,
}

impl Standing {
    pub(crate) fn of(versions: &Versions, now_ms: i64) -> Self {
        let mut highest = HashMap::new();
        for version in &versions.0 {
            let known = highest.entry(version.id.clone()).or_insert(version.version);
            *known = version.version.max(*known);
        }
        Self {
            in_force: versions.in_force(now_ms).cloned(),
            scheduled: versions.scheduled(now_ms).cloned(),
            highest,
        }
    }

    /// Judges a version; gives what is to be journaled. May take some milliseconds.
    pub(crate) fn judge(
        &self,
        governance: Governance,
        enrolled: &[TrustedSigner],
    ) -> Result<PolicyVersion, PolicyRefused> {
        let (rules, diff) = self.compared(&governance)?;
        let direction = direction(diff.as_ref());
        let signers = self.signers(&governance, &rules, direction, diff.as_ref(), enrolled)?;
        let header = &rules.policy().header;
        let word = serde_json::to_value(direction).unwrap_or_default();
        Ok(PolicyVersion {
            id: header.id.clone(),
            version: header.version,
            policy_hash: hash_text(&rules.policy_hash()),
            law_pack_hash: hash_text(&rules.law_pack_hash()),
            parent: self.in_force.as_ref().map(|v| v.policy_hash.clone()),
            direction: word.as_str().unwrap_or_default().to_owned(),
            signers,
            from: header.effective_from,
            until: header.effective_until,
            accepted_ms: 0,
            superseded: false,
            governance,
        })
    }

    /// What a version changes, and which signatures it lacks. May take some milliseconds.
    pub(crate) fn preview(
        &self,
        governance: &Governance,
        enrolled: &[TrustedSigner],
    ) -> Result<PolicyPreview, PolicyRefused> {
        let (rules, diff) = self.compared(governance)?;
        let direction = direction(diff.as_ref());
        let (policy, pack) = (rules.policy(), rules.law_pack());
        let signed = signature::verify(&governance.signatures, policy, pack, enrolled).signers;
        let missing = match self.signers(governance, &rules, direction, diff.as_ref(), enrolled) {
            Ok(_) => None,
            Err(PolicyRefused::Signatures { fault, .. }) => Some(fault),
            Err(refused) => return Err(refused),
        };
        let changes = diff.map(|diff| diff.changes).unwrap_or_default();
        Ok(PolicyPreview { direction, first: self.in_force.is_none(), changes, signed, missing })
    }

    /// What was read and compared, where it could follow what is in force.
    fn compared(&self, governance: &Governance) -> Result<(Rules, Option<Diff>), PolicyRefused> {
        let policy = Policy::parse(&governance.policy).map_err(PolicyRefused::Policy)?;
        let pack = LawPack::parse(&governance.law_pack).map_err(PolicyRefused::LawPack)?;
        let mut findings = check::check(&policy, &pack);
        findings.retain(|finding| finding.severity == Severity::Error);
        if !findings.is_empty() {
            return Err(PolicyRefused::Findings(findings));
        }
        self.follows(&policy, &pack)?;
        let rules = Rules::new(policy, pack);
        let diff = self.diff(&rules);
        Ok((rules, diff))
    }

    fn follows(&self, policy: &Policy, pack: &LawPack) -> Result<(), PolicyRefused> {
        let header = &policy.header;
        let (line, found) = (header.line, header.version);
        if let Some(&known) = self.highest.get(&header.id)
            && found <= known
        {
            return Err(PolicyRefused::Version { line, id: header.id.clone(), found, known });
        }
        let Some(parent) = &self.in_force else { return Ok(()) };
        if let Some(named) = header.parent.as_ref().filter(|named| **named != parent.policy_hash) {
            let (found, known) = (named.clone(), parent.policy_hash.clone());
            return Err(PolicyRefused::Parent { line, found, known });
        }
        match LawPack::parse(&parent.governance.law_pack) {
            Ok(before) if before.id == pack.id && pack.version < before.version => {
                Err(PolicyRefused::OlderLawPack { found: pack.version, known: before.version })
            }
            _ => Ok(()),
        }
    }

    /// What changes from the version in force, and from the one that would take over.
    fn diff(&self, new: &Rules) -> Option<Diff> {
        let standing = self.in_force.iter().chain(&self.scheduled);
        let old = standing.filter_map(|v| crate::decider::compile(&v.governance).ok());
        old.map(|old| diff::diff(&old, new)).max_by_key(|diff| diff.direction)
    }

    fn signers(
        &self,
        governance: &Governance,
        rules: &Rules,
        direction: Direction,
        diff: Option<&Diff>,
        enrolled: &[TrustedSigner],
    ) -> Result<Vec<SignedBy>, PolicyRefused> {
        let (policy, pack) = (rules.policy(), rules.law_pack());
        let own = signature::verify(&governance.signatures, policy, pack, enrolled);
        let parent = self.in_force.as_ref().map(|v| v.signers.as_slice()).unwrap_or_default();
        signature::signers_in_force(direction, &own.signers, parent).map_err(|fault| {
            let mut why = String::new();
            let loosens = diff.into_iter().flat_map(|diff| &diff.changes);
            let loosens = loosens.filter(|change| change.direction == Direction::Loosens);
            for change in loosens.take(MAX_TOLD) {
                // Writing to a string does not fail.
                let _ = write!(why, " | loosens: {}", change.what);
            }
            for refused in own.refused.iter().take(MAX_TOLD) {
                let _ = write!(why, " | signature line {}: {}", refused.line, refused.fault);
            }
            PolicyRefused::Signatures { line: policy.header.line, fault, why }
        })
    }
}
