//! What to know before a policy is signed: papers that it rests on and that end soon or are not
//! there, and a law pack that is due for review.

use super::super::papers::ask;
use crate::cli::BoxArgs;
use crate::config::Config;
use crate::control::LegalRequest;
use crate::words::{language, say};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use muster_ledger::PaperOnFile;
use muster_residency::check::{self, Finding};
use muster_residency::facts::Paper;
use muster_residency::{LawPack, Policy};

/// The warnings; of papers only where there is a box whose registry can be read.
pub(super) fn of(policy: &Policy, pack: &LawPack, at: &BoxArgs) -> Vec<Finding> {
    let now = Timestamp::now();
    let mut found = check::check_review(policy, pack, now.to_zoned(TimeZone::UTC).date());
    if let Some(papers) = registry(at) {
        found.extend(check::check_registry(policy, &papers, now));
    }
    found
}

/// As lines for people.
pub(super) fn lines(warnings: &[Finding]) -> Vec<String> {
    let told = |warning: &Finding| super::super::plain(&warning.in_line(language()));
    warnings.iter().map(|w| format!("{:<9} {}", say("told-warning"), told(w))).collect()
}

/// What is on file; `None` where no box was set up, so that a check makes none.
fn registry(at: &BoxArgs) -> Option<Vec<Paper>> {
    let config = Config::load(at.config.as_deref()).ok()?;
    if !config.site.data.join("journal").is_dir() {
        return None;
    }
    let told = ask(at, LegalRequest::PaperList).ok()?;
    let filed: Vec<PaperOnFile> = serde_json::from_value(told).ok()?;
    let counts = filed.into_iter().filter(|filed| filed.withdrawn_ms.is_none());
    let paper = |filed: PaperOnFile| Paper {
        kind: filed.paper.kind,
        lane: filed.paper.lane,
        from: filed.paper.from,
        to: filed.paper.to,
    };
    Some(counts.map(paper).collect())
}
