//! How to reach a destination: what the configuration says, read and checked.

use hyper::Uri;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// How a region is spoken to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Connector {
    /// MQTT 3.1.1 over TLS, QoS 1, topic `attendance/<site>/<destination>`.
    Mqtt,
    /// `POST` of an array with an idempotency key; the answer settles each.
    Https,
}

/// A destination's address and who may vouch for it.
pub struct Region {
    pub(crate) site: String,
    pub(crate) connector: Connector,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) path: String,
    pub(crate) roots: Vec<CertificateDer<'static>>,
    pub(crate) identity: Option<Identity>,
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
        let bad = || RegionError::Url(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| bad())?;
        let (expected, default_port) = match connector {
            Connector::Mqtt => ("mqtts", 8883),
            Connector::Https => ("https", 443),
        };
        if uri.scheme_str() != Some(expected) {
            return Err(RegionError::Scheme { url: url.to_owned(), connector, expected });
        }
        let host = uri.host().ok_or_else(bad)?;
        Ok(Self {
            site: site.to_owned(),
            connector,
            host: host.trim_matches(['[', ']']).to_owned(),
            port: uri.port_u16().unwrap_or(default_port),
            path: uri.path_and_query().map_or("/", |p| p.as_str()).to_owned(),
            roots: certificates(ca_pem, "ca")?,
            identity: identity_pem.map(|(chain, key)| identity(chain, key)).transpose()?,
        })
    }

    /// As shown to people and journaled with each attestation.
    pub(crate) fn host_and_port(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
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
            let got = region.as_ref().ok().map(|r| (r.host.as_str(), r.port, r.path.as_str()));
            assert_eq!(got, expect, "{url}");
        };
        check(Connector::Mqtt, "mqtts://a.example:1", Some(("a.example", 1, "/")));
        check(Connector::Mqtt, "mqtts://a.example", Some(("a.example", 8883, "/")));
        check(Connector::Https, "https://[::1]:4/x?y", Some(("::1", 4, "/x?y")));
        check(Connector::Https, "http://a.example", None);
        check(Connector::Mqtt, "mqtt://a.example", None);
        check(Connector::Mqtt, "https://a.example", None);
        check(Connector::Mqtt, "", None);
    }
}
