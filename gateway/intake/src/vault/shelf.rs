//! Day files: their names, appending to them, mending their tails.

use super::entry::{HEADER_LEN, Header, PREFIX_LEN, prefix};
use muster_attendance::Method;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// First bytes of every file; the last one is the version of the layout.
const MAGIC: &[u8; 8] = b"MUSTVLT\x01";
/// Ending of a file's name.
const EXTENSION: &str = "vault";

/// All methods.
pub(super) const METHODS: [Method; 6] =
    [Method::Fingerprint, Method::Face, Method::Card, Method::Pin, Method::Palm, Method::Other];

/// Which file an entry belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Shelf {
    /// Days since 1970-01-01 in UTC, by receipt.
    pub(super) day: i64,
    /// `None` for what was set aside.
    pub(super) method: Option<Method>,
}

impl Shelf {
    /// `20788-face.vault`, the day as a number.
    pub(super) fn file_name(&self) -> String {
        format!("{}-{}.{EXTENSION}", self.day, self.method.map_or("set-aside", name))
    }

    /// From a file's name; `None` if it is none of ours.
    pub(super) fn from_file_name(file: &str) -> Option<Self> {
        let (day, rest) = file.strip_suffix(EXTENSION)?.strip_suffix('.')?.split_once('-')?;
        let day = day.parse().ok()?;
        let method = match rest {
            "set-aside" => None,
            rest => Some(METHODS.into_iter().find(|&method| name(method) == rest)?),
        };
        let shelf = Self { day, method };
        (shelf.file_name() == file).then_some(shelf)
    }
}

fn name(method: Method) -> &'static str {
    match method {
        Method::Fingerprint => "fingerprint",
        Method::Face => "face",
        Method::Card => "card",
        Method::Pin => "pin",
        Method::Palm => "palm",
        Method::Other => "other",
    }
}

/// A file that is appended to.
pub(super) struct DayFile {
    file: File,
    pub(super) length: u64,
    /// Bytes of a torn tail that were cut off.
    pub(super) torn: u64,
}

impl DayFile {
    /// Opens or makes the file, cuts a torn tail off, and shows each whole entry to `seen`.
    pub(super) fn open(path: &Path, mut seen: impl FnMut(Header)) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)?;
        let size = file.metadata()?.len();
        if size < MAGIC.len() as u64 {
            file.set_len(0)?;
            file.write_all(MAGIC)?;
            file.sync_all()?;
            sync_folder(path)?;
            return Ok(Self { file, length: MAGIC.len() as u64, torn: size });
        }
        let length = walk(&mut file, |header, _, _| seen(header))?;
        file.set_len(length)?;
        file.seek(SeekFrom::Start(length))?;
        Ok(Self { file, length, torn: size - length })
    }

    /// Appends; on an error the file is as before.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all(bytes) {
            self.undo(self.length);
            return Err(error);
        }
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Forgets what was appended after `length`.
    pub(super) fn undo(&mut self, length: u64) {
        // If this fails too, the next opening cuts the tail off or takes whole entries for good.
        let _ = self.file.set_len(length);
        let _ = self.file.seek(SeekFrom::Start(length));
        self.length = length;
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// Shows each whole entry with the place and length of its sealed bytes; returns where they end.
pub(super) fn walk(file: &mut File, mut seen: impl FnMut(Header, u64, usize)) -> io::Result<u64> {
    let mut magic = [0; MAGIC.len()];
    file.seek(SeekFrom::Start(0))?;
    file.read_exact(&mut magic)?;
    if &magic != MAGIC {
        return Err(io::Error::new(ErrorKind::InvalidData, "not a vault file of this version"));
    }
    let mut at = MAGIC.len() as u64;
    while let Some((header, length)) = read_entry(file)? {
        seen(header, at + (PREFIX_LEN + HEADER_LEN) as u64, length - HEADER_LEN);
        at += (PREFIX_LEN + length) as u64;
    }
    Ok(at)
}

/// The next whole entry; `None` at the end and before anything torn.
fn read_entry(file: &mut File) -> io::Result<Option<(Header, usize)>> {
    let mut head = [0; PREFIX_LEN];
    if !fill(file, &mut head)? {
        return Ok(None);
    }
    let Some((length, crc)) = prefix(head) else { return Ok(None) };
    let mut entry = vec![0; length];
    if !fill(file, &mut entry)? || crc32c::crc32c(&entry) != crc {
        return Ok(None);
    }
    let header = entry.first_chunk::<HEADER_LEN>().and_then(Header::read);
    Ok(header.map(|header| (header, length)))
}

/// Reads all of `buffer`; false at the end of the file.
fn fill(file: &mut File, buffer: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes a file's name durable.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
