//! The registry of legal evidence: which documents are on file, for which lane, from when to when.
//!
//! Only what the document says of itself and its hash are kept; the document stays where it is.
//! Dates are good to the second: a document holds while `from <= t < to`.

use super::words;
use jiff::Timestamp;
use muster_residency::Rules;
use muster_residency::explain::Language;
use muster_residency::facts::{Lane, Paper};
use muster_residency::vocab::ResidencyEvidence;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Documents that a registry holds, withdrawn ones included.
pub(crate) const MAX_PAPERS: usize = 10_000;
/// Characters of a type.
const MAX_KIND: usize = 48;
/// Characters of any other text but the clause.
const MAX_TEXT: usize = 200;
/// Characters of a quoted clause.
const MAX_CLAUSE: usize = 4_000;
/// Parties to one document.
const MAX_PARTIES: usize = 20;
/// The standard contractual clauses that count: Commission Implementing Decision (EU) 2021/914.
const EU_DECISION: &str = "2021/914";
/// Its modules: between controllers and processors, one to four.
const EU_MODULES: [&str; 4] = ["1", "2", "3", "4"];

/// What is filed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PaperFiled {
    /// Its type, such as `dpa`: lower-case letters, digits and hyphens.
    #[serde(rename = "type")]
    pub kind: String,
    /// How far it reaches.
    pub lane: Lane,
    /// Good from here.
    pub from: Timestamp,
    /// Good until just before here.
    pub to: Timestamp,
    /// SHA-256 of the document, lower-case hex.
    pub sha256: String,
    /// The document's file name.
    pub file: String,
    /// Number of the filing with an authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filing_number: Option<String>,
    /// Who made it with whom.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parties: Vec<String>,
    /// The destination of the policy that it speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// The clause that says where the data stays, quoted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
    /// For `eu-scc`: the decision whose clauses these are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// For `eu-scc`: the module, 1 to 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
}

/// A document in the registry.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PaperOnFile {
    /// Its number, from 1, never used again.
    pub number: u32,
    /// What it is.
    #[serde(flatten)]
    pub paper: PaperFiled,
    /// Who filed it.
    pub filed_by: String,
    /// Milliseconds since 1970.
    pub filed_ms: i64,
    /// When it was taken back, milliseconds since 1970: from then on it counts for nothing.
    #[serde(default)]
    pub withdrawn_ms: Option<i64>,
}

impl PaperOnFile {
    /// True if it counts at `now`.
    pub fn in_force(&self, now: Timestamp) -> bool {
        self.withdrawn_ms.is_none() && self.paper.from <= now && now < self.paper.to
    }
}

/// Why a document is not filed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PaperError {
    /// The type cannot be one.
    #[error(
        "a type of paper has 1 to {MAX_KIND} lower-case letters, digits and hyphens, such as dpa"
    )]
    Kind,
    /// It would never be good.
    #[error("the paper ends before it begins; correct --from and --to")]
    Dates,
    /// The hash is none.
    #[error("the document's hash is not 64 hex digits of SHA-256")]
    Hash,
    /// A text is too long, or has characters that nobody can see.
    #[error("{0} is too long or has control characters; shorten it")]
    Text(&'static str),
    /// An older set of clauses.
    #[error(
        "eu-scc must name Decision 2021/914 and its module: older sets no longer count; add \
         --decision 2021/914 --module 1, 2, 3 or 4"
    )]
    OldClauses,
    /// The clause has no destination.
    #[error("a clause without a destination proves nothing; add --destination")]
    NoDestination,
    /// There is no such document.
    #[error("there is no paper of this number on file; `muster papers list` shows what there is")]
    Unknown,
    /// The registry is full.
    #[error("no more than {MAX_PAPERS} papers")]
    Full,
}

impl PaperError {
    /// Why, in `language`.
    pub fn told(&self, language: Language) -> String {
        let key = match self {
            Self::Kind => "paper-refused-kind",
            Self::Dates => "paper-refused-dates",
            Self::Hash => "paper-refused-hash",
            Self::Text(_) => "paper-refused-text",
            Self::OldClauses => "paper-refused-old-clauses",
            Self::NoDestination => "paper-refused-no-destination",
            Self::Unknown => "paper-refused-unknown",
            Self::Full => "paper-refused-full",
        };
        words::say(language, key, &[])
    }
}

