//! The customer's policy: sites, destinations, profiles, forbids, permits, limits, retention.
//!
//! Conditions are conjunctions of `field = [allowed values]` over closed words: no expressions, so
//! every policy is total and finite. References between tables are for the publish-time checks.

use crate::condition::When;
use crate::parse::{self, ParseError};
use crate::vocab::{
    AccountClass, Class, Connector, Counter, Law, ProfileKind, RecordMethod, ResidencyEvidence,
    TimePrecision,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use toml::Spanned;

/// The schema this program reads.
pub const SCHEMA: &str = "gw.residency/1";

/// A policy as it was read. The `line` of each table, from 1, is not part of its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Policy {
    pub header: Header,
    pub sites: Vec<Site>,
    pub destinations: Vec<Destination>,
    pub profiles: Vec<Profile>,
    pub forbids: Vec<Forbid>,
    pub permits: Vec<Permit>,
    pub limits: Vec<Limit>,
    pub retention: Vec<Retention>,
    pub biometric: Vec<Biometric>,
}

/// What happens where no permit matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DefaultVerdict {
    /// Kept on the box.
    Hold,
    /// Destroyed, tombstone kept.
    Drop,
}

/// A person and the role they sign in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signer {
    /// Who.
    pub person: String,
    /// As what; `dpo` is the data protection officer.
    pub role: String,
}

/// `[policy]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Its name.
    pub id: String,
    /// Its version, growing.
    pub version: u32,
    /// In force from here.
    #[serde(deserialize_with = "parse::timestamp")]
    pub effective_from: Timestamp,
    /// In force until just before here.
    #[serde(deserialize_with = "parse::timestamp")]
    pub effective_until: Timestamp,
    /// Where no permit matches.
    pub default: DefaultVerdict,
    /// The law pack it was written for, by id.
    pub law_pack: String,
    /// Who is to sign. Not content: the box counts verified signatures only.
    #[serde(default, skip_serializing)]
    pub signers: Vec<Signer>,
    /// Advice of the law pack that this policy makes binding, by gate id.
    #[serde(default)]
    pub promote: Vec<String>,
    /// Hash of the version this one follows, as `sha256:…`.
    #[serde(default)]
    pub parent: Option<String>,
    #[serde(skip)]
    #[allow(missing_docs)]
    pub line: usize,
}

/// `[[site]]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Its name.
    pub id: String,
    /// The law of the place.
    pub jurisdiction: Law,
    /// The law of the controller.
    pub controller: Law,
    /// True inside the Greater Bay Area.
    pub gba: bool,
    /// IANA time zone; `timezone` is read too.
    #[serde(default, alias = "timezone")]
    pub time_zone: Option<String>,
    /// Regions that records of this site may go to; none pins none. Checked at publishing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pin_regions: Vec<String>,
    #[serde(skip)]
    #[allow(missing_docs)]
    pub line: usize,
}

/// `[[destination]]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Destination {
    /// Its name.
    pub id: String,
    /// A region of the law pack's catalogue.
    pub region: String,
    /// How parcels get there.
    pub connector: Connector,
    /// The tenant's account class, where the connector has one.
    #[serde(default)]
    pub account_class: Option<AccountClass>,
    /// Who runs it.
    #[serde(default)]
    pub operator: Option<String>,
    /// True if the operator is registered in the Greater Bay Area.
    #[serde(default)]
    pub operator_gba: Option<bool>,
    /// Laws from whose territory it can be read.
    pub remote_access_from: Vec<Law>,
    /// What says where it is.
    #[serde(default)]
    pub residency_evidence: Option<ResidencyEvidence>,
    /// A destination of the same jurisdiction and operator that a permit may name instead. The
    /// engine never switches by itself.
    #[serde(default)]
    pub fallback: Option<String>,
    #[serde(skip)]
    #[allow(missing_docs)]
    pub line: usize,
}

/// `[[profile]]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Its name.
    pub id: String,
    /// One person's record, or a count.
    #[serde(default = "record_kind")]
    pub kind: ProfileKind,
    /// The fields that leave, in the order in which they leave.
    pub fields: Vec<String>,
    /// How exact times leave; minutes if not said.
    #[serde(default)]
    pub time_precision: Option<TimePrecision>,
    /// Smallest cell of an aggregate.
    #[serde(default)]
    pub k_min: Option<u64>,
    #[serde(skip)]
    #[allow(missing_docs)]
    pub line: usize,
}

fn record_kind() -> ProfileKind {
    ProfileKind::Record
}

/// What a forbid does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Held until a named role says yes.
    Approve,
    /// Kept on the box.
    Hold,
    /// Destroyed, tombstone kept.
    Drop,
}

/// `[[forbid]]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forbid {
    /// Its code in reasons.
    pub id: String,
    /// When it applies.
    pub when: When,
    /// Papers that, all on file, excuse it.
    #[serde(default)]
    pub unless_evidence: Vec<String>,
    /// What it does.
    pub effect: Effect,
    /// Why, in the customer's words.
    pub because: String,
    #[serde(skip)]
    #[allow(missing_docs)]
    pub line: usize,
}

