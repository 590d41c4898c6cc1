//! Names and options of what concerns the law: papers, notices, consents, approvals, the stop.

use super::BoxArgs;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum PapersCommand {
    /// File a document: its type, lane, dates and hash; the document stays where it is
    #[command(after_help = "Example: muster papers add dpa.pdf --type dpa --lane 'MO->SG' \
                            --from 2026-12-01 --to 2027-12-01 --filing-number 2026/114\n\
                            A paper opens a lane, so it counts once two signers approved it; until \
                            the first policy is published, at once.")]
    Add(Box<PaperArgs>),
    /// Every document on file, with what is left of its time
    #[command(after_help = "Example: muster papers list")]
    List {
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Take a document back: it counts for nothing from now on
    #[command(
        after_help = "Example: muster papers withdraw 3 --reason 'signed by the wrong party'"
    )]
    Withdraw {
        /// Its number
        number: u32,
        /// Why, for the journal
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        at: BoxArgs,
    },
}

#[derive(Args)]
pub(crate) struct PaperArgs {
    /// The document; its SHA-256 is kept
    pub(crate) file: PathBuf,
    /// Its type, as the law pack and the policy name it: dpa, mo-notification, eu-scc, …
    #[arg(long = "type", value_name = "T")]
    pub(crate) kind: String,
    /// How far it reaches: *, MO->SG, MO->* or *->SG
    #[arg(long, value_name = "L")]
    pub(crate) lane: String,
    /// Good from this moment or day
    #[arg(long, value_name = "T")]
    pub(crate) from: String,
    /// Good until just before this moment or day
    #[arg(long, value_name = "T")]
    pub(crate) to: String,
    /// Number of the filing with an authority
    #[arg(long)]
    pub(crate) filing_number: Option<String>,
    /// A party to it; may be given several times
    #[arg(long)]
    pub(crate) party: Vec<String>,
    /// The destination of the policy that it speaks of
    #[arg(long)]
    pub(crate) destination: Option<String>,
    /// The clause that says where the data stays, quoted
    #[arg(long)]
    pub(crate) clause: Option<String>,
    /// For eu-scc: the decision whose clauses these are (2021/914)
    #[arg(long)]
    pub(crate) decision: Option<String>,
    /// For eu-scc: the module, 1 to 4
    #[arg(long)]
    pub(crate) module: Option<String>,
    /// Ask with this signing key: one more signer approves, in place of two
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) at: BoxArgs,
}

#[derive(Subcommand)]
pub(crate) enum ConsentCommand {
    /// Note that a person, or their guardian, consents or no longer does
    #[command(
        after_help = "Examples: muster consent set 00017 --given --from 2026-12-01\n          \
                            muster consent set 00017 --withdrawn\n          \
                            muster consent set 00017 --given --guardian"
    )]
    Set {
        /// The number the terminals send
        id: String,
        /// Consent is given
        #[arg(long, required_unless_present = "withdrawn", conflicts_with = "withdrawn")]
        given: bool,
        /// Consent is withdrawn
        #[arg(long)]
        withdrawn: bool,
        /// A guardian's
        #[arg(long)]
        guardian: bool,
        /// From this moment or day on [default: now]
        #[arg(long, value_name = "T")]
        from: Option<String>,
        /// Given until just before this moment or day
        #[arg(long, value_name = "T", conflicts_with = "withdrawn")]
        to: Option<String>,
        /// Ask with this signing key: one more signer approves, in place of two
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        #[command(flatten)]
        at: BoxArgs,
    },
}

