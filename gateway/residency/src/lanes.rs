//! Lanes: every origin law's gates for every target, requires and limits (steps 7 and 8).

use crate::decide::{Evaluation, Way, push_new};
use crate::decision::{LaneText, Need, Reason, ReasonKind, Remedy};
use crate::law_pack::{Builtin, Gate, GateStatus, Term};
use crate::mechanism::Mechanism;
use crate::policy::Site;
use crate::rules::{Rules, days};
use crate::vocab::{Bucket, Law, Verdict};

/// One pair of origin law and target.
#[derive(Clone, Copy)]
pub(crate) struct Lane {
    pub(crate) from: Law,
    pub(crate) to: Law,
}

/// What a gate leaves open: its code, what was asked for and what would meet it.
pub(crate) struct Unmet {
    pub(crate) code: String,
    pub(crate) alternatives: Vec<Vec<Need>>,
    pub(crate) remedies: Vec<Vec<Remedy>>,
}

impl Evaluation<'_> {
    pub(crate) fn lanes(&mut self, site: &Site, way: &Way<'_>) {
        let mut origins = vec![site.jurisdiction];
        push_new(&mut origins, site.controller);
        for &law in self.facts.subject.employment_law.iter().flatten() {
            push_new(&mut origins, law);
        }
        let mut bucket: Option<Bucket> = None;
        let mut whole = true;
        for &from in &origins {
            for &to in way.targets.iter().filter(|&&to| to != from) {
                self.crossed.push((from, to));
                match self.lane(Lane { from, to }, site, way) {
                    Ok(named) => bucket = bucket.max(named),
                    Err(()) => whole = false,
                }
            }
        }
        self.bucket = bucket.filter(|_| whole);
    }

    /// Every gate of a lane; the bucket it names, or `Err` if a gate that blocks is not met.
    fn lane(&mut self, lane: Lane, site: &Site, way: &Way<'_>) -> Result<Option<Bucket>, ()> {
        let rules = self.rules;
        let Some(gates) = rules.gates(lane.from) else {
            self.reason("I-06-LAW", Verdict::Hold).lane = Some((lane.from, lane.to));
            return Err(());
        };
        let (mut bucket, mut whole) = (None, true);
        for gate in gates {
            match self.gate(gate, lane, site, way) {
                Ok(named) => bucket = bucket.max(named),
                Err(unmet) => {
                    let blocks = gate.status == GateStatus::InForce
                        || rules.policy.header.promote.contains(&gate.id);
                    whole &= !blocks;
                    self.unmet(gate, lane, unmet, blocks);
                }
            }
        }
        if whole { Ok(bucket) } else { Err(()) }
    }

    fn unmet(&mut self, gate: &Gate, lane: Lane, unmet: Unmet, blocks: bool) {
        let verdict = if blocks { Verdict::Hold } else { Verdict::Forward };
        let reason: &mut Reason = self.reason(&unmet.code, verdict);
        reason.kind = ReasonKind::Gate;
        reason.lane = Some((lane.from, lane.to));
        reason.cite = Some(gate.cite.as_str().into());
        reason.alternatives = unmet.alternatives;
        reason.remedies = unmet.remedies;
    }

    fn gate(
        &self,
        gate: &Gate,
        lane: Lane,
        site: &Site,
        way: &Way<'_>,
    ) -> Result<Option<Bucket>, Unmet> {
        let met = |term: &Term| self.met(term, gate, lane, way);
        let all = gate.all.iter().all(met);
        let any = gate.any.is_empty() || gate.any.iter().any(|set| set.iter().all(met));
        if !(all && any) {
            return Err(self.left_open(gate, lane, way));
        }
        match gate.builtin {
            None => Ok(None),
            Some(Builtin::CnMechanism) => {
                Mechanism { evaluation: self, lane, site, way }.name().map(Some)
            }
        }
    }

    fn left_open(&self, gate: &Gate, lane: Lane, way: &Way<'_>) -> Unmet {
        let one = [Vec::new()];
        let any = if gate.any.is_empty() { &one[..] } else { &gate.any[..] };
        let need =
            |term: &Term| Need { what: term.as_str().into(), met: self.met(term, gate, lane, way) };
        let alternatives: Vec<Vec<Need>> =
            any.iter().map(|set| gate.all.iter().chain(set).map(need).collect()).collect();
        let remedies = alternatives.iter().filter_map(|set| remedies(set, lane)).collect();
        Unmet { code: gate.id.clone(), alternatives, remedies }
    }

    fn met(&self, term: &Term, gate: &Gate, lane: Lane, way: &Way<'_>) -> bool {
        match term {
            Term::Adequate => gate.adequate.contains(&lane.to),
            Term::Gba => {
                [Law::CN, Law::HK, Law::MO].contains(&lane.to)
                    && way.gba
                    && way.destination.operator_gba == Some(true)
            }
            Term::Paper(kind) => self.on_file_for(kind, lane, gate.max_age_days.get(kind).copied()),
        }
    }

    /// True if a paper of `kind` is on file for the lane, not older than `max_age` days.
    pub(crate) fn on_file_for(&self, kind: &str, lane: Lane, max_age: Option<u32>) -> bool {
        let now = self.facts.now;
        self.facts.papers.iter().any(|p| {
            p.kind == kind
                && p.lane.covers(lane.from, lane.to)
                && p.in_force(now)
                && max_age.is_none_or(|n| now.duration_since(p.from) <= days(n))
        })
    }

    /// The permit's own papers, from the site's law to the destination's.
    pub(crate) fn required(&mut self, site: &Site, way: &Way<'_>) {
        for kind in &way.require {
            for &to in &way.seats {
                let lane = Lane { from: site.jurisdiction, to };
                if !self.on_file_for(kind, lane, None) {
                    let code = format!("R-{}", kind.to_uppercase());
                    let reason = self.reason(&code, Verdict::Hold);
                    reason.kind = ReasonKind::Paper;
                    reason.lane = Some((lane.from, lane.to));
                    reason.alternatives = vec![vec![Need { what: (*kind).into(), met: false }]];
                    reason.remedies = vec![vec![paper(kind, lane)]];
                }
            }
        }
    }

    /// The policy's limits.
    pub(crate) fn limits(&mut self, way: &Way<'_>) {
        if matches!(self.bucket, Some(Bucket::HrExempt | Bucket::GbaScc)) {
            return;
        }
        let rules = self.rules;
        for limit in &rules.policy.limits {
            if !limit.applies_to.contains(&way.destination.id) {
                continue;
            }
            let value = Rules::counted(self.facts, limit.counter);
            let reached = |at: Option<u64>| at.is_some_and(|at| value >= at);
            if reached(limit.approve) && !self.facts.approval {
                let reason = self.reason(&limit.id, Verdict::Approve);
                reason.kind = ReasonKind::Limit;
                reason.remedies = vec![vec![Remedy::Approval]];
            } else if reached(limit.warn) {
                self.reason(&limit.id, Verdict::Forward).kind = ReasonKind::Limit;
            }
        }
    }
}

/// A paper to add for a lane.
pub(crate) fn paper(kind: &str, lane: Lane) -> Remedy {
    Remedy::Paper(kind.into(), LaneText::from((lane.from, lane.to)))
}

/// The papers an alternative lacks; `None` if it lacks what no paper can give.
fn remedies(set: &[Need], lane: Lane) -> Option<Vec<Remedy>> {
    let missing = set.iter().filter(|n| !n.met);
    missing
        .map(|n| (!n.what.as_str().starts_with('@')).then(|| paper(n.what.as_str(), lane)))
        .collect()
}
