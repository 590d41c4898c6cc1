//! A backup as a file: sealed pieces that only ever grow in number, and a sealed list of them.
//!
//! | at | bytes | |
//! | --- | --- | --- |
//! | 0 | 512 | header, one copy |
//! | 512 | 512 | header, the other copy |
//! | 1024 | | pieces and lists, sealed under the recovery key; what no list names is zeros |
//!
//! A header is `MSTRBAK1`, format (u16), state (u16: 0 settled, 1 wiping), generation (u64), the
//! set of the recovery key (8), place (u64), length (u64) and salt (16) of the list, length of the
//! whole file (u64), zeros, and a CRC-32C of the first 508 bytes; integers little-endian.
//!
//! A new backup appends pieces and a list, syncs, puts a header over the older copy that says
//! `wiping`, syncs, overwrites what the new list no longer names (the keyring before it above all)
//! with zeros, and puts a header over the other copy that says `settled`. So after a crash at any
//! moment the file is the old backup or the new one. In a settled file every byte counts: each is
//! sealed, checked or zero, and a change of any of them is noticed. Memory is bounded by the list
//! ([`MAX_LIST`]) and one chunk.

use super::key::{KeySet, PieceSalt, RecoveryKey, random};
use super::list::{Entry, List, Piece};
use super::sheets;
use ring::digest::{Context, SHA256};
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"MSTRBAK1";
const FORMAT: u16 = 1;
const COPY: u64 = 512;
/// Where pieces begin.
const BODY: u64 = 2 * COPY;
/// Bytes of a sealed list at most.
const MAX_LIST: u64 = 64 << 20;
/// Bytes looked at or wiped at once.
const BLOCK: usize = 64 << 10;
/// A file that grew piece by piece is written anew when it has this many.
const MAX_PIECES: usize = 64;

/// Why a file is no backup to be used. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArchiveError {
    #[error("{0} is not a backup of Muster; name the file that `muster backup` wrote")]
    Other(PathBuf),
    #[error("{0} was written by a newer version; install that version first")]
    Newer(PathBuf),
    #[error(
        "{path} was sealed for the recovery sheets {theirs}, and these are {ours}: it is of \
         another box or set-up; use the sheets {theirs}"
    )]
    Foreign { path: PathBuf, theirs: String, ours: String },
    #[error(
        "{path} is cut short ({have} of {want} bytes): it was not copied whole; copy it again, or \
         use an older backup"
    )]
    Short { path: PathBuf, have: u64, want: u64 },
    #[error("{path} is damaged ({what}); use another copy or an older backup")]
    Damaged { path: PathBuf, what: String },
    #[error("cannot use {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
}

/// One copy of the header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Header {
    wiping: bool,
    generation: u64,
    set: KeySet,
    list_at: u64,
    list_len: u64,
    salt: PieceSalt,
    end: u64,
}

/// An opened backup.
pub(crate) struct Archive {
    path: PathBuf,
    file: File,
    key: RecoveryKey,
    header: Header,
    /// What it holds.
    pub(crate) list: List,
}

impl Header {
    fn encode(&self) -> [u8; COPY as usize] {
        let mut bytes = [0; COPY as usize];
        let mut at = 0;
        let mut put = |part: &[u8]| {
            bytes[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        };
        put(MAGIC);
        put(&FORMAT.to_le_bytes());
        put(&u16::from(self.wiping).to_le_bytes());
        put(&self.generation.to_le_bytes());
        put(&self.set);
        put(&self.list_at.to_le_bytes());
        put(&self.list_len.to_le_bytes());
        put(&self.salt);
        put(&self.end.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..508]);
        bytes[508..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8; COPY as usize]) -> Option<Self> {
        let u64_at = |at: usize| Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
        let crc = u32::from_le_bytes(*bytes.last_chunk()?);
        if crc32c::crc32c(&bytes[..508]) != crc {
            return None;
        }
        Some(Self {
            wiping: bytes[10] != 0,
            generation: u64_at(12)?,
            set: *bytes.get(20..)?.first_chunk()?,
            list_at: u64_at(28)?,
            list_len: u64_at(36)?,
            salt: *bytes.get(44..)?.first_chunk()?,
            end: u64_at(60)?,
        })
    }
}

/// For which recovery key the file at `path` is sealed.
pub(crate) fn set_of(path: &Path) -> Result<KeySet, ArchiveError> {
    let file = File::open(path).map_err(|source| io_error(path, source))?;
    Ok(headers(path, &file)?.iter().flatten().next().map_or(KeySet::default(), |h| h.set))
}

