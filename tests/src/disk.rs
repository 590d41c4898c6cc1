//! A disk whose power can be cut: ext4 on a loop image, whose pages are thrown away.
//!
//! The file system commits on its own only every ten minutes, so what was not fsynced is still in
//! memory when [`Disk::cut`] shuts it down without flushing its log (the `GOINGDOWN` ioctl, through
//! `xfs_io`). What then comes back after a mount is what a disk would have held. Needs root, loop
//! devices, e2fsprogs and xfsprogs; where one is missing, that is an error, never a pass.

use anyhow::{Context as _, Result, bail, ensure};
use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Size of the image; it is sparse.
const IMAGE_BYTES: u64 = 1 << 30;

/// The disk, mounted; unmounted when dropped.
#[derive(Debug)]
pub struct Disk {
    image: PathBuf,
    mount: PathBuf,
    mounted: bool,
}

impl Disk {
    /// Makes a disk in `dir` and mounts it there.
    pub fn new(dir: &Path) -> Result<Self> {
        ensure!(rustix::process::geteuid().is_root(), "power cuts need root, to mount a disk");
        let (image, mount) = (dir.join("disk.ext4"), dir.join("disk"));
        File::create(&image)?.set_len(IMAGE_BYTES)?;
        std::fs::create_dir_all(&mount)?;
        run("mkfs.ext4", [OsStr::new("-q"), "-F".as_ref(), image.as_ref()])?;
        let mut disk = Self { image, mount, mounted: false };
        disk.mount()?;
        Ok(disk)
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.mount
    }

    /// Makes everything written so far durable.
    pub fn sync(&self) -> Result<()> {
        run("sync", [OsStr::new("-f"), self.mount.as_ref()])
    }

    /// The power goes. Whoever has files open should be stopped by now, and gets errors from here.
    pub fn cut(&mut self) -> Result<()> {
        let args = ["-x", "-c", "shutdown"].map(OsStr::new);
        run("xfs_io", args.into_iter().chain([self.mount.as_ref()]))
    }

    /// The power is back: checks the file system as a boot does, and mounts it. All that had files
    /// open on it must have ended.
    pub fn power_on(&mut self) -> Result<()> {
        self.unmount()?;
        let output = Command::new("e2fsck").arg("-y").arg(&self.image).output()?;
        // 1: errors were corrected, as after any power cut.
        ensure!(matches!(output.status.code(), Some(0 | 1)), "e2fsck: {output:?}");
        self.mount()
    }

    fn mount(&mut self) -> Result<()> {
        let options = ["-t", "ext4", "-o", "loop,commit=600"].map(OsStr::new);
        run("mount", options.into_iter().chain([self.image.as_ref(), self.mount.as_ref()]))?;
        self.mounted = true;
        Ok(())
    }

    fn unmount(&mut self) -> Result<()> {
        if std::mem::take(&mut self.mounted) {
            run("umount", [&self.mount])?;
        }
        Ok(())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.mounted {
            // Also where something still has it open; the image is thrown away in any case.
            let _ = Command::new("umount").arg("-l").arg(&self.mount).status();
        }
    }
}

/// Runs a program of the system; an error names it and what it said.
fn run(program: &str, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<()> {
    let output = Command::new(program).args(args).output();
    let output = output.with_context(|| {
        format!("cannot run {program}: power cuts need root, e2fsprogs, xfsprogs and mount")
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{program}: {}: {}", output.status, said.trim());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    /// The fault itself must be real, or the test of the gateway shows nothing.
    #[test]
    fn what_was_not_synced_is_gone_after_a_cut_and_what_was_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let mut disk = Disk::new(dir.path()).unwrap();
        let path = disk.path().join("file");
        let mut file = File::create(&path).unwrap();
        file.write_all(&[1; 5000]).unwrap();
        file.sync_all().unwrap();
        File::open(disk.path()).unwrap().sync_all().unwrap();
        file.write_all(&[2; 5000]).unwrap();
        disk.cut().unwrap();
        assert!(file.write_all(&[3]).is_err() || file.sync_all().is_err());
        drop(file);
        disk.power_on().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), [1; 5000]);
    }
}
