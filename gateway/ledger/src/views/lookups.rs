//! Where records stand, asked of the committer's memory when a row is read, so that a settlement
//! rewrites nothing here.

use super::{LiveRow, RecordState};
use crate::core::{Core, Shared};
use crate::ledger::state_of;
use crate::legal::reduced::Reduced;
use crate::state::State;
use crate::state::standing::Place;
use roaring::RoaringTreemap;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::broadcast;

/// Where one record stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Standing {
    pub(crate) state: RecordState,
    pub(crate) destination: Option<String>,
    pub(crate) reasons: Vec<String>,
}

/// Records that wait for one reason.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Waiting {
    pub(crate) reason: String,
    pub(crate) destination: Option<String>,
    pub(crate) count: u64,
    /// The first of them.
    pub(crate) oldest: u64,
}

/// Of records by number and stored decision, in order.
type AskStanding = dyn Fn(&[(u64, u32)]) -> Vec<Standing> + Send + Sync;
/// Numbers of records that wait for a reason, ascending after one, so many.
type AskWaiting = dyn Fn(&str, Option<u64>, usize) -> Vec<u64> + Send + Sync;

/// The questions; tests bring their own answers.
pub(crate) struct Lookups {
    /// Where records stand, given their number and the decision they were stored with.
    pub(crate) standing: Box<AskStanding>,
    /// What waits, by reason.
    pub(crate) waiting: Box<dyn Fn() -> Vec<Waiting> + Send + Sync>,
    /// Which records wait for a reason.
    pub(crate) waiting_for: Box<AskWaiting>,
    /// Of which months nothing but hours is shown.
    pub(crate) reduced: Box<dyn Fn() -> Reduced + Send + Sync>,
    /// Punches as they happen.
    pub(crate) live: Box<dyn Fn() -> broadcast::Receiver<LiveRow> + Send + Sync>,
}

impl From<Arc<Shared>> for Lookups {
    fn from(shared: Arc<Shared>) -> Self {
        let [a, b, c, d, e] = std::array::from_fn(|_| shared.clone());
        Self {
            standing: Box::new(move |records| {
                let core = a.core();
                records.iter().map(|&(record, stored)| standing(&core, record, stored)).collect()
            }),
            waiting: Box::new(move || waiting(&b.core().state)),
            waiting_for: Box::new(move |reason, after, limit| {
                waiting_for(&c.core().state, reason, after, limit)
            }),
            reduced: Box::new(move || d.core().state.legal.rights.reduced.clone()),
            live: Box::new(move || e.live()),
        }
    }
}

fn standing(core: &Core, record: u64, stored: u32) -> Standing {
    let State { standing, decisions, .. } = &core.state;
    let place = standing.find(record);
    let ruling = decisions.ruling(standing.decision(record, stored));
    let decision = ruling.map(|ruling| &ruling.decision);
    let reasons = match place {
        Place::SetAside => {
            let mut sets = standing.set_aside_sets().filter(|(_, set)| set.contains(record));
            sets.next().map(|(reason, _)| vec![reason.to_owned()])
        }
        _ => decision.map(|decision| decision.reasons.clone()),
    };
    Standing {
        state: state_of(place, decision.map(|decision| decision.decision)),
        destination: decision.and_then(|d| d.destination.clone().or(d.would_be.clone())),
        reasons: reasons.unwrap_or_default(),
    }
}

/// Every set of waiting records with a reason it waits for and where it would go.
fn sets(state: &State) -> impl Iterator<Item = (&str, Option<&str>, &RoaringTreemap)> {
    let held = state.standing.held_sets().flat_map(|(decision, set)| {
        let decision = state.decisions.ruling(decision).map(|ruling| &ruling.decision);
        let destination = decision.and_then(|d| d.destination.as_deref().or(d.would_be.as_deref()));
        let reasons = decision.into_iter().flat_map(|decision| &decision.reasons);
        reasons.map(move |reason| (&**reason, destination, set))
    });
    held.chain(state.standing.set_aside_sets().map(|(reason, set)| (reason, None, set)))
}

fn waiting(state: &State) -> Vec<Waiting> {
    let mut groups: BTreeMap<(&str, Option<&str>), (u64, u64)> = BTreeMap::new();
    for (reason, destination, set) in sets(state) {
        let Some(first) = set.min() else { continue };
        let (count, oldest) = groups.entry((reason, destination)).or_insert((0, first));
        *count += set.len();
        *oldest = first.min(*oldest);
    }
    let group = |((reason, destination), (count, oldest)): ((&str, Option<&str>), _)| Waiting {
        reason: reason.to_owned(),
        destination: destination.map(Into::into),
        count,
        oldest,
    };
    groups.into_iter().map(group).collect()
}

fn waiting_for(state: &State, reason: &str, after: Option<u64>, limit: usize) -> Vec<u64> {
    let mut found = Vec::new();
    for (_, _, set) in sets(state).filter(|(of, ..)| *of == reason) {
        let mut records = set.iter();
        if let Some(after) = after {
            records.advance_to(after.saturating_add(1));
        }
        found.extend(records.take(limit));
    }
    found.sort_unstable();
    found.dedup();
    found.truncate(limit);
    found
}
