//! Accepting connections: TLS 1.3 with client certificates anywhere, plaintext on loopback alone.
//! Terminals that come to be paired say so by ALPN, so that one open port is enough.

use super::Gate;
use super::connection::Connection;
use super::dialogue::Identity;
use crate::authority::{common_name, digest, ends};
use crate::limits::{ACCEPT_PAUSE, CONNECT_TIMEOUT, DRAIN_TIMEOUT};
use crate::metric;
use crate::pairing::Pairings;
use muster_proto::pairing::ALPN;
use rustls::ServerConfig;
use rustls::server::Acceptor;
use socket2::{SockRef, TcpKeepalive};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::{Instrument as _, Span};

/// Silence after which the system asks whether a client is still there.
const TCP_KEEPALIVE: Duration = Duration::from_secs(60);

/// Why a listener does not start.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Plaintext anywhere but on loopback.
    #[error(
        "{0} is not a loopback address: the listener without login may only stand on loopback; \
         set [mqtt] loopback to 127.0.0.1:1883, or use [mqtt] listen, which asks for certificates"
    )]
    NotLoopback(SocketAddr),
    /// The address cannot be had.
    #[error("cannot listen on {address}; stop what uses the port, or choose another")]
    Bind {
        /// What was asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A bound socket, not serving yet.
pub(crate) struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    tls: Option<Arc<Secured>>,
}

/// How devices with certificates come in, and how they get them.
pub(crate) struct Secured {
    /// For check-ins.
    pub(crate) check_ins: Arc<ServerConfig>,
    /// For those that are paired, or renew their certificate.
    pub(crate) pairing: Arc<ServerConfig>,
    /// Who answers these.
    pub(crate) pairings: Pairings,
}

impl Listener {
    /// Binds the plaintext listener, which is refused anywhere but on loopback.
    pub(crate) async fn loopback(address: SocketAddr) -> Result<Self, ListenError> {
        if !address.ip().is_loopback() {
            return Err(ListenError::NotLoopback(address));
        }
        Self::bind(address, None).await
    }

    /// Binds the listener for devices with certificates.
    pub(crate) async fn tls(address: SocketAddr, tls: Secured) -> Result<Self, ListenError> {
        Self::bind(address, Some(Arc::new(tls))).await
    }

    async fn bind(address: SocketAddr, tls: Option<Arc<Secured>>) -> Result<Self, ListenError> {
        let refused = |source| ListenError::Bind { address, source };
        let socket = TcpListener::bind(address).await.map_err(refused)?;
        let address = socket.local_addr().map_err(refused)?;
        Ok(Self { socket, address, tls })
    }

    /// Where it listens; with the port that was found for port 0.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the box shuts down; then gives open connections [`DRAIN_TIMEOUT`] to finish.
    pub(crate) async fn serve(self, gate: Arc<Gate>) {
        let mut connections = JoinSet::new();
        let mut shutdown = gate.shutdown.clone();
        loop {
            let accepted = tokio::select! {
                _ = shutdown.wait_for(|&closing| closing) => break,
                Some(_) = connections.join_next() => continue,
                accepted = self.socket.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => admit(stream, &self.tls, &gate, &mut connections),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept an MQTT connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(self.socket);
        let drained = async { while connections.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(DRAIN_TIMEOUT, drained).await;
    }
}

fn admit(
    stream: TcpStream,
    tls: &Option<Arc<Secured>>,
    gate: &Arc<Gate>,
    connections: &mut JoinSet<()>,
) {
    let Ok(seat) = gate.seats.clone().try_acquire_owned() else {
        metrics::counter!(metric::MQTT_CLOSED, "reason" => "limit").increment(1);
        return;
    };
    let (gate, tls) = (gate.clone(), tls.clone());
    connections.spawn(async move {
        let _seat = seat;
        prepare(&stream);
        metrics::gauge!(metric::MQTT_CONNECTIONS).increment(1.0);
        let reason = serve(stream, tls, gate).await;
        metrics::gauge!(metric::MQTT_CONNECTIONS).decrement(1.0);
        metrics::counter!(metric::MQTT_CLOSED, "reason" => reason).increment(1);
    });
}

/// Serves one client to its end; returns why it ended.
async fn serve(stream: TcpStream, tls: Option<Arc<Secured>>, gate: Arc<Gate>) -> &'static str {
    let started = Instant::now();
    let Some(tls) = tls else {
        let identity = Identity::Loopback;
        let span = span(&identity);
        return Connection::new(stream, identity, gate, started)
            .run()
            .instrument(span)
            .await
            .label();
    };
    let Some(stream) = shake_hands(stream, &tls).await else { return "handshake" };
    if stream.get_ref().1.alpn_protocol() == Some(ALPN) {
        let certificates = stream.get_ref().1.peer_certificates();
        let shown = certificates.and_then(<[_]>::first).map(|shown| shown.clone().into_owned());
        if let Err(error) = tls.pairings.answer(stream, shown).await {
            tracing::debug!(%error, "a pairing was broken off");
        }
        return "pairing";
    }
    let Some(identity) = identity(&stream) else { return "handshake" };
    let span = span(&identity);
    span.in_scope(|| tracing::debug!("a terminal is connected"));
    let ended = Connection::new(stream, identity, gate, started).run().instrument(span.clone());
    let reason = ended.await.label();
    // Whoever is turned away could come again and again, and fill the log.
    span.in_scope(|| match reason {
        "identity" => tracing::debug!(reason, "a terminal is turned away"),
        _ => tracing::info!(reason, "a terminal is disconnected"),
    });
    reason
}

/// What all that a connection logs bears: its number since the start, and its device, by the name in
/// the certificate. What somebody on loopback calls itself proves nothing and is not said.
fn span(identity: &Identity) -> Span {
    static CONNECTIONS: AtomicU64 = AtomicU64::new(1);
    let connection = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
    match identity {
        Identity::Loopback => tracing::info_span!("mqtt", connection),
        Identity::Certificate { name, .. } => {
            tracing::info_span!("mqtt", connection, device = name.as_str())
        }
    }
}

/// The TLS handshake, in time.
async fn shake_hands(stream: TcpStream, tls: &Secured) -> Option<TlsStream<TcpStream>> {
    let shaken = async {
        let begun = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        let pairs = {
            let offered = begun.client_hello().alpn();
            offered.is_some_and(|mut offered| offered.any(|name| name == ALPN))
        };
        let config = if pairs { &tls.pairing } else { &tls.check_ins };
        begun.into_stream(config.clone()).await
    };
    match tokio::time::timeout(CONNECT_TIMEOUT, shaken).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a TLS client was turned away");
            None
        }
        Err(_) => None,
    }
}

/// Whom the handshake proved the client to be.
fn identity(stream: &TlsStream<TcpStream>) -> Option<Identity> {
    let certificate = stream.get_ref().1.peer_certificates()?.first()?;
    let (name, digest) = (common_name(certificate)?, digest(certificate));
    Some(Identity::Certificate { name, digest, ends: ends(certificate) })
}

fn prepare(stream: &TcpStream) {
    let keepalive = TcpKeepalive::new().with_time(TCP_KEEPALIVE).with_interval(TCP_KEEPALIVE / 4);
    // Both are improvements only: a connection without them still works.
    let _ = stream.set_nodelay(true);
    let _ = SockRef::from(stream).set_tcp_keepalive(&keepalive);
}
