//! Pairing at the wall: what somebody carries from the box to a terminal, and what the two then say.
//!
//! The box makes a one-time code and shows it with its address and the start of its authority's
//! fingerprint, as a [`Link`]. The terminal makes a key of its own, connects to the listener for
//! check-ins with the ALPN protocol [`ALPN`], and takes the box for the box by that fingerprint
//! alone. Then each side says one line of JSON, at most [`MAX_LINE`] bytes with its newline:
//!
//! ```text
//! {"code":"a1b2-c3d4-e5f6","kind":"m2","request":"-----BEGIN CERTIFICATE REQUEST-----…"}
//! {"name":"gate-07","ca":"-----BEGIN…","certificate":"-----BEGIN…","secret":"64 hex digits"}
//! ```
//! or `{"refused":"…"}`, a sentence for whoever stands there. Asked again with the same code and the
//! same key, the box answers the same again: an answer may be lost on its way.
//!
//! A terminal that shows its certificate in the handshake and sends no code asks to have it renewed;
//! the answer has the new `certificate`, or `"certificate":null` while it is too early.

use core::fmt;

/// The ALPN protocol of a pairing.
pub const ALPN: &[u8] = b"muster-pair/1";
/// The name that the box's certificates bear beside those of its hosts: whoever shows it under the
/// box's authority is the box, wherever it stands.
pub const BOX_NAME: &str = "box.muster.internal";
/// Bytes of a line, its newline included.
pub const MAX_LINE: usize = 16 * 1024;
/// Hexadecimal digits of a code: 48 bits.
pub const CODE_DIGITS: usize = 12;
/// Bytes of the fingerprint (SHA-256 of the authority's certificate in DER) that a link carries: to
/// pass for the box one has to make a certificate that begins with the same 128 bits.
pub const PIN: usize = 16;
/// Characters of a host in a link.
pub const MAX_HOST: usize = 255;

const SCHEME: &str = "muster-pair://";

/// What a person carries from the box to a terminal, as a picture or typed:
/// `muster-pair://HOST:PORT/#CODE.PIN`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Link<'a> {
    /// The box's name or address as the terminal reaches it, an IPv6 address in brackets.
    pub host: &'a str,
    /// Port of the listener for check-ins.
    pub port: u16,
    /// The one-time code as shown, hyphens included.
    pub code: &'a str,
    /// The first bytes of the authority's fingerprint.
    pub pin: [u8; PIN],
}

impl<'a> Link<'a> {
    /// Reads a link; `None` for anything else.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (address, secret) = text.trim().strip_prefix(SCHEME)?.split_once("/#")?;
        let (host, port) = address.rsplit_once(':')?;
        let (code, pin) = secret.split_once('.')?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let fits = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        let fits = match bare {
            Some(bare) => bare.chars().all(|c| c.is_ascii_hexdigit() || ":.".contains(c)),
            None => host.chars().all(fits),
        };
        if !fits || !(1..=MAX_HOST).contains(&host.len()) {
            return None;
        }
        code_digits(code)?;
        Some(Self { host, port: port.parse().ok()?, code, pin: pin_of(pin)? })
    }

    /// The host without the brackets of an IPv6 address.
    pub fn bare_host(&self) -> &'a str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }
}

impl fmt::Display for Link<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}:{}/#{}.", self.host, self.port, self.code)?;
        self.pin.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The digits of a code in small letters, as somebody typed it: with or without hyphens and
/// spaces; `None` where there are more or fewer than [`CODE_DIGITS`].
pub fn code_digits(typed: &str) -> Option<[u8; CODE_DIGITS]> {
    let mut digits = typed.bytes().filter(|byte| !matches!(byte, b'-' | b' '));
    let mut code = [0; CODE_DIGITS];
    for digit in &mut code {
        *digit = digits.next().filter(u8::is_ascii_hexdigit)?.to_ascii_lowercase();
    }
    digits.next().is_none().then_some(code)
}

fn pin_of(text: &str) -> Option<[u8; PIN]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != PIN || !rest.is_empty() {
        return None;
    }
    let mut pin = [0; PIN];
    for (byte, [high, low]) in pin.iter_mut().zip(pairs) {
        let digit = |d: u8| char::from(d).to_digit(16);
        *byte = (digit(*high)? * 16 + digit(*low)?) as u8;
    }
    Some(pin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString as _;

    #[test]
    fn a_link_is_read_as_it_was_written() {
        let link =
            |host| Link { host, port: 8883, code: "a1b2-c3d4-e5f6", pin: *b"0123456789abcdef" };
        for (host, bare) in
            [("10.20.0.1", "10.20.0.1"), ("box.example", "box.example"), ("[fd00::1]", "fd00::1")]
        {
            let text = link(host).to_string();
            assert_eq!(Link::parse(&text), Some(link(host)), "{text}");
            assert_eq!(link(host).bare_host(), bare);
        }
        assert_eq!(
            link("h").to_string(),
            "muster-pair://h:8883/#a1b2-c3d4-e5f6.30313233343536373839616263646566"
        );
    }

    #[test]
    fn what_is_no_link_is_refused() {
        let pin = "30313233343536373839616263646566";
        for wrong in [
            "",
            "https://h:8883/#a1b2-c3d4-e5f6.30313233343536373839616263646566",
            "muster-pair://h/#a1b2-c3d4-e5f6.30313233343536373839616263646566",
            "muster-pair://h:99999/#a1b2-c3d4-e5f6.30313233343536373839616263646566",
            "muster-pair://:8883/#a1b2-c3d4-e5f6.30313233343536373839616263646566",
            "muster-pair://a b:8883/#a1b2-c3d4-e5f6.30313233343536373839616263646566",
            "muster-pair://h:8883/#a1b2-c3d4-e5f.30313233343536373839616263646566",
            "muster-pair://h:8883/#a1b2-c3d4-e5f6.3031",
            "muster-pair://h:8883/#a1b2-c3d4-e5f6",
        ] {
            assert_eq!(Link::parse(wrong), None, "{wrong}");
        }
        assert!(pin_of(pin).is_some() && pin_of(&pin.replace('3', "g")).is_none());
    }

    #[test]
    fn a_code_may_be_typed_in_any_way() {
        for typed in ["a1b2-c3d4-e5f6", "A1B2C3D4E5F6", " a1b2 c3d4 e5f6"] {
            assert_eq!(code_digits(typed), Some(*b"a1b2c3d4e5f6"), "{typed}");
        }
        for wrong in ["", "a1b2-c3d4-e5f", "a1b2-c3d4-e5f67", "a1b2-c3d4-e5fg"] {
            assert_eq!(code_digits(wrong), None, "{wrong}");
        }
    }
}
