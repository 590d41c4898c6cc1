//! `muster journal`: verify (exit 0 whole, 1 damaged, 2 cannot read), export, rebuild-views.
//!
//! The first two read the files alone, also beside a running gateway.

use crate::cli::{BoxArgs, JournalCommand};
use crate::control::Request;
use crate::exit::Outcome;
use crate::store;
use anyhow::Context as _;
use muster_ledger::{JournalReport, export_journal, verify_journal};
use std::io::{self, Write as _};
use std::process::ExitCode;

pub(super) fn journal(command: JournalCommand) -> Outcome {
    match command {
        JournalCommand::Verify { json, at } => match verify(&at) {
            Ok(report) => verified(&report, json),
            Err(error) => {
                eprintln!("muster: {error:#}");
                Ok(ExitCode::from(2))
            }
        },
        JournalCommand::Export { at } => {
            let data = super::load(&at)?.site.data;
            let mut out = io::BufWriter::new(io::stdout().lock());
            export_journal(&data, store::root_key(&data)?, &mut out)?;
            out.flush()?;
            Ok(ExitCode::SUCCESS)
        }
        JournalCommand::RebuildViews { at } => {
            super::ask(&at, Request::RebuildViews)?;
            super::print_lines(["the views are being built again; punches go on being taken"])
        }
    }
}

fn verify(at: &BoxArgs) -> anyhow::Result<JournalReport> {
    let data = crate::config::Config::load(at.config.as_deref())?.site.data;
    if !data.join("journal").is_dir() {
        anyhow::bail!("{} holds no journal; is this the right configuration?", data.display());
    }
    verify_journal(&data, store::root_key(&data)?).context("the journal cannot be read")
}

fn verified(report: &JournalReport, json: bool) -> Outcome {
    if json {
        super::print_json(report)?;
    } else {
        let verdict = match &report.first_bad {
            None => "whole".to_owned(),
            Some(bad) => format!(
                "damaged, first in {} at byte {}: batch {}, record {} ({})",
                bad.segment, bad.offset, bad.batch, bad.record, bad.why
            ),
        };
        let JournalReport { segments, batches, records, .. } = report;
        super::print_lines([format!(
            "{segments} segments, {batches} batches, {records} records: {verdict}"
        )])?;
    }
    Ok(if report.whole { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
