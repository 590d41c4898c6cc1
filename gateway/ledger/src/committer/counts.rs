//! What the committer tells `/metrics`. Labels are from fixed sets.

use super::Verdict;
use crate::core::Core;
use std::time::Duration;

/// Counts verdicts that are about to be told.
pub(super) fn verdicts(verdicts: &[Verdict]) {
    let mut counts = [0u64; 4];
    for verdict in verdicts {
        counts[match verdict {
            Verdict::New(_) => 0,
            Verdict::Again(_) => 1,
            Verdict::Quarantined(_) => 2,
            Verdict::Refused(_) => 3,
        }] += 1;
    }
    for (count, word) in counts.into_iter().zip(["new", "again", "quarantined", "refused"]) {
        if count > 0 {
            metrics::counter!("muster_punches_total", "verdict" => word).increment(count);
        }
    }
}

/// Notes one append.
pub(super) fn append(facts: usize, took: Duration) {
    metrics::histogram!("muster_journal_append_seconds").record(took.as_secs_f64());
    metrics::histogram!("muster_journal_batch_records").record(facts as f64);
}

/// Notes a batch that the disk did not take.
pub(super) fn failed(cause: &'static str) {
    metrics::counter!("muster_journal_failed_batches_total", "cause" => cause).increment(1);
}

/// Once a second: where records stand.
pub(super) fn standing(core: &Core, journal_bytes: u64) {
    metrics::gauge!("muster_journal_bytes").set(journal_bytes as f64);
    metrics::gauge!("muster_records").set(core.state.next_record.saturating_sub(1) as f64);
    let held: u64 = core.state.standing.held().map(|(_, count)| count).sum();
    metrics::gauge!("muster_held_records").set(held as f64);
    let apart: u64 = core.state.standing.quarantined().map(|(_, count)| count).sum();
    metrics::gauge!("muster_quarantined_records").set(apart as f64);
    metrics::gauge!("muster_dropped_records").set(core.state.standing.dropped() as f64);
    for queue in core.state.standing.queues() {
        let destination = queue.destination.to_string();
        metrics::gauge!("muster_outbox_backlog_records", "destination" => destination.clone())
            .set(queue.queued.len() as f64);
        for (name, count) in [
            ("muster_outbox_permitted_records", queue.permitted()),
            ("muster_outbox_undeliverable_records", queue.undeliverable()),
        ] {
            metrics::gauge!(name, "destination" => destination.clone()).set(count as f64);
        }
        metrics::gauge!("muster_outbox_paused", "destination" => destination)
            .set(if queue.paused.is_some() { 1.0 } else { 0.0 });
    }
}
