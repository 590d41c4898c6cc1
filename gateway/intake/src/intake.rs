//! Starting and stopping the links.

use crate::Handles;
use crate::alarms::Alarm;
use crate::authority::{Authority, AuthorityError};
use crate::broker::{self, Broker, BrokerConfig, BrokerError, BrokerStatus};
use crate::ingest::Ingest;
use crate::limits::{DRAIN_TIMEOUT, Limits};
use crate::mqtt::{Gate, ListenError, Listener, Secured};
use crate::pairing::Pairings;
use crate::seals::{LocalOffset, Seals};
use crate::serial::{self, SerialConfig, SerialStatus};
use crate::terminals::Terminals;
use crate::vault::{self, Retention, Vault, VaultError, VaultStatus};
use muster_ledger::{Clock, Keyring};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tracing::Instrument as _;

/// What the device side is to listen to; a link that is absent is off.
#[derive(Default)]
pub struct Config {
    /// The plaintext MQTT listener (`[mqtt] loopback`); refused anywhere but on loopback.
    pub mqtt_loopback: Option<SocketAddr>,
    /// The MQTT listener over TLS, for devices with certificates of the box (`[mqtt] listen`).
    pub mqtt_tls: Option<SocketAddr>,
    /// Names and addresses that the box's certificate is for, beside `localhost` and loopback.
    pub names: Vec<String>,
    /// Serial ports.
    pub serial: Vec<SerialConfig>,
    /// A broker that the site already runs.
    pub broker: Option<BrokerConfig>,
    /// The data folder (`[box] data`), of which the vault is `vault`.
    pub data: PathBuf,
    /// What becomes of evidence; without a policy it is sealed for 30 days.
    pub retention: Retention,
    /// What terminals show beside UTC.
    pub offset: LocalOffset,
    /// The site that terminals were set up for (`[box] site`); without it they get no tasks.
    pub site: String,
    /// Bounds; the default suits a small box.
    pub limits: Limits,
}

/// Where the links listen, with the ports that were found for port 0.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Addresses {
    /// The plaintext MQTT listener.
    pub mqtt_loopback: Option<SocketAddr>,
    /// The MQTT listener over TLS.
    pub mqtt_tls: Option<SocketAddr>,
}

/// Why the device side does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A listener cannot have its address.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The box's certificate cannot be made.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The broker cannot be set up.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// The vault does not open.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// The running links.
pub struct Intake {
    addresses: Addresses,
    closing: watch::Sender<bool>,
    links: JoinSet<()>,
    vault: Vault,
    serial: Vec<serial::SharedStatus>,
    broker: Option<broker::SharedStatus>,
    ingest: Arc<Ingest>,
    pairings: Pairings,
}

/// How the device side is, for `status` and `/healthz`.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct IntakeStatus {
    /// The vault.
    pub vault: VaultStatus,
    /// Every serial port, as configured.
    pub serial: Vec<SerialStatus>,
    /// The broker, if there is one.
    pub broker: Option<BrokerStatus>,
    /// What devices were refused for, or tell of, within a day.
    pub alarms: Vec<Alarm>,
}

impl Intake {
    /// Binds every listener, then serves them. Must run within a tokio runtime.
    pub async fn start(config: Config, handles: Handles) -> Result<Self, StartError> {
        let (closing, shutdown) = watch::channel(false);
        let (retention, limit) = (config.retention, config.limits.vault_bytes);
        let vault =
            Vault::open(config.data.join("vault"), handles.keyring.clone(), retention, limit)?;
        let seals = Seals::new(&handles, config.offset, config.site);
        let (clock, keyring) = (handles.clock.clone(), handles.keyring.clone());
        let ingest = Arc::new(Ingest::new(handles.clone(), vault.clone(), seals));
        let pairings = Pairings::new(handles, ingest.alarms().clone());
        let budget = Arc::new(Semaphore::new(config.limits.payload_bytes));
        let broker = config.broker.as_ref().map(Broker::new).transpose()?;
        let gate = Gate::new(ingest.clone(), config.limits, budget.clone(), shutdown);
        let (mut addresses, mut links) = (Addresses::default(), JoinSet::new());
        if let Some(address) = config.mqtt_loopback {
            let listener = Listener::loopback(address).await?;
            addresses.mqtt_loopback = Some(listener.address());
            links.spawn(listener.serve(gate.clone()));
        }
        if let Some(address) = config.mqtt_tls {
            let tls = secured(&keyring, &clock, config.names, pairings.clone())?;
            let listener = Listener::tls(address, tls).await?;
            addresses.mqtt_tls = Some(listener.address());
            links.spawn(listener.serve(gate.clone()));
        }
        let mut serial = Vec::new();
        for port in config.serial {
            let status = serial::status_of(&port);
            serial.push(status.clone());
            let line = tracing::info_span!("serial", port = %port.port.display());
            let serving = serial::serve(port, ingest.clone(), status, closing.subscribe());
            links.spawn(serving.instrument(line));
        }
        let broker = broker.map(|broker| {
            let status = broker.status();
            links.spawn(broker.serve(ingest.clone(), budget.clone(), closing.subscribe()));
            status
        });
        links.spawn(vault::purge(vault.clone(), clock, closing.subscribe()));
        Ok(Self { addresses, closing, links, vault, serial, broker, ingest, pairings })
    }

    /// One-time codes for terminals that are to be paired.
    pub fn pairings(&self) -> Pairings {
        self.pairings.clone()
    }

    /// What terminals are given to do.
    pub fn terminals(&self) -> Terminals {
        Terminals::new(self.ingest.clone())
    }

    /// How the device side is.
    pub fn status(&self) -> IntakeStatus {
        let serial = self
            .serial
            .iter()
            .map(|status| status.lock().unwrap_or_else(PoisonError::into_inner).clone());
        let broker = self
            .broker
            .as_ref()
            .map(|status| status.lock().unwrap_or_else(PoisonError::into_inner).clone());
        let alarms = self.terminals().alarms();
        IntakeStatus { vault: self.vault.status(), serial: serial.collect(), broker, alarms }
    }

    /// Where the links listen.
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Takes nothing more, answers what was taken, and closes; about 5 s at most.
    pub async fn stop(mut self) {
        /// For sockets to close after the last answer.
        const GRACE: Duration = Duration::from_secs(1);
        let _ = self.closing.send(true);
        let finished = async { while self.links.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(DRAIN_TIMEOUT + GRACE, finished).await;
    }
}

/// TLS under the box's own authority, for the names a device may know the box by.
fn secured(
    keyring: &Keyring,
    clock: &Clock,
    names: Vec<String>,
    pairings: Pairings,
) -> Result<Secured, AuthorityError> {
    let own = ["localhost", "127.0.0.1", "::1"].map(String::from);
    let mut all: Vec<String> = own.into_iter().chain(names).collect();
    all.sort();
    all.dedup();
    let authority = Authority::open(keyring)?;
    let check_ins = Arc::new(authority.server_config(all, clock.clone())?);
    let pairing = Arc::new(authority.pairing_config(clock.clone())?);
    Ok(Secured { check_ins, pairing, pairings })
}
