//! Conditions: a conjunction of `field = [allowed values]`.

use crate::vocab::{
    AccountClass, AgeBand, Basis, Category, Class, Connector, Law, RecordMethod, ResidencyEvidence,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::collections::BTreeMap;

/// What values a key can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// One of these words.
    Words(&'static [&'static str]),
    /// A law's code.
    Law,
    /// Free text.
    Text,
}

const BOOLS: &[&str] = &["false", "true"];

macro_rules! keys {
    ($($variant:ident = $text:literal, $domain:expr;)+) => {
        /// A fact a condition can read.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[allow(missing_docs)]
        pub enum Key { $($variant),+ }

        impl Key {
            /// Every key.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// As policies spell it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// What values it can have.
            pub const fn domain(self) -> Domain {
                match self { $(Self::$variant => $domain),+ }
            }

            fn from_word(word: &str) -> Option<Self> {
                match word { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

keys! {
    SiteId = "site.id", Domain::Text;
    SiteJurisdiction = "site.jurisdiction", Domain::Law;
    SiteController = "site.controller", Domain::Law;
    SiteGba = "site.gba", Domain::Words(BOOLS);
    SubjectCategory = "subject.category", Domain::Words(Category::WORDS);
    SubjectAgeBand = "subject.age_band", Domain::Words(AgeBand::WORDS);
    SubjectDepartment = "subject.department", Domain::Text;
    SubjectEmploymentLaw = "subject.employment_law", Domain::Law;
    SubjectAccountClass = "subject.account_class", Domain::Words(AccountClass::WORDS);
    RecordClass = "record.class", Domain::Words(Class::WORDS);
    RecordMethod = "record.method", Domain::Words(RecordMethod::WORDS);
    RecordSensitive = "record.sensitive", Domain::Words(BOOLS);
    UseBasis = "use.basis", Domain::Words(Basis::WORDS);
    DestinationId = "destination.id", Domain::Text;
    DestinationRegion = "destination.region", Domain::Text;
    DestinationJurisdiction = "destination.jurisdiction", Domain::Law;
    DestinationGba = "destination.gba", Domain::Words(BOOLS);
    DestinationConnector = "destination.connector", Domain::Words(Connector::WORDS);
    DestinationAccountClass = "destination.account_class", Domain::Words(AccountClass::WORDS);
    DestinationOperator = "destination.operator", Domain::Text;
    DestinationOperatorGba = "destination.operator_gba", Domain::Words(BOOLS);
    DestinationRemoteAccess = "destination.remote_access_from", Domain::Law;
    DestinationEvidence = "destination.residency_evidence", Domain::Words(ResidencyEvidence::WORDS);
}

impl Key {
    /// True for facts of the destination, which exist only once a permit chose one.
    pub const fn is_destination(self) -> bool {
        self as u8 >= Self::DestinationId as u8
    }

    /// The fact's own name: `department` of `subject.department`.
    pub fn fact(self) -> &'static str {
        let text = self.as_str();
        text.rsplit_once('.').map_or(text, |(_, fact)| fact)
    }

    fn accepts(self, value: &str) -> Result<(), String> {
        let (ok, wanted) = match self.domain() {
            Domain::Words(words) => (words.contains(&value), words.join(", ")),
            Domain::Law => (Law::from_code(value).is_some(), "codes of laws".to_owned()),
            Domain::Text => (!value.is_empty(), "text".to_owned()),
        };
        if ok { Ok(()) } else { Err(wanted) }
    }
}

/// One `field = [allowed values]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// What it reads.
    pub key: Key,
    /// The values that match, in the file's spelling; truth values as `true` and `false`.
    pub allowed: Vec<String>,
}

/// A conjunction; empty matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct When(pub Vec<Condition>);

#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum Scalar {
    Bool(bool),
    Text(String),
}

impl Serialize for When {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(self.0.iter().map(|c| (c.key.as_str(), &c.allowed)))
    }
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let table = BTreeMap::<String, Vec<Scalar>>::deserialize(d)?;
        table
            .into_iter()
            .map(condition)
            .collect::<Result<_, _>>()
            .map(Self)
            .map_err(D::Error::custom)
    }
}

fn condition((name, values): (String, Vec<Scalar>)) -> Result<Condition, String> {
    let key = Key::from_word(&name).ok_or_else(|| {
        let known: Vec<_> = Key::ALL.iter().map(|k| k.as_str()).collect();
        format!(
            "unknown field `{}` in `when`; use one of: {}",
            name.escape_default(),
            known.join(", ")
        )
    })?;
    let mut allowed: Vec<String> = values
        .into_iter()
        .map(|value| match value {
            Scalar::Bool(truth) => truth.to_string(),
            Scalar::Text(text) => text,
        })
        .collect();
    for value in &allowed {
        key.accepts(value).map_err(|wanted| {
            format!("`{}` is not a value of `{name}`; use {wanted}", value.escape_default())
        })?;
    }
    if allowed.is_empty() {
        return Err(format!("`{name}` allows no value: it could never match"));
    }
    allowed.sort();
    allowed.dedup();
    Ok(Condition { key, allowed })
}

impl When {
    /// False if it can never match a record of `class`.
    pub(crate) fn may_match_class(&self, class: crate::vocab::Class) -> bool {
        let mut classes = self.0.iter().filter(|c| c.key == Key::RecordClass);
        classes.all(|c| c.allowed.iter().any(|word| word == class.as_str()))
    }
}
