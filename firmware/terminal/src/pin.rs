//! PINs: typed on the keypad, compared with a verifier, forgotten.
//!
//! A person types their number, `#`, their PIN, `#`. What was typed is wiped as soon as it was
//! compared, or after [`IDLE_MS`] without a key. Verifiers are PBKDF2-HMAC-SHA256 with a salt of
//! each person; a PIN is short, so what guards it is the lock after wrong tries, and the seal on
//! the user list in flash: a verifier alone gives a four-digit PIN away in minutes.

use crate::keypad::Key;
use hmac::Hmac;
use muster_proto::message::{HASH, SALT, Settings, Verifier};
use sha2::Sha256;
use zeroize::Zeroize;

/// Rounds of the verifier: a fifth of a second on a Cortex-M3 at 50 MHz, by count of cycles.
pub const ROUNDS: u32 = 1_000;
/// Digits of a PIN.
pub const PIN_DIGITS: core::ops::RangeInclusive<usize> = 4..=8;
/// Digits of a number that can be typed.
pub const NUMBER_DIGITS: usize = 16;
/// Without a key for so long, in milliseconds, what was typed is forgotten.
pub const IDLE_MS: u64 = 15_000;

/// The verifier of a PIN under a salt.
pub fn verifier(digits: &[u8], salt: [u8; SALT]) -> Verifier {
    let mut hash = [0; HASH];
    // Any length of salt and of hash is allowed.
    let _ = pbkdf2::pbkdf2::<Hmac<Sha256>>(digits, &salt, ROUNDS, &mut hash);
    Verifier { salt, hash }
}

/// Whether these are the digits; in the same time whatever they are.
pub fn verify(digits: &[u8], against: &Verifier) -> bool {
    let found = verifier(digits, against.salt);
    let differ = found.hash.iter().zip(against.hash).fold(0, |all, (a, b)| all | (a ^ b));
    differ == 0
}

/// Digits as typed, in ASCII. Wiped when dropped; no `Debug`.
#[derive(Default)]
pub struct Digits<const N: usize>(heapless::Vec<u8, N>);

impl<const N: usize> Digits<N> {
    /// The digits.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The digits as text.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    fn push(&mut self, digit: u8) -> bool {
        self.0.push(b'0' + digit % 10).is_ok()
    }

    fn wipe(&mut self) {
        self.0.as_mut_slice().zeroize();
        self.0.clear();
    }

    fn take(&mut self) -> Self {
        let taken = Self(self.0.clone());
        self.wipe();
        taken
    }
}

impl<const N: usize> Drop for Digits<N> {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// What a key made of what was typed.
pub enum Typed {
    /// Nothing yet.
    More,
    /// It makes no sense: too long, too short; begin again.
    Nonsense,
    /// A number and a PIN.
    Whole {
        /// Whose.
        number: Digits<NUMBER_DIGITS>,
        /// The PIN.
        pin: Digits<8>,
    },
}

/// What is being typed.
#[derive(Default)]
pub struct Entry {
    number: Digits<NUMBER_DIGITS>,
    pin: Digits<8>,
    /// Whether the number is done.
    at_pin: bool,
    last_ms: u64,
}

impl Entry {
    /// Takes a key.
    pub fn key(&mut self, now_ms: u64, key: Key) -> Typed {
        self.forget_if_idle(now_ms);
        self.last_ms = now_ms;
        match (key, self.at_pin) {
            (Key::Clear, _) => self.forget(),
            (Key::Digit(digit), false) if self.number.push(digit) => {}
            (Key::Digit(digit), true) if self.pin.push(digit) => {}
            (Key::Digit(_), _) => return self.nonsense(),
            (Key::Enter, false) if self.number.0.is_empty() => {}
            (Key::Enter, false) => self.at_pin = true,
            (Key::Enter, true) => return self.whole(),
        }
        Typed::More
    }

    /// Forgets what was typed if nobody goes on. Call it at least once a second.
    pub fn forget_if_idle(&mut self, now_ms: u64) {
        if now_ms.saturating_sub(self.last_ms) >= IDLE_MS {
            self.forget();
        }
    }

