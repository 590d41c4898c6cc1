//! The box's own certificate authority: who a device is on TLS, and the secret it seals under.
//!
//! Made once, at set-up; its key stays in the keyring. A device's name is its certificate's common
//! name. Revocation is the device table's word, checked on every connection and message, not a
//! list of certificates.

use muster_attendance::DeviceId;
use muster_ledger::{Clock, ClockTrust, DeviceKind, Devices, DevicesError, Keyring, KeyringError};
use muster_proto::pairing::{ALPN, BOX_NAME};
use muster_proto::seal::CENTRE_DOMAIN;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateSigningRequestParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PublicKeyData,
};
use ring::rand::{SecureRandom, SystemRandom};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

mod clients;

use clients::Clients;

/// Name of the authority's file in the keyring: certificate, then key, in PEM.
const PURPOSE: &str = "device-ca";
const KEY_MARK: &str = "-----BEGIN PRIVATE KEY-----";

/// No certificate begins later than a clock that restarts in 1970.
const NOT_BEFORE: (i32, u8, u8) = (1970, 1, 1);
/// RFC 5280, section 4.1.2.5: the date for certificates without an end. The box's own have none,
/// nor have those that are handed over as files or to a terminal behind a C1, which cannot renew
/// them: a lost device is revoked in the table of devices.
const NOT_AFTER: (i32, u8, u8) = (9999, 12, 31);
/// How long the certificate of a device holds that renews it by itself.
pub const LIFETIME: Duration = Duration::from_secs(730 * 86_400);
/// It is renewed once no more than this is left: a device may lie without power for a year.
pub const RENEWED_BEFORE: Duration = Duration::from_secs(365 * 86_400);

/// Why the authority cannot do it.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// Its key cannot be kept or read.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// What the keyring holds is not an authority.
    #[error("the keyring's device authority cannot be read; restore the keyring from a backup")]
    Damaged,
    /// A certificate cannot be made.
    #[error("a certificate cannot be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// TLS refuses the certificates.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The table of devices refuses.
    #[error(transparent)]
    Devices(#[from] DevicesError),
    /// The C1 named as carrier is not there.
    #[error("there is no C1 named {0}; pair it first")]
    Carrier(String),
    /// The name does not fit messages and topics.
    #[error("a device name has 1 to 64 characters and none of / + # or control characters")]
    Name,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
    /// What a device sent is no request that it could have signed.
    #[error("what the device sent is no certificate request of its own key")]
    Request,
}

/// What a device is to be.
#[derive(Clone, Debug)]
pub struct Pairing {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: DeviceKind,
    /// The C1 that may speak for it.
    pub carrier: Option<String>,
    /// Its address on a serial line.
    pub address: Option<u8>,
}

/// What a device gets, once. Secret parts are wiped when dropped.
pub struct Credentials {
    /// Its name.
    pub name: String,
    /// The authority that vouches for the box and for it, PEM.
    pub ca_pem: String,
    /// Its certificate, PEM.
    pub certificate_pem: String,
    /// Its key, PEM.
    pub key_pem: Zeroizing<String>,
    /// The secret it seals its messages under: 32 bytes in hex.
    pub secret_hex: Zeroizing<String>,
}

/// The authority, opened.
pub struct Authority {
    ca_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Opens the authority in the keyring, making it on first use.
    pub fn open(keyring: &Keyring) -> Result<Self, AuthorityError> {
        let Some(kept) = keyring.sealed_file(PURPOSE)? else { return Self::make(keyring) };
        let kept = Zeroizing::new(String::from_utf8(kept).map_err(|_| AuthorityError::Damaged)?);
        let at = kept.find(KEY_MARK).ok_or(AuthorityError::Damaged)?;
        let (ca, key) = kept.split_at(at);
        let key = KeyPair::from_pem(key).map_err(|_| AuthorityError::Damaged)?;
        let issuer = Issuer::from_ca_cert_pem(ca, key).map_err(|_| AuthorityError::Damaged)?;
        Ok(Self { ca_pem: ca.to_owned(), issuer })
    }

