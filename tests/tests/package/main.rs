//! The Debian package in a clean root: installs, upgrades, goes back a version, is removed and
//! purged, and what is installed works: set-up, service user, demonstration. `MUSTER_PACKAGE` names
//! the package; without it one is built here. Needs root, debhelper and mmdebstrap.

mod arm64;
mod booted;
mod container;
mod root;

use anyhow::{Context as _, Result, ensure};
use root::{CleanRoot, ran};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The version that comes after the one of this tree.
const NEXT: &str = "0.1.1";
/// The exposure that the unit may have at the most, by systemd's own scale of 0 to 10.
const MAX_EXPOSURE: f64 = 2.0;
/// Written by the system's own tools when users come and go.
const OF_USERS: &[&str] =
    &["/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/etc/.pwd.lock"];

#[test]
fn a_clean_debian_takes_the_package_and_gives_it_back() -> Result<()> {
    let package = package()?;
    let root = CleanRoot::make()?;
    let before = root.files()?;
    root.install(&package)?;
    has_all_its_parts(&root)?;
    is_hardened(&root)?;
    sets_up_as_root_for_the_service(&root)?;
    serves_and_is_asked_by_root(&root)?;
    plays_the_demo(&root)?;
    keeps_its_state_up_and_down(&root, &package)?;
    comes_back_from_its_backup(&root, &package)?;
    leaves_nothing(&root, &before)
}

/// The package of this tree.
fn package() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("MUSTER_PACKAGE") {
        return Ok(path.into());
    }
    let build = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/package/build");
    let output = ran(Command::new(build).args(["--profile", "dev"]))?;
    Ok(String::from_utf8(output.stdout)?.trim().into())
}

fn has_all_its_parts(root: &CleanRoot) -> Result<()> {
    let parts = [
        "/usr/bin/muster-verify",
        "/lib/systemd/system/muster.service",
        "/etc/systemd/system/multi-user.target.wants/muster.service",
        "/lib/udev/rules.d/60-muster.rules",
        "/usr/share/muster/policies/mo-bank.toml",
        "/usr/share/muster/lawpacks/apac-eu-2026.2.toml",
        "/usr/share/muster/network/terminals.nft",
        "/usr/share/doc/muster/examples/gateway.toml",
        "/usr/share/doc/muster/copyright",
        "/usr/share/doc/muster/licences/index",
        "/usr/share/man/man1/muster-policy-sign.1.gz",
        "/usr/share/bash-completion/completions/muster",
        "/usr/share/zsh/vendor-completions/_muster",
        "/usr/share/fish/vendor_completions.d/muster.fish",
    ];
    for part in parts {
        ensure!(root.path(part).symlink_metadata().is_ok(), "{part} is not installed");
    }
    let bill = std::fs::read(root.path("/usr/share/doc/muster/muster.cdx.json"))?;
    let bill: Value = serde_json::from_slice(&bill)?;
    ensure!(bill["bomFormat"] == "CycloneDX");
    let components = bill["components"].as_array().context("no components")?;
    for crate_name in
        ["tokio", "tokio-serial", "rumqttc", "serde", "sled", "rustls", "embedded-hal"]
    {
        ensure!(
            components.iter().any(|c| c["name"] == crate_name),
            "{crate_name} is not in the bill"
        );
    }
    ensure!(root.run(&["id", "-nG", "muster"])?.contains("dialout"), "no serial ports for muster");
    let folders = root.run(&["stat", "-c", "%U %a %n", "/etc/muster", "/var/lib/muster"])?;
    ensure!(folders == "muster 750 /etc/muster\nmuster 700 /var/lib/muster\n", "{folders}");
    let rules = root.run(&["udevadm", "test", "/sys/class/tty/tty0"])?;
    ensure!(!rules.contains("60-muster.rules:"), "{rules}");
    Ok(())
}

/// As systemd itself counts it.
fn is_hardened(root: &CleanRoot) -> Result<()> {
    let unit = root.path("/lib/systemd/system/muster.service");
    let verdict =
        ran(Command::new("systemd-analyze").args(["security", "--offline=true"]).arg(&unit))?;
    ensure!(verdict.stderr.is_empty(), "{}", String::from_utf8_lossy(&verdict.stderr));
    let verdict = String::from_utf8(verdict.stdout)?;
    let line = verdict.lines().find(|line| line.contains("Overall")).context("no verdict")?;
    let exposure = line.split_whitespace().find_map(|word| word.parse::<f64>().ok());
    let exposure = exposure.with_context(|| format!("no number: {line}"))?;
    ensure!(exposure <= MAX_EXPOSURE, "{exposure} is more than {MAX_EXPOSURE}: {verdict}");
    Ok(())
}

/// An administrator types commands as root, before the service ever ran: nothing that the service
/// needs may end up in root's hands.
fn sets_up_as_root_for_the_service(root: &CleanRoot) -> Result<()> {
    let init = ["init", "--yes", "--dir", "/etc/muster", "--site", "mo-hq", "--jurisdiction", "MO"];
    root.run(&[&["muster"], &init[..]].concat())?;
    std::fs::write(root.path("/run/staff.csv"), "person,name\n00017,Chan Siu Ming\n")?;
    root.run(&[
        "muster",
        "person",
        "import",
        "/run/staff.csv",
        "--config",
        "/etc/muster/gateway.toml",
    ])?;
    is_the_services(root, "/var/lib/muster")
}

