//! Recovery sheets: the recovery key split so that any two of three give it back, and one alone
//! tells nothing (Shamir over GF(256), by `blahaj`).
//!
//! A sheet's text is 45 bytes in Crockford's base 32, which has no letters that look alike, in
//! groups of four: format (1), number of the sheet (1), set (8: which key it is of), share (32),
//! CRC-32C of these (3 bytes of it). A slip of the pen is told before the sheets are put together.

use super::key::{KeySet, RecoveryKey};
use blahaj::{Share, Sharks};
use zeroize::Zeroizing;

/// Sheets there are.
pub(crate) const SHEETS: usize = 3;
/// Sheets that are needed.
pub(crate) const NEEDED: u8 = 2;
const FORMAT: u8 = 1;
const CHECKED: usize = 1 + 1 + 8 + 32;
const LEN: usize = CHECKED + 3;
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Why sheets do not give a key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum SheetError {
    #[error("this is not the text of a recovery sheet; type all {0} groups as printed")]
    Form(usize),
    #[error("a character of this sheet is wrong; compare it with the print, group by group")]
    Typo,
    #[error("these sheets are of different boxes or set-ups; take two of the same")]
    Mixed,
    #[error("this is the same sheet twice; two different ones are needed")]
    Same,
    #[error("two sheets are needed; give the other with --sheet too")]
    Few,
}

/// One sheet.
pub(crate) struct Sheet(Zeroizing<[u8; CHECKED]>);

/// Splits a key over three sheets.
pub(crate) fn split(key: &RecoveryKey) -> Vec<Sheet> {
    let dealer = Sharks(NEEDED).dealer(key.expose());
    let sheet = |share: Share| {
        let share = Zeroizing::new(Vec::from(&share));
        let mut bytes = Zeroizing::new([0; CHECKED]);
        bytes[0] = FORMAT;
        bytes[2..10].copy_from_slice(&key.set());
        for (into, from) in [1].into_iter().chain(10..CHECKED).zip(share.iter()) {
            bytes[into] = *from;
        }
        Sheet(bytes)
    };
    dealer.take(SHEETS).map(sheet).collect()
}

/// Puts two sheets together.
pub(crate) fn join(sheets: &[Sheet]) -> Result<RecoveryKey, SheetError> {
    let [first, second, ..] = sheets else { return Err(SheetError::Few) };
    if first.set() != second.set() {
        return Err(SheetError::Mixed);
    }
    if first.number() == second.number() {
        return Err(SheetError::Same);
    }
    let share = |sheet: &Sheet| {
        let bytes = Zeroizing::new([&[sheet.number()], &sheet.0[10..]].concat());
        Share::try_from(bytes.as_slice()).ok()
    };
    let shares: Vec<Share> = [first, second].into_iter().filter_map(share).collect();
    let joined = Zeroizing::new(Sharks(NEEDED).recover(&shares).map_err(|_| SheetError::Typo)?);
    let key = RecoveryKey::from_bytes(&joined).filter(|key| key.set() == first.set());
    key.ok_or(SheetError::Mixed)
}

impl Sheet {
    /// From 1.
    pub(crate) fn number(&self) -> u8 {
        self.0[1]
    }

    /// Which key it is of.
    pub(crate) fn set(&self) -> KeySet {
        let mut set = KeySet::default();
        set.copy_from_slice(&self.0[2..10]);
        set
    }

    /// What is printed.
    pub(crate) fn text(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([0; LEN]);
        bytes[..CHECKED].copy_from_slice(self.0.as_ref());
        bytes[CHECKED..].copy_from_slice(&check(&self.0));
        let mut text = Zeroizing::new(String::with_capacity(2 * LEN));
        for (at, five) in fives(bytes.as_ref()).enumerate() {
            if at > 0 && at % 4 == 0 {
                text.push(' ');
            }
            text.push(char::from(ALPHABET[usize::from(five)]));
        }
        text
    }

