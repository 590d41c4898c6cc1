//! Alarms as JSON to an address of the company's choice: one `POST` an alarm.
//!
//! `{"site","kind","name","cause","cure","at"}`. TLS 1.3, or plain HTTP on loopback; no redirect is
//! followed; any 2xx is taken as heard.

use super::Alarm;
use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper::{Request, Uri, header};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

/// `[alarms.webhook]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Webhook {
    pub(crate) url: String,
    /// Who may vouch for the host.
    pub(crate) ca: Option<PathBuf>,
    /// A file with what goes into `Authorization: Bearer`.
    pub(crate) token_file: Option<PathBuf>,
}

/// A webhook that is read and checked.
pub(super) struct Caller {
    host: String,
    port: u16,
    path: String,
    tls: Option<TlsConnector>,
    token: Option<Zeroizing<String>>,
    site: String,
}

impl Caller {
    pub(super) fn new(webhook: &Webhook, site: &str) -> Result<Self> {
        let uri: Uri = webhook.url.parse().context("[alarms.webhook] url is no address")?;
        let host = uri.host().context("[alarms.webhook] url names no host")?;
        let host = host.trim_matches(['[', ']']).to_owned();
        let encrypted = uri.scheme_str() == Some("https");
        if !encrypted {
            ensure!(
                uri.scheme_str() == Some("http") && is_loopback(&host),
                "[alarms.webhook] url: use https://, or http:// on 127.0.0.1 alone"
            );
        }
        let tls = encrypted.then(|| connector(webhook.ca.as_deref())).transpose()?;
        let token = webhook.token_file.as_deref().map(crate::store::read_secret).transpose()?;
        Ok(Self {
            port: uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 }),
            path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
            host,
            tls,
            token,
            site: site.to_owned(),
        })
    }

    pub(super) async fn call(&self, alarm: &Alarm, at: &str) -> Result<()> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        match &self.tls {
            None => self.post(stream, alarm, at).await,
            Some(tls) => {
                let name = ServerName::try_from(self.host.clone())?;
                self.post(tls.connect(name, stream).await?, alarm, at).await
            }
        }
    }

    async fn post(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        alarm: &Alarm,
        at: &str,
    ) -> Result<()> {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let mut body = serde_json::to_value(alarm)?;
        body["site"] = self.site.clone().into();
        body["at"] = at.into();
        let mut request = Request::post(&self.path)
            .header(header::HOST, format!("{}:{}", self.host, self.port))
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", token.as_str()));
        }
        let request = request.body(Full::new(Bytes::from(serde_json::to_vec(&body)?)))?;
        let answered = sender.send_request(request).await;
        connection.abort();
        let status = answered?.status();
        if !status.is_success() {
            bail!("answered with status {}", status.as_u16());
        }
        Ok(())
    }
}

/// Whether a host is this machine for certain.
pub(crate) fn is_loopback(host: &str) -> bool {
    host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// TLS 1.3 towards whom `ca` vouches for; Debian's public authorities where it names none.
pub(crate) fn connector(ca: Option<&Path>) -> Result<TlsConnector> {
    use rustls::pki_types::pem::PemObject as _;
    let path = ca.unwrap_or(Path::new("/etc/ssl/certs/ca-certificates.crt"));
    let mut roots = rustls::RootCertStore::empty();
    let certificates = rustls::pki_types::CertificateDer::pem_file_iter(path)
        .with_context(|| format!("cannot read {}; name a file with authorities", path.display()))?;
    for certificate in certificates {
        roots.add(certificate.with_context(|| path.display().to_string())?)?;
    }
    ensure!(!roots.is_empty(), "{} holds no authority", path.display());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
