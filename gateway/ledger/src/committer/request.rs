//! What the committer is asked to do, besides plain acts.

use super::recaller::Found;
use super::{Answer, Refusal, Verdict};
use crate::legal::Reservation;
use crate::outbox::Parcel;
use muster_attendance::{Attendance, EventId, Summary};
use muster_residency::vocab::Law;
use std::sync::Arc;

/// One request.
pub(crate) enum Request {
    Commit {
        punches: Vec<Attendance>,
        done: Answer<Vec<Verdict>>,
    },
    /// A commit that comes back with what it needed.
    Recalled {
        found: Vec<Found>,
        punches: Vec<Attendance>,
        done: Answer<Vec<Verdict>>,
    },
    Refuse {
        refusal: Refusal,
        done: Answer<()>,
    },
    Dispatch {
        dispatch: Dispatch,
        done: Answer<Outcome<Vec<Parcel>>>,
    },
    Redecide {
        redecision: Redecision,
        done: Answer<Outcome<u64>>,
    },
    /// Store records made from sheets, at most [`super::Committer::MAX_BATCH`], but for those that
    /// were made before. Answered with how many were new.
    Summarize {
        summaries: Vec<Summary>,
        done: Answer<u64>,
    },
    /// Begin a new segment, with a checkpoint under this month's key.
    Rotate {
        done: Answer<()>,
    },
    Close {
        done: Answer<()>,
    },
}

/// The answer to a request that rests on facts read earlier.
pub(crate) enum Outcome<T> {
    Done(T),
    /// The facts have changed: look again.
    Stale,
}

/// One record to be sent.
pub(crate) struct Sending {
    pub(crate) record: u64,
    pub(crate) key: EventId,
    pub(crate) decision: u32,
    pub(crate) bytes: Box<[u8]>,
    /// SHA-256 of the bytes.
    pub(crate) digest: [u8; 32],
    /// Journaled before with these very bytes and decision: nothing new to say.
    pub(crate) known: bool,
    /// Released before, and the region's word is owed.
    pub(crate) again: bool,
    /// Lanes that it crosses.
    pub(crate) lanes: Box<[(Law, Law)]>,
}

/// Records to be released to a destination, decided when `changes` was the decider's.
pub(crate) struct Dispatch {
    pub(crate) destination: Arc<str>,
    pub(crate) changes: u64,
    /// What had been reserved by then.
    pub(crate) reservations: u64,
    pub(crate) sending: Vec<Sending>,
    /// What the sending counts as, where it crosses a border.
    pub(crate) reserved: Vec<Reservation>,
    /// Records that no longer go there, with their decision.
    pub(crate) redecided: Vec<(u64, u32)>,
    /// Records that must not go at all, with the reason.
    pub(crate) aside: Vec<(u64, String)>,
}

impl Dispatch {
    /// True if it changes nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.sending.is_empty() && self.redecided.is_empty() && self.aside.is_empty()
    }
}

/// Open records whose outcome changed, with their new decision.
pub(crate) struct Redecision {
    pub(crate) changes: u64,
    pub(crate) records: Vec<(u64, u32)>,
}
