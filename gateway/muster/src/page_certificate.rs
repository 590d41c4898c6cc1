//! The page's certificate: the company's own, or one made here whose fingerprint is printed at
//! set-up, so that nobody learns to click warnings away.

use crate::config::Config;
use anyhow::{Context as _, Result};
use muster_ledger::Ledger;
use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::net::{IpAddr, UdpSocket};
use zeroize::Zeroizing;

/// An address for documentation (RFC 5737): nothing is sent there.
const ELSEWHERE: (&str, u16) = ("192.0.2.1", 9);

/// Name under which the keyring keeps it: certificate, then key, in PEM.
const PURPOSE: &str = "page-certificate";
/// Browsers refuse longer ones.
const DAYS: i64 = 397;
/// At a start with no more days than these left, a new one is made.
const RENEW_DAYS: i64 = 30;

/// Certificate and key in PEM, with what people compare.
pub(crate) struct PageCertificate {
    pub(crate) certificate_pem: String,
    pub(crate) key_pem: Zeroizing<String>,
    /// SHA-256 of the certificate, as browsers show it.
    pub(crate) fingerprint: String,
}

/// The configured certificate, or the one kept, or a new one.
pub(crate) fn page_certificate(config: &Config, ledger: &Ledger) -> Result<PageCertificate> {
    let section = config.console.as_ref();
    let own = section.and_then(|s| s.cert.as_ref().zip(s.key.as_ref()));
    if let Some((certificate, key)) = own {
        let read = |path: &std::path::PathBuf| {
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
        };
        return made(read(certificate)?, Zeroizing::new(read(key)?));
    }
    let (keyring, mut renewed) = (ledger.keyring(), false);
    if let Some(kept) = keyring.sealed_file(PURPOSE).context("page certificate")? {
        let kept = Zeroizing::new(String::from_utf8(kept).context("page certificate")?);
        if let Some(at) = kept.find("-----BEGIN PRIVATE KEY-----") {
            let kept = made(kept[..at].to_owned(), Zeroizing::new(kept[at..].to_owned()))?;
            if days(&kept.certificate_pem).is_none_or(|days| days > RENEW_DAYS) {
                return Ok(kept);
            }
            renewed = true;
        }
    }
    let (certificate, key) = make(config)?;
    let both = Zeroizing::new(format!("{certificate}{}", key.as_str()));
    keyring.put_sealed_file(PURPOSE, both.as_bytes()).context("page certificate")?;
    let page = made(certificate, key)?;
    if renewed {
        tracing::warn!(fingerprint = page.fingerprint, "the page's certificate was renewed");
    }
    Ok(page)
}

/// Days until the certificate that the box made ends; `None` where the company gave its own, or
/// there is no page.
pub(crate) fn days_left(config: &Config, ledger: &Ledger) -> Option<i64> {
    config.console.as_ref().filter(|console| console.cert.is_none())?;
    let kept = Zeroizing::new(ledger.keyring().sealed_file(PURPOSE).ok()??);
    days(std::str::from_utf8(&kept).ok()?)
}

fn days(pem: &str) -> Option<i64> {
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
    let (_, parsed) = x509_parser::parse_x509_certificate(&der).ok()?;
    let left = parsed.validity().not_after.timestamp() - crate::trust::now_ms() / 1000;
    Some(left / 86_400)
}

fn make(config: &Config) -> Result<(String, Zeroizing<String>)> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if let Some(section) = &config.console {
        names.extend(section.hosts.iter().cloned());
        let ip = section.listen.ip();
        names.extend(Some(ip).filter(|ip| !ip.is_unspecified()).or_else(own_address).map(text));
    }
    names.extend(host_name());
    names.sort();
    names.dedup();
    names.retain(|name| !name.is_empty());
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, format!("Muster {}", config.site.site));
    let ((year, month, day), (end_year, end_month, end_day)) = (date_in(-1), date_in(DAYS));
    params.not_before = rcgen::date_time_ymd(year, month, day);
    params.not_after = rcgen::date_time_ymd(end_year, end_month, end_day);
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok((certificate.pem(), Zeroizing::new(key.serialize_pem())))
}

fn text(ip: IpAddr) -> String {
    ip.to_string()
}

/// The address that this machine would use towards the world: where a phone finds it.
pub(crate) fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind(("0.0.0.0", 0)).ok()?;
    socket.connect(ELSEWHERE).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// The name this machine calls itself.
pub(crate) fn host_name() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned())
}

/// The date `days` from today in UTC.
fn date_in(days: i64) -> (i32, u8, u8) {
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let date = today.saturating_add(jiff::Span::new().days(days));
    (i32::from(date.year()), date.month().unsigned_abs(), date.day().unsigned_abs())
}

fn made(certificate_pem: String, key_pem: Zeroizing<String>) -> Result<PageCertificate> {
    let der = CertificateDer::from_pem_slice(certificate_pem.as_bytes())
        .context("the page's certificate holds no PEM")?;
    let digest = ring::digest::digest(&ring::digest::SHA256, &der);
    let hex: Vec<String> = digest.as_ref().iter().map(|b| format!("{b:02X}")).collect();
    Ok(PageCertificate { certificate_pem, key_pem, fingerprint: hex.join(":") })
}