    /// Reads what was printed: case, spaces and hyphens do not matter, O is 0, I and L are 1.
    pub(crate) fn parse(text: &str) -> Result<Self, SheetError> {
        let form = || SheetError::Form((LEN * 8 / 5).div_ceil(4));
        let plain = text.chars().filter(|c| !c.is_whitespace() && *c != '-');
        let fives: Option<Vec<u8>> = plain.map(value).collect();
        let fives = Zeroizing::new(fives.ok_or_else(form)?);
        if fives.len() != LEN * 8 / 5 {
            return Err(form());
        }
        let mut bytes = Zeroizing::new([0u8; LEN]);
        for (bit, five) in (0..).step_by(5).zip(fives.iter()) {
            let wide = u16::from(*five) << (11 - bit % 8);
            let [high, low] = wide.to_be_bytes();
            bytes[bit / 8] |= high;
            if let Some(next) = bytes.get_mut(bit / 8 + 1) {
                *next |= low;
            }
        }
        let mut checked = Zeroizing::new([0; CHECKED]);
        checked.copy_from_slice(&bytes[..CHECKED]);
        let good = bytes[CHECKED..] == check(&checked) && checked[0] == FORMAT && checked[1] > 0;
        if good { Ok(Self(checked)) } else { Err(SheetError::Typo) }
    }
}

/// Every sheet in a text: lines that are one, others are passed over.
pub(crate) fn find(text: &str) -> Vec<Sheet> {
    text.lines().filter_map(|line| Sheet::parse(line).ok()).collect()
}

/// How people tell sets apart: eight hex digits.
pub(crate) fn name(set: &KeySet) -> String {
    set.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

fn check(bytes: &[u8; CHECKED]) -> [u8; 3] {
    let [a, b, c, _] = crc32c::crc32c(bytes).to_be_bytes();
    [a, b, c]
}

/// Five bits at a time; 45 bytes are 72 of them.
fn fives(bytes: &[u8]) -> impl Iterator<Item = u8> + '_ {
    (0..bytes.len() * 8).step_by(5).map(|bit| {
        let byte = |at: usize| u16::from(bytes.get(at).copied().unwrap_or(0));
        let wide = byte(bit / 8) << 8 | byte(bit / 8 + 1);
        (wide >> (11 - bit % 8) & 31) as u8
    })
}

fn value(c: char) -> Option<u8> {
    let c = match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        c => c,
    };
    ALPHABET.iter().position(|known| char::from(*known) == c).map(|at| at as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> RecoveryKey {
        RecoveryKey::generate().unwrap()
    }

    #[test]
    fn any_two_sheets_give_the_key_back() {
        let key = key();
        let texts: Vec<_> = split(&key).iter().map(Sheet::text).collect();
        assert_eq!(texts.len(), SHEETS);
        for (a, b) in [(0, 1), (0, 2), (1, 2), (2, 0)] {
            let sheets = [&texts[a], &texts[b]].map(|text| Sheet::parse(text).unwrap());
            assert_eq!(join(&sheets).unwrap().expose(), key.expose());
        }
    }

    #[test]
    fn slips_of_the_pen_are_told() {
        let text = split(&key())[0].text().to_string();
        assert_eq!(text.split(' ').count(), 18);
        let sloppy = text.to_lowercase().replace(' ', "-").replace('0', "o").replace('1', "l");
        assert_eq!(Sheet::parse(&sloppy).unwrap().text().as_str(), text);
        for (at, c) in text.char_indices().filter(|(_, c)| *c != ' ') {
            let mut bad = text.clone();
            bad.replace_range(at..=at, if c == '7' { "8" } else { "7" });
            assert_eq!(Sheet::parse(&bad).err(), Some(SheetError::Typo), "{at}");
        }
        assert_eq!(Sheet::parse(&text[5..]).err(), Some(SheetError::Form(18)));
        assert_eq!(Sheet::parse("").err(), Some(SheetError::Form(18)));
    }

    #[test]
    fn one_sheet_or_sheets_of_two_sets_do_not_do() {
        let (mut a, mut b) = (split(&key()), split(&key()));
        let twice = [Sheet::parse(&a[0].text()).unwrap(), Sheet::parse(&a[0].text()).unwrap()];
        assert_eq!(join(&twice).err(), Some(SheetError::Same));
        assert_eq!(join(&[a.remove(0)]).err(), Some(SheetError::Few));
        assert_eq!(join(&[a.remove(0), b.remove(0)]).err(), Some(SheetError::Mixed));
    }

    /// Worked by hand: the line 0x53 + 0xca x at 1 and 2, over GF(256) modulo 0x11d. Sheets that
    /// are printed must open with every later version.
    #[test]
    fn shares_are_those_of_a_fixed_field() {
        let shares = [[1, 0x53 ^ 0xca], [2, 0x53 ^ 0x89]];
        let shares: Vec<Share> =
            shares.iter().map(|share| Share::try_from(share.as_slice()).unwrap()).collect();
        assert_eq!(Sharks(2).recover(&shares).unwrap(), [0x53]);
    }
}