impl Archive {
    /// A new, empty one; the file is there only for its owner. Replaces what is at `path`.
    pub(super) fn create(path: &Path, key: RecoveryKey) -> Result<Self, ArchiveError> {
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(true).mode(0o600);
        let file = options.open(path).map_err(|source| io_error(path, source))?;
        let header = Header {
            wiping: true,
            generation: 0,
            set: key.set(),
            list_at: BODY,
            list_len: 0,
            salt: PieceSalt::default(),
            end: BODY,
        };
        Ok(Self { path: path.to_owned(), file, key, header, list: List::default() })
    }

    /// Opens one to read, or with `update` to add to it. Its list is verified, its pieces are not:
    /// see [`Self::verify`].
    pub(crate) fn open(path: &Path, key: RecoveryKey, update: bool) -> Result<Self, ArchiveError> {
        let file = File::options().read(true).write(update).open(path);
        let file = file.map_err(|source| io_error(path, source))?;
        let copies = headers(path, &file)?;
        let damaged = |what: &str| damaged(path, what);
        let newest = copies.iter().flatten().max_by_key(|header| header.generation);
        let header = *newest.ok_or_else(|| damaged("its header"))?;
        if header.set != key.set() {
            let (theirs, ours) = (sheets::name(&header.set), sheets::name(&key.set()));
            return Err(ArchiveError::Foreign { path: path.to_owned(), theirs, ours });
        }
        let have = file.metadata().map_err(|source| io_error(path, source))?.len();
        if have < header.end {
            return Err(ArchiveError::Short { path: path.to_owned(), have, want: header.end });
        }
        // An unfinished backup may have torn one copy, and the next one mends that.
        if !update && copies.iter().any(Option::is_none) {
            return Err(damaged("one copy of its header"));
        }
        let list = read_list(&file, &key, &header).ok_or_else(|| damaged("its list"))?;
        Ok(Self { path: path.to_owned(), file, key, header, list })
    }

    /// Reads everything: every piece opens and has its digest, all else is zeros. `told` hears of
    /// bytes done.
    pub(crate) fn verify(&self, told: &mut dyn FnMut(u64)) -> Result<(), ArchiveError> {
        for name in self.list.files.keys() {
            self.extract(name, &mut io::sink(), told)?;
        }
        if self.header.wiping {
            return Ok(());
        }
        let mut at = BODY;
        for (start, end) in self.spans().into_iter().chain([(self.header.end, self.header.end)]) {
            if start < at {
                return Err(damaged(&self.path, "pieces that overlap"));
            }
            if !self.is_zero(at, start).map_err(|source| io_error(&self.path, source))? {
                return Err(damaged(&self.path, "bytes where there should be none"));
            }
            at = end;
        }
        Ok(())
    }

    /// Writes one file of the backup out; an error where it is not what was put in.
    pub(crate) fn extract(
        &self,
        name: &str,
        to: &mut dyn Write,
        told: &mut dyn FnMut(u64),
    ) -> Result<(), ArchiveError> {
        let bad = || damaged(&self.path, name);
        let entry = self.list.files.get(name).ok_or_else(bad)?;
        let mut digest = Context::new(&SHA256);
        let mut len = 0;
        for piece in &entry.pieces {
            let mut sealed = &self.file;
            let io = |source: io::Error| match source.kind() {
                io::ErrorKind::InvalidData => bad(),
                _ => io_error(&self.path, source),
            };
            sealed.seek(SeekFrom::Start(piece.at)).map_err(io)?;
            let both = Both { digest: &mut digest, to };
            len += self.key.open(&piece.salt, sealed.take(piece.sealed), both).map_err(io)?;
            told(piece.plain);
        }
        if len != entry.len || digest.finish().as_ref() != entry.sha256 {
            return Err(bad());
        }
        Ok(())
    }

    /// The bytes of a small file.
    pub(crate) fn read(&self, name: &str) -> Result<zeroize::Zeroizing<Vec<u8>>, ArchiveError> {
        let mut bytes = zeroize::Zeroizing::new(Vec::new());
        self.extract(name, &mut *bytes, &mut |_| {})?;
        Ok(bytes)
    }

    /// The part of the file that no list names any more.
    pub(super) fn dead(&self) -> u64 {
        let live: u64 = self.spans().iter().map(|(start, end)| end - start).sum();
        self.header.end.saturating_sub(BODY + live)
    }

    /// Bytes of the file.
    pub(crate) fn len(&self) -> u64 {
        self.header.end
    }

