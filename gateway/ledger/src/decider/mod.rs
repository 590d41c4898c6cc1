//! Asks the residency engine about punches, and remembers what it said per person and shape.
//!
//! At commit and at dispatch everything is decided but the region's health and attestation, which
//! pause a destination and never a record. What was remembered is forgotten when a shared fact
//! changes (the revision grows) or one person's does. Legal evidence is empty here until there is
//! a registry: what needs it holds.

mod person;

use crate::punch_time::effective_seconds;
use crate::state::decisions::{Decisions, RulesRef, Ruling};
use crate::state::standing::Standing;
use crate::{ClockTrust, Directory, Governance};
use jiff::Timestamp;
use muster_attendance::{Attendance, PersonId};
use muster_residency::facts::{Paper, Record, RegionCheck};
use muster_residency::policy::Signer as VerifiedSigner;
use muster_residency::rules::MemoKey;
use muster_residency::vocab::{Class, Field, FieldSet, Verdict};
use muster_residency::{Decision, Facts, LawPack, Policy, Rules, decide};
use person::PersonFacts;
use std::collections::HashMap;
use std::sync::Arc;

/// People whose facts are kept at hand.
const MAX_PEOPLE: usize = 20_000;
/// Shapes of record remembered per person.
const MAX_SHAPES: usize = 32;
/// With no policy in force nothing is signed.
const NO_POLICY: &str = "I-05-SIGN";

/// Reads a governance's texts; the error says which one and why.
pub(crate) fn compile(governance: &Governance) -> Result<Rules, String> {
    let policy = Policy::parse(&governance.policy).map_err(|e| format!("the policy: {e}"))?;
    let pack = LawPack::parse(&governance.law_pack).map_err(|e| format!("the law pack: {e}"))?;
    Ok(Rules::new(policy, pack))
}

/// A decision, its number in the journal, and what dispatch needs of the person.
#[derive(Clone)]
pub(crate) struct Decided {
    pub(crate) number: u32,
    /// Only where it forwards.
    pub(crate) forward: Option<Arc<Decision>>,
    pub(crate) platform_user_id: Option<Arc<str>>,
}

struct Remembered {
    key: MemoKey,
    number: u32,
    forward: Option<Arc<Decision>>,
}

struct Person {
    facts: PersonFacts,
    shapes: Vec<Remembered>,
}

/// What decisions depend on, and what is remembered of them.
pub(crate) struct Decider {
    site: String,
    rules: Option<(Arc<Rules>, RulesRef)>,
    signers: Vec<VerifiedSigner>,
    papers: Vec<Paper>,
    clock_trusted: bool,
    next_change_ms: i64,
    /// A date passed between two ticks.
    passed: bool,
    people: HashMap<Option<PersonId>, Person>,
}

impl Decider {
    pub(crate) fn new(site: &str) -> Self {
        Self {
            site: site.to_owned(),
            rules: None,
            signers: Vec::new(),
            papers: Vec::new(),
            clock_trusted: false,
            next_change_ms: i64::MAX,
            passed: false,
            people: HashMap::new(),
        }
    }

    /// The rules in force.
    pub(crate) fn rules(&self) -> Option<&Arc<Rules>> {
        self.rules.as_ref().map(|(rules, _)| rules)
    }

    /// Puts rules in force, with who signed them.
    pub(crate) fn govern(
        &mut self,
        rules: Option<Rules>,
        signers: Vec<VerifiedSigner>,
        now_ms: i64,
    ) {
        self.rules = rules.map(|rules| {
            let name = RulesRef::of(&rules);
            (Arc::new(rules), name)
        });
        self.signers = signers;
        self.revise(now_ms);
    }

    /// Takes in the clock. True if that may have changed decisions.
    pub(crate) fn tick(&mut self, now_ms: i64, trust: ClockTrust) -> bool {
        let trusted = trust == ClockTrust::Trusted;
        let passed = std::mem::take(&mut self.passed);
        if trusted == self.clock_trusted && now_ms < self.next_change_ms && !passed {
            return false;
        }
        self.clock_trusted = trusted;
        self.revise(now_ms);
        true
    }

    /// Forgets what is remembered of a person.
    pub(crate) fn forget(&mut self, person: PersonId) {
        self.people.remove(&Some(person));
    }

