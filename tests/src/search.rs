//! Looks for evidence in whatever came out of a box, however it is written.
//!
//! A leak is any 8 bytes of a piece in a row. Instead of encoding the pieces in every way, what
//! came out is decoded in every way and searched for the plain bytes: as it is; as base64 in all
//! its phases, both alphabets, wrapped or not; as hex, with or without separators; as a list of
//! numbers (JSON, `{:?}`); with the escapes of Rust, JSON, URLs and Latin-1 in UTF-8 undone.
//! Compressed data is not unpacked.

use std::collections::HashMap;

/// Bytes in a row that make a leak: by chance they come once in many years of output.
const WINDOW: usize = 8;
/// Bits of the filter: one for each value of three bytes.
const FILTER: usize = 1 << 24;

type Decode = fn(&[u8], &mut dyn FnMut(&[u8]));

/// Every way of writing that is undone.
const WRITINGS: [(&str, Decode); 6] = [
    ("raw", |text, see| see(text)),
    ("base64", base64),
    ("hex", hex),
    ("separated hex", |text, see| numbers(text, 16, see)),
    ("decimal", |text, see| numbers(text, 10, see)),
    ("escaped", escaped),
];

/// The pieces that must not come out.
#[derive(Debug)]
pub struct Canaries {
    /// Which first three bytes a window may have: most places are told by one look.
    filter: Vec<u64>,
    windows: HashMap<[u8; WINDOW], usize>,
    names: Vec<String>,
}

/// What was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leak {
    /// The piece.
    pub piece: String,
    /// How it was written.
    pub written: &'static str,
}

impl Default for Canaries {
    fn default() -> Self {
        Self { filter: vec![0; FILTER / 64], windows: HashMap::new(), names: Vec::new() }
    }
}

impl Canaries {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Remembers a piece. Leave out the headers that all of its kind share.
    pub fn plant(&mut self, name: &str, bytes: &[u8]) {
        assert!(bytes.len() >= WINDOW, "{name} is too short to be told from chance");
        let index = self.names.len();
        self.names.push(name.to_owned());
        for window in bytes.windows(WINDOW) {
            let bit = filter_bit(window);
            self.filter[bit / 64] |= 1 << (bit % 64);
            self.windows.insert(window.try_into().unwrap(), index);
        }
    }

    /// The first leak of each writing.
    pub fn find(&self, text: &[u8]) -> Vec<Leak> {
        let mut leaks = Vec::new();
        for (written, decode) in WRITINGS {
            let mut found = None;
            decode(text, &mut |bytes| found = found.or_else(|| self.piece(bytes)));
            leaks.extend(found.map(|index| Leak { piece: self.names[index].clone(), written }));
        }
        leaks
    }

    fn piece(&self, bytes: &[u8]) -> Option<usize> {
        bytes.windows(WINDOW).find_map(|window| {
            let bit = filter_bit(window);
            let likely = self.filter[bit / 64] & 1 << (bit % 64) != 0;
            if likely { self.windows.get(window).copied() } else { None }
        })
    }
}

fn filter_bit(window: &[u8]) -> usize {
    usize::from(window[0]) << 16 | usize::from(window[1]) << 8 | usize::from(window[2])
}

/// Runs of base64 characters, decoded from each of their first four places. Line breaks, as they
/// are or as JSON writes them, do not end a run.
fn base64(text: &[u8], see: &mut dyn FnMut(&[u8])) {
    let mut run = Vec::new();
    let mut rest = text;
    loop {
        match rest {
            [b'\r' | b'\n', after @ ..] | [b'\\', b'n' | b'r', after @ ..] => rest = after,
            [first, after @ ..] if sextet(*first).is_some() => {
                run.extend(sextet(*first));
                rest = after;
            }
            _ => {
                see_base64(&run, see);
                run.clear();
                let [_, after @ ..] = rest else { return };
                rest = after;
            }
        }
    }
}

fn see_base64(run: &[u8], see: &mut dyn FnMut(&[u8])) {
    if run.len() * 6 / 8 < WINDOW {
        return;
    }
    for phase in 0..4 {
        let bits = |group: &[u8]| group.iter().fold(0u32, |bits, s| bits << 6 | u32::from(*s));
        let mut bytes = Vec::with_capacity(run.len() * 3 / 4);
        for group in run[phase..].chunks(4) {
            let bits = bits(group) << (6 * (4 - group.len()));
            bytes.extend(&bits.to_be_bytes()[1..group.len()]);
        }
        see(&bytes);
    }
}

