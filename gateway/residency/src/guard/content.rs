//! Images, templates, encoded runs and random-looking text.

use super::Finding;

/// Longest run of base64 or hex characters that passes.
const MAX_RUN: usize = 39;
/// From this length on, text is measured for randomness.
const ENTROPY_LEN: usize = 40;
/// Bits per character above which text is random-looking; English is near 4 at this length.
const MAX_ENTROPY: f64 = 4.4;

/// Beginnings of image files: raw as Latin-1, in base64 and in hex.
const IMAGES: &[&str] = &[
    "\u{FF}\u{D8}\u{FF}",
    "/9j/",
    "_9j_",
    "ffd8ff",
    "\u{89}PNG",
    "iVBORw0KGg",
    "89504e47",
    "GIF8",
    "R0lGOD",
    "47494638",
    "UklGR",
    "52494646",
    "data:image",
    "AAAADGpQ",
];

/// Beginnings of fingerprint and face templates: ISO/IEC 19794 records (FMR, FIR, FAC) and the
/// headers terminals on the market write.
const TEMPLATES: &[&str] = &[
    "FMR\0",
    "Rk1SA",
    "464d5200",
    "FIR\0",
    "RklSA",
    "46495200",
    "FAC\0",
    "RkFDA",
    "46414300",
    "SLSS21",
    "U0xTUzIx",
    "TTdTUzIx",
    "TEUSS21",
    "VEVVU1MyM",
];

/// Every kind of content in `text` that must not leave, once each.
pub(super) fn find(text: &str) -> Vec<Finding> {
    let lower = text.to_ascii_lowercase();
    let has =
        |marks: &[&str]| marks.iter().any(|m| text.contains(m) || is_hex(m) && lower.contains(m));
    let tests = [
        (Finding::Image, has(IMAGES)),
        (Finding::Template, has(TEMPLATES)),
        (Finding::Base64Run, longest_run(text) > MAX_RUN),
        (Finding::HighEntropy, text.chars().count() >= ENTROPY_LEN && entropy(text) > MAX_ENTROPY),
    ];
    tests.into_iter().filter(|(_, hit)| *hit).map(|(finding, _)| finding).collect()
}

fn is_hex(mark: &str) -> bool {
    mark.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c))
}

/// The longest run of characters of base64 (either alphabet), line breaks left out.
fn longest_run(text: &str) -> usize {
    let (mut longest, mut run) = (0, 0);
    for c in text.chars().filter(|c| !matches!(c, '\r' | '\n')) {
        run = if c.is_ascii_alphanumeric() || "+/=".contains(c) { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// Shannon entropy in bits per character.
fn entropy(text: &str) -> f64 {
    let mut chars: Vec<char> = text.chars().collect();
    chars.sort_unstable();
    let all = chars.len() as f64;
    chars
        .chunk_by(|a, b| a == b)
        .map(|same| same.len() as f64 / all)
        .map(|share| -share * share.log2())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[Finding]) {
        assert_eq!(find(text), expect, "{text}");
    }

    #[test]
    fn images_templates_and_runs_are_found() {
        check("/9j/4AAQSkZJRg", &[Finding::Image]);
        check("\u{FF}\u{D8}\u{FF}\u{E0}", &[Finding::Image]);
        check("FFD8FFE0", &[Finding::Image]);
        check("Rk1SACAyMAAB", &[Finding::Template]);
        check("464D5200", &[Finding::Template]);
        check(&"A".repeat(40), &[Finding::Base64Run]);
        check("q8Zr.Lw3-Xk7_Vn2.Bt9-Ym5_Hc4.Jd6-Pf1_Gs0.Re", &[Finding::HighEntropy]);
    }

    #[test]
    fn plain_words_pass() {
        for text in [
            "manager4220",
            "Gate 7, north lobby of the second tower building",
            "550e8400-e29b-41d4-a716-446655440000",
            "\u{4E00}\u{53F7}\u{95E8}",
        ] {
            check(text, &[]);
        }
    }
}
