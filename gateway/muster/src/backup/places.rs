//! Where backups of this box lie, and which erasures each of them has taken in.

use super::archive::Archive;
use super::{MAX_PLACES, take};
use crate::control::Facts;
use anyhow::Result;
use muster_ledger::{Elsewhere, Keyring, KeyringError, Ledger};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// The name of the list in the keyring.
const PURPOSE: &str = "backup-places";
/// Whose act it is that an erasure reached every backup.
const ACTOR: &str = "backup";
/// Bytes of a backup that are read to look at it; `muster restore --drill` reads any.
const MAX_INSPECTED: u64 = 1 << 30;
/// How often erasures are looked for that a backup has not taken in.
const EVERY: Duration = Duration::from_secs(5);
/// A place that could not be written is tried again after this.
const AGAIN: Duration = Duration::from_secs(300);

/// A backup that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    /// When last, milliseconds since 1970.
    pub(crate) made_ms: i64,
    /// Records in its journal.
    pub(crate) records: u64,
    /// Bytes of the file.
    pub(crate) bytes: u64,
    /// Requests for erasure that it has taken in, of those that waited for backups.
    #[serde(default)]
    pub(crate) covers: BTreeSet<String>,
}

/// Every place, the latest written last.
pub(crate) fn known(keyring: &Keyring) -> Result<Vec<Place>> {
    let kept = keyring.sealed_file(PURPOSE)?;
    Ok(kept.map_or_else(|| Ok(Vec::new()), |kept| serde_json::from_slice(&kept))?)
}

/// What is wrong with the latest backup; a large one is not read to its end.
pub(crate) fn inspect(keyring: &Keyring) -> Option<String> {
    let place = known(keyring).ok()?.pop()?;
    let looked = || -> Result<()> {
        let archive = Archive::open(&place.path, super::recovery::of(keyring)?.key, false)?;
        if archive.len() <= MAX_INSPECTED {
            archive.verify(&mut |_| {})?;
        }
        Ok(())
    };
    looked().err().map(|error| format!("{error:#}"))
}

/// Notes that a backup was written.
pub(super) fn note(keyring: &Keyring, mut place: Place) -> Result<()> {
    let mut places = known(keyring)?;
    if let Some(at) = places.iter().position(|known| known.path == place.path) {
        place.covers.append(&mut places.remove(at).covers);
    }
    places.push(place);
    let spare = places.len().saturating_sub(MAX_PLACES);
    places.drain(..spare);
    keyring.put_sealed_file(PURPOSE, &serde_json::to_vec(&places)?)?;
    Ok(())
}

/// Erasures that wait for backups and whose secrets are gone from this box's keyring.
pub(super) fn destroyed(ledger: &Ledger) -> BTreeSet<String> {
    let keyring = ledger.keyring();
    let gone =
        |person| matches!(keyring.find_vault_secret(Some(person), 0), Err(KeyringError::Gone));
    let erasures = ledger.erasures().into_iter();
    let waiting = erasures.filter(|erasure| erasure.todo.contains(&Elsewhere::Backups));
    let destroyed = waiting.filter(|erasure| erasure.persons.iter().copied().all(gone));
    destroyed.map(|erasure| erasure.request).collect()
}

/// Says of each erasure that every known backup has taken in that backups are done.
pub(crate) async fn settle(ledger: &Ledger) -> Result<()> {
    let places = known(&ledger.keyring())?;
    if places.is_empty() {
        return Ok(());
    }
    for (request, _) in ledger.pending_in_backups() {
        if places.iter().all(|place| place.covers.contains(&request)) {
            ledger.erased_elsewhere(ACTOR, &request, Elsewhere::Backups).await?;
        }
    }
    Ok(())
}

/// Replaces the keyring in every known backup after an erasure, until the end.
pub(crate) async fn follow(facts: Facts, mut stopped: watch::Receiver<bool>) {
    let mut failed = HashMap::new();
    while tokio::time::timeout(EVERY, stopped.wait_for(|stop| *stop)).await.is_err() {
        if facts.ledger.pending_in_backups().is_empty() {
            continue;
        }
        if let Err(error) = catch_up(&facts, &mut failed).await {
            tracing::warn!("erasures wait for backups: {error:#}");
        }
    }
}

async fn catch_up(facts: &Facts, failed: &mut HashMap<PathBuf, Instant>) -> Result<()> {
    let destroyed = destroyed(&facts.ledger);
    for place in known(&facts.ledger.keyring())? {
        let resting = failed.get(&place.path).is_some_and(|at| at.elapsed() < AGAIN);
        if destroyed.is_subset(&place.covers) || resting {
            continue;
        }
        let (facts, path) = (facts.clone(), place.path.clone());
        let taken = tokio::task::spawn_blocking(move || refresh(&facts, &path)).await?;
        if let Err(error) = taken {
            tracing::warn!("a backup still holds the keys of somebody erased: {error:#}");
            failed.insert(place.path, Instant::now());
        }
    }
    settle(&facts.ledger).await
}

/// Only where the backup is: an empty mount point gets no new one.
fn refresh(facts: &Facts, path: &Path) -> Result<()> {
    anyhow::ensure!(path.exists(), "{} is not there; plug its disk in", path.display());
    take::take(facts, path, false).map(|_| ())
}
