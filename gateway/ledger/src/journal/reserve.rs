//! Room set aside so that the box can start and speak on a full disk.

use rustix::fs::{FallocateFlags, fallocate, statvfs};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Bytes set aside.
pub(super) const RESERVE_BYTES: u64 = 8 << 20;
/// Free bytes that end a full disk while the reserve was not needed.
const ENOUGH_BYTES: u64 = 1 << 20;

/// The file `reserve`.
pub(super) struct Reserve {
    path: PathBuf,
    held: bool,
}

impl Reserve {
    /// Makes it where it is missing and there is room; a full disk is no error.
    pub(super) fn open(dir: &Path) -> Self {
        let path = dir.join("reserve");
        let held = fs::metadata(&path).is_ok_and(|m| m.len() == RESERVE_BYTES);
        let mut reserve = Self { path, held };
        reserve.restore();
        reserve
    }

    /// Whether the room is still set aside.
    pub(super) fn is_held(&self) -> bool {
        self.held
    }

    /// Gives the room to the file system; false where there was none to give.
    pub(super) fn release(&mut self) -> bool {
        let released = self.held && fs::remove_file(&self.path).is_ok();
        self.held = false;
        released
    }

    /// Sets the room aside again once there is twice as much.
    pub(super) fn restore(&mut self) -> bool {
        if !self.held && self.free() >= 2 * RESERVE_BYTES {
            self.held = self.make().is_ok();
            if !self.held {
                let _ = fs::remove_file(&self.path);
            }
        }
        self.held
    }

    /// Whether an ordinary append may work again.
    pub(super) fn has_room(&self) -> bool {
        self.free() >= ENOUGH_BYTES
    }

    fn free(&self) -> u64 {
        let dir = self.path.parent().unwrap_or(Path::new("."));
        statvfs(dir).map_or(0, |s| s.f_bavail.saturating_mul(s.f_frsize))
    }

    fn make(&self) -> io::Result<()> {
        let mut options = File::options();
        let mut file =
            options.write(true).create(true).truncate(true).mode(0o600).open(&self.path)?;
        if fallocate(&file, FallocateFlags::empty(), 0, RESERVE_BYTES).is_err() {
            // A file system without fallocate: zeros do.
            let zeros = vec![0; 1 << 20];
            (0..RESERVE_BYTES >> 20).try_for_each(|_| file.write_all(&zeros))?;
        }
        file.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_given_and_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let len = || fs::metadata(dir.path().join("reserve")).map(|m| m.len()).ok();
        let mut reserve = Reserve::open(dir.path());
        assert!(reserve.is_held());
        assert_eq!(len(), Some(RESERVE_BYTES));
        assert!(reserve.release());
        assert!(!reserve.release());
        assert_eq!(len(), None);
        assert!(reserve.restore());
        assert_eq!(len(), Some(RESERVE_BYTES));
    }
}
