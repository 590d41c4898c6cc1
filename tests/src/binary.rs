//! Finds or builds the gateway that is tested.
//!
//! Cargo tells the path of a binary only to tests of its own package. So: the variable of the
//! build where it is set, else `cargo build` into the target folder and profile that this program
//! came from.

use anyhow::{Context as _, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Which gateway.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Build {
    /// As shipped.
    Real,
    /// Its journal is never synced: a power cut must be seen to lose punches.
    SkipsFsync,
}

impl Build {
    /// The name of the program.
    fn name(self) -> &'static str {
        match self {
            Self::Real => "muster",
            Self::SkipsFsync => "muster-skips-fsync",
        }
    }

    /// Says where it is.
    fn variable(self) -> &'static str {
        match self {
            Self::Real => "MUSTER_BIN",
            Self::SkipsFsync => "MUSTER_SKIPS_FSYNC_BIN",
        }
    }
}

/// The gateway's program.
pub fn gateway(build: Build) -> Result<PathBuf> {
    if let Some(path) = std::env::var_os(build.variable()) {
        let path = PathBuf::from(path);
        ensure!(path.is_file(), "{}={}: there is no such file", build.variable(), path.display());
        return Ok(fs::canonicalize(path)?);
    }
    let folder = target_folder()?;
    let features: &[&str] = match build {
        Build::Real => &[],
        Build::SkipsFsync => &["--features", "skip-fsync"],
    };
    cargo("muster", build.name(), features, &folder)?;
    Ok(folder.join(build.name()))
}

/// A program of the firmware, or `muster-verify`: in the folder that `MUSTER_FIRMWARE_BIN` names, else built.
pub fn firmware(package: &str, name: &str) -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os("MUSTER_FIRMWARE_BIN") {
        let path = Path::new(&folder).join(name);
        ensure!(path.is_file(), "MUSTER_FIRMWARE_BIN: there is no {}", path.display());
        return Ok(fs::canonicalize(path)?);
    }
    let folder = target_folder()?;
    cargo(package, name, &[], &folder)?;
    Ok(folder.join(name))
}

/// `target/debug`, or that of another profile.
fn target_folder() -> Result<PathBuf> {
    let me = std::env::current_exe()?;
    let folder = me.ancestors().skip(1).find(|p| p.join(".fingerprint").is_dir());
    Ok(folder.context("not run from a target folder: set MUSTER_BIN")?.to_owned())
}

/// Builds into `folder`, which is `target/debug` or that of another profile.
fn cargo(package: &str, name: &str, features: &[&str], folder: &Path) -> Result<()> {
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(other) => other,
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--package", package, "--bin", name]).args(features);
    command.args(["--profile", profile, "--target-dir"]).arg(folder.parent().unwrap_or(folder));
    let status = command.current_dir(env!("CARGO_MANIFEST_DIR")).status();
    ensure!(status.context("cannot run cargo")?.success(), "{name} does not build");
    Ok(())
}
