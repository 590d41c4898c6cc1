//! `muster policy`: check, key, sign, publish, explain, replay.

mod history;
mod warnings;

use crate::cli::{BoxArgs, PolicyCommand};
use crate::config::Config;
use crate::control::Request;
use crate::exit::{self, Failure, OrExit as _, Outcome};
use crate::store;
use crate::words::language;
use anyhow::{Context as _, anyhow};
use muster_ledger::Governance;
use muster_residency::explain;
use muster_residency::key::SigningKey;
use muster_residency::{
    LawPack, Policy, Rules, StoredDecision, check as checks, replay, signature,
};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use zeroize::Zeroizing;

pub(super) fn policy(command: PolicyCommand) -> Outcome {
    match command {
        PolicyCommand::Check { policy, law_pack, json, at } => check(&policy, law_pack, json, &at),
        PolicyCommand::Diff { policy, from, law_pack, json, at } => {
            diff(&policy, from, law_pack, json, &at)
        }
        PolicyCommand::Key { person, role, out } => key(&person, &role, &out),
        PolicyCommand::Sign { policy, key, law_pack, at } => sign(&policy, &key, law_pack, &at),
        PolicyCommand::Shadow { policy, law_pack, json, at } => {
            history::shadow(&policy, law_pack, json, &at)
        }
        PolicyCommand::History { json, at } => history::history(json, &at),
        PolicyCommand::Rollback { version, out, at } => history::rollback(version, &out, &at),
        PolicyCommand::Publish { policy, at } => publish(&policy, &at),
        PolicyCommand::Explain { record, json, at } => {
            let explained = super::ask(&at, Request::Explain { record })?.result;
            if json { super::print_json(&explained) } else { explain(&explained) }
        }
        PolicyCommand::Replay { vectors, policies, law_pack, json } => {
            replay_vectors(&vectors, &policies, &law_pack, json)
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

fn key(person: &str, role: &str, out: &Path) -> Outcome {
    let mut seed = Zeroizing::new([0; 32]);
    SystemRandom::new().fill(seed.as_mut()).map_err(|_| anyhow!("no random numbers"))?;
    let key = SigningKey::new(person, role, seed).or_exit(exit::USAGE)?;
    store::write_private(out, key.to_text().as_bytes())?;
    let mut public = out.as_os_str().to_owned();
    public.push(".pub");
    fs::write(&public, key.trusted().to_text())?;
    super::print_lines([
        format!("private half: {} (keep it with {person} alone)", out.display()),
        format!("public half:  {}", Path::new(&public).display()),
    ])
}

fn sign(policy: &Path, key: &Path, law_pack: Option<PathBuf>, at: &BoxArgs) -> Outcome {
    let (parsed, pack) = read(policy, law_pack, at)?;
    let text = Zeroizing::new(store::read_bounded(key).or_exit(exit::DATA)?);
    let key = SigningKey::parse(&text).or_exit(exit::DATA)?;
    let line = signature::sign(&parsed, &pack, &key);
    let existing = store::read_signatures(policy).or_exit(exit::DATA)?;
    store::replace(&store::signatures_path(policy), &signature::with_line(&existing, &line))?;
    super::print_lines([format!(
        "{} signed {}@{} as {}",
        key.person(),
        parsed.header.id,
        parsed.header.version,
        key.role()
    )])
}

fn publish(policy: &Path, at: &BoxArgs) -> Outcome {
    let config = super::load(at)?;
    let section = config.policy.as_ref().ok_or_else(|| anyhow!("no [policy] section"));
    let governance = Governance {
        policy: store::read_bounded(policy).or_exit(exit::DATA)?,
        law_pack: store::read_bounded(&section.or_exit(exit::CONFIG)?.law_pack)?,
        signatures: store::read_signatures(policy).or_exit(exit::DATA)?,
    };
    let answer = super::ask(at, Request::Publish { governance });
    let done = answer.map_err(|failure| failure.of(policy))?.result;
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
fn check(policy: &Path, law_pack: Option<PathBuf>, json: bool, at: &BoxArgs) -> Outcome {
    let (parsed, pack) = read(policy, law_pack, at)?;
    let mut findings = checks::check(&parsed, &pack);
    findings.extend(warnings::of(&parsed, &pack, at));
    if json {
        super::print_json(&findings)?;
    } else if findings.is_empty() {
        super::print_lines(["the policy is good"])?;
    } else {
        super::print_lines(findings.iter().map(|f| format!("{}: {f}", policy.display())))?;
    }
    let refused = findings.iter().any(|f| f.severity == checks::Severity::Error);
    Ok(if refused { ExitCode::from(exit::DATA) } else { ExitCode::SUCCESS })
}

fn diff(
    policy: &Path,
    from: Option<PathBuf>,
    law_pack: Option<PathBuf>,
    json: bool,
    at: &BoxArgs,
) -> Outcome {
    let (new, pack) = read(policy, law_pack.clone(), at)?;
    let from = match from {
        Some(from) => from,
        None => in_force(at)?,
    };
    let (old, old_pack) = read(&from, law_pack, at)?;
    let warnings = warnings::lines(&warnings::of(&new, &pack, at));
    let diff = muster_residency::diff::diff(&Rules::new(old, old_pack), &Rules::new(new, pack));
    if json {
        return super::print_json(&diff);
    }
    let direction = |direction| serde_json::to_value(direction).unwrap_or_default();
    let line = |c: &muster_residency::diff::Change| {
        let example = c.example.as_ref().map(|e| format!(" (as: {e})")).unwrap_or_default();
        format!("{:<9} {}{example}", direction(c.direction).as_str().unwrap_or(""), c.what)
    };
    let last = format!("in all: {}", direction(diff.direction).as_str().unwrap_or(""));
    super::print_lines(diff.changes.iter().map(line).chain([last]).chain(warnings))
}

/// The policy's file that the configuration names.
fn in_force(at: &BoxArgs) -> Result<PathBuf, Failure> {
    let section = super::load(at)?.policy.ok_or_else(|| anyhow!("no [policy] section"));
    Ok(section.or_exit(exit::CONFIG)?.file)
}

/// The stored decision in words, in the language of `LANG`.
fn explain(explained: &Value) -> Outcome {
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
    super::print_lines(lines)
}

fn replay_vectors(vectors: &Path, policies: &Path, law_pack: &Path, json: bool) -> Outcome {
    let text = fs::read_to_string(vectors)
        .with_context(|| format!("cannot read {}", vectors.display()))
        .or_exit(exit::DATA)?;
    let pack = store::read_bounded(law_pack).or_exit(exit::DATA)?;
    let find = |name: &str| find_policy(policies, name);
    let outcomes = replay::replay(&text, &find, &pack).or_exit(exit::DATA)?;
    if json {
        return super::print_json(&outcomes);
    }
    let lines = outcomes.iter().map(|o| {
        let word = serde_json::to_value(o).unwrap_or_default();
        let text = |key: &str| word[key].as_str().unwrap_or("-").to_owned();
        format!("{} {} {} {}", text("id"), text("decision"), text("destination"), word["reasons"])
    });
    super::print_lines(lines)
}

/// A vector's policy, by file name with or without its ending; never outside the folder.
fn find_policy(folder: &Path, name: &str) -> Option<String> {
    let name = Path::new(name).file_name()?;
    let plain = folder.join(name);
    let ended = folder.join(format!("{}.toml", name.to_str()?));
    [plain, ended].iter().find_map(|path| store::read_bounded(path).ok())
}
