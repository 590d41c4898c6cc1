//! `muster restore`: a backup put in place of a box, or tried.
//!
//! Nothing is changed before the backup was read to its last byte, laid out beside the data folder,
//! checked, and made ready; then two renames put it in place. What was there is kept.

use super::archive::{self, Archive};
use super::key::{KeySet, RecoveryKey};
use super::sheets::{self, Sheet};
use super::target::{Target, Wanted, target};
use super::{drill, files, recovery, stage};
use crate::cli::RestoreArgs;
use crate::config::Config;
use crate::exit::{self, Failure, OrExit as _};
use crate::store;
use anyhow::{Context as _, Result, anyhow, bail};
use muster_ledger::Erasure;
use std::fs;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Bytes of sheets that are read from a pipe.
const MAX_TYPED: u64 = 64 << 10;
/// How often a sheet is asked for again.
const TRIES: usize = 5;

/// What came of it.
#[derive(serde::Serialize)]
#[serde(untagged)]
pub(crate) enum Done {
    Drilled(drill::Drilled),
    Restored(Restored),
}

/// A box that was put in place.
#[derive(serde::Serialize)]
pub(crate) struct Restored {
    pub(crate) config: PathBuf,
    pub(crate) data: PathBuf,
    pub(crate) site: String,
    pub(crate) records: u64,
    /// When the backup was made, milliseconds since 1970.
    pub(crate) made_ms: i64,
    /// People erased after it, and erased again.
    pub(crate) erased_again: usize,
    /// The data folder that was there.
    pub(crate) kept: Option<PathBuf>,
    /// The journal had damage before it was backed up.
    pub(crate) damaged_batches: u64,
}

/// Restores or tries a backup, as the command line says.
pub(crate) fn restore(args: &RestoreArgs, told: &mut dyn FnMut(u64)) -> Result<Done, Failure> {
    let from = backup_at(&args.from).or_exit(exit::DATA)?;
    let set = archive::set_of(&from).or_exit(exit::DATA)?;
    let key = find_key(args, &set).or_exit(exit::NO_PERMISSION)?;
    let archive = Archive::open(&from, key, false).or_exit(exit::DATA)?;
    archive.verify(told).or_exit(exit::DATA)?;
    if args.drill {
        let scratch = args.into.clone().unwrap_or_else(std::env::temp_dir);
        return Ok(Done::Drilled(drill::drill(&archive, &scratch, told).or_exit(exit::DATA)?));
    }
    let wanted = match (&args.into, &args.at.config) {
        (Some(folder), _) => Wanted::Into(folder),
        (None, Some(config)) => Wanted::Config(config),
        (None, None) => Wanted::Here,
    };
    let target = target(&archive, &wanted).or_exit(exit::CONFIG)?;
    if UnixStream::connect(target.config.socket()).is_ok() {
        let running = anyhow!(
            "a gateway runs on {}; stop it first: systemctl stop muster",
            target.config.site.data.display()
        );
        return Err(Failure::new(exit::UNAVAILABLE, running));
    }
    if target.config.site.data.join("journal").exists() {
        ask_first(&target.config, args.yes).or_exit(exit::NO_PERMISSION)?;
    }
    let erasures = erasures(args, &archive, &target.config).or_exit(exit::DATA)?;
    Ok(Done::Restored(put_in_place(&archive, &target, erasures, told)?))
}

/// The backup that `from` is, or the only one in the folder that it is, as `muster backup` takes it.
fn backup_at(from: &Path) -> Result<PathBuf> {
    if !from.is_dir() {
        return Ok(from.to_owned());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "backup") {
            found.push(path);
        }
    }
    match &found[..] {
        [one] => Ok(one.clone()),
        [] => bail!("there is no backup in {}", from.display()),
        _ => bail!("there are {} backups in {}; name one", found.len(), from.display()),
    }
}

