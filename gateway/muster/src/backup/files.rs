//! The small files of a box: those of the keyring and of the configuration.

use crate::config::Config;
use anyhow::{Context as _, Result};
use std::fs;
use std::io::{Read, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Zeros are left out by so many bytes.
const BLOCK: usize = 4096;
/// Bytes of one file of the keyring at most: 262,144 persons, and room.
const MAX_BYTES: u64 = 64 << 20;

/// A file with holes as bytes without them: for each stretch of blocks that are not all zeros its
/// place (u64) and length (u32), little-endian, and its bytes; at the end the file's length (u64)
/// and a length of 0.
pub(super) fn pack(path: &Path) -> Result<Vec<u8>> {
    let mut file =
        fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let (mut packed, mut at) = (Vec::new(), 0u64);
    loop {
        let mut block = Vec::with_capacity(BLOCK);
        Read::by_ref(&mut file).take(BLOCK as u64).read_to_end(&mut block)?;
        let len = block.len();
        if block.iter().any(|&b| b != 0) {
            packed.extend_from_slice(&at.to_le_bytes());
            packed.extend_from_slice(&(len as u32).to_le_bytes());
            packed.append(&mut block);
        }
        at += len as u64;
        anyhow::ensure!(at <= MAX_BYTES, "{} is too large for a keyring", path.display());
        if len < BLOCK {
            break;
        }
    }
    packed.extend_from_slice(&at.to_le_bytes());
    packed.extend_from_slice(&[0; 4]);
    Ok(packed)
}

/// Writes what [`pack`] made to a new file that only its owner may read; synced.
pub(super) fn unpack(mut packed: &[u8], path: &Path) -> Result<()> {
    let mut options = fs::File::options();
    let file = options.write(true).create_new(true).mode(0o600).open(path)?;
    while let Some((at, rest)) = packed.split_first_chunk() {
        let at = u64::from_le_bytes(*at);
        let (len, rest) = rest.split_first_chunk().context("a packed file ends too early")?;
        let len = u32::from_le_bytes(*len) as usize;
        anyhow::ensure!(at <= MAX_BYTES && len <= BLOCK, "a packed file is not as packed");
        if len == 0 {
            file.set_len(at)?;
            break;
        }
        let (bytes, rest) = rest.split_at_checked(len).context("a packed file ends too early")?;
        file.write_all_at(bytes, at)?;
        packed = rest;
    }
    Ok(file.sync_all()?)
}

/// The files of the keyring in `data`, by their names under `keys`, but for the root key.
pub(super) fn keyring(data: &Path) -> Result<Vec<(String, PathBuf)>> {
    let keys = data.join("keys");
    let mut found = Vec::new();
    for (folder, prefix) in [(keys.clone(), ""), (keys.join("sealed"), "sealed/")] {
        let entries = fs::read_dir(&folder)
            .with_context(|| format!("cannot read the keyring in {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let passing = name.ends_with(".new") || name == "root.key";
            if entry.file_type()?.is_file() && !passing {
                found.push((format!("{prefix}{name}"), entry.path()));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The files that a configuration names, its own first, each by its part.
pub(super) fn configuration(config: &Config) -> Vec<(String, PathBuf)> {
    let mut found = vec![("gateway.toml".to_owned(), config.path.clone())];
    let mut add = |part: &str, path: Option<&PathBuf>| {
        found.extend(path.map(|path| (part.to_owned(), path.clone())));
    };
    if let Some(policy) = &config.policy {
        add("policy.toml", Some(&policy.file));
        add("policy.toml.sig", Some(&crate::store::signatures_path(&policy.file)));
        add("lawpack.toml", Some(&policy.law_pack));
    }
    for (n, region) in config.region.iter().enumerate() {
        add(&format!("region-{n}-ca"), Some(&region.ca));
        add(&format!("region-{n}-cert"), region.client_cert.as_ref());
        add(&format!("region-{n}-key"), region.client_key.as_ref());
        let secret = region.dingtalk.as_ref().map(|tenant| &tenant.secret_file);
        add(&format!("region-{n}-secret"), secret);
    }
    if let Some(broker) = &config.broker {
        add("broker-ca", broker.ca.as_ref());
        add("broker-cert", broker.client_cert.as_ref());
        add("broker-key", broker.client_key.as_ref());
    }
    if let Some(alarms) = &config.alarms {
        let webhook = alarms.webhook.as_ref();
        add("alarms-webhook-ca", webhook.and_then(|webhook| webhook.ca.as_ref()));
        add("alarms-webhook-token", webhook.and_then(|webhook| webhook.token_file.as_ref()));
        let mail = alarms.mail.as_ref();
        add("alarms-mail-ca", mail.and_then(|mail| mail.ca.as_ref()));
        add("alarms-mail-password", mail.and_then(|mail| mail.password_file.as_ref()));
    }
    if let Some(console) = &config.console {
        add("page-cert", console.cert.as_ref());
        add("page-key", console.key.as_ref());
    }
    found
}

/// Writes a file, durable and for its owner alone; what was there is kept beside it under the name
/// with `.before-restore`. Gives whether anything changed.
pub(super) fn lay(path: &Path, bytes: &[u8]) -> Result<bool> {
    let known = fs::read(path).ok();
    if known.as_deref() == Some(bytes) {
        return Ok(false);
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".restoring");
    let mut options = fs::File::options();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    if known.is_some() {
        let mut kept = path.as_os_str().to_owned();
        kept.push(".before-restore");
        fs::rename(path, kept)?;
    }
    fs::rename(&beside, path)?;
    fs::File::open(folder)?.sync_all()?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(bytes: &[u8]) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::write(&from, bytes).unwrap();
        unpack(&pack(&from).unwrap(), &to).unwrap();
        fs::read(to).unwrap()
    }

    #[test]
    fn holes_take_no_room_and_come_back() {
        let mut bytes = vec![0; 3 << 20];
        bytes[1 << 20] = 7;
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("f"), &bytes).unwrap();
        assert!(pack(&folder.path().join("f")).unwrap().len() < 2 * BLOCK);
        assert_eq!(round_trip(&bytes), bytes);
    }

    proptest! {
        #[test]
        fn every_file_comes_back(
            blocks in prop::collection::vec((any::<u8>(), 0..2 * BLOCK), 0..6)
        ) {
            let bytes: Vec<u8> =
                blocks.into_iter().flat_map(|(byte, len)| vec![byte % 3; len]).collect();
            prop_assert_eq!(round_trip(&bytes), bytes);
        }

        #[test]
        fn bytes_that_nobody_packed_are_refused_or_bounded(bytes: Vec<u8>) {
            let folder = tempfile::tempdir().unwrap();
            let _ = unpack(&bytes, &folder.path().join("f"));
        }
    }
}