fn sextet(character: u8) -> Option<u8> {
    Some(match character {
        b'A'..=b'Z' => character - b'A',
        b'a'..=b'z' => character - b'a' + 26,
        b'0'..=b'9' => character - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

/// Runs of hex digits, from each of their first two places.
fn hex(text: &[u8], see: &mut dyn FnMut(&[u8])) {
    for run in text.split(|c| !c.is_ascii_hexdigit()).filter(|run| run.len() >= 2 * WINDOW) {
        for phase in 0..2 {
            let pairs = run[phase..].chunks_exact(2);
            see(&pairs.filter_map(|pair| number(pair, 16)).collect::<Vec<_>>());
        }
    }
}

/// Numbers of a byte each with something between them: `[12, 255]`, `0c ff`, `0x0c,0xff`.
fn numbers(text: &[u8], radix: u32, see: &mut dyn FnMut(&[u8])) {
    let mut run = Vec::new();
    for word in text.split(|c| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        let digits = word.strip_prefix(b"0x").or(word.strip_prefix(b"x")).unwrap_or(word);
        match number(digits, radix) {
            Some(byte) => run.push(byte),
            None => {
                see(&run);
                run.clear();
            }
        }
    }
    see(&run);
}

fn number(digits: &[u8], radix: u32) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
}

/// The whole text with its escapes undone.
fn escaped(text: &[u8], see: &mut dyn FnMut(&[u8])) {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        let (byte, used) = escape(rest).unwrap_or((*first, 1));
        bytes.push(byte);
        rest = if used == 1 { after } else { &rest[used..] };
    }
    see(&bytes);
}

/// The byte that an escape stands for, and the length of the escape.
fn escape(text: &[u8]) -> Option<(u8, usize)> {
    match text {
        [b'\\', b'x', digits @ ..] => Some((number(digits.get(..2)?, 16)?, 4)),
        [b'\\', b'u', b'{', digits @ ..] => {
            let end = digits.iter().take(7).position(|c| *c == b'}')?;
            Some((number(&digits[..end], 16)?, end + 4))
        }
        [b'\\', b'u', digits @ ..] => Some((number(digits.get(..4)?.strip_prefix(b"00")?, 16)?, 6)),
        [b'%', digits @ ..] => Some((number(digits.get(..2)?, 16)?, 3)),
        [lead @ (0xC2 | 0xC3), next @ 0x80..=0xBF, ..] => Some((lead << 6 | next & 0x3F, 2)),
        [b'\\', plain, ..] => {
            let byte = match plain {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'0' => 0,
                b'b' => 8,
                b'f' => 12,
                other => *other,
            };
            Some((byte, 2))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::mix;
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    fn piece() -> Vec<u8> {
        (1..20).flat_map(|i| mix(i).to_le_bytes()).collect()
    }

    /// What is found in `text` of one planted piece.
    fn found(text: &[u8]) -> Vec<&'static str> {
        let mut canaries = Canaries::new();
        canaries.plant("another", &mix(99).to_le_bytes());
        canaries.plant("piece", &piece());
        let leaks = canaries.find(text);
        assert!(leaks.iter().all(|leak| leak.piece == "piece"));
        leaks.into_iter().map(|leak| leak.written).collect()
    }

    #[track_caller]
    fn check(text: impl AsRef<[u8]>, expect: &str) {
        let text = [b"level=debug before ", text.as_ref(), b" after\n"].concat();
        let found = found(&text);
        assert!(found.contains(&expect), "{found:?}: {}", String::from_utf8_lossy(&text));
    }

    #[test]
    fn eight_bytes_are_found_wherever_they_lie() {
        let piece = piece();
        for at in [0, 1, 17, piece.len() - WINDOW] {
            check(&piece[at..at + WINDOW], "raw");
        }
        assert!(found(&piece[3..3 + WINDOW - 1]).is_empty());
    }

    #[test]
    fn base64_is_found_in_every_phase() {
        let piece = piece();
        for before in 0..4 {
            let text = [vec![b'x'; before], piece[9..9 + WINDOW].to_vec()].concat();
            check(STANDARD.encode(&text), "base64");
            check(URL_SAFE_NO_PAD.encode(&text), "base64");
            check("c".repeat(before) + &STANDARD.encode(&piece), "base64");
        }
        let (left, right) = (STANDARD.encode(&piece[..6]), STANDARD.encode(&piece[6..12]));
        check(format!("{left}\r\n{right}"), "base64");
        check(format!("{left}\\n{right}"), "base64");
    }

    #[test]
    fn numbers_are_found_with_and_without_separators() {
        let part = &piece()[20..20 + WINDOW];
        let hex = |between: &str| -> String {
            part.iter().map(|b| format!("{b:02x}{between}")).collect()
        };
        check(hex(""), "hex");
        check(hex("").to_uppercase(), "hex");
        check(format!("a{}", hex("")), "hex");
        check(hex(" "), "separated hex");
        check(hex(", 0x"), "separated hex");
        check(format!("{part:x?}"), "separated hex");
        check(format!("{part:?}"), "decimal");
        check(format!("{part:#?}"), "decimal");
        check(serde_json::to_string(part).unwrap(), "decimal");
    }

    #[test]
    fn escapes_are_undone() {
        let piece = piece();
        let text: String = piece.iter().map(|b| char::from(*b)).collect();
        check(piece.escape_ascii().to_string(), "escaped");
        check(&text, "escaped");
        check(format!("{text:?}"), "escaped");
        check(serde_json::to_string(&text).unwrap(), "escaped");
        check(piece.iter().map(|b| format!("\\u{b:04x}")).collect::<String>(), "escaped");
        check(piece.iter().map(|b| format!("%{b:02X}")).collect::<String>(), "escaped");
    }

    #[test]
    fn what_is_no_leak_is_none() {
        let others: Vec<u8> = (1000..40_000).flat_map(|i| mix(i).to_le_bytes()).collect();
        assert!(found(&others).is_empty());
        assert!(found(STANDARD.encode(&others).as_bytes()).is_empty());
        assert!(found(format!("{:?}", &others[..5000]).as_bytes()).is_empty());
        assert!(found(b"").is_empty());
    }
}
