//! What ends soon: papers on file, the policy in force, the law pack's review.

use super::papers::PaperOnFile;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use muster_report::task::{self, TASKS, Task};
use muster_residency::Rules;
use serde::Serialize;

/// Days before an end at which it is told, ascending.
const WARN_DAYS: [i64; 3] = [1, 7, 30];
/// Nobody is asked for a task this many days before.
const TASK_DAYS: i64 = 30;
const DAY_S: i64 = 86_400;

/// Something that ends within thirty days, or has ended and was not replaced.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Expiry {
    /// What it is: `policy`, `law-pack`, the type of a paper, or of one that is owed.
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
    begun: Option<Timestamp>,
    now: Timestamp,
) -> Vec<Expiry> {
    let mut found = Vec::new();
    let shows_task = |filed: &PaperOnFile| TASKS.iter().any(|task| task.paper == filed.paper.kind);
    let kept = papers.iter().filter(|filed| filed.withdrawn_ms.is_none() && !shows_task(filed));
    for filed in kept {
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
    found.extend(begun.into_iter().flat_map(|begun| tasks(papers, begun, now)));
    found.sort_by(|a, b| (a.at, &a.which).cmp(&(b.at, &b.which)));
    found
}

/// What is owed since the first policy, from a week before its time is over.
fn tasks(papers: &[PaperOnFile], begun: Timestamp, now: Timestamp) -> Vec<Expiry> {
    let kept = || {
        let kept = papers.iter().filter(|filed| filed.withdrawn_ms.is_none());
        kept.map(|filed| (filed.paper.kind.as_str(), filed.paper.from))
    };
    let owed = |task: Task| {
        let due = task::due(task, begun, kept(), now)?;
        let which = format!("paper for {} days", task.days);
        expiry(task.paper, which, due, now).filter(|owed| owed.warn < TASK_DAYS)
    };
    TASKS.into_iter().filter_map(owed).collect()
}

fn expiry(what: &str, which: String, at: Timestamp, now: Timestamp) -> Option<Expiry> {
    let left = at.as_second().saturating_sub(now.as_second());
    let days = left.div_euclid(DAY_S) + i64::from(left.rem_euclid(DAY_S) != 0);
    let stays = what == "policy" || what == "law-pack" || TASKS.iter().any(|t| t.paper == what);
    let forgotten = !stays && days < -30;
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
            let found = expiries(&[filed(1, "dpa", "2026-07-01T00:00:00Z")], None, None, now);
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
    fn a_trial_without_a_sign_off_is_told_a_week_before_and_stays_told() {
        let begun = "2026-03-01T00:00:00Z".parse().ok();
        let told = |papers: &[PaperOnFile], now: &str| {
            let found = expiries(papers, None, begun, now.parse().expect("a time"));
            let trial = found.into_iter().find(|e| e.what == "trial-sign-off");
            trial.map(|trial| (trial.days, trial.warn))
        };
        assert_eq!(told(&[], "2026-03-02T00:00:00Z"), None);
        assert_eq!(told(&[], "2026-03-24T00:00:00Z"), Some((7, 7)));
        assert_eq!(told(&[], "2026-03-31T00:00:00Z"), Some((0, 0)));
        assert_eq!(told(&[], "2026-09-01T00:00:00Z").map(|(_, warn)| warn), Some(0));
        let signed = filed(1, "trial-sign-off", "2027-01-01T00:00:00Z");
        assert_eq!(told(std::slice::from_ref(&signed), "2026-03-31T00:00:00Z"), None);
        let gone = PaperOnFile { withdrawn_ms: Some(1), ..signed };
        assert!(told(&[gone], "2026-03-31T00:00:00Z").is_some());
    }

    #[test]
    fn what_is_followed_without_a_gap_is_not_told() {
        let now = "2026-06-20T00:00:00Z".parse().expect("a time");
        let first = filed(1, "dpa", "2026-07-01T00:00:00Z");
        let second = filed(2, "dpa", "2027-07-01T00:00:00Z");
        assert_eq!(expiries(&[first.clone(), second.clone()], None, None, now), []);
        let gone = PaperOnFile { withdrawn_ms: Some(1), ..second };
        assert_eq!(expiries(&[first, gone], None, None, now).len(), 1);
    }
}