    /// Where what is named lies, in order.
    fn spans(&self) -> Vec<(u64, u64)> {
        let pieces = self.list.files.values().flat_map(|entry| &entry.pieces);
        let mut spans: Vec<_> = pieces.map(|p| (p.at, p.at.saturating_add(p.sealed))).collect();
        spans.push((self.header.list_at, self.header.list_at + self.header.list_len));
        spans.sort_unstable();
        spans
    }

    fn is_zero(&self, mut at: u64, end: u64) -> io::Result<bool> {
        let mut block = vec![0; BLOCK];
        while at < end {
            let len = (end - at).min(BLOCK as u64) as usize;
            let part = block.get_mut(..len).unwrap_or_default();
            self.file.read_exact_at(part, at)?;
            if part.iter().any(|&b| b != 0) {
                return Ok(false);
            }
            at += len as u64;
        }
        Ok(true)
    }
}

/// A backup being added to.
pub(super) struct Addition<'a> {
    archive: &'a mut Archive,
    list: List,
    end: u64,
    /// Bytes that were sealed now.
    pub(super) added: u64,
}

impl Archive {
    /// Begins a new backup in this file.
    pub(super) fn add(&mut self, list: List) -> Addition<'_> {
        let end = self.header.end;
        Addition { archive: self, list, end, added: 0 }
    }
}

impl Addition<'_> {
    /// Puts a file in, anew.
    pub(super) fn put(&mut self, name: &str, plain: impl Read) -> anyhow::Result<()> {
        let mut digest = Context::new(&SHA256);
        let piece = self.piece(Counted { digest: &mut digest, from: plain })?;
        self.enter(name, vec![piece], digest);
        Ok(())
    }

    /// Puts the first `len` bytes of a file that only grows in: what the backup before has of it
    /// stays, where it is still the same.
    pub(super) fn put_growing(&mut self, name: &str, file: &File, len: u64) -> anyhow::Result<()> {
        let mut digest = Context::new(&SHA256);
        let mut from = file;
        from.seek(SeekFrom::Start(0))?;
        let before = self
            .archive
            .list
            .files
            .get(name)
            .filter(|entry| entry.len <= len && entry.pieces.len() < MAX_PIECES);
        let mut pieces = Vec::new();
        if let Some(entry) = before {
            let mut had = Counted { digest: &mut digest, from: from.take(entry.len) };
            io::copy(&mut had, &mut io::sink())?;
            match digest.clone().finish().as_ref() == entry.sha256 {
                true => pieces.clone_from(&entry.pieces),
                false => {
                    digest = Context::new(&SHA256);
                    from.seek(SeekFrom::Start(0))?;
                }
            }
        }
        let had: u64 = pieces.iter().map(|piece| piece.plain).sum();
        if had < len || pieces.is_empty() {
            let rest = Counted { digest: &mut digest, from: from.take(len - had) };
            pieces.push(self.piece(rest)?);
        }
        anyhow::ensure!(
            pieces.iter().map(|piece| piece.plain).sum::<u64>() == len,
            "{name} is shorter than it was"
        );
        self.enter(name, pieces, digest);
        Ok(())
    }

    /// Makes the new backup the one in force; durable when this returns. The old keyring and
    /// whatever else is no longer named are overwritten.
    pub(super) fn commit(self) -> anyhow::Result<u64> {
        let Self { archive, list, end, added } = self;
        let old = archive.spans();
        let sealed_list = serde_json::to_vec(&list)?;
        let salt = random()?;
        let mut out = BufWriter::new(&archive.file);
        out.seek(SeekFrom::Start(end))?;
        let (_, list_len) = archive.key.seal(&salt, sealed_list.as_slice(), &mut out)?;
        out.flush()?;
        drop(out);
        anyhow::ensure!(list_len <= MAX_LIST, "the list of the backup is too long");
        let generation = archive.header.generation + 1;
        let header = Header {
            wiping: true,
            generation,
            set: archive.key.set(),
            list_at: end,
            list_len,
            salt,
            end: end + list_len,
        };
        archive.file.set_len(header.end)?;
        archive.file.sync_all()?;
        archive.put_header(header)?;
        archive.list = list;
        archive.wipe(&old)?;
        archive.put_header(Header { wiping: false, generation: generation + 1, ..header })?;
        Ok(added)
    }

    fn piece(&mut self, plain: impl Read) -> anyhow::Result<Piece> {
        let (salt, at) = (random()?, self.end);
        let mut out = BufWriter::with_capacity(BLOCK, &self.archive.file);
        out.seek(SeekFrom::Start(at))?;
        let (plain, sealed) = self.archive.key.seal(&salt, plain, &mut out)?;
        out.flush()?;
        drop(out);
        self.end += sealed;
        self.added += sealed;
        Ok(Piece { at, sealed, plain, salt })
    }

    fn enter(&mut self, name: &str, pieces: Vec<Piece>, digest: Context) {
        let len = pieces.iter().map(|piece| piece.plain).sum();
        let sha256 = digest.finish().as_ref().to_vec();
        self.list.files.insert(name.to_owned(), Entry { len, sha256, pieces });
    }
}

