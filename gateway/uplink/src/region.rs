//! How to reach a destination: what the configuration says, read and checked.

use crate::SETTLE_TIMEOUT;
use hyper::Uri;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::time::Duration;
use zeroize::Zeroizing;

/// How a region is spoken to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Connector {
    /// MQTT 3.1.1 over TLS, QoS 1, topic `attendance/<site>/<destination>`.
    Mqtt,
    /// `POST` of an array with an idempotency key; the answer settles each.
    Https,
    /// DingTalk's upload of punches, one a call; its region is by contract, not verified.
    Dingtalk,
}

/// Where to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) path: String,
}

impl Address {
    /// Reads `url`, which must begin with `scheme`.
    fn read(url: &str, connector: Connector) -> Result<Self, RegionError> {
        let bad = || RegionError::Url(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| bad())?;
        let (expected, default_port) = match connector {
            Connector::Mqtt => ("mqtts", 8883),
            Connector::Https | Connector::Dingtalk => ("https", 443),
        };
        if uri.scheme_str() != Some(expected) {
            return Err(RegionError::Scheme { url: url.to_owned(), connector, expected });
        }
        let host = uri.host().ok_or_else(bad)?;
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: uri.port_u16().unwrap_or(default_port),
            path: uri.path_and_query().map_or("/", |p| p.as_str()).to_owned(),
        })
    }

    /// As shown to people and journaled with each attestation.
    pub(crate) fn host_and_port(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// A destination's address and who may vouch for it.
pub struct Region {
    pub(crate) site: String,
    pub(crate) connector: Connector,
    pub(crate) address: Address,
    pub(crate) roots: Vec<CertificateDer<'static>>,
    pub(crate) identity: Option<Identity>,
    /// SHA-256 of public keys, of which the peer's must be one; none asks for none.
    pub(crate) pins: Vec<[u8; 32]>,
    pub(crate) tenant: Option<Tenant>,
}

/// Largest number of pins: the key in use and those that may follow it.
pub const MAX_PINS: usize = 8;

/// What was delivered is read back so long after, if nothing else is said.
const READ_BACK: Duration = Duration::from_secs(600);

/// A DingTalk tenant and the application that speaks for it.
pub struct Tenant {
    /// The company's id: an answer that names another one ends everything (R21).
    pub corp_id: String,
    /// The application's id (`AppKey`).
    pub client_id: String,
    /// The application's secret; zeroized.
    pub secret: Zeroizing<String>,
    /// What was delivered is read back so long after.
    pub read_back: Duration,
    /// How long an answer may take; then it is not known whether the punch arrived.
    pub patience: Duration,
    pub(crate) token: Address,
    pub(crate) quota: Quota,
}

impl Tenant {
    /// `token_url` is where tokens are given out, as `https://api.dingtalk.com`.
    pub fn new(
        corp_id: &str,
        client_id: &str,
        secret: Zeroizing<String>,
        token_url: &str,
        quota: Quota,
    ) -> Result<Self, RegionError> {
        let token = Address::read(token_url, Connector::Dingtalk)?;
        let plain = |id: &str| {
            (1..=64).contains(&id.len())
                && id.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_".contains(&c))
        };
        if !plain(corp_id) || !plain(client_id) {
            return Err(RegionError::Tenant("corp_id and client_id: 1 to 64 letters and digits"));
        }
        if secret.trim().is_empty() {
            return Err(RegionError::Tenant("the file of the secret is empty"));
        }
        Ok(Self {
            corp_id: corp_id.into(),
            client_id: client_id.into(),
            secret,
            read_back: READ_BACK,
            patience: SETTLE_TIMEOUT,
            token,
            quota,
        })
    }
}

/// How many calls a destination allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// In a calendar month of Asia/Shanghai; 0 is no limit.
    pub month: u64,
    /// In a second, at least 1.
    pub second: u32,
}

impl Default for Quota {
    /// What is said of DingTalk's free edition, unconfirmed for this call.
    fn default() -> Self {
        Self { month: 10_000, second: 20 }
    }
}

pub(crate) struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

