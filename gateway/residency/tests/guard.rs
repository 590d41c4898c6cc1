//! The egress guard over a planted and over a clean corpus.

use muster_residency::guard::inspect;
use proptest::prelude::*;

const FIELDS: [&str; 4] = ["platform_user_id", "site_ref", "device_alias", "group"];

fn passes(field: &str, text: &str) -> bool {
    let parcel = serde_json::json!({ field: text }).to_string();
    inspect(parcel.as_bytes()).is_ok()
}

fn digits(text: &str) -> Vec<u32> {
    text.chars().filter_map(|c| c.to_digit(10)).collect()
}

fn weighed(text: &str, weights: &[u32]) -> u32 {
    digits(text).iter().zip(weights).map(|(d, w)| d * w).sum()
}

fn letter(value: u32) -> char {
    char::from_digit(value, 36).unwrap_or('?').to_ascii_uppercase()
}

/// The number with its check character, each by the rule of its issuer.
fn prc((place, year, month, day, order): (u32, u32, u32, u32, u32)) -> String {
    let body = format!("{place:06}{year:04}{month:02}{day:02}{order:03}");
    let sum = weighed(&body, &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
    let check = ["1", "0", "X", "9", "8", "7", "6", "5", "4", "3", "2"][(sum % 11) as usize];
    format!("{body}{check}")
}

fn hkid((prefix, first, body): (Option<u32>, u32, u32)) -> String {
    let body = format!("{body:06}");
    let sum = prefix.unwrap_or(36) * 9 + first * 8 + weighed(&body, &[7, 6, 5, 4, 3, 2]);
    let check = match (11 - sum % 11) % 11 {
        10 => "A".to_owned(),
        n => n.to_string(),
    };
    let prefix = prefix.map(letter).map(String::from).unwrap_or_default();
    format!("{prefix}{}{body}({check})", letter(first))
}

fn nric((series, body): (usize, u32)) -> String {
    let (series, offset, letters) = [
        ("S", 0, "JZIHGFEDCBA"),
        ("T", 4, "JZIHGFEDCBA"),
        ("F", 0, "XWUTRQPNMLK"),
        ("G", 4, "XWUTRQPNMLK"),
        ("M", 3, "XWUTRQPNJLK"),
    ][series];
    let body = format!("{body:07}");
    let sum = offset + weighed(&body, &[2, 7, 6, 5, 4, 3, 2]);
    format!("{series}{body}{}", &letters[(sum % 11) as usize..][..1])
}

fn my_number(body: u64) -> String {
    let body = format!("{body:011}");
    let rest = weighed(&body, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    format!("{body}{}", if rest <= 1 { 0 } else { 11 - rest })
}

fn planted() -> impl Strategy<Value = String> {
    let prc_parts = (100_000u32..700_000, 1930u32..2020, 1u32..13, 1u32..29, 0u32..1000);
    let hkid_parts = (prop::option::of(10u32..36), 10u32..36, 0u32..1_000_000);
    let mykad = (0u32..100, 1u32..13, 1u32..29, 1u32..15, 0u32..10_000);
    prop_oneof![
        prc_parts.prop_map(prc),
        hkid_parts.prop_map(hkid),
        (select_first(), 0u32..1_000_000, 0u32..10).prop_map(|(s, n, c)| format!("{s}/{n:06}/{c}")),
        (0usize..5, 0u32..10_000_000).prop_map(nric),
        mykad.prop_map(|(y, m, d, p, o)| format!("{y:02}{m:02}{d:02}-{p:02}-{o:04}")),
        (0u64..100_000_000_000).prop_map(my_number),
    ]
}

fn select_first() -> impl Strategy<Value = u32> {
    prop::sample::select(vec![1, 5, 7])
}

/// Ways people write a number.
fn written(number: &str, how: usize) -> String {
    let bare: String = number.chars().filter(char::is_ascii_alphanumeric).collect();
    match how {
        0 => number.to_owned(),
        1 => bare,
        2 => bare.to_ascii_lowercase(),
        3 => format!("ID {number}."),
        4 => format!("no:{bare} "),
        _ => bare.chars().map(full_width).collect(),
    }
}

fn full_width(c: char) -> char {
    char::from_u32(c as u32 + 0xFEE0).unwrap_or(c)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_personal_number_leaves(number in planted(), how in 0usize..6, field in 0usize..4) {
        let text = written(&number, how);
        prop_assert!(!passes(FIELDS[field], &text), "{text} left in {}", FIELDS[field]);
    }

    #[test]
    fn no_image_or_template_leaves(body in prop::collection::vec(any::<u8>(), 30..200), how in 0usize..6) {
        use base64::{Engine, engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD}};
        let heads: [&[u8]; 4] = [b"\xFF\xD8\xFF\xE0", b"\x89PNG\r\n\x1A\n", b"FMR\0 20\0", b"FIR\x00010\0"];
        let mut bytes = heads[how % 4].to_vec();
        bytes.extend(body);
        let text = match how {
            0 | 1 => STANDARD.encode(&bytes),
            2 | 3 => URL_SAFE_NO_PAD.encode(&bytes),
            _ => bytes.iter().map(|b| format!("{b:02x}")).collect(),
        };
        for piece in [&text[..24], &text[..32], &text[..]] {
            prop_assert!(!passes("platform_user_id", piece), "{piece}");
        }
    }
}

/// A kind of name, how one is made, and the share that may be stopped.
type Kind<'a> = (&'a str, &'a dyn Fn(u64) -> String, f64);

/// Shares of ordinary names and ids that are stopped all the same, as bounds.
#[test]
fn a_clean_corpus_mostly_passes() {
    let spread = |n: u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
    let stopped = |make: &dyn Fn(u64) -> String| {
        (0..4_000).filter(|&n| !passes("platform_user_id", &make(n))).count() as f64 / 4000.0
    };
    let names: [Kind<'_>; 8] = [
        ("gates", &|n| format!("gate-{:02}", n % 100), 0.0),
        ("managers", &|n| format!("manager{}", spread(n) % 10_000), 0.0),
        ("five digits", &|n| format!("{:05}", spread(n) % 100_000), 0.0),
        (
            "uuids",
            &|n| {
                format!(
                    "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
                    spread(n) as u32,
                    n as u16,
                    n % 4096,
                    spread(n) % 4096,
                    spread(n + 7)
                )
            },
            0.02,
        ),
        ("sixteen hex", &|n| format!("{:016x}", n.wrapping_mul(0x9E37_79B9_7F4A_7C15)), 0.02),
        (
            "nineteen digits",
            &|n| format!("{:019}", n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 1),
            0.02,
        ),
        ("letter and six digits", &|n| format!("E{:06}", spread(n) % 1_000_000), 0.0),
        ("ten digits", &|n| format!("{:010}", spread(n) % 10_000_000_000), 0.0),
    ];
    for (what, make, most) in names {
        let share = stopped(make);
        assert!(share <= most, "{what}: {share} of them are stopped");
    }
}
