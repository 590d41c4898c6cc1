//! Names and options of `muster person`.

use super::BoxArgs;
use clap::{Subcommand, ValueEnum};
use std::path::PathBuf;

/// A right that a person makes use of.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum RightWord {
    Access,
    Export,
    Correct,
    Restrict,
    Erase,
    Object,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    Json,
    Csv,
}

/// In what a table is written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableEncoding {
    Auto,
    #[value(name = "utf-8")]
    Utf8,
    Gb18030,
    Big5,
}

impl TableEncoding {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Utf8 => "utf-8",
            Self::Gb18030 => "gb18030",
            Self::Big5 => "big5",
        }
    }
}

#[derive(Subcommand)]
pub(crate) enum PersonCommand {
    /// Add or update people from CSV
    #[command(after_help = "Columns: person,name,department,category,age_band,employment_law,\
                      account_class,platform_user_id,basis (person and name must be there)\n\
                      Example: muster person import staff.csv")]
    Import {
        /// The CSV file
        file: PathBuf,
        /// What the file is written in
        #[arg(long, default_value = "auto")]
        encoding: TableEncoding,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// What is held on one person
    #[command(after_help = "Example: muster person show 00017")]
    Show {
        /// The number the terminals send
        id: String,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Everything that is held on one person, to take away
    #[command(after_help = "Example: muster person export 00017 --format csv > 00017.csv\n\
                      JSON holds all; CSV holds the records")]
    Export {
        /// The number the terminals send
        id: String,
        /// Form of the export [default: json]
        #[arg(long, conflicts_with = "json")]
        format: Option<ExportFormat>,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Correct what is known of a person; the old stays in the journal
    #[command(after_help = "Example: muster person correct 00017 --set name='Chan Tai Man' \
                            --reason 'misspelt in the import'")]
    Correct {
        /// The number the terminals send
        id: String,
        /// A column with its new value; empty makes it unknown
        #[arg(long = "set", value_name = "COLUMN=VALUE", required = true)]
        set: Vec<String>,
        /// Why, for the journal
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// A person restricts processing: nothing of theirs leaves from now on
    #[command(after_help = "Example: muster person restrict 00017")]
    Restrict {
        /// The number the terminals send
        id: String,
        /// Lift the restriction: two signers approve that
        #[arg(long)]
        lift: bool,
        /// Ask to lift it with this signing key: one more signer approves, in place of two
        #[arg(long, value_name = "FILE", requires = "lift")]
        key: Option<PathBuf>,
        /// Why, for the journal
        #[arg(long, default_value = "asked for")]
        reason: String,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Ask for a person's erasure; another person approves it
    #[command(after_help = "Example: muster person erase 00017 --biometrics --key ho.mei.key\n\
                      then: muster approve REQUEST --key lam.kit.key")]
    Erase {
        /// The number the terminals send
        id: String,
        /// Their biometric evidence alone
        #[arg(long)]
        biometrics: bool,
        /// The asker's signing key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Erasures, and what is still to do elsewhere
    #[command(after_help = "Example: muster person erasures")]
    Erasures {
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Note that something an erasure left to do elsewhere is done
    #[command(after_help = "Example: muster person erased-at 9f2c51d07ab3 'terminal gate-07'\n\
                      Places: terminal NAME, region NAME, backups")]
    ErasedAt {
        /// Number of the erasure
        request: String,
        /// Where it is done
        place: String,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// The day on which a person leaves: their biometric evidence goes with them
    #[command(after_help = "Example: muster person leave 00017 --on 2026-12-31")]
    Leave {
        /// The number the terminals send
        id: String,
        /// Last day, as 2026-12-31
        #[arg(long, value_name = "DATE", required_unless_present = "cancel")]
        on: Option<jiff::civil::Date>,
        /// They stay after all
        #[arg(long, conflicts_with = "on")]
        cancel: bool,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Note that a person makes use of a right; the law's time for the answer runs
    #[command(after_help = "Example: muster person request 00017 --right access --law HK \
                            --received 2026-12-01")]
    Request {
        /// The number the terminals send
        id: String,
        /// Which right
        #[arg(long)]
        right: RightWord,
        /// The law whose time runs, as HK, EU, SG, MY
        #[arg(long)]
        law: String,
        /// When it came [default: now]
        #[arg(long, value_name = "T")]
        received: Option<String>,
        /// Days for the answer where the law sets none
        #[arg(long)]
        days: Option<i64>,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Note the answer to a request
    #[command(after_help = "Example: muster person answer 3 'exported and handed over'")]
    Answer {
        /// Number of the request
        number: u32,
        /// What was answered
        answer: String,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Requests of people, with when the answer is owed
    #[command(after_help = "Example: muster person requests")]
    Requests {
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Join a terminal's unknown number to a person
    #[command(after_help = "Example: muster person map gate-07 991 00017")]
    Map {
        /// Name of the terminal
        device: String,
        /// The number that this terminal sends
        number: String,
        /// The person's number, as the directory has it
        id: String,
        #[command(flatten)]
        at: BoxArgs,
    },
}
