//! Who vouches for regions: an authority, and the certificates that it gives their servers, good
//! ones and each kind of bad one.

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    SanType, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::Arc;

/// An authority with a key of its own.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// Whose certificate is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Server<'a> {
    /// Host name.
    pub host: &'a str,
    /// Region that it names, as `ap-southeast-1`.
    pub region: Option<&'a str>,
    /// First and last year of its validity.
    pub years: (i32, i32),
}

impl<'a> Server<'a> {
    /// A good server of `region` on this machine.
    pub fn of(region: &'a str) -> Self {
        Self { host: "localhost", region: Some(region), years: (2020, 2090) }
    }
}

/// A certificate with its key, both PEM.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// Its key, PKCS #8.
    pub key: String,
}

impl Authority {
    /// A new authority.
    pub fn new() -> Result<Self> {
        let mut params = CertificateParams::new(Vec::<String>::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), pem })
    }

    /// Its certificate, PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A server's identity.
    pub fn issue(&self, server: &Server<'_>) -> Result<Identity> {
        let mut params = named(server.host)?;
        if let Some(region) = server.region {
            let name = format!("muster:region:{region}").try_into()?;
            params.subject_alt_names.push(SanType::URI(name));
        }
        params.not_before = date_time_ymd(server.years.0, 1, 1);
        params.not_after = date_time_ymd(server.years.1, 1, 1);
        self.sign(params)
    }

    /// A client's identity.
    pub fn client(&self, name: &str) -> Result<Identity> {
        let mut params = named(name)?;
        params.extended_key_usages.push(ExtendedKeyUsagePurpose::ClientAuth);
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> Result<Identity> {
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?.pem();
        Ok(Identity { certificate, key: key.serialize_pem() })
    }
}

/// A certificate's name, which must not be its issuer's: OpenSSL would take it for self-signed.
fn named(name: &str) -> Result<CertificateParams> {
    let mut params = CertificateParams::new([name.to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}

impl Identity {
    /// A server's TLS 1.3.
    pub fn tls13(&self) -> Result<Arc<ServerConfig>> {
        let certificate = CertificateDer::from_pem_slice(self.certificate.as_bytes())?;
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)?;
        Ok(Arc::new(config))
    }
}
