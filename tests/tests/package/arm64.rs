//! The same programs for arm64: cross-built by `deploy/package/build`, run here under an emulator
//! of that processor. `MUSTER_ARM64_PACKAGE` names the package; without it one is built here, which
//! takes minutes.

use super::ran;
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Debian's C library for it, where the cross compiler has it.
const LIBRARIES: &str = "/usr/aarch64-linux-gnu";
/// How long it plays: an emulated processor needs some of that to start.
const SECONDS: &str = "8";

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
    ensure!(fields.contains("Architecture: arm64") && !fields.contains("cross"), "{fields}");
    ensure!(fields.contains("libc6 (>= 2.3") && fields.contains("libgcc-s1 "), "{fields}");
    let root = TempDir::new()?;
    ran(Command::new("dpkg-deb").arg("--extract").arg(&package).arg(root.path()))?;
    let emulator =
        ran(&mut Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("arm64-emulator")))?;
    let mut demo = Command::new(String::from_utf8(emulator.stdout)?.trim());
    demo.args(["-L", LIBRARIES]).arg(root.path().join("usr/bin/muster"));
    // It ends with an error, since not every punch was receipted.
    let output = demo.args(["demo", "--for", SECONDS, "--json"]).output()?;
    let summary: Value = serde_json::from_slice(&output.stdout)?;
    // The emulator opens no serial port of the C1's, so that its terminals' punches stay with them.
    let count = |key: &str| summary[key].as_u64().unwrap_or_default();
    ensure!(count("receipted") > 0 && count("receipted") <= count("punches"), "{summary}");
    ensure!(summary["lost"] == 0 && summary["biometric_bytes_out"] == 0, "{summary}");
    let regions = summary["forwarded"].as_object().context("nothing was forwarded")?;
    ensure!(regions.len() == 2 && regions.values().all(|n| n.as_u64() > Some(0)), "{summary}");
    Ok(())
}
