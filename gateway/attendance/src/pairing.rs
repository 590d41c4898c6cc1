//! Repeats, and which punches make a pair.

use crate::code::Code;
use crate::fact::Direction;
use crate::punch::{Reading, Use};
use crate::roster::Turn;
use crate::shift::{Pairing, Parameters};
use crate::time::Instant;

/// What a day's punches come to.
#[derive(Default, Debug)]
pub(crate) struct Paired {
    /// F, the day's coming.
    pub(crate) first: Option<Instant>,
    /// L, the day's going.
    pub(crate) last: Option<Instant>,
    /// Each in with its out, in order.
    pub(crate) pairs: Vec<(Instant, Instant)>,
    /// Whether any punch was kept.
    pub(crate) any: bool,
    pub(crate) missing_in: bool,
    pub(crate) missing_out: bool,
}

/// Pairs a day's punches and writes into each what it is used as.
pub(crate) fn pair(
    day: &mut [Reading<'_>],
    turn: Option<&Turn<'_>>,
    parameters: &Parameters,
) -> Paired {
    let mut kept = keep(day, parameters.double_seconds);
    if let [only] = kept.as_mut_slice() {
        only.direction = only.direction.or_else(|| Some(lone(only.at, turn)));
    }
    if kept.is_empty() {
        return Paired::default();
    }
    match parameters.pairing {
        Pairing::FirstLast => first_last(day, &kept),
        Pairing::Pairs => pairs(day, &kept),
    }
}

/// A punch that counts and is no repeat.
struct Kept {
    /// Where it is among the day's punches.
    index: usize,
    at: Instant,
    direction: Option<Direction>,
}

/// Drops repeats; what is left is in order.
fn keep(day: &mut [Reading<'_>], double_seconds: u32) -> Vec<Kept> {
    let mut order: Vec<usize> = (0..day.len()).filter(|i| day[*i].why.is_none()).collect();
    order.sort_by_key(|i| (day[*i].at, rank(day[*i].direction), day[*i].id));
    let mut kept: Vec<Kept> = Vec::with_capacity(order.len());
    for index in order {
        let (at, direction) = (day[index].at, day[index].direction);
        if kept.last().is_some_and(|last| repeats(last, at, direction, double_seconds)) {
            day[index].why = Some(Code::Double);
        } else {
            kept.push(Kept { index, at, direction });
        }
    }
    kept
}

fn repeats(last: &Kept, at: Instant, direction: Option<Direction>, double_seconds: u32) -> bool {
    let differ = last.direction.is_some() && direction.is_some() && last.direction != direction;
    let apart = at.seconds().saturating_sub(last.at.seconds());
    apart <= i64::from(double_seconds) && !differ
}

fn rank(direction: Option<Direction>) -> u8 {
    match direction {
        Some(Direction::In) => 0,
        Some(Direction::Out) => 1,
        None => 2,
    }
}

/// A lone punch without direction is an out if it is nearer the shift's end.
fn lone(at: Instant, turn: Option<&Turn<'_>>) -> Direction {
    let distance = |to: Instant| at.seconds().abs_diff(to.seconds());
    match turn {
        Some(turn) if distance(turn.end) < distance(turn.start) => Direction::Out,
        _ => Direction::In,
    }
}

fn first_last(day: &mut [Reading<'_>], kept: &[Kept]) -> Paired {
    let first = kept.first().filter(|punch| punch.direction != Some(Direction::Out));
    let last = kept.last().filter(|punch| punch.direction != Some(Direction::In));
    let last = last.filter(|last| first.is_none_or(|first| first.index != last.index));
    for punch in kept {
        day[punch.index].why = Some(Code::Between);
    }
    let partner = first.is_some() && last.is_some();
    let mut put = |punch: Option<&Kept>, used| {
        if let Some(punch) = punch {
            day[punch.index].used = used;
            day[punch.index].why = (!partner).then_some(Code::Unpaired);
        }
    };
    put(first, Use::In);
    put(last, Use::Out);
    let (first, last) = (first.map(|punch| punch.at), last.map(|punch| punch.at));
    Paired {
        pairs: first.zip(last).into_iter().collect(),
        any: true,
        missing_in: first.is_none(),
        missing_out: last.is_none(),
        first,
        last,
    }
}

fn pairs(day: &mut [Reading<'_>], kept: &[Kept]) -> Paired {
    let mut paired = Paired { any: true, ..Paired::default() };
    let mut open: Option<&Kept> = None;
    let mut before: Option<Direction> = None;
    let mut waiting = kept.iter().collect::<std::collections::VecDeque<_>>();
    while let Some(punch) = take(&mut waiting, open.is_some()) {
        let otherwise = if open.is_some() { Direction::Out } else { Direction::In };
        let direction = punch.direction.unwrap_or(otherwise);
        let reading = &mut day[punch.index];
        reading.why = Some(Code::Unpaired);
        match direction {
            Direction::In => {
                reading.used = Use::In;
                paired.missing_out |= open.replace(punch).is_some();
            }
            Direction::Out => {
                reading.used = Use::Out;
                match open.take() {
                    None => paired.missing_in = true,
                    Some(start) => {
                        reading.why = None;
                        day[start.index].why = None;
                        paired.pairs.push((start.at, punch.at));
                    }
                }
            }
        }
        if before.is_none() && direction == Direction::In {
            paired.first = Some(punch.at);
        }
        paired.last = (direction == Direction::Out).then_some(punch.at);
        before = Some(direction);
    }
    paired.missing_out |= open.is_some();
    paired
}

/// The next punch to walk to: of an in and an out in one second the out if an in is open.
fn take<'k>(waiting: &mut std::collections::VecDeque<&'k Kept>, open: bool) -> Option<&'k Kept> {
    let (at, wanted) = (waiting.front()?.at, if open { Direction::Out } else { Direction::In });
    let same = waiting.iter().take_while(|punch| punch.at == at);
    let place = same.enumerate().find(|(_, punch)| punch.direction == Some(wanted));
    waiting.remove(place.map_or(0, |(place, _)| place))
}
