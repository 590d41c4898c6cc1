//! Which `Host` headers are ours: against DNS rebinding.
//!
//! The address the connection came in on, `localhost` where that is loopback, and the names of
//! the configuration. A port says nothing and is not looked at.

use std::net::IpAddr;

/// Whether a `Host` header names this box.
pub(crate) fn is_ours(header: &str, local: IpAddr, allowed: &[String]) -> bool {
    let Some(name) = host_name(header) else { return false };
    if allowed.iter().any(|host| host.trim_end_matches('.').eq_ignore_ascii_case(&name)) {
        return true;
    }
    let local = local.to_canonical();
    match name.parse::<IpAddr>() {
        Ok(ip) => ip.to_canonical() == local,
        Err(_) => name == "localhost" && local.is_loopback(),
    }
}

/// Whether an `Origin` header is that of pages under `host`.
pub(crate) fn same_origin(origin: &str, host: &str) -> bool {
    origin.strip_prefix("https://").is_some_and(|rest| rest.eq_ignore_ascii_case(host))
}

/// The name or address without port and brackets, in lower case.
fn host_name(header: &str) -> Option<String> {
    let (name, port) = match header.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map(|(name, tail)| (name, tail.strip_prefix(':')))?,
        None => header.split_once(':').map_or((header, None), |(name, port)| (name, Some(port))),
    };
    let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok());
    let name = name.trim_end_matches('.');
    (port_fits && !name.is_empty()).then(|| name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_checked() {
        let allowed = vec!["Muster.Example".to_owned(), "10.9.8.7".to_owned()];
        for (header, local, expect) in [
            ("192.168.1.5:8443", "192.168.1.5", true),
            ("192.168.1.5", "192.168.1.5", true),
            ("192.168.1.6:8443", "192.168.1.5", false),
            ("10.9.8.7:8443", "172.17.0.2", true),
            ("[fe80::1]:8443", "fe80::1", true),
            ("[::1]", "::1", true),
            ("127.0.0.1:1", "::ffff:127.0.0.1", true),
            ("localhost:8443", "127.0.0.1", true),
            ("localhost", "192.168.1.5", false),
            ("muster.example", "192.168.1.5", true),
            ("MUSTER.example.:443", "192.168.1.5", true),
            ("evil.example", "192.168.1.5", false),
            ("muster.example.evil.example", "192.168.1.5", false),
            ("192.168.1.5:x", "192.168.1.5", false),
            ("", "192.168.1.5", false),
            ("[::1", "::1", false),
        ] {
            let local = local.parse().expect("an address");
            assert_eq!(is_ours(header, local, &allowed), expect, "{header} on {local}");
        }
    }

    #[test]
    fn origins_are_checked() {
        for (origin, expect) in [
            ("https://box:8443", true),
            ("http://box:8443", false),
            ("https://box", false),
            ("https://box:8443.evil", false),
            ("null", false),
        ] {
            assert_eq!(same_origin(origin, "box:8443"), expect, "{origin}");
        }
    }
}
