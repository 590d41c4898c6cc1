//! What a punch counts as: its time, its direction, and whether it counts at all.

use crate::code::Code;
use crate::correction::Corrections;
use crate::fact::{DeviceClock, Direction, Outcome};
use crate::input::{Correction, Input, Op, Punch};
use crate::time::Instant;
use jiff::civil::Date;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a sheet used a punch as.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Use {
    /// As coming.
    In,
    /// As going.
    Out,
    /// Not at all.
    #[default]
    None,
}

/// A punch, recorded or added, as the rules read it.
#[derive(Clone, Debug)]
pub(crate) struct Reading<'a> {
    pub(crate) id: &'a str,
    /// Its time t.
    pub(crate) at: Instant,
    /// Its direction, where one is given.
    pub(crate) direction: Option<Direction>,
    /// Why its time is not simply its terminal's, if it is not.
    pub(crate) clock: Option<Code>,
    /// Why it does not count or has no partner, if so.
    pub(crate) why: Option<Code>,
    /// The workday a correction gave it.
    pub(crate) date: Option<Date>,
    pub(crate) terminal: Option<&'a str>,
    pub(crate) received: Option<Instant>,
    pub(crate) used: Use,
}

/// Reads the recorded punches, of which ids are unique, and the added ones.
pub(crate) fn read<'a>(
    input: &'a Input,
    recorded: &BTreeMap<&'a str, &'a Punch>,
    corrections: &Corrections<'a>,
    now: Instant,
) -> Vec<Reading<'a>> {
    let recorded = recorded.values().map(|punch| Reading::recorded(punch));
    let added = corrections.added.iter().filter_map(|add| Reading::added(add));
    let mut readings: Vec<_> = recorded.chain(added).collect();
    for reading in &mut readings {
        if let Some(correction) = corrections.on(reading.id) {
            reading.correct(correction);
        }
        if input.rules.derive_directions {
            reading.direction = None;
        }
        if reading.why.is_none() && reading.at > now {
            reading.why = Some(Code::Future);
        }
    }
    readings
}

impl<'a> Reading<'a> {
    fn recorded(punch: &'a Punch) -> Self {
        let (at, clock) = time(punch);
        let why = match punch.outcome {
            Outcome::Denied => Some(Code::Denied),
            Outcome::Granted | Outcome::Duress => clock.filter(|code| *code == Code::ClockWait),
        };
        Self {
            id: &punch.id,
            at,
            direction: punch.direction,
            clock,
            why,
            date: None,
            terminal: punch.terminal.as_deref(),
            received: punch.received_at,
            used: Use::None,
        }
    }

    fn added(add: &'a Correction) -> Option<Self> {
        Some(Self {
            id: &add.id,
            at: add.at?,
            direction: add.direction,
            clock: None,
            why: None,
            date: add.date,
            terminal: None,
            received: None,
            used: Use::None,
        })
    }

    fn correct(&mut self, correction: &Correction) {
        if correction.op == Op::Void {
            self.why = Some(Code::Voided);
            return;
        }
        self.date = correction.date.or(self.date);
        self.direction = correction.direction.or(self.direction);
        if let Some(at) = correction.at {
            self.at = at;
            self.clock = None;
            self.why = self.why.filter(|code| *code != Code::ClockWait);
        }
    }
}

/// The recorded time, and how it came about if it is not simply the terminal's.
fn time(punch: &Punch) -> (Instant, Option<Code>) {
    match (punch.redated_at, punch.clock, punch.received_at) {
        (Some(at), _, _) => (at, Some(Code::ClockRedated)),
        (None, DeviceClock::Ok, _) => (punch.at, None),
        (None, DeviceClock::Unsure, None) => (punch.at, Some(Code::ClockWait)),
        (None, DeviceClock::Unsure, Some(at)) if punch.live => (at, Some(Code::ClockBox)),
        (None, DeviceClock::Unsure, Some(at)) => (at, Some(Code::ClockWait)),
    }
}