/// Why a region cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RegionError {
    /// The address is not one.
    #[error("{0} is not an address; use mqtts://HOST:PORT or https://HOST:PORT/PATH")]
    Url(String),
    /// The scheme and the connector disagree, or there is no encryption.
    #[error("{url} does not fit connector {connector:?}: use {expected}://")]
    Scheme {
        /// As given.
        url: String,
        /// As given.
        connector: Connector,
        /// What it should begin with.
        expected: &'static str,
    },
    /// No certificate where one is needed.
    #[error("{0} holds no usable PEM certificate or key")]
    Pem(&'static str),
    /// A pin is not SHA-256 in hex, or there are too many.
    #[error("pins: at most {MAX_PINS}, each the SHA-256 of a public key as 64 hex digits")]
    Pins,
    /// The tenant is not well described.
    #[error("{0}")]
    Tenant(&'static str),
    /// TLS refuses the combination.
    #[error("the certificates cannot be used: {0}")]
    Tls(#[from] rustls::Error),
}

impl Region {
    /// Reads `url`, the authority's PEM and, where given, the box's own certificate and key in
    /// PEM. `site` goes into the topic.
    pub fn new(
        site: &str,
        connector: Connector,
        url: &str,
        ca_pem: &[u8],
        identity_pem: Option<(&[u8], &[u8])>,
    ) -> Result<Self, RegionError> {
        Ok(Self {
            site: site.to_owned(),
            connector,
            address: Address::read(url, connector)?,
            roots: certificates(ca_pem, "ca")?,
            identity: identity_pem.map(|(chain, key)| identity(chain, key)).transpose()?,
            pins: Vec::new(),
            tenant: None,
        })
    }

    /// Accepts only certificates with one of these public keys: SHA-256 of the key's
    /// `SubjectPublicKeyInfo`, 64 hex digits each, at most [`MAX_PINS`].
    pub fn pinned(mut self, pins: &[String]) -> Result<Self, RegionError> {
        let pins: Option<Vec<_>> = pins.iter().map(|pin| hex_32(pin)).collect();
        self.pins = pins.filter(|pins| pins.len() <= MAX_PINS).ok_or(RegionError::Pins)?;
        Ok(self)
    }

    /// The tenant that [`Connector::Dingtalk`] speaks for.
    pub fn for_tenant(mut self, tenant: Tenant) -> Self {
        self.tenant = Some(tenant);
        self
    }
}

/// 64 hex digits.
fn hex_32(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).ok()?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    (digits.len() == 64 && digits.iter().all(u8::is_ascii_hexdigit)).then_some(bytes)
}

fn certificates(
    pem: &[u8],
    what: &'static str,
) -> Result<Vec<CertificateDer<'static>>, RegionError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    all.ok().filter(|all| !all.is_empty()).ok_or(RegionError::Pem(what))
}

fn identity(chain: &[u8], key: &[u8]) -> Result<Identity, RegionError> {
    Ok(Identity {
        chain: certificates(chain, "client_cert")?,
        key: PrivateKeyDer::from_pem_slice(key).map_err(|_| RegionError::Pem("client_key"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_or_refused() {
        let pem = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap().cert.pem();
        let check = |connector, url: &str, expect: Option<(&str, u16, &str)>| {
            let region = Region::new("s", connector, url, pem.as_bytes(), None);
            let got = region.as_ref().ok().map(|r| &r.address);
            let got = got.map(|a| (a.host.as_str(), a.port, a.path.as_str()));
            assert_eq!(got, expect, "{url}");
        };
        check(Connector::Mqtt, "mqtts://a.example:1", Some(("a.example", 1, "/")));
        check(Connector::Mqtt, "mqtts://a.example", Some(("a.example", 8883, "/")));
        check(Connector::Https, "https://[::1]:4/x?y", Some(("::1", 4, "/x?y")));
        check(Connector::Https, "http://a.example", None);
        check(Connector::Mqtt, "mqtt://a.example", None);
        check(Connector::Mqtt, "https://a.example", None);
        check(Connector::Mqtt, "", None);
        check(Connector::Dingtalk, "https://a.example/", Some(("a.example", 443, "/")));
    }

    #[test]
    fn pins_are_whole_digests() {
        assert_eq!(hex_32(&"0f".repeat(32)), Some([0x0f; 32]));
        for text in ["", "0f", &"0g".repeat(32), &"+f".repeat(32), &"0f".repeat(33)] {
            assert_eq!(hex_32(text), None, "{text}");
        }
    }
}