/// The recovery key: from the sheets given, from the box that stands there, from sheets that lie
/// beside its configuration, or from sheets that are typed.
fn find_key(args: &RestoreArgs, set: &KeySet) -> Result<RecoveryKey> {
    if !args.sheet.is_empty() {
        let mut given = Vec::new();
        for path in &args.sheet {
            let found = recovery::read(path)?;
            anyhow::ensure!(!found.is_empty(), "{} holds no recovery sheet", path.display());
            given.extend(found);
        }
        return Ok(sheets::join(&given)?);
    }
    let config = match (&args.at.config, &args.into) {
        (None, Some(folder)) => Config::load(Some(&folder.join("gateway.toml"))).ok(),
        (config, _) => Config::load(config.as_deref()).ok(),
    };
    let own = config.as_ref().and_then(key_of_box).filter(|key| key.set() == *set);
    let beside = || {
        let left = recovery::left_beside(&config.as_ref()?.folder);
        sheets::join(&left).ok().filter(|key| key.set() == *set)
    };
    match own.or_else(beside) {
        Some(key) => Ok(key),
        None => typed(set),
    }
}

fn key_of_box(config: &Config) -> Option<RecoveryKey> {
    let data = &config.site.data;
    if !data.join("keys/box").exists() {
        return None;
    }
    let root = store::root_key(data).ok()?;
    let kept = muster_ledger::sealed_file_in(data, root, RecoveryKey::PURPOSE).ok()??;
    RecoveryKey::from_bytes(&Zeroizing::new(kept))
}

/// Two sheets from a terminal or a pipe.
fn typed(set: &KeySet) -> Result<RecoveryKey> {
    let name = sheets::name(set);
    if !io::stdin().is_terminal() {
        use std::io::Read as _;
        let mut text = Zeroizing::new(String::new());
        io::stdin().lock().take(MAX_TYPED).read_to_string(&mut text)?;
        return sheets::join(&sheets::find(&text))
            .with_context(|| format!("this backup opens with two of the recovery sheets {name}"));
    }
    eprintln!("This backup opens with two of the three recovery sheets {name}.");
    let mut given = Vec::new();
    while given.len() < usize::from(sheets::NEEDED) {
        given.push(typed_sheet(given.len() + 1)?);
    }
    Ok(sheets::join(&given)?)
}

fn typed_sheet(number: usize) -> Result<Sheet> {
    for _ in 0..TRIES {
        eprint!("Text of sheet {number} of two: ");
        io::stderr().flush()?;
        let mut line = Zeroizing::new(String::new());
        io::stdin().lock().read_line(&mut line)?;
        match Sheet::parse(&line) {
            Ok(sheet) => return Ok(sheet),
            Err(error) => eprintln!("{error}"),
        }
    }
    bail!("no sheet was typed; find the print, then run this again")
}

/// A box with data is only replaced by somebody who says so.
fn ask_first(config: &Config, yes: bool) -> Result<()> {
    let (data, site) = (config.site.data.display(), &config.site.site);
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        bail!("{data} holds the data of {site}; give --yes to set it aside and restore over it");
    }
    eprint!(
        "{data} holds the data of {site}. It will be kept aside. Type the site's name to go on: "
    );
    io::stderr().flush()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    anyhow::ensure!(line.trim() == site, "nothing was changed");
    Ok(())
}

/// Erasures that newer knowledge tells of: the data that is there, if it is of the same box, and
/// other backups that were named.
fn erasures(args: &RestoreArgs, archive: &Archive, config: &Config) -> Result<Vec<Erasure>> {
    let mut found = Vec::new();
    for path in &args.erased_in {
        let key = find_key(args, &archive::set_of(path)?)?;
        found.extend(Archive::open(path, key, false)?.list.erasures);
    }
    let data = &config.site.data;
    if !data.join("journal").exists() {
        return Ok(found);
    }
    let theirs = store::root_key(data).and_then(|root| Ok(muster_ledger::box_id_in(data, root)?));
    match theirs {
        Ok(theirs) if theirs == archive.list.box_id => {
            match muster_ledger::erasures_in(data, store::root_key(data)?) {
                Ok(known) => found.extend(known),
                Err(error) => tell_unread(data, &error.into()),
            }
        }
        Ok(_) => {}
        Err(error) => tell_unread(data, &error),
    }
    Ok(found)
}

