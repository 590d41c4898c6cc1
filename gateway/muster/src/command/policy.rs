//! `muster policy`: check, key, sign, publish, explain, replay.

mod history;
mod replay;
mod warnings;

use crate::cli::{BoxArgs, PolicyCommand};
use crate::config::Config;
use crate::control::Request;
use crate::exit::{self, Failure, OrExit as _, Outcome};
use crate::store;
use crate::words::{fill, language, say};
use anyhow::{Context as _, anyhow};
use muster_ledger::Governance;
use muster_residency::explain;
use muster_residency::key::SigningKey;
use muster_residency::{LawPack, Policy, Rules, StoredDecision, check as checks, signature};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use zeroize::Zeroizing;

pub(super) fn policy(command: PolicyCommand) -> Outcome {
    match command {
        PolicyCommand::Check { policy, law_pack, at } => check(&policy, law_pack, &at),
        PolicyCommand::Diff { policy, from, law_pack, at } => diff(&policy, from, law_pack, &at),
        PolicyCommand::Key { person, role, out, json } => key(&person, &role, &out, json),
        PolicyCommand::Sign { policy, key, law_pack, at } => sign(&policy, &key, law_pack, &at),
        PolicyCommand::Shadow { policy, law_pack, at } => history::shadow(&policy, law_pack, &at),
        PolicyCommand::History { at } => history::history(&at),
        PolicyCommand::Rollback { version, out, at } => history::rollback(version, &out, &at),
        PolicyCommand::Publish { policy, at } => publish(&policy, &at),
        PolicyCommand::Explain { record, at } => {
            let explained = super::ask(&at, Request::Explain { record })?.result;
            super::tell(at.json, &explained, explain(&explained))
        }
        PolicyCommand::Replay { vectors, policies, law_pack, json } => {
            replay::vectors(&vectors, &policies, &law_pack, json)
        }
    }
}

/// Policy and law pack as given, the law pack from the box where none is named.
fn read(
    policy: &Path,
    law_pack: Option<PathBuf>,
    at: &BoxArgs,
) -> Result<(Policy, LawPack), Failure> {
    let law_pack = match law_pack {
        Some(path) => path,
        None => box_law_pack(at)?,
    };
    let text = store::read_bounded(policy).or_exit(exit::DATA)?;
    let parsed = Policy::parse(&text).with_context(|| policy.display().to_string());
    let pack = store::read_bounded(&law_pack).or_exit(exit::DATA)?;
    let pack = LawPack::parse(&pack).with_context(|| law_pack.display().to_string());
    Ok((parsed.or_exit(exit::DATA)?, pack.or_exit(exit::DATA)?))
}

fn box_law_pack(at: &BoxArgs) -> Result<PathBuf, Failure> {
    let config = Config::load(at.config.as_deref())
        .context("no --law-pack given, and no box to take it from")
        .or_exit(exit::CONFIG)?;
    let section = config.policy.ok_or_else(|| anyhow!("the configuration has no [policy]"));
    Ok(section.or_exit(exit::CONFIG)?.law_pack)
}

fn key(person: &str, role: &str, out: &Path, json: bool) -> Outcome {
    let mut seed = Zeroizing::new([0; 32]);
    SystemRandom::new().fill(seed.as_mut()).map_err(|_| anyhow!("no random numbers"))?;
    let key = SigningKey::new(person, role, seed).or_exit(exit::USAGE)?;
    store::write_private(out, key.to_text().as_bytes())?;
    let mut public = out.as_os_str().to_owned();
    public.push(".pub");
    fs::write(&public, key.trusted().to_text())?;
    let (private, public) = (out.display().to_string(), Path::new(&public).display().to_string());
    let lines = [
        format!("private half: {private} (keep it with {person} alone)"),
        format!("public half:  {public}"),
    ];
    super::tell(json, &serde_json::json!({ "private": private, "public": public }), lines)
}

fn sign(policy: &Path, key: &Path, law_pack: Option<PathBuf>, at: &BoxArgs) -> Outcome {
    let (parsed, pack) = read(policy, law_pack, at)?;
    let text = Zeroizing::new(store::read_bounded(key).or_exit(exit::DATA)?);
    let key = SigningKey::parse(&text).or_exit(exit::DATA)?;
    let line = signature::sign(&parsed, &pack, &key);
    let existing = store::read_signatures(policy).or_exit(exit::DATA)?;
    store::replace(&store::signatures_path(policy), &signature::with_line(&existing, &line))?;
    let (person, role) = (key.person(), key.role());
    let name = format!("{}@{}", parsed.header.id, parsed.header.version);
    let line = format!("{person} signed {name} as {role}");
    let told = serde_json::json!({ "policy": name, "person": person, "role": role });
    super::tell(at.json, &told, [line])
}

