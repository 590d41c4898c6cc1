//! `muster policy replay`: vectors decided from their inputs, each on its line or as JSON.

use crate::exit::{self, OrExit as _, Outcome};
use crate::store;
use anyhow::{Context as _, Result, bail};
use muster_residency::replay::{self, Outcome as Decided};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// Longest file of vectors, in bytes.
const MAX_VECTORS_BYTES: u64 = 256 << 20;

/// Most files of a folder that are looked at for a policy's id.
const MAX_POLICIES: usize = 1000;

/// Prints what each case of `vectors` came to; on standard error, why a case could not be read.
pub(super) fn vectors(vectors: &Path, policies: &Path, law_pack: &Path, json: bool) -> Outcome {
    let text = read(vectors).or_exit(exit::DATA)?;
    let pack = store::read_bounded(law_pack).or_exit(exit::DATA)?;
    let find = |name: &str| find_policy(policies, name);
    let outcomes = replay::replay(&text, &find, &pack).or_exit(exit::DATA)?;
    tell_faults(&outcomes);
    if json {
        return super::super::print_json(&outcomes);
    }
    super::super::print_lines(outcomes.iter().map(line))
}

fn line(outcome: &Decided) -> String {
    let word = serde_json::to_value(outcome).unwrap_or_default();
    let text = |key: &str| word[key].as_str().unwrap_or("-").to_owned();
    format!("{} {} {} {}", text("id"), text("decision"), text("destination"), word["reasons"])
}

#[allow(clippy::print_stderr)]
fn tell_faults(outcomes: &[Decided]) {
    for outcome in outcomes {
        if let Some(fault) = &outcome.fault {
            let (id, fault) = (super::super::plain(&outcome.id), super::super::plain(fault));
            eprintln!("muster: case {id} holds with I-11: {fault}; correct the case");
        }
    }
}

fn read(vectors: &Path) -> Result<String> {
    let unreadable =
        || format!("cannot read {}; give a file of vectors, as text in UTF-8", vectors.display());
    let mut text = String::new();
    let file = File::open(vectors).with_context(unreadable)?;
    let mut bounded = file.take(MAX_VECTORS_BYTES + 1);
    let read = bounded.read_to_string(&mut text).with_context(unreadable)?;
    if read as u64 > MAX_VECTORS_BYTES {
        bail!("{} is larger than {MAX_VECTORS_BYTES} bytes; split it", vectors.display());
    }
    Ok(text)
}

/// A vector's policy: the file of that name, with or without its ending, or the one whose policy
/// has that id; never outside the folder.
fn find_policy(folder: &Path, name: &str) -> Option<String> {
    let file = Path::new(name).file_name()?;
    let plain = folder.join(file);
    let ended = folder.join(format!("{}.toml", file.to_str()?));
    let named = [plain, ended].iter().find_map(|path| store::read_bounded(path).ok());
    named.or_else(|| by_id(folder, name))
}

fn by_id(folder: &Path, id: &str) -> Option<String> {
    let files = folder.read_dir().ok()?.flatten().take(MAX_POLICIES);
    let policies = files.filter(|f| f.path().extension().is_some_and(|end| end == "toml"));
    policies.filter_map(|file| store::read_bounded(&file.path()).ok()).find(|text| {
        text.parse::<toml::Table>().is_ok_and(|policy| {
            let header = policy.get("policy").and_then(|p| p.get("id"));
            header.and_then(toml::Value::as_str) == Some(id)
        })
    })
}
