//! Making a backup.

use super::archive::{Archive, ArchiveError};
use super::key::{KeySet, RecoveryKey};
use super::list::List;
use super::places::{self, Place};
use super::{archive, files, recovery};
use crate::control::Facts;
use crate::{evidence, store, trust};
use anyhow::{Context as _, Result, bail};
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A backup is written anew when more than this, and more than half of it, is zeros.
const DEAD_BYTES: u64 = 16 << 20;

/// What was written.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Taken {
    pub(crate) file: PathBuf,
    pub(crate) records: u64,
    /// Bytes that were new.
    pub(crate) added: u64,
    /// Bytes of the file.
    pub(crate) bytes: u64,
    /// Where the sheets were written, if the recovery key was made just now.
    pub(crate) sheets: Option<PathBuf>,
    /// The damaged backup that was there, set aside.
    pub(crate) set_aside: Option<PathBuf>,
}

/// Writes a backup of the box to `to`, a file or a folder that is there, and reads it back. One
/// that is found damaged is set aside and written anew. With `new_sheets` it is written for new
/// recovery sheets, and so is every other from then on. Blocks.
pub(crate) fn take(facts: &Facts, to: &Path, new_sheets: bool) -> Result<Taken> {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let keyring = facts.ledger.keyring();
    let new = recovery::of(&keyring)?.new;
    let sheets = match new {
        Some(new) => Some(recovery::write(&facts.config, &new)?),
        None if new_sheets => Some(recovery::renew(&facts.config, &keyring)?),
        None => None,
    };
    let path = place(to, &facts.config.site.site);
    let was_there = path.exists();
    let covers = places::destroyed(&facts.ledger);
    let mut written = write(facts, &path)?;
    if let Err(error) = read_back(&path, recovery::of(&keyring)?.key) {
        anyhow::ensure!(was_there && written.set_aside.is_none(), "{error:#}");
        let aside = set_aside(&path)?;
        written = Written { set_aside: Some(aside), ..write(facts, &path)? };
        read_back(&path, recovery::of(&keyring)?.key)?;
    }
    let Written { records, added, bytes, set_aside } = written;
    let made_ms = trust::now_ms();
    places::note(&keyring, Place { path: path.clone(), made_ms, records, bytes, covers })?;
    Ok(Taken { file: path, records, added, bytes, sheets, set_aside })
}

struct Written {
    records: u64,
    added: u64,
    bytes: u64,
    set_aside: Option<PathBuf>,
}

/// Adds what is new to the backup at `path`, or writes one.
fn write(facts: &Facts, path: &Path) -> Result<Written> {
    let key = recovery::of(&facts.ledger.keyring())?.key;
    let former = recovery::former_sets(&facts.ledger.keyring())?;
    let Opened { mut archive, set_aside, at } = open_place(path, key, &former)?;
    let (records, added) = fill(facts, &mut archive)
        .with_context(|| format!("cannot write the backup {}", at.display()))?;
    let bytes = archive.len();
    drop(archive);
    if at != path {
        replace(&at, path)?;
    }
    Ok(Written { records, added, bytes, set_aside })
}

/// Keeps a damaged backup beside the new one; gives where.
fn set_aside(path: &Path) -> Result<PathBuf> {
    let aside = beside(path, ".damaged");
    fs::rename(path, &aside)?;
    Ok(aside)
}

/// `to`, or in a folder the site's own file.
fn place(to: &Path, site: &str) -> PathBuf {
    if to.is_dir() { to.join(format!("muster-{site}.backup")) } else { to.to_owned() }
}

struct Opened {
    archive: Archive,
    /// Where it lies; a new one is renamed when it is whole.
    at: PathBuf,
    set_aside: Option<PathBuf>,
}

