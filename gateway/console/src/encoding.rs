//! In what the text of a table is. Spreadsheets of this region write GB18030 or Big5 where they do
//! not write UTF-8; bytes that both could mean are not guessed at.

use encoding_rs::{BIG5, Encoding, GB18030, UTF_8};
use std::borrow::Cow;

/// Why bytes are no text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EncodingError {
    /// The one that was named does not fit.
    #[error("the bytes are not in the encoding that was named")]
    Wrong,
    /// There is a NUL among them.
    #[error("the bytes are no text")]
    NoText,
    /// GB18030 and Big5 both fit.
    #[error("the bytes may be in GB18030 or in Big5; name one")]
    Two,
    /// None fits.
    #[error("the bytes are in none of UTF-8, GB18030 and Big5")]
    Unknown,
}

/// The text of a file, without a byte order mark. `encoding` is `auto`, `utf-8`, `gb18030` or
/// `big5`; what is none of these counts as `auto`.
pub fn decode<'a>(bytes: &'a [u8], encoding: &str) -> Result<Cow<'a, str>, EncodingError> {
    let strictly = |encoding: &'static Encoding| {
        encoding.decode_without_bom_handling_and_without_replacement(bytes)
    };
    match encoding {
        "gb18030" => return strictly(GB18030).ok_or(EncodingError::Wrong),
        "big5" => return strictly(BIG5).ok_or(EncodingError::Wrong),
        _ => {}
    }
    let plain = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if plain.contains(&0) {
        return Err(EncodingError::NoText);
    }
    if let Some(text) = UTF_8.decode_without_bom_handling_and_without_replacement(plain) {
        return Ok(text);
    }
    if encoding == "utf-8" {
        return Err(EncodingError::Wrong);
    }
    match (strictly(GB18030), strictly(BIG5)) {
        (Some(text), None) | (None, Some(text)) => Ok(text),
        (Some(_), Some(_)) => Err(EncodingError::Two),
        (None, None) => Err(EncodingError::Unknown),
    }
}
