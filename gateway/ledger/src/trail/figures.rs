//! What was done in a span of time, in numbers: no record is named, and nobody.

use super::{Follow, Known, Span};
use crate::act::{Act, Runs};
use crate::core::Shared;
use crate::journal::{Batch, Fact, Reader};
use crate::state::refusal_word;
use crate::{Attestation, Directory, PauseReason};
use muster_attendance::{DeviceId, PersonId};
use muster_report::figures::{
    AGES_DAYS, Access, Baseline, Calls, Counter, DestinationFigures, Figures, Flow, Paper,
    PolicySpan, Proof, Seen, Terminal,
};
use muster_residency::vocab::{Law, Verdict};
use roaring::RoaringTreemap;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Ways that one destination's far end was seen, at most.
const MAX_SEEN: usize = 16;
/// A delivery within this is in time (R63).
const IN_TIME_MS: i64 = 3_600_000;
/// The reason code of a record that its destination no longer takes.
const EXPIRED: &str = "D-180";
const DAY_MS: i64 = 86_400_000;
/// Where acts name who did them.
const ACTORS: [&str; 6] = [
    "/actor",
    "/request/asked_by/person",
    "/by/person",
    "/approval/by/person",
    "/baseline/by",
    "/erasure/by",
];

pub(super) struct Fold<'a> {
    span: Span,
    shared: &'a Shared,
    directory: Directory,
    figures: Figures,
    people: HashSet<PersonId>,
    terminals: HashMap<DeviceId, u64>,
    destinations: BTreeMap<String, Destination>,
    flows: BTreeMap<(Option<String>, String, String), u64>,
    /// The oldest punch that would go to a destination and did not yet, seconds since 1970.
    oldest: BTreeMap<String, i64>,
    access: BTreeMap<(String, String), u64>,
    /// Records that are allowed to go and not taken yet: where to, and since when.
    open: BTreeMap<u64, (String, i64)>,
    /// Records held or queued now.
    waiting: RoaringTreemap,
    chain: [u8; 32],
    reader: Reader,
}

#[derive(Default)]
struct Destination {
    figures: DestinationFigures,
    people: HashSet<PersonId>,
    seen: BTreeSet<String>,
}

impl<'a> Fold<'a> {
    pub(super) fn new(span: Span, shared: &'a Shared) -> Self {
        Self {
            span,
            shared,
            directory: shared.tables.directory.clone(),
            figures: Figures::default(),
            people: HashSet::new(),
            terminals: HashMap::new(),
            destinations: BTreeMap::new(),
            flows: BTreeMap::new(),
            oldest: BTreeMap::new(),
            access: BTreeMap::new(),
            open: BTreeMap::new(),
            waiting: waiting(shared),
            chain: [0; 32],
            reader: shared.reader(),
        }
    }

    pub(super) fn end(mut self) -> Figures {
        let end_ms = self.span.to_ms.min(self.shared.clock.now_ms());
        for (destination, since) in self.open.values() {
            if *since < self.span.to_ms
                && let Some(one) = self.destinations.get_mut(destination)
            {
                one.figures.outstanding += 1;
                one.figures.overdue += u64::from(end_ms.saturating_sub(*since) > IN_TIME_MS);
            }
        }
        let mut figures = self.figures;
        figures.persons = self.people.len() as u64;
        figures.people = self.directory.len() as u64;
        legal(self.shared, &mut figures);
        figures.chain = crate::outbox::hex(&self.chain);
        figures.destinations = self
            .destinations
            .into_iter()
            .map(|(destination, one)| DestinationFigures {
                persons: one.people.len() as u64,
                oldest_waiting: self.oldest.get(&destination).copied(),
                calls: calls(self.shared, &destination),
                destination,
                ..one.figures
            })
            .collect();
        let flow = |((department, profile, destination), records)| Flow {
            department,
            profile,
            destination,
            records,
        };
        figures.flows = self.flows.into_iter().map(flow).collect();
        let access = |((actor, act), count)| Access { actor, act, count };
        figures.access = self.access.into_iter().map(access).collect();
        let terminals = self.shared.tables.devices.list().into_iter().map(|device| Terminal {
            records: self.terminals.get(&device.id).copied().unwrap_or(0),
            paired: device.state == crate::DeviceState::Paired,
            name: device.name,
        });
        figures.terminals = terminals.collect();
        figures
    }

