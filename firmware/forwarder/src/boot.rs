//! The boot number: raised and synced before its first use, so that no `(boot, seq)` comes twice.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

/// Reads the boot number kept at `path`, raises it and makes it durable. A file that is not a
/// number is an error: guessing one could repeat it.
pub fn raise(path: &Path) -> io::Result<u32> {
    let last = match fs::read_to_string(path) {
        Ok(text) => text.trim().parse::<u32>().map_err(io::Error::other)?,
        Err(e) if e.kind() == io::ErrorKind::NotFound => 0,
        Err(e) => return Err(e),
    };
    let boot = last.checked_add(1).ok_or_else(|| io::Error::other("boot numbers are used up"))?;
    let beside = path.with_extension("new");
    let mut file = File::create(&beside)?;
    write!(file, "{boot}")?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(boot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_start_has_a_number_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("boot");
        assert_eq!([(); 3].map(|()| raise(&path).unwrap()), [1, 2, 3]);
        fs::write(&path, "x").unwrap();
        assert!(raise(&path).is_err());
    }
}
