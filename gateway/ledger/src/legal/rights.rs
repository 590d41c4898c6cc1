//! What people ask for and by when it is owed, and what erasing somebody leaves to do elsewhere.
//!
//! Erasing destroys secrets on this box. Copies that it cannot reach (terminals, backups, regions)
//! stay on a list, and only when that is empty does anything say "erased".

use super::reduced::Reduced;
use crate::act::Act;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use muster_attendance::PersonId;
use muster_residency::vocab::Law;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Requests and erasures that are kept.
const MAX_KEPT: usize = 100_000;
/// Days for an answer where neither the law here nor an administrator says otherwise.
const DEFAULT_DAYS: i64 = 30;

/// A right that a person makes use of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Right {
    Access,
    Export,
    Correct,
    Restrict,
    Erase,
    Object,
}

/// A request of a person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RightsRequest {
    /// Its number, from 1.
    pub number: u32,
    /// Internal number of the person.
    pub person: PersonId,
    /// What is asked for.
    pub right: Right,
    /// The law whose time runs.
    pub law: Law,
    /// When it came, milliseconds since 1970.
    pub received_ms: i64,
    /// When the answer is owed, milliseconds since 1970.
    pub due_ms: i64,
    /// When it was answered, milliseconds since 1970.
    #[serde(default)]
    pub answered_ms: Option<i64>,
    /// What was answered.
    #[serde(default)]
    pub answer: Option<String>,
}

/// When the answer is owed: GDPR art 12(3) one month; PDPO s19(1) 40 days; PDPA-SG reg 5 30 days;
/// PDPA-MY s31 21 days; elsewhere `days` as an administrator set it, else thirty.
pub(crate) fn due(law: Law, received: Timestamp, zone: &TimeZone, days: Option<i64>) -> Timestamp {
    let at = received.to_zoned(zone.clone());
    let span = match (law.as_str(), days) {
        ("EU" | "UK", _) => 1.month(),
        ("HK", _) => 40.days(),
        ("SG", _) => 30.days(),
        ("MY", _) => 21.days(),
        (_, days) => days.unwrap_or(DEFAULT_DAYS).clamp(1, 366).days(),
    };
    at.checked_add(span).map_or(received, |due| due.timestamp())
}

/// Where a copy may be that this box cannot destroy.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Elsewhere {
    /// A terminal may hold a template.
    Terminal(String),
    /// Backups made before the erasure.
    Backups,
    /// A region that was sent records.
    Region(String),
}

impl std::fmt::Display for Elsewhere {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Terminal(name) => write!(f, "terminal {name}"),
            Self::Backups => f.write_str("backups"),
            Self::Region(name) => write!(f, "region {name}"),
        }
    }
}

/// An erasure.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Erasure {
    /// The request two people decided.
    pub request: String,
    /// Internal numbers of the person; punches of nobody are left of them.
    pub persons: Vec<PersonId>,
    /// Biometric evidence alone.
    pub biometrics_only: bool,
    /// A statute wants the hours kept until then, milliseconds since 1970: the person is
    /// restricted, and erased on that day. Their biometric evidence is gone at once.
    #[serde(default)]
    pub deferred_ms: Option<i64>,
    /// The law that wants it.
    #[serde(default)]
    pub law: Option<Law>,
    /// Milliseconds since 1970.
    #[serde(default)]
    pub at_ms: i64,
    /// What is still to do.
    pub todo: BTreeSet<Elsewhere>,
}

impl Erasure {
    /// True if who they were is destroyed too, now and not on a later day.
    pub(crate) fn is_of_all(&self) -> bool {
        !self.biometrics_only && self.deferred_ms.is_none()
    }

    /// True if nothing is left to do anywhere.
    pub fn is_complete(&self) -> bool {
        self.todo.is_empty() && self.deferred_ms.is_none()
    }
}

/// Where the journal begins since retention deleted what came before.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Cut {
    /// Number of its first batch.
    pub(crate) batch: u64,
    /// Number of its first record.
    pub(crate) record: u64,
    /// Chain hash before that batch, hex.
    pub(crate) chain: String,
}

