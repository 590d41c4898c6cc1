//! One-time codes from an authenticator app (RFC 6238): SHA-1, six digits, thirty seconds, which
//! is what every such app does. HMAC with SHA-1 stands where SHA-1 alone has fallen.
//!
//! A code is good once: who watched it being typed cannot use it again. What was used last is kept
//! in memory, so a restart of the box forgives at most the codes of the last minute.

use ring::hmac;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use zeroize::Zeroizing;

/// Seconds that one code is good for.
pub(crate) const STEP: u64 = 30;
/// Steps before and after now that are taken: phones' clocks differ.
const SKEW: u64 = 1;
/// Digits of a code.
const DIGITS: usize = 6;
/// Bytes of a new secret: as many as SHA-1 gives.
pub(crate) const SECRET_BYTES: usize = 20;

/// What was used last, by account.
#[derive(Default)]
pub(crate) struct Codes {
    /// Bounded by the number of accounts.
    used: Mutex<HashMap<String, u64>>,
}

impl Codes {
    /// Whether `typed` is a code of `account` at `now_ms` that has not been used; uses it up.
    pub(crate) fn take(&self, account: &str, secret: &[u8], typed: &str, now_ms: i64) -> bool {
        let Some(step) = matching(secret, typed, now_ms) else { return false };
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.get(account).is_some_and(|last| step <= *last) {
            return false;
        }
        used.insert(account.to_owned(), step);
        true
    }
}

/// The step whose code was typed; every step near now is compared, in constant time.
fn matching(secret: &[u8], typed: &str, now_ms: i64) -> Option<u64> {
    let now = u64::try_from(now_ms).ok()? / 1000 / STEP;
    let typed: Zeroizing<String> = Zeroizing::new(typed.split_whitespace().collect());
    if typed.len() != DIGITS {
        return None;
    }
    (now.saturating_sub(SKEW)..=now + SKEW).fold(None, |found, step| {
        let code = code(secret, step);
        let differs = code.bytes().zip(typed.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b));
        if differs == 0 { Some(step) } else { found }
    })
}

/// The code of one step (RFC 4226, 5.3).
fn code(secret: &[u8], step: u64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag.last().copied().unwrap_or_default() & 15);
    let four = tag.get(at..at + 4).and_then(|four| <[u8; 4]>::try_from(four).ok());
    let number = u32::from_be_bytes(four.unwrap_or_default()) & 0x7FFF_FFFF;
    format!("{:0width$}", number % 10u32.pow(DIGITS as u32), width = DIGITS)
}

/// The secret as people type it into an app: base32 (RFC 4648) without padding.
pub(crate) fn base32(bytes: &[u8]) -> Zeroizing<String> {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = Zeroizing::new(String::with_capacity(bytes.len().div_ceil(5) * 8));
    let (mut held, mut bits) = (0u16, 0);
    for byte in bytes {
        held = held << 8 | u16::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(ALPHABET[usize::from(held >> bits & 31)]));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(char::from(ALPHABET[usize::from(held << (5 - bits) & 31)]));
    }
    text
}

/// What the picture says: an `otpauth` address, as authenticator apps read it.
pub(crate) fn address(account: &str, site: &str, secret: &[u8]) -> Zeroizing<String> {
    let plain = |text: &str| -> String {
        let kept = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        text.chars().map(|c| if kept(c) { c } else { '-' }).collect()
    };
    let (account, site, secret) = (plain(account), plain(site), base32(secret));
    Zeroizing::new(format!(
        "otpauth://totp/Muster-{site}:{account}?secret={}&issuer=Muster-{site}",
        secret.as_str()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, the last six digits.
        for (seconds, expect) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(SECRET, seconds / STEP), expect);
            let codes = Codes::default();
            assert!(codes.take("mei", SECRET, expect, seconds as i64 * 1000));
        }
    }

    #[test]
    fn a_code_is_good_once_and_near_its_time() {
        let (codes, at) = (Codes::default(), 1_111_111_111_000);
        for (typed, now_ms, expect) in [
            ("050471", at - 31_000, true),
            ("050471", at, false),
            ("050 471", at + 30_000, false),
            ("", at, false),
            ("05047１", at, false),
            ("050471", at + 3_600_000, false),
            ("050471", -1, false),
        ] {
            assert_eq!(codes.take("mei", SECRET, typed, now_ms), expect, "{typed} {now_ms}");
        }
        assert!(codes.take("lei", SECRET, " 050 471 ", at + 30_000), "another account's own");
        assert!(!codes.take("ana", b"another secret of 20", "050471", at));
    }

    #[test]
    fn secrets_are_written_as_apps_read_them() {
        // RFC 4648, 10.
        for (bytes, expect) in [
            (&b""[..], ""),
            (b"f", "MY"),
            (b"fo", "MZXQ"),
            (b"foo", "MZXW6"),
            (b"foob", "MZXW6YQ"),
            (b"fooba", "MZXW6YTB"),
            (b"foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(bytes).as_str(), expect);
        }
        let address = address("ho.mei", "mo hq", b"foobar");
        assert_eq!(
            address.as_str(),
            "otpauth://totp/Muster-mo-hq:ho.mei?secret=MZXW6YTBOI&issuer=Muster-mo-hq"
        );
    }
}
