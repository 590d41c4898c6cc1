//! The law pack: classes, never-fields, regions, gates of each law and thresholds.
//!
//! Reference data that counsel must review, never legal advice. A policy can be stricter than the
//! law pack and never looser.

use crate::parse::{self, ParseError};
use crate::vocab::{Class, Field, FieldSet, Law, RecordMethod};
use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::collections::BTreeMap;

/// The schema this program reads.
pub const SCHEMA: &str = "gw.lawpack/1";

/// A law pack as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LawPack {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Its name; policies name it.
    pub id: String,
    /// Its version, from 1.
    pub version: u32,
    /// When counsel last reviewed it.
    #[serde(deserialize_with = "parse::date")]
    pub reviewed: Date,
    /// When it must be reviewed again; after that every quotation carries a warning.
    #[serde(deserialize_with = "parse::date")]
    pub review_due: Date,
    /// Fields that can never be in an outgoing payload.
    pub never_fields: Vec<String>,
    /// Fields that are stripped.
    pub strip_fields: Vec<String>,
    /// Classes whose payload is destroyed.
    pub never_classes: Vec<Class>,
    /// Classes that may be evaluated at all.
    pub known_classes: Vec<Class>,
    /// The catalogue of regions.
    pub region: BTreeMap<String, Region>,
    /// Gates by origin law.
    pub lane: BTreeMap<Law, Vec<Gate>>,
    /// Numbers of people and records at which something changes.
    pub threshold: Threshold,
    /// Limits of connectors.
    pub deliver: Deliver,
    /// How long biometric evidence may be kept, per law and method.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub biometric: Vec<BiometricCeiling>,
    /// How long statutes want records kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub floor: Vec<Floor>,
}

/// A region of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// The law of the place.
    pub jurisdiction: Law,
    /// True inside the Greater Bay Area.
    pub gba: bool,
}

/// Whether a gate blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateStatus {
    /// It blocks.
    #[default]
    InForce,
    /// It warns, unless the policy promotes it.
    Advice,
}

/// A test that is code and not papers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Builtin {
    /// The mainland's mechanisms (PIPL art 38, CAC Order 16 of 2024).
    CnMechanism,
}

/// A gate of an origin law: `all` and one alternative of `any` must be met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// Its code in reasons.
    pub id: String,
    /// Whether it blocks.
    #[serde(default)]
    pub status: GateStatus,
    /// Every one must be met.
    #[serde(default)]
    pub all: Vec<Term>,
    /// One of these must be met, all of it.
    #[serde(default)]
    pub any: Vec<Vec<Term>>,
    /// Targets for which `@adequate` is met.
    #[serde(default)]
    pub adequate: Vec<Law>,
    /// Greatest age of a paper, in days from its `from`.
    #[serde(default)]
    pub max_age_days: BTreeMap<String, u32>,
    /// A test in code.
    #[serde(default)]
    pub builtin: Option<Builtin>,
    /// Where the law says so.
    pub cite: String,
}

/// One thing a gate asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Term {
    /// A paper of this type on file for the lane.
    Paper(String),
    /// `@adequate`: the target is in the gate's list.
    Adequate,
    /// `@gba`: the target, the region and the operator are in the Greater Bay Area.
    Gba,
}

impl Term {
    /// As the file spells it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Paper(kind) => kind,
            Self::Adequate => "@adequate",
            Self::Gba => "@gba",
        }
    }
}

impl Serialize for Term {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Term {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let word = String::deserialize(d)?;
        match word.as_str() {
            "@adequate" => Ok(Self::Adequate),
            "@gba" => Ok(Self::Gba),
            "" => Err(D::Error::custom("a type of paper cannot be empty")),
            _ if word.starts_with('@') => {
                Err(D::Error::custom(format!("`{word}` is not known; use @adequate or @gba")))
            }
            _ => Ok(Self::Paper(word)),
        }
    }
}

/// Numbers at which the law, or caution, asks for more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// Persons a year from which a standard contract or certification is needed.
    pub cn_persons_scc: u64,
    /// Persons a year from which a security assessment is needed.
    pub cn_persons_assessment: u64,
    /// Persons a year, sensitive data, from which a security assessment is needed.
    pub cn_sensitive_assessment: u64,
    /// Stored faces from which a filing is due.
    pub cn_face_store_filing: u64,
    /// Early alarm: persons.
    pub early_individuals: u64,
    /// Early alarm: records.
    pub early_records: u64,
}

/// Limits of connectors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deliver {
    /// Oldest check time DingTalk takes, in days.
    pub dingtalk_max_age_days: u32,
}

/// The longest a law lets biometric evidence be kept on the box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BiometricCeiling {
    /// The law.
    pub law: Law,
    /// The method.
    pub method: RecordMethod,
    /// Days in the vault; 0 discards.
    pub max_days: u32,
    /// Where the law says so.
    pub cite: String,
}

/// The shortest a statute wants a class kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Floor {
    /// The law.
    pub law: Law,
    /// The class.
    pub class: Class,
    /// Days.
    pub days: u32,
    /// Where the law says so.
    pub cite: String,
}

impl LawPack {
    /// Reads a law pack. Unknown keys, words and tokens are refused with their line.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let pack: Self = parse::read(text)?;
        parse::expect_schema(text, &pack.schema, SCHEMA)?;
        Ok(pack)
    }

    /// SHA-256 over the canonical form: the content without comments and layout.
    pub fn hash(&self) -> [u8; 32] {
        crate::canonical::hash(self)
    }

    /// True after the review date: every quotation of the law pack then carries a warning.
    pub fn review_overdue(&self, today: Date) -> bool {
        today > self.review_due
    }

    /// Fields that never leave: the pack's, and all that is biometric whatever the pack says.
    pub fn never(&self) -> FieldSet {
        let biometric = Field::ALL.iter().copied().filter(|f| f.is_biometric());
        known(&self.never_fields).or(biometric.collect())
    }

    /// Fields that are stripped.
    pub fn strip(&self) -> FieldSet {
        known(&self.strip_fields)
    }

    /// True for classes whose payload is destroyed; biometric ones are, whatever the pack says.
    pub fn never_class(&self, class: Class) -> bool {
        class.as_str().starts_with("biometric.") || self.never_classes.contains(&class)
    }
}

fn known(names: &[String]) -> FieldSet {
    names.iter().filter_map(|name| Field::from_word(name)).collect()
}
