//! TLS 1.3 to whoever takes what waits: our certificate shown, theirs checked.

use crate::sender::{Login, StartError};
use muster_proto::pairing::{BOX_NAME, PIN};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use std::time::Duration;

fn bad(what: impl std::fmt::Display) -> StartError {
    StartError::Credentials(what.to_string())
}

/// Certificates in PEM.
pub fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, StartError> {
    CertificateDer::pem_slice_iter(pem).map(|found| found.map_err(bad)).collect()
}

/// A private key in PEM.
pub fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, StartError> {
    PrivateKeyDer::from_pem_slice(pem).map_err(bad)
}

/// The authorities that PEM holds.
pub fn roots(pem: &[u8]) -> Result<Arc<RootCertStore>, StartError> {
    let mut roots = RootCertStore::empty();
    for root in certificates(pem)? {
        roots.add(root).map_err(bad)?;
    }
    Ok(Arc::new(roots))
}

pub(crate) fn client(login: &Login) -> Result<Arc<ClientConfig>, StartError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = roots(&login.ca_pem)?;
    let webpki = WebPkiServerVerifier::builder_with_provider(roots, provider.clone());
    let webpki = webpki.build().map_err(bad)?;
    let name = login.certificate_name.as_deref().unwrap_or(BOX_NAME);
    let name = ServerName::try_from(name.to_owned()).map_err(bad)?;
    let or_host = login.certificate_name.is_none();
    let verifier = Arc::new(Named { name, or_host, webpki, provider: provider.clone() });
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(bad)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_auth_cert(certificates(&login.certificate_pem)?, private_key(&login.key_pem)?)
        .map_err(bad)?;
    Ok(Arc::new(config))
}

/// For a device that has no certificate yet: the box is whoever shows an authority whose
/// fingerprint begins so, and a certificate of that for [`BOX_NAME`].
pub(crate) fn pinned(pin: [u8; PIN]) -> Result<ClientConfig, StartError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Arc::new(Pinned { pin, provider: provider.clone() });
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(bad)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(config)
}

#[derive(Debug)]
struct Pinned {
    pin: [u8; PIN],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _host: &ServerName<'_>,
        ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let is_pinned = |der: &&CertificateDer<'_>| Sha256::digest(der).starts_with(&self.pin);
        let unknown = || rustls::Error::General("another fingerprint".to_owned());
        let root = intermediates.iter().find(is_pinned).ok_or_else(unknown)?;
        let mut roots = RootCertStore::empty();
        roots.add(root.clone().into_owned())?;
        let webpki =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), self.provider.clone());
        let name = ServerName::try_from(BOX_NAME).map_err(|_| unknown())?;
        let webpki = webpki.build().map_err(|_| unknown())?;
        webpki.verify_server_cert(end_entity, &[], &name, ocsp, BEGINNING)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// When every certificate of a box's authority begins, and what a device takes for now: after a
/// power cut its clock may show anything. Who is shut out is the box's word, not the date's.
const BEGINNING: UnixTime = UnixTime::since_unix_epoch(Duration::ZERO);

/// Checks a certificate as usual, but for this name in place of the host's, or beside it.
#[derive(Debug)]
struct Named {
    name: ServerName<'static>,
    or_host: bool,
    webpki: Arc<WebPkiServerVerifier>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let check =
            |name| self.webpki.verify_server_cert(end_entity, intermediates, name, ocsp, BEGINNING);
        match check(&self.name) {
            Err(_) if self.or_host => check(host),
            checked => checked,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.webpki.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.webpki.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
