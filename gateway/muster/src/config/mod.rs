//! The configuration file: TOML, unknown keys refused, relative paths from the file's own folder.
//! What each key means is in `deploy/gateway.toml`, which a test parses with this module.

mod check;
mod faults;

pub(crate) use check::{Problem, SITE_RULE, check, is_site, with_lines};
pub(crate) use faults::Fault;

use crate::{alarms, siem};
use muster_console::SecondFactor;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Largest configuration file, bytes.
const MAX_BYTES: u64 = 1 << 20;

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    #[serde(rename = "box")]
    pub(crate) site: Site,
    #[serde(default)]
    pub(crate) mqtt: Option<Mqtt>,
    #[serde(default)]
    pub(crate) serial: Vec<Serial>,
    #[serde(default)]
    pub(crate) broker: Option<Broker>,
    #[serde(default)]
    pub(crate) clock: Clock,
    #[serde(default)]
    pub(crate) console: Option<Console>,
    #[serde(default)]
    pub(crate) metrics: Option<Metrics>,
    #[serde(default)]
    pub(crate) network: Option<Network>,
    #[serde(default)]
    pub(crate) policy: Option<Policy>,
    #[serde(default)]
    pub(crate) report: Report,
    #[serde(default)]
    pub(crate) alarms: Option<alarms::Section>,
    #[serde(default)]
    pub(crate) neighbour: Vec<Neighbour>,
    #[serde(default)]
    pub(crate) siem: Option<siem::Section>,
    #[serde(default)]
    pub(crate) region: Vec<Region>,
    /// The folder that relative paths start from.
    #[serde(skip)]
    pub(crate) folder: PathBuf,
    /// No key of the file: only the demo waives the second factor, for a box that ends with it.
    #[serde(skip)]
    pub(crate) second_factor: SecondFactor,
    /// The file itself.
    #[serde(skip)]
    pub(crate) path: PathBuf,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Site {
    pub(crate) site: String,
    #[serde(default = "default_data")]
    pub(crate) data: PathBuf,
    pub(crate) time_zone: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mqtt {
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) loopback: Option<SocketAddr>,
    /// More names and addresses for the listener's certificate.
    #[serde(default)]
    pub(crate) names: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Serial {
    pub(crate) port: PathBuf,
    #[serde(default = "default_baud")]
    pub(crate) baud: u32,
    /// Addresses to poll on a shared line; empty is one terminal.
    #[serde(default)]
    pub(crate) addresses: Vec<u8>,
    /// Ask the driver to switch the direction of an RS-485 line.
    #[serde(default)]
    pub(crate) rs485: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Broker {
    pub(crate) url: String,
    pub(crate) ca: Option<PathBuf>,
    pub(crate) client_cert: Option<PathBuf>,
    pub(crate) client_key: Option<PathBuf>,
    /// Take JSON check-ins too: the broker's own access rules then say who is who.
    #[serde(default)]
    pub(crate) trust_broker: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Clock {
    #[serde(default)]
    pub(crate) trust: Trust,
}

/// What makes the box's clock trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Trust {
    /// Synchronised now, or not longer ago than a day.
    #[default]
    Ntp,
    /// A clock chip that kept power.
    Rtc,
    /// Always: for tests and the demo.
    Assume,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Console {
    pub(crate) listen: SocketAddr,
    /// Host names people type; addresses of the box are always allowed.
    #[serde(default)]
    pub(crate) hosts: Vec<String>,
    /// The company's own certificate; made at set-up where absent.
    pub(crate) cert: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Metrics {
    pub(crate) listen: SocketAddr,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Network {
    /// Where `muster-egress.service` writes what terminals tried beyond the box.
    pub(crate) tried: PathBuf,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Policy {
    pub(crate) file: PathBuf,
    pub(crate) law_pack: PathBuf,
}

/// Another box of the site, asked who was last seen there.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Neighbour {
    /// As the list names it.
    pub(crate) name: String,
    /// Its page, as `https://HOST:PORT`.
    pub(crate) url: String,
    /// Who may vouch for its certificate.
    pub(crate) ca: PathBuf,
    /// A file with a token of that box (`muster user token`).
    pub(crate) token_file: PathBuf,
}

/// What people say of themselves, for reports; each 0 to 10.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Report {
    pub(crate) training: Option<f64>,
    pub(crate) integration: Option<f64>,
    pub(crate) exit_readiness: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Connector {
    Mqtt,
    Https,
    Dingtalk,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Region {
    pub(crate) destination: String,
    pub(crate) connector: Connector,
    pub(crate) url: String,
    pub(crate) ca: PathBuf,
    pub(crate) client_cert: Option<PathBuf>,
    pub(crate) client_key: Option<PathBuf>,
    /// SHA-256 of public keys, hex: the peer's must be one of them.
    #[serde(default)]
    pub(crate) pins: Vec<String>,
    /// Public key of X25519 in PEM that parcels are sealed to.
    pub(crate) seal_to: Option<PathBuf>,
    pub(crate) dingtalk: Option<Dingtalk>,
}

/// The tenant behind `connector = "dingtalk"`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dingtalk {
    pub(crate) corp_id: String,
    pub(crate) client_id: String,
    pub(crate) secret_file: PathBuf,
    #[serde(default = "default_token_url")]
    pub(crate) token_url: String,
    #[serde(default = "default_calls_per_month")]
    pub(crate) calls_per_month: u64,
    #[serde(default = "default_calls_per_second")]
    pub(crate) calls_per_second: u32,
}

fn default_token_url() -> String {
    "https://api.dingtalk.com".into()
}

fn default_calls_per_month() -> u64 {
    muster_uplink::Quota::default().month
}

fn default_calls_per_second() -> u32 {
    muster_uplink::Quota::default().second
}

fn default_data() -> PathBuf {
    "data".into()
}

fn default_baud() -> u32 {
    115_200
}

/// Why a configuration cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error(
        "no configuration: looked for {0}; name one with --config, or make one with `muster init`"
    )]
    NotFound(String),
    #[error("cannot read {path} ({cause}); name the box's configuration with --config")]
    Read { path: PathBuf, cause: std::io::Error },
    #[error("{path} is larger than 1 MiB; this is not a configuration")]
    Large { path: PathBuf },
    #[error("{}; every key is explained in the shipped gateway.toml", told(path, faults))]
    Parse { path: PathBuf, faults: Vec<Fault> },
}

/// Each fault on its line.
fn told(path: &Path, faults: &[Fault]) -> String {
    let lines: Vec<String> = faults
        .iter()
        .map(|Fault { line, message }| format!("{}:{line}: {message}", path.display()))
        .collect();
    lines.join("\n")
}

impl Config {
    /// Reads `path`, or the default places.
    pub(crate) fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let path = match path {
            Some(path) => path.to_owned(),
            None => default_path()?,
        };
        let read = |cause| ConfigError::Read { path: path.clone(), cause };
        if std::fs::metadata(&path).map_err(read)?.len() > MAX_BYTES {
            return Err(ConfigError::Large { path });
        }
        let text = std::fs::read_to_string(&path).map_err(read)?;
        let folder = std::path::absolute(&path)
            .ok()
            .and_then(|p| p.parent().map(Path::to_owned))
            .unwrap_or_default();
        Self::parse(&text, &path, folder)
    }

    pub(crate) fn parse(text: &str, path: &Path, folder: PathBuf) -> Result<Self, ConfigError> {
        let mut config: Self = faults::read(text)
            .map_err(|faults| ConfigError::Parse { path: path.to_owned(), faults })?;
        config.path = folder.join(path.file_name().unwrap_or_default());
        config.anchor(folder);
        Ok(config)
    }

    /// Makes every path absolute, so that nothing depends on where the process stands.
    fn anchor(&mut self, folder: PathBuf) {
        let fix = |path: &mut PathBuf| *path = folder.join(&*path);
        fix(&mut self.site.data);
        self.serial.iter_mut().for_each(|s| fix(&mut s.port));
        if let Some(network) = &mut self.network {
            fix(&mut network.tried);
        }
        if let Some(policy) = &mut self.policy {
            fix(&mut policy.file);
            fix(&mut policy.law_pack);
        }
        for region in &mut self.region {
            fix(&mut region.ca);
            region.client_cert.as_mut().map(fix);
            region.seal_to.as_mut().map(fix);
            region.client_key.as_mut().map(fix);
            if let Some(tenant) = &mut region.dingtalk {
                fix(&mut tenant.secret_file);
            }
        }
        if let Some(broker) = &mut self.broker {
            broker.ca.as_mut().map(fix);
            broker.client_cert.as_mut().map(fix);
            broker.client_key.as_mut().map(fix);
        }
        self.siem.iter_mut().filter_map(|siem| siem.ca.as_mut()).for_each(fix);
        if let Some(alarms) = &mut self.alarms {
            if let Some(webhook) = &mut alarms.webhook {
                webhook.ca.as_mut().map(fix);
                webhook.token_file.as_mut().map(fix);
            }
            if let Some(mail) = &mut alarms.mail {
                mail.ca.as_mut().map(fix);
                mail.password_file.as_mut().map(fix);
            }
        }
        for neighbour in &mut self.neighbour {
            fix(&mut neighbour.ca);
            fix(&mut neighbour.token_file);
        }
        if let Some(console) = &mut self.console {
            console.cert.as_mut().map(fix);
            console.key.as_mut().map(fix);
        }
        self.folder = folder;
    }

    /// Where commands reach a running gateway.
    pub(crate) fn socket(&self) -> PathBuf {
        self.site.data.join("control.sock")
    }
}

fn default_path() -> Result<PathBuf, ConfigError> {
    let places = ["gateway.toml", "/etc/muster/gateway.toml"];
    let found = places.iter().map(PathBuf::from).find(|p| p.exists());
    found.ok_or_else(|| ConfigError::NotFound(places.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../../../deploy/gateway.toml");

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, Path::new("gateway.toml"), PathBuf::from("/box"))
    }

    #[test]
    fn the_shipped_configuration_parses() {
        let config = parse(SHIPPED).unwrap();
        assert_eq!(config.site.data, Path::new("/box/data"));
    }

    /// What is commented out in the shipped file must be true as well.
    #[test]
    fn the_shipped_examples_parse() {
        let text: String = SHIPPED
            .lines()
            .map(|line| line.strip_prefix("#: ").unwrap_or(line))
            .fold(String::new(), |all, line| all + line + "\n");
        let config = parse(&text).unwrap();
        assert!(config.broker.is_some() && !config.region.is_empty() && !config.serial.is_empty());
    }

    #[test]
    fn errors_name_the_line() {
        let check = |text: &str, expect: &str| {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(expect), "{error}");
        };
        check("[box]\nsite = \"a\"\ncolour = 1\n", "gateway.toml:3: unknown field `colour`");
        check("[box]\nsite = 1\n", "gateway.toml:2:");
        check("[box]\nsite = \"a\"\n[clock]\ntrust = \"hope\"\n", "gateway.toml:4:");
        check("", "missing field `box`");
    }
}
