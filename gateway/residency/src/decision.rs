//! What the engine decided, and why.
//!
//! A [`Decision`] can be built by the engine alone: its fields are private and it cannot be read
//! back from anywhere. What the journal gives back is a [`StoredDecision`]: it can be shown, and
//! nothing accepts it as a decision.

use crate::facts::Lane;
use crate::vocab::{Bucket, Field, Law, TimePrecision, Verdict};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use std::sync::Arc;

/// A short shared text: a reason code, an id or a field's name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(Arc<str>);

impl Code {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Code {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Code {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d).map(Self::from)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

/// The one destination the permits chose.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Choice {
    /// Its id.
    pub destination: Code,
    /// Its region.
    pub region: Code,
    /// The profile.
    pub profile: Code,
}

/// Something that, once done, takes a reason away.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remedy {
    /// A paper of this type on file for this lane.
    Paper(Code, LaneText),
    /// This fact, told.
    Fact(Code),
    /// The person's consent.
    Consent,
    /// A guardian's consent.
    GuardianConsent,
    /// The notice in force, given to the person.
    Notice,
    /// A yes by the role the policy names.
    Approval,
    /// Signatures: two people, two roles, the DPO among them.
    Signatures,
    /// A clock the box can trust.
    Clock,
    /// The destination up again.
    RegionUp,
    /// The region that was approved, attested by the endpoint.
    RegionAttested,
    /// The restriction lifted by the person.
    Unrestrict,
    /// Local-only switched off.
    LocalOnlyOff,
}

/// A lane as text, ordered.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct LaneText(pub Code);

impl From<(Law, Law)> for LaneText {
    fn from((from, to): (Law, Law)) -> Self {
        Self(Lane { from: Some(from), to: Some(to) }.to_string().into())
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Paper(kind, lane) => write!(f, "add {kind} for {}", lane.0),
            Self::Fact(name) => write!(f, "tell {name}"),
            Self::Consent => f.write_str("get the person's consent"),
            Self::GuardianConsent => f.write_str("get a guardian's consent"),
            Self::Notice => f.write_str("give the person the notice in force"),
            Self::Approval => f.write_str("approve"),
            Self::Signatures => f.write_str("sign the policy: two people, two roles, one dpo"),
            Self::Clock => f.write_str("set a clock that can be trusted"),
            Self::RegionUp => f.write_str("wait until the destination is up"),
            Self::RegionAttested => f.write_str("let the endpoint attest the approved region"),
            Self::Unrestrict => f.write_str("lift the person's restriction"),
            Self::LocalOnlyOff => f.write_str("switch local-only off"),
        }
    }
}

/// What a reason comes from; it says which sentence explains it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReasonKind {
    /// A code of the model.
    Model,
    /// A fact that a forbid of the policy reads is absent.
    Fact,
    /// A forbid of the policy.
    Forbid,
    /// A gate of the law pack.
    Gate,
    /// A paper that the permit requires.
    Paper,
    /// A limit of the policy.
    Limit,
}

/// One thing asked for, and whether it is there.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Need {
    /// A type of paper, `@adequate` or `@gba`.
    pub what: Code,
    /// True if it is there.
    pub met: bool,
}

/// One reason, with what stands behind it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Reason {
    /// The stable code.
    pub code: Code,
    /// What it comes from.
    pub kind: ReasonKind,
    /// What it does; `Forward` for advice.
    pub verdict: Verdict,
    /// Where the law or the policy says so.
    pub cite: Option<Code>,
    /// Origin and target, for a gate.
    pub lane: Option<(Law, Law)>,
    /// What was asked for, by alternative.
    pub alternatives: Vec<Vec<Need>>,
    /// What would take the reason away, by alternative; none if no fact can.
    #[serde(skip)]
    pub(crate) remedies: Vec<Vec<Remedy>>,
}

impl Reason {
    /// The reason as it is stored: what to do is in the decision's sets.
    fn without_remedies(&self) -> Self {
        Self { remedies: Vec::new(), ..self.clone() }
    }
}

/// What acting on the decision brings with it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize)]
pub struct Obligations {
    /// Reserve the mainland's counters before the first byte leaves, under this bucket.
    pub reserve: Option<Bucket>,
    /// How exact times may leave.
    pub time_precision: Option<TimePrecision>,
    /// Lanes the transfer crosses: each side gets its own entry.
    pub lanes: Vec<(Law, Law)>,
    /// Tell an administrator now.
    pub alert: bool,
}

/// A decision of the engine.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Decision {
    verdict: Verdict,
    choice: Option<Choice>,
    fields: Vec<Field>,
    stripped: Vec<Field>,
    reasons: Vec<Code>,
    warn: Vec<Code>,
    bucket: Option<Bucket>,
    to_release: Vec<Vec<Remedy>>,
    obligations: Obligations,
    details: Vec<Reason>,
}

