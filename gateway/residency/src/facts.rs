//! Facts: everything a decision depends on besides the rules.
//!
//! An absent fact is `None` and never "false": what needs it holds (invariant I-06). Times come in;
//! nothing here reads a clock.

use crate::policy::Signer;
use crate::vocab::{
    AccountClass, AgeBand, Basis, Category, Class, Consent, FieldSet, Law, RecordMethod,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Everything a decision depends on besides [`crate::Rules`].
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The site's id, as the policy names it.
    pub site: Option<&'a str>,
    /// The moment of decision.
    pub now: Timestamp,
    /// True if the box trusts its clock.
    pub clock_trusted: bool,
    /// Who signed the policy, verified.
    pub signers: &'a [Signer],
    /// The person.
    pub subject: &'a Subject,
    /// The record.
    pub record: Record,
    /// The legal basis of processing.
    pub basis: Option<Basis>,
    /// Consent, at the time of the event and now; see [`consent_between`].
    pub consent: Consent,
    /// True if a guardian consented.
    pub guardian_consent: bool,
    /// Whether the person was given the notice that is in force.
    pub notice: Notice,
    /// The registry of legal evidence.
    pub papers: &'a [Paper],
    /// Region health and attestation.
    pub regions: RegionCheck<'a>,
    /// Destinations whose contract is not quoted in the registry: read as `CN` and `SG` besides
    /// their own region (R18).
    pub unquoted: &'a [String],
    /// This exporter's counters of this year, with the entered baseline, without this record.
    pub counters: Counters,
    /// True if this person is in the counters already.
    pub already_counted: bool,
    /// True if the named role said yes to this record.
    pub approval: bool,
    /// True while the emergency stop is on.
    pub local_only: bool,
}

impl<'a> Facts<'a> {
    /// Facts of which only the moment, the person and the record are known; nothing else is
    /// assumed in favour of sending.
    pub const fn new(now: Timestamp, subject: &'a Subject, record: Record) -> Self {
        Self {
            site: None,
            now,
            clock_trusted: false,
            signers: &[],
            subject,
            record,
            basis: None,
            consent: Consent::Absent,
            guardian_consent: false,
            notice: Notice::Current,
            papers: &[],
            regions: RegionCheck::Pause,
            unquoted: &[],
            counters: Counters { persons: 0, sensitive: 0, records: 0 },
            already_counted: false,
            approval: false,
            local_only: false,
        }
    }
}

/// What is known of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Subject {
    /// What they are to the site.
    pub category: Option<Category>,
    /// How old.
    pub age_band: Option<AgeBand>,
    /// Where they work.
    pub department: Option<String>,
    /// Laws of their employment; each is an origin law besides the site's.
    pub employment_law: Option<Vec<Law>>,
    /// Whose terms their DingTalk account is under.
    pub account_class: Option<AccountClass>,
    /// True while they restrict processing: nothing leaves.
    pub restricted: bool,
}

impl Subject {
    /// Whether what is exported of them counts as sensitive: PIPL art 28 says so of everybody
    /// under 14. It names biometrics too, and those leave from nowhere (I-01).
    pub fn is_sensitive(&self) -> bool {
        self.age_band == Some(AgeBand::Under14)
    }
}

/// What is known of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Record {
    /// Its class.
    pub class: Option<Class>,
    /// The known fields it has. Unknown fields never pass and need not be told.
    pub fields: FieldSet,
    /// When the person punched.
    pub check_time: Option<Timestamp>,
    /// How.
    pub method: Option<RecordMethod>,
    /// True if marked sensitive; under 14 it is so by itself.
    pub sensitive: bool,
    /// People behind an aggregate.
    pub cell_size: Option<u64>,
}

/// Whether the notice a person was given is the one in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Notice {
    /// It is, or none is asked for.
    #[default]
    Current,
    /// They have an older one, or none: the record holds.
    Outdated,
}

/// How far a paper reaches: from one law or any, to one law or any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lane {
    /// Origin; `None` is any.
    pub from: Option<Law>,
    /// Target; `None` is any.
    pub to: Option<Law>,
}

impl Lane {
    /// Every lane.
    pub const ANY: Self = Self { from: None, to: None };

    /// Reads `*`, `MO->SG`, `MO->*` or `*->SG`; every lane has the one spelling `*`.
    pub fn from_text(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::ANY);
        }
        let (from, to) = text.split_once("->")?;
        let lane = Self { from: side(from)?, to: side(to)? };
        (lane != Self::ANY).then_some(lane)
    }

    /// True if the lane reaches from `from` to `to`.
    pub fn covers(self, from: Law, to: Law) -> bool {
        self.from.is_none_or(|law| law == from) && self.to.is_none_or(|law| law == to)
    }

    /// True if it reaches from `from` to every target: `*` or `LAW->*`.
    pub fn covers_all_from(self, from: Law) -> bool {
        self.to.is_none() && self.from.is_none_or(|law| law == from)
    }
}

fn side(text: &str) -> Option<Option<Law>> {
    if text == "*" { Some(None) } else { Law::from_code(text).map(Some) }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ANY {
            return f.write_str("*");
        }
        let text = |law: &Option<Law>| law.map_or("*".to_owned(), |law| law.to_string());
        write!(f, "{}->{}", text(&self.from), text(&self.to))
    }
}

impl Serialize for Lane {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Lane {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Self::from_text(&text).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "`{}` is not a lane; write *, MO->SG, MO->* or *->SG",
                text.escape_default()
            ))
        })
    }
}

/// A document of the registry of legal evidence.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Paper {
    /// Its type, such as `dpa`.
    #[serde(rename = "type")]
    pub kind: String,
    /// How far it reaches.
    pub lane: Lane,
    /// Good from here.
    pub from: Timestamp,
    /// Good until just before here.
    pub to: Timestamp,
}

impl Paper {
    /// True if it is in force at `now`.
    pub fn in_force(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.to
    }
}

/// Whether region checks (I-03, I-04) are part of the decision.
#[derive(Clone, Copy, Debug)]
pub enum RegionCheck<'a> {
    /// They are not: the running box pauses the destination instead of the record.
    Pause,
    /// They are, from what was observed. A destination without a line is down and unattested.
    Observed(&'a [RegionHealth]),
}

/// What was observed of a destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionHealth {
    /// The destination's id.
    pub destination: String,
    /// True if it takes parcels.
    pub up: bool,
    /// The region it attests.
    pub attested_region: Option<String>,
}

/// Exports of one exporter in one calendar year.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Counters {
    /// Distinct persons.
    pub persons: u64,
    /// Distinct persons whose data is sensitive.
    pub sensitive: u64,
    /// Records.
    pub records: u64,
}

/// A time during which consent holds: `from <= t < to`, open-ended without `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentInterval {
    /// Given here.
    pub from: Timestamp,
    /// Withdrawn here.
    pub to: Option<Timestamp>,
}

/// Consent at the time of the event and at the time of sending: given only if it holds at both,
/// withdrawn if it once held, absent otherwise (R30).
pub fn consent_between(intervals: &[ConsentInterval], event: Timestamp, now: Timestamp) -> Consent {
    let holds = |at| intervals.iter().any(|i| i.from <= at && i.to.is_none_or(|to| at < to));
    if holds(event) && holds(now) {
        Consent::Given
    } else if intervals.iter().any(|i| i.to.is_some_and(|to| to <= now)) {
        Consent::Withdrawn
    } else {
        Consent::Absent
    }
}
