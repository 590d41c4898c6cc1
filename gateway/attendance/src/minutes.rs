//! What the pairs of a day come to, in minutes.

use crate::pairing::Paired;
use crate::plan::Plan;
use crate::punch::Use;
use crate::shift::{Kind, Parameters, RoundMode};
use crate::spans::Minutes;
use crate::time::{Instant, Zone};

/// What became of the minutes between the day's first coming and its last going; together they
/// make that span.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Spent {
    pub(crate) worked: i64,
    pub(crate) outside: i64,
    pub(crate) gap: i64,
    pub(crate) breaks: i64,
    pub(crate) away: i64,
    pub(crate) span: i64,
}

/// Sorts each minute of the span into the first kind that fits.
pub(crate) fn spend(
    paired: &Paired,
    plan: &Plan,
    kind: Kind,
    parameters: &Parameters,
    zone: &Zone,
) -> Spent {
    let ends: Vec<_> = paired.pairs.iter().map(|pair| round(*pair, parameters, zone)).collect();
    let from = ends.iter().map(|pair| pair.0).min().unwrap_or(0);
    let to = ends.iter().map(|pair| pair.1).max().unwrap_or(0);
    let span = Minutes::run(from, to);
    let present = Minutes::of(ends);
    let working = span.less(&plan.unpaid_breaks);
    let planned = working.and(&plan.minutes);
    let worked = planned.and(&present.or(&plan.paid_breaks));
    let outside = working.and(&present).less(&plan.minutes);
    let mut spent = Spent {
        worked: worked.size(),
        outside: outside.size(),
        gap: planned.size() - worked.size(),
        breaks: span.size() - working.size(),
        away: working.size() - planned.size() - outside.size(),
        span: span.size(),
    };
    spent.allow_breaks(parameters);
    if kind == Kind::Flex {
        spent.cap(plan.planned);
    }
    spent
}

/// R minutes before the first coming, if they are more than the grace.
pub(crate) fn late(plan: &Plan, first: Option<Instant>, parameters: &Parameters) -> i64 {
    let missed = first.map_or(0, |first| plan.reference.count_before(first.minute()));
    beyond(missed, parameters.grace_in)
}

/// R minutes from the last going on, if they are more than the grace.
pub(crate) fn early(plan: &Plan, last: Option<Instant>, parameters: &Parameters) -> i64 {
    let missed = last.map_or(0, |last| plan.reference.count_from(last.minute()));
    beyond(missed, parameters.grace_out)
}

impl Spent {
    fn allow_breaks(&mut self, parameters: &Parameters) {
        let allowed = self.gap.min(i64::from(parameters.break_allow));
        self.gap -= allowed;
        if parameters.break_paid {
            self.worked += allowed;
        } else {
            self.breaks += allowed;
        }
    }

    fn cap(&mut self, planned: i64) {
        let above = (self.worked - planned).max(0);
        self.worked -= above;
        self.outside += above;
    }
}

fn beyond(minutes: i64, grace: u32) -> i64 {
    if minutes > i64::from(grace) { minutes } else { 0 }
}

/// A pair's minutes, rounded; an out before its in is put at its in.
fn round(pair: (Instant, Instant), parameters: &Parameters, zone: &Zone) -> (i64, i64) {
    let from = round_end(pair.0, Use::In, parameters, zone);
    (from, round_end(pair.1, Use::Out, parameters, zone).max(from))
}

fn round_end(at: Instant, end: Use, parameters: &Parameters, zone: &Zone) -> i64 {
    let step = i64::from(u32::from(parameters.round_step));
    if step == 1 {
        return at.minute();
    }
    let local = at.seconds().saturating_add(i64::from(zone.offset_seconds(at))).div_euclid(60);
    let over = local.rem_euclid(step);
    let up = match (parameters.round_mode, end) {
        (RoundMode::Nearest, _) => 2 * over >= step,
        (RoundMode::Employee, Use::Out) | (RoundMode::Company, Use::In) => over > 0,
        (RoundMode::Employee | RoundMode::Company, _) => false,
    };
    at.minute() - over + if up { step } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shift::RoundStep;

    #[test]
    fn rounding() {
        let kolkata = Zone::named("Asia/Kolkata").unwrap();
        let check = |zone: &Zone, mode, step: u32, minute: i64, expect: (i64, i64)| {
            let round_step = RoundStep::try_from(step).unwrap();
            let parameters = Parameters { round_mode: mode, round_step, ..Parameters::default() };
            let at = Instant::from_seconds(minute * 60 + 59);
            let ends = [Use::In, Use::Out].map(|end| round_end(at, end, &parameters, zone));
            assert_eq!((ends[0], ends[1]), expect, "{mode:?} {step} {minute}");
        };
        use RoundMode::{Company, Employee, Nearest};
        check(&Zone::UTC, Nearest, 15, 7, (0, 0));
        check(&Zone::UTC, Nearest, 15, 8, (15, 15));
        check(&Zone::UTC, Nearest, 30, 15, (30, 30));
        check(&Zone::UTC, Nearest, 1, 7, (7, 7));
        check(&Zone::UTC, Nearest, 15, -1, (0, 0));
        check(&Zone::UTC, Employee, 15, 1, (0, 15));
        check(&Zone::UTC, Employee, 15, 15, (15, 15));
        check(&Zone::UTC, Company, 15, 1, (15, 0));
        check(&Zone::UTC, Company, 15, -14, (0, -15));
        check(&kolkata, Nearest, 60, 0, (30, 30));
        check(&kolkata, Nearest, 60, -1, (-30, -30));
    }

    #[test]
    fn an_out_rounded_before_its_in() {
        let parameters = Parameters {
            round_mode: RoundMode::Company,
            round_step: RoundStep::try_from(15).unwrap(),
            ..Parameters::default()
        };
        let at = |minute: i64| Instant::from_seconds(minute * 60);
        assert_eq!(round((at(1), at(14)), &parameters, &Zone::UTC), (15, 15));
    }
}
