//! The page as a program sees it: logs in, keeps its cookies, follows no redirect.

use crate::authenticator::Authenticator;
use anyhow::{Context as _, Result, ensure};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// A page that sends no more for so long is taken as it is: the live one never ends.
const SILENCE: Duration = Duration::from_secs(2);
/// Bytes of an answer's head.
const MAX_HEAD: usize = 64 * 1024;
/// Everybody's password, once chosen.
const PASSWORD: &str = "correct horse battery staple";
/// A browser that is logged in.
pub struct Page {
    address: SocketAddr,
    cookies: BTreeMap<String, String>,
    tls: Arc<ClientConfig>,
    app: Option<Authenticator>,
}

impl Page {
    /// The first administrator: logs in by the one-time code, chooses a password and enrols an
    /// authenticator app.
    pub fn enter(address: SocketAddr, code: &str) -> Result<Self> {
        Self::enter_as(address, "admin", code)
    }

    /// The same of an account.
    pub fn enter_as(address: SocketAddr, name: &str, code: &str) -> Result<Self> {
        let mut page = Self::log_in(address, name, code)?;
        let csrf = page.csrf("/welcome").context("the one-time code does not log in")?;
        let fields = [("csrf", csrf.as_str()), ("password", PASSWORD), ("again", PASSWORD)];
        page.post("/welcome", &fields)?;
        let answer = page.get("/welcome/factor")?;
        let app = Authenticator::from_page(&String::from_utf8_lossy(&answer))?;
        page.second_factor("/welcome/factor", &app.code(0)?)?;
        page.app = Some(app);
        Ok(page)
    }

    /// Logs in by the password that was chosen and the app of `before`: sessions do not outlive
    /// the gateway.
    pub fn enter_again(address: SocketAddr, before: &Self) -> Result<Self> {
        let mut page = Self::log_in(address, "admin", PASSWORD)?;
        let app = before.app.as_ref().context("no authenticator app")?;
        page.second_factor("/login/code", &app.code(1)?)?;
        Ok(page)
    }

    /// What the authenticator app shows `steps` half minutes from now.
    pub fn code(&self, steps: u64) -> Result<String> {
        self.app.as_ref().context("no authenticator app")?.code(steps)
    }

    fn second_factor(&mut self, path: &str, code: &str) -> Result<()> {
        let csrf = self.csrf(path)?;
        self.post(path, &[("csrf", &csrf), ("code", code)]).map(drop)
    }

    fn log_in(address: SocketAddr, name: &str, password: &str) -> Result<Self> {
        let mut page = Self { address, cookies: BTreeMap::new(), tls: Arc::new(tls()?), app: None };
        let csrf = page.csrf("/login")?;
        page.post("/login", &[("csrf", &csrf), ("name", name), ("password", password)])?;
        Ok(page)
    }

    /// Posts a form, and gives the answer with its head.
    pub fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<Vec<u8>> {
        let (head, body) = form(self.address, path, fields);
        self.ask(&head, &body)
    }

    /// Gets a page, and gives the answer with its head.
    pub fn get(&mut self, path: &str) -> Result<Vec<u8>> {
        self.ask(&format!("GET {path} HTTP/1.1"), "")
    }

    /// The token of a page's forms.
    pub fn csrf(&mut self, path: &str) -> Result<String> {
        let answer = self.get(path)?;
        let text = String::from_utf8_lossy(&answer);
        let after = text.split("name=\"csrf\" value=\"").nth(1).context("there is no form")?;
        Ok(after.split('"').next().unwrap_or_default().to_owned())
    }

    /// A connection that stays open, with what it is logged in by.
    pub fn connect(&self) -> Result<Connection> {
        let tcp = TcpStream::connect(self.address)?;
        tcp.set_nodelay(true)?;
        let name = ServerName::from(self.address.ip());
        let stream = StreamOwned::new(ClientConnection::new(self.tls.clone(), name)?, tcp);
        let cookies: Vec<_> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
        Ok(Connection { stream, address: self.address, cookies: cookies.join("; ") })
    }

    fn ask(&mut self, head: &str, body: &str) -> Result<Vec<u8>> {
        let tcp = TcpStream::connect(self.address)?;
        tcp.set_read_timeout(Some(SILENCE))?;
        let name = ServerName::from(self.address.ip());
        let mut stream = StreamOwned::new(ClientConnection::new(self.tls.clone(), name)?, tcp);
        let cookies: Vec<_> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let cookies = cookies.join("; ");
        write!(
            stream,
            "{head}\r\nHost: {}\r\nCookie: {cookies}\r\nConnection: close\r\n\r\n{body}",
            self.address
        )?;
        let mut answer = Vec::new();
        // Silence, or a close without goodbye: what came is what is looked at.
        let _ = stream.read_to_end(&mut answer);
        ensure!(!answer.is_empty(), "no answer to {head}");
        self.keep_cookies(&answer);
        Ok(answer)
    }

