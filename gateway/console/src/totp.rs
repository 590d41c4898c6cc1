//! One-time codes from an authenticator app (RFC 6238): SHA-1, six digits, thirty seconds, which
//! is what every such app does. HMAC with SHA-1 stands where SHA-1 alone has fallen.
//!
//! A code is good once: who watched it being typed cannot use it again, over a restart neither.
//! What was used last is in the journal.

use ring::hmac;
use zeroize::Zeroizing;

/// Seconds that one code is good for.
pub(crate) const STEP: u64 = 30;
/// Steps before and after now that are taken: phones' clocks differ.
const SKEW: u64 = 1;
/// Digits of a code.
const DIGITS: usize = 6;
/// Bytes of a new secret: as many as SHA-1 gives.
pub(crate) const SECRET_BYTES: usize = 20;

/// The step whose code was typed; every step near now is compared, in constant time. Whether it
/// was used before is for [`muster_ledger::Accounts::use_factor`] to say.
pub(crate) fn matching(secret: &[u8], typed: &str, now_ms: i64) -> Option<u64> {
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
            assert_eq!(matching(SECRET, expect, seconds as i64 * 1000), Some(seconds / STEP));
        }
    }

    #[test]
    fn a_code_is_good_near_its_time() {
        let at = 1_111_111_111_000;
        for (typed, now_ms, good) in [
            ("050471", at - 31_000, true),
            ("050471", at, true),
            ("050 471", at + 30_000, true),
            ("", at, false),
            ("05047１", at, false),
            ("050471", at + 3_600_000, false),
            ("050471", -1, false),
        ] {
            let expect = good.then_some(at as u64 / 1000 / STEP);
            assert_eq!(matching(SECRET, typed, now_ms), expect, "{typed} {now_ms}");
        }
        assert_eq!(matching(b"another secret of 20", "050471", at), None);
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
