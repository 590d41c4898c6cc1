//! The region proves itself by its certificate, in the handshake: a chain to the configured
//! authority, the host's name, and the region as a URI name `muster:region:<region>`.
//!
//! A certificate of another region ends the handshake, so no byte of application data reaches it.

use crate::region::{Region, RegionError};
use muster_ledger::TransferPeer;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore,
    SignatureScheme,
};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use x509_parser::extensions::GeneralName;

/// What every region's certificate must carry, before its region's name.
const REGION_URI: &str = "muster:region:";

/// Region names read from one certificate.
const MAX_REGIONS: usize = 16;

/// What was seen of the peer in the last handshake.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// SHA-256 of the certificate, hex.
    pub(crate) certificate: String,
    /// Regions it names.
    pub(crate) regions: Vec<String>,
    /// It is valid, but of another region.
    pub(crate) wrong_region: bool,
}

/// TLS for one destination: the configuration and what its last handshake saw.
pub(crate) struct RegionTls {
    pub(crate) config: Arc<ClientConfig>,
    seen: Arc<Mutex<Option<Seen>>>,
}

impl RegionTls {
    /// TLS that accepts `region`'s address only as `expected` (as `ap-southeast-1`).
    pub(crate) fn new(region: &Region, expected: &str) -> Result<Self, RegionError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let seen = Arc::new(Mutex::new(None));
        let verifier = RegionVerifier {
            chain: chain_verifier(region, &provider)?,
            expected: expected.to_owned(),
            seen: seen.clone(),
        };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match &region.identity {
            Some(own) => builder.with_client_auth_cert(own.chain.clone(), own.key.clone_key())?,
            None => builder.with_no_client_auth(),
        };
        // A resumed session would skip the certificate, and so the proof of region.
        config.resumption = rustls::client::Resumption::disabled();
        Ok(Self { config: Arc::new(config), seen })
    }

    /// Forgets the last handshake.
    pub(crate) fn forget(&self) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// What the last handshake saw.
    pub(crate) fn seen(&self) -> Option<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The last handshake's peer, for the journal.
    pub(crate) fn peer(&self, region: &Region, cipher: &str) -> TransferPeer {
        let seen = self.seen().unwrap_or_default();
        TransferPeer {
            host: region.host_and_port(),
            certificate: seen.certificate,
            regions: seen.regions,
            tls_version: "TLSv1_3".to_owned(),
            cipher: cipher.to_owned(),
        }
    }
}

fn chain_verifier(
    region: &Region,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, RegionError> {
    let mut roots = RootCertStore::empty();
    for root in &region.roots {
        roots.add(root.clone())?;
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|_| RegionError::Pem("ca"))
}

#[derive(Debug)]
struct RegionVerifier {
    chain: Arc<WebPkiServerVerifier>,
    expected: String,
    seen: Arc<Mutex<Option<Seen>>>,
}

/// The certificate is good, and is another region's.
#[derive(Debug, thiserror::Error)]
#[error("the certificate is valid but names region {found:?}, not {expected}")]
struct WrongRegion {
    found: Vec<String>,
    expected: String,
}

impl ServerCertVerifier for RegionVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.chain.verify_server_cert(end_entity, intermediates, server_name, ocsp, now)?;
        let found = regions(end_entity)?;
        let wrong_region = !found.contains(&self.expected);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(Seen {
            certificate: fingerprint(end_entity),
            regions: found.clone(),
            wrong_region,
        });
        if wrong_region {
            let error = WrongRegion { found, expected: self.expected.clone() };
            return Err(CertificateError::Other(OtherError(Arc::new(error))).into());
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

fn regions(certificate: &CertificateDer<'_>) -> Result<Vec<String>, Error> {
    let bad = || Error::InvalidCertificate(CertificateError::BadEncoding);
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).map_err(|_| bad())?;
    let names = parsed.subject_alternative_name().map_err(|_| bad())?;
    let names = names.map(|n| n.value.general_names.as_slice()).unwrap_or_default();
    let uris = names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => uri.strip_prefix(REGION_URI).map(str::to_owned),
        _ => None,
    });
    Ok(uris.take(MAX_REGIONS).collect())
}

fn fingerprint(der: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, der);
    digest.as_ref().iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
