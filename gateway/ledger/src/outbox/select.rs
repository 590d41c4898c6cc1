//! Choosing what goes next: picks records, decides each again with the facts of this moment, and
//! renders what still goes. Nothing is marked here: the committer does that, if nothing changed.

use super::exports::{Export, Exports};
use super::render::{Renderer, Unfit};
use super::seal::Sealer;
use crate::committer::{Dispatch, Sending};
use crate::core::{Core, Shared};
use crate::decider::Decided;
use crate::journal::{Content, Reader, Record};
use crate::legal::counters;
use crate::quarantine::{EGRESS, SENT_BYTES_DIFFER, UNREADABLE};
use crate::state::labels::Labels;
use crate::state::queue::Picked;
use muster_attendance::EventId;
use muster_report::sealing::Recipient;
use muster_residency::guard::{Guard, Stopped};
use muster_residency::vocab::Law;
use std::sync::Arc;

/// What selecting came to.
pub(super) enum Selection {
    Found(Dispatch),
    /// Nothing may go until something changes.
    Nothing,
    /// The journal cannot be read now.
    Later,
    Closed,
}

/// A picked record with its id and what it says.
struct Found {
    record: u64,
    key: EventId,
    content: Content,
    stored: Option<u32>,
}

/// A found record with what was decided.
pub(super) struct Judged {
    found: Found,
    decided: Decided,
    sent: Option<[u8; 32]>,
    moved: bool,
}

impl Judged {
    /// The record's number.
    pub(super) fn record(&self) -> u64 {
        self.found.record
    }

    /// What it counts as, if it goes to `destination` across a border.
    pub(super) fn as_export(&self, destination: &str) -> Option<Export> {
        let forward = self.decided.forward.as_deref()?;
        let lanes = &forward.obligations().lanes;
        if lanes.is_empty() || forward.destination() != Some(destination) {
            return None;
        }
        let mut origins: Vec<Law> = lanes.iter().map(|(from, _)| *from).collect();
        origins.sort_unstable();
        origins.dedup();
        Some(Export {
            person: self.decided.person,
            sensitive: self.decided.sensitive,
            origins,
            bucket: forward.bucket(),
            again: self.sent.is_some(),
        })
    }
}

/// Everything that was judged in one go.
struct Judgement {
    changes: u64,
    reservations: u64,
    now_ms: i64,
    judged: Vec<Judged>,
}

/// One destination's chooser.
pub(super) struct Selector {
    destination: Arc<str>,
    reader: Reader,
    renderer: Renderer,
    guard: Guard,
    sealer: Option<Sealer>,
    /// What a punch has.
    no_labels: Labels,
}

impl Selector {
    pub(super) fn new(destination: &str, shared: &Shared, pseudonyms: &[u8; 32]) -> Self {
        Self {
            destination: destination.into(),
            reader: shared.reader().facts_only(),
            renderer: Renderer::new(destination, &shared.site, pseudonyms),
            guard: Guard::default(),
            sealer: None,
            no_labels: Labels::default(),
        }
    }

    /// Seals what is chosen from here on.
    pub(super) fn seal_to(&mut self, recipient: Recipient) {
        self.sealer = Some(Sealer::new(&self.destination, recipient, self.renderer.secret()));
    }

    pub(super) fn select(&mut self, shared: &Shared, max: usize) -> Selection {
        let picked = {
            let mut core = shared.core();
            if core.closed {
                return Selection::Closed;
            }
            if !self.is_open(shared, &mut core) {
                return Selection::Nothing;
            }
            core.state.standing.queue(&self.destination).pick(max)
        };
        if picked.is_empty() {
            return Selection::Nothing;
        }
        let mut aside = Vec::new();
        let found = self.find(shared, picked, &mut aside);
        let Judgement { changes, reservations, now_ms, judged } = self.judge(shared, found);
        let mut exports = Exports::new(now_ms);
        judged.iter().for_each(|judged| exports.add(judged, &self.destination));
        let mut dispatch = Dispatch {
            destination: self.destination.clone(),
            changes,
            reservations,
            sending: Vec::with_capacity(judged.len()),
            reserved: Vec::new(),
            redecided: Vec::new(),
            aside,
        };
        for judged in judged {
            self.sort(shared, judged, &mut dispatch);
        }
        if dispatch.is_empty() {
            return Selection::Later;
        }
        dispatch.reserved = exports.reserved(&dispatch.sending);
        Selection::Found(dispatch)
    }

    /// The region that answers is the region the policy names (I-04), and nothing pauses it.
    fn is_open(&self, shared: &Shared, core: &mut Core) -> bool {
        if *shared.stop.borrow() {
            return false;
        }
        let Some(rules) = core.decider.rules().cloned() else { return false };
        let queue = core.state.standing.queue(&self.destination);
        let named = rules.destination(&self.destination);
        queue.paused.is_none()
            && matches!((named, &queue.attested), (Some(n), Some(a)) if n.region == a.region())
    }

