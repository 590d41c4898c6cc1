//! Every report by its name.

mod flows;
mod incident;
mod offboarding;
mod processing;
mod running;
mod score;
mod thresholds;
mod transfers;

use crate::build::Input;
use crate::document::{Document, Section};
use crate::words::Words;

/// Which report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Kind {
    Ropa,
    Transfers,
    Thresholds,
    Flows,
    Score,
    SelfAssessment,
    Calendar,
    Ageing,
    Access,
    Delivery,
    Incident,
    Statement,
    Offboarding,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Ropa,
        Self::Transfers,
        Self::Thresholds,
        Self::Flows,
        Self::Score,
        Self::SelfAssessment,
        Self::Calendar,
        Self::Ageing,
        Self::Access,
        Self::Delivery,
        Self::Incident,
        Self::Statement,
        Self::Offboarding,
    ];

    /// As the command line has it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ropa => "ropa",
            Self::Transfers => "transfers",
            Self::Thresholds => "thresholds",
            Self::Flows => "flows",
            Self::Score => "score",
            Self::SelfAssessment => "self-assessment",
            Self::Calendar => "calendar",
            Self::Ageing => "ageing",
            Self::Access => "access",
            Self::Delivery => "delivery",
            Self::Incident => "incident",
            Self::Statement => "statement",
            Self::Offboarding => "offboarding",
        }
    }

    /// What it is headed with.
    pub fn title(self, words: Words) -> String {
        words.say(&format!("title-{}", self.word()))
    }

    /// The report of this name.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// Makes a report.
pub fn report(kind: Kind, words: Words, input: &Input<'_>) -> Document {
    let sections: Vec<Section> = match kind {
        Kind::Ropa => processing::sections(words, input),
        Kind::Transfers => transfers::sections(words, input),
        Kind::Thresholds => thresholds::sections(words, input),
        Kind::Flows => flows::sections(words, input),
        Kind::Score => score::sections(words, input),
        Kind::SelfAssessment => vec![thresholds::questions(words, input)],
        Kind::Calendar => vec![running::calendar(words, input)],
        Kind::Ageing => running::ageing(words, input),
        Kind::Access => vec![running::access(words, input)],
        Kind::Delivery => vec![running::delivery(words, input)],
        Kind::Incident => incident::sections(words, input),
        Kind::Statement => transfers::statement(words, input),
        Kind::Offboarding => offboarding::sections(words, input),
    };
    input.document(kind, words, sections)
}
