//! Who may come in over TLS: devices with a certificate of the box's authority, judged by the box's
//! clock where that is trusted.
//!
//! A clock that is wrong must not shut terminals out: where it is not trusted, certificates are
//! taken as they were at their beginning, in 1970, and only the table of devices says who is paired.

use muster_ledger::{Clock, ClockTrust};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub(super) struct Clients {
    webpki: Arc<dyn ClientCertVerifier>,
    clock: Clock,
}

impl Clients {
    /// `or_none` lets in who shows no certificate; `None` where the roots cannot be used.
    pub(super) fn new(
        roots: Arc<RootCertStore>,
        provider: Arc<CryptoProvider>,
        clock: Clock,
        or_none: bool,
    ) -> Option<Self> {
        let builder = WebPkiClientVerifier::builder_with_provider(roots, provider);
        let builder = if or_none { builder.allow_unauthenticated() } else { builder };
        Some(Self { webpki: builder.build().ok()?, clock })
    }

    /// The box's time, or the beginning of every certificate where nobody knows it.
    fn now(&self) -> UnixTime {
        let now_ms = match self.clock.trust() {
            ClockTrust::Trusted => u64::try_from(self.clock.now_ms()).unwrap_or_default(),
            ClockTrust::Untrusted => 0,
        };
        UnixTime::since_unix_epoch(Duration::from_millis(now_ms))
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").finish_non_exhaustive()
    }
}

impl ClientCertVerifier for Clients {
    fn client_auth_mandatory(&self) -> bool {
        self.webpki.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.webpki.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.webpki.verify_client_cert(end_entity, intermediates, self.now())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}
