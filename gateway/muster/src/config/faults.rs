//! What is wrong with the form of a configuration, all of it: each slip of syntax, unknown key and
//! wrong value with its line; and on which line a table or key stands.
//!
//! Reading stops at the first wrong item, so that item is taken out and what is left is read again,
//! at most [`MAX_FAULTS`] times.

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue, Deserializer, Error};

/// Faults that are told of one file.
const MAX_FAULTS: usize = 64;

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Line, from 1.
    pub(crate) line: usize,
    /// What is wrong.
    pub(crate) message: String,
}

/// Reads a whole file as `T`, or says everything that keeps it from being one.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Vec<Fault>> {
    let (mut table, slips) = DeTable::parse_recoverable(text);
    if !slips.is_empty() {
        return Err(slips.iter().take(MAX_FAULTS).map(|slip| fault(text, slip)).collect());
    }
    let mut faults = Vec::new();
    while faults.len() < MAX_FAULTS {
        let error = match T::deserialize(Deserializer::from(table.clone())) {
            Ok(read) if faults.is_empty() => return Ok(read),
            Ok(_) => break,
            Err(error) => error,
        };
        // What is missing only because it was taken out is told already.
        if faults.is_empty() || !error.message().starts_with("missing field") {
            faults.push(fault(text, &error));
        }
        let wrong = error.span().map(|span| span.start);
        if !wrong.is_some_and(|wrong| take_out(table.get_mut(), wrong)) {
            break;
        }
    }
    faults.sort_by_key(|fault| fault.line);
    Err(faults)
}

fn fault(text: &str, error: &Error) -> Fault {
    let line = error.span().map_or(1, |span| line_at(text, span.start));
    Fault { line, message: error.message().to_owned() }
}

fn line_at(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

/// Takes the smallest item that stands at `offset` out; whether there was one.
fn take_out(table: &mut DeTable<'_>, offset: usize) -> bool {
    if table.iter_mut().any(|(_, value)| take_out_below(value.get_mut(), offset)) {
        return true;
    }
    let stands = |span: std::ops::Range<usize>| span.contains(&offset);
    let here = table.iter().find(|(key, value)| stands(key.span()) || stands(value.span()));
    let Some(key) = here.map(|(key, _)| key.clone()) else { return false };
    table.remove(&key).is_some()
}

fn take_out_below(value: &mut DeValue<'_>, offset: usize) -> bool {
    match value {
        DeValue::Table(table) => take_out(table, offset),
        DeValue::Array(items) => {
            if items.iter_mut().any(|item| take_out_below(item.get_mut(), offset)) {
                return true;
            }
            let before = items.len();
            let kept = items.iter().filter(|item| !item.span().contains(&offset)).cloned();
            *items = kept.collect();
            items.len() < before
        }
        _ => false,
    }
}

/// The line of what a problem is about, as `[mqtt] loopback`, `[[region]] 2 (sg) url` or
/// `[[serial]] /dev/ttyUSB0`: of the key, else of its table.
pub(crate) fn line_of(text: &str, at: &str) -> Option<usize> {
    let (name, rest) = at.strip_prefix('[')?.split_once(']')?;
    let name = name.trim_start_matches('[');
    let words: Vec<&str> = rest.trim_start_matches(']').split_whitespace().collect();
    let (table, _) = DeTable::parse_recoverable(text);
    let (key, value) = table.get_ref().get_key_value(name)?;
    let (item, words) = match value.get_ref() {
        DeValue::Array(items) => {
            let (first, rest) = words.split_first()?;
            (items.iter().enumerate().find(|(i, item)| is(*i, item.get_ref(), first))?.1, rest)
        }
        _ => (value, words.as_slice()),
    };
    let starts =
        if item.get_ref().is_table() && words.is_empty() { item.span() } else { key.span() };
    let path = words.last().map_or("", |word| *word);
    let exact = key_span(item.get_ref(), path).unwrap_or(match value.get_ref() {
        DeValue::Array(_) => item.span().start,
        _ => starts.start,
    });
    Some(line_at(text, exact))
}

/// Whether an item of an array is the one that is named by its number or by one of its values.
fn is(index: usize, item: &DeValue<'_>, word: &str) -> bool {
    let has =
        |table: &DeTable<'_>| table.iter().any(|(_, value)| value.get_ref().as_str() == Some(word));
    word.parse::<usize>().map_or_else(|_| item.as_table().is_some_and(has), |n| n == index + 1)
}

/// Where a key below a table begins, as `url` or `dingtalk.token_url`.
fn key_span(item: &DeValue<'_>, path: &str) -> Option<usize> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let (key, value) = item.as_table()?.get_key_value(first)?;
    if rest.is_empty() { Some(key.span().start) } else { key_span(value.get_ref(), rest) }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    #[test]
    fn every_fault_is_told_with_its_line() {
        let check = |text: &str, expect: &[(usize, &str)]| {
            let faults = read::<Config>(text).err().unwrap_or_default();
            let found: Vec<usize> = faults.iter().map(|fault| fault.line).collect();
            let lines: Vec<usize> = expect.iter().map(|(line, _)| *line).collect();
            assert_eq!(found, lines, "{text}: {faults:?}");
            for (fault, (_, says)) in faults.iter().zip(expect) {
                assert!(fault.message.contains(says), "{fault:?}");
            }
        };
        check("[box]\nsite = 'a'\n", &[]);
        check("", &[(1, "missing field `box`")]);
        check("[box\nsite = 'a'\n", &[(1, "unclosed table")]);
        check(
            "[box]\nsite = 5\nx = 1\n[nope]\ny = 1\n[mqtt]\nz = 3\n",
            &[(2, "integer"), (3, "`x`"), (4, "`nope`"), (7, "`z`")],
        );
        let regions = "[box]\nsite = 'a'\n[[region]]\ndestination = 'a'\nconnector = 'ftp'\n\
                       [[region]]\ncolour = 1\n";
        let faults = read::<Config>(regions).err().unwrap_or_default();
        assert!(faults.iter().any(|f| f.line == 5 && f.message.contains("`ftp`")), "{faults:?}");
        assert!(faults.iter().any(|f| f.line == 7 && f.message.contains("`colour`")), "{faults:?}");
    }

    #[test]
    fn what_a_problem_is_about_has_its_line() {
        let text = "[box]\nsite = 'a b'\n\n[mqtt]\nloopback = '0.0.0.0:1'\n[[serial]]\n\
                    port = '/dev/x'\n[[region]]\ndestination = 'one'\n[[region]]\n\
                    destination = 'two'\nurl = 'x'\n[region.dingtalk]\ntoken_url = 'y'\n";
        let check = |at: &str, expect: Option<usize>| assert_eq!(line_of(text, at), expect, "{at}");
        check("[box] site", Some(2));
        check("[mqtt] loopback", Some(5));
        check("[mqtt] listen", Some(4));
        check("[[serial]] /dev/x", Some(6));
        check("[[region]] 2 (two) url", Some(12));
        check("[[region]] one", Some(8));
        check("[[region]] 2 (two) dingtalk.token_url", Some(14));
        check("[[region]] 3 (none) url", None);
        check("[metrics] listen", None);
        check("/etc/muster/policy.toml", None);
    }
}
