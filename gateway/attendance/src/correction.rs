//! Which corrections are in force, and what they do to which punch.
//!
//! The recorded punch is never changed: corrections are looked up beside it.

use crate::code::Code;
use crate::input::{Correction, Op, Punch, Status};
use crate::time::Instant;
use jiff::civil::Date;
use std::collections::{BTreeMap, BTreeSet};

/// All corrections, settled.
#[derive(Default)]
pub(crate) struct Corrections<'a> {
    /// Those in force, whether or not they have an effect.
    in_force: Vec<&'a Correction>,
    /// Those that make a punch.
    pub(crate) added: Vec<&'a Correction>,
    /// The one that counts on a punch, by the punch's id.
    winners: BTreeMap<&'a str, &'a Correction>,
    /// The marks they leave, on their own dates.
    marks: Vec<(Date, Code)>,
}

impl<'a> Corrections<'a> {
    /// Settles corrections, of which ids are unique, on `recorded` punches.
    pub(crate) fn settle(
        corrections: impl Iterator<Item = &'a Correction>,
        recorded: &BTreeMap<&'a str, &'a Punch>,
        now: Instant,
    ) -> Self {
        let mut settled = Self::default();
        for correction in corrections {
            if is_in_force(correction, now) {
                settled.in_force.push(correction);
            } else if correction.status != Status::Rejected {
                settled.mark(correction, Code::CorrPending);
            }
        }
        settled.add(recorded);
        settled.contest(recorded);
        settled
    }

    /// The correction that counts on a punch.
    pub(crate) fn on(&self, punch: &str) -> Option<&'a Correction> {
        self.winners.get(punch).copied()
    }

    /// The marks of a date.
    pub(crate) fn marks_on(&self, date: Date) -> impl Iterator<Item = Code> {
        self.marks.iter().filter(move |mark| mark.0 == date).map(|mark| mark.1)
    }

    /// Whether one in force for that date was decided after `at`.
    pub(crate) fn decided_after(&self, at: Instant, date: Date) -> bool {
        let late = |decided: Instant| decided > at;
        self.in_force.iter().any(|c| c.date == Some(date) && c.decided_at.is_some_and(late))
    }

    fn add(&mut self, recorded: &BTreeMap<&'a str, &'a Punch>) {
        let makes = |c: &Correction| {
            c.op == Op::Add && c.at.is_some() && !recorded.contains_key(c.id.as_str())
        };
        self.added = self.in_force.iter().copied().filter(|c| makes(c)).collect();
        for correction in self.added.clone() {
            self.mark(correction, Code::Corrected);
        }
    }

    /// Of several on one punch the greatest (decided_at, id) wins; unknown punches have no effect.
    fn contest(&mut self, recorded: &BTreeMap<&'a str, &'a Punch>) {
        let added: BTreeSet<&str> = self.added.iter().map(|c| c.id.as_str()).collect();
        let known = |id: &str| recorded.contains_key(id) || added.contains(id);
        let mut claims = self.in_force.clone();
        claims.retain(|c| c.op != Op::Add && c.punch.as_deref().is_some_and(known));
        claims.sort_by_key(|c| (c.decided_at, c.id.as_str()));
        for claim in claims {
            let Some(punch) = claim.punch.as_deref() else {
                continue;
            };
            if let Some(loser) = self.winners.insert(punch, claim) {
                self.mark(loser, Code::CorrConflict);
            }
        }
        for winner in self.winners.values().copied().collect::<Vec<_>>() {
            self.mark(winner, Code::Corrected);
        }
    }

    fn mark(&mut self, correction: &Correction, code: Code) {
        self.marks.extend(correction.date.map(|date| (date, code)));
    }
}

/// Approved by someone else than who asked, and decided by now.
fn is_in_force(correction: &Correction, now: Instant) -> bool {
    correction.status == Status::Approved
        && correction.approver.is_some()
        && correction.approver != correction.by
        && correction.decided_at.is_some_and(|decided| decided <= now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::{DeviceClock, Outcome};
    use crate::time::EPOCH;

    fn correction(id: &str, op: Op, punch: Option<&str>, decided: i64) -> Correction {
        Correction {
            id: id.into(),
            op,
            date: Some(EPOCH),
            punch: punch.map(Into::into),
            at: Some(Instant::from_seconds(5)),
            direction: None,
            status: Status::Approved,
            by: Some("a".into()),
            approver: Some("b".into()),
            decided_at: Some(Instant::from_seconds(decided)),
        }
    }

    fn punch(id: &str) -> Punch {
        Punch {
            id: id.into(),
            at: Instant::from_seconds(0),
            terminal: None,
            direction: None,
            outcome: Outcome::Granted,
            clock: DeviceClock::Ok,
            live: true,
            received_at: None,
            redated_at: None,
        }
    }

    /// Settles on the recorded punch `p` at second 10; expects marks and the winner on `target`.
    fn check(list: &[Correction], marks: &[Code], target: &str, winner: Option<&str>) {
        let recorded = punch("p");
        let recorded = BTreeMap::from([("p", &recorded)]);
        let settled = Corrections::settle(list.iter(), &recorded, Instant::from_seconds(10));
        let mut found: Vec<_> = settled.marks_on(EPOCH).collect();
        found.sort();
        assert_eq!(found, marks);
        assert_eq!(settled.on(target).map(|c| c.id.as_str()), winner);
    }

    #[test]
    fn what_is_in_force() {
        let fine = correction("c", Op::Void, Some("p"), 10);
        check(std::slice::from_ref(&fine), &[Code::Corrected], "p", Some("c"));
        let pending = |change: fn(&mut Correction)| {
            let mut one = fine.clone();
            change(&mut one);
            check(&[one], &[Code::CorrPending], "p", None);
        };
        pending(|c| c.status = Status::Pending);
        pending(|c| c.approver = None);
        pending(|c| c.approver = c.by.clone());
        pending(|c| c.decided_at = None);
        pending(|c| c.decided_at = Some(Instant::from_seconds(11)));
        pending(|c| (c.punch, c.approver) = (Some("unknown".into()), None));
        check(&[Correction { status: Status::Rejected, ..fine }], &[], "p", None);
    }

    #[test]
    fn the_latest_then_the_greatest_id_wins() {
        let by_time =
            [correction("z", Op::Set, Some("p"), 1), correction("a", Op::Void, Some("p"), 2)];
        check(&by_time, &[Code::CorrConflict, Code::Corrected], "p", Some("a"));
        let by_id =
            [correction("b", Op::Set, Some("p"), 2), correction("B", Op::Set, Some("p"), 2)];
        check(&by_id, &[Code::CorrConflict, Code::Corrected], "p", Some("b"));
    }

    #[test]
    fn without_effect() {
        check(&[correction("c", Op::Set, Some("unknown"), 1)], &[], "unknown", None);
        check(&[correction("c", Op::Set, None, 1)], &[], "p", None);
        check(&[correction("p", Op::Add, None, 1)], &[], "p", None);
        check(&[Correction { at: None, ..correction("c", Op::Add, None, 1) }], &[], "c", None);
    }

    #[test]
    fn an_added_punch_may_be_corrected() {
        let list = [correction("c", Op::Add, None, 1), correction("d", Op::Void, Some("c"), 1)];
        check(&list, &[Code::Corrected, Code::Corrected], "c", Some("d"));
    }
}