    /// A record that waits now.
    fn waits(&mut self, record: u64, fact: &Fact) {
        let core = self.shared.core();
        let (standing, decisions) = (&core.state.standing, &core.state.decisions);
        let Some(ruling) = decisions.ruling(standing.decision(record, fact.decision)) else {
            return;
        };
        let decision = ruling.decision.clone();
        drop(core);
        let received_ms = fact.content.received_ms();
        if let Some(destination) = decision.destination.or(decision.would_be) {
            let at = fact.content.effective_seconds();
            let oldest = self.oldest.entry(destination).or_insert(at);
            *oldest = at.min(*oldest);
        }
        let Some(reason) = decision.reasons.first() else { return };
        let waiting = self.figures.waiting.entry(reason.clone()).or_default();
        let first = waiting.count == 0;
        waiting.oldest_ms = if first { received_ms } else { waiting.oldest_ms.min(received_ms) };
        waiting.count += 1;
        let days = self.shared.clock.now_ms().saturating_sub(received_ms) / DAY_MS;
        let age = AGES_DAYS.iter().position(|&below| days < below).unwrap_or(AGES_DAYS.len());
        if let Some(count) = waiting.ages.get_mut(age) {
            *count += 1;
        }
    }

    /// Whose a record is, read back.
    fn whose(&mut self, record: u64) -> Option<PersonId> {
        let person = self.reader.record(record).ok()??.fact?.content.person()?;
        Some(self.directory.resolve(person))
    }

    fn destination(&mut self, name: &str) -> &mut Destination {
        self.destinations.entry(name.to_owned()).or_default()
    }

    fn may_go(&mut self, record: u64, destination: &str, at_ms: i64) {
        if at_ms < self.span.to_ms {
            self.open.entry(record).or_insert_with(|| (destination.to_owned(), at_ms));
        }
    }

    fn redecided(&mut self, decision: u32, records: &Runs, at_ms: i64, known: &Known) {
        let ruling = known.rulings.get(&decision);
        let goes = ruling.filter(|r| r.decision.decision == Verdict::Forward);
        let goes = goes.and_then(|r| r.decision.destination.clone());
        let expired = ruling.is_some_and(|r| r.decision.reasons.iter().any(|code| code == EXPIRED));
        for record in records.iter().flat_map(|&(first, count)| first..first + count) {
            match &goes {
                Some(destination) => self.may_go(record, destination, at_ms),
                None => {
                    let was = self.open.remove(&record).filter(|_| expired);
                    if let Some((destination, _)) = was.filter(|_| self.span.holds(at_ms)) {
                        self.destination(&destination).figures.expired += 1;
                    }
                }
            }
        }
    }

    fn dispatched(
        &mut self,
        destination: &str,
        decisions: &[u32],
        records: &[u64],
        at_ms: i64,
        known: &Known,
    ) {
        let people: Vec<_> = records.iter().map(|&record| self.whose(record)).collect();
        let one = self.destination(destination);
        one.figures.records += records.len() as u64;
        one.figures.first_ms.get_or_insert(at_ms);
        one.figures.last_ms = Some(at_ms);
        one.people.extend(people.iter().flatten());
        for (person, decision) in people.into_iter().zip(decisions) {
            let department = person.and_then(|p| self.directory.profile(p)?.department);
            let profile = known.rulings.get(decision).and_then(|r| r.decision.profile.clone());
            let key = (department, profile.unwrap_or_default(), destination.to_owned());
            *self.flows.entry(key).or_default() += 1;
        }
    }

    fn lanes(&mut self, destination: &str, lanes: &[(Law, Law, Runs)]) {
        let one = self.destination(destination);
        for (from, to, runs) in lanes {
            let count: u64 = runs.iter().map(|(_, count)| count).sum();
            *one.figures.lanes.entry(format!("{from}->{to}")).or_default() += count;
        }
    }

    fn taken(&mut self, destination: &str, records: impl Iterator<Item = u64>, at_ms: i64) {
        for record in records {
            let since = self.open.remove(&record).map(|(_, since)| since);
            if self.span.holds(at_ms) {
                let figures = &mut self.destination(destination).figures;
                figures.settled += 1;
                let since = since.unwrap_or(at_ms);
                figures.in_time += u64::from(at_ms.saturating_sub(since) <= IN_TIME_MS);
            }
        }
    }

