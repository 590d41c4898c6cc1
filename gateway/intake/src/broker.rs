//! Check-ins from a broker that the site already runs (mosquitto, EMQX).
//!
//! The box subscribes to `muster/1/+/checkin` and acknowledges a message only when it is on disk,
//! so the broker keeps what was not taken. A broker's own acknowledgement to a device says nothing
//! of that: devices wait for the receipt on their receipt topic. Only a seal proves whose a message
//! is; JSON is taken only if the broker is trusted to check names (`trust_broker`).
//!
//! After any trouble the session is resumed, with acknowledgements of the old connection dropped:
//! the broker sends again what it has none for, and the journal knows what it has. The box's own
//! limit on packets is the protocol's: a longer one could never be taken, nor anything behind it.
//! So set the broker's message size limit to 256 KiB.

mod pump;

use crate::ingest::Ingest;
use crate::limits::{
    BROKER_ACKS, BROKER_KEEP_ALIVE, BROKER_RETRY_MAX, BROKER_RETRY_MIN, MAX_MQTT_PACKET,
    MAX_PACKET, MAX_PAYLOAD,
};
use pump::{Arrived, Pump};
use ring::rand::{SecureRandom, SystemRandom};
use rumqttc::{
    AsyncClient, Event, EventLoop, MqttOptions, Packet, Publish, QoS, SubscribeReasonCode,
    TlsConfiguration, Transport,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, watch};

/// What the box subscribes to.
const CHECK_INS: &str = "muster/1/+/checkin";
/// Batches between the connection and the ingest.
const MAX_BATCHES: usize = 16;

/// An existing broker (`[broker]`).
#[derive(Clone, Debug, Default)]
pub struct BrokerConfig {
    /// `mqtts://host:8883`, or `mqtt://host:1883` within the box.
    pub url: String,
    /// Who may vouch for the broker, PEM; needed for `mqtts`.
    pub ca: Option<PathBuf>,
    /// The box's certificate for the broker, PEM.
    pub client_cert: Option<PathBuf>,
    /// Its key, PEM.
    pub client_key: Option<PathBuf>,
    /// The box's identifier at the broker; its session there goes by it.
    pub client_id: String,
    /// Whether the broker's own access rules are trusted to say who is who: then JSON is taken too.
    pub trust_broker: bool,
}

/// How the link to the broker is.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct BrokerStatus {
    /// As configured.
    pub url: String,
    /// Whether check-ins can come.
    pub connected: bool,
    /// Why not; `None` while they can.
    pub cause: Option<String>,
    /// Messages taken since the start.
    pub messages: u64,
}

/// Why the link to a broker cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// Not an address of a broker.
    #[error("[broker] url must be mqtts://host:port or mqtt://host:port")]
    Url,
    /// TLS without an authority.
    #[error(
        "[broker] ca is missing: name the file with the certificate that vouches for the broker"
    )]
    NoAuthority,
    /// A certificate or key cannot be read.
    #[error("cannot read {path}: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// TLS refuses them.
    #[error("[broker] certificate and key cannot be used: {0}")]
    Tls(#[from] rustls::Error),
}

/// The broker's status, shared with whoever asks.
pub(crate) type SharedStatus = Arc<Mutex<BrokerStatus>>;

/// A broker that can be connected to.
pub(crate) struct Broker {
    options: MqttOptions,
    trust: bool,
    status: SharedStatus,
}

