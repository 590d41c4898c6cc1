//! Today's board as a pure function of the day's records: who is in, who was seen, what was
//! refused, what is not sent yet.
//!
//! Directions follow the attendance rules' pairing: a given one counts; without one, punches take
//! turns, and a repeat within a minute is the same act. The board keeps no names.

mod expected;

pub(crate) use expected::Missing;

use crate::when::Zone;
use jiff::civil::Date;
use muster_attendance::{
    Attendance, DeviceClock, DeviceId, Direction, EventId, Method, Outcome, PersonId,
};
use muster_ledger::{DayBoard, PersonDay, RecordRow, RecordState};
use serde::Serialize;
use std::collections::HashMap;

/// A second punch within this many seconds is the same act, unless both say which way and differ.
const SAME_ACT_SECONDS: i64 = 60;
/// Parts of a day in the small chart: half hours.
pub(crate) const PARTS: usize = 48;
/// Refused punches that are listed; all are counted.
const MAX_REFUSED: usize = 200;

/// Where somebody is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Presence {
    /// The terminal said in.
    In,
    /// In by turns: no terminal said which way.
    ProbablyIn,
    /// The terminal said out.
    Out,
    /// Out by turns.
    ProbablyOut,
    /// Only refused today.
    Refused,
}

impl Presence {
    pub(crate) fn is_in(self) -> bool {
        matches!(self, Self::In | Self::ProbablyIn)
    }

    pub(crate) fn is_out(self) -> bool {
        matches!(self, Self::Out | Self::ProbablyOut)
    }
}

/// One person today.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Line {
    pub(crate) person: PersonId,
    pub(crate) presence: Presence,
    /// First punch that counts, milliseconds.
    pub(crate) first_ms: Option<i64>,
    /// Last punch, milliseconds.
    pub(crate) last_ms: i64,
    pub(crate) last_device: DeviceId,
    /// Whether the last time is the box's, because the terminal's clock was not sure.
    pub(crate) box_time: bool,
    pub(crate) punches: u32,
    /// Records of theirs not sent yet, or set aside.
    pub(crate) waiting: u32,
    /// The state that most needs a look.
    pub(crate) state: RecordState,
    /// When they were to come, milliseconds, where they came late.
    pub(crate) late_ms: Option<i64>,
    /// The revision in which this line last changed.
    pub(crate) changed: u64,
}

/// A punch that a terminal refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RefusedPunch {
    pub(crate) id: EventId,
    pub(crate) person: Option<PersonId>,
    pub(crate) device: DeviceId,
    pub(crate) at_ms: i64,
    pub(crate) method: Method,
}

/// Figures of a board.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub(crate) struct Counts {
    #[serde(rename = "in")]
    pub(crate) inside: u64,
    pub(crate) out: u64,
    pub(crate) seen: u64,
    /// Not seen though they were to come by now.
    pub(crate) missing: u64,
    pub(crate) late: u64,
    pub(crate) refused: u64,
    pub(crate) waiting: u64,
}

/// Everybody today, last punch first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Board {
    pub(crate) date: Date,
    /// Differs where revisions cannot be compared: after a restart, at midnight.
    pub(crate) generation: u64,
    pub(crate) revision: u64,
    pub(crate) lines: Vec<Line>,
    /// Whether anybody is to come at a time today: without plans nobody is late or missing.
    pub(crate) planned: bool,
    /// Who is not in yet, longest first.
    pub(crate) missing: Vec<Missing>,
    /// The revision in which somebody last joined those.
    pub(crate) grown: u64,
    /// Newest first, at most 200.
    pub(crate) refused: Vec<RefusedPunch>,
    pub(crate) refused_count: u64,
    /// Granted punches by half hour.
    pub(crate) pulse: [u32; PARTS],
}