/// The backup that is there, or a new one beside it; new too where its sheets are void by now.
fn open_place(path: &Path, key: RecoveryKey, former: &[KeySet]) -> Result<Opened> {
    let again = RecoveryKey::from_bytes(key.expose()).context("the recovery key is odd")?;
    let empty = fs::metadata(path).map_or(true, |found| found.is_file() && found.len() == 0);
    let new = |key, set_aside| {
        let at = beside(path, ".new");
        let archive = Archive::create(&at, key).map_err(may_not)?;
        anyhow::Ok(Opened { archive, at, set_aside })
    };
    if empty {
        return new(again, None);
    }
    match Archive::open(path, key, true) {
        Ok(archive) if archive.dead() > DEAD_BYTES.max(archive.len() / 2) => new(again, None),
        Ok(archive) => Ok(Opened { archive, at: path.to_owned(), set_aside: None }),
        Err(ArchiveError::Damaged { .. } | ArchiveError::Short { .. }) => {
            let aside = set_aside(path)?;
            new(again, Some(aside))
        }
        Err(ArchiveError::Foreign { .. }) if former.contains(&archive::set_of(path)?) => {
            new(again, None)
        }
        Err(error) => Err(may_not(error)),
    }
}

/// Puts a backup that was written anew in place, and zeros over the keyring in the old one.
fn replace(new: &Path, path: &Path) -> Result<()> {
    let old = File::options().write(true).open(path).ok();
    fs::rename(new, path)?;
    File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()?;
    if let Some(mut old) = old {
        let len = old.metadata()?.len();
        std::io::copy(&mut std::io::repeat(0).take(len), &mut old)?;
        old.sync_all()?;
    }
    Ok(())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The service may write in few places: says so.
fn may_not(error: ArchiveError) -> anyhow::Error {
    use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    match &error {
        ArchiveError::Io { source, .. }
            if matches!(source.kind(), PermissionDenied | ReadOnlyFilesystem) =>
        {
            anyhow::Error::from(error).context(
                "the gateway may not write there; use /var/backups/muster, or allow the folder \
                 with ReadWritePaths= in a drop-in of the unit",
            )
        }
        _ => error.into(),
    }
}

/// Journal, keyring and configuration as of now; gives the records and the bytes added.
fn fill(facts: &Facts, archive: &mut Archive) -> Result<(u64, u64)> {
    let data = &facts.config.site.data;
    evidence::note(data, &facts.ledger.keyring())?;
    // The journal's end first: what the keyring then has is enough for it.
    let snapshot = facts.ledger.snapshot();
    let records = snapshot.records;
    let list = List {
        box_id: snapshot.box_id,
        site: facts.config.site.site.clone(),
        made_ms: trust::now_ms(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        records,
        starts: snapshot.starts,
        epoch: snapshot.epoch,
        erasures: facts.ledger.erasures(),
        files: Default::default(),
    };
    let mut addition = archive.add(list);
    addition.put("keys/root.key", store::root_key_bytes(data)?.as_slice())?;
    for (name, path) in files::keyring(data)? {
        addition.put(&format!("keys/{name}"), files::pack(&path)?.as_slice())?;
    }
    for (part, path) in files::configuration(&facts.config) {
        match fs::read(&path) {
            Ok(bytes) => addition.put(&format!("config/{part}"), bytes.as_slice())?,
            // A policy's signatures may not be there yet.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => bail!("cannot read {}: {error}", path.display()),
        }
    }
    for (path, len) in snapshot.segments {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let file = match File::open(&path) {
            Ok(file) => file,
            // Past its time, and deleted meanwhile.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => bail!("cannot read {}: {error}", path.display()),
        };
        addition.put_growing(&format!("journal/{name}"), &file, len)?;
    }
    Ok((records, addition.commit()?))
}

/// Reads the backup from its medium, not from memory, and checks every byte.
fn read_back(path: &Path, key: RecoveryKey) -> Result<()> {
    let file = File::open(path)?;
    // A wish; tmpfs knows nothing else.
    let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
    let archive = Archive::open(path, key, false)?;
    archive.verify(&mut |_| {}).context("the backup does not read back as it was written")
}
