//! The firmware's programs as processes.

use anyhow::{Context as _, Result};
use muster_tests::binary::firmware;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Where the programs are.
pub(crate) struct Programs {
    pub(crate) centre: PathBuf,
    pub(crate) lobby: PathBuf,
    pub(crate) engine: PathBuf,
}

impl Programs {
    pub(crate) fn find() -> Result<Self> {
        Ok(Self {
            centre: firmware("muster-c1", "muster-c1")?,
            lobby: firmware("muster-m2", "muster-m2")?,
            engine: firmware("muster-m2", "muster-m2-replay")?,
        })
    }
}

/// A running program; killed when dropped.
pub(crate) struct Program(Child);

impl Program {
    /// `program --config FILE`, which logs beside its configuration.
    pub(crate) fn start(program: &Path, config: &Path) -> Result<Self> {
        let log = File::options().create(true).append(true).open(config.with_extension("log"))?;
        let mut command = Command::new(program);
        command.arg("--config").arg(config).stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.env("RUST_LOG", "info").stderr(log).spawn();
        Ok(Self(child.with_context(|| format!("{}", program.display()))?))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// SIGKILL; returns when it is gone.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }

    /// The process that it runs.
    pub(crate) fn child(&self) -> Option<u32> {
        let pid = self.pid();
        let threads = std::fs::read_dir(format!("/proc/{pid}/task")).ok()?;
        let children =
            threads.filter_map(|t| std::fs::read_to_string(t.ok()?.path().join("children")).ok());
        children.flat_map(|c| c.split(' ').find_map(|p| p.trim().parse().ok())).next()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
