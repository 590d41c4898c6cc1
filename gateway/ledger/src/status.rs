//! What the box is doing now: numbers for `status`, `/healthz` and the page; nothing personal.

use crate::Views;
use crate::core::{Core, Shared};
use crate::legal::expiry::expiries;
use crate::state::queue::Queue;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// A disk that has not answered for so long is told of.
const HANGS: Duration = Duration::from_secs(3);

/// Health of a part.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Health {
    Ok,
    Degraded,
    Failing,
}

/// One destination.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct DestinationStatus {
    pub destination: String,
    pub backlog: u64,
    pub settled: u64,
    pub rejected: u64,
    /// Permitted since set-up: taken, refused or waiting.
    pub permitted: u64,
    /// Permitted, and cannot be delivered as things stand: what the destination refused, and what
    /// waits while it is paused.
    pub undeliverable: u64,
    pub paused: Option<crate::PauseReason>,
    pub paused_since_ms: Option<i64>,
    pub last_settled_ms: Option<i64>,
    /// Calls of the month, where the destination meters them.
    pub meter: Option<crate::Meter>,
    /// Whether its region is by contract and not seen on the wire, as far as it was connected
    /// since the start.
    pub by_contract: Option<bool>,
    /// Fingerprint of the key that parcels are sealed to, as far as it was connected.
    pub sealed_to: Option<String>,
}

/// The ledger's own account of itself.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// Records in the journal.
    pub records: u64,
    /// Punches receipted since the start.
    pub receipted: u64,
    /// Held records, each once, by the first of its reason codes.
    pub held: BTreeMap<String, u64>,
    /// Records set aside.
    pub quarantined: u64,
    /// Records set aside, by reason.
    pub set_aside: BTreeMap<String, u64>,
    /// Refusals by reason since set-up.
    pub refused: BTreeMap<String, u64>,
    /// Every destination the policy or the outbox knows.
    pub destinations: Vec<DestinationStatus>,
    /// Whether punches can be receipted, and if not why.
    pub journal: Health,
    /// Why the journal is not well.
    pub journal_cause: Option<String>,
    /// Views: rebuilding or broken is degraded.
    pub views: Health,
    /// Why the views are not well.
    pub views_cause: Option<String>,
    /// Bytes of the views on disk, as last looked at.
    pub views_bytes: u64,
    /// Records the views are behind.
    pub views_behind: u64,
    /// Policy in force, as `mo-bank@7`, and why nothing leaves if so.
    pub policy: Option<String>,
    /// I-05 or I-07 codes that hold everything now.
    pub policy_holds: Vec<String>,
    /// Why the policy that was handed in last is not in force, if it is not.
    pub policy_refused: Option<String>,
    /// The version that takes over later, as `mo-bank@8`.
    pub policy_next: Option<String>,
    /// Answers to people that are overdue.
    pub rights_overdue: usize,
    /// What ends within thirty days, or has ended: papers, policy, the law pack's review.
    pub expiring: Vec<crate::Expiry>,
    /// The emergency stop, if it is on.
    pub local_only: Option<crate::LocalOnly>,
    /// Bytes of the journal on disk.
    pub journal_bytes: u64,
}

/// Takes the numbers of this moment.
pub(crate) fn of(shared: &Shared, views: &Views) -> Status {
    let (views_health, views_cause) = views.health();
    let (filled, head) = views.progress();
    let core = shared.core();
    let state = &core.state;
    let (journal, journal_cause) = journal_health(shared);
    let rules = core.decider.rules();
    Status {
        records: state.next_record.saturating_sub(1),
        receipted: shared.receipted.load(Relaxed),
        held: held(&core.state),
        quarantined: state.standing.quarantined().map(|(_, count)| count).sum(),
        set_aside: state.standing.quarantined().map(|(r, count)| (r.to_owned(), count)).collect(),
        refused: state.refused.clone(),
        destinations: state
            .standing
            .queues()
            .iter()
            .map(|queue| destination(queue, state))
            .collect(),
        journal,
        journal_cause,
        views: views_health,
        views_cause,
        views_behind: head.saturating_sub(filled),
        views_bytes: views.bytes(),
        policy: rules.map(|rules| format!("{}@{}", rules.policy_id(), rules.policy_version())),
        policy_refused: None,
        policy_next: next_policy(&core, shared.clock.now_ms()),
        rights_overdue: state.legal.rights.overdue(shared.clock.now_ms()),
        expiring: expiring(&core, shared.clock.now_ms()),
        local_only: state.legal.local_only.clone(),
        policy_holds: core.decider.policy_holds(shared.clock.now_ms()),
        journal_bytes: shared.journal_bytes.load(Relaxed),
    }
}

fn next_policy(core: &Core, now_ms: i64) -> Option<String> {
    let next = core.state.legal.versions.scheduled(now_ms)?;
    Some(format!("{}@{}", next.id, next.version))
}

fn expiring(core: &Core, now_ms: i64) -> Vec<crate::Expiry> {
    let now = jiff::Timestamp::from_millisecond(now_ms).unwrap_or_default();
    let rules = core.decider.rules().map(|rules| &**rules);
    let begun = core.state.legal.versions.list().first().map(|first| first.accepted_ms);
    let begun = begun.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    expiries(&core.state.legal.papers.list(), rules, begun, now)
}

fn journal_health(shared: &Shared) -> (Health, Option<String>) {
    if let Some(why) = shared.failure() {
        return (Health::Failing, Some(why));
    }
    if shared.full.load(Relaxed) {
        return (Health::Failing, Some("the disk is full; free some space".to_owned()));
    }
    let takes = shared.append_takes();
    if takes > HANGS {
        let cause = format!("the disk has not answered for {} s", takes.as_secs());
        return (Health::Failing, Some(cause));
    }
    (Health::Ok, None)
}

/// Each record once, under the first of its reasons: the counts add up.
fn held(state: &crate::state::State) -> BTreeMap<String, u64> {
    let mut held = BTreeMap::new();
    for (decision, count) in state.standing.held() {
        let ruling = state.decisions.ruling(decision);
        let reason = ruling.and_then(|ruling| ruling.decision.reasons.first());
        *held.entry(reason.cloned().unwrap_or_default()).or_default() += count;
    }
    held
}

fn destination(queue: &Queue, state: &crate::state::State) -> DestinationStatus {
    DestinationStatus {
        destination: queue.destination.to_string(),
        backlog: queue.queued.len(),
        settled: queue.settled,
        rejected: queue.rejected,
        permitted: queue.permitted(),
        undeliverable: queue.undeliverable(),
        paused: queue.paused.as_ref().map(|(reason, _)| reason.clone()),
        paused_since_ms: queue.paused.as_ref().map(|(_, since)| *since),
        last_settled_ms: queue.last_settled_ms,
        meter: state.meters.get(&*queue.destination).cloned(),
        by_contract: queue.attested.as_ref().map(crate::Attestation::is_by_contract),
        sealed_to: queue.attested.as_ref().and_then(|seen| seen.peer().sealed_to.clone()),
    }
}
