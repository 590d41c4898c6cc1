//! What goes to one destination: live first, backlog paced, each decided again at the moment of
//! sending, journaled with the hash of its bytes before it is handed out.

mod attestation;
mod check_time;
mod exports;
mod meter;
mod parcel;
mod render;
mod seal;
mod select;
mod summary;

pub use attestation::{Attestation, PauseReason, TransferPeer};
pub use meter::Meter;
pub(crate) use parcel::Home;
pub use parcel::Parcel;
pub(crate) use render::hex;

use crate::act::Act;
use crate::committer::{Committer, Outcome, Request};
use crate::core::Shared;
use crate::state::same_kind;
use crate::submit::ActSender;
use muster_report::sealing::Recipient;
use select::{Selection, Selector};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long to wait where the journal cannot be read.
const RETRY: Duration = Duration::from_secs(1);
/// Bytes of a region's receipt or refusal that are kept.
const MAX_WORD: usize = 200;

/// The region's word on one parcel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Settlement {
    /// Taken; with the region's own receipt where it gives one (at most 200 bytes are kept).
    Accepted {
        /// The region's id or code.
        receipt: Option<String>,
    },
    /// Refused for good: set aside and shown, never sent elsewhere.
    Rejected {
        /// The region's words, at most 200 bytes are kept.
        reason: String,
    },
    /// No word: it stays queued and goes again, same bytes.
    Unknown,
}

/// Why nothing is handed out.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OutboxError {
    /// The journal did not take the dispatch or settlement.
    #[error(transparent)]
    Commit(#[from] crate::CommitError),
}

/// One destination's queue. Cheap to clone, but one worker drains it.
#[derive(Clone)]
pub struct Outbox {
    destination: Arc<str>,
    committer: Committer,
    acts: ActSender,
    shared: Arc<Shared>,
    selector: Arc<Mutex<Selector>>,
    /// Fingerprint of the key that parcels are sealed to.
    recipient: Option<Arc<str>>,
}

impl Outbox {
    /// Parcels one call may hand out.
    pub const MAX_BATCH: usize = 1024;

    pub(crate) fn new(
        destination: &str,
        committer: Committer,
        acts: ActSender,
        shared: Arc<Shared>,
        pseudonyms: &[u8; 32],
    ) -> Self {
        let selector = Selector::new(destination, &shared, pseudonyms);
        let selector = Arc::new(Mutex::new(selector));
        Self { destination: destination.into(), committer, acts, shared, selector, recipient: None }
    }

    /// Seals every parcel to `recipient` from here on: the guard sees plain text, and the journal's
    /// hash and the region get what is sealed.
    pub fn sealed_to(mut self, recipient: Recipient) -> Self {
        self.recipient = Some(recipient.fingerprint().into());
        self.selector.lock().unwrap_or_else(PoisonError::into_inner).seal_to(recipient);
        self
    }

    /// The destination's name in the policy.
    pub fn destination(&self) -> &str {
        &self.destination
    }

    /// The region (as `ap-southeast-1`) that the policy in force names for it, if any does.
    pub fn expected_region(&self) -> Option<String> {
        self.named().map(|named| named.region)
    }

    /// What the policy in force says of the destination.
    fn named(&self) -> Option<muster_residency::policy::Destination> {
        self.shared.core().decider.rules()?.destination(&self.destination).cloned()
    }

    /// Waits until something may go, then dispatches up to `max` records: live first, then backlog
    /// oldest first. Needs an attestation that matches; empty only at shutdown. May be dropped at
    /// any time: what was not handed out stays queued.
    pub async fn next(&self, max: usize) -> Result<Vec<Parcel>, OutboxError> {
        let changed = self.shared.core().state.standing.queue(&self.destination).changed.clone();
        let max = max.clamp(1, Self::MAX_BATCH);
        loop {
            match self.select(max).await {
                Selection::Closed => {
                    let failure = self.shared.failure().map(crate::CommitError::Failed);
                    return failure.map_or(Ok(Vec::new()), |error| Err(error.into()));
                }
                Selection::Nothing => changed.notified().await,
                Selection::Later => tokio::time::sleep(RETRY).await,
                Selection::Found(dispatch) => {
                    let released =
                        self.committer.ask(|done| Request::Dispatch { dispatch, done }).await?;
                    match released {
                        Outcome::Done(parcels) if !parcels.is_empty() => return Ok(parcels),
                        Outcome::Done(_) | Outcome::Stale => {}
                    }
                }
            }
        }
    }

