//! One HTTP/1.1 connection over TLS, for the connectors that speak it. No redirect is followed;
//! answers are bounded in size.

use crate::CONNECT_TIMEOUT;
use crate::region::Address;
use crate::tls::RegionTls;
use crate::worker::Ended;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Bytes of an answer that are read.
const MAX_ANSWER: usize = 256 * 1024;
/// Longest wait a region may ask for (`Retry-After`).
const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);

/// A connection. It writes nothing more once it is dropped, not even what was begun.
pub(crate) struct Sender {
    request: SendRequest<Full<Bytes>>,
    connection: JoinHandle<()>,
}

impl Sender {
    /// Whether the other side has closed it.
    pub(crate) fn is_closed(&self) -> bool {
        self.request.is_closed()
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// An answer that says something of what was sent.
pub(crate) enum Said {
    /// 2xx, with its body.
    Yes(Bytes),
    /// 400, 413 or 422: the message itself is refused.
    No(StatusCode),
}

/// Connects and shakes hands; gives the connection and its cipher.
pub(crate) async fn open(address: &Address, tls: &RegionTls) -> Result<(Sender, String), Ended> {
    let opened = timeout(CONNECT_TIMEOUT, connect(address, tls)).await;
    opened.unwrap_or_else(|_| Err(Ended::Down("no answer to the connection".into())))
}

async fn connect(address: &Address, tls: &RegionTls) -> Result<(Sender, String), Ended> {
    let down = |what: &str, error: &dyn std::fmt::Display| Ended::Down(format!("{what}: {error}"));
    let stream = TcpStream::connect((address.host.as_str(), address.port))
        .await
        .map_err(|e| down("cannot connect", &e))?;
    let _ = stream.set_nodelay(true);
    let name = ServerName::try_from(address.host.clone())
        .map_err(|e| down("the address has no valid name", &e))?;
    let stream = TlsConnector::from(tls.config.clone())
        .connect(name, stream)
        .await
        .map_err(|e| down("TLS", &e))?;
    let suite = stream.get_ref().1.negotiated_cipher_suite();
    let cipher = suite.map_or("unknown".into(), |s| format!("{:?}", s.suite()));
    let (request, connection) =
        handshake(TokioIo::new(stream)).await.map_err(|e| down("HTTP", &e))?;
    let connection = tokio::spawn(async {
        // Whoever sends sees how it ended.
        let _ = connection.await;
    });
    Ok((Sender { request, connection }, cipher))
}

/// Sends one request and reads the answer whole. What says nothing of the message is an error.
pub(crate) async fn send(
    sender: &mut Sender,
    request: Request<Full<Bytes>>,
) -> Result<Said, Ended> {
    let broken = |e: hyper::Error| Ended::Down(format!("HTTP: {e}"));
    sender.request.ready().await.map_err(broken)?;
    let response = sender.request.send_request(request).await.map_err(broken)?;
    let status = response.status();
    match status.as_u16() {
        200..=299 => {}
        400 | 413 | 422 => return Ok(Said::No(status)),
        429 | 503 => return Err(Ended::Wait(retry_after(&response))),
        _ => return Err(Ended::Down(format!("the region answered {}", status.as_u16()))),
    }
    let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
    let body = body.map_err(|e| Ended::Down(format!("the answer cannot be read: {e}")))?;
    Ok(Said::Yes(body.to_bytes()))
}

fn retry_after(response: &Response<Incoming>) -> Duration {
    let seconds = response.headers().get(header::RETRY_AFTER);
    let seconds = seconds.and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    Duration::from_secs(seconds.unwrap_or(5)).clamp(Duration::from_secs(1), MAX_RETRY_AFTER)
}
