//! Pairing at the wall, the box's side: a one-time code and all that somebody carries to a terminal
//! with it. What is done with it then is `muster_intake::pairing`.

use crate::config::Config;
use crate::page_certificate::{host_name, own_address};
use muster_intake::Pairings;
use muster_intake::authority::Pairing;
use muster_intake::pairing::{LIFE, PairingError};
use muster_proto::pairing::Link;
use serde::Serialize;
use std::net::SocketAddr;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Makes codes. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Wall {
    pairings: Pairings,
    config: Arc<Config>,
    listening: SocketAddr,
}

/// What is shown once.
#[derive(Serialize)]
pub(crate) struct Code {
    pub(crate) device: String,
    /// For the terminal: `muster-pair://HOST:PORT/#CODE.FINGERPRINT`.
    pub(crate) link: Zeroizing<String>,
    pub(crate) code: Zeroizing<String>,
    /// Where the terminal finds the box.
    pub(crate) address: String,
    /// SHA-256 of the authority's certificate, as people compare it.
    pub(crate) fingerprint: String,
    pub(crate) expires_in_s: u64,
}

impl Wall {
    /// `listening` is the listener with certificates.
    pub(crate) fn new(pairings: Pairings, config: Arc<Config>, listening: SocketAddr) -> Self {
        Self { pairings, config, listening }
    }

    /// A code for a device that is to be; `host` is the box as that device reaches it.
    pub(crate) async fn code(
        &self,
        pairing: Pairing,
        host: Option<String>,
    ) -> Result<Code, PairingError> {
        let device = pairing.name.clone();
        let host = bracketed(host.unwrap_or_else(|| self.host()));
        let made = self.pairings.open(pairing).await?;
        let port = self.listening.port();
        let link = Link { host: &host, port, code: &made.code, pin: made.pin };
        let link = Zeroizing::new(link.to_string());
        if Link::parse(&link).is_none() {
            return Err(PairingError::Host(host));
        }
        let hex: Vec<String> = made.fingerprint.iter().map(|byte| format!("{byte:02X}")).collect();
        Ok(Code {
            device,
            link,
            code: made.code,
            address: format!("{host}:{port}"),
            fingerprint: hex.join(":"),
            expires_in_s: LIFE.as_secs(),
        })
    }

    /// The first name that the configuration gives the box, or the address it listens on, or has.
    fn host(&self) -> String {
        let mut names = self.config.mqtt.iter().flat_map(|mqtt| &mqtt.names);
        let listening = Some(self.listening.ip()).filter(|ip| !ip.is_unspecified());
        let found = names.next().cloned();
        let found = found.or_else(|| listening.or_else(own_address).map(|ip| ip.to_string()));
        found.or_else(host_name).unwrap_or_else(|| "localhost".to_owned())
    }
}

/// The same for the page, asked on a thread that may wait.
pub(crate) fn for_page(wall: Wall) -> muster_console::Pair {
    Arc::new(move |device| {
        let muster_console::NewDevice { name, kind, carrier, host } = device;
        let pairing = Pairing { name, kind, carrier, address: None };
        let made = tokio::runtime::Handle::current().block_on(wall.code(pairing, host));
        let Code { link, code, address, fingerprint, .. } = made.map_err(|e| e.to_string())?;
        Ok(muster_console::PairingCode { link, code, address, fingerprint, expires_in: LIFE })
    })
}

fn bracketed(host: String) -> String {
    if host.parse::<std::net::Ipv6Addr>().is_ok() { format!("[{host}]") } else { host }
}