    fn forget(&mut self) {
        self.number.wipe();
        self.pin.wipe();
        self.at_pin = false;
    }

    fn nonsense(&mut self) -> Typed {
        self.forget();
        Typed::Nonsense
    }

    fn whole(&mut self) -> Typed {
        if !PIN_DIGITS.contains(&self.pin.0.len()) {
            return self.nonsense();
        }
        self.at_pin = false;
        Typed::Whole { number: self.number.take(), pin: self.pin.take() }
    }
}

/// Locks the keypad after wrong tries in a row, whosever they are.
#[derive(Default)]
pub struct Lock {
    wrong: u8,
    until_ms: u64,
}

impl Lock {
    /// Whether PINs are taken now.
    pub fn is_open(&self, now_ms: u64) -> bool {
        now_ms >= self.until_ms
    }

    /// A right PIN.
    pub fn right(&mut self) {
        self.wrong = 0;
    }

    /// A wrong PIN; true if the keypad is locked by it.
    pub fn wrong(&mut self, now_ms: u64, settings: Settings) -> bool {
        self.wrong = self.wrong.saturating_add(1);
        if self.wrong < settings.pin_tries {
            return false;
        }
        self.wrong = 0;
        self.until_ms = now_ms + u64::from(settings.lock_seconds) * 1_000;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(entry: &mut Entry, now_ms: u64, keys: &str) -> Typed {
        let mut last = Typed::More;
        for key in keys.bytes() {
            last = entry.key(
                now_ms,
                match key {
                    b'*' => Key::Clear,
                    b'#' => Key::Enter,
                    digit => Key::Digit(digit - b'0'),
                },
            );
        }
        last
    }

    /// Number and PIN, or why there are none.
    fn check(keys: &str, expect: Result<(&str, &str), bool>) {
        let found = match typed(&mut Entry::default(), 0, keys) {
            Typed::Whole { number, pin } => {
                assert_eq!((number.as_str(), pin.as_str()), expect.unwrap(), "{keys}");
                return;
            }
            Typed::Nonsense => true,
            Typed::More => false,
        };
        assert_eq!(Err(found), expect, "{keys}");
    }

    #[test]
    fn what_is_typed() {
        check("00017#4711#", Ok(("00017", "4711")));
        check("00017#12345678#", Ok(("00017", "12345678")));
        check("9*00017#11*00018#4711#", Ok(("00018", "4711")));
        check("##00017#4711#", Ok(("00017", "4711")));
        check("00017#471#", Err(true));
        check("00017#123456789", Err(true));
        check("12345678901234567", Err(true));
        check("00017#4711", Err(false));
    }

    #[test]
    fn what_is_left_is_forgotten() {
        let mut entry = Entry::default();
        typed(&mut entry, 0, "00017#47");
        entry.forget_if_idle(IDLE_MS);
        assert!(entry.number.0.is_empty() && entry.pin.0.is_empty() && !entry.at_pin);
    }

    #[test]
    fn verifiers_are_pbkdf2_and_tell_right_from_wrong() {
        let found = verifier(b"4711", [7; SALT]);
        assert!(verify(b"4711", &found));
        assert!(!verify(b"4712", &found) && !verify(b"", &found));
        assert!(verifier(b"4711", [8; SALT]).hash != found.hash);
        // RFC 7914, section 11: P "passwd", S "salt", c 1; so the function is the right one.
        let mut hash = [0; HASH];
        pbkdf2::pbkdf2::<Hmac<Sha256>>(b"passwd", b"salt", 1, &mut hash).unwrap();
        assert_eq!(hash[..6], [0x55, 0xac, 0x04, 0x6e, 0x56, 0xe3]);
    }

    #[test]
    fn the_keypad_is_locked_for_a_while() {
        let settings = Settings { pins: true, pin_tries: 3, lock_seconds: 60 };
        let mut lock = Lock::default();
        assert!(!lock.wrong(0, settings) && !lock.wrong(0, settings));
        lock.right();
        assert!(!lock.wrong(0, settings) && !lock.wrong(0, settings));
        assert!(lock.wrong(1_000, settings));
        assert!(!lock.is_open(60_999) && lock.is_open(61_000));
    }
}
