//! Serial ports: whether they are there, and whether the gateway may use them.

use super::Finding;
use crate::config::{Config, Problem};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::path::{Path, PathBuf};

/// Where ports have names that stay.
const BY_ID: &str = "/dev/serial/by-id";

/// Ports that this machine has, by the name that stays when they are plugged in elsewhere.
pub(crate) fn found() -> Vec<PathBuf> {
    let mut ports: Vec<PathBuf> =
        std::fs::read_dir(BY_ID).into_iter().flatten().flatten().map(|e| e.path()).collect();
    ports.sort();
    ports
}

/// What is wrong with a configured port.
pub(crate) fn problem(port: &Path) -> Option<Problem> {
    let at = format!("[[serial]] {}", port.display());
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let error = match rustix::fs::open(port, flags, Mode::empty()) {
        Ok(file) if rustix::termios::isatty(&file) => return None,
        Ok(_) => return Some(Problem::minor(at, "this is no serial port", other_ports())),
        Err(error) => error,
    };
    let (what, cure) = match error {
        Errno::NOENT | Errno::NXIO | Errno::NODEV => {
            ("there is no such port".to_owned(), other_ports())
        }
        Errno::ACCESS | Errno::PERM => (
            "this user may not use it".to_owned(),
            "add the user to the group of the port: usermod -aG dialout muster".to_owned(),
        ),
        // The gateway itself, or a program that `fuser` names.
        Errno::BUSY => return None,
        error => (error.to_string(), "look after the adapter and its cable".to_owned()),
    };
    Some(Problem::minor(at, what, cure))
}

fn other_ports() -> String {
    let ports = found();
    if ports.is_empty() {
        return "plug the adapter in; its name then is in /dev/serial/by-id".to_owned();
    }
    let names: Vec<String> = ports.iter().map(|port| port.display().to_string()).collect();
    format!("plug the adapter in, or use one that is there: {}", names.join(", "))
}

pub(super) fn ports(config: &Config) -> Vec<Finding> {
    let port = |port: &crate::config::Serial| match problem(&port.port) {
        Some(problem) => Finding::of_problem("serial", problem),
        None => Finding::ok("serial", &format!("[[serial]] {}", port.port.display()), "there"),
    };
    config.serial.iter().map(port).collect()
}
