//! The vault's one writing thread: gathers what waits, writes file by file, syncs each once.

use super::{Limits, VaultError, count_dropped};
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use tokio::sync::{mpsc, oneshot};

/// Requests that wait; more wait in their links.
const QUEUE: usize = 64;
/// Files held open.
const OPEN_FILES: usize = 8;
const SUFFIX: &str = ".vault";

/// A sealed entry and the last day it may be kept (days since 1970).
pub(super) struct Piece {
    pub(super) until: i32,
    pub(super) bytes: Vec<u8>,
}

enum Request {
    Write(Vec<Piece>, oneshot::Sender<Result<(), VaultError>>),
    Purge(i32),
}

pub(super) struct Writer {
    requests: mpsc::Sender<Request>,
}

impl Writer {
    pub(super) fn start(folder: &Path, limits: Limits) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let bytes = files(folder)?.iter().map(|(_, path)| size(path)).sum();
        let files = Files { folder: folder.to_owned(), open: BTreeMap::new(), bytes, limits };
        let (requests, waiting) = mpsc::channel(QUEUE);
        thread::Builder::new().name("vault".into()).spawn(move || run(files, waiting))?;
        Ok(Self { requests })
    }

    pub(super) async fn write(&self, pieces: Vec<Piece>) -> Result<(), VaultError> {
        let (done, answer) = oneshot::channel();
        let request = Request::Write(pieces, done);
        self.requests.send(request).await.map_err(|_| VaultError::Closed)?;
        answer.await.map_err(|_| VaultError::Closed)?
    }

    pub(super) fn purge(&self, today: i32) {
        // A full queue means work; the next purge comes.
        let _ = self.requests.try_send(Request::Purge(today));
    }
}

fn run(mut files: Files, mut waiting: mpsc::Receiver<Request>) {
    while let Some(first) = waiting.blocking_recv() {
        let (mut pieces, mut answers) = (Vec::new(), Vec::new());
        let mut next = Some(first);
        while let Some(request) = next {
            match request {
                Request::Write(more, done) => {
                    pieces.extend(more);
                    answers.push(done);
                }
                Request::Purge(today) => files.purge(today),
            }
            next = if answers.len() < QUEUE { waiting.try_recv().ok() } else { None };
        }
        let written = files.write(pieces).map_err(Arc::new);
        for done in answers {
            let _ = done.send(written.clone().map_err(VaultError::Io));
        }
    }
}

struct Files {
    folder: PathBuf,
    open: BTreeMap<i32, File>,
    bytes: u64,
    limits: Limits,
}

impl Files {
    fn write(&mut self, pieces: Vec<Piece>) -> io::Result<()> {
        let mut by_day: BTreeMap<i32, Vec<u8>> = BTreeMap::new();
        for piece in pieces {
            self.bytes += piece.bytes.len() as u64;
            if self.bytes > self.limits.bytes {
                self.bytes -= piece.bytes.len() as u64;
                count_dropped("full");
                continue;
            }
            by_day.entry(piece.until).or_default().extend_from_slice(&piece.bytes);
        }
        for (day, bytes) in by_day {
            let file = self.file(day)?;
            let written = file.write_all(&bytes).and_then(|()| file.sync_data());
            if written.is_err() {
                // After a failed sync the handle's word is worth nothing.
                self.open.remove(&day);
            }
            written?;
        }
        Ok(())
    }

    fn file(&mut self, day: i32) -> io::Result<&mut File> {
        if !self.open.contains_key(&day) && self.open.len() >= OPEN_FILES {
            self.open.pop_first();
        }
        match self.open.entry(day) {
            std::collections::btree_map::Entry::Occupied(entry) => Ok(entry.into_mut()),
            std::collections::btree_map::Entry::Vacant(entry) => {
                let path = self.folder.join(name(day));
                let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
                file.sync_all()?;
                File::open(&self.folder)?.sync_all()?;
                Ok(entry.insert(file))
            }
        }
    }

    fn purge(&mut self, today: i32) {
        for (day, path) in files(&self.folder).unwrap_or_default() {
            if day < today {
                let size = size(&path);
                self.open.remove(&day);
                if fs::remove_file(&path).is_ok() {
                    self.bytes = self.bytes.saturating_sub(size);
                }
            }
        }
    }
}

/// The vault's files with the last day each may be kept.
pub(super) fn files(folder: &Path) -> io::Result<Vec<(i32, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let day = path.file_name().and_then(|n| n.to_str()).and_then(day_of_name);
        found.extend(day.map(|day| (day, path)));
    }
    found.sort();
    Ok(found)
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |m| m.len())
}

/// As `2026-12-31.vault`.
fn name(day: i32) -> String {
    let epoch = jiff::civil::Date::constant(1970, 1, 1);
    let date = epoch.saturating_add(jiff::Span::new().days(i64::from(day).clamp(0, 2_900_000)));
    format!("{date}{SUFFIX}")
}

fn day_of_name(name: &str) -> Option<i32> {
    let date: jiff::civil::Date = name.strip_suffix(SUFFIX)?.parse().ok()?;
    let since = jiff::civil::Date::constant(1970, 1, 1).until(date).ok()?;
    Some(since.get_days())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_days() {
        for day in [0, 1, 20_788, 2_900_000] {
            assert_eq!(day_of_name(&name(day)), Some(day), "{}", name(day));
        }
        assert_eq!(day_of_name("x.vault"), None);
        assert_eq!(day_of_name("2026-12-31"), None);
    }
}
