//! Opening what stands in the data folder: the root key, the time zone, the ledger, the policy.

use crate::config::Config;
use crate::trust;
use anyhow::{Context as _, Result, anyhow, bail};
use muster_ledger::{Governance, Ledger, Options, Recovery, RootKey};
use muster_residency::Policy;
use muster_residency::vocab::Law;
use ring::rand::{SecureRandom, SystemRandom};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Cache of the views.
const VIEWS_CACHE_BYTES: u64 = 8 << 20;
/// The name systemd's `LoadCredential=` gives the root key.
const CREDENTIAL: &str = "muster-root-key";
/// Largest policy, signature or law-pack file read.
const MAX_POLICY_BYTES: u64 = 1 << 20;
/// Largest file of a secret.
const MAX_SECRET_BYTES: u64 = 4096;

/// Opens the ledger that `config` names, making folder and key on a new box.
pub(crate) fn open(config: &Config) -> Result<(Ledger, Recovery)> {
    let options = Options {
        data: config.site.data.clone(),
        site: config.site.site.clone(),
        time_zone: time_zone(config),
        root_key: root_key(&config.site.data)?,
        clock: trust::clock(config.clock.trust),
        views_cache_bytes: VIEWS_CACHE_BYTES,
    };
    Ledger::open(options).context("cannot open the ledger")
}

/// The root key: the key file in the data folder, which a restore lays there too, or systemd's
/// credential; a file is made on a new box.
pub(crate) fn root_key(data: &Path) -> Result<RootKey> {
    Ok(RootKey::new(*root_key_bytes(data)?))
}

/// The same as bytes, for a backup.
pub(crate) fn root_key_bytes(data: &Path) -> Result<Zeroizing<[u8; 32]>> {
    let folder = data.join("keys");
    let path = folder.join("root.key");
    if path.exists() {
        return read_key(&path);
    }
    if let Some(credential) = credential() {
        return read_key(&credential);
    }
    make_key(data, &folder, &path)?;
    read_key(&path)
}

/// The root key that systemd hands over, if it does.
pub(crate) fn credential() -> Option<PathBuf> {
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY")?;
    Some(PathBuf::from(folder).join(CREDENTIAL)).filter(|path| path.exists())
}

fn read_key(path: &Path) -> Result<Zeroizing<[u8; 32]>> {
    let text = Zeroizing::new(fs::read(path).with_context(|| unreadable(path))?);
    let Ok(bytes) = <[u8; 32]>::try_from(text.as_slice()) else {
        bail!("{} is not a root key: it should hold 32 bytes", path.display());
    };
    Ok(Zeroizing::new(bytes))
}

fn make_key(data: &Path, folder: &Path, path: &Path) -> Result<()> {
    if data.join("journal").exists() {
        bail!(
            "{} is missing but there is a journal; restore the key this box was set up with",
            path.display()
        );
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    let mut key = Zeroizing::new([0; 32]);
    SystemRandom::new().fill(key.as_mut()).map_err(|_| anyhow!("no random numbers"))?;
    write_private(path, key.as_ref())?;
    fs::File::open(folder)?.sync_all()?;
    Ok(())
}

/// Writes a new file that only its owner may read, synced; an existing one is an error.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot make {}", path.display()))?;
    file.write_all(bytes)?;
    Ok(file.sync_all()?)
}

/// Writes or replaces a file: after a power cut it is whole, the old one or the new.
pub(crate) fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let mut file = fs::File::create(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// The site's zone: configured, or by the jurisdiction the policy gives the site, or UTC.
pub(crate) fn time_zone(config: &Config) -> String {
    if let Some(zone) = &config.site.time_zone {
        return zone.clone();
    }
    let law = config
        .policy
        .as_ref()
        .and_then(|p| fs::read_to_string(&p.file).ok())
        .and_then(|text| Policy::parse(&text).ok())
        .and_then(|policy| {
            let site = policy.sites.iter().find(|s| s.id == config.site.site)?;
            Some(site.jurisdiction.as_str().to_owned())
        });
    zone_of(law.as_deref()).to_owned()
}

/// The zone of a jurisdiction; UTC where it is not known.
pub(crate) fn zone_of(law: Option<&str>) -> &'static str {
    law.and_then(Law::from_code).map_or("UTC", Law::time_zone)
}

/// The policy that the configuration names, with its law pack and signatures; `None` without a
/// `[policy]` section or while its file is not there: then everything is held.
pub(crate) fn governance(config: &Config) -> Result<Option<Governance>> {
    let Some(policy) = &config.policy else { return Ok(None) };
    if !policy.file.exists() {
        return Ok(None);
    }
    Ok(Some(Governance {
        policy: read_bounded(&policy.file)?,
        law_pack: read_bounded(&policy.law_pack)?,
        signatures: read_signatures(&policy.file)?,
    }))
}

/// Puts an accepted policy and its signatures in the place of the file.
pub(crate) fn replace_policy(file: &Path, governance: &Governance) -> Result<(), String> {
    replace(&signatures_path(file), &governance.signatures)
        .and_then(|()| replace(file, &governance.policy))
        .map_err(|error| format!("{} cannot be written: {error}", file.display()))
}

/// The detached signatures of a policy: `POLICY.sig`; empty where there are none.
pub(crate) fn read_signatures(policy: &Path) -> Result<String> {
    let path = signatures_path(policy);
    if path.exists() { read_bounded(&path) } else { Ok(String::new()) }
}

/// `POLICY.sig`.
pub(crate) fn signatures_path(policy: &Path) -> PathBuf {
    let mut name = policy.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}

/// Reads a text file of at most 1 MiB.
pub(crate) fn read_bounded(path: &Path) -> Result<String> {
    let length = fs::metadata(path).with_context(|| unreadable(path))?.len();
    if length > MAX_POLICY_BYTES {
        bail!("{} is larger than 1 MiB; this is not what is meant", path.display());
    }
    fs::read_to_string(path).with_context(|| unreadable(path))
}

/// Reads a secret of one line, at most 4 KiB; zeroized when it goes.
pub(crate) fn read_secret(path: &Path) -> Result<Zeroizing<String>> {
    let length = fs::metadata(path).with_context(|| unreadable(path))?.len();
    if length > MAX_SECRET_BYTES {
        bail!("{} is larger than 4 KiB; this is not a secret", path.display());
    }
    let mut text = Zeroizing::new(fs::read_to_string(path).with_context(|| unreadable(path))?);
    let end = text.trim_end().len();
    text.truncate(end);
    Ok(text)
}

fn unreadable(path: &Path) -> String {
    format!("cannot read {}; put the file there, or correct the path", path.display())
}