    fn saw(&mut self, destination: &str, attestation: &Attestation) {
        let one = self.destination(destination);
        if one.seen.insert(attestation.digest()) && one.figures.seen.len() < MAX_SEEN {
            one.figures.seen.push(seen(attestation));
        }
    }

    fn governed(&mut self, at_ms: i64, known: &Known) {
        let named = known.policy.as_ref();
        let from_ms = named.map_or(at_ms, |(_, from_ms)| at_ms.max(*from_ms));
        let span = PolicySpan {
            from_ms,
            policy: named.map(|(name, _)| name.policy.clone()),
            policy_sha256: named.map(|(name, _)| name.policy_sha256.clone()),
            law_pack: named.map(|(name, _)| name.law_pack.clone()),
        };
        if at_ms < self.span.from_ms {
            self.figures.policies.clear();
        }
        if at_ms < self.span.to_ms {
            self.figures.policies.push(span);
        }
    }

    fn did(&mut self, actor: &str, act: &str) {
        *self.access.entry((actor.to_owned(), act.to_owned())).or_default() += 1;
    }

    /// An administrative act: by whom, and what, as journaled.
    fn administered(&mut self, act: &Act) {
        let act = serde_json::to_value(act).unwrap_or_default();
        let text = |at: &&str| act.pointer(at).and_then(serde_json::Value::as_str);
        let actor = ACTORS.iter().find_map(text).unwrap_or("-");
        let what = text(&"/act").unwrap_or_default();
        *self.access.entry((actor.to_owned(), what.to_owned())).or_default() += 1;
    }

    /// Acts that count in the span alone.
    fn within(&mut self, act: &Act, at_ms: i64, known: &Known) {
        match act {
            Act::Dispatched { destination, decision, records, attestation, lanes, .. } => {
                self.dispatched(destination, decision, records, at_ms, known);
                self.lanes(destination, lanes);
                // A connection that lasts was attested before the span began.
                match attestation.as_ref().and_then(|digest| known.attestations.get(digest)) {
                    Some(attestation) => self.saw(destination, attestation),
                    None => {
                        let untraced = records.len() as u64;
                        self.destination(destination).figures.untraced += untraced;
                    }
                }
            }
            Act::Settled { destination, receipts, rejected, .. } => {
                let figures = &mut self.destination(destination).figures;
                figures.receipts += receipts.len() as u64;
                figures.rejected += rejected.len() as u64;
            }
            Act::Attested { destination, attestation } => self.saw(destination, attestation),
            Act::Paused { destination, reason } => {
                let figures = &mut self.destination(destination).figures;
                *figures.pauses.entry(pause_word(reason).to_owned()).or_default() += 1;
            }
            Act::SetAside { reason, .. } => {
                *self.figures.set_aside.entry(reason.clone()).or_default() += 1;
            }
            Act::Refused { reason, count, .. } => {
                *self.figures.refused.entry(refusal_word(*reason)).or_default() += count;
            }
            Act::Noted { actor, what } => self.did(actor, what),
            Act::Decided { .. }
            | Act::Redecided { .. }
            | Act::Opened { .. }
            | Act::ClockTrusted { .. }
            | Act::DeviceSeen { .. }
            | Act::PersonWritten { .. }
            | Act::Metered { .. } => {}
            act => self.administered(act),
        }
    }
}

