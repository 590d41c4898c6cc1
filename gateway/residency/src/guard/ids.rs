//! Personal numbers, found by their shape and, where there is one, their check digit.
//!
//! Sources: GB 11643-1999 with ISO 7064 MOD 11-2 (mainland), the HKID's MOD 11, the NRIC and FIN
//! series S, T, F, G and M, My Number's ordinance of 2014, MyKad's date and place codes, the Macau
//! BIR's three series. Letters may be small, digits and letters full-width, and up to two
//! separators may stand between two characters.

use super::Finding;

/// Most separators between two characters of one number.
const MAX_GAP: usize = 2;

/// Whether a number can start with a character, and whether it does start at a place.
type Detector = (Finding, fn(&char) -> bool, fn(&[char], usize) -> bool);

const DETECTORS: [Detector; 6] = [
    (Finding::PrcId, char::is_ascii_digit, prc),
    (Finding::Hkid, char::is_ascii_uppercase, hkid),
    (Finding::MacauBir, char::is_ascii_digit, macau),
    (Finding::Nric, char::is_ascii_uppercase, nric),
    (Finding::MyKad, char::is_ascii_digit, mykad),
    (Finding::MyNumber, char::is_ascii_digit, my_number),
];

/// Every kind of personal number in `text`, once each.
pub(super) fn find(text: &str) -> Vec<Finding> {
    let chars: Vec<char> = text.chars().map(plain).collect();
    let found = DETECTORS.iter().filter(|(_, starts, at)| {
        chars.iter().enumerate().any(|(i, c)| starts(c) && at(&chars, i))
    });
    found.map(|(finding, ..)| *finding).collect()
}

/// Upper case, and ASCII for full-width forms.
fn plain(c: char) -> char {
    let ascii = match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(c as u32 - 0xFEE0).unwrap_or(c),
        _ => c,
    };
    ascii.to_ascii_uppercase()
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || "-./()_:,[]\u{2010}\u{2011}\u{2012}\u{2013}\u{2014}\u{B7}".contains(c)
}

/// `n` letters and digits from `at`, separators left out, and where they end.
fn take(chars: &[char], at: usize, n: usize) -> Option<(Vec<u8>, usize)> {
    let (mut taken, mut i, mut gap) = (Vec::with_capacity(n), at, 0);
    while taken.len() < n {
        let &c = chars.get(i)?;
        if c.is_ascii_alphanumeric() {
            taken.push(u8::try_from(c).ok()?);
            gap = 0;
        } else if is_separator(c) && !taken.is_empty() && gap < MAX_GAP {
            gap += 1;
        } else {
            return None;
        }
        i += 1;
    }
    Some((taken, i))
}

fn digit_before(chars: &[char], at: usize) -> bool {
    at > 0 && chars[at - 1].is_ascii_digit()
}

fn ends(chars: &[char], end: usize) -> bool {
    !chars.get(end).is_some_and(char::is_ascii_alphanumeric)
}

fn ends_digits(chars: &[char], end: usize) -> bool {
    !chars.get(end).is_some_and(char::is_ascii_digit)
}

fn digits(bytes: &[u8]) -> Option<Vec<u32>> {
    bytes.iter().map(|&c| char::from(c).to_digit(10)).collect()
}

fn weighed(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(d, w)| d * w).sum()
}

fn number(digits: &[u32]) -> u32 {
    digits.iter().fold(0, |n, d| n * 10 + d)
}

fn is_day(month: u32, day: u32) -> bool {
    (1..=12).contains(&month) && (1..=31).contains(&day)
}

/// Eighteen digits, the last possibly X: six of place, eight of birth, three of order, a check.
fn prc(chars: &[char], at: usize) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let Some((id, _)) = take(chars, at, 18) else { return false };
    let Some(d) = digits(&id[..17]) else { return false };
    let born = (1850..=2200).contains(&number(&d[6..10]));
    let check = b"10X98765432"[(weighed(&d, &WEIGHTS) % 11) as usize];
    d[0] > 0 && born && is_day(number(&d[10..12]), number(&d[12..14])) && id[17] == check
}

/// One or two letters, six digits and a check character.
fn hkid(chars: &[char], at: usize) -> bool {
    let Some((id, end)) = take(chars, at, 8) else { return false };
    if !ends(chars, end) {
        return false;
    }
    let before = at.checked_sub(1).and_then(|i| chars.get(i)).copied();
    let prefix = before.filter(char::is_ascii_uppercase).map(value);
    [Some(36), prefix].into_iter().flatten().any(|first| hkid_checks(first, &id))
}

