//! How long a person needs, counted by walking the handbook's own pages at a stated pace: what the
//! handbook prints of it is what comes out here. The machine's part is measured by the tests of the
//! package.

use anyhow::{Context as _, Result, ensure};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Seconds: see `deploy/handbook/src/times.md`.
const READ_WORD: f64 = 0.4;
const TYPE: f64 = 0.5;
const TYPE_CODE: f64 = 0.75;
const THINK: f64 = 1.35;
const WRITE: f64 = 0.9;
const AUTHENTICATOR: f64 = 60.0;
const DISK: f64 = 60.0;

/// The terminal is one on the network.
const OTHER_WAY: &str = "On a serial line";
/// Characters of a recovery sheet without its spaces, and sheets.
const SHEET: f64 = 72.0;
const SHEETS: f64 = 3.0;
/// Pairs of digits of a fingerprint.
const PAIRS: f64 = 32.0;
/// Questions of `init`: each a line to read, an answer as long as an address.
const QUESTIONS: usize = 8;
const QUESTION_WORDS: f64 = 12.0;
const ANSWER: f64 = 14.0;
/// Fields on the way into the page: address, name, code, a password twice, six digits of the app.
const FIELDS: [f64; 6] = [28.0, 5.0, 19.0, 20.0, 20.0, 6.0];

fn page(name: &str) -> Result<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/handbook/src").join(name);
    fs::read_to_string(&path).with_context(|| path.display().to_string())
}

/// The sections whose headings begin so, without the way that is not gone.
fn sections(text: &str, headings: &[&str]) -> Result<String> {
    let all: Vec<&str> = text.split("\n## ").skip(1).collect();
    let mut found = Vec::new();
    for wanted in headings {
        let section = all.iter().find(|section| section.starts_with(wanted));
        let section = section.with_context(|| format!("no section {wanted}"))?;
        found.extend(section.split("\n### ").filter(|part| !part.starts_with(OTHER_WAY)));
    }
    Ok(found.join("\n"))
}

/// What a text makes somebody do: read its words, and type the lines of its blocks of shell, and of
/// those that show a terminal's console what is typed there.
fn seconds(text: &str) -> f64 {
    let (mut total, mut block) = (0.0, "");
    for line in text.lines() {
        let pace = if line.contains("://") { TYPE_CODE } else { TYPE };
        let typed = match (line.trim().strip_prefix("```"), block) {
            (Some(kind), "") => {
                block = if kind.is_empty() { "text" } else { kind };
                None
            }
            (Some(_), _) => {
                block = "";
                None
            }
            (None, "sh" | "toml") => Some(line.trim()),
            (None, "console") if line.contains("://") => Some(line),
            (None, "console") => line.split_once("# ").map(|(_, typed)| typed),
            _ => None,
        };
        total += match typed {
            Some(typed) => THINK + pace * (typed.chars().count() + 1) as f64,
            None if line.trim().starts_with("```") => 0.0,
            None => READ_WORD * line.split_whitespace().count() as f64,
        };
    }
    total
}

fn to_first_punch() -> Result<f64> {
    let pages = sections(&page("quick-start.md")?, &["1.", "2.", "3.", "4.", "5."])?;
    let questions = QUESTIONS as f64 * (QUESTION_WORDS * READ_WORD + THINK + TYPE * ANSWER);
    let sheets = SHEETS * SHEET * WRITE + THINK + SHEET * TYPE_CODE;
    let log_in: f64 = FIELDS.iter().map(|field| THINK + TYPE_CODE * field).sum();
    Ok(seconds(&pages) + questions + sheets + log_in + PAIRS * READ_WORD + AUTHENTICATOR)
}

fn to_restored() -> Result<f64> {
    let pages = sections(&page("backup.md")?, &["Restore"])?;
    let install = sections(&page("quick-start.md")?, &["1."])?;
    Ok(seconds(&pages) + seconds(&install) + 2.0 * (THINK + SHEET * TYPE_CODE) + DISK)
}

/// `N min N s` in a row of the table, and the minutes promised.
fn printed(row: &str) -> Result<(f64, f64)> {
    let text = page("times.md")?;
    let line =
        text.lines().find(|line| line.starts_with(&format!("| {row} "))).context("no row")?;
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    let number = |word: Option<&str>| word.and_then(|w| w.parse::<f64>().ok()).context("a number");
    let mut words = cells.get(3).context("no cell")?.split(' ');
    let (minutes, _, seconds) = (number(words.next())?, words.next(), number(words.next())?);
    let promised = number(cells.get(5).and_then(|cell| cell.split(' ').next()))?;
    Ok((minutes * 60.0 + seconds, promised * 60.0))
}

#[test]
fn a_persons_part_is_as_printed_and_within_what_is_promised() -> Result<()> {
    for (row, counted) in [("package", to_first_punch()?), ("dead box", to_restored()?)] {
        let (printed, promised) = printed(row)?;
        let said = Duration::from_secs_f64(counted.round());
        ensure!(counted < promised, "{row}: {said:?} is more than is promised");
        ensure!(
            (counted - printed).abs() < 10.0,
            "{row}: the handbook says {printed} s, not {said:?}"
        );
    }
    Ok(())
}

#[test]
fn typing_and_reading_are_told_apart() {
    let text = "two words\n```sh\nabc\n```\n```console\nbox# muster\nanswer is read\n```\n";
    let expect = 5.0 * READ_WORD + 2.0 * THINK + TYPE * (4.0 + 7.0);
    assert!((seconds(text) - expect).abs() < 1e-9, "{} {expect}", seconds(text));
}
