//! The evaluation, in its fixed order.
//!
//! Pure and total: no clock, no IO, no randomness, no panic. Whatever cannot be evaluated holds
//! (I-11). The order is the model's; a policy cannot change it. Codes beyond the model's table, for
//! facts it names without a code: `C-03-RESTRICTED` (the person restricts processing),
//! `C-04-NOTICE` (the notice they have is not the one in force), `S-LOCAL-ONLY` (emergency stop).

use crate::decision::{Choice, Decision, LaneText, Made, Obligations, Reason, ReasonKind, Remedy};
use crate::facts::{Facts, Notice, RegionCheck};
use crate::matching::{Outcome, Scene};
use crate::policy::{CnExemption, DefaultVerdict, Effect, Permit, Site};
use crate::rules::{Form, Place, Rules};
use crate::vocab::{
    AccountClass, AgeBand, Basis, Bucket, Category, Class, Connector, Consent, Field, FieldSet,
    Law, ProfileKind, Verdict,
};

/// Decides where a record may go.
pub fn decide(rules: &Rules, facts: &Facts<'_>) -> Decision {
    let mut evaluation = Evaluation::new(rules, facts);
    if let Err(fault) = evaluation.run() {
        evaluation.reason("I-11", Verdict::Hold).cite = Some(fault.to_string().into());
        evaluation.verdict = Verdict::Hold;
    }
    evaluation.finish()
}

/// What cannot be evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("the policy was written for another law pack")]
    LawPack,
    #[error("a permit names a destination that the policy does not have")]
    Destination,
    #[error("a permit names a profile that the policy does not have")]
    Profile,
    #[error("the destination's region is not in the law pack's catalogue")]
    Region,
    #[error("an aggregate profile has no k_min")]
    KMin,
}

/// One decision in the making.
pub(crate) struct Evaluation<'a> {
    pub(crate) rules: &'a Rules,
    pub(crate) facts: &'a Facts<'a>,
    pub(crate) verdict: Verdict,
    pub(crate) details: Vec<Reason>,
    pub(crate) bucket: Option<Bucket>,
    pub(crate) crossed: Vec<(Law, Law)>,
    way: Option<Way<'a>>,
}

/// What the matching permits say together.
pub(crate) struct Way<'a> {
    pub(crate) destination: &'a crate::policy::Destination,
    pub(crate) place: &'a Place,
    pub(crate) gba: bool,
    pub(crate) form: &'a Form,
    pub(crate) fields: Vec<Field>,
    pub(crate) require: Vec<&'a str>,
    pub(crate) approval: bool,
    pub(crate) hr_exempt: bool,
    /// The destination's law, what it is read as besides, and whence it can be read.
    pub(crate) targets: Vec<Law>,
    /// The destination's law and what it is read as besides.
    pub(crate) seats: Vec<Law>,
}

impl<'a> Evaluation<'a> {
    fn new(rules: &'a Rules, facts: &'a Facts<'a>) -> Self {
        Self {
            rules,
            facts,
            verdict: Verdict::Forward,
            details: Vec::new(),
            bucket: None,
            crossed: Vec::new(),
            way: None,
        }
    }

    fn run(&mut self) -> Result<(), Fault> {
        self.policy_fit();
        let Some(class) = self.facts.record.class.filter(|c| self.known(*c)) else {
            self.hold("I-06-CLASS", Remedy::Fact("class".into()));
            return Ok(());
        };
        if self.rules.pack.never_class(class) {
            self.reason("I-01", Verdict::Drop);
            return Ok(());
        }
        let Some(site) = self.facts.site.and_then(|id| self.rules.site(id)) else {
            self.hold("I-06-SITE", Remedy::Fact("site".into()));
            return Ok(());
        };
        if self.rules.policy.header.law_pack != self.rules.pack.id {
            return Err(Fault::LawPack);
        }
        self.lawful_use(class);
        let Ok(way) = self.choose(site, class)? else {
            self.reason("E-AMBIG", Verdict::Hold);
            return Ok(());
        };
        self.forbids(site, class, way.as_ref());
        match &way {
            None => self.default_verdict(),
            Some(way) => self.transfer(site, way)?,
        }
        self.way = way;
        Ok(())
    }

