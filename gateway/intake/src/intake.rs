//! Starting and stopping the links.

use crate::Handles;
use crate::ingest::Ingest;
use crate::limits::{DRAIN_TIMEOUT, Limits};
use crate::mqtt::{Gate, ListenError, Listener};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// What the device side is to listen to; a link that is absent is off.
#[derive(Default)]
pub struct Config {
    /// The plaintext MQTT listener (`[mqtt] loopback`); refused anywhere but on loopback.
    pub mqtt_loopback: Option<SocketAddr>,
    /// Bounds; the default suits a small box.
    pub limits: Limits,
}

/// Where the links listen, with the ports that were found for port 0.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Addresses {
    /// The plaintext MQTT listener.
    pub mqtt_loopback: Option<SocketAddr>,
}

/// Why the device side does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A listener cannot have its address.
    #[error(transparent)]
    Listen(#[from] ListenError),
}

/// The running links.
pub struct Intake {
    addresses: Addresses,
    closing: watch::Sender<bool>,
    links: JoinSet<()>,
}

impl Intake {
    /// Binds every listener, then serves them. Must run within a tokio runtime.
    pub async fn start(config: Config, handles: Handles) -> Result<Self, StartError> {
        let (closing, shutdown) = watch::channel(false);
        let ingest = Arc::new(Ingest::new(handles));
        let budget = Arc::new(Semaphore::new(config.limits.payload_bytes));
        let gate = Gate::new(ingest, config.limits, budget, shutdown);
        let (mut addresses, mut links) = (Addresses::default(), JoinSet::new());
        if let Some(address) = config.mqtt_loopback {
            let listener = Listener::loopback(address).await?;
            addresses.mqtt_loopback = Some(listener.address());
            links.spawn(listener.serve(gate));
        }
        Ok(Self { addresses, closing, links })
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
