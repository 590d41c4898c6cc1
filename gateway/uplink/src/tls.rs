//! The region proves itself by its certificate, in the handshake: a chain to the configured
//! authority, the host's name, a pinned key where there are pins, and the region as a URI name
//! `muster:region:<region>`. Where only a contract can say where a host is, the last is left out.
//!
//! A certificate of another region or key ends the handshake, so no byte of application data
//! reaches it.

use crate::region::{Address, Region, RegionError};
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
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

/// What every region's certificate must carry, before its region's name.
const REGION_URI: &str = "muster:region:";

/// Region names read from one certificate.
const MAX_REGIONS: usize = 16;
/// Names of hosts read from one certificate.
const MAX_NAMES: usize = 8;

/// What was seen of the peer in the last handshake.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// SHA-256 of the certificate, hex.
    pub(crate) certificate: String,
    /// Regions it names.
    pub(crate) regions: Vec<String>,
    /// Hosts it names, the first few.
    pub(crate) names: Vec<String>,
    /// It is valid, and still not the one that is wanted: why.
    pub(crate) refused: Option<String>,
}

/// What a certificate must prove besides its chain and name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof<'a> {
    /// This region, by a URI name.
    Region(&'a str),
    /// No region: a contract says where the host is.
    Contract,
}

/// TLS for one destination: the configuration and what its last handshake saw.
pub(crate) struct RegionTls {
    pub(crate) config: Arc<ClientConfig>,
    seen: Arc<Mutex<Option<Seen>>>,
}

impl RegionTls {
    /// TLS that accepts `region`'s address only with `proof`.
    pub(crate) fn new(region: &Region, proof: Proof<'_>) -> Result<Self, RegionError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let seen = Arc::new(Mutex::new(None));
        let verifier = RegionVerifier {
            chain: chain_verifier(region, &provider)?,
            expected: match proof {
                Proof::Region(region) => Some(region.to_owned()),
                Proof::Contract => None,
            },
            pins: region.pins.clone(),
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
    pub(crate) fn peer(&self, address: &Address, cipher: &str) -> TransferPeer {
        let seen = self.seen().unwrap_or_default();
        TransferPeer {
            host: address.host_and_port(),
            certificate: seen.certificate,
            regions: seen.regions,
            names: seen.names,
            tls_version: "TLSv1_3".to_owned(),
            cipher: cipher.to_owned(),
            sealed_to: None,
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
    /// The region that the certificate must name, if it must name one.
    expected: Option<String>,
    pins: Vec<[u8; 32]>,
    seen: Arc<Mutex<Option<Seen>>>,
}

/// The certificate is good, and is another's.
#[derive(Debug, thiserror::Error)]
#[error("the certificate is valid, and {0}")]
struct Refused(String);

impl RegionVerifier {
    /// Why a valid certificate is not the one that is wanted.
    fn refusal(&self, certificate: &X509Certificate<'_>, regions: &[String]) -> Option<String> {
        let key = ring::digest::digest(&ring::digest::SHA256, certificate.public_key().raw);
        if !self.pins.is_empty() && !self.pins.iter().any(|pin| pin == key.as_ref()) {
            return Some("its key is none of those pinned".into());
        }
        let expected = self.expected.as_ref()?;
        let named = if regions.is_empty() { "no region".into() } else { regions.join(", ") };
        (!regions.contains(expected)).then(|| format!("it names {named}, the policy {expected}"))
    }
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
        let bad = |_| Error::InvalidCertificate(CertificateError::BadEncoding);
        let (_, parsed) = x509_parser::parse_x509_certificate(end_entity).map_err(bad)?;
        let (regions, names) = names(&parsed)?;
        let refused = self.refusal(&parsed, &regions);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(Seen {
            certificate: fingerprint(end_entity),
            regions,
            names,
            refused: refused.clone(),
        });
        match refused {
            Some(why) => Err(CertificateError::Other(OtherError(Arc::new(Refused(why)))).into()),
            None => Ok(ServerCertVerified::assertion()),
        }
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

/// Regions and hosts that a certificate names.
fn names(certificate: &X509Certificate<'_>) -> Result<(Vec<String>, Vec<String>), Error> {
    let bad = |_| Error::InvalidCertificate(CertificateError::BadEncoding);
    let names = certificate.subject_alternative_name().map_err(bad)?;
    let names = names.map(|n| n.value.general_names.as_slice()).unwrap_or_default();
    let uris = names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => uri.strip_prefix(REGION_URI).map(str::to_owned),
        _ => None,
    });
    let hosts = names.iter().filter_map(|name| match name {
        GeneralName::DNSName(host) => Some((*host).to_owned()),
        GeneralName::IPAddress(bytes) => address(bytes),
        _ => None,
    });
    Ok((uris.take(MAX_REGIONS).collect(), hosts.take(MAX_NAMES).collect()))
}

fn address(bytes: &[u8]) -> Option<String> {
    let four = <[u8; 4]>::try_from(bytes).map(|b| IpAddr::from(b).to_string());
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(|b| IpAddr::from(b).to_string())).ok()
}

fn fingerprint(der: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, der);
    digest.as_ref().iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
