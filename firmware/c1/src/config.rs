//! The centre's configuration file.
//!
//! ```toml
//! name = "c1-hall"                    # as it was paired; may be left out after `--pair`
//! data = "data"                       # the queue
//!
//! [box]
//! host = "muster.example"             # both may be left out after `--pair`
//! port = 8883
//! credentials = "credentials"         # what `--pair` or `muster device pair --out` wrote
//!
//! [mqtt]                              # M2s that come in here; without it none do
//! listen = "0.0.0.0:8883"
//! devices = ["m2-lobby"]
//!
//! [[line]]
//! port = "/dev/serial/by-id/usb-…"
//! baud = 115200
//! terminals = [{ address = 1, name = "m1-hall-east" }]
//!
//! [lights]                            # any of them may be left out
//! uplink = { chip = "/dev/gpiochip0", line = 17 }
//! trouble = { chip = "/dev/gpiochip0", line = 27 }
//! ```
//! A key that is not known is refused; relative paths count from the file's own folder.

use crate::{LineConfig, ListenConfig, Login, Terminal, Ways};
use muster_forwarder::config::{BoxConfig, ConfigError, load};
use muster_forwarder::gpio::PinConfig;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Option<String>,
    data: PathBuf,
    r#box: BoxConfig,
    mqtt: Option<Mqtt>,
    #[serde(default)]
    line: Vec<Line>,
    #[serde(default)]
    lights: LightsConfig,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mqtt {
    listen: SocketAddr,
    devices: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    port: PathBuf,
    #[serde(default = "default_baud")]
    baud: u32,
    terminals: Vec<Terminal>,
}

fn default_baud() -> u32 {
    115_200
}

/// `[lights]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LightsConfig {
    /// Steady while nothing waits for the box.
    pub uplink: Option<PinConfig>,
    /// On when a message could not be put on disk.
    pub trouble: Option<PinConfig>,
}

/// What the program starts with.
pub struct Config {
    /// Folder of the queue.
    pub data: PathBuf,
    /// Where the box is.
    pub login: Login,
    /// Folder of its certificate.
    pub credentials: PathBuf,
    /// How terminals come.
    pub ways: Ways,
    /// What is shown.
    pub lights: LightsConfig,
}

/// Reads the file at `path` and the credentials that it names.
pub fn read(path: &Path) -> Result<Config, ConfigError> {
    let (file, base) = load::<File>(path)?;
    let line = |line: Line| LineConfig {
        port: base.join(line.port),
        baud: line.baud,
        terminals: line.terminals,
    };
    let listener = file.mqtt.map(|m| ListenConfig { address: m.listen, devices: m.devices });
    Ok(Config {
        data: base.join(file.data),
        login: file.r#box.login(file.name.as_deref(), &base)?,
        credentials: base.join(&file.r#box.credentials),
        ways: Ways { lines: file.line.into_iter().map(line).collect(), listener },
        lights: file.lights,
    })
}

/// Of the file at `path`, where the credentials are to be.
pub fn credentials(path: &Path) -> Result<PathBuf, ConfigError> {
    let (file, base) = load::<File>(path)?;
    Ok(base.join(file.r#box.credentials))
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_forwarder::config::example;

    /// The example above, read from this file.
    #[test]
    fn the_example_is_read() {
        let example = example(include_str!("config.rs"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c1.toml");
        std::fs::write(&path, &example).unwrap();
        // Credentials are looked for beside the file.
        let missing = read(&path).err().unwrap().to_string();
        assert!(missing.contains("ca.pem"), "{missing}");
        std::fs::create_dir(folder.path().join("credentials")).unwrap();
        for file in ["ca.pem", "device.pem", "device.key"] {
            std::fs::write(folder.path().join("credentials").join(file), "x").unwrap();
        }
        let config = read(&path).unwrap();
        assert_eq!(config.ways.lines[0].terminals[0].name, "m1-hall-east");
        assert_eq!(config.ways.listener.unwrap().devices, ["m2-lobby"]);
        assert!(config.lights.uplink.is_some());
        std::fs::write(&path, example + "what = 1\n").unwrap();
        assert!(read(&path).err().unwrap().to_string().contains("what"));
    }
}