impl PaperFiled {
    /// What keeps it from being filed, if anything does.
    pub fn check(&self) -> Result<(), PaperError> {
        let slug = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !(1..=MAX_KIND).contains(&self.kind.len()) || !self.kind.chars().all(slug) {
            return Err(PaperError::Kind);
        }
        if self.to <= self.from {
            return Err(PaperError::Dates);
        }
        let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        if self.sha256.len() != 64 || !self.sha256.chars().all(hex) {
            return Err(PaperError::Hash);
        }
        self.texts()?;
        if self.clause.is_some() && self.destination.is_none() {
            return Err(PaperError::NoDestination);
        }
        let module = self.module.as_deref().is_some_and(|module| EU_MODULES.contains(&module));
        let decision = self.decision.as_deref() == Some(EU_DECISION);
        if self.kind == "eu-scc" && !(decision && module) {
            return Err(PaperError::OldClauses);
        }
        Ok(())
    }

    fn texts(&self) -> Result<(), PaperError> {
        let fits = |text: &str, max| {
            text.chars().count() <= max && !text.chars().any(|c| c.is_control() && c != '\n')
        };
        let texts = [
            ("the file's name", Some(&self.file), MAX_TEXT),
            ("the filing number", self.filing_number.as_ref(), MAX_TEXT),
            ("the destination", self.destination.as_ref(), MAX_TEXT),
            ("the clause", self.clause.as_ref(), MAX_CLAUSE),
            ("the decision", self.decision.as_ref(), MAX_TEXT),
            ("the module", self.module.as_ref(), MAX_TEXT),
        ];
        for (what, text, max) in texts {
            if text.is_some_and(|text| !fits(text, max)) {
                return Err(PaperError::Text(what));
            }
        }
        let parties = self.parties.len() <= MAX_PARTIES;
        match parties && self.parties.iter().all(|party| fits(party, MAX_TEXT)) {
            true => Ok(()),
            false => Err(PaperError::Text("a party")),
        }
    }
}

/// The registry.
#[derive(Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Papers(BTreeMap<u32, PaperOnFile>);

impl Papers {
    /// All documents, by number.
    pub(crate) fn list(&self) -> Vec<PaperOnFile> {
        self.0.values().cloned().collect()
    }

    /// The document of this number.
    pub(crate) fn get(&self, number: u32) -> Option<&PaperOnFile> {
        self.0.get(&number)
    }

    /// The number the next one has.
    pub(crate) fn next_number(&self) -> Result<u32, PaperError> {
        let next = self.0.last_key_value().map_or(1, |(number, _)| number + 1);
        if self.0.len() < MAX_PAPERS { Ok(next) } else { Err(PaperError::Full) }
    }

    pub(super) fn file(&mut self, number: u32, paper: PaperFiled, by: &str, at_ms: i64) {
        let filed = PaperOnFile {
            number,
            paper,
            filed_by: by.to_owned(),
            filed_ms: at_ms,
            withdrawn_ms: None,
        };
        self.0.insert(number, filed);
    }

    pub(super) fn withdraw(&mut self, number: u32, at_ms: i64) {
        if let Some(paper) = self.0.get_mut(&number) {
            paper.withdrawn_ms.get_or_insert(at_ms);
        }
    }

    /// What the engine is told: everything not withdrawn, whatever its dates.
    pub(crate) fn for_engine(&self) -> Vec<Paper> {
        let paper = |filed: &PaperFiled| Paper {
            kind: filed.kind.clone(),
            lane: filed.lane,
            from: filed.from,
            to: filed.to,
        };
        let counts = self.0.values().filter(|filed| filed.withdrawn_ms.is_none());
        counts.map(|filed| paper(&filed.paper)).collect()
    }

    /// Destinations whose place a contract says, while no document in force quotes its clause
    /// (R18).
    pub(crate) fn unquoted(&self, rules: &Rules, now: Timestamp) -> Vec<String> {
        let by_contract = rules
            .destinations()
            .iter()
            .filter(|d| d.residency_evidence == Some(ResidencyEvidence::Contract));
        by_contract.filter(|d| self.quoted(&d.id, now).is_none()).map(|d| d.id.clone()).collect()
    }

