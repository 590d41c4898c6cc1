//! The end of a set-up: the package's service is started and awaited, where systemd runs and root
//! asks; elsewhere it is said how the gateway is started.

use crate::config::Problem;
use crate::exit::{self, Failure, OrExit as _};
use crate::owner;
use anyhow::{Context as _, anyhow};
use std::path::Path;
use std::process::{Command, Stdio};

/// The configuration that the package's unit starts with, and what is there where systemd runs.
const PACKAGED: &str = "/etc/muster/gateway.toml";
const SYSTEMD: &str = "/run/systemd/system";
const UNIT: &str = "muster.service";

/// Whether the gateway can be started from here; if not, why.
pub(super) fn way(config: &Path) -> Result<(), &'static str> {
    if !Path::new(SYSTEMD).exists() {
        return Err("no systemd runs here");
    }
    if config != Path::new(PACKAGED) {
        return Err("the package's service starts /etc/muster/gateway.toml, and this is another");
    }
    let shown = Command::new("systemctl")
        .args(["show", "--value", "--property=LoadState", UNIT])
        .stderr(Stdio::null())
        .output();
    match shown {
        Ok(shown) if shown.stdout.trim_ascii() == b"loaded" => {}
        _ => return Err("muster.service is not installed"),
    }
    match rustix::process::getuid().is_root() {
        true => Ok(()),
        false => Err("only root may start a service"),
    }
}

/// How somebody starts it, and why it was not done here.
pub(super) fn by_hand(config: &Path, why: &str) -> Vec<String> {
    let packaged = config == Path::new(PACKAGED) && Path::new(SYSTEMD).exists();
    let (command, what) = match packaged {
        true => ("systemctl enable --now muster".to_owned(), "now, and with this machine"),
        false => {
            let config = config.display();
            (
                format!("muster run --config {config}"),
                "it runs until it is ended: let your service manager do it",
            )
        }
    };
    vec![
        format!("gateway        not started: {why}"),
        format!("to start it    {command}"),
        format!("               ({what})"),
    ]
}

/// Starts the service and waits until it says that punches can be receipted: its unit notifies.
pub(super) fn start(problems: &[Problem]) -> Result<(), Failure> {
    if let Some(problem) = problems.iter().find(|problem| problem.fatal) {
        let why = anyhow!("not started: {problem}; then systemctl enable --now muster");
        return Err(Failure::new(exit::CONFIG, why));
    }
    owner::go_on_as_who_asked()?;
    let started = Command::new("systemctl")
        .args(["--quiet", "enable", "--now", UNIT])
        .stdin(Stdio::null())
        .output()
        .context("cannot run systemctl")?;
    if started.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&started.stderr);
    let why = anyhow!(
        "the gateway did not start: {}; what was set up stays. `journalctl -u muster -n 20` tells \
         why; once that is mended it starts by itself",
        said.lines().next().unwrap_or("systemctl gave no reason").trim()
    );
    Err(why).or_exit(exit::UNAVAILABLE)
}