impl Board {
    /// The board of a day's records.
    pub(crate) fn of(day: &DayBoard, zone: &Zone, generation: u64) -> Self {
        let mut board = Self {
            date: day.date,
            generation,
            revision: 1,
            lines: Vec::with_capacity(day.people.len()),
            planned: false,
            missing: Vec::new(),
            grown: 1,
            refused: Vec::new(),
            refused_count: 0,
            pulse: [0; PARTS],
        };
        for person in &day.people {
            board.lines.extend(line(person));
            for row in &person.records {
                board.note(row, zone);
            }
        }
        board.lines.sort_by_key(|line| (std::cmp::Reverse(line.last_ms), line.person));
        board.refused.sort_by_key(|refused| std::cmp::Reverse((refused.at_ms, refused.id)));
        board.refused.truncate(MAX_REFUSED);
        board
    }

    fn note(&mut self, row: &RecordRow, zone: &Zone) {
        let (at_ms, fact) = (time_ms(&row.attendance), &row.attendance);
        if fact.outcome == Outcome::Denied {
            let (person, device, method) = (fact.person, fact.device, fact.method);
            self.refused.push(RefusedPunch { id: row.id, person, device, at_ms, method });
            self.refused_count += 1;
        } else {
            let part = usize::from(zone.minute_of_day(at_ms)) * PARTS / 1_440;
            if let Some(count) = self.pulse.get_mut(part) {
                *count += 1;
            }
        }
    }

    /// Carries revisions on from the board before, where they can be compared; whether anything
    /// changed.
    pub(crate) fn follow(&mut self, before: &Self, new_generation: impl FnOnce() -> u64) -> bool {
        let old: HashMap<_, _> = before.lines.iter().map(|line| (line.person, line)).collect();
        let stayed = self.lines.iter().filter(|line| old.contains_key(&line.person)).count();
        if self.date != before.date || stayed < before.lines.len() {
            // Another day, or somebody is somebody else now: pages load afresh.
            self.generation = new_generation();
            return true;
        }
        self.generation = before.generation;
        self.revision = before.revision;
        let next = before.revision + 1;
        let mut changed = self.refused != before.refused
            || self.pulse != before.pulse
            || self.missing != before.missing
            || self.planned != before.planned;
        let joined = |missing: &Missing| before.missing.binary_search(missing).is_err();
        let grown = self.missing.iter().any(joined);
        self.grown = if grown { next } else { before.grown };
        for line in &mut self.lines {
            line.changed = match old.get(&line.person) {
                Some(old) if (Line { changed: old.changed, ..*line }) == **old => old.changed,
                _ => next,
            };
            changed |= line.changed == next;
        }
        if changed {
            self.revision = next;
        }
        changed
    }

    /// Figures over the people that `sees` lets through.
    pub(crate) fn counts(&self, mut sees: impl FnMut(PersonId) -> bool, all: bool) -> Counts {
        let mut counts = Counts::default();
        for line in self.lines.iter().filter(|line| all || sees(line.person)) {
            counts.inside += u64::from(line.presence.is_in());
            counts.out += u64::from(line.presence.is_out());
            counts.seen += u64::from(line.presence != Presence::Refused);
            counts.waiting += u64::from(line.waiting);
            counts.late += u64::from(line.late_ms.is_some());
        }
        let missing = self.missing.iter().filter(|missing| all || sees(missing.person));
        counts.missing = missing.count() as u64;
        counts.refused = self.refused_count;
        counts
    }
}

/// The time of a punch in milliseconds: the terminal's, or the box's where the terminal was not
/// sure of its clock and the punch was live.
pub(crate) fn time_ms(fact: &Attendance) -> i64 {
    if by_box_clock(fact) { fact.received_ms } else { fact.at.seconds.saturating_mul(1000) }
}

fn seconds(fact: &Attendance) -> i64 {
    time_ms(fact).div_euclid(1000)
}

/// Whether a punch says that somebody was there.
fn counts(row: &RecordRow) -> bool {
    row.attendance.outcome != Outcome::Denied && row.state != RecordState::Quarantined
}

/// Whether [`time_ms`] is the box's.
pub(crate) fn by_box_clock(fact: &Attendance) -> bool {
    fact.clock == DeviceClock::Unsure && fact.live
}

/// A punch with the direction it counts as; `None` where it does not count.
pub(crate) struct Paired {
    pub(crate) direction: Option<Direction>,
    /// No terminal said so.
    pub(crate) derived: bool,
    /// The same act as the one before.
    pub(crate) repeat: bool,
}

