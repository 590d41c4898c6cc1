//! Decides open records again after a change of facts: a thread beside the committer, in chunks, so
//! that receipts never wait for it. Only what comes out differently is journaled.

use crate::committer::{Committer, Outcome, Redecision, Request};
use crate::core::{Shared, Sweep};
use crate::journal::{Content, Reader, Record};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Records decided under one hold of the lock (well under a millisecond).
const CHUNK: usize = 1024;

/// How long to wait where the journal does not take it.
const RETRY: Duration = Duration::from_secs(1);

/// Starts the thread; it ends with the ledger.
pub(crate) fn start(
    shared: Arc<Shared>,
    requests: mpsc::WeakSender<Request>,
) -> std::io::Result<()> {
    let thread = std::thread::Builder::new().name("muster-sweeper".into());
    thread.spawn(move || {
        while let Some(sweep) = shared.next_sweep() {
            let (own, requests) = (shared.clone(), requests.clone());
            let run = move || {
                Sweeper { reader: own.reader(), shared: own, requests }.run(sweep);
            };
            if catch_unwind(AssertUnwindSafe(run)).is_err() {
                metrics::counter!("muster_sweeps_failed_total").increment(1);
                tracing::error!("deciding again failed on an error of its own and is tried again");
                std::thread::sleep(RETRY);
                shared.core().ask_sweep(Sweep { from: 0, people: None });
            }
        }
    })?;
    Ok(())
}

struct Sweeper {
    reader: Reader,
    shared: Arc<Shared>,
    requests: mpsc::WeakSender<Request>,
}

impl Sweeper {
    fn run(&mut self, sweep: Sweep) {
        let mut from = sweep.from;
        while let Some(last) = self.chunk(&sweep, from) {
            from = last + 1;
        }
    }

    /// Decides the next records again. The last one's number; `None` at the end.
    fn chunk(&mut self, sweep: &Sweep, from: u64) -> Option<u64> {
        let open = {
            let core = self.shared.core();
            if core.closed {
                return None;
            }
            core.state.standing.open_from(from, CHUNK)
        };
        let last = *open.last()?;
        let found = self.read(sweep, open);
        if let Some(redecision) = self.judge(&found) {
            self.submit(redecision, sweep);
        }
        Some(last)
    }

    fn read(&mut self, sweep: &Sweep, open: Vec<u64>) -> Vec<(u64, u32, Content)> {
        let mut found = Vec::with_capacity(open.len());
        for record in self.reader.facts(open.into_iter()) {
            match record {
                Ok(Record { number, fact: Some(fact), .. }) => {
                    let content = fact.content;
                    let concerned = sweep.people.as_ref().is_none_or(|people| {
                        content.person().is_some_and(|person| people.contains(&person))
                    });
                    if concerned {
                        found.push((number, fact.decision, content));
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "records wait that cannot be read to decide again");
                    break;
                }
            }
        }
        found
    }

    fn judge(&self, found: &[(u64, u32, Content)]) -> Option<Redecision> {
        let now_ms = self.shared.clock.now_ms();
        let mut core = self.shared.core();
        let mut records = Vec::new();
        for (record, stored, content) in found {
            let new = core.decide(content, Some(*record), now_ms, &self.shared.tables).number;
            let old = core.state.standing.decision(*record, *stored);
            if !core.state.decisions.same_outcome(old, new) {
                records.push((*record, new));
            }
        }
        let changes = core.changes;
        (!records.is_empty()).then_some(Redecision { changes, records })
    }

    fn submit(&self, redecision: Redecision, sweep: &Sweep) {
        let Some(requests) = self.requests.upgrade() else { return };
        let committer = Committer::new(requests, self.shared.clone());
        let first = redecision.records.iter().map(|(record, _)| *record).min().unwrap_or(0);
        match committer.ask_blocking(|done| Request::Redecide { redecision, done }) {
            Ok(Outcome::Done(count)) => {
                metrics::counter!("muster_records_redecided_total").increment(count);
            }
            // The facts changed meanwhile: these are looked at again with the next sweep.
            Ok(Outcome::Stale) => {
                self.shared.core().ask_sweep(Sweep { from: first, people: sweep.people.clone() });
            }
            Err(error) => {
                tracing::warn!(%error, "a re-decision was not journaled and is tried again");
                std::thread::sleep(RETRY);
                self.shared.core().ask_sweep(Sweep { from: first, people: sweep.people.clone() });
            }
        }
    }
}
