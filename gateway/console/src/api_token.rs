//! Tokens of programs: 256 random bits behind a prefix that scanners for secrets know.

use crate::PasswordError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom as _, SystemRandom};
use zeroize::Zeroizing;

const PREFIX: &str = "muster_";
/// Characters of a token at most that are looked at.
const MAX: usize = 64;

/// A new token, shown once, with the digest that is kept.
pub fn new_token() -> Result<(Zeroizing<String>, String), PasswordError> {
    let mut bytes = Zeroizing::new([0u8; 32]);
    SystemRandom::new().fill(bytes.as_mut()).map_err(|_| PasswordError::System)?;
    let text = Zeroizing::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes.as_ref())));
    let digest = digest(&text);
    Ok((text, digest))
}

/// The digest of what an `Authorization` header bears; `None` where that is no token.
pub(crate) fn borne(header: &str) -> Option<String> {
    let token = header.strip_prefix("Bearer ")?.trim();
    (token.len() <= MAX && token.starts_with(PREFIX)).then(|| digest(token))
}

fn digest(token: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, token.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_digest() {
        let (token, digest) = new_token().expect("a token");
        assert_eq!(borne(&format!("Bearer {}", token.as_str())), Some(digest));
        for header in ["", "Bearer ", "Basic muster_x", "Bearer x", &token] {
            assert!(borne(header).is_none(), "{header}");
        }
    }
}
