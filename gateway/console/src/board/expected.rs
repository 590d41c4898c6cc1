//! Who of today's board came late, and who is not in yet: their plan against the day's records. It is
//! the board's word of this minute; what a day was is the sheet's to say.

use super::{Board, counts, seconds};
use muster_attendance::{Due, PersonId};
use muster_ledger::{DayBoard, PersonDay};
use std::collections::HashMap;

/// Somebody who was to come by now and has not been seen. That is no absence: a terminal may still
/// have their punch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Missing {
    /// When they were to come, milliseconds.
    pub(crate) due_ms: i64,
    pub(crate) person: PersonId,
}

impl Board {
    /// Says who came late, and who was to come by `now_ms` and has not been seen.
    pub(crate) fn expect(&mut self, day: &DayBoard, due: &HashMap<PersonId, Due>, now_ms: i64) {
        self.planned = !due.is_empty();
        let came = |person: &PersonDay| {
            let due = due.get(&person.person?)?;
            let times =
                person.records.iter().filter(|row| counts(row)).map(|r| seconds(&r.attendance));
            Some((person.person?, times.filter(|at| *at >= due.from.seconds()).min()?))
        };
        let came: HashMap<PersonId, i64> = day.people.iter().filter_map(came).collect();
        for line in &mut self.lines {
            let due = due.get(&line.person).zip(came.get(&line.person));
            let late = due.filter(|(due, came)| **came >= due.late.seconds());
            line.late_ms = late.map(|(due, _)| due.at.seconds().saturating_mul(1000));
        }
        let is_missing = |(person, due): &(&PersonId, &Due)| {
            due.late.seconds() <= now_ms.div_euclid(1000) && !came.contains_key(*person)
        };
        let missing = due.iter().filter(is_missing).map(|(person, due)| Missing {
            due_ms: due.at.seconds().saturating_mul(1000),
            person: *person,
        });
        self.missing = missing.collect();
        self.missing.sort_unstable();
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{IN, MIDNIGHT, OUT, day, punch};
    use super::*;
    use crate::when::Zone;
    use muster_attendance::Outcome;
    use muster_attendance::time::Instant;

    /// At 09:00 UTC with five minutes' grace, of a shift whose punches count from 05:00.
    fn due(people: impl IntoIterator<Item = u64>) -> HashMap<PersonId, Due> {
        let at = |seconds| Instant::from_seconds(MIDNIGHT + seconds);
        let due = Due { from: at(5 * HOUR), at: at(9 * HOUR), late: at(9 * HOUR + 360) };
        people.into_iter().map(|person| (PersonId(person), due)).collect()
    }

    const HOUR: i64 = 3_600;

    #[test]
    fn late_and_missing_follow_the_plan() {
        let nine = 9 * HOUR;
        let mut denied = punch(4, nine - 60, IN);
        denied.attendance.outcome = Outcome::Denied;
        // In time; within the grace; late; refused only; home from the night and late again; no plan.
        let people = day(vec![
            vec![punch(1, nine - 60, IN)],
            vec![punch(2, nine + 359, IN)],
            vec![punch(3, nine + 360, None)],
            vec![denied],
            vec![punch(5, 4 * HOUR, OUT), punch(5, nine + 7_200, IN)],
            vec![punch(7, nine + 900, IN)],
        ]);
        let zone = Zone::named("Asia/Macau").expect("a zone");
        let mut board = Board::of(&people, &zone, 7);
        board.expect(&people, &due(1..=6), (MIDNIGHT + nine + 360) * 1000);
        let late: Vec<_> = board.lines.iter().filter(|line| line.late_ms.is_some()).collect();
        assert_eq!(late.iter().map(|line| line.person.0).collect::<Vec<_>>(), [5, 3]);
        assert_eq!(late[0].late_ms, Some((MIDNIGHT + nine) * 1000));
        assert_eq!(board.missing.iter().map(|m| m.person.0).collect::<Vec<_>>(), [4, 6]);
        let counts = board.counts(|_| true, true);
        assert_eq!((counts.late, counts.missing), (2, 2));
        assert_eq!(board.counts(|person| person == PersonId(6), false).missing, 1);

        let before = board.clone();
        board.expect(&people, &due(1..=6), (MIDNIGHT + nine + 359) * 1000);
        assert_eq!((board.missing.len(), board.planned), (0, true));
        board.expect(&people, &HashMap::new(), i64::MAX);
        assert!(board.missing.is_empty() && !board.planned);
        assert!(board.lines.iter().all(|line| line.late_ms.is_none()));
        assert!(board.follow(&before, || 8), "a plan that is gone changes a board");
    }

    #[test]
    fn who_joins_the_missing_is_numbered() {
        let zone = Zone::named("Asia/Macau").expect("a zone");
        let people = day(vec![vec![punch(1, 9 * HOUR, IN)]]);
        let at = |people: &DayBoard, minute: i64| {
            let mut board = Board::of(people, &zone, 7);
            board.expect(people, &due([1, 2]), (MIDNIGHT + 9 * HOUR + minute * 60) * 1000);
            board
        };
        let first = at(&people, 0);
        let mut second = at(&people, 6);
        assert!(second.follow(&first, || 8));
        assert_eq!((second.revision, second.grown), (2, 2));
        let came = day(vec![vec![punch(1, 9 * HOUR, IN)], vec![punch(2, 9 * HOUR + 400, IN)]]);
        let mut third = at(&came, 7);
        assert!(third.follow(&second, || 8));
        assert_eq!((third.revision, third.grown, third.missing.len()), (3, 2, 0));
    }
}
