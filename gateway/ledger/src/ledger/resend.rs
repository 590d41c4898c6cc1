//! Sending again what a region settled and then lost: a broker's acknowledgement is its word only.

use super::{Ledger, LegalError};
use crate::CommitError;
use crate::act::{Act, Runs};
use crate::journal::Reader;
use crate::state::standing::Place;
use muster_residency::vocab::Verdict;
use roaring::RoaringTreemap;
use serde::Serialize;

/// Runs of records that one act names.
const MAX_RUNS: usize = 4096;

/// What is sent again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Resent {
    /// Records that are queued again.
    pub records: u64,
}

impl Ledger {
    /// Queues again what `destination` has settled since `since_ms`: under the same ids, decided
    /// anew like everything that is queued. Reads the whole journal. What was since dropped, set
    /// aside, reduced to hours or destroyed stays so.
    pub async fn resend(
        &self,
        actor: &str,
        destination: &str,
        since_ms: i64,
    ) -> Result<Resent, LegalError> {
        let _one = self.inner.changing.lock().await;
        let ledger = self.clone();
        let name = destination.to_owned();
        let work = move || ledger.settled_since(&name, since_ms);
        let settled = tokio::task::spawn_blocking(work).await;
        let settled = settled.map_err(|_| CommitError::Closed)??;
        let mut reader = self.inner.shared.reader();
        let done = |&record: &u64| self.is_done(&mut reader, record);
        let records: RoaringTreemap = settled.into_iter().filter(done).collect();
        for runs in runs(&records).chunks(MAX_RUNS) {
            let (actor, destination) = (actor.to_owned(), destination.to_owned());
            self.submit(Act::Resent { actor, destination, records: runs.to_vec() }).await?;
        }
        Ok(Resent { records: records.len() })
    }

    /// Every record that the journal says the destination took since then.
    fn settled_since(
        &self,
        destination: &str,
        since_ms: i64,
    ) -> Result<RoaringTreemap, CommitError> {
        let failed = |error: crate::journal::ReadError| CommitError::Failed(error.to_string());
        let mut reader = self.inner.shared.reader();
        let mut found = RoaringTreemap::new();
        while let Some(batch) = reader.next_batch().map_err(failed)? {
            let Ok(acts) = batch.acts else { continue };
            if batch.at_ms < since_ms {
                continue;
            }
            for bytes in acts.iter() {
                let Ok(Act::Settled { destination: of, accepted, .. }) =
                    serde_json::from_slice(bytes)
                else {
                    continue;
                };
                if of == destination {
                    accepted.iter().for_each(|&(first, count)| {
                        found.insert_range(first..first.saturating_add(count));
                    });
                }
            }
        }
        Ok(found)
    }

    /// Settled, and neither dropped nor anywhere else since.
    fn is_done(&self, reader: &mut Reader, record: u64) -> bool {
        let read = reader.record(record);
        let Some(fact) = read.ok().flatten().and_then(|found| found.fact) else { return false };
        let core = self.core();
        if core.state.legal.rights.reduced.hides(fact.content.received_ms()) {
            return false;
        }
        let standing = &core.state.standing;
        let ruling = core.state.decisions.ruling(standing.decision(record, fact.decision));
        let dropped = ruling.is_some_and(|ruling| ruling.decision.decision == Verdict::Drop);
        standing.find(record) == Place::Done && !dropped
    }
}

/// Numbers as runs.
fn runs(records: &RoaringTreemap) -> Runs {
    let mut runs: Runs = Vec::new();
    for record in records {
        match runs.last_mut() {
            Some((first, count)) if *first + *count == record => *count += 1,
            _ => runs.push((record, 1)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_runs() {
        let check = |records: &[u64], expect: &[(u64, u64)]| {
            assert_eq!(runs(&records.iter().copied().collect()), expect);
        };
        check(&[], &[]);
        check(&[3, 4, 5, 9, 11, 12], &[(3, 3), (9, 1), (11, 2)]);
    }
}