impl Archive {
    fn put_header(&mut self, header: Header) -> io::Result<()> {
        let at = header.generation % 2 * COPY;
        self.file.write_all_at(&header.encode(), at)?;
        self.file.sync_all()?;
        self.header = header;
        Ok(())
    }

    /// Zeros over all of `old`, and of what a crash left, that is not named now.
    fn wipe(&self, old: &[(u64, u64)]) -> io::Result<()> {
        let live = self.spans();
        let mut at = BODY;
        for (start, end) in live.into_iter().chain([(self.header.end, self.header.end)]) {
            // Zeros stay as they are: they may be holes.
            let touched = old.iter().any(|&(a, b)| a < start && at < b);
            if at < start && (touched || !self.is_zero(at, start)?) {
                self.zero(at, start)?;
            }
            at = at.max(end);
        }
        self.file.sync_all()
    }

    fn zero(&self, mut at: u64, end: u64) -> io::Result<()> {
        let (from, zeros) = (at, vec![0; BLOCK]);
        while at < end {
            let len = (end - at).min(BLOCK as u64) as usize;
            self.file.write_all_at(zeros.get(..len).unwrap_or_default(), at)?;
            at += len as u64;
        }
        self.file.sync_all()?;
        let hole = rustix::fs::FallocateFlags::PUNCH_HOLE | rustix::fs::FallocateFlags::KEEP_SIZE;
        // Gives the room back, where the file system can.
        let _ = rustix::fs::fallocate(&self.file, hole, from, end - from);
        Ok(())
    }
}

/// Both copies of the header; an error where neither says that this is a backup.
fn headers(path: &Path, file: &File) -> Result<[Option<Header>; 2], ArchiveError> {
    let mut bytes = [0; BODY as usize];
    let mut have = 0;
    while let Some(rest) = bytes.get_mut(have..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, have as u64) {
            Ok(0) => break,
            Ok(n) => have += n,
            Err(source) => return Err(io_error(path, source)),
        }
    }
    let (first, second) = bytes.split_at(COPY as usize);
    let marked = |copy: &&[u8]| copy.starts_with(MAGIC);
    let Some(copy) = [first, second].into_iter().find(marked) else {
        return Err(ArchiveError::Other(path.to_owned()));
    };
    if u16::from_le_bytes([copy[8], copy[9]]) > FORMAT {
        return Err(ArchiveError::Newer(path.to_owned()));
    }
    if have < BODY as usize {
        let (have, want) = (have as u64, BODY);
        return Err(ArchiveError::Short { path: path.to_owned(), have, want });
    }
    let decode = |copy: &[u8]| Header::decode(copy.first_chunk()?);
    Ok([decode(first), decode(second)])
}

fn read_list(file: &File, key: &RecoveryKey, header: &Header) -> Option<List> {
    let bounded = header.list_len <= MAX_LIST && header.list_at >= BODY;
    bounded.then_some(())?;
    let mut sealed = file;
    sealed.seek(SeekFrom::Start(header.list_at)).ok()?;
    let mut plain = Vec::new();
    key.open(&header.salt, sealed.take(header.list_len), &mut plain).ok()?;
    let list: List = serde_json::from_slice(&plain).ok()?;
    let named = list.files.values().flat_map(|entry| &entry.pieces);
    let mut inside = named.map(|p| p.at >= BODY && p.at.saturating_add(p.sealed) <= header.end);
    inside.all(|inside| inside).then_some(list)
}

fn damaged(path: &Path, what: &str) -> ArchiveError {
    ArchiveError::Damaged { path: path.to_owned(), what: what.to_owned() }
}

fn io_error(path: &Path, source: io::Error) -> ArchiveError {
    ArchiveError::Io { path: path.to_owned(), source }
}

/// Digests what is read.
struct Counted<'a, R> {
    digest: &'a mut Context,
    from: R,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.from.read(into)?;
        self.digest.update(into.get(..n).unwrap_or_default());
        Ok(n)
    }
}

/// Digests what is written.
struct Both<'a> {
    digest: &'a mut Context,
    to: &'a mut dyn Write,
}

impl Write for Both<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.to.write(bytes)?;
        self.digest.update(bytes.get(..n).unwrap_or_default());
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
