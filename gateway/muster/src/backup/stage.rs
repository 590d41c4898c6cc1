//! A backup laid out in a folder of its own, checked and made ready, before anything is replaced.

use super::archive::Archive;
use super::files;
use super::list::is_plain;
use crate::config::Config;
use crate::{store, trust};
use anyhow::{Context as _, Result, ensure};
use muster_ledger::{Erasure, JournalReport, Ledger, Options, RootKey};
use ring::digest::{Context as Digest, SHA256};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use zeroize::Zeroizing;

/// Cache of the views while erasures are carried out.
const VIEWS_CACHE_BYTES: u64 = 8 << 20;
/// Who did it, as acts name it.
const ACTOR: &str = "restore";
/// The name in the keyring of when the box was restored, in milliseconds since 1970.
pub(crate) const RESTORED: &str = "restored";

/// Lays journal and keyring out in `data`, which is new, and syncs them.
pub(super) fn lay_out(archive: &Archive, data: &Path, told: &mut dyn FnMut(u64)) -> Result<()> {
    for folder in ["journal", "keys", "keys/sealed"] {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(data.join(folder))?;
    }
    for (name, rest) in archive.list.under("journal") {
        ensure!(is_plain(rest) && !rest.contains('/'), "the backup names a file {rest:?}");
        let mut options = File::options();
        let file = options.write(true).create_new(true).mode(0o600);
        let file = file.open(data.join("journal").join(rest))?;
        let mut out = BufWriter::new(&file);
        archive.extract(name, &mut out, told)?;
        out.flush()?;
        drop(out);
        file.sync_all()?;
    }
    for (name, rest) in archive.list.under("keys") {
        ensure!(is_plain(rest), "the backup names a file {rest:?}");
        let bytes = archive.read(name)?;
        let path = data.join("keys").join(rest);
        match rest {
            "root.key" => store::write_private(&path, &bytes)?,
            _ => files::unpack(&bytes, &path)?,
        }
    }
    for folder in ["journal", "keys", "keys/sealed", "."] {
        File::open(data.join(folder))?.sync_all()?;
    }
    Ok(())
}

/// Compares what lies in `data` with the digests that the backup was made with; gives how many
/// files there are.
pub(super) fn compare(archive: &Archive, data: &Path) -> Result<usize> {
    let mut compared = 0;
    for (name, entry) in &archive.list.files {
        let Some((folder, rest)) = name.split_once('/') else { continue };
        let path = data.join(folder).join(rest);
        let digest = match (folder, rest) {
            ("keys", "root.key") | ("journal", _) => digest_of(&path)?,
            ("keys", _) => ring::digest::digest(&SHA256, &files::pack(&path)?),
            _ => continue,
        };
        ensure!(digest.as_ref() == entry.sha256, "{name} came back other than it was");
        compared += 1;
    }
    Ok(compared)
}

fn digest_of(path: &Path) -> Result<ring::digest::Digest> {
    struct Into(Digest);
    impl io::Write for Into {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut into = Into(Digest::new(&SHA256));
    io::copy(&mut File::open(path)?, &mut into)?;
    Ok(into.0.finish())
}

/// The root key in a folder that was laid out.
pub(super) fn root_key(data: &Path) -> Result<RootKey> {
    let bytes = Zeroizing::new(fs::read(data.join("keys/root.key"))?);
    let bytes = <[u8; 32]>::try_from(bytes.as_slice()).context("the backup's root key is odd")?;
    Ok(RootKey::new(bytes))
}

/// Checks that keyring and journal belong together and the chain holds.
pub(super) fn check(archive: &Archive, data: &Path) -> Result<JournalReport> {
    let box_id = muster_ledger::box_id_in(data, root_key(data)?)?;
    ensure!(box_id == archive.list.box_id, "the keyring in the backup is of another box");
    Ok(muster_ledger::verify_journal(data, root_key(data)?)?)
}

/// Opens the ledger, carries out the erasures that the backup did not know of, and notes that the
/// box was restored. Gives how many erasures there were.
pub(super) async fn make_ready(
    config: &Config,
    data: &Path,
    erasures: Vec<Erasure>,
) -> Result<usize> {
    let options = Options {
        data: data.to_owned(),
        site: config.site.site.clone(),
        time_zone: store::time_zone(config),
        root_key: root_key(data)?,
        clock: trust::clock(config.clock.trust),
        views_cache_bytes: VIEWS_CACHE_BYTES,
    };
    let (ledger, _) = tokio::task::spawn_blocking(move || Ledger::open(options)).await??;
    let erased = ledger.erase_again(erasures).await?;
    ledger.note(ACTOR, "restored from a backup").await?;
    let now = trust::now_ms().to_string();
    ledger.keyring().put_sealed_file(RESTORED, now.as_bytes())?;
    ledger.close().await;
    Ok(erased)
}
