//! Every transfer of a span with what was known of its far end, and the region's word on it.

use super::{Follow, Known, Span};
use crate::act::{Act, Runs};
use crate::journal::{Batch, Reader};
use crate::state::decisions::RulesRef;
use crate::{Attestation, CommitError};
use muster_attendance::{EventId, PersonId};
use muster_residency::vocab::{Bucket, Law};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Transfers that one reading gives out.
pub const MAX_TRANSFERS: usize = 1_000_000;

/// One record's transfer to one destination.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// Dispatched then, milliseconds since 1970.
    pub at_ms: i64,
    /// The record.
    pub id: EventId,
    /// Whose; `None` where the fact cannot be read any more.
    pub person: Option<PersonId>,
    /// SHA-256 of the bytes that left, base64.
    pub digest: String,
    /// Lanes that it crossed.
    pub lanes: Vec<(Law, Law)>,
    /// The mainland's mechanism it rested on.
    pub bucket: Option<Bucket>,
    /// What it went under.
    pub rules: Option<RulesRef>,
    /// What is shared with its neighbours.
    pub far_end: Arc<FarEnd>,
    /// When the region took it, and its receipt where it gave one; `None` while its word is owed.
    pub taken: Option<(i64, Option<String>)>,
    /// Why the region refused it, if it did.
    pub refused: Option<String>,
    /// Batch of the journal that holds the dispatch, with the chain's hash after it, hex.
    pub batch: u64,
    /// See `batch`.
    pub chain: Arc<str>,
}

/// Where a dispatch went, as the policy said and the wire or a contract showed.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct FarEnd {
    pub destination: String,
    pub region: String,
    pub operator: Option<String>,
    pub remote_access_from: Vec<Law>,
    pub attestation: Option<Attestation>,
}

pub(super) struct Fold {
    span: Span,
    found: BTreeMap<(u64, String), Found>,
    more: bool,
}

struct Found {
    number: u64,
    transfer: Transfer,
}

impl Fold {
    pub(super) fn new(span: Span) -> Self {
        Self { span, found: BTreeMap::new(), more: false }
    }

    /// Fills in whose records they are.
    pub(super) fn end(self, reader: &mut Reader) -> Result<(Vec<Transfer>, bool), CommitError> {
        let mut found: Vec<Found> = self.found.into_values().collect();
        for one in &mut found {
            let read = reader.record(one.number);
            let read = read.map_err(|error| CommitError::Failed(error.to_string()))?;
            let Some((record, fact)) = read.and_then(|r| Some((r, r.fact?))) else { continue };
            let received_ms = fact.attendance.received_ms;
            one.transfer.person = fact.attendance.person;
            one.transfer.id = EventId::new(received_ms, record.epoch, record.number);
        }
        found.sort_by_key(|one| (one.transfer.batch, one.number));
        Ok((found.into_iter().map(|one| one.transfer).collect(), self.more))
    }

    fn dispatched(&mut self, sent: &Sent<'_>, batch: &Batch, known: &Known) {
        let named = known.destinations.get(sent.destination);
        let attestation = sent.attestation.and_then(|digest| known.attestations.get(digest));
        let far_end = Arc::new(FarEnd {
            destination: sent.destination.to_owned(),
            region: named.map(|d| d.region.clone()).unwrap_or_default(),
            operator: named.and_then(|d| d.operator.clone()),
            remote_access_from: named.map(|d| d.remote_access_from.clone()).unwrap_or_default(),
            attestation: attestation.cloned(),
        });
        let chain: Arc<str> = crate::outbox::hex(&batch.chain).into();
        for ((&number, digest), decision) in
            sent.records.iter().zip(sent.digests).zip(sent.decision)
        {
            if self.found.len() >= MAX_TRANSFERS {
                self.more = true;
                return;
            }
            let ruling = known.rulings.get(decision);
            let transfer = Transfer {
                at_ms: batch.at_ms,
                id: EventId::new(batch.at_ms, batch.epoch, number),
                person: None,
                digest: digest.clone(),
                lanes: lanes_of(sent.lanes, number),
                bucket: ruling.and_then(|r| r.decision.bucket),
                rules: ruling.and_then(|r| r.rules.clone()),
                far_end: far_end.clone(),
                taken: None,
                refused: None,
                batch: batch.number,
                chain: chain.clone(),
            };
            self.found.insert((number, sent.destination.to_owned()), Found { number, transfer });
        }
    }

    fn one(&mut self, number: u64, destination: &str) -> Option<&mut Transfer> {
        let found = self.found.get_mut(&(number, destination.to_owned()))?;
        Some(&mut found.transfer)
    }

    fn settled(&mut self, destination: &str, accepted: &Runs, at_ms: i64) {
        for &(first, count) in accepted {
            let within =
                self.found.range_mut((first, String::new())..(first + count, String::new()));
            let ours = within.filter(|((_, name), _)| name == destination);
            ours.for_each(|(_, found)| found.transfer.taken = Some((at_ms, None)));
        }
    }
}

/// The fields of a dispatch.
struct Sent<'a> {
    destination: &'a str,
    records: &'a [u64],
    decision: &'a [u32],
    digests: &'a [String],
    attestation: Option<&'a str>,
    lanes: &'a [(Law, Law, Runs)],
}

fn lanes_of(lanes: &[(Law, Law, Runs)], number: u64) -> Vec<(Law, Law)> {
    let crosses = |runs: &Runs| {
        runs.iter().any(|&(first, count)| (first..first.saturating_add(count)).contains(&number))
    };
    lanes.iter().filter(|(.., runs)| crosses(runs)).map(|&(from, to, _)| (from, to)).collect()
}

impl Follow for Fold {
    fn act(&mut self, act: &Act, batch: &Batch, known: &Known) {
        match act {
            Act::Dispatched { destination, decision, records, digests, attestation, lanes }
                if self.span.holds(batch.at_ms) =>
            {
                let attestation = attestation.as_deref();
                let sent = Sent { destination, records, decision, digests, attestation, lanes };
                self.dispatched(&sent, batch, known);
            }
            Act::Settled { destination, accepted, receipts, rejected } => {
                self.settled(destination, accepted, batch.at_ms);
                for (number, receipt) in receipts {
                    if let Some(transfer) = self.one(*number, destination) {
                        transfer.taken = Some((batch.at_ms, Some(receipt.clone())));
                    }
                }
                for (number, reason) in rejected {
                    if let Some(transfer) = self.one(*number, destination) {
                        transfer.refused = Some(reason.clone());
                    }
                }
            }
            _ => {}
        }
    }

    fn facts(&mut self, _: &Batch, _: &Known) {}
}
