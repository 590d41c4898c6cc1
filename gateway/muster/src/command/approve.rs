//! `muster local-only`, `approve` and `requests`: the emergency stop, and what two people decide.
//!
//! The private key never leaves this process: the box gives the exact text, and gets back a
//! signature over it.

use super::papers::ask;
use crate::cli::{ApproveArgs, BoxArgs, LocalOnlyArgs, OnOff};
use crate::control::{LegalRequest, Wanted};
use crate::exit::{self, Failure, OrExit as _, Outcome};
use crate::store;
use crate::words::{fill, say};
use anyhow::anyhow;
use muster_residency::approval::{self, Part};
use muster_residency::key::SigningKey;
use serde_json::Value;
use std::path::Path;
use zeroize::Zeroizing;

pub(super) fn local_only(args: &LocalOnlyArgs) -> Outcome {
    if args.to == OnOff::On {
        let told = ask(&args.at, LegalRequest::Stop)?;
        return super::tell(args.at.json, &told, [say("told-stopped")]);
    }
    let key = args.key.as_deref().ok_or_else(|| {
        anyhow!("two people end it: ask with --key FILE, and let the other `muster approve`")
    });
    request(&args.at, Wanted::LocalOnlyOff, key.or_exit(exit::USAGE)?)
}

/// Asks for what two people decide, and says what the second has to do.
pub(super) fn request(at: &BoxArgs, wanted: Wanted, key: &Path) -> Outcome {
    let key = read(key)?;
    let prepared = ask(at, LegalRequest::Prepare { wanted: wanted.clone() })?;
    let (text, at_ms) = text(&prepared)?;
    let line = approval::sign(Part::Ask, text, &key);
    let made = ask(at, LegalRequest::Ask { wanted, at_ms, line })?;
    let id = made["id"].as_str().unwrap_or_default();
    if !made["approved_by"].is_null() {
        let line = fill("request-set-up", &[("person", key.person())]);
        return super::tell(at.json, &made, [line]);
    }
    let lines = [
        fill("request-made", &[("id", id), ("person", key.person()), ("role", key.role())]),
        fill("request-second", &[("id", id)]),
    ];
    super::tell(at.json, &made, lines)
}

/// Says what became of what was sent without a key: `done`, or a proposal that waits.
pub(super) fn proposed(at: &BoxArgs, answer: &Value, done: String) -> Outcome {
    let lines = match answer["request"]["id"].as_str() {
        None => vec![done],
        Some(id) => vec![fill("request-frees", &[("id", id)]), fill("request-both", &[("id", id)])],
    };
    super::tell(at.json, answer, lines)
}

pub(super) fn approve(args: &ApproveArgs) -> Outcome {
    let key = read(&args.key)?;
    if let Some(file) = &args.text {
        let text = store::read_bounded(file).or_exit(exit::DATA)?;
        // However it was copied: a request ends with one line break.
        let text = text.replace("\r\n", "\n").trim_end().to_owned() + "\n";
        let line = approval::sign(Part::Approve, &text, &key);
        return super::tell(args.at.json, &Value::Null, [line.trim_end()]);
    }
    let request = args.request.clone().unwrap_or_default();
    let shown = ask(&args.at, LegalRequest::Text { request: request.clone() })?;
    let (text, at_ms) = text(&shown)?;
    let line = approval::sign(Part::Approve, text, &key);
    let done = ask(&args.at, LegalRequest::Approve { request, at_ms, line })?;
    let mut lines: Vec<String> = text.lines().map(super::plain).collect();
    if let Some(person) = shown["about"]["person"].as_str() {
        let name = shown["about"]["name"].as_str().unwrap_or_default();
        let (person, name) = (super::plain(person), super::plain(name));
        lines.push(fill("request-about", &[("person", &person), ("name", &name)]));
    }
    lines.push(fill("request-approved", &[("person", key.person()), ("role", key.role())]));
    if done["record"].is_null() && done["approved_by"].is_null() {
        lines.push(say("request-one-more"));
    }
    let todo = done["todo"].as_array().into_iter().flatten().filter_map(Value::as_str);
    lines.extend(todo.map(|todo| fill("request-todo", &[("todo", &super::plain(todo))])));
    super::tell(args.at.json, &done, lines)
}

pub(super) fn requests(at: &BoxArgs) -> Outcome {
    let requests = ask(at, LegalRequest::Requests)?;
    let line = |request: &Value| {
        let text = |value: &Value| super::plain(value.as_str().unwrap_or_default());
        let by = &request["approved_by"];
        let state = match by["person"].as_str() {
            Some(person) => fill("request-state-approved", &[("person", &super::plain(person))]),
            None => say("request-state-waits"),
        };
        let asked = match request["asked_by"]["person"].as_str() {
            Some(person) => fill("request-asked", &[("person", &super::plain(person))]),
            None => fill("request-proposed", &[("person", &text(&request["proposed_by"]))]),
        };
        format!("{}  {} {asked}; {state}", text(&request["id"]), request["action"]["do"])
    };
    super::tell(at.json, &requests, requests.as_array().into_iter().flatten().map(line))
}

fn text(prepared: &Value) -> Result<(&str, i64), Failure> {
    let both = prepared["text"].as_str().zip(prepared["at_ms"].as_i64());
    both.ok_or_else(|| anyhow!("the box gave no text to sign")).or_exit(exit::UNAVAILABLE)
}

fn read(key: &Path) -> Result<SigningKey, Failure> {
    let text = Zeroizing::new(store::read_bounded(key).or_exit(exit::DATA)?);
    SigningKey::parse(&text).or_exit(exit::DATA)
}