fn publish(policy: &Path, at: &BoxArgs) -> Outcome {
    let config = super::load(at)?;
    let section = config.policy.as_ref().ok_or_else(|| anyhow!("no [policy] section"));
    let governance = Governance {
        policy: store::read_bounded(policy).or_exit(exit::DATA)?,
        law_pack: store::read_bounded(&section.or_exit(exit::CONFIG)?.law_pack)?,
        signatures: store::read_signatures(policy).or_exit(exit::DATA)?,
    };
    refused_here(policy, at)?;
    let answer = super::ask(at, Request::Publish { governance });
    let done = answer.map_err(|failure| failure.of(policy))?.result;
    if at.json {
        return super::print_json(&done);
    }
    if let Ok((parsed, pack)) = read(policy, None, at) {
        super::print_lines(warnings::lines(&warnings::of(&parsed, &pack, at)))?;
    }
    if let Some(next) = done["next"].as_str() {
        return super::print_lines([format!("{next} is accepted and takes over on its day")]);
    }
    let name = done["policy"].as_str().unwrap_or("the policy").to_owned();
    let holds: Vec<&str> =
        done["holds"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if holds.is_empty() {
        return super::print_lines([format!("{name} is in force")]);
    }
    super::print_lines([format!("{name} is here, but nothing leaves: {}", holds.join(", "))])
}

/// Every finding; a policy with an error is refused (exit 65).
fn check(policy: &Path, law_pack: Option<PathBuf>, at: &BoxArgs) -> Outcome {
    let (parsed, pack) = read(policy, law_pack, at)?;
    let mut findings = checks::check(&parsed, &pack);
    findings.extend(warnings::of(&parsed, &pack, at));
    if at.json {
        super::print_json(&findings)?;
    } else if findings.is_empty() {
        super::print_lines([say("told-policy-good")])?;
    } else {
        super::print_lines(told(policy, &findings))?;
    }
    let refused = findings.iter().any(|f| f.severity == checks::Severity::Error);
    Ok(if refused { ExitCode::from(exit::DATA) } else { ExitCode::SUCCESS })
}

/// Findings as lines, in the language of `LANG`.
fn told(policy: &Path, findings: &[checks::Finding]) -> Vec<String> {
    let line = |f: &checks::Finding| super::plain(&f.in_line(language()));
    findings.iter().map(|f| format!("{}: {}", policy.display(), line(f))).collect()
}

/// What keeps a policy from being published, before the box is asked: told in the language of
/// `LANG`, where the box would say it in English.
fn refused_here(policy: &Path, at: &BoxArgs) -> Result<(), Failure> {
    let (parsed, pack) = read(policy, None, at)?;
    let mut findings = checks::check(&parsed, &pack);
    findings.retain(|f| f.severity == checks::Severity::Error);
    if findings.is_empty() {
        return Ok(());
    }
    Err(Failure::new(exit::DATA, anyhow!("{}", told(policy, &findings).join("\n        "))))
}

fn diff(policy: &Path, from: Option<PathBuf>, law_pack: Option<PathBuf>, at: &BoxArgs) -> Outcome {
    let (new, pack) = read(policy, law_pack.clone(), at)?;
    let from = match from {
        Some(from) => from,
        None => in_force(at)?,
    };
    let (old, old_pack) = read(&from, law_pack, at)?;
    let warnings = warnings::lines(&warnings::of(&new, &pack, at));
    let diff = muster_residency::diff::diff(&Rules::new(old, old_pack), &Rules::new(new, pack));
    if at.json {
        return super::print_json(&diff);
    }
    let line = |c: &muster_residency::diff::Change| {
        let example = c.example.as_ref().map(|e| format!(" (as: {e})")).unwrap_or_default();
        let direction = c.direction.told(language());
        super::plain(&format!("{direction:<9} {}{example}", c.told(language())))
    };
    let last = fill("told-in-all", &[("direction", &diff.direction.told(language()))]);
    super::print_lines(diff.changes.iter().map(line).chain([last]).chain(warnings))
}

/// The policy's file that the configuration names.
fn in_force(at: &BoxArgs) -> Result<PathBuf, Failure> {
    let section = super::load(at)?.policy.ok_or_else(|| anyhow!("no [policy] section"));
    Ok(section.or_exit(exit::CONFIG)?.file)
}

/// The stored decision in words, in the language of `LANG`.
fn explain(explained: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), super::plain);
    let mut lines = vec![format!("record   {}", text(&explained["id"]))];
    lines.push(format!("state    {}", text(&explained["state"])));
    if let Ok(decision) = serde_json::from_value::<StoredDecision>(explained["decision"].clone()) {
        let words = explain::words(&decision, language());
        lines.push(format!("decided  {}", words.verdict));
        for (code, sentence, cite) in words.reasons {
            let cite = cite.map(|cite| format!(" [{cite}]")).unwrap_or_default();
            lines.push(format!("because  {code}: {sentence}{cite}"));
        }
        lines.extend(words.to_release.iter().map(|set| format!("frees it {}", set.join(" + "))));
        lines.push(words.note);
        if explained["law_pack_overdue"] == true {
            lines.push(explain::overdue(language()));
        }
    }
    if !explained["rules"].is_null() {
        lines.push(format!("under    {}", explained["rules"]));
    }
    if !explained["paused"].is_null() {
        lines.push(format!("paused   {}", explained["paused"]));
    }
    lines
}