/// What the engine hands in to have a decision made of it.
pub(crate) struct Made {
    pub(crate) verdict: Verdict,
    pub(crate) choice: Option<Choice>,
    pub(crate) fields: Vec<Field>,
    pub(crate) stripped: Vec<Field>,
    pub(crate) bucket: Option<Bucket>,
    pub(crate) obligations: Obligations,
    pub(crate) details: Vec<Reason>,
}

impl Decision {
    pub(crate) fn made(mut made: Made) -> Self {
        made.details.sort_by(|a, b| (&a.code, a.lane).cmp(&(&b.code, b.lane)));
        let codes = |advice: bool| {
            let chosen = made.details.iter().filter(|d| (d.verdict == Verdict::Forward) == advice);
            let mut codes: Vec<Code> = chosen.map(|d| d.code.clone()).collect();
            codes.dedup();
            codes
        };
        Self {
            verdict: made.verdict,
            choice: made.choice,
            fields: made.fields,
            stripped: made.stripped,
            reasons: codes(false),
            warn: codes(true),
            bucket: made.bucket,
            to_release: crate::release::minimal(&made.details),
            obligations: made.obligations,
            details: made.details,
        }
    }

    /// What is to be done with the record.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Where it goes, if it goes.
    pub fn destination(&self) -> Option<&str> {
        self.forwarded().map(|c| c.destination.as_str())
    }

    /// The region it goes to, if it goes.
    pub fn region(&self) -> Option<&str> {
        self.forwarded().map(|c| c.region.as_str())
    }

    /// The profile it goes in, if it goes.
    pub fn profile(&self) -> Option<&str> {
        self.forwarded().map(|c| c.profile.as_str())
    }

    /// Where the permits would have it go, whatever the verdict.
    pub fn would_be(&self) -> Option<&Choice> {
        self.choice.as_ref()
    }

    /// The fields that go, in the profile's order; none unless it goes.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The record's fields that were stripped, sorted by name; none unless it goes.
    pub fn stripped(&self) -> &[Field] {
        &self.stripped
    }

    /// Codes of what keeps it, sorted, without repeats.
    pub fn reasons(&self) -> &[Code] {
        &self.reasons
    }

    /// Codes of advice, sorted, without repeats.
    pub fn warn(&self) -> &[Code] {
        &self.warn
    }

    /// The mainland's mechanism it rests on, if its lanes are met and one is needed.
    pub fn bucket(&self) -> Option<Bucket> {
        self.bucket
    }

    /// The smallest sets of facts that would free it; none if it goes or no fact can free it.
    pub fn to_release(&self) -> &[Vec<Remedy>] {
        &self.to_release
    }

    /// What acting on it brings with it.
    pub fn obligations(&self) -> &Obligations {
        &self.obligations
    }

    /// Every reason and piece of advice with its citation, lane and alternatives.
    pub fn explain(&self) -> &[Reason] {
        &self.details
    }

    /// A copy to keep and show.
    pub fn stored(&self) -> StoredDecision {
        let texts = |codes: &[Code]| codes.iter().map(ToString::to_string).collect();
        StoredDecision {
            decision: self.verdict,
            destination: self.destination().map(str::to_owned),
            region: self.region().map(str::to_owned),
            profile: self.profile().map(str::to_owned),
            would_be: self.choice.as_ref().map(|c| c.destination.to_string()),
            fields: self.fields.clone(),
            stripped: self.stripped.clone(),
            reasons: texts(&self.reasons),
            warn: texts(&self.warn),
            bucket: self.bucket,
            to_release: self.to_release.clone(),
            details: self.details.iter().map(Reason::without_remedies).collect(),
        }
    }

    fn forwarded(&self) -> Option<&Choice> {
        self.choice.as_ref().filter(|_| self.verdict == Verdict::Forward)
    }
}

impl Serialize for Decision {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.stored().serialize(s)
    }
}

/// A decision as the journal keeps it: it can be shown and never acted on.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct StoredDecision {
    pub decision: Verdict,
    pub destination: Option<String>,
    pub region: Option<String>,
    pub profile: Option<String>,
    /// The destination the permits chose, whatever the verdict.
    pub would_be: Option<String>,
    pub fields: Vec<Field>,
    pub stripped: Vec<Field>,
    pub reasons: Vec<String>,
    pub warn: Vec<String>,
    pub bucket: Option<Bucket>,
    pub to_release: Vec<Vec<Remedy>>,
    /// Every reason and piece of advice, for explaining.
    pub details: Vec<Reason>,
}
