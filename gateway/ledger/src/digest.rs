//! A SHA-256 as acts keep it: base64 in JSON, without a text of its own in memory.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};
use std::fmt;

/// Characters of 32 bytes in base64.
const TEXT_LEN: usize = 44;

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Digest(pub(crate) [u8; 32]);

impl Digest {
    fn text(&self) -> [u8; TEXT_LEN] {
        let mut text = [0; TEXT_LEN];
        // The room is the very number of characters.
        let _ = STANDARD.encode_slice(self.0, &mut text);
        text
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Digest;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a SHA-256 in base64")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Digest, E> {
                let mut digest = [0; 32];
                match STANDARD.decode_slice(text, &mut digest) {
                    Ok(32) => Ok(Digest(digest)),
                    _ => Err(E::custom("not a SHA-256 in base64")),
                }
            }
        }
        deserializer.deserialize_str(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_base64_in_json() {
        let digest = Digest(std::array::from_fn(|i| i as u8 * 7));
        let text = serde_json::to_string(&digest).unwrap();
        assert_eq!(text, "\"AAcOFRwjKjE4P0ZNVFtiaXB3foWMk5qhqK+2vcTL0tk=\"");
        assert_eq!(text, format!("\"{digest}\""));
        assert_eq!(serde_json::from_str::<Digest>(&text).ok(), Some(digest));
        for bad in ["\"\"", "\"AAcO\"", "1", "\"AAcOFRwjKjE4P0ZNVFtiaXB3foWMk5qhqK+2vcTL0tnO\""] {
            assert!(serde_json::from_str::<Digest>(bad).is_err(), "{bad}");
        }
    }
}
