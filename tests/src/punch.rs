//! Punches whose whole content follows from who sends them: what the box holds can be compared
//! with what was sent without keeping what was sent. Only their times also follow from when the
//! program began.

use crate::random::mix;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write as _;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

/// Punches are spread over this many seconds before the program began, so that no terminal's clock
/// seems wrong to the box.
const SPREAD_S: u64 = 36 * 3600;
/// How many people punch.
const PEOPLE: u64 = 200;
/// Bytes of a piece of evidence.
const EVIDENCE: usize = 96;

/// One punch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Punch {
    /// Number of the person, absent where denied.
    pub person: Option<String>,
    /// In seconds since 1970.
    pub at_s: i64,
    /// As check-ins write it.
    pub method: &'static str,
    /// As check-ins write it.
    pub outcome: &'static str,
    /// As check-ins write it.
    pub direction: Option<&'static str>,
    /// Template or image, where it brings one.
    pub evidence: Option<(&'static str, Vec<u8>)>,
}

/// The punch that `device` makes under this number, in the run of `seed`.
pub fn punch(seed: u64, device: &str, boot: u32, seq: u64) -> Punch {
    let name = device.bytes().fold(seed, |h, b| mix(h ^ u64::from(b)));
    let bits = mix(mix(name ^ u64::from(boot)) ^ seq);
    let part = |shift: u32, bound: u64| (bits >> shift) % bound;
    let denied = part(40, 50) == 0;
    let nobody = denied && part(46, 2) == 0;
    let method = ["fingerprint", "face", "card", "pin", "palm", "other"][part(8, 6) as usize];
    Punch {
        person: (!nobody).then(|| format!("{:05}", part(16, PEOPLE))),
        at_s: began_s() - part(24, SPREAD_S) as i64,
        method,
        outcome: if denied { "denied" } else { "granted" },
        direction: [Some("in"), Some("out"), None][part(12, 3) as usize],
        evidence: (part(52, 16) == 0 && !nobody).then(|| ("fingerprint-template", noise(bits))),
    }
}

/// When this program began, in seconds since 1970.
fn began_s() -> i64 {
    static BEGAN: OnceLock<i64> = OnceLock::new();
    *BEGAN.get_or_init(now_s)
}

/// Now, in seconds since 1970.
pub fn now_s() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64)
}

/// The numbers of all people that may punch.
pub fn people() -> impl Iterator<Item = String> {
    (0..PEOPLE).map(|number| format!("{number:05}"))
}

fn noise(seed: u64) -> Vec<u8> {
    let words = (0..EVIDENCE as u64 / 8).map(|i| mix(seed.wrapping_add(i)));
    words.flat_map(u64::to_le_bytes).collect()
}

impl Punch {
    /// The check-in as JSON.
    pub fn json(&self, boot: u32, seq: u64) -> String {
        let at = rfc3339(self.at_s);
        let mut text = format!(
            r#"{{"v":1,"boot":{boot},"seq":{seq},"at":"{at}","method":"{}","outcome":"{}""#,
            self.method, self.outcome
        );
        // Writing to a string cannot fail.
        if let Some(person) = &self.person {
            let _ = write!(text, r#","person":"{person}""#);
        }
        if let Some(direction) = self.direction {
            let _ = write!(text, r#","direction":"{direction}""#);
        }
        if let Some((kind, data)) = &self.evidence {
            let data = STANDARD.encode(data);
            let _ = write!(text, r#","evidence":[{{"kind":"{kind}","data":"{data}"}}]"#);
        }
        text.push('}');
        text
    }
}

/// At +08:00, with seconds.
pub fn rfc3339(at_s: i64) -> String {
    let (days, second) =
        ((at_s + 8 * 3600).div_euclid(86_400), (at_s + 8 * 3600).rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}+08:00")
}

/// Date of a day since 1970 in the Gregorian calendar, counting years from March.
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, doy - (153 * mp + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_the_site_s_offset() {
        let check = |at, expect: &str| assert_eq!(rfc3339(at), expect);
        check(0, "1970-01-01T08:00:00+08:00");
        check(1_795_132_800, "2026-11-20T08:00:00+08:00");
        check(1_709_222_399, "2024-02-29T23:59:59+08:00");
        check(1_798_732_800, "2027-01-01T00:00:00+08:00");
    }

    #[test]
    fn the_same_number_makes_the_same_punch() {
        assert_eq!(punch(1, "a", 1, 1), punch(1, "a", 1, 1));
        let all: Vec<_> = (1..500).map(|seq| punch(1, "a", 1, seq).json(1, seq)).collect();
        assert!(all.iter().any(|p| p.contains("evidence")));
        assert!(all.iter().any(|p| !p.contains("person")));
        assert!(all.iter().all(|p| serde_json::from_str::<serde_json::Value>(p).is_ok()));
    }
}
