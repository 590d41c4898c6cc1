//! Pairing at the wall, the box's side: a one-time code and all that somebody carries to a terminal
//! with it. What is done with it then is `muster_intake::pairing`.

use crate::command::card::{self, Owner};
use crate::config::Config;
use crate::page_certificate::{host_name, own_address};
use muster_console::NewCard;
use muster_intake::Pairings;
use muster_intake::authority::{Authority, Pairing};
use muster_intake::pairing::{LIFE, PairingError};
use muster_ledger::{DeviceKind, Ledger};
use muster_proto::pairing::Link;
use serde::Serialize;
use std::net::SocketAddr;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Size of a card that the page makes, in MiB: some 2,000 punches.
const CARD_MIB: u32 = 1;

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

/// Cards of M1s for the page, asked on a thread that may wait. A card begins without users and
/// firmware: both come over its line.
pub(crate) fn cards(ledger: &Ledger, site: &str) -> muster_console::Card {
    let (ledger, site) = (ledger.clone(), site.to_owned());
    Arc::new(move |NewCard { name, address }| {
        let keyring = ledger.keyring();
        let authority = Authority::open(&keyring).map_err(|error| error.to_string())?;
        let (kind, address_on_line) = (DeviceKind::M1, Some(address));
        let pairing = Pairing { name: name.clone(), kind, carrier: None, address: address_on_line };
        let devices = ledger.devices();
        let made = authority.pair(&devices, &keyring, pairing);
        let made = tokio::runtime::Handle::current().block_on(made).map_err(|e| e.to_string())?;
        let owner = Owner { name: &name, secret_hex: &made.secret_hex, address, site: &site };
        card::make(&owner, &[], None, CARD_MIB).map_err(|error| format!("{error:#}"))
    })
}

fn bracketed(host: String) -> String {
    if host.parse::<std::net::Ipv6Addr>().is_ok() { format!("[{host}]") } else { host }
}