impl Broker {
    /// Reads the files that `config` names.
    pub(crate) fn new(config: &BrokerConfig) -> Result<Self, BrokerError> {
        let (tls, rest) = match config.url.split_once("://") {
            Some(("mqtts", rest)) => (true, rest),
            Some(("mqtt", rest)) => (false, rest),
            _ => return Err(BrokerError::Url),
        };
        let (host, port) = host_and_port(rest, if tls { 8883 } else { 1883 })?;
        let mut options = MqttOptions::new(config.client_id.clone(), host, port);
        options
            .set_keep_alive(BROKER_KEEP_ALIVE)
            .set_clean_session(false)
            .set_manual_acks(true)
            .set_max_packet_size(MAX_MQTT_PACKET, MAX_MQTT_PACKET);
        if tls {
            let rustls = TlsConfiguration::Rustls(Arc::new(client_config(config)?));
            options.set_transport(Transport::tls_with_config(rustls));
        }
        let status = BrokerStatus { url: config.url.clone(), ..BrokerStatus::default() };
        Ok(Self { options, trust: config.trust_broker, status: Arc::new(Mutex::new(status)) })
    }

    pub(crate) fn status(&self) -> SharedStatus {
        self.status.clone()
    }

    /// Serves until the box shuts down.
    pub(crate) async fn serve(
        self,
        ingest: Arc<Ingest>,
        budget: Arc<Semaphore>,
        mut closing: watch::Receiver<bool>,
    ) {
        let (client, events) = AsyncClient::new(self.options.clone(), BROKER_ACKS);
        let generation = Generation::default();
        let (batches, taken) = mpsc::channel(MAX_BATCHES);
        let pump = Pump::new(ingest, client.clone(), generation.clone(), self.trust);
        let reader = Reader { events, client, generation, batches, budget, status: self.status };
        tokio::select! {
            () = reader.run() => {}
            () = pump.run(taken) => {}
            _ = closing.wait_for(|&closing| closing) => {}
        }
    }
}

/// Which connection is current: acknowledgements of an older one would name other messages.
#[derive(Clone, Default)]
pub(crate) struct Generation(Arc<Mutex<u64>>);

impl Generation {
    /// Runs `send` only if `of` is current; nothing can come between.
    fn while_current(&self, of: u64, send: impl FnOnce()) {
        let current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *current == of {
            send();
        }
    }

