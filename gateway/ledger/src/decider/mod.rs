//! Asks the residency engine about punches, and remembers what it said per person and shape.
//!
//! At commit and at dispatch everything is decided but the region's health and attestation, which
//! pause a destination and never a record. What was remembered is forgotten when a shared fact
//! changes (the revision grows) or one person's does, and where a date passes.

mod person;
mod scene;

use crate::journal::Content;
use crate::legal::counters::is_exempt;
use crate::legal::{Legal, RecordApproval};
use crate::state::decisions::{Decisions, RulesRef, Ruling};
use crate::state::labels::Labels;
use crate::state::standing::Standing;
use crate::{ClockTrust, Governance, PersonProfile};
use muster_attendance::PersonId;
use muster_residency::facts::Record;
use muster_residency::policy::Signer as VerifiedSigner;
use muster_residency::rules::MemoKey;
use muster_residency::vocab::{Class, Consent, Law, Verdict};
use muster_residency::{Decision, Facts, LawPack, Policy, Rules, decide};
use scene::{Person, Scene, timestamp};
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
    /// Who it is of, joined persons resolved.
    pub(crate) person: Option<PersonId>,
    /// Whether what is exported of them is sensitive.
    pub(crate) sensitive: bool,
}

/// What is asked: where this record may go at that moment.
#[derive(Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) content: &'a Content,
    /// Its number, once it has one: a single record may be approved.
    pub(crate) record: Option<u64>,
    pub(crate) now_ms: i64,
}

/// What is known besides the rules.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    /// Who a person of a record is, and what the directory says of them.
    pub(crate) who: &'a dyn Fn(PersonId) -> (PersonId, Option<PersonProfile>),
    pub(crate) legal: &'a Legal,
    pub(crate) labels: &'a Labels,
}

/// What distinguishes two decisions of one person between two changes of shared facts.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Shape {
    key: MemoKey,
    consent: Consent,
    guardian: bool,
}

struct Remembered {
    shape: Shape,
    number: u32,
    forward: Option<Arc<Decision>>,
}

struct Remembering {
    person: Person,
    shapes: Vec<Remembered>,
}

/// What decisions depend on, and what is remembered of them.
pub(crate) struct Decider {
    scene: Scene,
    /// A date passed between two ticks.
    passed: bool,
    people: HashMap<Option<PersonId>, Remembering>,
}

impl Decider {
    pub(crate) fn new(site: &str) -> Self {
        Self { scene: Scene::new(site), passed: false, people: HashMap::new() }
    }

    /// The rules in force.
    pub(crate) fn rules(&self) -> Option<&Arc<Rules>> {
        self.scene.rules.as_ref().map(|(rules, _)| rules)
    }

    /// Whose word the rules are in force by.
    pub(crate) fn signers(&self) -> &[VerifiedSigner] {
        &self.scene.signers
    }

    /// The calendar year whose exports are counted.
    pub(crate) fn year(&self) -> i16 {
        self.scene.year
    }

    /// Puts rules in force, with who signed them.
    pub(crate) fn govern(
        &mut self,
        rules: Option<Rules>,
        signers: Vec<VerifiedSigner>,
        now_ms: i64,
        legal: &Legal,
    ) {
        self.scene.rules = rules.map(|rules| {
            let name = RulesRef::of(&rules);
            (Arc::new(rules), name)
        });
        self.scene.signers = signers;
        self.revise(now_ms, legal);
    }

    /// Takes in the clock. True if that may have changed decisions.
    pub(crate) fn tick(&mut self, now_ms: i64, trust: ClockTrust, legal: &Legal) -> bool {
        let trusted = trust == ClockTrust::Trusted;
        let passed = std::mem::take(&mut self.passed);
        let due = now_ms >= self.scene.next_change_ms;
        if trusted == self.scene.clock_trusted && !due && !passed {
            return false;
        }
        self.scene.clock_trusted = trusted;
        self.revise(now_ms, legal);
        true
    }

    /// Forgets what is remembered of a person.
    pub(crate) fn forget(&mut self, person: PersonId) {
        self.people.remove(&Some(person));
    }

    /// Takes in shared facts and the moment, and forgets what was remembered before.
    pub(crate) fn revise(&mut self, now_ms: i64, legal: &Legal) {
        self.people.clear();
        self.scene.revise(now_ms, legal);
    }

    /// Codes that hold everything now.
    pub(crate) fn policy_holds(&self, now_ms: i64) -> Vec<String> {
        let Some((rules, _)) = &self.scene.rules else { return vec![NO_POLICY.to_owned()] };
        let nobody = Default::default();
        let record = Record { class: Some(Class::Event), ..Record::default() };
        let mut facts = Facts::new(timestamp(now_ms), &nobody, record);
        facts.site = Some(&self.scene.site);
        facts.clock_trusted = self.scene.clock_trusted;
        facts.signers = &self.scene.signers;
        let decision = decide(rules, &facts);
        let codes = decision.reasons().iter().map(ToString::to_string);
        codes.filter(|code| code.starts_with("I-05") || code == "I-07" || code == "I-11").collect()
    }

    /// What policies on trial would say: signatures, clock and emergency stop apart.
    pub(crate) fn try_out(
        &self,
        rules: &Rules,
        question: Question<'_>,
        known: Known<'_>,
    ) -> Decision {
        let person = Person::of(question.content, known);
        self.scene.try_out(rules, &person, question, known)
    }

