//! Why a record is where it is.

use crate::core::Shared;
use crate::journal::Content;
use crate::state::decisions::RulesRef;
use crate::state::standing::Place;
use crate::{CommitError, PauseReason, RecordState};
use muster_attendance::{Attendance, EventId, PersonId, Summary};
use muster_residency::vocab::Verdict;
use muster_residency::{Rules, StoredDecision};
use serde::Serialize;

/// A record's stored decision with all that stands behind it. Only what is stored is told: nothing
/// is decided again.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The record.
    pub id: EventId,
    /// What the record says, if it is a punch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attendance: Option<Attendance>,
    /// What it says, if it was made from sheets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
    /// Where it stands.
    pub state: RecordState,
    /// The decision; `None` if its own act is damaged, and then the record waits.
    pub decision: Option<StoredDecision>,
    /// What it was decided under; `None` where no policy was in force.
    pub rules: Option<RulesRef>,
    /// Why its destination takes nothing now, if so (I-03, I-04).
    pub paused: Option<PauseReason>,
    /// The law pack in force is past its review date: say so wherever it is quoted.
    pub law_pack_overdue: bool,
}

impl Explanation {
    /// Whose the record is, as stored; `None` if it is nobody's.
    pub fn person(&self) -> Option<PersonId> {
        let made = || self.summary.and_then(|summary| summary.person());
        self.attendance.map_or_else(made, |punch| punch.person)
    }
}

/// `None` if there is no such record, or nothing but its hours is left.
pub(super) fn explain(shared: &Shared, id: EventId) -> Result<Option<Explanation>, CommitError> {
    let read = shared.reader().record(id.number());
    let read = read.map_err(|error| CommitError::Failed(error.to_string()))?;
    let Some((record, fact)) = read.and_then(|record| Some((record, record.fact?))) else {
        return Ok(None);
    };
    let received_ms = fact.content.received_ms();
    if EventId::new(received_ms, record.epoch, record.number) != id {
        return Ok(None);
    }
    let (attendance, summary) = match fact.content {
        Content::Punch(punch) => (Some(punch), None),
        Content::Summary(summary) => (None, Some(summary)),
    };
    let core = shared.core();
    if core.state.legal.rights.reduced.hides(received_ms) {
        return Ok(None);
    }
    let standing = &core.state.standing;
    let number = standing.decision(record.number, fact.decision);
    let ruling = core.state.decisions.ruling(number);
    let place = standing.find(record.number);
    let paused = match place {
        Place::Queued(queue) => standing.queues().get(queue).and_then(|q| q.paused.clone()),
        _ => None,
    };
    Ok(Some(Explanation {
        id,
        attendance,
        summary,
        state: state_of(place, ruling.map(|r| r.decision.decision)),
        decision: ruling.map(|r| r.decision.clone()),
        rules: ruling.and_then(|r| r.rules.clone()),
        paused: paused.map(|(reason, _)| reason),
        law_pack_overdue: core.decider.rules().is_some_and(|rules| is_overdue(rules, shared)),
    }))
}

fn is_overdue(rules: &Rules, shared: &Shared) -> bool {
    let now = jiff::Timestamp::from_millisecond(shared.clock.now_ms()).unwrap_or_default();
    rules.law_pack().review_overdue(now.to_zoned(jiff::tz::TimeZone::UTC).date())
}

/// The word for a place.
pub(crate) fn state_of(place: Place, verdict: Option<Verdict>) -> RecordState {
    match (place, verdict) {
        (Place::Held, _) => RecordState::Held,
        (Place::Queued(_), _) => RecordState::Queued,
        (Place::SetAside, _) => RecordState::Quarantined,
        (Place::Done, Some(Verdict::Drop)) => RecordState::Dropped,
        (Place::Done, _) => RecordState::Settled,
    }
}
