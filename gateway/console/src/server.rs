//! Listening: TLS, limits, start and stop.

use crate::app::{App, Handles, SecondFactor};
use crate::assets::Assets;
use crate::connection::Gate;
use crate::live::LiveBoard;
use crate::password::Passwords;
use crate::session::Sessions;
use crate::throttle::Throttle;
use crate::totp::Codes;
use crate::when::Zone;
use crate::words::Catalogue;
use axum_server::Handle;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper_util::rt::TokioTimer;
use ring::rand::SystemRandom;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

/// Time for a TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Time for a request's headers, and for which a connection may lie idle.
const HEADERS: Duration = Duration::from_secs(20);
/// Bytes of a connection's read buffer: headers must fit.
const READ_BUFFER: usize = 32 * 1024;
/// Time that open requests get when the page stops.
const DRAIN: Duration = Duration::from_secs(2);

/// How the page is served.
pub struct ConsoleConfig {
    /// `[console] listen`; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The certificate and its chain, PEM.
    pub certificate_pem: String,
    /// The certificate's key, PEM.
    pub key_pem: Zeroizing<String>,
    /// Names and addresses beside the box's own under which the page may be opened.
    pub allowed_hosts: Vec<String>,
    /// The site, as pages show it.
    pub site: String,
    /// IANA name of the site's time zone.
    pub time_zone: String,
    /// Whether accounts with rights beyond reading need a second factor.
    pub second_factor: SecondFactor,
}

/// Why the page does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be had.
    #[error("cannot listen on {address}; is another program there? Change `[console] listen`")]
    Listen {
        /// `[console] listen`.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The certificate or key cannot be read.
    #[error("the page's certificate cannot be read: {0}; make a new one or mend the file")]
    Certificate(String),
    /// Certificate and key do not fit.
    #[error("the page's certificate and key do not fit together")]
    Tls(#[source] rustls::Error),
    /// There is no such zone.
    #[error("there is no time zone named {0}; use an IANA name such as Asia/Macau")]
    TimeZone(String),
    /// The system gave no randomness.
    #[error("the system gave no random bytes; nothing safe can be made without them")]
    Random,
}

/// The page while it is served.
pub struct Console {
    address: SocketAddr,
    handle: Handle<SocketAddr>,
    task: JoinHandle<()>,
}

impl Console {
    /// Starts the page and returns once it listens; it runs until [`Console::stop`].
    pub fn start(config: ConsoleConfig, handles: Handles) -> Result<Self, StartError> {
        let tls = tls(&config)?;
        let wanted = config.listen;
        let listen = |source| StartError::Listen { address: wanted, source };
        let listener = TcpListener::bind(wanted).map_err(listen)?;
        listener.set_nonblocking(true).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let app = app(config, handles)?;
        tokio::spawn(crate::live::run(Arc::downgrade(&app.live)));

        let handle = Handle::new();
        let acceptor = RustlsAcceptor::new(RustlsConfig::from_config(Arc::new(tls)))
            .handshake_timeout(HANDSHAKE)
            .acceptor(Gate::default());
        let server = axum_server::from_tcp(listener).map_err(listen)?;
        let mut server = server.handle(handle.clone()).acceptor(acceptor).http1_only();
        let mut http = server.http_builder().http1();
        http.timer(TokioTimer::new()).header_read_timeout(HEADERS).max_buf_size(READ_BUFFER);
        let routes = crate::routes::routes(app).into_make_service();
        let task = tokio::spawn(async move {
            if let Err(error) = server.serve(routes).await {
                tracing::error!(%error, "the page stopped");
            }
        });
        Ok(Self { address, handle, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops it: no new connections, two seconds for open requests, then all are closed.
    pub async fn stop(self) {
        self.handle.graceful_shutdown(Some(DRAIN));
        if tokio::time::timeout(DRAIN * 2, self.task).await.is_err() {
            tracing::warn!("the page did not stop in time");
        }
    }

    /// Waits until the page has ended, which it does by itself only on an error.
    pub async fn ended(&mut self) {
        let _ = (&mut self.task).await;
    }
}

fn app(config: ConsoleConfig, handles: Handles) -> Result<Arc<App>, StartError> {
    let random = SystemRandom::new();
    let zone = Zone::named(&config.time_zone);
    let zone = zone.ok_or(StartError::TimeZone(config.time_zone))?;
    let live = LiveBoard::new(handles.clone(), zone.clone(), &random).ok_or(StartError::Random)?;
    Ok(Arc::new(App {
        site: config.site,
        zone,
        allowed_hosts: config.allowed_hosts,
        sessions: Sessions::new(&random).ok_or(StartError::Random)?,
        throttle: Throttle::default(),
        passwords: Passwords::new(),
        codes: Codes::default(),
        second_factor: config.second_factor,
        catalogue: Arc::new(Catalogue::embedded()),
        assets: Assets::new(),
        live: Arc::new(live),
        random,
        report_turn: tokio::sync::Semaphore::new(1),
        handles,
    }))
}

fn tls(config: &ConsoleConfig) -> Result<rustls::ServerConfig, StartError> {
    let unreadable =
        |error: rustls::pki_types::pem::Error| StartError::Certificate(error.to_string());
    let chain = CertificateDer::pem_slice_iter(config.certificate_pem.as_bytes());
    let chain = chain.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    let key = PrivateKeyDer::from_pem_slice(config.key_pem.as_bytes()).map_err(unreadable)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(rustls::DEFAULT_VERSIONS)
        .map_err(StartError::Tls)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(StartError::Tls)?;
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(tls)
}
