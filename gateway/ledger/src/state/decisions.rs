//! Every decision that some record is under, stored once and named by a number.

use muster_residency::vocab::Verdict;
use muster_residency::{Rules, StoredDecision};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// The rules a decision was made under, so that it can be replayed.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct RulesRef {
    /// As `mo-bank@7`.
    pub policy: String,
    /// SHA-256 over the policy's canonical form, hex.
    pub policy_sha256: String,
    /// As `apac-eu-2026.2@3`.
    pub law_pack: String,
    /// SHA-256 over the law pack's canonical form, hex.
    pub law_pack_sha256: String,
}

impl RulesRef {
    pub(crate) fn of(rules: &Rules) -> Self {
        let pack = rules.law_pack();
        Self {
            policy: format!("{}@{}", rules.policy_id(), rules.policy_version()),
            policy_sha256: crate::outbox::hex(&rules.policy_hash()),
            law_pack: format!("{}@{}", pack.id, pack.version),
            law_pack_sha256: crate::outbox::hex(&rules.law_pack_hash()),
        }
    }
}

/// A decision with the rules it was made under (`None`: no policy was in force).
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub(crate) struct Ruling {
    pub(crate) rules: Option<RulesRef>,
    pub(crate) decision: StoredDecision,
}

impl Ruling {
    /// A hold that needs no rules: no policy in force, or a quarantine.
    pub(crate) fn hold(reason: &str) -> Self {
        Self {
            rules: None,
            decision: StoredDecision {
                decision: Verdict::Hold,
                destination: None,
                region: None,
                profile: None,
                would_be: None,
                fields: Vec::new(),
                stripped: Vec::new(),
                reasons: vec![reason.to_owned()],
                warn: Vec::new(),
                bucket: None,
                to_release: Vec::new(),
                details: Vec::new(),
            },
        }
    }
}

/// What a decision does with a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Disposition {
    /// To the queue of this number.
    Queue(usize),
    /// Kept until something changes.
    Hold,
    /// Nothing more is done with it.
    Drop,
}

#[derive(Clone, Debug)]
struct Entry {
    ruling: Arc<Ruling>,
    disposition: Disposition,
}

/// The table. Number `n` is at `n - 1`; a number whose act was damaged stays empty.
#[derive(Clone, Default, Debug)]
pub(crate) struct Decisions {
    entries: Vec<Option<Entry>>,
    numbers: HashMap<Arc<Ruling>, u32>,
    unjournaled: Vec<u32>,
}

impl Decisions {
    /// Numbers beyond this cannot come from an honest journal.
    const MAX: u32 = 4_000_000;

    /// The number of `ruling`; a new one is to be journaled before anything names it.
    /// `queue` numbers a destination.
    pub(crate) fn intern(&mut self, ruling: Ruling, queue: impl FnOnce(&str) -> usize) -> u32 {
        if let Some(&number) = self.numbers.get(&ruling) {
            return number;
        }
        let number = self.entries.len() as u32 + 1;
        self.put(number, ruling, queue);
        self.unjournaled.push(number);
        number
    }

    /// Takes in a journaled decision.
    pub(crate) fn put(&mut self, number: u32, ruling: Ruling, queue: impl FnOnce(&str) -> usize) {
        if number == 0 || number > Self::MAX || self.ruling(number).is_some() {
            return;
        }
        let disposition = match (ruling.decision.decision, &ruling.decision.destination) {
            (Verdict::Forward, Some(destination)) => Disposition::Queue(queue(destination)),
            (Verdict::Drop, _) => Disposition::Drop,
            _ => Disposition::Hold,
        };
        let at = number as usize - 1;
        if self.entries.len() <= at {
            self.entries.resize(at + 1, None);
        }
        let ruling = Arc::new(ruling);
        self.numbers.insert(ruling.clone(), number);
        self.entries[at] = Some(Entry { ruling, disposition });
    }

    /// The decision of this number.
    pub(crate) fn ruling(&self, number: u32) -> Option<&Arc<Ruling>> {
        Some(&self.entry(number)?.ruling)
    }

    /// What it does; an unknown one holds.
    pub(crate) fn disposition(&self, number: u32) -> Disposition {
        self.entry(number).map_or(Disposition::Hold, |entry| entry.disposition)
    }

    /// Whether two decisions come to the same for a record, the rules' version apart.
    pub(crate) fn same_outcome(&self, a: u32, b: u32) -> bool {
        a == b
            || matches!((self.ruling(a), self.ruling(b)), (Some(a), Some(b)) if a.decision == b.decision)
    }

    /// Decisions that no act in the journal holds yet; asked for before each append.
    pub(crate) fn unjournaled(&self) -> impl Iterator<Item = (u32, &Arc<Ruling>)> {
        self.unjournaled.iter().filter_map(|&n| Some((n, self.ruling(n)?)))
    }

    /// The first `count` of [`Self::unjournaled`] are on disk.
    pub(crate) fn journaled(&mut self, count: usize) {
        self.unjournaled.drain(..count.min(self.unjournaled.len()));
    }

    /// All journaled ones, for a checkpoint.
    pub(crate) fn all(&self) -> impl Iterator<Item = (u32, &Arc<Ruling>)> {
        let numbered = self.entries.iter().zip(1u32..);
        numbered.filter_map(|(entry, n)| Some((n, &entry.as_ref()?.ruling)))
    }

    fn entry(&self, number: u32) -> Option<&Entry> {
        self.entries.get((number as usize).checked_sub(1)?)?.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_decisions_share_a_number_and_holes_hold() {
        let mut decisions = Decisions::default();
        let a = decisions.intern(Ruling::hold("A"), |_| 0);
        let b = decisions.intern(Ruling::hold("B"), |_| 0);
        assert_eq!((a, b, decisions.intern(Ruling::hold("A"), |_| 0)), (1, 2, 1));
        assert_eq!(decisions.unjournaled().count(), 2);
        decisions.journaled(2);
        assert_eq!(decisions.unjournaled().count(), 0);
        decisions.put(9, Ruling::hold("C"), |_| 0);
        assert_eq!(decisions.disposition(5), Disposition::Hold);
        assert!(decisions.ruling(5).is_none() && decisions.ruling(9).is_some());
        decisions.put(u32::MAX, Ruling::hold("D"), |_| 0);
        assert!(decisions.ruling(u32::MAX).is_none());
    }
}
