//! The smallest sets of facts that would free a record.
//!
//! Every reason is an OR of ANDs of things to do, so all of them together are freed by the minimal
//! members of their product. The product is bounded: past [`MAX_SETS`] the longest sets go first.

use crate::decision::{Reason, Remedy};
use crate::vocab::Verdict;

/// Most sets that are worked with and shown.
const MAX_SETS: usize = 16;

/// The minimal sets for these reasons; empty if nothing keeps the record or no fact can free it.
pub(crate) fn minimal(details: &[Reason]) -> Vec<Vec<Remedy>> {
    let mut keeping = details.iter().filter(|d| d.verdict != Verdict::Forward).peekable();
    if keeping.peek().is_none() {
        return Vec::new();
    }
    let mut sets: Vec<Vec<Remedy>> = vec![Vec::new()];
    for reason in keeping {
        sets = smallest(product(&sets, &reason.remedies));
    }
    sets
}

fn product(sets: &[Vec<Remedy>], alternatives: &[Vec<Remedy>]) -> Vec<Vec<Remedy>> {
    let both = |set: &Vec<Remedy>, more: &Vec<Remedy>| {
        let mut union: Vec<Remedy> = set.iter().chain(more).cloned().collect();
        union.sort();
        union.dedup();
        union
    };
    sets.iter().flat_map(|set| alternatives.iter().map(move |more| both(set, more))).collect()
}

fn smallest(mut sets: Vec<Vec<Remedy>>) -> Vec<Vec<Remedy>> {
    sets.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    sets.dedup();
    let mut kept: Vec<Vec<Remedy>> = Vec::new();
    for set in sets {
        let covered = kept.iter().any(|small| small.iter().all(|remedy| set.contains(remedy)));
        if !covered && kept.len() < MAX_SETS {
            kept.push(set);
        }
    }
    kept
}
