//! From requests to a batch: dedupe, decide, check what rests on earlier facts.

use super::batch::{Batch, Fate, Waiting, refusal_of};
use super::recaller::{self, Aside};
use super::refusals::Refusals;
use super::request::Sending;
use super::{Answer, Dispatch, Outcome, Redecision, Refusal, RefusalReason, Request, Verdict};
use crate::Attestation;
use crate::act::{Act, Runs};
use crate::core::{Core, Shared};
use crate::digest::Digest;
use crate::journal::{Content, Fact, Reader};
use crate::outbox::Parcel;
use crate::punch_time::must_wait;
use crate::quarantine::{CLOCK_WAIT, SEQ_CONFLICT};
use crate::state::decisions::Ruling;
use crate::state::dedupe::Seen;
use crate::state::{refusal_word, runs};
use muster_attendance::{Attendance, DeviceId, PersonId, Summary};
use muster_residency::vocab::Law;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::mpsc::{SyncSender, TrySendError};

/// What drafting needs.
pub(super) struct Drafter<'a> {
    pub(super) shared: &'a Shared,
    pub(super) core: &'a mut Core,
    pub(super) reader: &'a mut Reader,
    pub(super) refusals: &'a mut Refusals,
    pub(super) aside: &'a SyncSender<Aside>,
    pub(super) batch: &'a mut Batch,
    pub(super) now_ms: i64,
    /// Number that the batch's first fact will have.
    pub(super) first: u64,
    /// Devices that the batch itself makes known.
    pub(super) named: HashSet<DeviceId>,
}