    fn keep_cookies(&mut self, answer: &[u8]) {
        let text = String::from_utf8_lossy(answer);
        let head = text.split("\r\n\r\n").next().unwrap_or_default();
        for line in head.lines() {
            let Some((name, value)) = line.split_once(": ") else { continue };
            let pair = value.split(';').next().unwrap_or_default().split_once('=');
            if let Some((cookie, value)) = pair.filter(|_| name.eq_ignore_ascii_case("set-cookie"))
            {
                self.cookies.insert(cookie.to_owned(), value.to_owned());
            }
        }
    }
}

/// A form's request line with its headers, and its body.
fn form(address: SocketAddr, path: &str, fields: &[(&str, &str)]) -> (String, String) {
    let pairs: Vec<_> = fields.iter().map(|(n, v)| format!("{n}={}", escaped(v))).collect();
    let body = pairs.join("&");
    let head = format!(
        "POST {path} HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\nOrigin: https://{address}",
        body.len(),
    );
    (head, body)
}

/// A connection that stays open.
pub struct Connection {
    stream: StreamOwned<ClientConnection, TcpStream>,
    address: SocketAddr,
    cookies: String,
}

impl Connection {
    /// Gets a page: its status and its body.
    pub fn get(&mut self, path: &str) -> Result<(u16, Vec<u8>)> {
        self.send(&format!("GET {path} HTTP/1.1"), "")?;
        self.answer()
    }

    /// Posts a form.
    pub fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<(u16, Vec<u8>)> {
        let (head, body) = form(self.address, path, fields);
        self.send(&head, &body)?;
        self.answer()
    }

    /// Asks for what never ends, and reads the head of the answer.
    pub fn begin(&mut self, path: &str) -> Result<()> {
        self.send(&format!("GET {path} HTTP/1.1"), "")?;
        let (status, _) = self.head()?;
        ensure!(status == 200, "{path}: {status}");
        Ok(())
    }

    /// Its socket, for whoever ends it while another reads.
    pub fn socket(&self) -> Result<TcpStream> {
        Ok(self.stream.sock.try_clone()?)
    }

    /// Takes whatever comes, until the other end closes.
    pub fn drain(mut self) {
        // How it ends is not what is asked here.
        let _ = std::io::copy(&mut self.stream, &mut std::io::sink());
    }

    fn send(&mut self, head: &str, body: &str) -> Result<()> {
        let (address, cookies) = (self.address, &self.cookies);
        let text = format!("{head}\r\nHost: {address}\r\nCookie: {cookies}\r\n\r\n{body}");
        self.stream.write_all(text.as_bytes())?;
        Ok(self.stream.flush()?)
    }

    fn answer(&mut self) -> Result<(u16, Vec<u8>)> {
        let (status, head) = self.head()?;
        let head = head.to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        let mut body = Vec::new();
        if let Some(length) = length {
            body.resize(length.trim().parse()?, 0);
            self.stream.read_exact(&mut body)?;
            return Ok((status, body));
        }
        ensure!(head.contains("transfer-encoding: chunked"), "an answer without an end");
        loop {
            let line = self.until(b"\r\n")?;
            let length = usize::from_str_radix(String::from_utf8_lossy(&line).trim(), 16)?;
            let from = body.len();
            body.resize(from + length, 0);
            self.stream.read_exact(body.get_mut(from..).unwrap_or_default())?;
            self.until(b"\r\n")?;
            if length == 0 {
                return Ok((status, body));
            }
        }
    }

    fn head(&mut self) -> Result<(u16, String)> {
        let head = String::from_utf8(self.until(b"\r\n\r\n")?)?;
        let status = head.split(' ').nth(1).context("no status")?.parse()?;
        Ok((status, head))
    }

    /// Reads up to and with `end`.
    fn until(&mut self, end: &[u8]) -> Result<Vec<u8>> {
        let (mut read, mut byte) = (Vec::new(), [0]);
        while !read.ends_with(end) {
            ensure!(read.len() < MAX_HEAD, "a head without an end");
            self.stream.read_exact(&mut byte)?;
            read.extend(byte);
        }
        Ok(read)
    }
}

fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b if b.is_ascii_alphanumeric() => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    };
    text.bytes().map(escape).collect()
}

/// Any certificate will do: who is at the other end is not what is tested here.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

fn tls() -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(rustls::DEFAULT_VERSIONS)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        .with_no_client_auth();
    Ok(config)
}

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
