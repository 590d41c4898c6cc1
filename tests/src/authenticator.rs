//! An authenticator app, as far as tests need one (RFC 6238).

use anyhow::{Context as _, Result};
use ring::hmac;
use std::time::{SystemTime, UNIX_EPOCH};

/// An app that holds one secret.
#[derive(Clone, Debug)]
pub struct Authenticator {
    secret: Vec<u8>,
}

impl Authenticator {
    /// Takes the secret that a page shows as text, in base32.
    pub fn from_page(page: &str) -> Result<Self> {
        let text = page.split("class=\"secret\"").nth(1).context("the page shows no secret")?;
        let text = text.split(['>', '<']).nth(1).context("the page shows no secret")?;
        let (mut secret, mut held, mut bits) = (Vec::new(), 0u32, 0);
        for c in text.bytes().filter(u8::is_ascii_alphanumeric) {
            let value = if c.is_ascii_digit() { c - b'2' + 26 } else { c - b'A' };
            held = held << 5 | u32::from(value);
            bits += 5;
            if bits >= 8 {
                bits -= 8;
                secret.push((held >> bits) as u8);
                held &= (1 << bits) - 1;
            }
        }
        Ok(Self { secret })
    }

    /// Six digits that are no code of about now.
    pub fn wrong(&self) -> Result<String> {
        let near = [self.code(0)?, self.code(1)?, self.code(2)?];
        let mut all = (123_456..).map(|digits: u32| digits.to_string());
        all.find(|digits| !near.contains(digits)).context("every code fits")
    }

    /// The code of `steps` half minutes from now.
    pub fn code(&self, steps: u64) -> Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() / 30 + steps;
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.secret);
        let tag = hmac::sign(&key, &now.to_be_bytes());
        let at = usize::from(tag.as_ref()[19] & 15);
        let four: [u8; 4] = tag.as_ref()[at..at + 4].try_into()?;
        Ok(format!("{:06}", (u32::from_be_bytes(four) & 0x7FFF_FFFF) % 1_000_000))
    }
}
