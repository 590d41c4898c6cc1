//! Small named files of the box, each sealed as a whole and replaced at once.
//!
//! A file is `MSTRBOX1`, a random nonce (12), the bytes encrypted, the tag (16); the name is
//! associated data. A new one is written beside it, fsynced and renamed over it.

use super::KeyringError;
use super::slots::{self, Derived};
use ring::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Bytes a named secret has at most.
pub(super) const MAX_BYTES: usize = 64 << 10;
/// Characters of a name at most.
const MAX_NAME: usize = 64;
const MAGIC: &[u8; 8] = b"MSTRBOX1";
const OVERHEAD: usize = MAGIC.len() + NONCE_LEN + 16;

/// The folder of sealed files.
pub(super) struct Sealed {
    dir: PathBuf,
    key: LessSafeKey,
    writing: Mutex<()>,
}

impl Sealed {
    /// Opens `dir/sealed`, making it unless `read_only`.
    pub(super) fn open(
        dir: &Path,
        derived: &Derived,
        read_only: bool,
    ) -> Result<Self, KeyringError> {
        let dir = dir.join("sealed");
        if !read_only {
            make_dir(&dir)?;
        }
        Ok(Self { dir, key: derived.key("sealed")?, writing: Mutex::new(()) })
    }

    /// What `name` holds, if it was ever written.
    pub(super) fn get(&self, name: &str) -> Result<Option<Vec<u8>>, KeyringError> {
        let mut bytes = Vec::new();
        match File::open(self.path(name)?) {
            Ok(file) => {
                let limit = (MAX_BYTES + OVERHEAD) as u64 + 1;
                file.take(limit).read_to_end(&mut bytes).map_err(KeyringError::Io)?;
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(KeyringError::Io(e)),
        }
        let sealed = bytes.strip_prefix(MAGIC).ok_or(KeyringError::Damaged)?;
        let (nonce, body) = sealed.split_at_checked(NONCE_LEN).ok_or(KeyringError::Damaged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| KeyringError::Damaged)?;
        let mut body = body.to_vec();
        let open = self.key.open_in_place(nonce, Aad::from(name.as_bytes()), &mut body);
        let len = open.map_err(|_| KeyringError::Damaged)?.len();
        body.truncate(len);
        Ok(Some(body))
    }

    /// Writes `name`; durable when this returns.
    pub(super) fn put(&self, name: &str, bytes: &[u8]) -> Result<(), KeyringError> {
        let path = self.path(name)?;
        if bytes.len() > MAX_BYTES {
            let why = format!("{name}: {} bytes are over the limit of {MAX_BYTES}", bytes.len());
            return Err(KeyringError::Name(why));
        }
        let mut nonce = [0; NONCE_LEN];
        slots::randomize(&mut nonce)?;
        let mut body = bytes.to_vec();
        let unique = Nonce::assume_unique_for_key(nonce);
        self.key
            .seal_in_place_append_tag(unique, Aad::from(name.as_bytes()), &mut body)
            .map_err(|_| KeyringError::Damaged)?;
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        replace(&path, &[MAGIC, &nonce, &body]).map_err(KeyringError::Io)
    }

    fn path(&self, name: &str) -> Result<PathBuf, KeyringError> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(plain) {
            return Err(KeyringError::Name(name.chars().take(MAX_NAME).collect()));
        }
        Ok(self.dir.join(name))
    }
}

/// Makes a folder of mode 0700 unless it is there; durable when this returns.
pub(crate) fn make_dir(dir: &Path) -> Result<(), KeyringError> {
    if dir.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(KeyringError::Io)?;
    // The data folder may be new as well.
    let above = dir.ancestors().skip(1).take(2);
    above.into_iter().try_for_each(sync_dir).map_err(KeyringError::Io)
}

/// Makes the names in a folder durable.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    let here = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    File::open(here)?.sync_all()
}

/// Replaces a file at once: the old or the new is there after any crash.
pub(crate) fn replace(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let mut temp = path.as_os_str().to_owned();
    temp.push(".new");
    let temp = PathBuf::from(temp);
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temp)?;
    parts.iter().try_for_each(|part| file.write_all(part))?;
    file.sync_all()?;
    fs::rename(&temp, path)?;
    sync_dir(path.parent().unwrap_or(Path::new("")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_back_and_damage_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let open = || Sealed::open(dir.path(), &Derived::new(&[1; 32]), false).unwrap();
        assert_eq!(open().get("device-ca").unwrap(), None);
        open().put("device-ca", b"one").unwrap();
        open().put("device-ca", b"two").unwrap();
        assert_eq!(open().get("device-ca").unwrap().as_deref(), Some(&b"two"[..]));
        let path = dir.path().join("sealed/device-ca");
        let whole = fs::read(&path).unwrap();
        fs::write(dir.path().join("sealed/other"), &whole).unwrap();
        assert!(matches!(open().get("other"), Err(KeyringError::Damaged)));
        for bit in 0..whole.len() * 8 {
            let mut bad = whole.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, bad).unwrap();
            assert!(matches!(open().get("device-ca"), Err(KeyringError::Damaged)), "{bit}");
        }
    }

    #[test]
    fn names_are_plain_and_sizes_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let sealed = Sealed::open(dir.path(), &Derived::new(&[1; 32]), false).unwrap();
        for bad in ["", "..", "a/b", "A", "a.new", &"a".repeat(65)] {
            assert!(matches!(sealed.put(bad, b""), Err(KeyringError::Name(_))), "{bad}");
        }
        assert!(sealed.put("a", &vec![0; MAX_BYTES]).is_ok());
        assert!(sealed.put("a", &vec![0; MAX_BYTES + 1]).is_err());
    }
}
