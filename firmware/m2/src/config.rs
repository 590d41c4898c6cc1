//! The terminal's configuration file.
//!
//! ```toml
//! name = "m2-lobby"                   # as it was paired; may be left out after `--pair`
//! data = "data"                       # boot number, queue, the engine's socket
//! time_zone = "Asia/Macau"            # shown beside UTC
//!
//! [box]
//! host = "muster.example"             # both may be left out after `--pair`
//! port = 8883
//! credentials = "credentials"         # what `--pair` or `muster device pair --out` wrote
//!
//! [through]                           # a C1 that stands between; without it, the box itself
//! centre = "c1-hall"                  # its name; messages are sealed, so it cannot read them
//!
//! [engine]
//! program = "/usr/lib/muster/muster-m2-replay"
//! arguments = ["--captures", "captures"]
//! require_live = true
//! least_score = 9000                  # parts of ten thousand
//!
//! [door]                              # any of them may be left out
//! open_ms = 3000
//! relay = { chip = "/dev/gpiochip0", line = 5 }
//! beeper = { chip = "/dev/gpiochip0", line = 6 }
//! green = { chip = "/dev/gpiochip0", line = 13 }
//! red = { chip = "/dev/gpiochip0", line = 19 }
//! button_in = { chip = "/dev/gpiochip0", line = 20 }
//! button_out = { chip = "/dev/gpiochip0", line = 21 }
//! ```
//! A key that is not known is refused; relative paths count from the file's own folder, the
//! engine's arguments from the folder that the terminal is started in.

use crate::engine::Score;
use crate::engine::process::Spawn;
use crate::front::Policy;
use crate::{Form, Login};
use muster_forwarder::config::{BoxConfig, ConfigError, load};
use muster_forwarder::gpio::PinConfig;
use muster_proto::seal::CENTRE_DOMAIN;
use serde::Deserialize;
use std::path::{Path, PathBuf};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Option<String>,
    data: PathBuf,
    #[serde(default = "utc")]
    time_zone: String,
    r#box: BoxConfig,
    through: Option<Through>,
    engine: EngineConfig,
    #[serde(default)]
    door: DoorConfig,
}

fn utc() -> String {
    "UTC".to_owned()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Through {
    centre: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EngineConfig {
    program: PathBuf,
    #[serde(default)]
    arguments: Vec<String>,
    #[serde(default = "yes")]
    require_live: bool,
    #[serde(default)]
    least_score: u16,
}

fn yes() -> bool {
    true
}

/// `[door]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct DoorConfig {
    #[serde(default)]
    pub open_ms: u64,
    pub relay: Option<PinConfig>,
    pub beeper: Option<PinConfig>,
    pub green: Option<PinConfig>,
    pub red: Option<PinConfig>,
    pub button_in: Option<PinConfig>,
    pub button_out: Option<PinConfig>,
}

/// What the program starts with.
pub struct Config {
    /// Folder of everything it keeps.
    pub data: PathBuf,
    /// The zone that its times are shown in.
    pub time_zone: jiff::tz::TimeZone,
    /// Where its messages go.
    pub login: Login,
    /// Folder of its certificate.
    pub credentials: PathBuf,
    /// Whether they are sealed.
    pub form: Form,
    /// How the engine is run.
    pub engine: Spawn,
    /// When somebody is let in.
    pub policy: Policy,
    /// The pins.
    pub door: DoorConfig,
}

/// Reads the file at `path` and the credentials that it names.
pub fn read(path: &Path) -> Result<Config, ConfigError> {
    let (file, base) = load::<File>(path)?;
    let wrong = |message: String| ConfigError::Toml { path: path.to_owned(), message };
    let time_zone = jiff::tz::TimeZone::get(&file.time_zone);
    let time_zone = time_zone.map_err(|e| wrong(format!("time_zone: {e}")))?;
    let least = file.engine.least_score;
    let least_score = Score::new(least)
        .ok_or_else(|| wrong(format!("least_score = {least}: at most {}", Score::MAX)))?;
    let mut login = file.r#box.login(file.name.as_deref(), &base)?;
    let form = match &file.through {
        None => Form::Json,
        Some(Through { centre }) => {
            login.certificate_name = Some(format!("{centre}.{CENTRE_DOMAIN}"));
            Form::Sealed(file.r#box.secret(&base)?)
        }
    };
    let credentials = base.join(&file.r#box.credentials);
    let data = base.join(file.data);
    let engine = Spawn {
        program: base.join(file.engine.program),
        arguments: file.engine.arguments,
        socket: data.join("engine.sock"),
    };
    let policy = Policy { require_live: file.engine.require_live, least_score };
    Ok(Config { data, time_zone, login, credentials, form, engine, policy, door: file.door })
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

    #[test]
    fn the_example_is_read() {
        let example = example(include_str!("config.rs"));
        let folder = tempfile::tempdir().unwrap();
        let credentials = folder.path().join("credentials");
        std::fs::create_dir(&credentials).unwrap();
        for file in ["ca.pem", "device.pem", "device.key"] {
            std::fs::write(credentials.join(file), "x").unwrap();
        }
        std::fs::write(credentials.join("device.secret"), "0a".repeat(32)).unwrap();
        let path = folder.path().join("m2.toml");
        let check = |text: &str, refused: &str| {
            std::fs::write(&path, text).unwrap();
            let error = read(&path).err().unwrap().to_string();
            assert!(error.contains(refused), "{error}");
        };
        check(&format!("{example}what = 1\n"), "what");
        check(&example.replace("9000 ", "10001 "), "least_score");
        check(&example.replace("Asia/Macau", "Asia/Nowhere"), "time_zone");
        std::fs::write(&path, &example).unwrap();
        let config = read(&path).unwrap();
        let name = config.login.certificate_name.as_deref();
        assert_eq!(name, Some("c1-hall.c1.muster.internal"));
        assert!(matches!(config.form, Form::Sealed(secret) if *secret == [10; 32]));
        assert_eq!((config.door.open_ms, config.policy.least_score.parts()), (3_000, 9_000));
    }
}