    /// The punches of the picked records. What cannot be read any more is set aside.
    fn find(
        &mut self,
        shared: &Shared,
        picked: Vec<Picked>,
        aside: &mut Vec<(u64, String)>,
    ) -> Vec<Found> {
        let mut found = Vec::with_capacity(picked.len());
        let mut missing = Vec::new();
        {
            let core = shared.core();
            for (record, punch) in picked {
                match punch {
                    Some(punch) => found.push(Found {
                        record,
                        key: core.state.event_id(record, punch.received_ms),
                        content: Content::Punch(punch),
                        stored: None,
                    }),
                    None => missing.push(record),
                }
            }
        }
        for read in self.reader.facts(missing.into_iter()) {
            match read {
                Ok(Record { number, epoch, fact: Some(fact), .. }) => found.push(Found {
                    record: number,
                    key: EventId::new(fact.content.received_ms(), epoch, number),
                    content: fact.content,
                    stored: Some(fact.decision),
                }),
                Ok(Record { number, fact: None, .. }) => aside.push((number, UNREADABLE.into())),
                Err(error) => {
                    tracing::warn!(%error, "backlog cannot be read now");
                    break;
                }
            }
        }
        found
    }

    /// Decides all of them again, each with those before it counted.
    fn judge(&self, shared: &Shared, found: Vec<Found>) -> Judgement {
        let now_ms = shared.clock.now_ms();
        let mut core = shared.core();
        let judge = |found: Found| {
            let decided = core.decide(&found.content, Some(found.record), now_ms, &shared.tables);
            let sent = core.state.standing.queue(&self.destination).sent(found.record).copied();
            let stored = found.stored.unwrap_or(decided.number);
            let moved = core.state.standing.decision(found.record, stored) != decided.number;
            let judged = Judged { found, decided, sent, moved };
            if let Some(export) = judged.as_export(&self.destination)
                && export.origins.contains(&Law::CN)
                && !counters::is_exempt(export.bucket)
                && let Some(person) = export.person
            {
                let year = core.decider.year();
                core.state.legal.counters.choose(Law::CN, year, person, export.sensitive);
            }
            judged
        };
        let judged = found.into_iter().map(judge).collect();
        core.state.legal.counters.end_choosing();
        let (changes, reservations) = (core.changes, core.reservations);
        Judgement { changes, reservations, now_ms, judged }
    }

    fn sort(&mut self, shared: &Shared, judged: Judged, dispatch: &mut Dispatch) {
        let Judged { found, decided, sent, moved } = judged;
        let Found { record, key, content, .. } = found;
        let forward = decided.forward.as_ref();
        let Some(decision) = forward.filter(|d| d.destination() == Some(&*self.destination)) else {
            dispatch.redecided.push((record, decided.number));
            return;
        };
        let platform = decided.platform_user_id.as_deref();
        let devices = &shared.tables.devices;
        let rendered = match content {
            Content::Punch(_) => {
                let known = (devices, &self.no_labels);
                self.renderer.render(decision, key, &content, platform, known)
            }
            Content::Summary(_) => {
                let known = (devices, &shared.core().state.labels);
                self.renderer.render(decision, key, &content, platform, known)
            }
        };
        let bytes = match rendered {
            Ok(bytes) => bytes,
            Err(Unfit(reason)) => {
                dispatch.aside.push((record, reason.into()));
                return;
            }
        };
        if let Err(stopped) = self.guard.inspect(&bytes) {
            dispatch.aside.push((record, stop(&stopped, &self.destination)));
            return;
        }
        let sealed = match &self.sealer {
            Some(sealer) => sealer.seal(&bytes),
            None => Ok(bytes),
        };
        let bytes = match sealed {
            Ok(bytes) => bytes,
            Err(Unfit(reason)) => {
                dispatch.aside.push((record, reason.into()));
                return;
            }
        };
        let mut digest = [0; 32];
        digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, &bytes).as_ref());
        if sent.is_some_and(|before| before != digest) {
            dispatch.aside.push((record, SENT_BYTES_DIFFER.into()));
            return;
        }
        let again = sent.is_some();
        let (known, lanes) = (again && !moved, decision.obligations().lanes.clone().into());
        let decision = decided.number;
        dispatch.sending.push(Sending {
            record,
            key,
            decision,
            bytes,
            digest,
            known,
            again,
            lanes,
        });
    }
}

/// The egress guard stopped a parcel: counts it and gives the reason code.
fn stop(stopped: &Stopped, destination: &str) -> String {
    let finding = stopped.0.first().map_or("unknown", |hit| hit.finding.as_str());
    metrics::counter!("muster_egress_stopped_total", "finding" => finding).increment(1);
    tracing::error!(destination, finding, "a parcel was stopped on its way out and set aside");
    format!("{EGRESS}{}", finding.to_ascii_uppercase())
}