impl Follow for Fold<'_> {
    fn act(&mut self, act: &Act, batch: &Batch, known: &Known) {
        let at_ms = batch.at_ms;
        match act {
            Act::Governed { .. } | Act::PolicyAccepted { .. } => self.governed(at_ms, known),
            Act::Redecided { decision, records } => {
                self.redecided(*decision, records, at_ms, known);
            }
            Act::Settled { destination, accepted, rejected, .. } => {
                let all = accepted.iter().flat_map(|&(first, count)| first..first + count);
                self.taken(destination, all, at_ms);
                for (record, _) in rejected {
                    self.open.remove(record);
                }
            }
            Act::SetAside { record, .. } => _ = self.open.remove(record),
            _ => {}
        }
        if self.span.holds(at_ms) {
            self.within(act, at_ms, known);
        }
    }

    fn facts(&mut self, batch: &Batch, known: &Known) {
        self.figures.batch = batch.number;
        self.chain = batch.chain;
        self.figures.stored += u64::from(batch.fact_count);
        let within = self.span.holds(batch.at_ms);
        for (record, fact) in (batch.first_record..).zip(batch.facts.iter().flat_map(|f| f.iter()))
        {
            let person = fact.content.person().map(|person| self.directory.resolve(person));
            if within {
                self.people.extend(person);
                if let Some(punch) = fact.content.punch() {
                    self.figures.records += 1;
                    *self.terminals.entry(punch.device).or_default() += 1;
                }
            }
            if fact.quarantined {
                continue;
            }
            if self.waiting.contains(record) {
                self.waits(record, &fact);
            }
            let goes = known.rulings.get(&fact.decision).map(|r| &r.decision);
            if let Some(destination) = goes.and_then(|d| d.destination.clone()) {
                self.may_go(record, &destination, batch.at_ms);
                if within {
                    self.destination(&destination).figures.permitted += 1;
                }
            }
        }
    }
}

/// Calls of this month, where the destination meters them.
fn calls(shared: &Shared, destination: &str) -> Option<Calls> {
    let meter = shared.core().state.meters.get(destination).cloned()?;
    let now_ms = shared.clock.now_ms();
    let this_month = meter.month == crate::Meter::month_at(now_ms);
    let forecast_ms = meter.forecast_ms(now_ms);
    Some(Calls { used: if this_month { meter.calls } else { 0 }, limit: meter.limit, forecast_ms })
}

/// Papers, counters and what was processed, as they stand now.
fn legal(shared: &Shared, figures: &mut Figures) {
    let core = shared.core();
    let legal = &core.state.legal;
    figures.papers = legal.papers.list().into_iter().map(paper).collect();
    figures.begun_ms = legal.versions.list().first().map(|first| first.accepted_ms);
    figures.processed = legal.processed.iter().map(|(&year, &count)| (year, count)).collect();
    let counter = |row: crate::ExportCount| Counter {
        baseline: legal.counters.baseline(row.law, row.year).map(|entered| Baseline {
            persons: entered.persons,
            sensitive: entered.sensitive,
            records: entered.records,
        }),
        law: row.law,
        year: row.year,
        destination: row.destination,
        bucket: row.bucket,
        persons: row.persons,
        sensitive: row.sensitive,
        records: row.records,
    };
    figures.counters = legal.counters.rows().into_iter().map(counter).collect();
}

fn paper(filed: crate::PaperOnFile) -> Paper {
    let paper = filed.paper;
    Paper {
        number: filed.number,
        kind: paper.kind,
        lane: paper.lane.to_string(),
        from: paper.from,
        to: paper.to,
        filing: paper.filing_number,
        sha256: paper.sha256,
        destination: paper.destination,
        withdrawn: filed.withdrawn_ms.is_some(),
    }
}

/// What reports show of an attestation.
pub(super) fn seen(attestation: &Attestation) -> Seen {
    let peer = attestation.peer();
    Seen {
        proof: if attestation.is_by_contract() { Proof::Contract } else { Proof::Wire },
        region: attestation.region().to_owned(),
        host: peer.host.clone(),
        certificate: peer.certificate.clone(),
        names: peer.names.clone(),
        tls_version: peer.tls_version.clone(),
        sealed_to: peer.sealed_to.clone(),
        cipher: peer.cipher.clone(),
        clause: attestation.clause().map(|(number, text)| format!("{number}: {text}")),
    }
}

/// Records that are held or queued now.
fn waiting(shared: &Shared) -> RoaringTreemap {
    let core = shared.core();
    let standing = &core.state.standing;
    let held = standing.held_sets().map(|(_, set)| set);
    let mut all = RoaringTreemap::new();
    for set in held.chain(standing.queues().iter().map(|queue| &queue.queued)) {
        all |= set;
    }
    all
}

fn pause_word(reason: &PauseReason) -> &'static str {
    match reason {
        PauseReason::Down(_) => "down",
        PauseReason::WrongRegion(_) => "wrong-region",
        PauseReason::WrongTenant(_) => "wrong-tenant",
        PauseReason::Quota(_) => "quota",
    }
}
