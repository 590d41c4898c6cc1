//! All that commits and dispatches depend on, as a function of what the journal holds: applying
//! the same batches gives the same state, live and in replay. No IO and no clock.

pub(crate) mod checkpoint;
pub(crate) mod decisions;
pub(crate) mod dedupe;
pub(crate) mod labels;
pub(crate) mod made;
pub(crate) mod queue;
pub(crate) mod standing;
#[cfg(test)]
mod tests;

use crate::act::{Act, Runs};
use crate::digest::Digest;
use crate::journal::Fact;
use crate::legal::Legal;
use crate::quarantine::{CLOCK_WAIT, REJECTED, SEQ_CONFLICT};
use crate::{Governance, Meter, PauseReason, RefusalReason, Signer};
use decisions::{Decisions, Disposition, Ruling};
use dedupe::Dedupe;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use labels::Labels;
use made::Made;
use muster_attendance::EventId;
use standing::Standing;
use std::collections::BTreeMap;
use std::ops::Range;

/// The state.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) dedupe: Dedupe,
    pub(crate) standing: Standing,
    pub(crate) decisions: Decisions,
    pub(crate) labels: Labels,
    /// What was made from sheets.
    pub(crate) made: Made,
    pub(crate) governance: Option<Governance>,
    pub(crate) signers: Vec<Signer>,
    pub(crate) legal: Legal,
    pub(crate) refused: BTreeMap<String, u64>,
    /// Calls of the month by metered destination.
    pub(crate) meters: BTreeMap<String, Meter>,
    /// Number the next record will have.
    pub(crate) next_record: u64,
    /// From which record on which epoch holds, ascending.
    epochs: Vec<(u64, u16)>,
    /// The site's calendar.
    pub(crate) year: Year,
}

/// Calendar years of a zone; the last one asked for is kept at hand.
pub(crate) struct Year {
    zone: TimeZone,
    last: (i16, Range<i64>),
}

impl Default for Year {
    fn default() -> Self {
        Self::in_zone(TimeZone::UTC)
    }
}

impl Year {
    pub(crate) fn in_zone(zone: TimeZone) -> Self {
        Self { zone, last: (0, 0..0) }
    }

    pub(crate) fn zone(&self) -> TimeZone {
        self.zone.clone()
    }

    fn of(&mut self, ms: i64) -> i16 {
        if !self.last.1.contains(&ms) {
            let at = Timestamp::from_millisecond(ms).unwrap_or_default();
            let year = at.to_zoned(self.zone.clone()).year();
            let start = |year| {
                let date = Date::new(year, 1, 1).ok();
                let zoned = date.and_then(|date| date.to_zoned(self.zone.clone()).ok());
                zoned.map_or(ms, |zoned| zoned.timestamp().as_millisecond())
            };
            self.last = (year, start(year)..start(year.saturating_add(1)));
        }
        self.last.0
    }
}

impl State {
    /// Takes in the facts of a durable batch; `fresh` keeps live ones at hand for dispatch.
    pub(crate) fn apply_facts(&mut self, epoch: u16, first: u64, facts: &[Fact], fresh: bool) {
        if self.epochs.last().is_none_or(|&(_, last)| last != epoch) {
            self.epochs.push((first, epoch));
        }
        let mut at = 0;
        while let Some(fact) = facts.get(at) {
            let alike = |other: &&Fact| {
                (other.decision, other.quarantined) == (fact.decision, fact.quarantined)
            };
            let count = facts[at..].iter().take_while(alike).count();
            self.place(fact, first + at as u64, count as u64);
            if fresh {
                self.keep_fresh(first + at as u64, &facts[at..at + count]);
            }
            at += count;
        }
        facts.iter().for_each(|fact| self.made.note(&fact.content));
        self.next_record = self.next_record.max(first + facts.len() as u64);
        if let Some(fact) = facts.first() {
            let received_ms = fact.content.received_ms();
            self.legal.steps.note(received_ms);
            let year = self.year.of(received_ms);
            *self.legal.processed.entry(year).or_default() += facts.len() as u64;
        }
    }

    fn place(&mut self, like: &Fact, first: u64, count: u64) {
        if like.quarantined {
            let reason = self.quarantine_reason(like.decision);
            self.standing.set_aside(reason, first, count);
        } else {
            self.standing.place(&self.decisions, like.decision, first, count);
        }
    }

    fn keep_fresh(&mut self, first: u64, facts: &[Fact]) {
        let Some(fact) = facts.first().filter(|fact| !fact.quarantined) else { return };
        let Disposition::Queue(queue) = self.decisions.disposition(fact.decision) else { return };
        for (record, fact) in (first..).zip(facts) {
            if let Some(&punch) = fact.content.punch().filter(|punch| punch.live) {
                self.standing.push_fresh(queue, record, punch);
            }
        }
    }