#[derive(Subcommand)]
pub(crate) enum NoticeCommand {
    /// Publish a version of a notice to the people concerned
    #[command(
        after_help = "Example: muster notice add pics-2.pdf --kind pics --number 2 --language en \
                            --destination sg-tenant --from 2026-12-01"
    )]
    Add {
        /// The text; its SHA-256 is kept
        file: PathBuf,
        /// Which notice, as pics, pipl-17, gdpr-13 or mo-10
        #[arg(long)]
        kind: String,
        /// Its version
        #[arg(long, value_name = "N")]
        number: u32,
        /// A language it is written in; may be given several times
        #[arg(long, required = true)]
        language: Vec<String>,
        /// A destination that it tells of; may be given several times
        #[arg(long, required = true)]
        destination: Vec<String>,
        /// In force from this moment or day on
        #[arg(long, value_name = "T")]
        from: String,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Note that people were given a version
    #[command(
        after_help = "Example: muster notice give --kind pics --number 2 --language en 00017"
    )]
    Give {
        /// What kind of notice
        #[arg(long)]
        kind: String,
        /// Number of its version
        #[arg(long, value_name = "N")]
        number: u32,
        /// Language, as zh-Hant
        #[arg(long)]
        language: String,
        /// Everybody in the directory
        #[arg(long, conflicts_with = "ids", required_unless_present = "ids")]
        all: bool,
        /// The numbers the terminals send
        ids: Vec<String>,
        /// Ask with this signing key: one more signer approves, in place of two
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Every version of every notice
    #[command(after_help = "Example: muster notice list")]
    List {
        #[command(flatten)]
        at: BoxArgs,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnOff {
    On,
    Off,
}

#[derive(Args)]
#[command(
    after_help = "One person switches it on. Two end it: the first asks with their key, the second \
                  approves.\nExample: muster local-only off --key ho.mei.key"
)]
pub(crate) struct LocalOnlyArgs {
    /// Whether it is to be on or off
    pub(crate) to: OnOff,
    /// The asker's signing key, to end it
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) at: BoxArgs,
}

#[derive(Args)]
#[command(
    after_help = "Example: muster approve 9f2c51d07ab3 --key lam.kit.key\nWho asked cannot approve; \
                  one of the two is the DPO or their deputy. An approval is bound to the exact \
                  request and a day long."
)]
pub(crate) struct ApproveArgs {
    /// A request (`muster requests`), or a record that waits for approval
    #[arg(required_unless_present = "text", conflicts_with = "text")]
    pub(crate) request: Option<String>,
    /// Sign the exact text in this file, as the page shows it, and print the line to give there;
    /// no box is asked
    #[arg(long, value_name = "FILE")]
    pub(crate) text: Option<PathBuf>,
    /// The approver's signing key
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    #[command(flatten)]
    pub(crate) at: BoxArgs,
}

#[derive(Subcommand)]
pub(crate) enum CountersCommand {
    /// Exports counted this year and before, with what other systems exported
    #[command(after_help = "Example: muster counters list")]
    List {
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Enter what other systems of the company exported in a year
    #[command(
        after_help = "Example: muster counters baseline --law CN --year 2026 --persons 1200 \
                            --sensitive 0 --records 88000 --source 'HR system, export log'"
    )]
    Baseline {
        /// Law, as CN
        #[arg(long)]
        law: String,
        /// Calendar year
        #[arg(long)]
        year: i16,
        /// People exported elsewhere
        #[arg(long)]
        persons: u64,
        /// Of them, with sensitive data
        #[arg(long)]
        sensitive: u64,
        /// Records exported elsewhere
        #[arg(long)]
        records: u64,
        /// Where the figures are from
        #[arg(long)]
        source: String,
        /// Ask with this signing key: one more signer approves, in place of two
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        #[command(flatten)]
        at: BoxArgs,
    },
}

#[derive(Subcommand)]
pub(crate) enum SignersCommand {
    /// Who may sign policies and approve, and who waits for their first day to pass
    #[command(after_help = "Example: muster signers list")]
    List {
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Add a signer; they sign from the next day on, or at once while the box is being set up
    #[command(after_help = "Example: muster signers add lei.ana:security:lei.ana.key.pub \
                            --key lam.kit.key\nAnother signer approves it; until the first policy \
                            is published one signer enrols the other.")]
    Add {
        /// PERSON:ROLE:PUBLIC_KEY_FILE
        #[arg(value_name = "PERSON:ROLE:PUBLIC_KEY_FILE")]
        signer: String,
        /// The asker's signing key; none where the box has no signer yet
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Remove a signer with all their keys; another signer approves it
    #[command(after_help = "Example: muster signers remove lei.ana --key lam.kit.key")]
    Remove {
        /// Whose key it is
        person: String,
        /// The asker's signing key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        #[command(flatten)]
        at: BoxArgs,
    },
}
