//! Listening: TLS, limits, start and stop.

use crate::app::{App, Handles, SecondFactor};
use crate::assets::Assets;
use crate::connection::{Counted, Ends, Gate};
use crate::jobs::Jobs;
use crate::live::LiveBoard;
use crate::pages::warden::safe::Ticks;
use crate::password::Passwords;
use crate::session::Sessions;
use crate::throttle::Throttle;
use crate::visits::Visits;
use crate::when::Zone;
use crate::words::Catalogue;
use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use ring::rand::SystemRandom;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower_service::Service as _;
use zeroize::Zeroizing;

/// Time for a TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Time for a request's headers, and for which a connection may lie idle.
const HEADERS: Duration = Duration::from_secs(20);
/// Bytes of a connection's read buffer: headers must fit.
const READ_BUFFER: usize = 32 * 1024;
/// Pause after a connection could not be taken, for want of descriptors say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
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
    /// Its end stops the page.
    running: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl Console {
    /// Starts the page and returns once it listens; it runs until [`Console::stop`].
    pub fn start(config: ConsoleConfig, handles: Handles) -> Result<Self, StartError> {
        let tls = tls(&config)?;
        let wanted = config.listen;
        let listen = |source| StartError::Listen { address: wanted, source };
        let listener = std::net::TcpListener::bind(wanted).map_err(listen)?;
        listener.set_nonblocking(true).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let listener = TcpListener::from_std(listener).map_err(listen)?;
        let app = app(config, handles)?;
        tokio::spawn(crate::live::run(Arc::downgrade(&app.live)));

        let (running, stopped) = watch::channel(());
        let server =
            Server { tls: TlsAcceptor::from(Arc::new(tls)), routes: crate::routes::routes(app) };
        let task = tokio::spawn(serve(listener, server, stopped));
        Ok(Self { address, running, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops it: no new connections, two seconds for open requests, then all are closed.
    pub async fn stop(self) {
        drop(self.running);
        if timeout(DRAIN * 2, self.task).await.is_err() {
            tracing::warn!("the page did not stop in time");
        }
    }

    /// Waits until the page has ended, which it does by itself only on an error.
    pub async fn ended(&mut self) {
        let _ = (&mut self.task).await;
    }
}

/// What each connection is served with.
#[derive(Clone)]
struct Server {
    tls: TlsAcceptor,
    routes: Router,
}

/// Takes connections until the page is stopped; open requests then get [`DRAIN`].
async fn serve(listener: TcpListener, server: Server, mut stopped: watch::Receiver<()>) {
    let gate = Gate::default();
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            _ = stopped.changed() => break,
            Some(_) = open.join_next() => {}
            taken = listener.accept() => match taken {
                // One that finds no place is closed.
                Ok((stream, _)) => if let Ok((stream, ends)) = gate.admit(stream) {
                    open.spawn(server.clone().converse(stream, ends, stopped.clone()));
                },
                Err(error) => {
                    tracing::warn!(%error, "the page cannot take a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    // What is still open after it ends with the set.
    let _ = timeout(DRAIN, async { while open.join_next().await.is_some() {} }).await;
}

impl Server {
    /// One connection from handshake to end.
    async fn converse(self, stream: Counted, ends: Ends, mut stopped: watch::Receiver<()>) {
        let Ok(Ok(stream)) = timeout(HANDSHAKE, self.tls.accept(stream)).await else { return };
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(ends);
            self.routes.clone().call(request)
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(HEADERS).max_buf_size(READ_BUFFER);
        let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(stream), service));
        tokio::select! {
            _ = connection.as_mut() => {}
            _ = stopped.changed() => {
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
            }
        }
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
        doors: Throttle::default(),
        places: Throttle::default(),
        visits: Visits::default(),
        ticks: Ticks::default(),
        jobs: Arc::new(Jobs::default()),
        passwords: Passwords::new(),
        second_factor: config.second_factor,
        catalogue: Arc::new(Catalogue::embedded()),
        assets: Assets::new(),
        live: Arc::new(live),
        random,
        report_turn: tokio::sync::Semaphore::new(1),
        keeping: tokio::sync::Semaphore::new(crate::forms::KEEPING),
        flows: Default::default(),
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