    /// Reading and rendering take milliseconds: on a thread where that may be.
    async fn select(&self, max: usize) -> Selection {
        let (shared, selector) = (self.shared.clone(), self.selector.clone());
        let work = move || {
            let mut selector = selector.lock().unwrap_or_else(PoisonError::into_inner);
            selector.select(&shared, max)
        };
        tokio::task::spawn_blocking(work).await.unwrap_or(Selection::Closed)
    }

    /// Journals the region's word on parcels; durable when this returns. On an error they go back
    /// to the queue and are sent again, same bytes.
    pub async fn settle(&self, parcels: Vec<(Parcel, Settlement)>) -> Result<(), OutboxError> {
        let mut accepted = Vec::new();
        let mut receipts = Vec::new();
        let mut rejected = Vec::new();
        let mut spent = Vec::new();
        for (parcel, settlement) in parcels {
            debug_assert!(parcel.belongs_to(&self.destination));
            let record = parcel.record();
            match settlement {
                _ if !parcel.belongs_to(&self.destination) => continue,
                Settlement::Unknown => continue,
                Settlement::Accepted { receipt } => {
                    accepted.push(record);
                    receipts.extend(receipt.map(|receipt| (record, cut(&receipt, MAX_WORD))));
                }
                Settlement::Rejected { reason } => rejected.push((record, cut(&reason, MAX_WORD))),
            }
            spent.push(parcel);
        }
        if spent.is_empty() {
            return Ok(());
        }
        accepted.sort_unstable();
        let counts = [("accepted", accepted.len()), ("rejected", rejected.len())];
        let accepted = crate::state::runs(accepted);
        let destination = self.destination.to_string();
        let act = Act::Settled { destination, accepted, receipts, rejected };
        self.acts.submit(vec![act]).await?;
        spent.into_iter().for_each(Parcel::spend);
        counts.into_iter().for_each(|(result, count)| self.count(result, count));
        Ok(())
    }

    fn count(&self, result: &'static str, count: usize) {
        let destination = self.destination.to_string();
        let labels = [("destination", destination), ("result", result.to_owned())];
        metrics::counter!("muster_parcels_settled_total", &labels).increment(count as u64);
    }

    /// What was seen when the connection came up; clears a pause, or makes one where it is another
    /// region than the policy names. Journaled where it changed.
    pub async fn attest(&self, attestation: Attestation) -> Result<(), OutboxError> {
        if let Some(why) = self.named().and_then(|named| attestation.contradicts(&named)) {
            return self.pause(PauseReason::WrongRegion(why)).await;
        }
        let attestation = self.quoted(attestation).sealed_to(self.recipient.as_deref());
        {
            let mut core = self.shared.core();
            let queue = core.state.standing.queue(&self.destination);
            if queue.attested.as_ref() == Some(&attestation) && queue.paused.is_none() {
                return Ok(());
            }
        }
        let destination = self.destination.to_string();
        Ok(self.acts.submit(vec![Act::Attested { destination, attestation }]).await?)
    }

    /// What is by contract, with the clause on file that says so.
    fn quoted(&self, attestation: Attestation) -> Attestation {
        let Attestation::Contract { region, peer, .. } = attestation else { return attestation };
        let now = jiff::Timestamp::from_millisecond(self.shared.clock.now_ms()).unwrap_or_default();
        let core = self.shared.core();
        let clause = core.state.legal.papers.quoted(&self.destination, now);
        let clause = clause.map(|(number, text)| (number, text.to_owned()));
        Attestation::Contract { region, peer, clause }
    }

    /// Pauses the destination until the next attestation. Journaled where the kind changed.
    pub async fn pause(&self, reason: PauseReason) -> Result<(), OutboxError> {
        {
            let mut core = self.shared.core();
            let queue = core.state.standing.queue(&self.destination);
            queue.attested = None;
            if let Some((before, _)) = &mut queue.paused
                && same_kind(before, &reason)
            {
                *before = reason;
                return Ok(());
            }
        }
        let destination = self.destination.to_string();
        Ok(self.acts.submit(vec![Act::Paused { destination, reason }]).await?)
    }

    /// Returns once the emergency stop is on: whoever sends must end its connection.
    pub async fn stopped(&self) {
        let mut stop = self.shared.stop.subscribe();
        // The sender lives as long as `shared`.
        let _ = stop.wait_for(|on| *on).await;
    }

    /// Returns once the emergency stop is off.
    pub async fn running(&self) {
        let mut stop = self.shared.stop.subscribe();
        let _ = stop.wait_for(|on| !*on).await;
    }

    /// Records waiting for this destination.
    pub fn backlog(&self) -> u64 {
        self.shared.core().state.standing.queue(&self.destination).queued.len()
    }
}

/// The text's first `max` bytes, whole characters only.
fn cut(text: &str, max: usize) -> String {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