    fn quarantine_reason(&self, decision: u32) -> &'static str {
        let ruling = self.decisions.ruling(decision);
        let waits = ruling.is_some_and(|r| r.decision.reasons.iter().any(|c| c == CLOCK_WAIT));
        if waits { CLOCK_WAIT } else { SEQ_CONFLICT }
    }

    /// Remembers the punches of facts read back at start.
    pub(crate) fn remember(&mut self, first: u64, facts: &[Fact]) {
        for (record, fact) in (first..).zip(facts) {
            let Some(punch) = fact.content.punch() else { continue };
            let conflict =
                fact.quarantined && self.quarantine_reason(fact.decision) == SEQ_CONFLICT;
            if conflict || !self.dedupe.insert(punch, record) {
                self.dedupe.insert_variant(punch, record);
            }
        }
    }

    /// Takes in an act read back at start: what a dispatch reserved is counted when it is drafted,
    /// so it is counted here as well.
    pub(crate) fn replay_act(&mut self, act: &Act, at_ms: i64) {
        if let Act::Dispatched { destination, reserved, .. } = act {
            self.legal.counters.reserve(destination, reserved);
        }
        self.apply_act(act, at_ms);
    }

    /// Takes in a durable act; acts of the tables are not for here.
    pub(crate) fn apply_act(&mut self, act: &Act, at_ms: i64) {
        self.legal.steps.note(at_ms);
        match act {
            Act::SignersEnrolled { signers } => {
                let waits = self.legal.is_set_up();
                self.legal.newcomers.enrol(&self.signers, signers, at_ms, waits);
                self.signers.clone_from(signers);
            }
            Act::Governed { governance } => self.governance.clone_from(governance),
            Act::PolicyAccepted { version, .. } => {
                self.governance = Some(version.governance.clone());
                self.legal.apply(act, at_ms);
            }
            Act::Decided { id, decision } => self.decided(*id, decision),
            Act::Labelled { id, text } => self.labels.put(*id, text),
            Act::Redecided { decision, records } => self.redecided(*decision, records),
            Act::Refused { reason, count, .. } => {
                *self.refused.entry(refusal_word(*reason)).or_default() += count;
            }
            Act::Dispatched { destination, decision, records, digests, .. } => {
                self.dispatched(destination, decision, records, digests);
            }
            Act::Settled { destination, accepted, rejected, .. } => {
                self.settled(destination, accepted, rejected, at_ms);
            }
            Act::Resent { destination, records, .. } => {
                let queue = self.standing.queue(destination);
                for &(first, count) in records {
                    queue.push(first, count);
                    queue.settled = queue.settled.saturating_sub(count);
                }
            }
            Act::Attested { destination, .. } => self.standing.queue(destination).paused = None,
            Act::Paused { destination, reason } => self.paused(destination, reason, at_ms),
            Act::Metered { destination, meter } => {
                self.meters.insert(destination.clone(), meter.clone());
            }
            Act::MonthDestroyed { records, .. } | Act::MonthReduced { records, .. } => {
                records.iter().for_each(|&(first, count)| self.standing.forget(first, count));
                self.legal.apply(act, at_ms);
            }
            Act::SetAside { record, reason } => self.standing.set_aside(reason, *record, 1),
            act => self.legal.apply(act, at_ms),
        }
    }

    fn decided(&mut self, number: u32, decision: &serde_json::Value) {
        // A ruling that cannot be read (of a later version) stays unknown, and unknown holds.
        if let Ok(ruling) = serde_json::from_value::<Ruling>(decision.clone()) {
            let standing = &mut self.standing;
            self.decisions.put(number, ruling, |destination| standing.queue_number(destination));
        }
    }

    fn redecided(&mut self, decision: u32, records: &Runs) {
        for &(first, count) in records {
            self.standing.redecide(&self.decisions, decision, first, count);
        }
    }

    fn dispatched(
        &mut self,
        destination: &str,
        decisions: &[u32],
        records: &[u64],
        digests: &[Digest],
    ) {
        let queue = self.standing.queue(destination);
        for (&record, digest) in records.iter().zip(digests) {
            queue.note_sent(record, digest.0);
        }
        // What follows in number and shares a decision goes in one.
        let sent: Vec<(u64, u32)> =
            records.iter().copied().zip(decisions.iter().copied()).collect();
        for run in sent.chunk_by(|a, b| (a.0.wrapping_add(1), a.1) == *b) {
            if let Some(&(first, decision)) = run.first() {
                self.standing.override_with(decision, first, run.len() as u64);
            }
        }
    }

    fn settled(
        &mut self,
        destination: &str,
        accepted: &Runs,
        rejected: &[(u64, String)],
        at_ms: i64,
    ) {
        let queue = self.standing.queue(destination);
        for &(first, count) in accepted {
            queue.settled += queue.finish(first, count);
        }
        queue.rejected += rejected.len() as u64;
        queue.last_settled_ms = Some(at_ms);
        for (record, _) in rejected {
            self.standing.set_aside(REJECTED, *record, 1);
        }
    }

    fn paused(&mut self, destination: &str, reason: &PauseReason, at_ms: i64) {
        let queue = self.standing.queue(destination);
        let since = match &queue.paused {
            Some((before, since)) if same_kind(before, reason) => *since,
            _ => at_ms,
        };
        queue.paused = Some((reason.clone(), since));
    }

    /// The newest epoch; 0 before the first start was journaled.
    pub(crate) fn epoch(&self) -> u16 {
        self.epochs.iter().map(|&(_, epoch)| epoch).max().unwrap_or(0)
    }

    /// The id of a stored record.
    pub(crate) fn event_id(&self, record: u64, received_ms: i64) -> EventId {
        let before = self.epochs.partition_point(|&(first, _)| first <= record);
        let epoch = before.checked_sub(1).and_then(|at| self.epochs.get(at));
        EventId::new(received_ms, epoch.map_or(0, |&(_, epoch)| epoch), record)
    }
}

/// Whether two pauses differ in their wording at most.
pub(crate) fn same_kind(a: &PauseReason, b: &PauseReason) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
}

/// The reason's word, as devices and metrics see it.
pub(crate) fn refusal_word(reason: RefusalReason) -> String {
    match serde_json::to_value(reason) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// Collects ascending numbers into runs.
pub(crate) fn runs(numbers: impl IntoIterator<Item = u64>) -> Runs {
    let mut runs = Runs::new();
    for number in numbers {
        match runs.last_mut() {
            Some((first, count)) if *first + *count == number => *count += 1,
            _ => runs.push((number, 1)),
        }
    }
    runs
}
