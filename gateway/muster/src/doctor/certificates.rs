//! Certificates in files: whether they are in date, of the names they must be of, and whether key
//! and certificate belong together.

use super::Finding;
use crate::config::{Config, Problem};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::X509Certificate;

/// Days ahead that an end is told of.
const AHEAD_DAYS: i64 = 30;
const DAY_S: i64 = 86_400;

/// What is wrong with the certificates that a configuration names.
pub(crate) fn problems(config: &Config) -> Vec<Problem> {
    looked_at(config).into_iter().filter_map(Result::err).collect()
}

pub(super) fn all(config: &Config) -> Vec<Finding> {
    let finding = |looked: Result<(String, String), Problem>| match looked {
        Ok((name, seen)) => Finding::ok("certificate", &name, seen),
        Err(problem) => Finding::of_problem("certificate", problem),
    };
    looked_at(config).into_iter().map(finding).collect()
}

/// Each certificate with what is seen of it. Files that cannot be read are the configuration's.
fn looked_at(config: &Config) -> Vec<Result<(String, String), Problem>> {
    let mut found = Vec::new();
    if let Some(console) = &config.console
        && let Some(path) = &console.cert
    {
        found.extend(certificate("the page", path, console.key.as_deref(), &console.hosts));
    }
    for region in &config.region {
        let of = format!("region {}", region.destination);
        if let Some(path) = &region.client_cert {
            found.extend(certificate(&of, path, region.client_key.as_deref(), &[]));
        }
        found.extend(certificate(&format!("{of}, its authority"), &region.ca, None, &[]));
    }
    if let Some(broker) = &config.broker
        && let Some(path) = &broker.client_cert
    {
        found.extend(certificate("the broker", path, broker.client_key.as_deref(), &[]));
    }
    found
}

fn certificate(
    of: &str,
    path: &Path,
    key: Option<&Path>,
    names: &[String],
) -> Option<Result<(String, String), Problem>> {
    let pem = std::fs::read(path).ok()?;
    let name = format!("certificate of {of}");
    let at = format!("{name} ({})", path.display());
    let bad = |what: String, cure: &str| Some(Err(Problem::minor(at.clone(), what, cure)));
    let der = CertificateDer::from_pem_slice(&pem);
    let parsed = der.as_ref().ok().and_then(|der| x509_parser::parse_x509_certificate(der).ok());
    let Some((_, parsed)) = parsed else {
        return bad("it holds no certificate in PEM".into(), "put the right file there");
    };
    let now = crate::trust::now_ms() / 1000;
    let (from, until) =
        (parsed.validity().not_before.timestamp(), parsed.validity().not_after.timestamp());
    if now > until {
        return bad(format!("it ended on {}", date(until)), "put a new one there, and restart");
    }
    if now < from {
        let cure = "check the clock; else wait, or put another one there";
        return bad(format!("it begins on {} only", date(from)), cure);
    }
    let missing = missing(&parsed, names);
    if !missing.is_empty() {
        let what = format!("it is not for {}, as [console] hosts says", missing.join(", "));
        return bad(what, "get one for these names, or take them out of hosts");
    }
    if let Some(key) = key
        && !belongs(der.ok()?, key)
    {
        let what = format!("{} is the key of another certificate", key.display());
        return bad(what, "put the two that belong together there");
    }
    if until - now < AHEAD_DAYS * DAY_S {
        let what = format!("it ends on {}", date(until));
        return bad(what, "order the next one now, put it there, and restart");
    }
    Some(Ok((name, format!("good until {}", date(until)))))
}

/// Names that the certificate is not for.
fn missing(certificate: &X509Certificate<'_>, names: &[String]) -> Vec<String> {
    let listed = certificate.subject_alternative_name().ok().flatten();
    let listed: Vec<String> = listed
        .map(|listed| listed.value.general_names.as_slice())
        .unwrap_or_default()
        .iter()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
            GeneralName::IPAddress(bytes) => address(bytes),
            _ => None,
        })
        .collect();
    let covers = |name: &String| {
        let name = name.to_ascii_lowercase();
        let star = name.split_once('.').map(|(_, rest)| format!("*.{rest}"));
        listed.iter().any(|listed| *listed == name || Some(listed) == star.as_ref())
    };
    names.iter().filter(|name| !covers(name)).cloned().collect()
}

fn address(bytes: &[u8]) -> Option<String> {
    let v4 = <[u8; 4]>::try_from(bytes).map(|b| std::net::IpAddr::from(b).to_string());
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(|b| std::net::IpAddr::from(b).to_string())).ok()
}

fn belongs(certificate: CertificateDer<'_>, key: &Path) -> bool {
    let Ok(pem) = std::fs::read(key).map(zeroize::Zeroizing::new) else { return true };
    let Ok(key) = PrivateKeyDer::from_pem_slice(&pem) else { return false };
    let Ok(key) = rustls::crypto::ring::sign::any_supported_type(&key) else { return false };
    let pair = rustls::sign::CertifiedKey::new(vec![certificate.into_owned()], key);
    pair.keys_match().is_ok()
}

fn date(seconds: i64) -> String {
    let at = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    at.strftime("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};

    fn check(names: &[&str], days: (i64, i64), own_key: bool, hosts: &[&str], expect: &str) {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        let day = |n: i64| {
            let at = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * n);
            let at = at.to_zoned(jiff::tz::TimeZone::UTC).date();
            rcgen::date_time_ymd(at.year().into(), at.month() as u8, at.day() as u8)
        };
        (params.not_before, params.not_after) = (day(days.0), day(days.1));
        let own = KeyPair::generate().unwrap();
        std::fs::write(&cert, params.self_signed(&own).unwrap().pem()).unwrap();
        let kept = if own_key { own } else { KeyPair::generate().unwrap() };
        std::fs::write(&key, kept.serialize_pem()).unwrap();
        let hosts: Vec<String> = hosts.iter().map(|n| (*n).to_owned()).collect();
        let found = match certificate("the page", &cert, Some(&key), &hosts).unwrap() {
            Ok((_, seen)) => seen,
            Err(problem) => problem.to_string(),
        };
        assert!(found.contains(expect), "{expect}: {found}");
    }

    #[test]
    fn every_kind_of_bad_certificate_is_told() {
        check(&["a.example"], (-1, 90), true, &["a.example"], "good until");
        check(&["*.example"], (-1, 90), true, &["a.example"], "good until");
        check(&["192.0.2.1"], (-1, 90), true, &["192.0.2.1"], "good until");
        check(&["a.example"], (-9, -2), true, &[], "it ended on");
        check(&["a.example"], (2, 90), true, &[], "begins on");
        check(&["a.example"], (-1, 9), true, &[], "it ends on");
        check(&["a.example"], (-1, 90), true, &["b.example"], "not for b.example");
        check(&["a.example"], (-1, 90), false, &[], "key of another certificate");
    }
}