    fn make(keyring: &Keyring) -> Result<Self, AuthorityError> {
        let mut params = lasting(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, "Muster devices");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let ca_pem = params.self_signed(&key)?.pem();
        let both = Zeroizing::new(format!("{ca_pem}{}", *Zeroizing::new(key.serialize_pem())));
        keyring.put_sealed_file(PURPOSE, both.as_bytes())?;
        Ok(Self { ca_pem, issuer: Issuer::new(params, key) })
    }

    /// The authority's certificate, PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// SHA-256 of the authority's certificate in DER.
    pub fn fingerprint(&self) -> Result<[u8; 32], AuthorityError> {
        let root = CertificateDer::from_pem_slice(self.ca_pem.as_bytes());
        let root = root.map_err(|_| AuthorityError::Damaged)?;
        let digest = ring::digest::digest(&ring::digest::SHA256, &root);
        digest.as_ref().try_into().map_err(|_| AuthorityError::Damaged)
    }

    /// Pairs a device: key, certificate and secret made, secret in the keyring, device in the
    /// table.
    pub async fn pair(
        &self,
        devices: &Devices,
        keyring: &Keyring,
        pairing: Pairing,
    ) -> Result<Credentials, AuthorityError> {
        let key = KeyPair::generate()?;
        let name = pairing.name.clone();
        let lasts = Lasts::ForEver;
        let certified = self.certify(devices, keyring, pairing, &key, lasts).await?;
        Ok(Credentials {
            name,
            ca_pem: self.ca_pem.clone(),
            certificate_pem: certified.certificate_pem,
            key_pem: Zeroizing::new(key.serialize_pem()),
            secret_hex: certified.secret_hex,
        })
    }

    /// The same for a device that made its key itself.
    pub(crate) async fn certify(
        &self,
        devices: &Devices,
        keyring: &Keyring,
        pairing: Pairing,
        key: &impl PublicKeyData,
        lasts: Lasts,
    ) -> Result<Certified, AuthorityError> {
        let Pairing { name, kind, carrier, address } = pairing;
        muster_proto::seal::check_name(&name).map_err(|_| AuthorityError::Name)?;
        let carrier = carrier.map(|name| carrier_id(devices, name)).transpose()?;
        let certificate = self.signed(&name, kind, key, lasts)?;
        let mut secret = Zeroizing::new([0; 32]);
        SystemRandom::new().fill(secret.as_mut()).map_err(|_| AuthorityError::Random)?;
        let fingerprint = Some(digest(certificate.der()));
        let id = devices.pair(&name, kind, carrier, address, fingerprint).await?;
        keyring.put_device_secret(id, *secret).await?;
        let secret_hex = Zeroizing::new(hex(secret.as_ref()));
        Ok(Certified { certificate_pem: certificate.pem(), secret_hex })
    }

    /// A certificate of this authority for a device's key.
    pub(crate) fn signed(
        &self,
        name: &str,
        kind: DeviceKind,
        key: &impl PublicKeyData,
        lasts: Lasts,
    ) -> Result<Certificate, AuthorityError> {
        let mut params = device_params(name, kind)?;
        if let Lasts::Until(end) = lasts {
            let (year, month, day) = NOT_BEFORE;
            params.not_after = rcgen::date_time_ymd(year, month, day) + end;
        }
        Ok(params.signed_by(key, &self.issuer)?)
    }

    /// TLS 1.3 for the listener: a certificate for `names` (host names and addresses), clients
    /// only with a certificate of this authority, no resumption. Where `clock` is not trusted, a
    /// device's certificate is not asked for its end.
    pub fn server_config(
        &self,
        names: Vec<String>,
        clock: Clock,
    ) -> Result<ServerConfig, AuthorityError> {
        self.listener(names, clock, false)
    }

    /// The same for devices that are to be paired and have no certificate yet, or renew theirs: it
    /// shows the authority too, and speaks the protocol of a pairing.
    pub fn pairing_config(&self, clock: Clock) -> Result<ServerConfig, AuthorityError> {
        let mut config = self.listener(Vec::new(), clock, true)?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(config)
    }

