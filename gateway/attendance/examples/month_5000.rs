//! Measures how long the month of 5,000 people takes: `cargo run --release --example month_5000`.
//!
//! People come and go on every workday, some with lunch breaks, late, at night, on leave, with a
//! correction; one thread, as the page would compute it. Fails if it takes a second or more.

use jiff::civil::date;
use muster_attendance::input::{
    Correction, Holiday, Input, Leave, LeaveKind, Op, Punch, Range, RosterEntry, Rules, Status,
    Storm, Terminal,
};
use muster_attendance::shift::{Parameters, Shift, ShiftDraft};
use muster_attendance::time::{Instant, LocalTime, Site, Zone};
use muster_attendance::{DeviceClock, Direction, Outcome, sheet};
use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant as Clock};

const PEOPLE: u32 = 5_000;
const RUNS: usize = 5;
const LIMIT: Duration = Duration::from_secs(1);

/// 2026-02-28T16:00:00Z, the midnight that begins March in Hong Kong.
const MARCH: i64 = 1_772_294_400;

fn main() -> Result<(), Box<dyn Error>> {
    let rules = Arc::new(rules()?);
    let people: Vec<Input> = (0..PEOPLE).map(|n| person(n, &rules)).collect::<Result<_, _>>()?;
    let punches: usize = people.iter().map(|person| person.punches.len()).sum();
    let now = Instant::from_seconds(MARCH + 40 * 86_400);
    let mut best = Duration::MAX;
    let mut out = std::io::stdout().lock();
    for _ in 0..RUNS {
        let start = Clock::now();
        let days: usize = people.iter().map(|input| sheet::evaluate(input, now).days.len()).sum();
        let taken = start.elapsed();
        best = best.min(taken);
        writeln!(out, "{PEOPLE} people, {days} days, {punches} punches: {taken:.3?}")?;
    }
    writeln!(out, "best of {RUNS}: {best:.3?}, limit {LIMIT:?}")?;
    if best >= LIMIT { Err("over the limit".into()) } else { Ok(()) }
}

fn rules() -> Result<Rules, Box<dyn Error>> {
    let shift = |json: &str| -> Result<Shift, Box<dyn Error>> {
        let draft: ShiftDraft = serde_json::from_str(json)?;
        Ok(Shift::new(draft, Parameters::default())?)
    };
    let pause = r#""breaks":[{"from":"13:00","to":"14:00"}]"#;
    let day = format!(r#"{{"parts":[["09:00","18:00"]],{pause}}}"#);
    let pairs = format!(r#"{{"parts":[["09:00","18:00"]],{pause},"pairing":"pairs"}}"#);
    let holiday = |day| Holiday { date: date(2026, 3, day), site: Some("hk".into()) };
    let complete_until = Some(Instant::from_seconds(MARCH + 40 * 86_400));
    let terminal = Terminal { site: Some("hk".into()), complete_until };
    Ok(Rules {
        sites: BTreeMap::from([("hk".into(), Site::fixed(Zone::named("Asia/Hong_Kong")?))]),
        shifts: BTreeMap::from([
            ("day".into(), shift(&day)?),
            ("pairs".into(), shift(&pairs)?),
            ("night".into(), shift(r#"{"parts":[["22:00","30:00"]]}"#)?),
        ]),
        holidays: (1..=20).map(holiday).filter(|holiday| holiday.date.day() % 9 == 0).collect(),
        storms: vec![Storm {
            date: date(2026, 3, 12),
            site: None,
            from: "12:00".parse()?,
            to: LocalTime::DAY_END,
        }],
        terminals: (1..=20).map(|n| (format!("T{n}"), terminal.clone())).collect(),
        ..Rules::default()
    })
}

fn person(n: u32, rules: &Arc<Rules>) -> Result<Input, Box<dyn Error>> {
    let range = Range::new(date(2026, 3, 1), date(2026, 3, 31))?;
    let shift = ["day", "pairs", "night"][n as usize % 3];
    let work = std::iter::repeat_n(Some(shift.to_owned()), 5);
    let roster = RosterEntry {
        from: Some(date(2026, 3, 2)),
        cycle: work.chain([None, None]).collect(),
        ..RosterEntry::default()
    };
    let leave = Leave { date: date(2026, 3, 20), kind: LeaveKind::Am, approved: true };
    let days = (1..31i64).filter(|day| (day - 1) % 7 < 5);
    Ok(Input {
        site: Some("hk".into()),
        roster: vec![roster],
        leave: if n.is_multiple_of(10) { vec![leave] } else { Vec::new() },
        punches: days.flat_map(|day| day_punches(n, day, shift)).collect(),
        corrections: if n.is_multiple_of(5) { vec![correction(n)] } else { Vec::new() },
        ..Input::new(Arc::clone(rules), range)
    })
}

fn day_punches(n: u32, day: i64, shift: &str) -> Vec<Punch> {
    let minutes: &[i64] = match shift {
        "night" => &[21 * 60 + 55, 30 * 60 + 4],
        "pairs" => &[9 * 60 - 5, 13 * 60 + 2, 13 * 60 + 55, 18 * 60 + 9],
        _ => &[9 * 60 - 5, 18 * 60 + 9],
    };
    let jitter = i64::from(n % 11) * 61;
    let at = |minute: &i64| Instant::from_seconds(MARCH + day * 86_400 + minute * 60 + jitter);
    let punch = |(place, minute): (usize, &i64)| Punch {
        id: format!("01K{n:010}{day:02}{place}"),
        at: at(minute),
        terminal: Some(format!("T{}", n % 20 + 1)),
        direction: Some(if place % 2 == 0 { Direction::In } else { Direction::Out }),
        outcome: Outcome::Granted,
        clock: DeviceClock::Ok,
        live: true,
        received_at: Some(at(minute)),
        redated_at: None,
    };
    minutes.iter().enumerate().map(punch).collect()
}

fn correction(n: u32) -> Correction {
    Correction {
        id: format!("C{n}"),
        op: Op::Set,
        date: Some(date(2026, 3, 3)),
        punch: Some(format!("01K{n:010}020")),
        at: Some(Instant::from_seconds(MARCH + 2 * 86_400 + 9 * 3600)),
        direction: None,
        status: Status::Approved,
        by: Some("a".into()),
        approver: Some("b".into()),
        decided_at: Some(Instant::from_seconds(MARCH + 20 * 86_400)),
    }
}
