//! Checks what a Muster box signed, without the box: an audit pack or statement against its `.sig`,
//! or one law's side of the transfers. Opens parcels that a box sealed to a customer's key.
#![forbid(unsafe_code)]

mod open;

use muster_report::{pack, sides};
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
Checks what a Muster box signed. Exit 0: it is what the box signed; 1: it is not; 2: unreadable.

Usage: muster-verify FILE [--key KEY]
       muster-verify open --key PRIVATE.pem --destination NAME [FILE]   (see open --help)

FILE   an audit pack or statement with its signature beside it in FILE.sig,
       or one law's side of the transfers (FILE.jsonl), which carries its own
--key  the box's public key, 64 hex digits or a file that holds them; get it from the box's page
       or from people you trust, not from where FILE came from

Example: muster-verify audit-2026-11.tar --key box.key.pub
";
/// The largest file that is read, bytes.
const MAX_FILE: u64 = 4 << 30;
/// Bytes of a pack's word on the journal that are read.
const MAX_JOURNAL: u64 = 1 << 20;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1).peekable();
    if words.next_if(|word| word == "open").is_some() {
        return open::run(words);
    }
    let (mut file, mut key) = (None, None);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--help" | "-h" => return say(0, USAGE),
            "--key" => key = words.next(),
            _ if file.is_none() && !word.starts_with('-') => file = Some(PathBuf::from(word)),
            _ => return say(64, USAGE),
        }
    }
    let Some(file) = file else { return say(64, USAGE) };
    match run(&file, key.as_deref()) {
        Ok(Ok(text)) => say(0, &text),
        Ok(Err(fault)) => say(1, &format!("NOT what the box signed: {fault}\n")),
        Err(error) => say(2, &format!("cannot check: {error}\n")),
    }
}

fn run(file: &Path, key: Option<&str>) -> Result<Result<String, pack::Fault>, String> {
    let expected = key.map(read_key).transpose()?;
    let bytes = read(file)?;
    if bytes.starts_with(b"{") {
        let text = String::from_utf8(bytes).map_err(|_| "the file is no text".to_owned())?;
        return Ok(sides::verify(&text, expected).map(|checked| side(&checked, expected)));
    }
    let mut beside = file.as_os_str().to_owned();
    beside.push(".sig");
    let line = String::from_utf8(read(Path::new(&beside))?)
        .map_err(|_| "the signature is no text".to_owned())?;
    let checked = pack::verify(&bytes, &line, expected);
    Ok(checked.map(|signer| {
        let by = by(signer, expected);
        format!("whole: {}\n{by}{}", file.display(), journal(&bytes).unwrap_or_default())
    }))
}

/// What a pack says of the box's journal: the box's own word, and what retention took from it.
fn journal(bytes: &[u8]) -> Option<String> {
    let mut archive = tar::Archive::new(bytes);
    let mut files = archive.entries().ok()?.filter_map(Result::ok);
    let file =
        files.find(|file| file.path().is_ok_and(|path| path == Path::new("journal.json")))?;
    let told: Value = serde_json::from_reader(file.take(MAX_JOURNAL)).ok()?;
    let report = &told["journal"];
    let whole = if report["whole"] == true { "whole" } else { "DAMAGED" };
    let mut text = format!(
        "the journal, as the box itself checked it: {whole}, {} records\n",
        report["records"]
    );
    if let Some(deleted) = report["deleted"].as_object() {
        let count = |key: &str| deleted.get(key).and_then(Value::as_u64).unwrap_or(0);
        let (batches, records) = (count("batches"), count("records"));
        text += &format!(
            "retention deleted the first {batches} batches with {records} records, lawfully by \
             the journal's own acts\n"
        );
    }
    for (what, key) in [("records", "facts"), ("acts", "acts")] {
        let months = report["destroyed"][key].as_array().into_iter().flatten();
        let months = months.filter_map(Value::as_u64);
        let months: Vec<_> = months.map(|m| format!("{}-{:02}", m / 100, m % 100)).collect();
        if !months.is_empty() {
            text += &format!("retention destroyed the keys of {what} of {}\n", months.join(", "));
        }
    }
    Some(text)
}

fn side(checked: &sides::Checked, expected: Option<[u8; 32]>) -> String {
    let pairs: Vec<String> = checked.pairs.iter().map(|(lane, n)| format!("{lane} {n}")).collect();
    format!(
        "whole: the side of {}, {} entries\nroot {}\npairs {}\n{}",
        checked.law,
        checked.entries,
        checked.root,
        pairs.join(", "),
        by(checked.public_key, expected)
    )
}

fn by(key: [u8; 32], expected: Option<[u8; 32]>) -> String {
    let key = pack::hex(&key);
    match expected {
        Some(_) => format!("signed by the key that was given, {key}\n"),
        None => format!("signed by {key}; compare it with the key on the box's page\n"),
    }
}

fn read_key(text: &str) -> Result<[u8; 32], String> {
    let given = pack::read_key(text).or_else(|| {
        let text = std::fs::read_to_string(text).ok()?;
        pack::read_key(&text)
    });
    given.ok_or_else(|| "--key is neither 64 hex digits nor a file that holds them".into())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let told = |error: std::io::Error| format!("{}: {error}", path.display());
    if std::fs::metadata(path).map_err(told)?.len() > MAX_FILE {
        return Err(format!("{} is larger than 4 GiB", path.display()));
    }
    std::fs::read(path).map_err(told)
}

fn say(code: u8, text: &str) -> ExitCode {
    let written = match code {
        0 => std::io::stdout().write_all(text.as_bytes()),
        _ => std::io::stderr().write_all(text.as_bytes()),
    };
    // Nobody listens: the exit code says it.
    let _ = written;
    ExitCode::from(code)
}
