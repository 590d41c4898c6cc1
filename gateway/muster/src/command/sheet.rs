//! `muster sheet replay`: attendance vectors, evaluated from their inputs alone.

use crate::cli::SheetCommand;
use crate::exit::{self, OrExit as _, Outcome};
use anyhow::Context as _;
use muster_attendance::replay;
use std::fs;
use std::path::Path;

pub(super) fn sheet(command: SheetCommand) -> Outcome {
    let SheetCommand::Replay { vectors, json } = command;
    let results = replay::replay(&read(&vectors)?).or_exit(exit::DATA)?;
    if json {
        return super::print_json(&results);
    }
    let results = serde_json::to_value(&results)?;
    let lines = results.as_array().into_iter().flatten().flat_map(|vector| {
        let days = vector["days"].as_object().into_iter().flatten();
        let id = vector["id"].as_str().unwrap_or("-").to_owned();
        days.map(move |(date, day)| {
            format!("{id} {date} {} {}", day["state"].as_str().unwrap_or("-"), day["marks"])
        })
    });
    super::print_lines(lines)
}

fn read(path: &Path) -> Result<String, crate::exit::Failure> {
    fs::read_to_string(path)
        .with_context(|| format!("cannot read {}", path.display()))
        .or_exit(exit::DATA)
}
