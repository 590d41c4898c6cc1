//! What reports are made from, and what they have in common.

use crate::document::{Cell, Document, Section};
use crate::figures::{DestinationFigures, Figures, Proof, Seen};
use crate::reports::Kind;
use crate::words::Words;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use muster_residency::Rules;
use muster_residency::canonical::hash_text;
use muster_residency::policy::Destination;

/// What people say of themselves, and the box cannot know.
#[derive(Clone, Copy, Debug, Default)]
pub struct Entered {
    /// Training of those who run the box, 0 to 100 tenths; `None`: nobody said.
    pub training: Option<u8>,
    /// How well it is built into the company's systems, 0 to 100 tenths.
    pub integration: Option<u8>,
    /// How ready the company is to leave its suppliers, 0 to 100 tenths.
    pub exit: Option<u8>,
    /// When the incident became known; otherwise the moment of the report.
    pub known_at: Option<Timestamp>,
    /// Pieces of biometric evidence in the vault.
    pub evidence: Option<u64>,
    /// Whether the root key lies outside the data folder.
    pub key_apart: bool,
}

/// Everything a report is made from.
pub struct Input<'a> {
    /// The site's name in the policy.
    pub site: &'a str,
    /// The site's zone.
    pub zone: TimeZone,
    /// Now.
    pub made_at: Timestamp,
    /// First day of the span.
    pub from: Date,
    /// Last day of the span.
    pub to: Date,
    /// The policy in force with its law pack, if there is one.
    pub rules: Option<&'a Rules>,
    /// What the ledger counted.
    pub figures: &'a Figures,
    /// What people said.
    pub entered: Entered,
}

impl Input<'_> {
    pub(crate) fn today(&self) -> Date {
        self.made_at.to_zoned(self.zone.clone()).date()
    }

    /// A moment in the site's zone, to the minute.
    pub(crate) fn moment(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M %:z").to_string()
    }

    pub(crate) fn moment_ms(&self, ms: i64) -> String {
        Timestamp::from_millisecond(ms).map(|at| self.moment(at)).unwrap_or_default()
    }

    pub(crate) fn day_ms(&self, ms: i64) -> String {
        let at = Timestamp::from_millisecond(ms);
        at.map(|at| at.to_zoned(self.zone.clone()).date().to_string()).unwrap_or_default()
    }

    pub(crate) fn destinations(&self) -> &[Destination] {
        self.rules.map_or(&[], |rules| rules.destinations())
    }

    /// What was counted of a destination of the policy.
    pub(crate) fn counted(&self, id: &str) -> Option<&DestinationFigures> {
        self.figures.destinations.iter().find(|d| d.destination == id)
    }

    /// The law of a destination's region, `?` where the catalogue has none.
    pub(crate) fn law_of(&self, id: &str) -> String {
        let law = self.rules.and_then(|rules| rules.destination_jurisdiction(id));
        law.map_or("?".into(), |law| law.to_string())
    }

    /// Makes the document of `kind` from its sections.
    pub(crate) fn document(&self, kind: Kind, words: Words, sections: Vec<Section>) -> Document {
        let pack = self.rules.map(|rules| rules.law_pack());
        let mut notes = vec![words.say("note-judgement")];
        if let Some(pack) = pack {
            notes.push(words.say("note-law-pack"));
            if pack.review_overdue(self.today()) {
                let due = pack.review_due.to_string();
                notes.push(words.fill("note-overdue", &[("date", &due)]));
            }
        } else {
            notes.push(words.say("note-no-policy"));
        }
        Document {
            kind: kind.word(),
            title: kind.title(words),
            site: self.site.to_owned(),
            span: (self.from.to_string(), self.to.to_string()),
            made_at: self.moment(self.made_at),
            policy: self.rules.map(|rules| {
                let hash = hash_text(&rules.policy_hash());
                format!("{}@{} {hash}", rules.policy_id(), rules.policy_version())
            }),
            law_pack: pack
                .map(|pack| format!("{}@{} {}", pack.id, pack.version, hash_text(&pack.hash()))),
            notes,
            sections,
        }
    }
}

/// How far a region is proved, in words.
pub(crate) fn proof(words: Words, seen: Option<&Seen>) -> Cell {
    match seen.map(|seen| seen.proof) {
        Some(Proof::Wire) => words.say("proof-wire").into(),
        Some(Proof::Contract) => Cell::Alarm(words.say("proof-contract")),
        None => Cell::Empty,
    }
}

/// `part` of `whole` in tenths of a percent's hundredth part: 996 is 99.6 %.
pub(crate) fn per_mille(part: u64, whole: u64) -> Option<i64> {
    let share = u128::from(part) * 1000 / u128::from(whole.max(1));
    (whole > 0).then(|| i64::try_from(share).unwrap_or(i64::MAX))
}
