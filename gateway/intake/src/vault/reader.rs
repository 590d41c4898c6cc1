//! Reading the vault: for a dispute review under two people's eyes, and for tests. No page does.

use super::cipher::Key;
use super::entry::{self, EntryKind, Header};
use super::shelf::{Shelf, walk};
use crate::split::EvidenceKind;
use muster_attendance::{DeviceId, Method, PersonId};
use muster_ledger::{Keyring, KeyringError};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Why evidence cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReaderError {
    /// The disk said no.
    #[error("cannot read {path}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The person's secret is destroyed, or cannot be read.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// It was changed, or sealed under another secret.
    #[error("the entry does not open: it was changed, or is sealed under another secret")]
    Seal,
}

/// An entry as it can be listed without any key.
#[derive(Clone, Debug)]
pub struct Shelved {
    /// The terminal.
    pub device: DeviceId,
    /// The terminal's boot number.
    pub boot: u32,
    /// The punch's number within the boot.
    pub seq: u64,
    /// Whose secret it is sealed under; `None` for the day's.
    pub person: Option<PersonId>,
    /// How the person showed who they are.
    pub method: Method,
    /// What it is; `None` for a whole message that was set aside.
    pub kind: Option<EvidenceKind>,
    /// When the box had it, milliseconds since 1970.
    pub received_ms: i64,
    path: PathBuf,
    at: u64,
    length: usize,
    header: Header,
}

/// An opened entry; wiped when dropped.
pub struct Opened {
    /// Media type, as `image/jpeg`; may be empty.
    pub media: String,
    /// The evidence.
    pub data: Zeroizing<Vec<u8>>,
}

/// Reads a vault's folder, beside a running gateway or without one.
pub struct Reader {
    dir: PathBuf,
    keyring: Keyring,
}

impl Reader {
    /// A reader of the folder `dir` (`data/vault`).
    pub fn open(dir: impl Into<PathBuf>, keyring: Keyring) -> Self {
        Self { dir: dir.into(), keyring }
    }

    /// All whole entries, by day and place in the file.
    pub fn list(&self) -> Result<Vec<Shelved>, ReaderError> {
        let mut files = Vec::new();
        for file in fs::read_dir(&self.dir).map_err(failed(&self.dir))? {
            let file = file.map_err(failed(&self.dir))?;
            if let Some(shelf) = file.file_name().to_str().and_then(Shelf::from_file_name) {
                files.push((shelf.day, file.path()));
            }
        }
        files.sort();
        let mut entries = Vec::new();
        for (_, path) in files {
            let mut file = File::open(&path).map_err(failed(&path))?;
            let seen = |header, at, length| entries.push(shelved(&path, header, at, length));
            walk(&mut file, seen).map_err(failed(&path))?;
        }
        Ok(entries)
    }

    /// Opens one entry.
    pub fn read(&self, shelved: &Shelved) -> Result<Opened, ReaderError> {
        let header = &shelved.header;
        let secret = self.keyring.find_vault_secret(header.person, header.day())?;
        let key = Key::derive(&secret).ok_or(ReaderError::Seal)?;
        let sealed = shelved.bytes().map_err(failed(&shelved.path))?;
        let (media, data) = entry::open(header, &key, &sealed).ok_or(ReaderError::Seal)?;
        Ok(Opened { media, data })
    }
}

impl Shelved {
    fn bytes(&self) -> io::Result<Vec<u8>> {
        let mut file = File::open(&self.path)?;
        let mut sealed = vec![0; self.length];
        file.seek(SeekFrom::Start(self.at))?;
        file.read_exact(&mut sealed)?;
        Ok(sealed)
    }
}

fn shelved(path: &Path, header: Header, at: u64, length: usize) -> Shelved {
    Shelved {
        device: header.device,
        boot: header.boot,
        seq: header.seq,
        person: header.person,
        method: header.method,
        kind: match header.kind {
            EntryKind::Evidence(kind) => Some(kind),
            EntryKind::SetAside => None,
        },
        received_ms: header.received_ms,
        path: path.to_owned(),
        at,
        length,
        header,
    }
}

fn failed(path: &Path) -> impl Fn(io::Error) -> ReaderError {
    let path = path.to_owned();
    move |source| ReaderError::Io { path: path.clone(), source }
}
