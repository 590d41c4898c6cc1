//! Deciding again what was decided when it was received, when facts changed and when it was sent,
//! from the journal alone.
//!
//! Every act is applied in its order to an empty state, and each record is judged with the facts
//! and the rules of its moment: the journal holds the texts of every policy and law pack that was
//! accepted. What comes out must be what is stored (invariant I-13 of the model).

use super::Ledger;
use crate::Keyring;
use crate::act::Act;
use crate::core::Core;
use crate::decider::{Decider, Known, Question};
use crate::journal::{Batch, Content, Fact, ReadError, Reader};
use crate::state::checkpoint::CheckpointError;
use crate::state::{State, checkpoint};
use crate::tables::Building;
use crate::{ClockTrust, CommitError};
use muster_attendance::EventId;
use muster_residency::vocab::Law;
use serde::Serialize;

/// Records that come out differently and are named.
const MAX_NAMED: usize = 20;

/// What deciding everything again showed.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize)]
pub struct Replayed {
    /// Decisions at the receipt of each record.
    #[serde(flatten)]
    pub receipts: Tally,
    /// Decisions that replaced another one, since what they rest on had changed.
    pub redecisions: Tally,
    /// Decisions of the moment of sending.
    pub dispatches: Tally,
    /// Records before the first moment of which all can still be known.
    pub before: u64,
    /// Some that came out differently.
    pub differ: Vec<EventId>,
}

/// Decisions made again.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize)]
pub struct Tally {
    /// Records judged again.
    pub records: u64,
    /// Those that came out the same: verdict, destination, fields, reasons, all.
    pub same: u64,
    /// Those that cannot be judged any more: their month or their person was destroyed.
    pub gone: u64,
}

impl Ledger {
    /// Decides every record again as it was decided at its receipt, at each change of facts that
    /// moved it, and at its sending. Reads the whole journal; a long one takes minutes.
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
        let failed = |error: ReadError| CommitError::Failed(error.to_string());
        let from = reader.readable_from().map_err(failed)?;
        let mut reader = shared.reader();
        if let Some((batch, checkpoint)) = from {
            self.begin(&checkpoint, &ledger.inner.keyring)?;
            reader.seek_batch(batch).map_err(failed)?;
        }
        let mut back = shared.reader();
        while let Some(batch) = reader.next_batch().map_err(failed)? {
            self.batch(&batch, &mut back).map_err(failed)?;
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

    /// Everything is judged with what the acts before its batch said. What a full queue journaled
    /// in the same batch may have been known already: then the other answer is the one.
    fn batch(&mut self, batch: &Batch, reader: &mut Reader) -> Result<(), ReadError> {
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
        let mut asked = at_receipt(batch);
        for act in &acts {
            asked.extend(at_act(act, reader)?);
        }
        let before = self.judge(&asked, batch.at_ms);
        self.apply(&acts, batch.at_ms);
        let after = match before.iter().all(|&agrees| agrees) {
            true => before.clone(),
            false => self.judge(&asked, batch.at_ms),
        };
        for (asked, same) in asked.iter().zip(before.iter().zip(after).map(|(a, b)| *a || b)) {
            self.count(asked, same);
        }
        Ok(())
    }

    /// Whether the engine says again what is stored, each with those of one sending before it
    /// counted.
    fn judge(&mut self, asked: &[Asked], at_ms: i64) -> Vec<bool> {
        let mut agreed = Vec::with_capacity(asked.len());
        let mut sending = None;
        for one in asked {
            if sending != one.sending {
                self.core.state.legal.counters.end_choosing();
                sending = one.sending;
            }
            agreed.push(self.agrees(one, at_ms));
        }
        self.core.state.legal.counters.end_choosing();
        agreed
    }

    fn count(&mut self, asked: &Asked, same: bool) {
        let gone = !same && self.is_gone(asked);
        let tally = match asked.moment {
            Moment::Receipt => &mut self.replayed.receipts,
            Moment::Redecision => &mut self.replayed.redecisions,
            Moment::Dispatch => &mut self.replayed.dispatches,
        };
        tally.records += 1;
        if same {
            tally.same += 1;
        } else if gone {
            tally.gone += 1;
        } else if self.replayed.differ.len() < MAX_NAMED
            && !self.replayed.differ.contains(&asked.id)
        {
            self.replayed.differ.push(asked.id);
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

    fn agrees(&mut self, asked: &Asked, at_ms: i64) -> bool {
        let trusted = self.core.state.legal.clock_trusted;
        let trust = if trusted { ClockTrust::Trusted } else { ClockTrust::Untrusted };
        self.core.tick(at_ms, trust);
        let stored = self.core.state.decisions.ruling(asked.decision).cloned();
        let (Some(stored), Some(content)) = (stored, &asked.content) else { return false };
        let record = (asked.moment != Moment::Receipt).then_some(asked.id.number());
        let question = Question { content, record, now_ms: at_ms };
        let who = |person| self.building.who(person);
        let (legal, labels) = (&self.core.state.legal, &self.core.state.labels);
        let known = Known { who: &who, legal, labels };
        let (again, export) = self.core.decider.ruling(question, known);
        if let Some((person, sensitive)) = export.filter(|_| asked.sending.is_some()) {
            let year = self.core.decider.year();
            self.core.state.legal.counters.choose(Law::CN, year, person, sensitive);
        }
        *stored == again
    }

    /// Whether the record, or the person's facts of that time, cannot be opened any more.
    fn is_gone(&self, asked: &Asked) -> bool {
        let person = asked.content.as_ref().map(Content::person);
        person.is_none_or(|person| person.is_some_and(|person| self.building.is_erased(person)))
    }
}

/// When a decision was made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moment {
    Receipt,
    Redecision,
    Dispatch,
}

/// One decision to make again.
struct Asked {
    moment: Moment,
    id: EventId,
    /// `None` where its month is destroyed.
    content: Option<Content>,
    decision: u32,
    /// The sending it is part of.
    sending: Option<u64>,
}

fn at_receipt(batch: &Batch) -> Vec<Asked> {
    let facts = (batch.first_record..).zip(batch.facts.iter().flat_map(|facts| facts.iter()));
    let facts = facts.filter(|(_, fact): &(u64, Fact)| !fact.quarantined);
    let asked = |(number, fact): (u64, Fact)| Asked {
        moment: Moment::Receipt,
        id: EventId::new(fact.content.received_ms(), batch.epoch, number),
        content: Some(fact.content),
        decision: fact.decision,
        sending: None,
    };
    facts.map(asked).collect()
}

/// What an act decided anew, with the records read back.
fn at_act(act: &Act, reader: &mut Reader) -> Result<Vec<Asked>, ReadError> {
    let (moment, pairs, sending): (_, Vec<(u64, u32)>, _) = match act {
        Act::Redecided { decision, records } => {
            let numbers = records.iter().flat_map(|&(first, count)| first..first + count);
            (Moment::Redecision, numbers.map(|number| (number, *decision)).collect(), None)
        }
        Act::Dispatched { records, decision, .. } => {
            let pairs = records.iter().copied().zip(decision.iter().copied());
            (Moment::Dispatch, pairs.collect(), records.first().copied())
        }
        _ => return Ok(Vec::new()),
    };
    let mut asked = Vec::with_capacity(pairs.len());
    for (number, decision) in pairs {
        let Some(read) = reader.record(number)? else { continue };
        let content = read.fact.map(|fact| fact.content);
        let received_ms = content.map_or(0, |content| content.received_ms());
        let id = EventId::new(received_ms, read.epoch, number);
        asked.push(Asked { moment, id, content, decision, sending });
    }
    Ok(asked)
}
