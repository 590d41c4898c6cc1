//! The recovery key of a box, made at first set-up, and the sheets in which people keep it.

use super::key::{KeySet, RecoveryKey};
use super::sheets::{self, NEEDED, SHEETS, Sheet};
use crate::config::Config;
use anyhow::{Context as _, Result, anyhow};
use muster_ledger::Keyring;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Where the sheets are written when nobody is there to print them.
const FILE: &str = "recovery-sheets.txt";
/// Bytes of such a file at most.
const MAX_BYTES: u64 = 64 << 10;
/// The keyring's list of sets whose sheets are of no use any more.
const FORMER: &str = "recovery-former";
/// Sets in that list; the oldest go.
const MAX_FORMER: usize = 32;

/// The recovery key of a box, and its sheets where it was made just now.
pub(crate) struct Recovery {
    pub(crate) key: RecoveryKey,
    pub(crate) new: Option<Vec<Sheet>>,
}

/// The key that the keyring holds; made where there is none yet.
pub(crate) fn of(keyring: &Keyring) -> Result<Recovery> {
    if let Some(kept) = keyring.sealed_file(RecoveryKey::PURPOSE)? {
        let kept = Zeroizing::new(kept);
        let key = RecoveryKey::from_bytes(&kept);
        let damaged = || anyhow!("the keyring's recovery key is damaged; restore the last backup");
        return Ok(Recovery { key: key.ok_or_else(damaged)?, new: None });
    }
    let key = RecoveryKey::generate()?;
    let new = sheets::split(&key);
    keyring.put_sealed_file(RecoveryKey::PURPOSE, key.expose())?;
    Ok(Recovery { key, new: Some(new) })
}

/// A new key in place of the one there is, whose sheets open nothing that is written from now on.
/// The new sheets are in a file beside the configuration before the key is changed.
pub(crate) fn renew(config: &Config, keyring: &Keyring) -> Result<PathBuf> {
    let former = of(keyring)?.key.set();
    let key = RecoveryKey::generate()?;
    let file = write(config, &sheets::split(&key)).context(
        "the new sheets cannot be written: print those that lie there, delete that file, then \
         ask again",
    )?;
    let mut sets = former_sets(keyring)?;
    sets.push(former);
    let spare = sets.len().saturating_sub(MAX_FORMER);
    keyring.put_sealed_file(FORMER, &sets[spare..].concat())?;
    keyring.put_sealed_file(RecoveryKey::PURPOSE, key.expose())?;
    tracing::warn!(set = sheets::name(&key.set()), "new recovery sheets; the old ones are void");
    Ok(file)
}

/// Sets of this box whose sheets are void: a backup under one is its own, and is written anew.
pub(super) fn former_sets(keyring: &Keyring) -> Result<Vec<KeySet>> {
    let kept = keyring.sealed_file(FORMER)?.unwrap_or_default();
    Ok(kept.as_chunks::<8>().0.to_vec())
}

/// What a sheet says, for people.
pub(crate) fn print(site: &str, sheet: &Sheet) -> Zeroizing<String> {
    let (number, set, text) = (sheet.number(), sheets::name(&sheet.set()), sheet.text());
    Zeroizing::new(format!(
        "Muster recovery sheet {number} of {SHEETS}   site {site}   set {set}\n\
         Any {NEEDED} of the {SHEETS} open this site's backups. Keep each in a place of its own,\n\
         away from the box and from the backups.\n\n{}\n",
        text.as_str()
    ))
}

/// Writes the sheets beside the configuration, for its owner alone; gives where.
pub(crate) fn write(config: &Config, sheets: &[Sheet]) -> Result<PathBuf> {
    let path = config.folder.join(FILE);
    let mut text = Zeroizing::new(String::new());
    for sheet in sheets {
        text.push_str(&print(&config.site.site, sheet));
        text.push('\n');
    }
    crate::store::write_private(&path, text.as_bytes())?;
    Ok(path)
}

/// The sheets that were left beside a configuration, if they are there still.
pub(super) fn left_beside(folder: &Path) -> Vec<Sheet> {
    read(&folder.join(FILE)).unwrap_or_default()
}

/// The same in a file that a backup named.
pub(crate) fn made(file: &Path) -> Result<Vec<Sheet>> {
    read(file)
}

/// Whether sheets lie beside the configuration, which is not where they belong.
pub(crate) fn lie_beside(folder: &Path) -> Option<PathBuf> {
    Some(folder.join(FILE)).filter(|path| path.exists())
}

/// The sheets in a file.
pub(super) fn read(path: &Path) -> Result<Vec<Sheet>> {
    use std::io::Read as _;
    let file = std::fs::File::open(path)
        .with_context(|| format!("cannot read {}; name the file with the sheet", path.display()))?;
    let mut text = Zeroizing::new(String::new());
    file.take(MAX_BYTES).read_to_string(&mut text)?;
    Ok(sheets::find(&text))
}