fn tell_unread(data: &Path, error: &anyhow::Error) {
    eprintln!(
        "muster: {} cannot be read ({error:#}): whom it has erased since the backup is not known; \
         name a newer backup with --erased-in if there is one",
        data.display()
    );
}

fn put_in_place(
    archive: &Archive,
    target: &Target,
    erasures: Vec<Erasure>,
    told: &mut dyn FnMut(u64),
) -> Result<Restored> {
    let data = &target.config.site.data;
    let above = data.parent().context("the data folder has nothing above it")?;
    fs::create_dir_all(above).with_context(|| format!("cannot make {}", above.display()))?;
    let owner = fs::metadata(data).or_else(|_| fs::metadata(above))?;
    let staged = suffixed(data, ".restoring");
    remove(&staged)?;
    stage::lay_out(archive, &staged, told)
        .with_context(|| format!("cannot lay the backup out in {}", staged.display()))?;
    stage::compare(archive, &staged)?;
    let journal = stage::check(archive, &staged)?;
    let (starts, epoch) = (archive.list.starts, archive.list.epoch);
    muster_ledger::prepare_restored(&staged, data, starts, epoch)?;
    let ready = stage::make_ready(&target.config, &staged, erasures);
    let erased_again = runtime()?.block_on(ready)?;
    give(&staged, &owner)?;
    for (path, bytes) in &target.files {
        if files::lay(path, bytes)? {
            own(path, &owner)?;
        }
    }
    let kept = swap(&staged, data)?;
    Ok(Restored {
        config: target.config.path.clone(),
        data: data.clone(),
        site: target.config.site.site.clone(),
        records: archive.list.records,
        made_ms: archive.list.made_ms,
        erased_again,
        kept,
        damaged_batches: journal.damaged,
    })
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
}

/// Puts the staged folder and its witness in place; gives where the old folder went.
fn swap(staged: &Path, data: &Path) -> Result<Option<PathBuf>> {
    let witness = muster_ledger::witness_of;
    let kept = data.exists().then(|| {
        let at = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
        suffixed(data, &format!(".before-restore-{at}"))
    });
    if let Some(kept) = &kept {
        fs::rename(data, kept).with_context(|| {
            format!("cannot set {} aside; if it is a mount point, empty it first", data.display())
        })?;
        if witness(data).exists() {
            fs::rename(witness(data), witness(kept))?;
        }
    }
    fs::rename(witness(staged), witness(data))?;
    fs::rename(staged, data)?;
    fs::File::open(data.parent().unwrap_or(Path::new("/")))?.sync_all()?;
    Ok(kept)
}

/// What an earlier restore left when it was interrupted.
fn remove(staged: &Path) -> io::Result<()> {
    for path in [staged.to_owned(), muster_ledger::witness_of(staged)] {
        let removed =
            if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Everything in the staged folder belongs to whom the folder belonged to: the gateway's user.
fn give(staged: &Path, owner: &fs::Metadata) -> Result<()> {
    own(&muster_ledger::witness_of(staged), owner)?;
    let mut folders = vec![staged.to_owned()];
    while let Some(folder) = folders.pop() {
        own(&folder, owner)?;
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            match entry.file_type()?.is_dir() {
                true => folders.push(entry.path()),
                false => own(&entry.path(), owner)?,
            }
        }
    }
    Ok(())
}

fn own(path: &Path, owner: &fs::Metadata) -> Result<()> {
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(path, Some(owner.uid()), Some(owner.gid()))?;
    }
    Ok(())
}

fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.components().as_path().as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