    /// What would be stored of a decision, and whose export it is that the mainland's thresholds
    /// count, with whether that is sensitive; nothing is remembered.
    pub(crate) fn ruling(
        &mut self,
        question: Question<'_>,
        known: Known<'_>,
    ) -> (Ruling, Option<(PersonId, bool)>) {
        if question.now_ms >= self.scene.next_change_ms {
            self.revise(question.now_ms, known.legal);
        }
        let Some((rules, name)) = &self.scene.rules else {
            return (Ruling::hold(NO_POLICY), None);
        };
        let person = Person::of(question.content, known);
        let facts = self.scene.facts(&person, question, known);
        let approved = approval(question, known, name).map(|a| a.destination.as_str());
        let decision = self.scene.ask(rules, &person, facts, known, approved);
        let forwards = decision.verdict() == Verdict::Forward;
        let lanes = &decision.obligations().lanes;
        let counted = forwards
            && lanes.iter().any(|(from, _)| *from == Law::CN)
            && !is_exempt(decision.bucket());
        let export = person.id.filter(|_| counted).map(|id| (id, person.is_sensitive()));
        (Ruling { rules: Some(name.clone()), decision: decision.stored() }, export)
    }

    /// Decides where a record may go.
    pub(crate) fn decide(
        &mut self,
        question: Question<'_>,
        known: Known<'_>,
        decisions: &mut Decisions,
        standing: &mut Standing,
    ) -> Decided {
        if question.now_ms >= self.scene.next_change_ms {
            self.revise(question.now_ms, known.legal);
            self.passed = true;
        }
        let Some((rules, name)) = &self.scene.rules else {
            let number = decisions.intern(Ruling::hold(NO_POLICY), |d| standing.queue_number(d));
            return Decided::held(number);
        };
        let id = question.content.person();
        if self.people.len() >= MAX_PEOPLE && !self.people.contains_key(&id) {
            self.people.clear();
        }
        if matches!(question.content, Content::Summary(made) if made.day().is_none()) {
            return self.decide_count(question, known, decisions, standing);
        }
        let made =
            || Remembering { person: Person::of(question.content, known), shapes: Vec::new() };
        let of = self.people.entry(id).or_insert_with(made);
        let facts = self.scene.facts(&of.person, question, known);
        let (consent, guardian) = (facts.consent, facts.guardian_consent);
        let shape = Shape { key: rules.memo_key(&facts), consent, guardian };
        let approval = approval(question, known, name);
        if approval.is_none()
            && let Some(remembered) = of.shapes.iter().find(|known| known.shape == shape)
        {
            return of.person.decided(remembered.number, remembered.forward.clone());
        }
        let approved = approval.map(|approval| approval.destination.as_str());
        let decision = self.scene.ask(rules, &of.person, facts, known, approved);
        let ruling = Ruling { rules: Some(name.clone()), decision: decision.stored() };
        let number = decisions.intern(ruling, |d| standing.queue_number(d));
        let forwards = decision.verdict() == Verdict::Forward;
        let forward = forwards.then(|| Arc::new(decision));
        let decided = of.person.decided(number, forward.clone());
        if approved.is_none() {
            of.remember(Remembered { shape, number, forward });
        }
        decided
    }
}

impl Decider {
    /// A count is of nobody, and each of other people: nothing is remembered of it.
    fn decide_count(
        &self,
        question: Question<'_>,
        known: Known<'_>,
        decisions: &mut Decisions,
        standing: &mut Standing,
    ) -> Decided {
        let Some((rules, name)) = &self.scene.rules else {
            let number = decisions.intern(Ruling::hold(NO_POLICY), |d| standing.queue_number(d));
            return Decided::held(number);
        };
        let person = Person::of(question.content, known);
        let facts = self.scene.facts(&person, question, known);
        let approved = approval(question, known, name).map(|a| a.destination.as_str());
        let decision = self.scene.ask(rules, &person, facts, known, approved);
        let ruling = Ruling { rules: Some(name.clone()), decision: decision.stored() };
        let number = decisions.intern(ruling, |d| standing.queue_number(d));
        let forwards = decision.verdict() == Verdict::Forward;
        person.decided(number, forwards.then(|| Arc::new(decision)))
    }
}

/// The approval of a single record, if it holds under the rules in force.
fn approval<'a>(
    question: Question<'_>,
    known: Known<'a>,
    rules: &RulesRef,
) -> Option<&'a RecordApproval> {
    let approval = known.legal.approvals.of_record(question.record, question.now_ms);
    approval.filter(|approval| approval.policy_sha256 == rules.policy_sha256)
}

impl Decided {
    /// Held, whoever it is of.
    fn held(number: u32) -> Self {
        Self { number, forward: None, platform_user_id: None, person: None, sensitive: false }
    }
}

impl Person {
    fn decided(&self, number: u32, forward: Option<Arc<Decision>>) -> Decided {
        Decided {
            number,
            forward,
            platform_user_id: self.facts.platform_user_id.clone(),
            person: self.id,
            sensitive: self.is_sensitive(),
        }
    }
}

impl Remembering {
    fn remember(&mut self, remembered: Remembered) {
        if self.shapes.len() >= MAX_SHAPES {
            self.shapes.clear();
        }
        self.shapes.push(remembered);
    }
}
