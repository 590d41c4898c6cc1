//! The same programs for arm64: cross-built by `deploy/package/build`, run here under an emulator
//! of that processor. `MUSTER_ARM64_PACKAGE` names the package; without it one is built here, which
//! takes minutes.

use super::{holds, ran};
use anyhow::{Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Debian's C library for it, where the cross compiler has it.
const LIBRARIES: &str = "/usr/aarch64-linux-gnu";

fn package() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("MUSTER_ARM64_PACKAGE") {
        return Ok(path.into());
    }
    let build = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/package/build");
    let output = ran(Command::new(build).args(["--arch", "arm64", "--profile", "dev"]))?;
    Ok(String::from_utf8(output.stdout)?.trim().into())
}

#[test]
fn the_arm64_package_plays_the_demo() -> Result<()> {
    let package = package()?;
    let fields = ran(Command::new("dpkg-deb")
        .arg("--field")
        .arg(&package)
        .args(["Architecture", "Depends"]))?;
    let fields = String::from_utf8(fields.stdout)?;
    ensure!(fields.contains("Architecture: arm64") && fields.contains("libc6"), "{fields}");
    let root = TempDir::new()?;
    ran(Command::new("dpkg-deb").arg("--extract").arg(&package).arg(root.path()))?;
    let mut demo = Command::new("qemu-aarch64-static");
    demo.args(["-L", LIBRARIES]).arg(root.path().join("usr/bin/muster"));
    let output = ran(demo.args(["demo", "--for", "5", "--json"]))?;
    holds(&serde_json::from_slice(&output.stdout)?)
}
