//! Where stores lie: `views/g<N>`, a new number for every store that is begun, so that one that was
//! given up can never write into its successor's folder.

use super::store::Place;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The folders of one data folder.
pub(super) struct Places {
    /// `data/views`.
    root: PathBuf,
    cache_bytes: u64,
    generation: u64,
    #[cfg(test)]
    faults: super::faults::Faults,
}

impl Places {
    /// Takes up the newest store in `root`; older ones are removed.
    pub(super) fn new(
        root: &Path,
        cache_bytes: u64,
        #[cfg(test)] faults: super::faults::Faults,
    ) -> Self {
        let mut found: Vec<u64> = entries(root).filter_map(|(name, _)| number(&name)).collect();
        found.sort_unstable();
        let generation = found.pop().unwrap_or(1);
        let places = Self {
            root: root.to_owned(),
            cache_bytes,
            generation,
            #[cfg(test)]
            faults,
        };
        found.into_iter().for_each(|old| remove(&places.folder(old)));
        places
    }

    /// Number of the store at work.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Where the store is to be opened; makes the folder above it.
    pub(super) fn current(&self) -> io::Result<Place> {
        if fs::symlink_metadata(&self.root).is_ok_and(|meta| !meta.is_dir()) {
            let _ = fs::rename(&self.root, self.broken(self.generation));
        }
        fs::create_dir_all(&self.root)?;
        Ok(Place {
            folder: self.folder(self.generation),
            cache_bytes: self.cache_bytes,
            #[cfg(test)]
            faults: self.faults.clone(),
        })
    }

    /// Moves the store beside the views' folder, for whoever wants to look at it, and goes on to
    /// the next number. Only the last one set aside is kept.
    pub(super) fn set_aside(&mut self) {
        let parent = self.root.parent().unwrap_or(Path::new("."));
        let prefix = format!("{}.broken-", self.name());
        entries(parent)
            .filter(|(name, _)| name.starts_with(&prefix))
            .for_each(|(_, path)| remove(&path));
        let folder = self.folder(self.generation);
        if folder.exists() && fs::rename(&folder, self.broken(self.generation)).is_err() {
            remove(&folder);
        }
        self.generation += 1;
    }

    /// Bytes the store at work takes.
    pub(super) fn bytes(&self) -> u64 {
        let files = entries(&self.folder(self.generation));
        files.filter_map(|(_, path)| fs::metadata(path).ok()).map(|meta| meta.len()).sum()
    }

    /// Bytes free on its disk, where the system says.
    pub(super) fn free_bytes(&self) -> Option<u64> {
        let stat = rustix::fs::statvfs(&self.root).ok()?;
        Some(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    fn folder(&self, generation: u64) -> PathBuf {
        self.root.join(format!("g{generation}"))
    }

    fn broken(&self, generation: u64) -> PathBuf {
        self.root.with_file_name(format!("{}.broken-{generation}", self.name()))
    }

    fn name(&self) -> String {
        self.root.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

fn entries(folder: &Path) -> impl Iterator<Item = (String, PathBuf)> + use<> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
}

fn number(name: &str) -> Option<u64> {
    name.strip_prefix('g')?.parse().ok()
}

fn remove(path: &Path) {
    let removed = match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(_) => Ok(()),
    };
    if let Err(error) = removed {
        tracing::warn!(%error, path = %path.display(), "an old view store cannot be removed");
    }
}
