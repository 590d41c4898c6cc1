//! One batch in the making: what is to be written, and who is to be told.

use super::{Answer, Dispatch, Outcome, Redecision, Refusal, RefusalReason, Verdict};
use crate::CommitError;
use crate::act::Act;
use crate::journal::Fact;
use crate::legal::counters::Undo;
use crate::outbox::Parcel;
use crate::state::dedupe::Original;
use crate::submit::Submission;
use muster_attendance::Attendance;
use tokio::sync::oneshot;

/// Punches one batch gathers.
pub(super) const MAX_PUNCHES: usize = 8192;
/// Requests and submissions one batch gathers.
pub(super) const MAX_REQUESTS: usize = 4096;

/// What becomes of a punch once the batch is on disk.
#[derive(Clone, Copy)]
pub(super) enum Fate {
    /// Stored as the batch's fact of this index.
    New(usize),
    /// Stored apart, likewise, for this reason.
    Quarantined(usize, &'static str),
    /// There already.
    Again(Original),
    /// Refused; the refusal is among the acts.
    Refused(RefusalReason),
}

/// Who waits for the batch.
pub(super) enum Waiting {
    Commit { punches: Vec<Attendance>, fates: Vec<Fate>, done: Answer<Vec<Verdict>> },
    Acts { essential: bool, done: oneshot::Sender<Result<(), CommitError>> },
    Refuse { done: Answer<()> },
    Dispatch { dispatch: Dispatch, reserved: Option<Undo>, done: Answer<Outcome<Vec<Parcel>>> },
    Redecide { count: u64, done: Answer<Outcome<u64>> },
    Summarize { count: u64, done: Answer<u64> },
}

impl Waiting {
    fn is_essential(&self) -> bool {
        matches!(self, Self::Acts { essential: true, .. })
    }

    /// Tells that nothing was written.
    pub(super) fn refuse(self, why: CommitError) {
        // Who no longer waits is not told.
        let _ = match self {
            Self::Commit { done, .. } => done.send(Err(why)).is_ok(),
            Self::Acts { done, .. } => done.send(Err(why)).is_ok(),
            Self::Refuse { done } => done.send(Err(why)).is_ok(),
            Self::Dispatch { done, .. } => done.send(Err(why)).is_ok(),
            Self::Redecide { done, .. } => done.send(Err(why)).is_ok(),
            Self::Summarize { done, .. } => done.send(Err(why)).is_ok(),
        };
    }
}

/// The batch.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) facts: Vec<Fact>,
    /// Acts in order, each with whether it may use the reserve of a full disk.
    pub(super) acts: Vec<(Act, bool)>,
    pub(super) waiting: Vec<Waiting>,
    /// The decider's state when the facts were decided.
    pub(super) changes: u64,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.facts.is_empty() && self.acts.is_empty() && self.waiting.is_empty()
    }

    /// True if there is something to write.
    pub(super) fn writes(&self) -> bool {
        !self.facts.is_empty() || !self.acts.is_empty()
    }

    /// Adds plain acts.
    pub(super) fn submission(&mut self, submission: Submission) {
        let essential = submission.acts.iter().all(Act::is_essential);
        self.acts.extend(submission.acts.into_iter().map(|act| (act, essential)));
        self.waiting.push(Waiting::Acts { essential, done: submission.done });
    }

    /// Adds a refusal; `act` is `None` where it is only counted.
    pub(super) fn refusal(&mut self, act: Option<Act>, done: Answer<()>) {
        self.acts.extend(act.map(|act| (act, false)));
        self.waiting.push(Waiting::Refuse { done });
    }

    /// Adds records that change their decision.
    pub(super) fn redecided(&mut self, records: &[(u64, u32)]) {
        let mut records = records.to_vec();
        records.sort_by_key(|&(record, decision)| (decision, record));
        for group in records.chunk_by(|a, b| a.1 == b.1) {
            let runs = crate::state::runs(group.iter().map(|(record, _)| *record));
            let decision = group.first().map_or(0, |(_, decision)| *decision);
            self.acts.push((Act::Redecided { decision, records: runs }, false));
        }
    }

    /// Adds a re-decision whose records have been checked.
    pub(super) fn redecision(&mut self, redecision: Redecision, done: Answer<Outcome<u64>>) {
        self.redecided(&redecision.records);
        self.waiting.push(Waiting::Redecide { count: redecision.records.len() as u64, done });
    }

    /// Splits off what may still be written on a full disk, and who waits for that.
    pub(super) fn into_essential(self) -> (Self, Vec<Waiting>) {
        let (essential, others) = self.waiting.into_iter().partition(Waiting::is_essential);
        let acts = self.acts.into_iter().filter(|(_, essential)| *essential).collect();
        let batch = Self { facts: Vec::new(), acts, waiting: essential, changes: self.changes };
        (batch, others)
    }
}

/// The act of a punch that is refused.
pub(super) fn refusal_of(punch: &Attendance, reason: RefusalReason) -> Refusal {
    Refusal {
        device: Some(punch.device),
        message: Some((punch.boot, punch.seq)),
        reason,
        length: 0,
    }
}
