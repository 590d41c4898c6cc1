//! A clean Debian that nothing was installed in but the base system: made by mmdebstrap and
//! unpacked for each test, and spoken to by chroot with processes, terminals and devices of its own.

use anyhow::{Context as _, Result, ensure};
use std::collections::BTreeSet;
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tempfile::TempDir;

/// What a box has besides the base system: service manager, rules of devices, packet filter, and what
/// systemd loads to speak to a TPM, an emulated one too. The last two are libraries that Debian's
/// installer brings too.
const BASE: &str = "systemd,udev,nftables,libtss2-esys-3.0.2-0,libtss2-rc0,libtss2-mu0,\
                    libtss2-tcti-swtpm0,libgcc-s1,libc6";
/// How long a base system is kept for the next run.
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Where things come and go that are nobody's files.
const NOBODYS: &[&str] = &["/var/lib/dpkg", "/var/log", "/var/cache", "/run", "/dev"];
/// Makes the mounts that programs need, in a namespace that ends with them.
const ENTER: &str = "mount -t proc proc \"$0/proc\" && mount --rbind /dev \"$0/dev\" && \
                     mount --rbind /sys \"$0/sys\" && exec chroot \"$0\" \"$@\"";

/// A root folder, gone at the end.
pub(crate) struct CleanRoot {
    folder: TempDir,
}

impl CleanRoot {
    /// Unpacks the base system.
    pub(crate) fn make() -> Result<Self> {
        let folder = TempDir::new()?;
        let mut unpack = Command::new("tar");
        unpack.arg("--extract").arg("--file").arg(base()?).arg("-C").arg(folder.path());
        ran(&mut unpack)?;
        // As Debian's installer leaves it.
        std::fs::write(folder.path().join("etc/hosts"), "127.0.0.1 localhost\n")?;
        Ok(Self { folder })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside.trim_start_matches('/'))
    }

    /// Runs a program inside; an exit code other than 0 is an error.
    pub(crate) fn run(&self, program: &[&str]) -> Result<String> {
        let output = ran(&mut self.command(program))?;
        Ok(String::from_utf8(output.stdout)?)
    }

    fn command(&self, program: &[&str]) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER]);
        command.arg(self.folder.path()).args(program);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", "/run");
        command
    }

    /// Hands a package to dpkg.
    pub(crate) fn install(&self, package: &Path) -> Result<()> {
        std::fs::copy(package, self.path("/run/muster.deb"))?;
        self.run(&["dpkg", "--install", "/run/muster.deb"])?;
        Ok(())
    }

    /// Every path of the root's own file system that belongs to somebody.
    pub(crate) fn files(&self) -> Result<BTreeSet<String>> {
        let found =
            ran(Command::new("find").arg(self.folder.path()).args(["-xdev", "-printf", "/%P\n"]))?;
        let found = String::from_utf8(found.stdout)?;
        let kept = found.lines().filter(|path| !NOBODYS.iter().any(|n| path.starts_with(n)));
        Ok(kept.map(str::to_owned).collect())
    }
}

/// The base system as an archive, made from this machine's own sources of packages, once a day.
pub(crate) fn base() -> Result<PathBuf> {
    static MAKING: Mutex<()> = Mutex::new(());
    let _one = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut of = std::hash::DefaultHasher::new();
    BASE.hash(&mut of);
    let name = format!("clean-root-{:016x}.tar", of.finish());
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let age = kept.metadata().and_then(|m| m.modified()).ok().and_then(|at| at.elapsed().ok());
    if age.is_some_and(|age| age < DAY) {
        return Ok(kept);
    }
    let sources = ["debian.sources", "../sources.list"]
        .map(|name| Path::new("/etc/apt/sources.list.d").join(name));
    let sources = sources.iter().find(|path| path.is_file()).context("apt has no sources")?;
    let made = kept.with_extension("new.tar");
    let mut command = Command::new("mmdebstrap");
    command.args(["--quiet", "--variant=minbase", "--include", BASE, "bookworm"]);
    ran(command.arg(&made).arg(sources))?;
    std::fs::rename(made, &kept)?;
    Ok(kept)
}

/// Runs to the end; what it said is in the error.
pub(crate) fn ran(command: &mut Command) -> Result<Output> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {}: {said}", output.status);
    Ok(output)
}
