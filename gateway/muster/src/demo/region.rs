//! The demo's two regions: what stands at the far end. One takes MQTT, one HTTPS; both over TLS
//! with a certificate that names their region. They count what arrives and look for biometrics in
//! the plain text, so that the summary does not take the gateway's word for it.

use super::leak::Canaries;
use anyhow::{Context as _, Result};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use mqtt_protocol_core::mqtt;
use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::connection::Event;
use mqtt_protocol_core::mqtt::packet::{Packet, v3_1_1};
use mqtt_protocol_core::mqtt::prelude::GenericPacketTrait;
use mqtt_protocol_core::mqtt::result_code::ConnectReturnCode;
use rcgen::{CertificateParams, Issuer, KeyPair, SanType};
use rustls::pki_types::PrivateKeyDer;
use serde_json::Value;
use std::collections::HashSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Bytes of one request or packet that a region reads.
const MAX_BODY: usize = 1 << 20;

/// What arrived at a region.
#[derive(Default)]
pub(super) struct Arrived {
    pub(super) ids: HashSet<String>,
    /// Bytes of biometric evidence found in the plain text.
    pub(super) biometric_bytes: u64,
}

/// A region that listens on loopback.
pub(super) struct Region {
    pub(super) address: SocketAddr,
    up: watch::Sender<bool>,
    arrived: Arc<Mutex<Arrived>>,
}

/// How a region is spoken to.
#[derive(Clone, Copy)]
pub(super) enum Speaks {
    Mqtt,
    Https,
}

/// Who vouches for both regions.
pub(super) struct RegionAuthority {
    pub(super) ca_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl RegionAuthority {
    pub(super) fn new() -> Result<Self> {
        let mut params = CertificateParams::new(Vec::<String>::new())?;
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = KeyPair::generate()?;
        let ca_pem = params.self_signed(&key)?.pem();
        Ok(Self { ca_pem, issuer: Issuer::new(params, key) })
    }

    fn acceptor(&self, region: &str) -> Result<TlsAcceptor> {
        let mut params = CertificateParams::new(["localhost".to_owned()])?;
        let uri = format!("muster:region:{region}").try_into()?;
        params.subject_alt_names.push(SanType::URI(uri));
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

impl Region {
    /// Starts a region whose certificate names `region`.
    pub(super) async fn start(
        authority: &RegionAuthority,
        region: &str,
        speaks: Speaks,
        canaries: Arc<Canaries>,
    ) -> Result<Self> {
        let acceptor = authority.acceptor(region)?;
        let listener = TcpListener::bind("127.0.0.1:0").await.context("a region's port")?;
        let address = listener.local_addr()?;
        let (up, is_up) = watch::channel(true);
        let arrived = Arc::new(Mutex::new(Arrived::default()));
        let desk = Desk { arrived: arrived.clone(), canaries };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if !*is_up.borrow() {
                    continue;
                }
                let (acceptor, desk, mut down) = (acceptor.clone(), desk.clone(), is_up.clone());
                tokio::spawn(async move {
                    tokio::select! {
                        _ = serve(stream, acceptor, desk, speaks) => {}
                        _ = down.wait_for(|up| !up) => {}
                    }
                });
            }
        });
        Ok(Self { address, up, arrived })
    }

    /// Takes the region down, or brings it back.
    pub(super) fn set_up(&self, up: bool) {
        let _ = self.up.send(up);
    }

    pub(super) fn is_up(&self) -> bool {
        *self.up.borrow()
    }

    pub(super) fn arrived(&self) -> MutexGuard<'_, Arrived> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone)]
struct Desk {
    arrived: Arc<Mutex<Arrived>>,
    canaries: Arc<Canaries>,
}

impl Desk {
    /// Books a payload: one parcel or an array; gives how many.
    fn take(&self, payload: &[u8]) -> usize {
        let parcels = match serde_json::from_slice(payload) {
            Ok(Value::Array(parcels)) => parcels,
            Ok(parcel) => vec![parcel],
            Err(_) => Vec::new(),
        };
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        arrived.biometric_bytes += self.canaries.found_in(payload);
        let ids = parcels.iter().filter_map(|p| p["event_id"].as_str().map(str::to_owned));
        arrived.ids.extend(ids);
        parcels.len()
    }
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, desk: Desk, speaks: Speaks) -> Result<()> {
    let stream = acceptor.accept(stream).await?;
    match speaks {
        Speaks::Mqtt => serve_mqtt(stream, desk).await,
        Speaks::Https => serve_https(stream, desk).await,
    }
}

async fn serve_https(stream: TlsStream<TcpStream>, desk: Desk) -> Result<()> {
    let service = service_fn(|request: Request<Incoming>| {
        let desk = desk.clone();
        async move {
            let body = Limited::new(request.into_body(), MAX_BODY).collect().await;
            let count = body.map(|body| desk.take(&body.to_bytes())).unwrap_or(0);
            let accepted: Vec<usize> = (0..count).collect();
            let word = serde_json::json!({ "accepted": accepted, "rejected": [] });
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(word.to_string()))))
        }
    });
    let http = hyper::server::conn::http1::Builder::new();
    Ok(http.serve_connection(TokioIo::new(stream), service).await?)
}

async fn serve_mqtt(mut stream: TlsStream<TcpStream>, desk: Desk) -> Result<()> {
    let mut core = mqtt::Connection::<mqtt::role::Server>::new(mqtt::Version::V3_1_1);
    core.set_auto_pub_response(true);
    core.set_auto_ping_response(true);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        let mut cursor = Cursor::new(&buffer[..count]);
        let mut events = Vec::new();
        while cursor.position() < count as u64 {
            events.extend(core.recv(&mut cursor));
        }
        for event in events {
            match event {
                Event::NotifyPacketReceived(Packet::V3_1_1Connect(_)) => {
                    let connack = v3_1_1::Connack::builder()
                        .session_present(false)
                        .return_code(ConnectReturnCode::Accepted)
                        .build()
                        .map_err(|e| anyhow::anyhow!("{e:?}"))?;
                    for sent in core.send(connack.into()) {
                        answer(&mut stream, sent).await?;
                    }
                }
                Event::NotifyPacketReceived(Packet::V3_1_1Publish(publish)) => {
                    desk.take(publish.payload().as_slice());
                }
                Event::NotifyError(_) | Event::RequestClose => return Ok(()),
                other => answer(&mut stream, other).await?,
            }
        }
    }
}

async fn answer(stream: &mut TlsStream<TcpStream>, event: Event) -> Result<()> {
    if let Event::RequestSendPacket { packet, .. } = event {
        stream.write_all(&packet.to_continuous_buffer()).await?;
        stream.flush().await?;
    }
    Ok(())
}