    fn listener(
        &self,
        mut names: Vec<String>,
        clock: Clock,
        pairs: bool,
    ) -> Result<ServerConfig, AuthorityError> {
        names.push(BOX_NAME.to_owned());
        let mut params = lasting(names)?;
        params.distinguished_name.push(DnType::CommonName, "Muster");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?.der().clone();
        let root = CertificateDer::from_pem_slice(self.ca_pem.as_bytes());
        let root = root.map_err(|_| AuthorityError::Damaged)?;
        let mut roots = RootCertStore::empty();
        roots.add(root.clone())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let clients = Clients::new(Arc::new(roots), provider.clone(), clock, pairs);
        let clients = clients.ok_or(AuthorityError::Damaged)?;
        let chain = if pairs { vec![certificate, root] } else { vec![certificate] };
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_client_cert_verifier(Arc::new(clients))
            .with_single_cert(chain, key)?;
        config.send_tls13_tickets = 0;
        Ok(config)
    }
}

/// Until when a device's certificate holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Lasts {
    /// It has no end.
    ForEver,
    /// So long after 1970.
    Until(Duration),
}

impl Lasts {
    /// From now on for [`LIFETIME`]; for ever where nobody can say when now is.
    pub(crate) fn from_now(clock: &Clock) -> Self {
        match (clock.trust(), u64::try_from(clock.now_ms())) {
            (ClockTrust::Trusted, Ok(now_ms)) => {
                Self::Until(Duration::from_secs(now_ms / 1000) + LIFETIME)
            }
            _ => Self::ForEver,
        }
    }
}

/// What a device gets that made its key itself.
pub(crate) struct Certified {
    pub(crate) certificate_pem: String,
    pub(crate) secret_hex: Zeroizing<String>,
}

/// The key that a certificate request is about, which signed it; nothing else of it counts.
pub(crate) fn requested_key(request: &str) -> Result<impl PublicKeyData, AuthorityError> {
    let request = CertificateSigningRequestParams::from_pem(request);
    request.map(|request| request.public_key).map_err(|_| AuthorityError::Request)
}

/// When a certificate ends, in seconds since 1970; `None` for one without an end.
pub(crate) fn ends(certificate: &CertificateDer<'_>) -> Option<i64> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let end = parsed.validity().not_after;
    (end.to_datetime().year() < NOT_AFTER.0).then(|| end.timestamp())
}

/// The common name of a client's certificate: the device's name.
pub(crate) fn common_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let name = parsed.subject().iter_common_name().next()?.as_str().ok()?;
    Some(name.to_owned())
}

/// SHA-256 of a certificate, in lower-case hex.
pub(crate) fn digest(certificate: &CertificateDer<'_>) -> String {
    hex(ring::digest::digest(&ring::digest::SHA256, certificate).as_ref())
}

fn carrier_id(devices: &Devices, name: String) -> Result<DeviceId, AuthorityError> {
    match devices.find(&name) {
        Some(device) if device.kind == DeviceKind::C1 => Ok(device.id),
        _ => Err(AuthorityError::Carrier(name)),
    }
}

/// A device shows its certificate to the box; a C1 shows it to its M2s too.
fn device_params(name: &str, kind: DeviceKind) -> Result<CertificateParams, rcgen::Error> {
    let centre = kind == DeviceKind::C1;
    let names = centre.then(|| format!("{name}.{CENTRE_DOMAIN}"));
    let mut params = lasting(names.into_iter().collect())?;
    params.distinguished_name.push(DnType::CommonName, name.to_owned());
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    if centre {
        params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
    }
    Ok(params)
}

fn lasting(names: Vec<String>) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.not_before = rcgen::date_time_ymd(NOT_BEFORE.0, NOT_BEFORE.1, NOT_BEFORE.2);
    params.not_after = rcgen::date_time_ymd(NOT_AFTER.0, NOT_AFTER.1, NOT_AFTER.2);
    Ok(params)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After sixty days in a drawer, with a clock that begins in 1970, a device still takes the box
    /// for the box, and the box the device: no certificate of theirs begins later or ends.
    #[test]
    fn certificates_hold_at_any_time_that_a_clock_can_show() {
        let key = KeyPair::generate().unwrap();
        for kind in [DeviceKind::M1, DeviceKind::M2, DeviceKind::C1, DeviceKind::Reader] {
            let made = device_params("gate", kind).unwrap().self_signed(&key).unwrap();
            let (_, parsed) = x509_parser::parse_x509_certificate(made.der()).unwrap();
            assert!(parsed.validity().not_before.timestamp() <= 0);
            assert!(parsed.validity().not_after.to_datetime().year() == 9999);
        }
    }
}
