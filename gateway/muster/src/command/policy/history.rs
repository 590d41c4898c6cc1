//! `muster policy shadow`, `history` and `rollback`: trying a policy, and the versions before it.

use crate::cli::BoxArgs;
use crate::control::Request;
use crate::exit::{self, OrExit as _, Outcome};
use crate::store;
use anyhow::{Context as _, anyhow};
use muster_ledger::Governance;
use muster_residency::edit;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Moves that a trial prints.
const MAX_MOVES: usize = 40;

pub(super) fn shadow(policy: &Path, law_pack: Option<PathBuf>, at: &BoxArgs) -> Outcome {
    let law_pack = match law_pack {
        Some(path) => path,
        None => super::box_law_pack(at)?,
    };
    let governance = Governance {
        policy: store::read_bounded(policy).or_exit(exit::DATA)?,
        law_pack: store::read_bounded(&law_pack).or_exit(exit::DATA)?,
        signatures: String::new(),
    };
    let answer = super::super::ask(at, Request::Shadow { governance });
    let shadow = answer.map_err(|failure| failure.of(policy))?.result;
    let moves = shadow["moves"].as_array().into_iter().flatten().take(MAX_MOVES);
    let line = |one: &Value| {
        let text = |key: &str| super::super::plain(one[key].as_str().unwrap_or_default());
        let [direction, from, to, example] = ["direction", "from", "to", "example"].map(text);
        format!("{direction:<9} {:>7}  {from} -> {to}  (as {example})", one["count"])
    };
    let total = format!(
        "in all: {} records of the last 30 days, {} loosened, {} tightened; nothing was sent",
        shadow["records"], shadow["loosens"], shadow["tightens"]
    );
    super::super::tell(at.json, &shadow, moves.map(line).chain([total]))
}

pub(super) fn history(at: &BoxArgs) -> Outcome {
    let versions = super::super::ask(at, Request::History)?.result;
    let line = |version: &Value| {
        let text = |value: &Value| super::super::plain(value.as_str().unwrap_or_default());
        let signers = version["signers"].as_array().into_iter().flatten();
        let signers: Vec<String> = signers.map(|signer| text(&signer["person"])).collect();
        format!(
            "{}@{} {} from {} until {}, by {}{}",
            text(&version["id"]),
            version["version"],
            text(&version["direction"]),
            text(&version["from"]),
            text(&version["until"]),
            signers.join(" and "),
            if version["superseded"] == true { " (never came in force)" } else { "" }
        )
    };
    let lines = versions.as_array().into_iter().flatten().map(line);
    super::super::tell(at.json, &versions, lines)
}

pub(super) fn rollback(version: u32, out: &Path, at: &BoxArgs) -> Outcome {
    let versions = super::super::ask(at, Request::History)?.result;
    let all = || versions.as_array().into_iter().flatten();
    let wanted = all().rev().find(|v| v["version"] == version);
    let wanted = wanted.ok_or_else(|| {
        anyhow!("version {version} was never accepted; `muster policy history` shows what was")
    });
    let wanted = wanted.or_exit(exit::DATA)?;
    let same = all().filter(|v| v["id"] == wanted["id"]);
    let highest = same.filter_map(|v| v["version"].as_u64()).max().unwrap_or(0);
    let highest = u32::try_from(highest).unwrap_or(u32::MAX - 1);
    let text = wanted["governance"]["policy"].as_str().unwrap_or_default();
    let next = edit::renumbered(text, highest.saturating_add(1)).or_exit(exit::DATA)?;
    if out.exists() {
        let error = anyhow!("{} is there already; name another file", out.display());
        return Err(exit::Failure::new(exit::DATA, error));
    }
    std::fs::write(out, next).with_context(|| format!("cannot write {}", out.display()))?;
    let (file, next) = (out.display().to_string(), highest.saturating_add(1));
    let line = format!("version {version} is in {file} as version {next}; sign it and publish it");
    super::super::tell(at.json, &serde_json::json!({ "file": file, "version": next }), [line])
}
