//! `muster journal`: verify (exit 0 whole, 1 damaged, 2 cannot read), export, replay,
//! rebuild-views.
//!
//! Verify and export read the files alone, also beside a running gateway.

use crate::cli::{BoxArgs, JournalCommand};
use crate::control::Request;
use crate::exit::Outcome;
use crate::store;
use anyhow::Context as _;
use muster_ledger::{JournalDeleted, JournalReport, export_journal, verify_journal};
use std::io::{self, Write as _};
use std::process::ExitCode;

pub(super) fn journal(command: JournalCommand) -> Outcome {
    match command {
        JournalCommand::Verify { at } => match verify(&at) {
            Ok(report) => verified(&report, at.json),
            Err(error) => {
                eprintln!("muster: {error:#}");
                Ok(ExitCode::from(2))
            }
        },
        JournalCommand::Export { at } => {
            let data = super::load(&at)?.site.data;
            let mut out = io::BufWriter::new(io::stdout().lock());
            if at.json {
                export_journal(&data, store::root_key(&data)?, &mut AsArray::begin(&mut out)?)?;
                out.write_all(b"\n]\n")?;
            } else {
                export_journal(&data, store::root_key(&data)?, &mut out)?;
            }
            out.flush()?;
            Ok(ExitCode::SUCCESS)
        }
        JournalCommand::Replay { at } => replay(&at),
        JournalCommand::RebuildViews { at } => {
            let told = super::ask(&at, Request::RebuildViews)?.result;
            let line = "the views are being built again; punches go on being taken";
            super::tell(at.json, &told, [line])
        }
    }
}

/// JSON lines, written on as the items of one array. Line breaks stand between items alone, because
/// JSON escapes those within.
struct AsArray<W> {
    to: W,
    /// An item ended and the next one has not begun.
    between: bool,
}

impl<W: io::Write> AsArray<W> {
    fn begin(mut to: W) -> io::Result<Self> {
        to.write_all(b"[\n")?;
        Ok(Self { to, between: false })
    }
}

impl<W: io::Write> io::Write for AsArray<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            if std::mem::take(&mut self.between) {
                self.to.write_all(b",\n")?;
            }
            let item = part.strip_suffix(b"\n");
            self.to.write_all(item.unwrap_or(part))?;
            self.between = item.is_some();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

fn replay(at: &BoxArgs) -> Outcome {
    let replayed = super::ask(at, Request::ReplayDecisions)?.result;
    let differ = replayed["differ"].as_array().is_some_and(|differ| !differ.is_empty());
    if at.json {
        super::print_json(&replayed)?;
    } else {
        let named = replayed["differ"].as_array().into_iter().flatten();
        let named = named.map(|id| format!("differs: {}", id.as_str().unwrap_or_default()));
        let line = |when: &str, tally: &serde_json::Value| {
            let (records, same, gone) = (&tally["records"], &tally["same"], &tally["gone"]);
            format!("{when} {records} decided again, {same} the same, {gone} cannot be any more")
        };
        let lines = [
            line("receipts:", &replayed),
            line("changes:", &replayed["redecisions"]),
            line("sendings:", &replayed["dispatches"]),
        ];
        super::print_lines(lines.into_iter().chain(named))?;
    }
    Ok(if differ { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn verify(at: &BoxArgs) -> anyhow::Result<JournalReport> {
    let data = crate::config::Config::load(at.config.as_deref())?.site.data;
    if !data.join("journal").is_dir() {
        anyhow::bail!("{} holds no journal; is this the right configuration?", data.display());
    }
    verify_journal(&data, store::root_key(&data)?).context("the journal cannot be read")
}

/// What retention took, which is no damage.
fn retention(report: &JournalReport) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(JournalDeleted { batches, records }) = report.deleted {
        lines.push(format!(
            "the first {batches} batches with {records} records were deleted by retention"
        ));
    }
    let months = |months: &[u32]| {
        let word = |month: &u32| format!("{}-{:02}", month / 100, month % 100);
        months.iter().map(word).collect::<Vec<_>>().join(", ")
    };
    let destroyed = &report.destroyed;
    for (what, gone) in [("records", &destroyed.facts), ("acts", &destroyed.acts)] {
        if !gone.is_empty() {
            lines.push(format!("keys destroyed by retention, {what} of {}", months(gone)));
        }
    }
    lines
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
        let line = format!("{segments} segments, {batches} batches, {records} records: {verdict}");
        super::print_lines(std::iter::once(line).chain(retention(report)))?;
    }
    Ok(if report.whole { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_one_array_however_they_are_cut() {
        for cut in 1..9 {
            let mut out = Vec::new();
            let mut array = AsArray::begin(&mut out).unwrap();
            for part in b"{\"a\":1}\n[2]\n3\n".chunks(cut) {
                array.write_all(part).unwrap();
            }
            out.extend(b"\n]\n");
            let read: serde_json::Value = serde_json::from_slice(&out).unwrap();
            assert_eq!(read, serde_json::json!([{ "a": 1 }, [2], 3]), "{cut}");
        }
    }
}
