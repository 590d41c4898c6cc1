//! A policy on trial: what the last thirty days would have come to, with nothing sent.
//!
//! Both the policy in force and the one on trial judge each record with the facts of today, dates
//! and signatures of the policies apart, so that what differs is the policies' doing alone.

use super::Ledger;
use crate::core::Shared;
use crate::decider::{Known, Question};
use crate::journal::{ReadError, Reader, Record};
use crate::{CommitError, Governance};
use muster_attendance::EventId;
use muster_residency::diff::{Direction, compare};
use muster_residency::{Decision, Rules};
use serde::Serialize;
use std::collections::BTreeMap;

/// How far back a trial looks.
const DAYS: i64 = 30;
const DAY_MS: i64 = 86_400_000;
/// Records judged under one hold of the lock.
const CHUNK: u64 = 128;

/// What a trial came to.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize)]
pub struct Shadow {
    /// Records judged.
    pub records: u64,
    /// Records that would be freer.
    pub loosens: u64,
    /// Records that would be held more strictly.
    pub tightens: u64,
    /// What would come out differently, the most frequent first.
    pub moves: Vec<ShadowMove>,
}

/// Records that move alike.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ShadowMove {
    /// Which way.
    pub direction: Direction,
    /// What they come to now.
    pub from: String,
    /// What they would come to.
    pub to: String,
    /// How many.
    pub count: u64,
    /// One of them.
    pub example: EventId,
}

impl Ledger {
    /// Tries a policy on the records of the last thirty days. Changes nothing.
    pub async fn shadow(&self, governance: &Governance) -> Result<Shadow, CommitError> {
        let new = crate::decider::compile(governance).map_err(CommitError::Invalid)?.undated();
        let shared = self.inner.shared.clone();
        let work = move || Trial { reader: shared.reader(), shared: &shared, new }.run();
        let done = tokio::task::spawn_blocking(work).await.map_err(|_| CommitError::Closed)?;
        done.map_err(|error| CommitError::Failed(error.to_string()))
    }
}

struct Trial<'a> {
    shared: &'a Shared,
    reader: Reader,
    new: Rules,
}

type Moves = BTreeMap<(Direction, String, String), (u64, EventId)>;

impl Trial<'_> {
    fn run(mut self) -> Result<Shadow, ReadError> {
        let now_ms = self.shared.clock.now_ms();
        let old = self.shared.core().decider.rules().map(|rules| rules.undated());
        let head = self.reader.head_record();
        let mut first = self.first_after(now_ms - DAYS * DAY_MS, head)?;
        let (mut shadow, mut moves) = (Shadow::default(), Moves::new());
        while first < head {
            let end = head.min(first + CHUNK);
            let records: Result<Vec<Record>, _> = self.reader.facts(first..end).collect();
            self.judge(&records?, now_ms, old.as_ref(), &mut shadow, &mut moves);
            first = end;
        }
        let told = |((direction, from, to), (count, example))| ShadowMove {
            direction,
            from,
            to,
            count,
            example,
        };
        shadow.moves = moves.into_iter().map(told).collect();
        shadow.moves.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.to.cmp(&b.to)));
        Ok(shadow)
    }

    /// The first record received at `since_ms` or later: they are in the order of receipt.
    fn first_after(&mut self, since_ms: i64, head: u64) -> Result<u64, ReadError> {
        let (mut low, mut high) = (1, head);
        while low < high {
            let middle = low + (high - low) / 2;
            let record = self.reader.record(middle)?;
            let received = record.and_then(|record| record.fact).map(|f| f.content.received_ms());
            // What cannot be read any more is older.
            if received.is_some_and(|ms| ms >= since_ms) { high = middle } else { low = middle + 1 }
        }
        Ok(low)
    }

    fn judge(
        &self,
        records: &[Record],
        now_ms: i64,
        old: Option<&Rules>,
        shadow: &mut Shadow,
        moves: &mut Moves,
    ) {
        let core = self.shared.core();
        let who = |person| self.shared.tables.who(person);
        let known = Known { who: &who, legal: &core.state.legal, labels: &core.state.labels };
        for record in records {
            let Some(fact) = record.fact.filter(|fact| !fact.quarantined) else { continue };
            let content = &fact.content;
            let question = Question { content, record: Some(record.number), now_ms };
            let judge = |rules: &Rules| core.decider.try_out(rules, question, known);
            let before = old.map(judge);
            let after = judge(&self.new);
            shadow.records += 1;
            let direction = match &before {
                Some(before) => compare(before, &after),
                None if after.destination().is_some() => Direction::Loosens,
                None => Direction::Neutral,
            };
            match direction {
                Direction::Neutral => continue,
                Direction::Loosens => shadow.loosens += 1,
                Direction::Tightens => shadow.tightens += 1,
            }
            let from = before.as_ref().map_or("HOLD (no policy)".to_owned(), word);
            let example = EventId::new(content.received_ms(), record.epoch, record.number);
            moves.entry((direction, from, word(&after))).or_insert((0, example)).0 += 1;
        }
    }
}

fn word(decision: &Decision) -> String {
    match decision.destination() {
        Some(destination) => format!("FORWARD to {destination}"),
        None => {
            let codes: Vec<_> = decision.reasons().iter().map(|code| code.as_str()).collect();
            format!("{} ({})", decision.verdict(), codes.join(", "))
        }
    }
}
