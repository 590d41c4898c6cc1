//! Drafts of policies that wait on the box for their signatures.
//!
//! A draft is a whole policy with the law pack it is for. Drafting says nothing: it comes in force
//! only by the signatures that a published file needs, over the same statement and by the same
//! judgement. A draft lives a day, as a request does.

use super::approvals::LIFE_MS;
use crate::act::Act;
use crate::{Governance, PolicyRefused};
use muster_residency::approval;
use muster_residency::canonical::hash_text;
use muster_residency::{LawPack, Policy, signature};
use serde::{Deserialize, Serialize};

/// Drafts that may be open at a time.
pub(crate) const MAX_OPEN: usize = 16;
/// Bytes of a draft's text: every checkpoint carries the drafts.
pub(crate) const MAX_TEXT: usize = 128 << 10;

/// A draft.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PolicyDraft {
    /// What people call it: 12 hex digits of a hash over policy and law pack.
    pub id: String,
    /// Policy, law pack, and the signatures so far.
    pub governance: Governance,
    /// The account that drafted it.
    pub by: String,
    /// Milliseconds since 1970.
    pub at_ms: i64,
}

impl PolicyDraft {
    /// A draft, not signed yet; refused where policy or law pack cannot be read.
    pub(crate) fn new(governance: Governance, by: &str, at_ms: i64) -> Result<Self, PolicyRefused> {
        let policy = Policy::parse(&governance.policy).map_err(PolicyRefused::Policy)?;
        let pack = LawPack::parse(&governance.law_pack).map_err(PolicyRefused::LawPack)?;
        let hashes = format!("{} {}\n", hash_text(&policy.hash()), hash_text(&pack.hash()));
        let governance = Governance { signatures: String::new(), ..governance };
        Ok(Self { id: approval::id(&hashes), governance, by: by.to_owned(), at_ms })
    }

    /// True if it may still be signed.
    pub fn is_open(&self, now_ms: i64) -> bool {
        (self.at_ms..self.at_ms.saturating_add(LIFE_MS)).contains(&now_ms)
    }

    /// The same with one signature more; an older one of that person and role gives way.
    pub(crate) fn signed(&self, line: &str) -> Governance {
        let signatures = signature::with_line(&self.governance.signatures, line);
        Governance { signatures, ..self.governance.clone() }
    }
}

/// All of them, by age.
#[derive(Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Drafts(Vec<PolicyDraft>);

impl Drafts {
    /// Those that may be signed at `now_ms`, by age.
    pub(crate) fn open(&self, now_ms: i64) -> Vec<PolicyDraft> {
        self.0.iter().filter(|draft| draft.is_open(now_ms)).cloned().collect()
    }

    pub(super) fn apply(&mut self, act: &Act, at_ms: i64) {
        match act {
            Act::PolicyDrafted { draft } => {
                self.0.retain(|known| known.is_open(at_ms) && known.id != draft.id);
                if self.0.len() < MAX_OPEN {
                    self.0.push(PolicyDraft::clone(draft));
                }
            }
            Act::PolicyDraftSigned { id, line, .. } => {
                for draft in self.0.iter_mut().filter(|draft| draft.id == *id) {
                    draft.governance = draft.signed(line);
                }
            }
            Act::PolicyDraftDropped { id, .. } => self.0.retain(|draft| draft.id != *id),
            Act::PolicyAccepted { version, .. } => {
                let texts = |g: &Governance| (g.policy.clone(), g.law_pack.clone());
                let accepted = texts(&version.governance);
                self.0.retain(|draft| texts(&draft.governance) != accepted);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = include_str!("../../../residency/tests/policies/mo-bank.toml");
    const LAW_PACK: &str = include_str!("../../../residency/tests/lawpack.toml");

    fn draft(version: u32, at_ms: i64) -> Box<PolicyDraft> {
        let policy = POLICY.replacen("version = 7", &format!("version = {version}"), 1);
        let signatures = "of another\n".to_owned();
        let governance = Governance { policy, law_pack: LAW_PACK.into(), signatures };
        Box::new(PolicyDraft::new(governance, "ho.mei", at_ms).expect("a draft"))
    }

    #[test]
    fn a_draft_lives_a_day_and_there_are_few() {
        let mut drafts = Drafts::default();
        for version in 1..=MAX_OPEN as u32 + 1 {
            drafts.apply(&Act::PolicyDrafted { draft: draft(version, 5) }, 5);
        }
        assert_eq!(drafts.open(5).len(), MAX_OPEN);
        drafts.apply(&Act::PolicyDrafted { draft: draft(3, 6) }, 6);
        assert_eq!(drafts.open(6).len(), MAX_OPEN, "the same again is one");
        assert!(drafts.open(6 + LIFE_MS).is_empty());
        let late = 6 + LIFE_MS;
        drafts.apply(&Act::PolicyDrafted { draft: draft(99, late) }, late);
        assert_eq!(drafts.0.len(), 1);
    }

    #[test]
    fn it_brings_no_signatures_of_its_own_and_counts_each_signer_once() {
        let mut drafts = Drafts::default();
        let first = draft(8, 5);
        assert_eq!(first.governance.signatures, "");
        let id = first.id.clone();
        drafts.apply(&Act::PolicyDrafted { draft: first }, 5);
        let by = muster_residency::policy::Signer { person: "a".into(), role: "dpo".into() };
        for line in ["muster-sig-1 a dpo k x", "muster-sig-1 b hr k x", "muster-sig-1 a dpo k y"] {
            let (id, line, by) = (id.clone(), line.to_owned(), by.clone());
            drafts.apply(&Act::PolicyDraftSigned { id, line, by }, 6);
        }
        let signatures = &drafts.open(6)[0].governance.signatures;
        assert_eq!(signatures, "muster-sig-1 b hr k x\nmuster-sig-1 a dpo k y\n");
        drafts.apply(&Act::PolicyDraftDropped { actor: "x".into(), id }, 7);
        assert!(drafts.open(7).is_empty());
    }
}
