//! `muster person`: import, show, map, and what people may ask for.

use super::{moment::moment, people_csv};
use crate::cli::{BoxArgs, ExportFormat, PersonCommand, RightWord};
use crate::control::{Request, RightsCommand, Wanted};
use crate::exit::{self, Failure, OrExit as _, Outcome};
use crate::words::{fill, say};
use anyhow::anyhow;
use muster_ledger::{Elsewhere, Right};
use muster_residency::vocab::Law;
use serde_json::Value;

pub(super) fn person(command: PersonCommand) -> Outcome {
    match command {
        PersonCommand::Import { file, encoding, at } => {
            let people = people_csv::read(&file, encoding.word()).or_exit(exit::DATA)?;
            let done = super::ask(&at, Request::PersonImport { people })?.result;
            let [added, updated, unchanged] =
                ["added", "updated", "unchanged"].map(|key| done[key].to_string());
            let values = [("added", &*added), ("updated", &updated), ("unchanged", &unchanged)];
            super::tell(at.json, &done, [fill("told-imported", &values)])
        }
        PersonCommand::Show { id, at } => {
            let answer = super::ask(&at, Request::PersonShow { id })?;
            let shown = serde_json::json!({ "person": answer.result, "records": answer.rows });
            super::tell(at.json, &shown, show(&shown))
        }
        PersonCommand::Export { id, format, at } => export(id, format, &at),
        PersonCommand::Correct { id, set, reason, at } => correct(id, &set, reason, &at),
        PersonCommand::Restrict { id, lift: false, key: _, reason, at } => {
            let told = rights(&at, RightsCommand::Restrict { id, on: true, reason })?;
            super::tell(at.json, &told, [say("told-restricted")])
        }
        PersonCommand::Restrict { id, lift: true, key, reason, at } => {
            if let Some(key) = key {
                let wanted = Wanted::LiftRestriction { id, reason };
                return super::approve::request(&at, wanted, &key);
            }
            let told = rights(&at, RightsCommand::Restrict { id, on: false, reason })?;
            super::approve::proposed(&at, &told, say("told-lifted"))
        }
        PersonCommand::Erase { id, biometrics, key, at } => {
            super::approve::request(&at, Wanted::Erase { id, biometrics_only: biometrics }, &key)
        }
        PersonCommand::Erasures { at } => erasures(&at),
        PersonCommand::ErasedAt { request, place, at } => erased_at(request, &place, &at),
        PersonCommand::Leave { id, on, cancel: _, at } => {
            let told = rights(&at, RightsCommand::Leave { id, on })?;
            super::tell(at.json, &told, [say("told-noted")])
        }
        PersonCommand::Request { id, right, law, received, days, at } => {
            let config = super::load(&at)?;
            let law = Law::from_code(&law).ok_or_else(|| anyhow!("{law:?} is not a law, as HK"));
            let received = received.map(|text| moment(&config, &text)).transpose();
            let received = received.or_exit(exit::USAGE)?;
            let (law, right) = (law.or_exit(exit::USAGE)?, right.into());
            let asked = rights(&at, RightsCommand::Ask { id, right, law, received, days })?;
            let (number, due) = (asked["number"].to_string(), time(&asked["due_ms"]));
            let line = fill("told-asked", &[("number", &number), ("due", &due)]);
            super::tell(at.json, &asked, [line])
        }
        PersonCommand::Answer { number, answer, at } => {
            let told = rights(&at, RightsCommand::Answer { number, answer })?;
            super::tell(at.json, &told, [say("told-answered")])
        }
        PersonCommand::Requests { at } => requests(&at),
        PersonCommand::Map { device, number, id, at } => {
            let told = super::ask(&at, Request::PersonMap { device, number, id })?.result;
            super::tell(at.json, &told, [say("told-mapped")])
        }
    }
}

fn rights(at: &BoxArgs, request: RightsCommand) -> Result<Value, Failure> {
    Ok(super::ask(at, Request::Rights { request })?.result)
}

/// All of it as JSON, or the records as CSV.
fn export(id: String, format: Option<ExportFormat>, at: &BoxArgs) -> Outcome {
    let answer = super::ask(at, Request::Rights { request: RightsCommand::Export { id } })?;
    if format == Some(ExportFormat::Csv) {
        return super::records::csv(&answer.rows);
    }
    let mut all = answer.result;
    all["records"] = answer.rows.into();
    super::print_json(&all)
}