/// Directions of a day's records, in their order.
pub(crate) fn pair(records: &[RecordRow]) -> Vec<Paired> {
    let mut last: Option<(i64, Option<Direction>)> = None;
    let mut inside = false;
    let mut paired = Vec::with_capacity(records.len());
    for row in records {
        let (fact, seconds) = (&row.attendance, seconds(&row.attendance));
        if !counts(row) {
            paired.push(Paired { direction: None, derived: false, repeat: false });
            continue;
        }
        let repeat = last.is_some_and(|(before, given)| {
            let differ = matches!((given, fact.direction), (Some(a), Some(b)) if a != b);
            seconds - before <= SAME_ACT_SECONDS && !differ
        });
        if repeat {
            paired.push(Paired { direction: None, derived: false, repeat: true });
            continue;
        }
        let turn = if inside { Direction::Out } else { Direction::In };
        let direction = fact.direction.unwrap_or(turn);
        inside = direction == Direction::In;
        last = Some((seconds, fact.direction));
        let derived = fact.direction.is_none();
        paired.push(Paired { direction: Some(direction), derived, repeat: false });
    }
    paired
}

fn line(day: &PersonDay) -> Option<Line> {
    let person = day.person?;
    let last = day.records.iter().max_by_key(|row| time_ms(&row.attendance))?;
    let counted = |row: &&RecordRow| row.attendance.outcome != Outcome::Denied;
    let latest = day.records.iter().filter(counted).max_by_key(|row| time_ms(&row.attendance));
    let shown = latest.unwrap_or(last);
    let presence = pair(&day.records).iter().rev().find_map(presence).unwrap_or(Presence::Refused);
    let waits =
        |row: &&RecordRow| matches!(row.state, RecordState::Held | RecordState::Quarantined);
    Some(Line {
        person,
        presence,
        first_ms: day.records.iter().filter(counted).map(|row| time_ms(&row.attendance)).min(),
        last_ms: time_ms(&shown.attendance),
        last_device: shown.attendance.device,
        box_time: by_box_clock(&shown.attendance),
        punches: day.records.iter().filter(counted).count() as u32,
        waiting: day.records.iter().filter(waits).count() as u32,
        state: day.records.iter().map(|row| row.state).max_by_key(|state| need(*state))?,
        late_ms: None,
        changed: 1,
    })
}

fn presence(paired: &Paired) -> Option<Presence> {
    Some(match (paired.direction?, paired.derived) {
        (Direction::In, false) => Presence::In,
        (Direction::In, true) => Presence::ProbablyIn,
        (Direction::Out, false) => Presence::Out,
        (Direction::Out, true) => Presence::ProbablyOut,
    })
}