    fn revise(&mut self, now_ms: i64) {
        self.people.clear();
        let next = self.rules.as_ref().and_then(|(rules, _)| {
            rules.next_change(timestamp(now_ms), &self.papers).map(|at| at.as_millisecond())
        });
        self.next_change_ms = next.unwrap_or(i64::MAX);
    }

    /// Codes that hold everything now.
    pub(crate) fn policy_holds(&self, now_ms: i64) -> Vec<String> {
        let Some((rules, _)) = &self.rules else { return vec![NO_POLICY.to_owned()] };
        let nobody = Default::default();
        let record = Record { class: Some(Class::Event), ..Record::default() };
        let mut facts = Facts::new(timestamp(now_ms), &nobody, record);
        facts.site = Some(&self.site);
        facts.clock_trusted = self.clock_trusted;
        facts.signers = &self.signers;
        let decision = decide(rules, &facts);
        let codes = decision.reasons().iter().map(ToString::to_string);
        codes.filter(|code| code.starts_with("I-05") || code == "I-07" || code == "I-11").collect()
    }

    /// Decides where a punch may go at `now_ms`.
    pub(crate) fn decide(
        &mut self,
        punch: &Attendance,
        now_ms: i64,
        directory: &Directory,
        decisions: &mut Decisions,
        standing: &mut Standing,
    ) -> Decided {
        if now_ms >= self.next_change_ms {
            self.revise(now_ms);
            self.passed = true;
        }
        let Some((rules, name)) = &self.rules else {
            let number = decisions.intern(Ruling::hold(NO_POLICY), |d| standing.queue_number(d));
            return Decided { number, forward: None, platform_user_id: None };
        };
        if self.people.len() >= MAX_PEOPLE && !self.people.contains_key(&punch.person) {
            self.people.clear();
        }
        let person = self.people.entry(punch.person).or_insert_with(|| Person {
            facts: PersonFacts::of(punch.person.and_then(|p| directory.profile(p))),
            shapes: Vec::new(),
        });
        let mut facts = Facts::new(timestamp(now_ms), &person.facts.subject, record(punch, person));
        facts.site = Some(&self.site);
        facts.clock_trusted = self.clock_trusted;
        facts.signers = &self.signers;
        facts.basis = person.facts.basis;
        facts.papers = &self.papers;
        facts.regions = RegionCheck::Pause;
        let key = rules.memo_key(&facts);
        let platform_user_id = person.facts.platform_user_id.clone();
        if let Some(known) = person.shapes.iter().find(|shape| shape.key == key) {
            let forward = known.forward.clone();
            return Decided { number: known.number, forward, platform_user_id };
        }
        let decision = decide(rules, &facts);
        let ruling = Ruling { rules: Some(name.clone()), decision: decision.stored() };
        let number = decisions.intern(ruling, |d| standing.queue_number(d));
        let forwards = decision.verdict() == Verdict::Forward;
        let forward = forwards.then(|| Arc::new(decision));
        if person.shapes.len() >= MAX_SHAPES {
            person.shapes.clear();
        }
        person.shapes.push(Remembered { key, number, forward: forward.clone() });
        Decided { number, forward, platform_user_id }
    }
}

/// What the engine is told of a punch.
fn record(punch: &Attendance, person: &Person) -> Record {
    const ALWAYS: FieldSet = FieldSet::of(&[
        Field::EventId,
        Field::CheckTime,
        Field::SiteRef,
        Field::DeviceAlias,
        Field::VerifyMethod,
    ]);
    let mut fields = ALWAYS;
    for (has, field) in [
        (punch.person.is_some(), Field::SubjectRef),
        (person.facts.platform_user_id.is_some(), Field::PlatformUserId),
        (punch.direction.is_some(), Field::Direction),
    ] {
        if has {
            fields = fields.with(field);
        }
    }
    Record {
        class: Some(Class::Event),
        fields,
        check_time: Timestamp::from_second(effective_seconds(punch)).ok(),
        method: Some(punch.method.into()),
        sensitive: false,
        cell_size: None,
    }
}

/// A moment of the box's clock; one out of range is as far away as can be.
fn timestamp(ms: i64) -> Timestamp {
    let limit = if ms < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_millisecond(ms).unwrap_or(limit)
}
