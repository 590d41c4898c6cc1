//! How many pieces of biometric evidence a box holds: counted from the headers of the vault, whose
//! entries stay shut, without those whose secret is destroyed.
//!
//! A backup has no evidence in it, so the count goes with it: a box that was restored from one tells
//! of the box it stands for, and not of its own empty vault.

use crate::backup::stage::RESTORED;
use anyhow::{Context as _, Result};
use muster_intake::vault::Reader;
use muster_ledger::{Keyring, KeyringError};
use std::collections::HashMap;
use std::path::Path;

/// The name in the keyring of the count at the last backup.
const PURPOSE: &str = "evidence-count";
const DAY_MS: i64 = 24 * 3600 * 1000;

/// What an incident report tells; `None` where nobody can say.
pub(crate) fn told(data: &Path, keyring: &Keyring) -> Option<u64> {
    match keyring.sealed_file(RESTORED) {
        Ok(None) => count(data, keyring).ok(),
        Ok(Some(_)) => {
            let kept = keyring.sealed_file(PURPOSE).ok()??;
            String::from_utf8(kept).ok()?.parse().ok()
        }
        Err(_) => None,
    }
}

/// Notes the count in the keyring, before a backup copies that. A box that was restored keeps the
/// count it came with.
pub(crate) fn note(data: &Path, keyring: &Keyring) -> Result<()> {
    if keyring.sealed_file(RESTORED)?.is_none() {
        let count = count(data, keyring)?.to_string();
        keyring.put_sealed_file(PURPOSE, count.as_bytes())?;
    }
    Ok(())
}

fn count(data: &Path, keyring: &Keyring) -> Result<u64> {
    let vault = data.join("vault");
    if !vault.is_dir() {
        return Ok(0);
    }
    let listed = Reader::open(vault, keyring.clone()).list().context("the vault's index")?;
    let mut kept: HashMap<_, bool> = HashMap::new();
    let mut count = 0;
    for entry in listed {
        let day = entry.received_ms.div_euclid(DAY_MS) as i32;
        let under = (entry.person, entry.person.map_or(day, |_| 0));
        let opens = kept.entry(under).or_insert_with(|| {
            let found = keyring.find_vault_secret(under.0, under.1);
            !matches!(found, Err(KeyringError::Gone))
        });
        count += u64::from(*opens);
    }
    Ok(count)
}