/// An exemption from the mainland's mechanisms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CnExemption {
    /// Human resources under lawfully adopted labour rules (CAC Order 16 art 5(2)).
    Hr,
}

/// `[[permit]]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permit {
    /// Its name.
    pub id: String,
    /// When it applies.
    pub when: When,
    /// The destination, by id.
    pub to: String,
    /// The profile, by id.
    pub profile: String,
    /// Papers that must be on file.
    #[serde(default)]
    pub require: Vec<String>,
    /// True if a named role must say yes.
    #[serde(default)]
    pub approval: bool,
    /// An exemption this permit claims.
    #[serde(default)]
    pub cn_exemption: Option<CnExemption>,
    /// What the data is for; changing it loosens.
    #[serde(default)]
    pub purpose: Option<String>,
    #[serde(skip)]
    #[allow(missing_docs)]
    pub line: usize,
}

/// `[[limit]]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Its code in reasons.
    pub id: String,
    /// What is counted.
    pub counter: Counter,
    /// Destinations, by id.
    pub applies_to: Vec<String>,
    /// Warns from here.
    #[serde(default)]
    pub warn: Option<u64>,
    /// Wants approval from here.
    #[serde(default)]
    pub approve: Option<u64>,
    #[serde(skip)]
    #[allow(missing_docs)]
    pub line: usize,
}

/// What is left of a record after its ceiling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reduce {
    /// The hours a statute wants, and nothing else.
    HoursOnly,
}

/// `[[retention]]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// The class.
    pub class: Class,
    /// The law it holds for; all if not said.
    #[serde(default)]
    pub law: Option<Law>,
    /// Days on the box.
    pub local_days: u32,
    /// Days the purpose lasts; the shorter of the two is the ceiling.
    #[serde(default)]
    pub purpose_days: Option<u32>,
    /// Days a statute wants.
    #[serde(default)]
    pub floor_days: Option<u32>,
    /// Which statute.
    #[serde(default)]
    pub floor_source: Option<String>,
    /// What is kept between ceiling and floor.
    #[serde(default)]
    pub then: Option<Reduce>,
    #[serde(skip)]
    #[allow(missing_docs)]
    pub line: usize,
}

/// What becomes of biometric evidence on the box.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeepWord {
    /// Sealed in the vault for some days.
    Vault,
    /// Destroyed at once.
    #[default]
    Discard,
}

/// `[[biometric]]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Biometric {
    /// The law.
    pub law: Law,
    /// The method.
    pub method: RecordMethod,
    /// Vault or discard.
    #[serde(default)]
    pub keep: KeepWord,
    /// Days in the vault.
    #[serde(default)]
    pub days: Option<u32>,
    #[serde(skip)]
    #[allow(missing_docs)]
    pub line: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: String,
    policy: Spanned<Header>,
    #[serde(default)]
    promote: Vec<String>,
    #[serde(default)]
    site: Vec<Spanned<Site>>,
    #[serde(default)]
    destination: Vec<Spanned<Destination>>,
    #[serde(default)]
    profile: Vec<Spanned<Profile>>,
    #[serde(default)]
    forbid: Vec<Spanned<Forbid>>,
    #[serde(default)]
    permit: Vec<Spanned<Permit>>,
    #[serde(default)]
    limit: Vec<Spanned<Limit>>,
    #[serde(default)]
    retention: Vec<Spanned<Retention>>,
    #[serde(default)]
    biometric: Vec<Spanned<Biometric>>,
}

impl Policy {
    /// Reads a policy. Unknown keys and words are refused with their line; references between
    /// tables and into the law pack are for the publish-time checks.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let file: File = parse::read(text)?;
        parse::expect_schema(text, &file.schema, SCHEMA)?;
        let line = |at: usize| parse::line_of(text, at);
        let mut header = file.policy.into_inner();
        header.promote.extend(file.promote);
        header.line =
            text.lines().position(|l| l.trim_start().starts_with("[policy]")).map_or(1, |i| i + 1);
        macro_rules! placed {
            ($list:expr) => {
                $list
                    .into_iter()
                    .map(|item| {
                        let at = item.span().start;
                        let mut item = item.into_inner();
                        item.line = line(at);
                        item
                    })
                    .collect()
            };
        }
        Ok(Self {
            header,
            sites: placed!(file.site),
            destinations: placed!(file.destination),
            profiles: placed!(file.profile),
            forbids: placed!(file.forbid),
            permits: placed!(file.permit),
            limits: placed!(file.limit),
            retention: placed!(file.retention),
            biometric: placed!(file.biometric),
        })
    }

    /// SHA-256 over the canonical form: the content without comments, layout and signers.
    pub fn hash(&self) -> [u8; 32] {
        crate::canonical::hash(&Canonical::from(self))
    }
}

/// The content that the hash runs over.
#[derive(Serialize)]
struct Canonical<'a> {
    schema: &'static str,
    #[serde(flatten)]
    policy: &'a Policy,
}

impl<'a> From<&'a Policy> for Canonical<'a> {
    fn from(policy: &'a Policy) -> Self {
        Self { schema: SCHEMA, policy }
    }
}
