//! What ends soon: papers on file, the policy in force, the law pack's review.

use super::papers::PaperOnFile;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use muster_residency::Rules;
use serde::Serialize;

/// Days before an end at which it is told, ascending.
const WARN_DAYS: [i64; 3] = [1, 7, 30];
const DAY_S: i64 = 86_400;

/// Something that ends within thirty days, or has ended and was not replaced.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Expiry {
    /// What it is: `policy`, `law-pack`, or the type of a paper.
    pub what: String,
    /// Which: `mo-bank@7`, or `3 for MO->SG`.
    pub which: String,
    /// The first moment at which it no longer counts.
    pub at: Timestamp,
    /// Whole days until then, rounded up; 0 and less once it has ended.
    pub days: i64,
    /// The mark it has come under, 30, 7 or 1 days; 0 once it has ended.
    pub warn: i64,
}

/// Everything that ends within thirty days of `now`, the soonest first. A paper that has ended is
/// told for thirty days more, unless another of its type and lane is in force.
pub(crate) fn expiries(
    papers: &[PaperOnFile],
    rules: Option<&Rules>,
    now: Timestamp,
) -> Vec<Expiry> {
    let mut found = Vec::new();
    for filed in papers.iter().filter(|filed| filed.withdrawn_ms.is_none()) {
        let paper = &filed.paper;
        let which = format!("{} for {}", filed.number, paper.lane);
        let Some(ends) = expiry(&paper.kind, which, paper.to, now) else { continue };
        let follows = |other: &PaperOnFile| {
            let same = other.paper.kind == paper.kind && other.paper.lane == paper.lane;
            let later = other.withdrawn_ms.is_none() && other.paper.to > paper.to;
            same && later && other.paper.from <= paper.to
        };
        if !papers.iter().any(follows) {
            found.push(ends);
        }
    }
    if let Some(rules) = rules {
        let header = &rules.policy().header;
        let which = format!("{}@{}", header.id, header.version);
        found.extend(expiry("policy", which, header.effective_until, now));
        let pack = rules.law_pack();
        let due = pack.review_due.checked_add(1.day()).unwrap_or(pack.review_due);
        if let Ok(due) = due.to_zoned(TimeZone::UTC) {
            let which = format!("{}@{}", pack.id, pack.version);
            found.extend(expiry("law-pack", which, due.timestamp(), now));
        }
    }
    found.sort_by(|a, b| (a.at, &a.which).cmp(&(b.at, &b.which)));
    found
}

fn expiry(what: &str, which: String, at: Timestamp, now: Timestamp) -> Option<Expiry> {
    let left = at.as_second().saturating_sub(now.as_second());
    let days = left.div_euclid(DAY_S) + i64::from(left.rem_euclid(DAY_S) != 0);
    let forgotten = what != "policy" && what != "law-pack" && days < -30;
    let warn = if left <= 0 { Some(0) } else { WARN_DAYS.into_iter().find(|&mark| days <= mark) };
    let warn = warn.filter(|_| !forgotten)?;
    Some(Expiry { what: what.to_owned(), which, at, days, warn })
}

#[cfg(test)]
mod tests {
    use super::super::papers::tests::paper;
    use super::*;

    fn filed(number: u32, kind: &str, to: &str) -> PaperOnFile {
        PaperOnFile {
            number,
            paper: paper(kind, "MO->SG", "2026-01-01T00:00:00Z", to),
            filed_by: "hr".into(),
            filed_ms: 0,
            withdrawn_ms: None,
        }
    }

    #[test]
    fn warnings_come_at_thirty_seven_and_one_day() {
        let check = |now: &str, expect: Option<(i64, i64)>| {
            let now = now.parse().expect("a time");
            let found = expiries(&[filed(1, "dpa", "2026-07-01T00:00:00Z")], None, now);
            let found = found.first().map(|e| (e.days, e.warn));
            assert_eq!(found, expect, "{now}");
        };
        check("2026-05-31T23:59:59Z", None);
        check("2026-06-01T00:00:00Z", Some((30, 30)));
        check("2026-06-23T23:59:59Z", Some((8, 30)));
        check("2026-06-24T00:00:00Z", Some((7, 7)));
        check("2026-06-30T00:00:00Z", Some((1, 1)));
        check("2026-06-30T23:59:59Z", Some((1, 1)));
        check("2026-07-01T00:00:00Z", Some((0, 0)));
        check("2026-07-31T00:00:00Z", Some((-30, 0)));
        check("2026-08-02T00:00:00Z", None);
    }

    #[test]
    fn what_is_followed_without_a_gap_is_not_told() {
        let now = "2026-06-20T00:00:00Z".parse().expect("a time");
        let first = filed(1, "dpa", "2026-07-01T00:00:00Z");
        let second = filed(2, "dpa", "2027-07-01T00:00:00Z");
        assert_eq!(expiries(&[first.clone(), second.clone()], None, now), []);
        let gone = PaperOnFile { withdrawn_ms: Some(1), ..second };
        assert_eq!(expiries(&[first, gone], None, now).len(), 1);
    }
}
