//! Those who come without an account: a warden's device by the token that it keeps, an employee by a
//! code and then by number and PIN. Each opens the routes that are for them, and no other.

use crate::access::{Guest, Route};
use crate::app::Shared;
use crate::guard::cookie;
use crate::session::Token;
use axum::http::HeaderMap;
use muster_attendance::PersonId;
use std::net::IpAddr;
use std::time::Instant;

/// The cookie that a warden's device keeps.
pub(crate) const WARDEN_COOKIE: &str = "__Host-warden";
/// The cookie of an employee at their own punches.
pub(crate) const OWN_COOKIE: &str = "__Host-own";

/// Somebody let in without an account.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) token: Token,
    pub(crate) who: Who,
}

/// Who that is.
#[derive(Clone)]
pub(crate) enum Who {
    /// A warden's device, by its name.
    Warden(String),
    /// An employee who owes a PIN, by the digest of their code.
    Choosing(PersonId, String),
    Employee(PersonId),
}

impl Entry {
    pub(crate) fn guest(&self) -> Guest {
        match self.who {
            Who::Warden(_) => Guest::Warden,
            Who::Choosing(..) => Guest::Choosing,
            Who::Employee(_) => Guest::Employee,
        }
    }
}

/// Where somebody comes from, as far as tries are counted: of IPv6 the network, since one machine has
/// as many addresses as it likes.
pub(crate) fn place(from: IpAddr) -> String {
    match from.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}")
        }
    }
}

/// Whoever comes to `route` without an account.
pub(crate) fn entry(
    app: &Shared,
    route: Route,
    headers: &HeaderMap,
    now: Instant,
) -> Option<Entry> {
    if route.admits_guest(Guest::Warden) {
        let token = cookie(headers, WARDEN_COOKIE).and_then(Token::read)?;
        let warden = app.handles.accounts.warden(&token.digest_hex(), app.now_ms())?;
        return Some(Entry { token, who: Who::Warden(warden.name) });
    }
    let token = cookie(headers, OWN_COOKIE).and_then(Token::read)?;
    let who = app.visits.find(&token, now)?;
    // A new code, or the end of the access, ends the visit.
    let access = |person| app.handles.accounts.access(person);
    let holds = match &who {
        Who::Warden(_) => false,
        Who::Choosing(person, code) => {
            access(*person).is_some_and(|a| a.code.as_ref() == Some(code))
        }
        Who::Employee(person) => access(*person).is_some_and(|access| access.pin.is_some()),
    };
    holds.then_some(Entry { token, who })
}

/// Where those without an account come in.
pub(crate) fn door(path: &str) -> Option<&'static str> {
    let below =
        |root: &str| path.strip_prefix(root).is_some_and(|t| t.is_empty() || t.starts_with('/'));
    if below("/warden") { Some("/warden/enrol") } else { below("/own").then_some("/own/login") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_of_ipv6_is_its_network() {
        for (from, expect) in [
            ("192.168.1.5", "192.168.1.5"),
            ("::ffff:192.168.1.5", "192.168.1.5"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2"),
            ("2001:db8:1:2:ffff::1", "2001:db8:1:2"),
        ] {
            assert_eq!(place(from.parse().expect("an address")), expect, "{from}");
        }
        assert_eq!(door("/warden/safe"), Some("/warden/enrol"));
        assert_eq!(door("/own"), Some("/own/login"));
        assert!(door("/wardens").is_none() && door("/ownership").is_none());
    }
}