    fn known(&self, class: Class) -> bool {
        self.rules.pack.known_classes.contains(&class)
    }

    /// Steps 1: signatures, dates, clock, emergency stop.
    fn policy_fit(&mut self) {
        let header = &self.rules.policy.header;
        if !enough_signers(self.facts.signers) {
            self.hold("I-05-SIGN", Remedy::Signatures);
        }
        if !(header.effective_from <= self.facts.now && self.facts.now < header.effective_until) {
            self.reason("I-05-DATE", Verdict::Hold);
        }
        if !self.facts.clock_trusted {
            self.hold("I-07", Remedy::Clock);
        }
        if self.facts.local_only {
            self.hold("S-LOCAL-ONLY", Remedy::LocalOnlyOff);
        }
    }

    /// Step 3: required facts, basis and consent.
    fn lawful_use(&mut self, class: Class) {
        let subject = self.facts.subject;
        if class != Class::Aggregate {
            if matches!(subject.category, None | Some(Category::Unknown)) {
                self.hold("I-06-CATEGORY", Remedy::Fact("category".into()));
            }
            if matches!(subject.age_band, None | Some(AgeBand::Unknown)) {
                self.hold("I-06-AGE_BAND", Remedy::Fact("age_band".into()));
            }
        }
        if subject.restricted {
            self.hold("C-03-RESTRICTED", Remedy::Unrestrict);
        }
        if self.facts.notice == Notice::Outdated {
            self.hold("C-04-NOTICE", Remedy::Notice);
        }
        match self.facts.basis {
            None => self.hold("I-06-BASIS", Remedy::Fact("basis".into())),
            Some(Basis::Consent) => self.consent(),
            Some(_) => {}
        }
    }

    fn consent(&mut self) {
        match self.facts.consent {
            Consent::Given => {}
            Consent::Withdrawn => self.hold("C-01-WITHDRAWN", Remedy::Consent),
            Consent::Absent => self.hold("C-01-ABSENT", Remedy::Consent),
        }
        let under_14 = self.facts.subject.age_band == Some(AgeBand::Under14);
        if under_14 && !self.facts.guardian_consent {
            self.hold("C-02-GUARDIAN", Remedy::GuardianConsent);
        }
    }