/// Requests, erasures and what retention destroyed.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Rights {
    requests: BTreeMap<u32, RightsRequest>,
    erasures: Vec<Erasure>,
    /// Months whose keys are destroyed, as 202612.
    pub(crate) facts_gone: BTreeSet<u32>,
    pub(crate) acts_gone: BTreeSet<u32>,
    /// Months of which nothing but hours is shown, their keys destroyed or not.
    pub(crate) reduced: Reduced,
    /// Where the journal begins since segments were deleted.
    pub(crate) cut: Option<Cut>,
    /// People whose biometric evidence went with them.
    pub(crate) left: BTreeMap<PersonId, Date>,
}

impl Rights {
    /// All requests, by number.
    pub(crate) fn requests(&self) -> Vec<RightsRequest> {
        self.requests.values().cloned().collect()
    }

    /// The number the next one has.
    pub(crate) fn next_number(&self) -> u32 {
        self.requests.last_key_value().map_or(1, |(number, _)| number.saturating_add(1))
    }

    /// The request of this number.
    pub(crate) fn request(&self, number: u32) -> Option<&RightsRequest> {
        self.requests.get(&number)
    }

    /// All erasures, by age.
    pub(crate) fn erasures(&self) -> &[Erasure] {
        &self.erasures
    }

    /// How many answers are owed since before `now_ms`.
    pub(crate) fn overdue(&self, now_ms: i64) -> usize {
        let open = self.requests.values().filter(|r| r.answered_ms.is_none());
        open.filter(|r| r.due_ms < now_ms).count()
    }

    pub(super) fn apply(&mut self, act: &Act, at_ms: i64) {
        match act {
            Act::RightsAsked { request, .. } => {
                if self.requests.len() >= MAX_KEPT {
                    self.requests.pop_first();
                }
                self.requests.insert(request.number, request.clone());
            }
            Act::RightsAnswered { number, answer, .. } => {
                if let Some(request) = self.requests.get_mut(number) {
                    request.answered_ms = Some(at_ms);
                    request.answer = Some(answer.clone());
                }
            }
            Act::PersonErased { erasure, .. } => self.erased(erasure, at_ms),
            Act::ErasedElsewhere { request, place, .. } => {
                let found = self.erasures.iter_mut().filter(|e| e.request == *request);
                found.for_each(|erasure| {
                    erasure.todo.remove(place);
                });
            }
            Act::MonthDestroyed { facts, month, .. } => {
                let gone = if *facts { &mut self.facts_gone } else { &mut self.acts_gone };
                gone.insert(*month);
            }
            Act::MonthReduced { month, .. } => {
                self.reduced.insert(*month);
            }
            Act::JournalCut { batch, record, chain } => {
                let (batch, record, chain) = (*batch, *record, chain.clone());
                self.cut = Some(Cut { batch, record, chain });
            }
            Act::BiometricsLeft { person, on } => {
                self.left.insert(*person, *on);
            }
            _ => {}
        }
    }

    fn erased(&mut self, erasure: &Erasure, at_ms: i64) {
        let erasure = Erasure { at_ms, ..erasure.clone() };
        let full = self.erasures.len() >= MAX_KEPT;
        match self.erasures.iter_mut().find(|e| e.request == erasure.request) {
            Some(known) => *known = erasure,
            None if full => {}
            None => self.erasures.push(erasure),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_law_has_its_time() {
        let check = |law: &str, days: Option<i64>, expect: &str| {
            let law = Law::from_code(law).expect("a law");
            let received = "2026-01-31T10:00:00+08:00".parse().expect("a time");
            let zone = TimeZone::get("Asia/Hong_Kong").expect("a zone");
            let found = due(law, received, &zone, days).to_string();
            assert_eq!(found, expect, "{law}");
        };
        check("EU", Some(99), "2026-02-28T02:00:00Z");
        check("HK", None, "2026-03-12T02:00:00Z");
        check("SG", None, "2026-03-02T02:00:00Z");
        check("MY", None, "2026-02-21T02:00:00Z");
        check("MO", Some(10), "2026-02-10T02:00:00Z");
        check("MO", None, "2026-03-02T02:00:00Z");
    }
}
