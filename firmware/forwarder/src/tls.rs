//! TLS 1.3 to whoever takes what waits: our certificate shown, theirs checked.

use crate::sender::{Login, StartError};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::sync::Arc;

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
    let verifier: Arc<dyn ServerCertVerifier> = match &login.certificate_name {
        None => webpki,
        Some(name) => {
            let name = ServerName::try_from(name.clone()).map_err(bad)?;
            Arc::new(Named { name, webpki, provider: provider.clone() })
        }
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(bad)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_auth_cert(certificates(&login.certificate_pem)?, private_key(&login.key_pem)?)
        .map_err(bad)?;
    Ok(Arc::new(config))
}

/// Checks a certificate as usual, but for this name in place of the host's.
#[derive(Debug)]
struct Named {
    name: ServerName<'static>,
    webpki: Arc<WebPkiServerVerifier>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _host: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.webpki.verify_server_cert(end_entity, intermediates, &self.name, ocsp, now)
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