fn correct(id: String, set: &[String], reason: String, at: &BoxArgs) -> Outcome {
    let pair = |text: &String| {
        let (column, value) = text.split_once('=')?;
        Some((column.to_owned(), value.to_owned()))
    };
    let set: Option<Vec<_>> = set.iter().map(pair).collect();
    let set = set.ok_or_else(|| anyhow!("write --set COLUMN=VALUE")).or_exit(exit::USAGE)?;
    let done = rights(at, RightsCommand::Correct { id, set, reason })?;
    let columns = done["corrected"].to_string();
    super::tell(at.json, &done, [fill("told-corrected", &[("columns", &columns)])])
}

fn erasures(at: &BoxArgs) -> Outcome {
    let erasures = rights(at, RightsCommand::Erasures)?;
    let lines = erasures.as_array().into_iter().flatten().map(erasure_line);
    super::tell(at.json, &erasures, lines)
}

/// Nothing says "erased" before nothing is left to do.
fn erasure_line(told: &Value) -> String {
    let erasure = &told["erasure"];
    let request = super::plain(erasure["request"].as_str().unwrap_or_default());
    if told["erased"] == true {
        return format!("{request}  {}", say("erasure-done"));
    }
    let mut left: Vec<String> = Vec::new();
    if !erasure["deferred_ms"].is_null() {
        let (until, law) = (time(&erasure["deferred_ms"]), erasure["law"].as_str().unwrap_or(""));
        left.push(fill("erasure-deferred", &[("until", &until), ("law", law)]));
    }
    for place in erasure["todo"].as_array().into_iter().flatten() {
        let place: Option<Elsewhere> = serde_json::from_value(place.clone()).ok();
        left.extend(place.map(|place| super::plain(&place.to_string())));
    }
    format!("{request}  {}", fill("erasure-left", &[("left", &left.join(", "))]))
}

fn erased_at(request: String, place: &str, at: &BoxArgs) -> Outcome {
    let place = match place.split_once(' ') {
        Some(("terminal", name)) => Some(Elsewhere::Terminal(name.to_owned())),
        Some(("region", name)) => Some(Elsewhere::Region(name.to_owned())),
        None if place == "backups" => Some(Elsewhere::Backups),
        _ => None,
    };
    let wrong = || anyhow!("a place is `terminal NAME`, `region NAME` or `backups`");
    let place = place.ok_or_else(wrong).or_exit(exit::USAGE)?;
    let told = rights(at, RightsCommand::ErasedAt { request, place })?;
    super::tell(at.json, &told, [erasure_line(&told)])
}

fn requests(at: &BoxArgs) -> Outcome {
    let requests = rights(at, RightsCommand::Requests)?;
    let line = |told: &Value| {
        let request = &told["request"];
        let text = |value: &Value| super::plain(value.as_str().unwrap_or("-"));
        let state = match (request["answered_ms"].is_null(), told["overdue"] == true) {
            (false, _) => say("right-answered"),
            (true, true) => fill("right-overdue", &[("due", &time(&request["due_ms"]))]),
            (true, false) => fill("right-owed", &[("due", &time(&request["due_ms"]))]),
        };
        let number = format!("{:>4} ", request["number"]);
        let (person, right) = (text(&told["person"]), text(&request["right"]));
        let law = text(&request["law"]);
        let values = [
            ("number", &number),
            ("person", &person),
            ("right", &right),
            ("law", &law),
            ("state", &state),
        ];
        fill("right-line", &values.map(|(key, value)| (key, value.as_str())))
    };
    super::tell(at.json, &requests, requests.as_array().into_iter().flatten().map(line))
}

fn time(ms: &Value) -> String {
    let at = ms.as_i64().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    at.map(|at| at.to_string()).unwrap_or_default()
}

impl From<RightWord> for Right {
    fn from(word: RightWord) -> Self {
        match word {
            RightWord::Access => Self::Access,
            RightWord::Export => Self::Export,
            RightWord::Correct => Self::Correct,
            RightWord::Restrict => Self::Restrict,
            RightWord::Erase => Self::Erase,
            RightWord::Object => Self::Object,
        }
    }
}

fn show(shown: &Value) -> Vec<String> {
    let profile = shown["person"].as_object().into_iter().flatten();
    let lines = profile.filter(|(_, value)| !value.is_null()).map(|(key, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), super::plain);
        format!("{key:<18} {value}")
    });
    let records = shown["records"].as_array().map_or(0, Vec::len);
    lines.chain([format!("{:<18} {records}", say("person-records"))]).collect()
}