    /// Step 4: what the matching permits say together; `Err(())` inside if they disagree on the
    /// destination.
    fn choose(&self, site: &'a Site, class: Class) -> Result<Result<Option<Way<'a>>, ()>, Fault> {
        let scene = self.scene(site, class, None);
        let mut matching = self.rules.permits(class).filter(|p| scene.matches(&p.when));
        let Some(first) = matching.next() else { return Ok(Ok(None)) };
        let rest: Vec<&Permit> = matching.collect();
        if rest.iter().any(|p| p.to != first.to) {
            return Ok(Err(()));
        }
        let mut way = self.way(first)?;
        for permit in rest {
            let other = self.form(permit)?;
            way.fields.retain(|f| other.fields.contains(f));
            way.require.extend(permit.require.iter().map(String::as_str));
            way.approval |= permit.approval;
            way.hr_exempt &= permit.cn_exemption == Some(CnExemption::Hr);
        }
        way.require.sort_unstable();
        way.require.dedup();
        Ok(Ok(Some(way)))
    }

    fn way(&self, permit: &'a Permit) -> Result<Way<'a>, Fault> {
        let all = &self.rules.policy.destinations;
        let at = all.iter().position(|d| d.id == permit.to).ok_or(Fault::Destination)?;
        let (Some(destination), Some(place)) = (all.get(at), self.rules.places.get(at)) else {
            return Err(Fault::Destination);
        };
        let form = self.form(permit)?;
        let (law, gba) = place.law.ok_or(Fault::Region)?;
        let seats = self.seats(place, law);
        let mut targets = seats.clone();
        for &law in &destination.remote_access_from {
            push_new(&mut targets, law);
        }
        Ok(Way {
            destination,
            place,

            gba,
            form,
            fields: form.fields.clone(),
            require: permit.require.iter().map(String::as_str).collect(),
            approval: permit.approval,
            hr_exempt: permit.cn_exemption == Some(CnExemption::Hr),
            targets,
            seats,
        })
    }

    fn form(&self, permit: &Permit) -> Result<&'a Form, Fault> {
        let mut forms = self.rules.forms.iter();
        forms.find(|f| f.id.as_str() == permit.profile).ok_or(Fault::Profile)
    }

    /// The laws a destination sits under: its region's; the mainland's too where nothing says
    /// where it is (R05); the mainland's and Singapore's where the contract is not quoted (R18).
    fn seats(&self, place: &Place, law: Law) -> Vec<Law> {
        let mut seats = vec![law];
        let unquoted = self.facts.unquoted.iter().any(|id| id == place.id.as_str());
        if place.unproved || unquoted {
            push_new(&mut seats, Law::CN);
        }
        if unquoted {
            push_new(&mut seats, Law::SG);
        }
        seats
    }

    /// Step 5: every forbid, without short cut.
    fn forbids(&mut self, site: &'a Site, class: Class, way: Option<&Way<'a>>) {
        let rules = self.rules;
        for forbid in &rules.policy.forbids {
            let outcome = self.scene(site, class, way).outcome(&forbid.when);
            if outcome == Outcome::No || self.excused(&forbid.unless_evidence, site) {
                continue;
            }
            let papers = self.excuse(&forbid.unless_evidence, site);
            match outcome {
                Outcome::Absent(facts) => {
                    for fact in facts {
                        let code = format!("I-06-{}", fact.to_uppercase());
                        let reason = self.reason(&code, Verdict::Hold);
                        reason.kind = ReasonKind::Fact;
                        reason.remedies = vec![vec![Remedy::Fact(fact.into())]];
                        reason.remedies.extend(papers.clone());
                    }
                }
                _ => self.forbidden(forbid, papers),
            }
        }
    }

    fn forbidden(&mut self, forbid: &crate::policy::Forbid, papers: Option<Vec<Remedy>>) {
        let verdict = match forbid.effect {
            Effect::Approve if self.facts.approval => return,
            Effect::Approve => Verdict::Approve,
            Effect::Hold => Verdict::Hold,
            Effect::Drop => Verdict::Drop,
        };
        let reason = self.reason(&forbid.id, verdict);
        reason.kind = ReasonKind::Forbid;
        reason.cite = Some(forbid.because.as_str().into());
        reason.remedies = papers.into_iter().collect();
        if verdict == Verdict::Approve {
            reason.remedies.push(vec![Remedy::Approval]);
        }
    }

    fn excused(&self, kinds: &[String], site: &Site) -> bool {
        !kinds.is_empty() && kinds.iter().all(|kind| self.on_file_everywhere(kind, site))
    }

    fn excuse(&self, kinds: &[String], site: &Site) -> Option<Vec<Remedy>> {
        let missing = kinds.iter().filter(|kind| !self.on_file_everywhere(kind, site));
        let lane = LaneText(format!("{}->*", site.jurisdiction).into());
        let papers: Vec<_> =
            missing.map(|k| Remedy::Paper(k.as_str().into(), lane.clone())).collect();
        (!papers.is_empty()).then_some(papers)
    }

    fn on_file_everywhere(&self, kind: &str, site: &Site) -> bool {
        self.facts.papers.iter().any(|p| {
            p.kind == kind
                && p.lane.covers_all_from(site.jurisdiction)
                && p.in_force(self.facts.now)
        })
    }

    fn default_verdict(&mut self) {
        let verdict = match self.rules.policy.header.default {
            DefaultVerdict::Hold => Verdict::Hold,
            DefaultVerdict::Drop => Verdict::Drop,
        };
        self.reason("I-02", verdict);
    }

    /// Steps 6 to 8, once there is a destination.
    fn transfer(&mut self, site: &'a Site, way: &Way<'a>) -> Result<(), Fault> {
        self.region(way);
        if way.destination.connector == Connector::Dingtalk {
            self.dingtalk(way);
        }
        if way.form.kind == ProfileKind::Aggregate {
            self.cell(way)?;
        } else {
            self.lanes(site, way);
        }
        self.required(site, way);
        self.limits(way);
        if way.approval && !self.facts.approval {
            self.reason("A-01", Verdict::Approve).remedies = vec![vec![Remedy::Approval]];
        }
        Ok(())
    }

    fn region(&mut self, way: &Way<'a>) {
        let RegionCheck::Observed(all) = self.facts.regions else { return };
        let seen = all.iter().find(|h| h.destination == way.destination.id);
        let attested = seen.and_then(|h| h.attested_region.as_deref());
        if attested != Some(way.destination.region.as_str()) {
            self.hold("I-04", Remedy::RegionAttested);
        }
        if !seen.is_some_and(|h| h.up) {
            self.hold("I-03", Remedy::RegionUp);
        }
    }

    fn dingtalk(&mut self, way: &Way<'a>) {
        match self.facts.subject.account_class {
            None | Some(AccountClass::Unknown) => {
                self.hold("I-06-ACCOUNT", Remedy::Fact("account_class".into()));
            }
            class if class != way.destination.account_class => {
                self.reason("F-ACCT", Verdict::Hold);
            }
            Some(_) => {}
        }
        match self.facts.record.check_time {
            None => self.hold("I-06-CHECK_TIME", Remedy::Fact("check_time".into())),
            Some(at) if self.rules.beyond_horizon(at, self.facts.now) => {
                self.reason("D-180", Verdict::Hold);
            }
            Some(_) => {}
        }
    }

    fn cell(&mut self, way: &Way<'a>) -> Result<(), Fault> {
        let k_min = way.form.k_min.ok_or(Fault::KMin)?;
        if self.facts.record.cell_size.is_none_or(|size| size < k_min) {
            self.reason("K-01", Verdict::Hold);
        }
        Ok(())
    }

    fn scene<'s>(&'s self, site: &'s Site, class: Class, way: Option<&'s Way<'a>>) -> Scene<'s> {
        Scene { site, class, facts: self.facts, way }
    }

    pub(crate) fn reason(&mut self, code: &str, verdict: Verdict) -> &mut Reason {
        self.verdict = self.verdict.max(verdict);
        self.details.push(Reason {
            code: code.into(),
            kind: ReasonKind::Model,
            verdict,
            cite: None,
            lane: None,
            alternatives: Vec::new(),
            remedies: Vec::new(),
        });
        let last = self.details.len() - 1;
        &mut self.details[last]
    }

    fn hold(&mut self, code: &str, remedy: Remedy) {
        self.reason(code, Verdict::Hold).remedies = vec![vec![remedy]];
    }

    fn finish(self) -> Decision {
        let barred = self.rules.never.or(self.rules.strip);
        let forward = self.verdict == Verdict::Forward;
        let has = self.facts.record.fields;
        let fields = |way: &Way<'_>| {
            let passes = |f: &&Field| has.has(**f) && !barred.has(**f);
            way.fields.iter().filter(passes).copied().collect()
        };
        let way = self.way.as_ref();
        let alert =
            self.details.iter().any(|d| matches!(d.code.as_str(), "I-01" | "I-04" | "I-11"));
        Decision::made(Made {
            verdict: self.verdict,
            choice: way.map(choice),
            fields: way.filter(|_| forward).map(fields).unwrap_or_default(),
            stripped: if forward { by_name(has.and(barred)) } else { Vec::new() },
            bucket: self.bucket,
            obligations: Obligations {
                reserve: self.bucket.filter(|_| forward),
                time_precision: way.map(|w| w.form.time_precision),
                lanes: self.crossed,
                alert,
            },
            details: self.details,
        })
    }
}

fn choice(way: &Way<'_>) -> Choice {
    Choice {
        destination: way.place.id.clone(),
        region: way.place.region.clone(),
        profile: way.form.id.clone(),
    }
}

fn by_name(fields: FieldSet) -> Vec<Field> {
    let mut list: Vec<Field> = fields.iter().collect();
    list.sort_unstable_by_key(|f| f.as_str());
    list
}

/// Adds `law` unless it is there.
pub(crate) fn push_new(laws: &mut Vec<Law>, law: Law) {
    if !laws.contains(&law) {
        laws.push(law);
    }
}

/// Two people, two roles, the data protection officer among them.
pub(crate) fn enough_signers(signers: &[crate::policy::Signer]) -> bool {
    let two = |of: fn(&crate::policy::Signer) -> &str| {
        signers.first().is_some_and(|first| signers.iter().any(|s| of(s) != of(first)))
    };
    two(|s| &s.person) && two(|s| &s.role) && signers.iter().any(|s| s.role == "dpo")
}
