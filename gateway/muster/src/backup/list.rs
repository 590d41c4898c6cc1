//! The list of a backup: what it holds, of which box, and whom that box has erased.

use super::key::PieceSalt;
use muster_ledger::Erasure;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// All that a backup says of itself; sealed in the file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct List {
    /// Tells boxes apart.
    pub(crate) box_id: String,
    /// The site, as the configuration names it.
    pub(crate) site: String,
    /// When it was made, milliseconds since 1970 by the box's clock.
    pub(crate) made_ms: i64,
    /// The program that made it.
    pub(crate) version: String,
    /// Records in its journal.
    pub(crate) records: u64,
    /// Starts of the box up to then.
    pub(crate) starts: u32,
    /// Epoch of its event ids.
    pub(crate) epoch: u16,
    /// Whom the box had erased; a restore of an older backup erases them again.
    #[serde(default)]
    pub(crate) erasures: Vec<Erasure>,
    /// Files by name: `journal/…`, `keys/…`, `config/…`.
    pub(crate) files: BTreeMap<String, Entry>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) len: u64,
    pub(crate) sha256: Vec<u8>,
    pub(crate) pieces: Vec<Piece>,
}

/// A sealed stretch of the backup's file, and what it holds of the plain one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Piece {
    pub(crate) at: u64,
    pub(crate) sealed: u64,
    pub(crate) plain: u64,
    pub(crate) salt: PieceSalt,
}

impl List {
    /// The files whose names begin with `folder/`, with the rest of their names.
    pub(crate) fn under(&self, folder: &str) -> impl Iterator<Item = (&str, &str)> {
        let names = self.files.keys().map(String::as_str);
        let folder = folder.to_owned();
        names.filter_map(move |name| Some((name, name.strip_prefix(&folder)?.strip_prefix('/')?)))
    }
}

/// Whether a name leads nowhere but into its folder: plain words, no `..`.
pub(crate) fn is_plain(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && part.chars().all(fits);
    name.len() <= 128 && name.split('/').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_told() {
        for good in ["journal/0000000000000001.journal", "keys/sealed/device-ca", "config/a.toml"] {
            assert!(is_plain(good), "{good}");
        }
        for bad in ["", "/etc/passwd", "keys/../x", "keys//x", "a/.hidden", "a\\b", "a/\0"] {
            assert!(!is_plain(bad), "{bad:?}");
        }
    }
}