    /// The clause in force that says where a destination's data stays, with its document's number.
    pub(crate) fn quoted(&self, destination: &str, now: Timestamp) -> Option<(u32, &str)> {
        let in_force = self.0.iter().filter(|(_, filed)| filed.in_force(now));
        let mut of = in_force
            .filter(|(_, filed)| filed.paper.destination.as_deref() == Some(destination))
            .filter_map(|(number, filed)| Some((*number, filed.paper.clause.as_deref()?)));
        of.find(|(_, clause)| !clause.trim().is_empty())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn paper(kind: &str, lane: &str, from: &str, to: &str) -> PaperFiled {
        PaperFiled {
            kind: kind.into(),
            lane: Lane::from_text(lane).expect("a lane"),
            from: from.parse().expect("a time"),
            to: to.parse().expect("a time"),
            sha256: "0".repeat(64),
            file: "paper.pdf".into(),
            filing_number: None,
            parties: Vec::new(),
            destination: None,
            clause: None,
            decision: None,
            module: None,
        }
    }

    fn year(kind: &str) -> PaperFiled {
        paper(kind, "*", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")
    }

    #[test]
    fn what_cannot_count_is_not_filed() {
        let check = |change: fn(&mut PaperFiled), expect: Result<(), PaperError>| {
            let mut paper = year("dpa");
            change(&mut paper);
            assert_eq!(paper.check(), expect, "{paper:?}");
        };
        check(|_| {}, Ok(()));
        check(|p| p.kind = "DPA".into(), Err(PaperError::Kind));
        check(|p| p.kind = String::new(), Err(PaperError::Kind));
        check(|p| p.to = p.from, Err(PaperError::Dates));
        check(|p| p.sha256 = "0".repeat(63) + "G", Err(PaperError::Hash));
        check(|p| p.file = "a\u{1b}[2J".into(), Err(PaperError::Text("the file's name")));
        check(|p| p.clause = Some("in Singapore".into()), Err(PaperError::NoDestination));
        check(|p| p.parties = vec!["a".into(); 21], Err(PaperError::Text("a party")));
    }

    #[test]
    fn standard_clauses_are_those_of_2021_with_their_module() {
        let check = |decision: Option<&str>, module: Option<&str>, good: bool| {
            let mut paper = year("eu-scc");
            paper.decision = decision.map(Into::into);
            paper.module = module.map(Into::into);
            let expect = if good { Ok(()) } else { Err(PaperError::OldClauses) };
            assert_eq!(paper.check(), expect, "{decision:?} {module:?}");
        };
        check(Some("2021/914"), Some("2"), true);
        check(Some("2010/87"), Some("2"), false);
        check(Some("2021/914"), None, false);
        check(Some("2021/914"), Some("5"), false);
        check(None, None, false);
    }

    #[test]
    fn a_withdrawn_paper_counts_for_nothing_and_its_number_stays_used() {
        let mut papers = Papers::default();
        papers.file(1, year("dpa"), "a", 5);
        papers.file(2, year("hk-pics"), "a", 6);
        papers.withdraw(2, 7);
        papers.withdraw(9, 7);
        assert_eq!(papers.next_number(), Ok(3));
        assert_eq!(papers.for_engine().len(), 1);
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let dpa = papers.get(1).expect("filed");
        for (time, good) in [
            ("2025-12-31T23:59:59Z", false),
            ("2026-01-01T00:00:00Z", true),
            ("2026-12-31T23:59:59Z", true),
            ("2027-01-01T00:00:00Z", false),
        ] {
            assert_eq!(dpa.in_force(at(time)), good, "{time}");
        }
        assert!(!papers.get(2).expect("kept").in_force(at("2026-05-01T00:00:00Z")));
    }

    #[test]
    fn every_refusal_is_said_in_every_language() {
        let all = [
            PaperError::Kind,
            PaperError::Dates,
            PaperError::Hash,
            PaperError::Text("the clause"),
            PaperError::OldClauses,
            PaperError::NoDestination,
            PaperError::Unknown,
            PaperError::Full,
        ];
        for error in all {
            let told: std::collections::BTreeSet<_> =
                Language::ALL.iter().map(|language| error.told(*language)).collect();
            assert_eq!(told.len(), Language::ALL.len(), "{told:?}");
            assert!(told.iter().all(|text| !text.starts_with("paper-refused")), "{told:?}");
        }
    }
}