    fn current(&self) -> u64 {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the current one; `clean` drops what it left unsent.
    fn end(&self, clean: impl FnOnce()) {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *current += 1;
        clean();
    }
}

/// The connection's side: nothing here waits for the disk but by the bound on payloads.
struct Reader {
    events: EventLoop,
    client: AsyncClient,
    generation: Generation,
    batches: mpsc::Sender<Arrived>,
    budget: Arc<Semaphore>,
    status: SharedStatus,
}

impl Reader {
    async fn run(mut self) {
        let mut pause = BROKER_RETRY_MIN;
        loop {
            match self.events.poll().await {
                Ok(Event::Incoming(Packet::ConnAck(_))) => {
                    // A full channel means that it is asked for already.
                    let _ = self.client.try_subscribe(CHECK_INS, QoS::AtLeastOnce);
                }
                Ok(Event::Incoming(Packet::SubAck(answer))) => {
                    let refused = answer.return_codes.contains(&SubscribeReasonCode::Failure);
                    let refused =
                        refused.then(|| "the broker refuses the box muster/1/+/checkin".to_owned());
                    self.note(refused);
                    pause = BROKER_RETRY_MIN;
                }
                Ok(Event::Incoming(Packet::Publish(first))) => {
                    if self.hand_over(first).await.is_none() {
                        return;
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    self.note(Some(format!("the broker cannot be used: {error}")));
                    let events = &mut self.events;
                    self.generation.end(|| {
                        events.clean();
                        events.state.events.clear();
                    });
                    tokio::time::sleep(jittered(pause)).await;
                    pause = (pause * 2).min(BROKER_RETRY_MAX);
                }
            }
        }
    }

    /// Hands over what was read together with `first`; `None` once nobody takes it any more.
    async fn hand_over(&mut self, first: Publish) -> Option<()> {
        let mut bytes = paid_for(&first);
        let mut messages = vec![first];
        let events = &mut self.events.state.events;
        while let Some(Event::Incoming(Packet::Publish(next))) = events.front()
            && bytes + paid_for(next) <= MAX_PACKET
            && let Some(Event::Incoming(Packet::Publish(next))) = events.pop_front()
        {
            bytes += paid_for(&next);
            messages.push(next);
        }
        let paid = self.budget.clone().acquire_many_owned(bytes as u32).await.ok()?;
        self.status().messages += messages.len() as u64;
        let arrived = Arrived { generation: self.generation.current(), messages, _paid: paid };
        self.batches.send(arrived).await.ok()
    }

    fn note(&self, cause: Option<String>) {
        let mut status = self.status();
        if status.cause != cause
            && let Some(cause) = &cause
        {
            tracing::warn!(cause, "no check-ins from the broker");
        }
        status.connected = cause.is_none();
        status.cause = cause;
    }

    fn status(&self) -> std::sync::MutexGuard<'_, BrokerStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a message takes of the bound on payloads; a longer one is not kept.
fn paid_for(message: &Publish) -> usize {
    message.payload.len().min(MAX_PAYLOAD)
}

/// Between half of `pause` and all of it.
fn jittered(pause: Duration) -> Duration {
    let mut random = [0u8; 1];
    // Without randomness the pause is merely even.
    let _ = SystemRandom::new().fill(&mut random);
    pause / 2 + pause / 2 * u32::from(random[0]) / 255
}

fn host_and_port(rest: &str, default: u16) -> Result<(String, u16), BrokerError> {
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && !port.contains(']') => {
            (host, port.parse().map_err(|_| BrokerError::Url)?)
        }
        _ => (rest, default),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() || host.contains(['/', '@', ' ']) {
        return Err(BrokerError::Url);
    }
    Ok((host.to_owned(), port))
}

fn client_config(config: &BrokerConfig) -> Result<ClientConfig, BrokerError> {
    let ca = config.ca.as_ref().ok_or(BrokerError::NoAuthority)?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates(ca)? {
        roots.add(certificate)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots);
    let (Some(chain), Some(key)) = (&config.client_cert, &config.client_key) else {
        return Ok(builder.with_no_client_auth());
    };
    let failed = |cause: rustls::pki_types::pem::Error| BrokerError::File {
        path: key.clone(),
        cause: cause.to_string(),
    };
    let own = PrivateKeyDer::from_pem_file(key).map_err(failed)?;
    Ok(builder.with_client_auth_cert(certificates(chain)?, own)?)
}

fn certificates(path: &PathBuf) -> Result<Vec<CertificateDer<'static>>, BrokerError> {
    let failed = |cause: rustls::pki_types::pem::Error| BrokerError::File {
        path: path.clone(),
        cause: cause.to_string(),
    };
    let all: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).map_err(failed)?.collect();
    match all.map_err(failed)? {
        none if none.is_empty() => {
            Err(BrokerError::File { path: path.clone(), cause: "no certificate in it".into() })
        }
        some => Ok(some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let check = |url: &str, expect: Option<(&str, u16)>| {
            let config = BrokerConfig {
                url: url.into(),
                client_id: "box".into(),
                ..BrokerConfig::default()
            };
            let got = Broker::new(&config).ok().map(|broker| broker.options.broker_address());
            assert_eq!(got, expect.map(|(host, port)| (host.to_owned(), port)), "{url}");
        };
        check("mqtt://localhost", Some(("localhost", 1883)));
        check("mqtt://10.0.0.1:1884/", Some(("10.0.0.1", 1884)));
        check("mqtt://[::1]:1884", Some(("::1", 1884)));
        check("mqtt://[::1]", Some(("::1", 1883)));
        check("mqtt://", None);
        check("mqtt://host:port", None);
        check("mqtt://user@host", None);
        check("http://host", None);
        check("mqtts://host", None); // no ca
    }

    #[test]
    fn pauses_keep_within_their_bounds() {
        for _ in 0..100 {
            let pause = jittered(Duration::from_secs(4));
            assert!(
                pause >= Duration::from_secs(2) && pause <= Duration::from_secs(4),
                "{pause:?}"
            );
        }
    }
}
