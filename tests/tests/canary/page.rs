//! The page as the first administrator sees it: logs in by the one-time code and follows every
//! link.

use anyhow::{Context as _, Result, ensure};
use muster_tests::authenticator::Authenticator;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// Pages that are followed.
const MAX_PAGES: usize = 200;
/// Pages that differ in numbers only, as one for each day does.
const MAX_ALIKE: usize = 12;
/// A page that sends no more for so long is taken as it is: the live one never ends.
const SILENCE: Duration = Duration::from_secs(2);
/// The first administrator's password, once chosen.
const PASSWORD: &str = "correct horse battery staple";
/// What belongs to the first administrator's roles and may not be linked from where they land.
const PAGES: [&str; 12] = [
    "/today",
    "/today/live",
    "/terminals",
    "/waiting",
    "/health",
    "/reports",
    "/account",
    "/accounts",
    "/api/v1/today",
    "/api/v1/held",
    "/api/v1/devices",
    "/api/v1/status",
];

/// A browser that is logged in.
pub(crate) struct Page {
    address: SocketAddr,
    cookies: BTreeMap<String, String>,
    tls: Arc<ClientConfig>,
    app: Option<Authenticator>,
}

impl Page {
    /// Logs in by the one-time code, chooses a password and enrols an authenticator app.
    pub(crate) fn enter(address: SocketAddr, code: &str) -> Result<Self> {
        let mut page = Self::log_in(address, code)?;
        let csrf = page.csrf("/welcome").context("the one-time code does not log in")?;
        let fields = [("csrf", csrf.as_str()), ("password", PASSWORD), ("again", PASSWORD)];
        page.post("/welcome", &fields)?;
        let answer = page.ask("GET /welcome/factor HTTP/1.1", "")?;
        let app = Authenticator::from_page(&String::from_utf8_lossy(&answer))?;
        page.second_factor("/welcome/factor", &app.code(0)?)?;
        page.app = Some(app);
        Ok(page)
    }

    /// Logs in by the password that was chosen and the app of `before`: sessions do not outlive
    /// the gateway.
    pub(crate) fn enter_again(address: SocketAddr, before: &Self) -> Result<Self> {
        let mut page = Self::log_in(address, PASSWORD)?;
        let app = before.app.as_ref().context("no authenticator app")?;
        page.second_factor("/login/code", &app.code(1)?)?;
        Ok(page)
    }

    fn second_factor(&mut self, path: &str, code: &str) -> Result<()> {
        let csrf = self.csrf(path)?;
        self.post(path, &[("csrf", &csrf), ("code", code)]).map(drop)
    }

    fn log_in(address: SocketAddr, password: &str) -> Result<Self> {
        let mut page = Self { address, cookies: BTreeMap::new(), tls: Arc::new(tls()?), app: None };
        let csrf = page.csrf("/login")?;
        page.post("/login", &[("csrf", &csrf), ("name", "admin"), ("password", password)])?;
        Ok(page)
    }

    /// Everything that can be reached by links, each answer with its head.
    pub(crate) fn all(&mut self) -> Result<Vec<(String, Vec<u8>)>> {
        let mut to_see: VecDeque<String> = PAGES.iter().map(|path| (*path).to_owned()).collect();
        let mut known: BTreeSet<_> = to_see.iter().cloned().collect();
        let (mut alike, mut seen) = (BTreeMap::<_, usize>::new(), Vec::new());
        while let Some(path) = to_see.pop_front().filter(|_| seen.len() < MAX_PAGES) {
            let shape = alike.entry(path.replace(|c: char| c.is_ascii_digit(), "")).or_default();
            *shape += 1;
            if *shape > MAX_ALIKE {
                continue;
            }
            let answer = self.ask(&format!("GET {path} HTTP/1.1"), "")?;
            to_see.extend(links(&answer).filter(|link| known.insert(link.clone())));
            seen.push((format!("page {path}"), answer));
        }
        let well = |(_, answer): &&(String, Vec<u8>)| answer.starts_with(b"HTTP/1.1 200");
        ensure!(seen.iter().filter(well).count() > 4, "the pages do not show");
        Ok(seen)
    }

    /// Posts a form, and gives the answer with its head.
    pub(crate) fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<Vec<u8>> {
        let pairs: Vec<_> = fields.iter().map(|(n, v)| format!("{n}={}", escaped(v))).collect();
        let body = pairs.join("&");
        let head = format!(
            "POST {path} HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\nOrigin: https://{}",
            body.len(),
            self.address
        );
        self.ask(&head, &body)
    }

    fn csrf(&mut self, path: &str) -> Result<String> {
        let answer = self.ask(&format!("GET {path} HTTP/1.1"), "")?;
        let text = String::from_utf8_lossy(&answer);
        let after = text.split("name=\"csrf\" value=\"").nth(1).context("there is no form")?;
        Ok(after.split('"').next().unwrap_or_default().to_owned())
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

/// Where a page's links and its own requests go; never out of the door.
fn links(answer: &[u8]) -> impl Iterator<Item = String> {
    let text = String::from_utf8_lossy(answer).into_owned();
    let mut found = Vec::new();
    for attribute in ["href=\"", "src=\"", "hx-get=\"", "sse-connect=\""] {
        let values = text.split(attribute).skip(1).filter_map(|rest| rest.split('"').next());
        found.extend(values.filter(|to| to.starts_with('/')).map(|to| to.replace("&amp;", "&")));
    }
    found.into_iter().filter(|path| !path.starts_with("/logout"))
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