impl Drafter<'_> {
    /// Takes in one request. What cannot stand is answered at once.
    pub(super) fn take(&mut self, request: Request) {
        match request {
            Request::Commit { punches, done } => self.commit_or_step_aside(punches, done),
            Request::Recalled { found, punches, done } => {
                for (key, punches) in found {
                    self.core.state.dedupe.recall(key, punches.into_iter());
                }
                self.commit(punches, done);
            }
            Request::Refuse { refusal, done } => {
                let act = self.note(&refusal);
                self.batch.refusal(act, done);
            }
            Request::Dispatch { dispatch, done } => self.dispatch(dispatch, done),
            Request::Redecide { redecision, done } => self.redecide(redecision, done),
            Request::Summarize { summaries, done } => self.summarize(summaries, done),
            // The thread keeps these to itself.
            Request::Rotate { .. } | Request::Close { .. } => {}
        }
    }

    fn commit_or_step_aside(&mut self, punches: Vec<Attendance>, done: Answer<Vec<Verdict>>) {
        let wanted = self.core.state.dedupe.forgotten(&punches);
        if wanted.is_empty() {
            return self.commit(punches, done);
        }
        // Where no more may step aside, the blocks are read here.
        match self.aside.try_send(Aside { wanted, punches, done }) {
            Ok(()) => {}
            Err(TrySendError::Full(aside) | TrySendError::Disconnected(aside)) => {
                self.commit(aside.punches, aside.done);
            }
        }
    }

    fn commit(&mut self, punches: Vec<Attendance>, done: Answer<Vec<Verdict>>) {
        let fates = punches.iter().map(|punch| self.punch(punch)).collect();
        self.batch.waiting.push(Waiting::Commit { punches, fates, done });
    }

    fn punch(&mut self, punch: &Attendance) -> Fate {
        if !self.names_device(punch.device) {
            return self.refuse(punch, RefusalReason::UnknownDevice);
        }
        match self.check(punch) {
            Seen::Again(original) => Fate::Again(original),
            Seen::New if must_wait(punch) => self.store_apart(punch, CLOCK_WAIT),
            Seen::New => {
                let decision = self.decide(punch);
                Fate::New(self.store(punch, decision, false))
            }
            // What cannot be read back any more cannot be told from another punch.
            Seen::Conflict | Seen::Forgotten(..) => self.store_apart(punch, SEQ_CONFLICT),
            Seen::TooSparse => self.refuse(punch, RefusalReason::TooSparse),
        }
    }

    fn decide(&mut self, punch: &Attendance) -> u32 {
        self.core.decide(&Content::Punch(*punch), None, self.now_ms, &self.shared.tables).number
    }

    fn summarize(&mut self, summaries: Vec<Summary>, done: Answer<u64>) {
        let mut count = 0;
        for summary in summaries {
            if self.core.state.made.has(&summary) {
                continue;
            }
            let content = Content::Summary(summary);
            let tables = &self.shared.tables;
            let decision = self.core.decide(&content, None, self.now_ms, tables).number;
            self.batch.facts.push(Fact { content, decision, quarantined: false });
            count += 1;
        }
        self.batch.waiting.push(Waiting::Summarize { count, done });
    }

    fn refuse(&mut self, punch: &Attendance, reason: RefusalReason) -> Fate {
        let act = self.note(&refusal_of(punch, reason));
        self.batch.acts.extend(act.map(|act| (act, false)));
        Fate::Refused(reason)
    }

    fn note(&mut self, refusal: &Refusal) -> Option<Act> {
        let word = refusal_word(refusal.reason);
        metrics::counter!("muster_refusals_total", "reason" => word).increment(1);
        self.refusals.note(refusal)
    }

    /// A fact may name only a device whose act is in the journal, or goes there with it: one whose
    /// first sight a full disk refused is journaled now.
    fn names_device(&mut self, id: DeviceId) -> bool {
        let devices = &self.shared.tables.devices;
        if self.named.contains(&id) || devices.is_journaled(id) {
            return true;
        }
        let here = |(act, _): &(Act, bool)| match act {
            Act::DeviceSeen { id: other, .. } | Act::DevicePaired { id: other, .. } => *other == id,
            _ => false,
        };
        if !self.batch.acts.iter().any(here) {
            let Some(device) = devices.get(id) else { return false };
            self.batch.acts.push((Act::DeviceSeen { id, name: device.name }, false));
        }
        self.named.insert(id);
        true
    }

    fn check(&mut self, punch: &Attendance) -> Seen {
        let tables = &self.shared.tables;
        let same = |a: PersonId, b: PersonId| tables.same_person(a, b);
        match self.core.state.dedupe.check(punch, same) {
            Seen::Forgotten(key, first, last) => {
                let (key, found) = recaller::read(self.reader, (key, first, last));
                self.core.state.dedupe.recall(key, found.into_iter());
                self.core.state.dedupe.check(punch, same)
            }
            seen => seen,
        }
    }

    fn store_apart(&mut self, punch: &Attendance, reason: &'static str) -> Fate {
        let state = &mut self.core.state;
        let (decisions, standing) = (&mut state.decisions, &mut state.standing);
        let decision = decisions.intern(Ruling::hold(reason), |d| standing.queue_number(d));
        Fate::Quarantined(self.store(punch, decision, true), reason)
    }

    fn store(&mut self, punch: &Attendance, decision: u32, quarantined: bool) -> usize {
        let index = self.batch.facts.len();
        let record = self.first + index as u64;
        if !self.core.state.dedupe.insert(punch, record) {
            self.core.state.dedupe.insert_variant(punch, record);
        }
        self.batch.facts.push(Fact::punch(*punch, decision, quarantined));
        index
    }

    fn dispatch(&mut self, dispatch: Dispatch, done: Answer<Outcome<Vec<Parcel>>>) {
        let counted_since =
            !dispatch.reserved.is_empty() && dispatch.reservations != self.core.reservations;
        let stale = dispatch.changes != self.core.changes || counted_since;
        let queue = self.core.state.standing.queue(&dispatch.destination);
        let others = dispatch.redecided.iter().map(|&(record, _)| record);
        let aside = dispatch.aside.iter().map(|(record, _)| *record);
        let mut records = dispatch.sending.iter().map(|s| s.record).chain(others).chain(aside);
        if stale || !records.all(|record| queue.may_go(record)) {
            let _ = done.send(Ok(Outcome::Stale));
            return;
        }
        self.batch.redecided(&dispatch.redecided);
        for (record, reason) in &dispatch.aside {
            let act = Act::SetAside { record: *record, reason: reason.clone() };
            self.batch.acts.push((act, false));
        }
        let attestation = queue.attested.as_ref().map(Attestation::digest);
        self.batch.acts.extend(dispatched(&dispatch, attestation).map(|act| (act, false)));
        // At once, so that no other request of this batch releases them again.
        dispatch.sending.iter().for_each(|s| queue.hand_out(s.record));
        let reserved = self.core.reserve(&dispatch.destination, &dispatch.reserved);
        self.batch.waiting.push(Waiting::Dispatch { dispatch, reserved, done });
    }

    fn redecide(&mut self, mut redecision: Redecision, done: Answer<Outcome<u64>>) {
        if redecision.changes != self.core.changes {
            let _ = done.send(Ok(Outcome::Stale));
            return;
        }
        redecision.records.retain(|&(record, _)| self.core.state.standing.is_open(record));
        self.batch.redecision(redecision, done);
    }
}

/// The act of a dispatch; `None` if all of it is known from before.
fn dispatched(dispatch: &Dispatch, attestation: Option<String>) -> Option<Act> {
    let fresh = || dispatch.sending.iter().filter(|sending| !sending.known);
    fresh().next()?;
    Some(Act::Dispatched {
        destination: dispatch.destination.to_string(),
        decision: fresh().map(|sending| sending.decision).collect(),
        records: fresh().map(|sending| sending.record).collect(),
        digests: fresh().map(|sending| Digest(sending.digest)).collect(),
        reserved: dispatch.reserved.clone(),
        attestation,
        lanes: lanes(fresh()),
    })
}

/// Each lane that is crossed, with the records that cross it.
fn lanes<'a>(sending: impl Iterator<Item = &'a Sending>) -> Vec<(Law, Law, Runs)> {
    let mut crossed: BTreeMap<(Law, Law), BTreeSet<u64>> = BTreeMap::new();
    for one in sending {
        for &lane in &one.lanes {
            crossed.entry(lane).or_default().insert(one.record);
        }
    }
    crossed.into_iter().map(|((from, to), records)| (from, to, runs(records))).collect()
}
