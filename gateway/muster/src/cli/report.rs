//! `muster report`: names and options.

use super::BoxArgs;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// What an auditor asks for.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportKind {
    /// Records of processing
    Ropa,
    /// What left, where to, and how each far end was proved
    Transfers,
    /// Counters against thresholds, with forecast
    Thresholds,
    /// Data flows, declared against observed
    Flows,
    /// Sovereignty score in two forms
    Score,
    /// Three questions, answered from counters
    SelfAssessment,
    /// What ends when
    Calendar,
    /// What waits, by age
    Ageing,
    /// Who did what
    Access,
    /// Delivered of permitted
    Delivery,
    /// A lost or stolen box: whose and which data, and whom to tell by when
    Incident,
    /// Where this site's records are
    Statement,
    /// All of it in one signed archive
    AuditPack,
    /// The public key that reports are signed with
    Key,
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
    #[arg(long, default_value = "json")]
    pub(crate) format: ReportFormat,
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
