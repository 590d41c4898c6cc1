//! Matching conditions against facts.

use crate::condition::{Condition, Key, When};
use crate::decide::Way;
use crate::facts::Facts;
use crate::policy::Site;
use crate::vocab::{Class, Law};

/// What a condition can read.
pub(crate) struct Scene<'a> {
    pub(crate) site: &'a Site,
    pub(crate) class: Class,
    pub(crate) facts: &'a Facts<'a>,
    pub(crate) way: Option<&'a Way<'a>>,
}

/// How a conjunction came out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// Some condition is false.
    No,
    /// None is false, and these facts are absent.
    Absent(Vec<&'static str>),
    /// All hold.
    Yes,
}

/// What a key reads.
enum Seen<'a> {
    One(&'a str),
    Any(&'a [Law]),
    Absent,
    /// A fact of a destination that nobody chose.
    Nowhere,
}

impl<'a> Scene<'a> {
    /// True if all conditions hold; an absent fact does not match.
    pub(crate) fn matches(&self, when: &When) -> bool {
        when.0.iter().all(|c| self.holds(c) == Some(true))
    }

    /// How the conjunction comes out, absent facts told apart from false ones.
    pub(crate) fn outcome(&self, when: &When) -> Outcome {
        let mut absent = Vec::new();
        for condition in &when.0 {
            match self.holds(condition) {
                Some(false) => return Outcome::No,
                Some(true) => {}
                None => absent.push(condition.key.fact()),
            }
        }
        if absent.is_empty() { Outcome::Yes } else { Outcome::Absent(absent) }
    }

    fn holds(&self, condition: &Condition) -> Option<bool> {
        let allows = |value: &str| condition.allowed.iter().any(|a| a == value);
        match self.read(condition.key) {
            Seen::One(value) => Some(allows(value)),
            Seen::Any(laws) => Some(laws.iter().any(|law| allows(law.as_str()))),
            Seen::Absent => None,
            Seen::Nowhere => Some(false),
        }
    }

    fn read(&self, key: Key) -> Seen<'_> {
        let subject = self.facts.subject;
        match key {
            Key::SiteId => Seen::One(&self.site.id),
            Key::SiteJurisdiction => Seen::One(self.site.jurisdiction.as_str()),
            Key::SiteController => Seen::One(self.site.controller.as_str()),
            Key::SiteGba => truth(self.site.gba),
            Key::SubjectCategory => one(subject.category.map(|v| v.as_str())),
            Key::SubjectAgeBand => one(subject.age_band.map(|v| v.as_str())),
            Key::SubjectDepartment => one(subject.department.as_deref()),
            Key::SubjectEmploymentLaw => {
                subject.employment_law.as_deref().map_or(Seen::Absent, Seen::Any)
            }
            Key::SubjectAccountClass => one(subject.account_class.map(|v| v.as_str())),
            Key::RecordClass => Seen::One(self.class.as_str()),
            Key::RecordMethod => one(self.facts.record.method.map(|v| v.as_str())),
            Key::RecordSensitive => truth(is_sensitive(self.facts)),
            Key::UseBasis => one(self.facts.basis.map(|v| v.as_str())),
            _ => self.way.map_or(Seen::Nowhere, |way| destination(way, key)),
        }
    }
}

fn destination<'a>(way: &'a Way<'_>, key: Key) -> Seen<'a> {
    let to = way.destination;
    match key {
        Key::DestinationId => Seen::One(&to.id),
        Key::DestinationRegion => Seen::One(&to.region),
        Key::DestinationJurisdiction => Seen::Any(&way.seats),
        Key::DestinationGba => truth(way.gba),
        Key::DestinationConnector => Seen::One(to.connector.as_str()),
        Key::DestinationAccountClass => one(to.account_class.map(|v| v.as_str())),
        Key::DestinationOperator => one(to.operator.as_deref()),
        Key::DestinationOperatorGba => to.operator_gba.map_or(Seen::Absent, truth),
        Key::DestinationRemoteAccess => Seen::Any(&to.remote_access_from),
        Key::DestinationEvidence => one(to.residency_evidence.map(|v| v.as_str())),
        _ => Seen::Absent,
    }
}

/// True for what is marked so, and for everybody under 14.
pub(crate) fn is_sensitive(facts: &Facts<'_>) -> bool {
    facts.record.sensitive || facts.subject.is_sensitive()
}

fn one(value: Option<&str>) -> Seen<'_> {
    value.map_or(Seen::Absent, Seen::One)
}

fn truth<'a>(value: bool) -> Seen<'a> {
    Seen::One(if value { "true" } else { "false" })
}
