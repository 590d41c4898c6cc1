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
            let told = |what: String, why, cure| (permit.line, what, why, cure);
            let renew = "file its successor with `muster papers add` before then";
            let warning = match last {
                None => told(
                    format!(
                        "permit `{}` requires `{kind}`, which is not in the registry",
                        permit.id
                    ),
                    "its records are held until it is",
                    "add the paper with `muster papers add`",
                ),
                Some(to) if to <= now => told(
                    format!("permit `{}` requires `{kind}`, which ended on {to}", permit.id),
                    "its records are held until there is another",
                    "file its successor with `muster papers add`",
                ),
                Some(to) if to <= soon => told(
                    format!("permit `{}` requires `{kind}`, which ends on {to}", permit.id),
                    "its records are held from then on",
                    renew,
                ),
                Some(_) => continue,
            };
            let (line, what, why, cure) = warning;
            findings.warning(line, what, why, cure);
        }
    }
    findings.0
}

/// Warns of a law pack whose review is overdue on `today`, or due within thirty days.
pub fn check_review(policy: &Policy, pack: &LawPack, today: Date) -> Vec<Finding> {
    let mut findings = Findings::default();
    let (line, name) = (policy.header.line, format!("{}@{}", pack.id, pack.version));
    let due = pack.review_due;
    let why = "what it says of the law may have changed";
    let cure = "have counsel review it, and take the newer law pack";
    if pack.review_overdue(today) {
        findings.warning(line, format!("law pack {name} is past its review of {due}"), why, cure);
    } else if today.checked_add(SOON_DAYS.days()).is_ok_and(|soon| due <= soon) {
        findings.warning(line, format!("law pack {name} is due for review on {due}"), why, cure);
    }
    findings.0
}
