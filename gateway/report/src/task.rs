//! What the company owes itself after the first policy, and how it is shown: the sign-off of the
//! trial within thirty days, and one exit drill a year. Each is a paper in the registry of legal
//! evidence, so that two people file it and its document's hash is on record; it counts from its
//! first day on.

use jiff::{SignedDuration, Timestamp};

/// A task: the type of the paper that shows it, and how long there is for it.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// Type of the paper.
    pub paper: &'static str,
    /// Days until it is owed, from the first policy or from when it was done last.
    pub days: i64,
    /// Whether it is owed again and again.
    pub recurs: bool,
}

/// Somebody signs that the trial went well.
pub const TRIAL: Task = Task { paper: "trial-sign-off", days: 30, recurs: false };
/// All data was taken out in open formats, read again elsewhere, and the copy deleted.
pub const EXIT_DRILL: Task = Task { paper: "exit-drill", days: 365, recurs: true };
/// All of them.
pub const TASKS: [Task; 2] = [TRIAL, EXIT_DRILL];

/// The moment after which `task` is missed; `None` once it is done for good. `begun` is when the
/// first policy was accepted; papers come as type and first day.
pub fn due<'a>(
    task: Task,
    begun: Timestamp,
    papers: impl Iterator<Item = (&'a str, Timestamp)>,
    now: Timestamp,
) -> Option<Timestamp> {
    let last = last(task, papers, now);
    if last.is_some() && !task.recurs {
        return None;
    }
    let from = last.map_or(begun, |last| last.max(begun));
    Some(from.checked_add(days(task)).unwrap_or(Timestamp::MAX))
}

/// Whether the time for `task` has passed.
pub fn is_missed<'a>(
    task: Task,
    begun: Timestamp,
    papers: impl Iterator<Item = (&'a str, Timestamp)>,
    now: Timestamp,
) -> bool {
    due(task, begun, papers, now).is_some_and(|due| due <= now)
}

/// Whether it was done within its days before `now`, whenever the policy began.
pub fn done_within<'a>(
    task: Task,
    papers: impl Iterator<Item = (&'a str, Timestamp)>,
    now: Timestamp,
) -> bool {
    last(task, papers, now).is_some_and(|last| now.duration_since(last) <= days(task))
}

fn last<'a>(
    task: Task,
    papers: impl Iterator<Item = (&'a str, Timestamp)>,
    now: Timestamp,
) -> Option<Timestamp> {
    papers.filter(|(kind, from)| *kind == task.paper && *from <= now).map(|(_, from)| from).max()
}

fn days(task: Task) -> SignedDuration {
    SignedDuration::from_hours(24 * task.days)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_trial_is_missed_on_its_thirty_first_day_unless_somebody_signed() {
        let begun = at("2026-03-01T08:00:00Z");
        let missed = |papers: &[(&str, &str)], now: &str| {
            let papers: Vec<_> = papers.iter().map(|(kind, from)| (*kind, at(from))).collect();
            is_missed(TRIAL, begun, papers.into_iter(), at(now))
        };
        assert!(!missed(&[], "2026-03-31T07:59:59Z"));
        assert!(missed(&[], "2026-03-31T08:00:00Z"));
        assert!(!missed(&[("trial-sign-off", "2026-03-20T00:00:00Z")], "2027-03-31T08:00:00Z"));
        assert!(missed(&[("dpa", "2026-03-20T00:00:00Z")], "2026-03-31T08:00:00Z"));
        // What begins later shows nothing yet.
        assert!(missed(&[("trial-sign-off", "2026-04-20T00:00:00Z")], "2026-03-31T08:00:00Z"));
    }

    #[test]
    fn an_exit_drill_is_owed_every_year() {
        let begun = at("2026-03-01T00:00:00Z");
        let drill = [("exit-drill", at("2026-09-01T00:00:00Z"))];
        let owed = |now: &str| due(EXIT_DRILL, begun, drill.into_iter(), at(now));
        assert_eq!(owed("2026-08-31T00:00:00Z"), Some(at("2027-03-01T00:00:00Z")));
        assert_eq!(owed("2026-10-01T00:00:00Z"), Some(at("2027-09-01T00:00:00Z")));
        assert!(done_within(EXIT_DRILL, drill.into_iter(), at("2027-09-01T00:00:00Z")));
        assert!(!done_within(EXIT_DRILL, drill.into_iter(), at("2027-09-01T00:00:01Z")));
        assert!(!done_within(EXIT_DRILL, drill.into_iter(), at("2026-08-31T00:00:00Z")));
    }
}