fn hkid_checks(first: u32, id: &[u8]) -> bool {
    let Some(d) = digits(&id[1..7]) else { return false };
    let check = match id[7] {
        b'A' => 10,
        c if c.is_ascii_digit() => u32::from(c - b'0'),
        _ => return false,
    };
    let sum = first * 9 + value(char::from(id[0])) * 8 + weighed(&d, &[7, 6, 5, 4, 3, 2]) + check;
    sum.is_multiple_of(11)
}

/// A is 10, Z is 35.
fn value(letter: char) -> u32 {
    letter.to_digit(36).unwrap_or(0)
}

/// One of the series 1, 5 and 7, six digits in a row and a check digit whose rule is not published.
fn macau(chars: &[char], at: usize) -> bool {
    let bounded = !(at > 0 && chars[at - 1].is_ascii_alphanumeric());
    let Some((id, end)) = take(chars, at, 8) else { return false };
    let row = chars[at + 1..end].iter().skip_while(|c| is_separator(**c)).take(6);
    bounded
        && ends(chars, end)
        && digits(&id).is_some_and(|d| matches!(d[0], 1 | 5 | 7))
        && row.into_iter().all(char::is_ascii_digit)
}

/// S, T, F, G or M, seven digits and a check letter.
fn nric(chars: &[char], at: usize) -> bool {
    let Some((id, end)) = take(chars, at, 9) else { return false };
    let (offset, letters) = match id[0] {
        b'S' => (0, b"JZIHGFEDCBA"),
        b'T' => (4, b"JZIHGFEDCBA"),
        b'F' => (0, b"XWUTRQPNMLK"),
        b'G' => (4, b"XWUTRQPNMLK"),
        b'M' => (3, b"XWUTRQPNJLK"),
        _ => return false,
    };
    let Some(d) = digits(&id[1..8]) else { return false };
    let sum = offset + weighed(&d, &[2, 7, 6, 5, 4, 3, 2]);
    ends(chars, end) && id[8] == letters[(sum % 11) as usize]
}

/// Twelve digits: six of birth, two of place, three of order and one of sex. No check digit.
fn mykad(chars: &[char], at: usize) -> bool {
    const NO_PLACE: [u32; 8] = [0, 17, 18, 19, 20, 69, 70, 73];
    let Some((id, end)) = take(chars, at, 12) else { return false };
    let Some(d) = digits(&id) else { return false };
    let place = number(&d[6..8]);
    !digit_before(chars, at)
        && ends_digits(chars, end)
        && is_day(number(&d[2..4]), number(&d[4..6]))
        && !(NO_PLACE.contains(&place) || matches!(place, 80 | 81 | 94..=97))
}

/// Twelve digits, the last a check digit.
fn my_number(chars: &[char], at: usize) -> bool {
    const WEIGHTS: [u32; 11] = [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2];
    let Some((id, end)) = take(chars, at, 12) else { return false };
    let Some(d) = digits(&id) else { return false };
    let rest = weighed(&d[..11], &WEIGHTS) % 11;
    let check = if rest <= 1 { 0 } else { 11 - rest };
    !digit_before(chars, at) && ends_digits(chars, end) && d[11] == check
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[Finding]) {
        assert_eq!(find(text), expect, "{text}");
    }

    #[test]
    fn valid_numbers_are_found() {
        check("11010519491231002X", &[Finding::PrcId]);
        check("no. 110105 19491231 002x!", &[Finding::PrcId, Finding::MacauBir]);
        check("\u{FF21}\u{FF11}\u{FF12}\u{FF13}\u{FF14}\u{FF15}\u{FF16}(3)", &[Finding::Hkid]);
        check("a1234563", &[Finding::Hkid]);
        check("AB987654(3)", &[Finding::Hkid]);
        check("5/123456/7", &[Finding::MacauBir]);
        check("1234567(8)", &[Finding::MacauBir]);
        check("S1234567D", &[Finding::Nric]);
        check("T1234567J", &[Finding::Nric]);
        check("F1234567N", &[Finding::Nric]);
        check("G1234567X", &[Finding::Nric]);
        check("M1234567K", &[Finding::Nric]);
        check("900101-14-5678", &[Finding::MyKad]);
        check("1234-5678-9018", &[Finding::MyNumber]);
    }

    #[test]
    fn other_numbers_are_not() {
        for text in [
            "11010519491231002Y",
            "110105194912310021",
            "A123456(4)",
            "S1234567A",
            "2/123456/7",
            "991301-14-5678",
            "gate-07",
            "manager4220",
            "mo-hq",
            "00017",
            "2026-12-01",
            "1999-12-31",
            "",
        ] {
            check(text, &[]);
        }
    }
}