/// Nothing below `folder` belongs to another user than the service's.
fn is_the_services(root: &CleanRoot, folder: &str) -> Result<()> {
    let found = root.run(&["find", folder, "!", "-user", "muster", "-print"])?;
    ensure!(found.is_empty(), "not the service's: {found}");
    let state = root.run(&["ls", folder])?;
    ensure!(state.contains("journal"), "no journal in {folder}: {state}");
    Ok(())
}

/// What the unit does, by hand: no service manager runs in a bare root.
const SERVE: &str = "cd /etc/muster && muster check && \
    setpriv --reuid muster --regid muster --init-groups muster run >/run/ready & service=$!
    for i in $(seq 100); do grep -q ^ready /run/ready && break; sleep 0.1; done
    muster status --json --config /etc/muster/gateway.toml >/run/status
    kill $service && wait $service";

/// The service's user serves; root asks it over its socket.
fn serves_and_is_asked_by_root(root: &CleanRoot) -> Result<()> {
    root.run(&["sh", "-c", SERVE])?;
    let status: Value = serde_json::from_slice(&std::fs::read(root.path("/run/status"))?)?;
    ensure!(status["listen"]["mqtt"].is_string() && status["journal"] == "ok", "{status}");
    is_the_services(root, "/var/lib/muster")
}

fn plays_the_demo(root: &CleanRoot) -> Result<()> {
    let summary = root.run(&["muster", "demo", "--for", "5", "--json"])?;
    holds(&serde_json::from_str(&summary)?)
}

/// What every demonstration owes.
fn holds(summary: &Value) -> Result<()> {
    ensure!(summary["punches"].as_u64().is_some_and(|n| n > 0), "{summary}");
    ensure!(summary["receipted"] == summary["punches"], "{summary}");
    ensure!(summary["lost"] == 0 && summary["biometric_bytes_out"] == 0, "{summary}");
    Ok(())
}

/// Up by one version and down again: the journal is whole, and the people are there.
fn keeps_its_state_up_and_down(root: &CleanRoot, package: &Path) -> Result<()> {
    let folder = TempDir::new()?;
    let next = renumbered(package, folder.path())?;
    for package in [&next, package] {
        root.install(package)?;
        root.run(&["muster", "journal", "verify", "--config", "/etc/muster/gateway.toml"])?;
        shows_the_person(root)?;
        is_the_services(root, "/var/lib/muster")?;
    }
    Ok(())
}

fn shows_the_person(root: &CleanRoot) -> Result<()> {
    let person = ["person", "show", "00017", "--json", "--config", "/etc/muster/gateway.toml"];
    let shown = root.run(&[&["muster"], &person[..]].concat())?;
    ensure!(shown.contains("Chan Siu Ming"), "{shown}");
    Ok(())
}

/// The same package under the next version's number.
fn renumbered(package: &Path, folder: &Path) -> Result<PathBuf> {
    let tree = folder.join("tree");
    ran(Command::new("dpkg-deb").arg("--raw-extract").arg(package).arg(&tree))?;
    let control = tree.join("DEBIAN/control");
    let text = std::fs::read_to_string(&control)?;
    let lines = text.lines().map(|line| match line.strip_prefix("Version: ") {
        Some(_) => format!("Version: {NEXT}\n"),
        None => format!("{line}\n"),
    });
    std::fs::write(&control, lines.collect::<String>())?;
    let next = folder.join("next.deb");
    ran(Command::new("dpkg-deb")
        .args(["-Znone", "--root-owner-group", "--build"])
        .arg(&tree)
        .arg(&next))?;
    Ok(next)
}

/// The box dies; another one, with two of the sheets and the disk of backups, goes on in its place.
fn comes_back_from_its_backup(root: &CleanRoot, package: &Path) -> Result<()> {
    let config = ["--config", "/etc/muster/gateway.toml"];
    root.run(&["install", "-d", "-o", "muster", "-m", "0700", "/run/backups"])?;
    root.run(&[&["muster", "backup", "--to", "/run/backups"], &config[..]].concat())?;
    root.run(&["cp", "/etc/muster/recovery-sheets.txt", "/run/sheets"])?;
    root.run(&["dpkg", "--purge", "muster"])?;
    ensure!(!root.path("/etc/muster").exists() && !root.path("/var/lib/muster").exists());
    root.install(package)?;
    let restore = ["restore", "--from", "/run/backups", "--into", "/etc/muster", "--sheet"];
    root.run(&[&["muster"], &restore[..], &["/run/sheets"]].concat())?;
    shows_the_person(root)?;
    is_the_services(root, "/etc/muster/data/")
}

fn leaves_nothing(root: &CleanRoot, before: &BTreeSet<String>) -> Result<()> {
    root.run(&["dpkg", "--remove", "muster"])?;
    ensure!(!root.path("/usr/bin/muster").exists(), "the program is still there");
    ensure!(root.path("/etc/muster/data/journal").exists(), "the journal went with the program");
    root.run(&["dpkg", "--purge", "muster"])?;
    let after = root.files()?;
    let left: Vec<_> =
        after.difference(before).filter(|f| !OF_USERS.contains(&f.as_str())).collect();
    ensure!(left.is_empty(), "left behind: {left:?}");
    ensure!(before.is_subset(&after), "gone: {:?}", before.difference(&after).collect::<Vec<_>>());
    Ok(())
}
