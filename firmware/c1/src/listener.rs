//! Where M2s come in: TLS 1.3 with certificates of the box's authority, only for those the centre
//! carries.

use crate::relay::{Relay, Taken};
use crate::session::{Session, Step};
use crate::{Login, StartError};
use muster_forwarder::tls;
use muster_proto::message::Kind;
use muster_proto::seal::Header;
use rumqttc::tokio_rustls::TlsAcceptor;
use rumqttc::tokio_rustls::server::TlsStream;
use rumqttc::{Packet, mqttbytes};
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use rustls::server::WebPkiClientVerifier;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// M2s served at once.
pub const MAX_CLIENTS: usize = 64;
/// Bytes of one packet: a check-in of the largest size with its topic.
const MAX_PACKET: usize = 260 * 1024;
/// For the handshake, and then for CONNECT.
const FIRST: Duration = Duration::from_secs(10);
/// A client that takes no bytes for so long is gone.
const WRITE: Duration = Duration::from_secs(10);
/// Pause after an error of the socket.
const PAUSE: Duration = Duration::from_millis(200);

/// Where to listen, and to whom.
pub struct ListenConfig {
    /// The address; port 0 finds one.
    pub address: SocketAddr,
    /// Names of the M2s that may come in.
    pub devices: Vec<String>,
}

pub(crate) struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    tls: TlsAcceptor,
    devices: Arc<[String]>,
}

impl Listener {
    /// Binds the address; the centre shows the same certificate as to the box.
    pub(crate) fn bind(config: ListenConfig, login: &Login) -> Result<Self, StartError> {
        let bound = std::net::TcpListener::bind(config.address)?;
        bound.set_nonblocking(true)?;
        let socket = TcpListener::from_std(bound)?;
        let address = socket.local_addr()?;
        let tls = TlsAcceptor::from(Arc::new(server(login)?));
        Ok(Self { socket, address, tls, devices: config.devices.into() })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves for ever.
    pub(crate) async fn run(self, relay: Arc<Relay>) {
        let seats = Arc::new(Semaphore::new(MAX_CLIENTS));
        let mut clients = JoinSet::new();
        loop {
            while clients.try_join_next().is_some() {}
            let stream = match self.socket.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            let Ok(seat) = seats.clone().try_acquire_owned() else { continue };
            let (tls, devices, relay) = (self.tls.clone(), self.devices.clone(), relay.clone());
            clients.spawn(async move {
                let _seat = seat;
                if let Err(error) = serve(stream, tls, &devices, &relay).await {
                    tracing::debug!(%error, "an M2's connection ended");
                }
            });
        }
    }
}

fn server(login: &Login) -> Result<ServerConfig, StartError> {
    let bad = |what: &dyn std::fmt::Display| StartError::Credentials(what.to_string());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = tls::roots(&login.ca_pem)?;
    let clients = WebPkiClientVerifier::builder_with_provider(roots, provider.clone())
        .build()
        .map_err(|e| bad(&e))?;
    let chain = tls::certificates(&login.certificate_pem)?;
    let key = tls::private_key(&login.key_pem)?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|e| bad(&e))?
        .with_client_cert_verifier(clients)
        .with_single_cert(chain, key)
        .map_err(|e| bad(&e))?;
    config.send_tls13_tickets = 0;
    Ok(config)
}

async fn serve(
    stream: TcpStream,
    tls: TlsAcceptor,
    devices: &[String],
    relay: &Relay,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let shaken = tokio::time::timeout(FIRST, tls.accept(stream)).await;
    let stream = shaken.map_err(|_| io::ErrorKind::TimedOut)??;
    let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let name = certificate.and_then(common_name);
    let known = |name: &String| devices.contains(name);
    let Some(name) = name.filter(known) else {
        tracing::warn!("a device that this centre does not carry wants to be heard");
        return Ok(());
    };
    let session = Session::new(name.clone(), FIRST);
    Client { stream, session, name, relay, rx: Default::default() }.run().await
}

/// The common name of a certificate that TLS has checked.
fn common_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let name = parsed.subject().iter_common_name().next()?.as_str().ok()?;
    Some(name.to_owned())
}

struct Client<'a> {
    stream: TlsStream<TcpStream>,
    session: Session,
    name: String,
    relay: &'a Relay,
    rx: bytes::BytesMut,
}

impl Client<'_> {
    async fn run(mut self) -> io::Result<()> {
        loop {
            let answered = self.relay.answered.notified();
            let mut out = bytes::BytesMut::new();
            let closing = self.take_packets(&mut out) | self.take_answers(&mut out);
            self.write(&out).await?;
            if closing {
                return Ok(());
            }
            let patience = tokio::time::sleep(self.session.patience);
            tokio::select! {
                read = self.stream.read_buf(&mut self.rx) => if read? == 0 { return Ok(()) },
                () = answered => {}
                () = patience => return Err(io::ErrorKind::TimedOut.into()),
            }
        }
    }

    /// Handles the whole packets that have come; whether the session is over.
    fn take_packets(&mut self, out: &mut bytes::BytesMut) -> bool {
        loop {
            let step = match Packet::read(&mut self.rx, MAX_PACKET) {
                Ok(packet) => self.session.take(packet),
                Err(mqttbytes::Error::InsufficientBytes(_)) => return false,
                Err(_) => Step::Close(None),
            };
            match step {
                Step::Say(packet) => put(&packet, out),
                Step::Store { id, message } => match self.relay.forward(&self.name, &message) {
                    Taken::Stored => put(&Session::stored(id), out),
                    Taken::NotNow => return true,
                    Taken::Never => {
                        // Not acknowledged: the M2 keeps what its settings make useless.
                        tracing::error!(
                            device = self.name,
                            "it does not seal its messages; set seal = true in its configuration"
                        );
                        return true;
                    }
                },
                Step::Close(last) => {
                    last.iter().for_each(|packet| put(packet, out));
                    return true;
                }
            }
        }
    }

    fn take_answers(&mut self, out: &mut bytes::BytesMut) -> bool {
        while let Some(sealed) = self.relay.next_answer(&self.name) {
            let kind = Header::peek(&sealed).map(|header| header.kind);
            let command = !matches!(kind, Ok(Kind::Receipt | Kind::Welcome));
            self.session.answer(command, sealed).iter().for_each(|packet| put(packet, out));
        }
        false
    }

    async fn write(&mut self, out: &[u8]) -> io::Result<()> {
        if out.is_empty() {
            return Ok(());
        }
        let written = async {
            self.stream.write_all(out).await?;
            self.stream.flush().await
        };
        tokio::time::timeout(WRITE, written).await.map_err(|_| io::ErrorKind::TimedOut)?
    }
}

/// Appends a packet; one that is too large is left out.
fn put(packet: &Packet, out: &mut bytes::BytesMut) {
    if let Err(error) = packet.write(out, MAX_PACKET) {
        tracing::warn!(%error, "an answer cannot be sent");
    }
}
