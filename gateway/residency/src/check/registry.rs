//! What the policy rests on besides itself: papers on file, and the law pack's review.
//!
//! Warnings alone: a paper may come after the policy, and the law pack is counsel's to renew.

use super::{Finding, Findings};
use crate::facts::Paper;
use crate::law_pack::LawPack;
use crate::policy::Policy;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

/// A paper that ends within so many days is told.
const SOON_DAYS: i64 = 30;

/// Warns of papers that the policy requires and that the registry does not have, or whose time is
/// over by `now` or within thirty days.
pub fn check_registry(policy: &Policy, papers: &[Paper], now: Timestamp) -> Vec<Finding> {
    let mut findings = Findings::default();
    let soon = now.checked_add(SignedDuration::from_hours(24 * SOON_DAYS)).unwrap_or(now);
    for permit in &policy.permits {
        for kind in &permit.require {
            let last = papers.iter().filter(|p| p.kind == *kind).map(|p| p.to).max();
            let (code, to) = match last {
                None => ("paper-missing", String::new()),
                Some(to) if to <= now => ("paper-ended", to.to_string()),
                Some(to) if to <= soon => ("paper-ends", to.to_string()),
                Some(_) => continue,
            };
            let values = [
                ("id", permit.id.as_str().into()),
                ("type", kind.as_str().into()),
                ("date", to.into()),
            ];
            findings.add(Finding::warning(permit.line, code, values));
        }
    }
    findings.0
}

/// Warns of a law pack whose review is overdue on `today`, or due within thirty days.
pub fn check_review(policy: &Policy, pack: &LawPack, today: Date) -> Vec<Finding> {
    let mut findings = Findings::default();
    let due = pack.review_due;
    let soon = today.checked_add(SOON_DAYS.days()).is_ok_and(|soon| due <= soon);
    let code = match pack.review_overdue(today) {
        true => "review-overdue",
        false if soon => "review-due",
        false => return findings.0,
    };
    let name = format!("{}@{}", pack.id, pack.version);
    let values = [("name", name.into()), ("date", due.to_string().into())];
    findings.add(Finding::warning(policy.header.line, code, values));
    findings.0
}
