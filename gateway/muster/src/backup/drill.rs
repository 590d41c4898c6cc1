//! A restore that is only tried: into a folder of its own, compared, and thrown away.

use super::archive::Archive;
use super::stage;
use anyhow::{Context as _, Result, ensure};
use muster_ledger::JournalReport;
use std::path::Path;

/// What the drill showed.
#[derive(serde::Serialize)]
pub(crate) struct Drilled {
    /// Files that came back with the digests they had.
    pub(crate) files: usize,
    pub(crate) records: u64,
    /// When the backup was made, milliseconds since 1970.
    pub(crate) made_ms: i64,
    pub(crate) journal: JournalReport,
}

/// Restores into a new folder in `scratch`, compares, and removes it.
pub(super) fn drill(
    archive: &Archive,
    scratch: &Path,
    told: &mut dyn FnMut(u64),
) -> Result<Drilled> {
    let folder = tempfile::tempdir_in(scratch)
        .with_context(|| format!("cannot make a folder in {}", scratch.display()))?;
    let data = folder.path().join("data");
    let drilled = laid_out(archive, &data, told);
    // The root key lies there in the clear.
    let key = data.join("keys/root.key");
    if key.exists() {
        std::fs::write(&key, [0; 32]).and_then(|()| std::fs::File::open(&key)?.sync_all())?;
    }
    drilled
}

fn laid_out(archive: &Archive, data: &Path, told: &mut dyn FnMut(u64)) -> Result<Drilled> {
    stage::lay_out(archive, data, told)?;
    let files = stage::compare(archive, data)?;
    let journal = stage::check(archive, data)?;
    let (records, made_ms) = (archive.list.records, archive.list.made_ms);
    // The journal went on a little between the count and the copy.
    ensure!(journal.records >= records, "the journal in the backup has fewer records than it says");
    Ok(Drilled { files, records, made_ms, journal })
}
