//! Deciding again what was decided when it was received, from the journal alone.
//!
//! Every act is applied in its order to an empty state, and each record is judged with the facts
//! and the rules of its moment: the journal holds the texts of every policy and law pack that was
//! accepted. What comes out must be what is stored (invariant I-13 of the model).

use super::Ledger;
use crate::Keyring;
use crate::act::Act;
use crate::core::Core;
use crate::decider::{Decider, Known, Question};
use crate::journal::{Batch, Fact};
use crate::state::checkpoint::CheckpointError;
use crate::state::decisions::Ruling;
use crate::state::{State, checkpoint};
use crate::tables::Building;
use crate::{ClockTrust, CommitError};
use muster_attendance::EventId;
use serde::Serialize;

/// Records that come out differently and are named.
const MAX_NAMED: usize = 20;

/// What deciding everything again showed.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize)]
pub struct Replayed {
    /// Records judged again.
    pub records: u64,
    /// Those that came out the same: verdict, destination, fields, reasons, all.
    pub same: u64,
    /// Records that cannot be judged any more: their month or their person was destroyed.
    pub gone: u64,
    /// Records before the first moment of which all can still be known.
    pub before: u64,
    /// Some that came out differently.
    pub differ: Vec<EventId>,
}

impl Ledger {
    /// Decides every record again as it was decided at its receipt. Reads the whole journal; a
    /// long one takes minutes.
    pub async fn replay_decisions(&self) -> Result<Replayed, CommitError> {
        let ledger = self.clone();
        let work = move || Replay::new(&ledger).run(&ledger);
        tokio::task::spawn_blocking(work).await.unwrap_or(Err(CommitError::Closed))
    }
}

struct Replay {
    core: Core,
    building: Building,
    replayed: Replayed,
}

impl Replay {
    fn new(ledger: &Ledger) -> Self {
        let core = Core::new(State::default(), Decider::new(&ledger.inner.shared.site));
        let building = Building::empty(&ledger.inner.keyring);
        Self { core, building, replayed: Replayed::default() }
    }

    fn run(mut self, ledger: &Ledger) -> Result<Replayed, CommitError> {
        let shared = &ledger.inner.shared;
        let mut reader = shared.reader();
        let failed = |error: crate::journal::ReadError| CommitError::Failed(error.to_string());
        let from = reader.readable_from().map_err(failed)?;
        let mut reader = shared.reader();
        if let Some((batch, checkpoint)) = from {
            self.begin(&checkpoint, &ledger.inner.keyring)?;
            reader.seek_batch(batch).map_err(failed)?;
        }
        while let Some(batch) = reader.next_batch().map_err(failed)? {
            self.batch(&batch);
        }
        Ok(self.replayed)
    }

    /// Where older acts are destroyed, what they came to is in a checkpoint.
    fn begin(&mut self, checkpoint: &[u8], keyring: &Keyring) -> Result<(), CommitError> {
        let failed = |error: CheckpointError| CommitError::Failed(error.to_string());
        let (state, tables) = checkpoint::read(checkpoint).map_err(failed)?;
        self.building = Building::restore(&tables, keyring).map_err(failed)?;
        let year = std::mem::take(&mut self.core.state.year);
        self.core.state = state;
        self.core.state.year = year;
        self.replayed.before = self.core.state.next_record.saturating_sub(1);
        self.core.govern(0);
        Ok(())
    }

    /// Facts are judged with what the acts before their batch said. What a full queue journaled in
    /// the same batch may have been known already: then the other answer is the one.
    fn batch(&mut self, batch: &Batch) {
        let acts: Vec<Act> = batch
            .acts
            .iter()
            .flat_map(|acts| acts.iter())
            .filter_map(|bytes| serde_json::from_slice(bytes).ok())
            .collect();
        // Decisions are named before the facts that are under them.
        for act in acts.iter().filter(|act| matches!(act, Act::Decided { .. })) {
            self.core.state.replay_act(act, batch.at_ms);
        }
        let facts: Vec<Fact> = batch.facts.iter().flat_map(|facts| facts.iter()).collect();
        let before: Vec<bool> = facts.iter().map(|fact| self.agrees(fact, batch.at_ms)).collect();
        self.apply(&acts, batch.at_ms);
        for (at, (fact, agreed)) in facts.iter().zip(before).enumerate() {
            if fact.quarantined {
                continue;
            }
            self.replayed.records += 1;
            if agreed || self.agrees(fact, batch.at_ms) {
                self.replayed.same += 1;
            } else if self.is_gone(fact) {
                self.replayed.gone += 1;
            } else if self.replayed.differ.len() < MAX_NAMED {
                let number = batch.first_record + at as u64;
                let received = fact.attendance.received_ms;
                self.replayed.differ.push(EventId::new(received, batch.epoch, number));
            }
        }
    }

    fn apply(&mut self, acts: &[Act], at_ms: i64) {
        let (mut governed, mut other) = (false, false);
        for act in acts {
            match act {
                Act::Decided { .. } => continue,
                Act::Governed { .. } | Act::PolicyAccepted { .. } | Act::SignersEnrolled { .. } => {
                    governed = true;
                }
                _ => other = true,
            }
            self.building.apply(act);
            self.core.state.replay_act(act, at_ms);
        }
        if governed {
            self.core.govern(at_ms);
        } else if other {
            self.core.legal_changed(at_ms);
        }
    }

    /// Whether the engine says again what is stored.
    fn agrees(&mut self, fact: &Fact, at_ms: i64) -> bool {
        let trusted = self.core.state.legal.clock_trusted;
        let trust = if trusted { ClockTrust::Trusted } else { ClockTrust::Untrusted };
        self.core.tick(at_ms, trust);
        let Some(stored) = self.core.state.decisions.ruling(fact.decision).cloned() else {
            return false;
        };
        let question = Question { punch: &fact.attendance, record: None, now_ms: at_ms };
        let who = |person| self.building.who(person);
        let known = Known { who: &who, legal: &self.core.state.legal };
        let again: Ruling = self.core.decider.ruling(question, known);
        *stored == again
    }

    /// Whether the person's facts of that time cannot be opened any more.
    fn is_gone(&self, fact: &Fact) -> bool {
        fact.attendance.person.is_some_and(|person| self.building.is_erased(person))
    }
}
