//! Opening the vault: for a dispute review that two people asked for, and for the tests that keep
//! the vault honest. No page and no command line reads it.

use super::entry::{self, MARK, Sealer};
use super::writer;
use crate::split::EvidenceKind;
use muster_attendance::{DeviceId, PersonId};
use muster_ledger::Keyring;
use std::io;
use std::path::Path;
use zeroize::Zeroizing;

/// One entry, opened. Wiped when dropped; not to be shown.
pub struct Opened {
    /// The terminal.
    pub device: DeviceId,
    /// Its boot number.
    pub boot: u32,
    /// Its sequence number.
    pub seq: u64,
    /// Whose; `None` for nobody's.
    pub person: Option<PersonId>,
    /// What it is.
    pub kind: EvidenceKind,
    /// As the terminal named it.
    pub media: String,
    /// The evidence.
    pub data: Zeroizing<Vec<u8>>,
}

/// What was found in a vault.
#[derive(Default)]
pub struct Reader {
    /// Entries that opened.
    pub opened: Vec<Opened>,
    /// Entries that are whole, and whose secret was destroyed or does not fit.
    pub sealed: u64,
    /// Bytes that belong to no whole entry.
    pub damaged_bytes: u64,
}

impl Reader {
    /// Reads all files in `folder`, a file at a time.
    pub fn read(folder: &Path, keyring: &Keyring) -> io::Result<Self> {
        let mut reader = Self::default();
        for (_, path) in writer::files(folder)? {
            reader.read_bytes(&std::fs::read(path)?, keyring);
        }
        Ok(reader)
    }

    fn read_bytes(&mut self, mut bytes: &[u8], keyring: &Keyring) {
        while !bytes.is_empty() {
            match entry::read(bytes) {
                Some((header, body, size)) => {
                    self.open(&header, body, keyring);
                    bytes = &bytes[size..];
                }
                None => {
                    let next = bytes[1..].windows(MARK.len()).position(|w| w == MARK);
                    let skipped = next.map_or(bytes.len(), |at| at + 1);
                    self.damaged_bytes += skipped as u64;
                    bytes = &bytes[skipped..];
                }
            }
        }
    }

    fn open(&mut self, header: &entry::Header, body: &[u8], keyring: &Keyring) {
        let secret = keyring.find_vault_secret(header.person, header.day);
        let opened = secret.ok().and_then(|secret| Sealer::new(&secret).open(body));
        let Some((media, data)) = opened else {
            self.sealed += 1;
            return;
        };
        let entry::Header { device, boot, seq, person, kind, .. } = *header;
        self.opened.push(Opened { device, boot, seq, person, kind, media, data });
    }
}
