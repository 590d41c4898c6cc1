//! A browser as far as these tests need one: TLS, one request a connection, cookies, forms.

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// No answer takes longer in these tests.
const PATIENCE: Duration = Duration::from_secs(30);

/// One answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    fn parse(raw: &[u8]) -> Self {
        let text = String::from_utf8_lossy(raw).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status");
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").expect("a header");
            (name.to_ascii_lowercase(), value.to_owned())
        };
        Self {
            status: status.parse().expect("a number"),
            headers: lines.map(header).collect(),
            body: body.to_owned(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(n, _)| n == name);
        found.map_or("", |(_, value)| value)
    }

    /// The form token in the page.
    pub(crate) fn csrf(&self) -> String {
        let after = self.body.split("name=\"csrf\" value=\"").nth(1).expect("a form");
        after.split('"').next().unwrap_or_default().to_owned()
    }
}

/// A browser with its cookies.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) address: SocketAddr,
    pub(crate) host: String,
    pub(crate) cookies: BTreeMap<String, String>,
    tls: Arc<ClientConfig>,
}

impl Browser {
    pub(crate) fn new(address: SocketAddr, certificate: CertificateDer<'static>) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(certificate).expect("a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(rustls::DEFAULT_VERSIONS)
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let host = format!("localhost:{}", address.port());
        Self { address, host, cookies: BTreeMap::new(), tls: Arc::new(tls) }
    }

    pub(crate) async fn connect(&self) -> TlsStream<TcpStream> {
        let tcp = TcpStream::connect(self.address).await.expect("a connection");
        let name = ServerName::try_from("localhost").expect("a name");
        let connector = TlsConnector::from(self.tls.clone());
        connector.connect(name, tcp).await.expect("a handshake")
    }

    /// Sends a request head with this browser's cookies.
    pub(crate) async fn open(&self, head: &str, body: &str) -> TlsStream<TcpStream> {
        let mut stream = self.connect().await;
        let mut text = format!("{head}\r\nHost: {}\r\n", self.host);
        if !self.cookies.is_empty() {
            let pairs: Vec<_> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
            let _ = write!(text, "Cookie: {}\r\n", pairs.join("; "));
        }
        text += "\r\n";
        text += body;
        stream.write_all(text.as_bytes()).await.expect("a write");
        stream
    }

    /// Sends any request.
    pub(crate) async fn ask(&mut self, head: &str, body: &str) -> Answer {
        self.ask_bytes(head, body.as_bytes()).await
    }

    async fn ask_bytes(&mut self, head: &str, body: &[u8]) -> Answer {
        let mut stream = self.open(&format!("{head}\r\nConnection: close"), "").await;
        // What is too large is answered before it has all arrived.
        let _ = stream.write_all(body).await;
        let mut raw = Vec::new();
        let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut raw)).await;
        assert!(read.is_ok() && !raw.is_empty(), "no answer to {head}");
        let answer = Answer::parse(&raw);
        for (_, line) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (pair, attributes) = line.split_once("; ").expect("attributes");
            let (name, value) = pair.split_once('=').expect("a pair");
            for needed in ["Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
                assert!(attributes.contains(needed), "{line}");
            }
            assert!(name.starts_with("__Host-"), "{line}");
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.ask(&format!("GET {path} HTTP/1.1"), "").await
    }

    /// Bytes of an answer's body on the wire, for a browser that takes gzip.
    pub(crate) async fn weigh(&mut self, path: &str) -> usize {
        let head = format!("GET {path} HTTP/1.1\r\nAccept-Encoding: gzip, br");
        let answer = self.ask(&head, "").await;
        assert_eq!(answer.status, 200, "{path}");
        answer.header("content-length").parse().expect("a length")
    }

    /// Posts a form as the page at hand would.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let origin = format!("https://{}", self.host);
        self.post_from(path, fields, Some(&origin)).await
    }

    /// Posts a form from anywhere.
    pub(crate) async fn post_from(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        origin: Option<&str>,
    ) -> Answer {
        let pairs: Vec<_> = fields.iter().map(|(n, v)| format!("{n}={}", escaped(v))).collect();
        let body = pairs.join("&");
        let mut head = format!(
            "POST {path} HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}",
            body.len()
        );
        if let Some(origin) = origin {
            let _ = write!(head, "\r\nOrigin: {origin}");
        }
        self.ask(&head, &body).await
    }

    /// Posts a form with a file, as the page at hand would.
    pub(crate) async fn upload(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        file: &[u8],
    ) -> Answer {
        let mut body = String::new();
        for (name, value) in fields {
            let _ = write!(
                body,
                "--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
        }
        let _ = write!(
            body,
            "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"plan.csv\"\r\n\r\n"
        );
        let mut bytes = body.into_bytes();
        bytes.extend_from_slice(file);
        bytes.extend_from_slice(b"\r\n--edge--\r\n");
        let head = format!(
            "POST {path} HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=edge\r\n\
             Content-Length: {}\r\nOrigin: https://{}",
            bytes.len(),
            self.host
        );
        self.ask_bytes(&head, &bytes).await
    }

    /// Logs in and gives the answer.
    pub(crate) async fn log_in(&mut self, name: &str, password: &str) -> Answer {
        let csrf = self.get("/login").await.csrf();
        let fields = [("csrf", csrf.as_str()), ("name", name), ("password", password)];
        self.post("/login", &fields).await
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
