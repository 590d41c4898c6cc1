//! Reading TOML with the line of every fault and its cure.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de::DeserializeOwned, de::Error as _};

/// Longest policy or law pack, in bytes.
pub const MAX_FILE_BYTES: usize = 1 << 20;

/// A policy or law pack that cannot be read: where, what and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}; {cure}")]
pub struct ParseError {
    /// The line of the file, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub cure: String,
}

impl ParseError {
    /// A fault on `line`.
    pub(crate) fn new(line: usize, what: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { line, what: what.into(), cure: cure.into() }
    }
}

/// Reads `text` as a `T`, refusing what is too long.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, ParseError> {
    if text.len() > MAX_FILE_BYTES {
        let what = format!("the file has {} bytes, over {MAX_FILE_BYTES}", text.len());
        return Err(ParseError::new(1, what, "split or shorten it"));
    }
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        let what = error.message().trim().replace('\n', " ");
        let cure = cure_of(&what);
        ParseError { line, what, cure }
    })
}

/// Refuses a file of another schema.
pub(crate) fn expect_schema(text: &str, found: &str, wanted: &str) -> Result<(), ParseError> {
    if found == wanted {
        return Ok(());
    }
    let line = text.lines().position(|l| l.trim_start().starts_with("schema")).map_or(1, |i| i + 1);
    let what = format!("schema is `{}`, not `{wanted}`", found.escape_default());
    Err(ParseError::new(line, what, "give a file of this schema, or a newer program"))
}

/// The line, from 1, on which byte `at` of `text` is.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|&b| b == b'\n').count() + 1
}

/// Reads an offset date-time such as `2026-04-01T00:00:00+08:00`.
pub(crate) fn timestamp<'de, D: Deserializer<'de>>(d: D) -> Result<Timestamp, D::Error> {
    let at = toml::value::Datetime::deserialize(d)?;
    at.to_string().parse().map_err(|_| {
        D::Error::custom(format!("`{at}` is not a date and time with an offset from UTC"))
    })
}

/// Reads a date such as `2026-06-01`.
pub(crate) fn date<'de, D: Deserializer<'de>>(d: D) -> Result<jiff::civil::Date, D::Error> {
    let at = toml::value::Datetime::deserialize(d)?;
    at.to_string().parse().map_err(|_| D::Error::custom(format!("`{at}` is not a date")))
}

fn cure_of(what: &str) -> String {
    let cure = if what.starts_with("unknown field") {
        "correct the name or remove the line"
    } else if what.starts_with("missing field") {
        "add it to this table"
    } else if what.contains("duplicate") {
        "keep one of them"
    } else if what.starts_with("invalid type") || what.contains("is not") {
        "correct the value"
    } else {
        "correct this line"
    };
    cure.to_owned()
}
