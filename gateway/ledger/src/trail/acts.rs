//! The administrative acts of the journal, as somebody looks for them.

use super::{Follow, Known};
use crate::act::Act;
use crate::journal::Batch;
use serde_json::Value;
use std::collections::VecDeque;

/// Acts given at once: the newest.
pub const MAX_ACTS: usize = 300;
/// Characters of one value that are given; what is sealed is longer, and says nothing anyway.
const MAX_TEXT: usize = 120;

/// What kind of act, for looking.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum ActKind {
    Accounts,
    Policy,
    Rights,
    Devices,
    Plans,
    Exports,
    Box,
}

impl ActKind {
    /// Every kind, in the order pages list them.
    pub const ALL: [Self; 7] = [
        Self::Accounts,
        Self::Policy,
        Self::Rights,
        Self::Devices,
        Self::Plans,
        Self::Exports,
        Self::Box,
    ];

    /// Its word in forms.
    pub fn word(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Policy => "policy",
            Self::Rights => "rights",
            Self::Devices => "devices",
            Self::Plans => "plans",
            Self::Exports => "exports",
            Self::Box => "box",
        }
    }

    fn of(act: &Act) -> Self {
        match act {
            Act::AccountWritten { .. }
            | Act::TokenMade { .. }
            | Act::TokenEnded { .. }
            | Act::WardenWritten { .. }
            | Act::WardenEnded { .. }
            | Act::AccessWritten { .. }
            | Act::AccessEnded { .. } => Self::Accounts,
            Act::SignersEnrolled { .. }
            | Act::Governed { .. }
            | Act::PolicyAccepted { .. }
            | Act::PaperFiled { .. }
            | Act::PaperWithdrawn { .. }
            | Act::NoticePublished { .. }
            | Act::LocalOnly { .. }
            | Act::BaselineSet { .. }
            | Act::RequestMade { .. }
            | Act::RequestBacked { .. }
            | Act::RequestApproved { .. }
            | Act::Decided { .. }
            | Act::Redecided { .. } => Self::Policy,
            Act::NoticeGiven { .. }
            | Act::ConsentSet { .. }
            | Act::PersonWritten { .. }
            | Act::PersonMapped { .. }
            | Act::PersonRestricted { .. }
            | Act::PersonLeaves { .. }
            | Act::PersonCorrected { .. }
            | Act::PersonErased { .. }
            | Act::ErasedElsewhere { .. }
            | Act::BiometricsLeft { .. }
            | Act::RightsAsked { .. }
            | Act::RightsAnswered { .. } => Self::Rights,
            Act::DeviceSeen { .. }
            | Act::DevicePaired { .. }
            | Act::DeviceRevoked { .. }
            | Act::DeviceTold { .. }
            | Act::DeviceDid { .. }
            | Act::Refused { .. }
            | Act::GapAccepted { .. }
            | Act::Redated { .. } => Self::Devices,
            Act::PlansEntered { .. }
            | Act::PlanRemoved { .. }
            | Act::CorrectionAsked { .. }
            | Act::CorrectionDecided { .. }
            | Act::MonthClosed { .. } => Self::Plans,
            Act::Dispatched { .. }
            | Act::Settled { .. }
            | Act::Attested { .. }
            | Act::Paused { .. }
            | Act::Metered { .. }
            | Act::Resent { .. }
            | Act::RecordApproved { .. }
            | Act::PackAsked { .. }
            | Act::PackReleased { .. } => Self::Exports,
            _ => Self::Box,
        }
    }
}

/// What is looked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ActFilter {
    /// When it was journaled.
    pub span: super::Span,
    /// Of this kind alone.
    pub kind: Option<ActKind>,
    /// By this account alone.
    pub actor: Option<String>,
}

/// An act as it was journaled, but for what lets somebody try passwords.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ActRow {
    /// The batch that holds it: the number by which the journal is checked.
    pub batch: u64,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
    /// Its word, as `account-written`.
    pub act: String,
    /// Who, where it says so.
    pub actor: Option<String>,
    /// Everything else it says, a name and a value each; long values are cut.
    pub fields: Vec<(String, String)>,
}

pub(super) struct Fold<'a> {
    filter: &'a ActFilter,
    rows: VecDeque<ActRow>,
    matched: u64,
}

impl<'a> Fold<'a> {
    pub(super) fn new(filter: &'a ActFilter) -> Self {
        Self { filter, rows: VecDeque::new(), matched: 0 }
    }

    /// The newest first, and how many there were in all.
    pub(super) fn end(self) -> (Vec<ActRow>, u64) {
        (self.rows.into_iter().rev().collect(), self.matched)
    }
}

impl Follow for Fold<'_> {
    fn act(&mut self, act: &Act, batch: &Batch, _known: &Known) {
        let ActFilter { span, kind, actor } = self.filter;
        if !span.holds(batch.at_ms) || kind.is_some_and(|kind| kind != ActKind::of(act)) {
            return;
        }
        let row = row(act, batch);
        if actor.is_some() && row.actor != *actor {
            return;
        }
        self.matched += 1;
        if self.rows.len() >= MAX_ACTS {
            self.rows.pop_front();
        }
        self.rows.push_back(row);
    }

    fn facts(&mut self, _batch: &Batch, _known: &Known) {}
}

fn row(act: &Act, batch: &Batch) -> ActRow {
    let Value::Object(mut fields) = crate::offline::act(&act.encode()) else {
        return ActRow {
            batch: batch.number,
            at_ms: batch.at_ms,
            act: String::new(),
            actor: None,
            fields: Vec::new(),
        };
    };
    let word = fields.remove("act").and_then(|word| word.as_str().map(str::to_owned));
    let actor = fields.get("actor").or_else(|| find(&fields, "by")).and_then(Value::as_str);
    let actor = actor.map(str::to_owned);
    fields.remove("actor");
    let text = |value: &Value| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match text.char_indices().nth(MAX_TEXT) {
            Some((at, _)) => format!("{}…", &text[..at]),
            None => text,
        }
    };
    ActRow {
        batch: batch.number,
        at_ms: batch.at_ms,
        act: word.unwrap_or_default(),
        actor,
        fields: fields.iter().map(|(name, value)| (name.clone(), text(value))).collect(),
    }
}

/// The first `by` of the act itself or of what it holds.
fn find<'v>(fields: &'v serde_json::Map<String, Value>, name: &str) -> Option<&'v Value> {
    let inner = fields.values().filter_map(Value::as_object);
    fields.get(name).or_else(|| inner.into_iter().find_map(|inner| inner.get(name)))
}
