//! Every crossing of a border in a span, with what was known of the far end and the region's word.
//! Memory grows with the transfers of the span, up to [`MAX_TRANSFERS`].

use super::figures::seen;
use super::{Follow, Known, Span};
use crate::CommitError;
use crate::act::{Act, Runs};
use crate::digest::Digest;
use crate::journal::{Batch, Reader};
use crate::state::decisions::Ruling;
use muster_attendance::{EventId, PersonId};
use muster_report::figures::Seen;
use muster_report::sides::Crossing;
use muster_residency::vocab::Law;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Transfers that one reading gives out.
pub const MAX_TRANSFERS: usize = 1_000_000;

/// One record's transfer to one destination.
struct Transfer {
    number: u64,
    at_ms: i64,
    digest: Digest,
    lanes: Vec<(Law, Law)>,
    ruling: Option<Arc<Ruling>>,
    far_end: Arc<FarEnd>,
    taken: Option<(i64, Option<String>)>,
}

/// What a dispatch's transfers share.
struct FarEnd {
    destination: String,
    region: String,
    operator: Option<String>,
    remote_access_from: Vec<Law>,
    seen: Option<Seen>,
    batch: u64,
    chain: String,
}

pub(super) struct Fold {
    span: Span,
    found: BTreeMap<(u64, String), Transfer>,
    more: bool,
}

impl Fold {
    pub(super) fn new(span: Span) -> Self {
        Self { span, found: BTreeMap::new(), more: false }
    }

    /// Each lane of each transfer, with whose it was. `subject` names a person towards a law.
    pub(super) fn end(
        self,
        reader: &mut Reader,
        subject: &dyn Fn(Law, PersonId) -> String,
    ) -> Result<(Vec<Crossing>, bool), CommitError> {
        let mut found: Vec<Transfer> = self.found.into_values().collect();
        found.sort_by_key(|one| (one.far_end.batch, one.number));
        let mut crossings = Vec::new();
        for transfer in found.into_iter().filter(|transfer| !transfer.lanes.is_empty()) {
            let read = reader.record(transfer.number);
            let read = read.map_err(|error| CommitError::Failed(error.to_string()))?;
            let fact = read.and_then(|record| Some((record, record.fact?.content)));
            let id = fact.map_or_else(String::new, |(record, content)| {
                EventId::new(content.received_ms(), record.epoch, record.number).to_string()
            });
            let person = fact.and_then(|(_, content)| content.person());
            let named = |law: Law| person.map(|person| subject(law, person));
            for &(from, to) in &transfer.lanes {
                crossings.push(transfer.crossing(&id, (from, to), (named(from), named(to))));
            }
        }
        Ok((crossings, self.more))
    }

    fn dispatched(&mut self, sent: &Sent<'_>, batch: &Batch, known: &Known) {
        // One dispatch is decided under one policy.
        let first = sent.decision.first().and_then(|number| known.rulings.get(number));
        let named = known.destination(first.map(|ruling| &**ruling), sent.destination);
        let attestation = sent.attestation.and_then(|digest| known.attestations.get(digest));
        let far_end = Arc::new(FarEnd {
            destination: sent.destination.to_owned(),
            region: named.map(|d| d.region.clone()).unwrap_or_default(),
            operator: named.and_then(|d| d.operator.clone()),
            remote_access_from: named.map(|d| d.remote_access_from.clone()).unwrap_or_default(),
            seen: attestation.map(seen),
            batch: batch.number,
            chain: crate::outbox::hex(&batch.chain),
        });
        for ((&number, digest), decision) in
            sent.records.iter().zip(sent.digests).zip(sent.decision)
        {
            if self.found.len() >= MAX_TRANSFERS {
                self.more = true;
                return;
            }
            let transfer = Transfer {
                number,
                at_ms: batch.at_ms,
                digest: *digest,
                lanes: lanes_of(sent.lanes, number),
                ruling: known.rulings.get(decision).cloned(),
                far_end: far_end.clone(),
                taken: None,
            };
            self.found.insert((number, sent.destination.to_owned()), transfer);
        }
    }

    fn one(&mut self, number: u64, destination: &str) -> Option<&mut Transfer> {
        self.found.get_mut(&(number, destination.to_owned()))
    }

    fn settled(&mut self, destination: &str, accepted: &Runs, at_ms: i64) {
        for &(first, count) in accepted {
            let within =
                self.found.range_mut((first, String::new())..(first + count, String::new()));
            let ours = within.filter(|((_, name), _)| name == destination);
            ours.for_each(|(_, transfer)| transfer.taken = Some((at_ms, None)));
        }
    }
}

impl Transfer {
    fn crossing(
        &self,
        id: &str,
        (from, to): (Law, Law),
        subjects: (Option<String>, Option<String>),
    ) -> Crossing {
        let (far_end, ruling) = (&*self.far_end, self.ruling.as_deref());
        let rules = ruling.and_then(|ruling| ruling.rules.clone());
        Crossing {
            at: moment(self.at_ms),
            event_id: id.to_owned(),
            from,
            to,
            subjects,
            digest: self.digest.to_string(),
            destination: far_end.destination.clone(),
            region: far_end.region.clone(),
            operator: far_end.operator.clone(),
            remote_access_from: far_end.remote_access_from.clone(),
            seen: far_end.seen.clone(),
            bucket: ruling.and_then(|ruling| ruling.decision.bucket),
            policy: rules.as_ref().map(|rules| rules.policy.clone()),
            policy_sha256: rules.as_ref().map(|rules| rules.policy_sha256.clone()),
            law_pack: rules.map(|rules| rules.law_pack),
            taken_at: self.taken.as_ref().map(|(at_ms, _)| moment(*at_ms)),
            receipt: self.taken.as_ref().and_then(|(_, receipt)| receipt.clone()),
            batch: far_end.batch,
            chain: far_end.chain.clone(),
        }
    }
}

/// UTC, to the second.
fn moment(ms: i64) -> String {
    let at = jiff::Timestamp::from_second(ms.div_euclid(1000)).unwrap_or_default();
    at.to_string()
}

/// The fields of a dispatch.
struct Sent<'a> {
    destination: &'a str,
    records: &'a [u64],
    decision: &'a [u32],
    digests: &'a [Digest],
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
            Act::Dispatched {
                destination, decision, records, digests, attestation, lanes, ..
            } if self.span.holds(batch.at_ms) => {
                let attestation = attestation.as_deref();
                let sent = Sent { destination, records, decision, digests, attestation, lanes };
                self.dispatched(&sent, batch, known);
            }
            Act::Settled { destination, accepted, receipts, .. } => {
                self.settled(destination, accepted, batch.at_ms);
                for (number, receipt) in receipts {
                    if let Some(transfer) = self.one(*number, destination) {
                        transfer.taken = Some((batch.at_ms, Some(receipt.clone())));
                    }
                }
            }
            _ => {}
        }
    }

    fn facts(&mut self, _: &Batch, _: &Known) {}
}
