//! `/healthz` and `/metrics`: a small HTTP server for monitors, on loopback, without login.
//! Nothing personal; bounded connections and time.

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Serialize;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

/// Monitors at once.
const MAX_CONNECTIONS: usize = 32;
/// A connection lives this long at most.
const CONNECTION_TIME: Duration = Duration::from_secs(30);
const HEADER_TIME: Duration = Duration::from_secs(5);

/// One check of `/healthz`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    pub(crate) name: String,
    pub(crate) status: muster_ledger::Health,
    /// Milliseconds since 1970 since when it stands so.
    #[serde(serialize_with = "rfc3339")]
    pub(crate) since: i64,
    pub(crate) cause: Option<String>,
    pub(crate) cure: Option<String>,
}

/// The answer of `/healthz`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct HealthReport {
    /// The worst of the checks.
    pub(crate) status: muster_ledger::Health,
    pub(crate) checks: Vec<Check>,
    /// Whether punches can be receipted: 200, else 503.
    #[serde(skip)]
    pub(crate) receipting: bool,
}

fn rfc3339<S: serde::Serializer>(ms: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    let at = jiff::Timestamp::from_millisecond(*ms).unwrap_or_default();
    serializer.collect_str(&at)
}

/// Where the answers come from.
pub(crate) type Source = Arc<dyn Fn() -> HealthReport + Send + Sync>;

/// Serves until `shutdown` turns true.
pub(crate) async fn serve(
    listen: SocketAddr,
    source: Source,
    metrics: PrometheusHandle,
    mut shutdown: watch::Receiver<bool>,
) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(listen).await?;
    let bound = listener.local_addr()?;
    tokio::spawn(async move {
        tokio::select! {
            () = accept(listener, source, metrics) => {}
            _ = shutdown.wait_for(|stop| *stop) => {}
        }
    });
    Ok(bound)
}

async fn accept(listener: TcpListener, source: Source, metrics: PrometheusHandle) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (source, metrics) = (source.clone(), metrics.clone());
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let response = answer(&request, &source, &metrics);
                async { Ok::<_, Infallible>(response) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIME)
                .serve_connection(TokioIo::new(stream), service);
            let _ = timeout(CONNECTION_TIME, connection).await;
            drop(place);
        });
    }
}

fn answer(
    request: &Request<Incoming>,
    source: &Source,
    metrics: &PrometheusHandle,
) -> Response<Full<Bytes>> {
    let text = "text/plain; version=0.0.4; charset=utf-8";
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let (status, kind, body) = match request.uri().path() {
        "/healthz" | "/metrics" if !reads => {
            (StatusCode::METHOD_NOT_ALLOWED, "text/plain", b"GET or HEAD\n".to_vec())
        }
        "/healthz" => {
            let report = source();
            let status = match report.receipting {
                true => StatusCode::OK,
                false => StatusCode::SERVICE_UNAVAILABLE,
            };
            let body = serde_json::to_vec(&report).unwrap_or_default();
            (status, "application/json", body)
        }
        "/metrics" => (StatusCode::OK, text, metrics.render().into_bytes()),
        _ => (StatusCode::NOT_FOUND, "text/plain", b"/healthz or /metrics\n".to_vec()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, header::HeaderValue::from_static("GET, HEAD"));
    }
    response
}
