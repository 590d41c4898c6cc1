//! `muster report`: names and options.

use super::BoxArgs;
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use muster_report::{Kind, Words};
use muster_residency::explain::Language;
use std::path::PathBuf;

/// What an auditor asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReportKind {
    /// One report.
    Document(Kind),
    /// All of them in one signed archive.
    AuditPack,
    /// The public key that reports are signed with.
    Key,
}

impl ReportKind {
    const ALL: [Self; Kind::ALL.len() + 2] = {
        let mut all = [Self::Key; Kind::ALL.len() + 2];
        let mut next = 0;
        while next < Kind::ALL.len() {
            all[next] = Self::Document(Kind::ALL[next]);
            next += 1;
        }
        all[next] = Self::AuditPack;
        all
    };
}

impl ValueEnum for ReportKind {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (word, what) = match self {
            Self::Document(kind) => (kind.word(), kind.title(Words::of(Language::En))),
            Self::AuditPack => ("audit-pack", "All of it in one signed archive".to_owned()),
            Self::Key => ("key", "The public key that reports are signed with".to_owned()),
        };
        Some(PossibleValue::new(word).help(what))
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    Json,
    Csv,
    Svg,
    Html,
}

#[derive(Args)]
pub(crate) struct ReportArgs {
    /// Which report
    pub(crate) kind: ReportKind,
    /// Form of the answer [default: json]
    #[arg(long, conflicts_with = "json")]
    pub(crate) format: Option<ReportFormat>,
    /// First day, in the site's time zone [default: the first of the month]
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<jiff::civil::Date>,
    /// Last day [default: today]
    #[arg(long, value_name = "DATE")]
    pub(crate) to: Option<jiff::civil::Date>,
    /// transfers: the side of this law alone, signed, as JSON lines
    #[arg(long, value_name = "LAW")]
    pub(crate) law: Option<String>,
    /// incident: when it became known [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) known_at: Option<jiff::Timestamp>,
    /// en, zh-Hant, zh-Hans or pt [default: by LANG]
    #[arg(long, value_name = "LANGUAGE")]
    pub(crate) language: Option<String>,
    /// Write to this file; an audit pack wants one, and puts its signature into FILE.sig
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) at: BoxArgs,
}
