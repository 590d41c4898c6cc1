//! What a backup copies of the data folder, and what a restored folder needs before it is used.
//!
//! A [`Snapshot`] names the journal's segments and how many bytes of each are durable. Copy the
//! keyring after taking one: secrets are made before the journal speaks of them, so the copy holds
//! every secret that the snapshot's records need. A restored box must never give a number again
//! that the lost one gave after its last backup: [`prepare_restored`] leaps ahead.

use crate::act::Act;
use crate::journal::{Export, Item, Witness};
use crate::{CommitError, Elsewhere, Erasure, Ledger, OpenError, RootKey};
use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

/// Starts that the lost box may have made since its last backup.
const STARTS_AHEAD: u32 = 1 << 16;
/// Rollbacks that it may have noticed since then.
const EPOCHS_AHEAD: u16 = 16;

/// The durable journal at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// Files of segments, oldest first, with their durable bytes.
    pub segments: Vec<(PathBuf, u64)>,
    /// Records in them.
    pub records: u64,
    /// Starts of the box so far.
    pub starts: u32,
    /// The epoch of its event ids.
    pub epoch: u16,
    /// Tells this box from others, hex.
    pub box_id: String,
}

impl Ledger {
    /// The durable journal now.
    pub fn snapshot(&self) -> Snapshot {
        let reader = self.inner.shared.reader();
        Snapshot {
            // Before the segments: they hold at least these.
            records: reader.head_record().saturating_sub(1),
            segments: reader.durable(),
            starts: self.inner.keyring.epoch(),
            epoch: self.core().state.epoch(),
            box_id: hex(&self.inner.keyring.box_id()),
        }
    }

    /// Carries out erasures that this ledger does not know of: an older copy was put back. Journals
    /// and destroys; gives how many there were.
    pub async fn erase_again(&self, erasures: Vec<Erasure>) -> Result<usize, CommitError> {
        let known: HashSet<String> = self.erasures().into_iter().map(|e| e.request).collect();
        let unknown = erasures.into_iter().filter(|e| !known.contains(&e.request));
        let mut count = 0;
        for erasure in unknown {
            let act = Act::PersonErased { erasure: erasure.clone() };
            self.inner.acts.submit(vec![act]).await?;
            self.carry_out(erasure).await?;
            count += 1;
        }
        Ok(count)
    }

    /// Erasures that still wait for backups made before them, by request, with their time in
    /// milliseconds since 1970.
    pub fn pending_in_backups(&self) -> Vec<(String, i64)> {
        let pending = self.erasures().into_iter().filter(|e| e.todo.contains(&Elsewhere::Backups));
        pending.map(|erasure| (erasure.request, erasure.at_ms)).collect()
    }
}

/// Every erasure that the journal in `data` tells of, read from its files alone.
pub fn erasures_in(data: &Path, root_key: RootKey) -> Result<Vec<Erasure>, OpenError> {
    let failed = |source| OpenError::Io { path: data.join("journal"), source };
    let keyring = crate::offline::open_keyring(data, root_key)?;
    let mut found: Vec<Erasure> = Vec::new();
    for exported in Export::open(data, &keyring).map_err(failed)? {
        let exported = exported.map_err(|e| failed(io::Error::other(e)))?;
        let Item::Act(bytes) = &exported.item else { continue };
        let Ok(Act::PersonErased { erasure }) = serde_json::from_slice(bytes) else { continue };
        found.retain(|known| known.request != erasure.request);
        found.push(Erasure { at_ms: exported.at_ms, ..erasure });
    }
    Ok(found)
}

/// A named secret of the keyring in `data`, read from its files alone.
pub fn sealed_file_in(
    data: &Path,
    root_key: RootKey,
    purpose: &str,
) -> Result<Option<Vec<u8>>, OpenError> {
    let keyring = crate::offline::open_keyring(data, root_key)?;
    keyring.sealed_file(purpose).map_err(|error| OpenError::Journal(error.to_string()))
}

/// Which box the folder belongs to, as [`Snapshot::box_id`] says.
pub fn box_id_in(data: &Path, root_key: RootKey) -> Result<String, OpenError> {
    Ok(hex(&crate::offline::open_keyring(data, root_key)?.box_id()))
}

/// Writes what the box remembers outside `data` so that no number of the lost box is given again:
/// neither those in the backup (`starts`, `epoch`) nor those of `old`, the folder that is replaced.
pub fn prepare_restored(data: &Path, old: &Path, starts: u32, epoch: u16) -> io::Result<()> {
    let known = Witness::load(old).unwrap_or_default();
    let ahead = Witness {
        starts: known.starts.max(starts).saturating_add(STARTS_AHEAD),
        epoch: known.epoch.max(epoch).saturating_add(EPOCHS_AHEAD),
        ..Witness::default()
    };
    ahead.store(data, true)
}

/// Where the box remembers what must outlive its folder.
pub fn witness_of(data: &Path) -> PathBuf {
    crate::journal::witness_path(data)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
