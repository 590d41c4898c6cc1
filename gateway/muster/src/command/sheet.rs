//! `muster sheet`: a month as the page shows it; attendance vectors, evaluated from their inputs
//! alone.

use crate::cli::SheetCommand;
use crate::control::Request;
use crate::exit::{self, Failure, OrExit as _, Outcome};
use anyhow::Context as _;
use muster_attendance::replay::{self, SheetResult};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

/// Vectors that could not be read and are told on standard error; all are in the output.
const MAX_TOLD: usize = 10;

pub(super) fn sheet(command: SheetCommand) -> Outcome {
    match command {
        SheetCommand::Month { month, department, at } => {
            let answer = super::ask(&at, Request::Sheets { month, department })?;
            let lines: Vec<String> = answer.rows.iter().map(line).collect();
            super::tell(at.json, &answer.rows.into(), lines)
        }
        SheetCommand::Replay { vectors, json } => replay(&vectors, json),
    }
}

/// A person's month in a line.
fn line(row: &Value) -> String {
    // A name may hold what would steer a terminal.
    let text = |key: &str| row[key].as_str().unwrap_or_default().escape_debug().to_string();
    let sums = &row["month"];
    let hours = |key: &str| {
        let minutes = sums[key].as_i64().unwrap_or_default();
        format!("{}:{:02}", minutes / 60, minutes % 60)
    };
    let absent = sums["days"]["absent"].as_u64().unwrap_or_default();
    let open = sums["open"].as_array().map_or(0, Vec::len);
    format!(
        "{} {} planned {} worked {} overtime {} late {} absent {absent} open {open}",
        text("person"),
        text("name"),
        hours("planned_minutes"),
        hours("worked_minutes"),
        hours("overtime_minutes"),
        sums["late_days"],
    )
}

/// Prints all there is to print; ends with [`exit::DATA`] where a vector could not be read.
fn replay(vectors: &Path, json: bool) -> Outcome {
    let results = replay::replay(&read(vectors)?).or_exit(exit::DATA)?;
    let unread: Vec<String> = results.iter().filter_map(unread).collect();
    if json {
        super::print_json(&results)?;
    } else {
        let results = serde_json::to_value(&results)?;
        let lines = results.as_array().into_iter().flatten().flat_map(|vector| {
            let days = vector["days"].as_object().into_iter().flatten();
            let id = vector["id"].as_str().unwrap_or("-").to_owned();
            days.map(move |(date, day)| {
                format!("{id} {date} {} {}", day["state"].as_str().unwrap_or("-"), day["marks"])
            })
        });
        super::print_lines(lines)?;
    }
    if unread.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let rest = unread.len().saturating_sub(MAX_TOLD);
    let told = unread.iter().take(MAX_TOLD).map(String::as_str).collect::<Vec<_>>().join("; ");
    let more = if rest > 0 { format!("; and {rest} more") } else { String::new() };
    let error = anyhow::anyhow!("{} vectors were not computed: {told}{more}", unread.len());
    Err(Failure::new(exit::DATA, error))
}

/// Why a vector was not computed, if it was not.
fn unread(result: &SheetResult) -> Option<String> {
    let error = result.sheet.as_ref().err()?;
    Some(format!("{}: {error}", result.id.escape_debug()))
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path)
        .with_context(|| format!("cannot read {}", path.display()))
        .or_exit(exit::DATA)
}