/// How much a state needs a look.
fn need(state: RecordState) -> u8 {
    match state {
        RecordState::Dropped => 0,
        RecordState::Settled => 1,
        RecordState::Queued => 2,
        RecordState::Held => 3,
        RecordState::Quarantined => 4,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use muster_attendance::DeviceTime;

    /// 2026-11-22T00:00:00Z in seconds.
    pub(crate) const MIDNIGHT: i64 = 1_795_305_600;

    /// A granted punch at `seconds` after midnight UTC.
    pub(crate) fn punch(person: u64, seconds: i64, direction: Option<Direction>) -> RecordRow {
        let at = MIDNIGHT + seconds;
        let attendance = Attendance {
            device: DeviceId(1),
            boot: 1,
            seq: seconds.unsigned_abs(),
            person: (person > 0).then_some(PersonId(person)),
            at: DeviceTime { seconds: at, offset_minutes: 480 },
            received_ms: at * 1000 + 400,
            method: Method::Face,
            outcome: if person > 0 { Outcome::Granted } else { Outcome::Denied },
            direction,
            live: true,
            clock: DeviceClock::Ok,
        };
        let id = EventId::new(at * 1000, 0, seconds.unsigned_abs());
        let (state, destination, reasons) = (RecordState::Settled, None, Vec::new());
        RecordRow { id, attendance, summary: None, state, destination, reasons }
    }

    pub(crate) fn day(people: Vec<Vec<RecordRow>>) -> DayBoard {
        let person = |records: &[RecordRow]| records.first().and_then(|row| row.attendance.person);
        let people = people.into_iter();
        let people = people.map(|records| PersonDay { person: person(&records), records });
        DayBoard { date: jiff::civil::date(2026, 11, 22), people: people.collect() }
    }

    pub(crate) fn board(people: Vec<Vec<RecordRow>>) -> Board {
        Board::of(&day(people), &Zone::named("Asia/Macau").expect("a zone"), 7)
    }

    pub(super) const IN: Option<Direction> = Some(Direction::In);
    pub(super) const OUT: Option<Direction> = Some(Direction::Out);

    #[test]
    fn presence_is_the_last_acts() {
        for (punches, expect) in [
            (vec![(0, IN)], Presence::In),
            (vec![(0, IN), (3_600, OUT)], Presence::Out),
            (vec![(0, None)], Presence::ProbablyIn),
            (vec![(0, None), (3_600, None)], Presence::ProbablyOut),
            (vec![(0, None), (30, None)], Presence::ProbablyIn),
            (vec![(0, IN), (30, OUT)], Presence::Out),
            (vec![(0, OUT), (3_600, None)], Presence::ProbablyIn),
        ] {
            let rows = punches.iter().map(|(at, way)| punch(5, *at, *way)).collect();
            assert_eq!(board(vec![rows]).lines[0].presence, expect, "{punches:?}");
        }
    }

    #[test]
    fn counts_add_up() {
        let mut held = punch(3, 50, IN);
        held.state = RecordState::Held;
        let board = board(vec![
            vec![punch(1, 10, IN)],
            vec![punch(2, 20, IN), punch(2, 400, OUT)],
            vec![held],
            vec![punch(0, 60, None), punch(0, 70, None)],
        ]);
        let counts = board.counts(|_| true, true);
        let expect =
            Counts { inside: 2, out: 1, seen: 3, refused: 2, waiting: 1, ..Counts::default() };
        assert_eq!(counts, expect);
        assert_eq!(board.pulse.iter().sum::<u32>(), 4);
        assert_eq!(board.pulse[16], 4, "08:00 in Macau");
        assert_eq!(board.counts(|person| person == PersonId(2), false).inside, 0);
        let order: Vec<_> = board.lines.iter().map(|line| line.person.0).collect();
        assert_eq!(order, [2, 3, 1]);
    }

    #[test]
    fn an_unsure_clock_gives_way_to_the_boxs() {
        let mut row = punch(1, 10, IN);
        row.attendance.clock = DeviceClock::Unsure;
        assert_eq!(time_ms(&row.attendance), (MIDNIGHT + 10) * 1000 + 400);
        row.attendance.live = false;
        assert_eq!(time_ms(&row.attendance), (MIDNIGHT + 10) * 1000);
    }

    #[test]
    fn only_what_changed_carries_a_new_revision() {
        let first = board(vec![vec![punch(1, 10, IN)], vec![punch(2, 20, IN)]]);
        let mut same = board(vec![vec![punch(1, 10, IN)], vec![punch(2, 20, IN)]]);
        assert!(!same.follow(&first, || 8));
        assert_eq!(same, first);

        let people = vec![vec![punch(1, 10, IN), punch(1, 900, OUT)], vec![punch(2, 20, IN)]];
        let mut next = board(people);
        assert!(next.follow(&first, || 8));
        let changed: Vec<_> = next.lines.iter().map(|line| (line.person.0, line.changed)).collect();
        assert_eq!((next.generation, next.revision), (7, 2));
        assert_eq!(changed, [(1, 2), (2, 1)]);

        let mut fewer = board(vec![vec![punch(1, 10, IN)]]);
        assert!(fewer.follow(&first, || 8));
        assert_eq!(fewer.generation, 8);
    }

    #[test]
    fn a_day_without_records_is_a_board() {
        let board = board(Vec::new());
        assert_eq!(board.counts(|_| true, true), Counts::default());
    }
}
