//! The threshold meter on two scales, the law's and an early alarm, with a forecast; and the
//! self-assessment of three questions that is filled from it.

use crate::build::{Input, per_mille};
use crate::document::{Cell, Section};
use crate::figures::Counter;
use crate::words::Words;
use jiff::Span;
use jiff::civil::Date;
use muster_residency::LawPack;
use muster_residency::vocab::Law;

/// Days before a threshold is reached from which it is told of (R08).
const ALARM_DAYS: i64 = 30;

/// Which figure of a counter.
#[derive(Clone, Copy)]
enum What {
    Persons,
    Sensitive,
    Records,
}

impl What {
    fn key(self) -> &'static str {
        match self {
            Self::Persons => "count-persons",
            Self::Sensitive => "count-sensitive",
            Self::Records => "count-records",
        }
    }

    fn own(self, counter: &Counter) -> u64 {
        match self {
            Self::Persons => counter.persons,
            Self::Sensitive => counter.sensitive,
            Self::Records => counter.records,
        }
    }

    fn entered(self, counter: &Counter) -> Option<u64> {
        let baseline = counter.baseline?;
        Some(match self {
            Self::Persons => baseline.persons,
            Self::Sensitive => baseline.sensitive,
            Self::Records => baseline.records,
        })
    }
}

pub(super) fn sections(w: Words, input: &Input<'_>) -> Vec<Section> {
    vec![meter(w, input), processed(w, input), calls(w, input), questions(w, input)]
}

fn meter(w: Words, input: &Input<'_>) -> Section {
    let columns = [
        "law",
        "year",
        "counted",
        "scale",
        "count",
        "baseline",
        "total",
        "threshold",
        "percent",
        "forecast",
        "state",
    ];
    let section = Section::new(w, "meter", &columns).note(w.say("note-meter"));
    let Some(pack) = input.rules.map(|rules| rules.law_pack()) else { return section };
    let totals = input.figures.counters.iter().filter(|c| c.destination.is_none());
    let totals: Vec<_> = totals.filter(|c| c.year == input.today().year()).collect();
    if totals.is_empty() {
        return section.note(w.say("note-no-exports"));
    }
    let rows = totals.iter().flat_map(|counter| {
        scales(pack, counter.law)
            .into_iter()
            .map(|(what, scale, threshold)| row(w, input.today(), counter, what, scale, threshold))
    });
    section.rows(rows)
}

/// What is measured against what: figure, name of the scale, threshold.
fn scales(pack: &LawPack, law: Law) -> Vec<(What, &'static str, u64)> {
    let t = &pack.threshold;
    let mut all = vec![
        (What::Persons, "scale-early", t.early_individuals),
        (What::Records, "scale-early", t.early_records),
    ];
    if law == Law::CN {
        all.extend([
            (What::Persons, "scale-scc", t.cn_persons_scc),
            (What::Persons, "scale-assessment", t.cn_persons_assessment),
            (What::Sensitive, "scale-sensitive", t.cn_sensitive_assessment),
        ]);
    }
    all
}

fn row(
    w: Words,
    today: Date,
    counter: &Counter,
    what: What,
    scale: &str,
    threshold: u64,
) -> Vec<Cell> {
    let (own, entered) = (what.own(counter), what.entered(counter));
    let total = own.saturating_add(entered.unwrap_or(0));
    let at = forecast(today, total, threshold);
    let soon =
        at.is_some_and(|at| at.since(today).is_ok_and(|s| i64::from(s.get_days()) <= ALARM_DAYS));
    let state = match () {
        () if total >= threshold => Cell::Alarm(w.say("state-reached")),
        () if soon => Cell::Alarm(w.say("state-soon")),
        () => w.say("state-below").into(),
    };
    vec![
        counter.law.to_string().into(),
        counter.year.to_string().into(),
        w.say(what.key()).into(),
        w.say(scale).into(),
        own.into(),
        entered.map_or_else(|| Cell::Alarm(w.say("lower-bound")), Cell::from),
        total.into(),
        threshold.into(),
        per_mille(total, threshold).map_or(Cell::Empty, Cell::Tenths),
        at.map(|at| at.to_string()).into(),
        state,
    ]
}

/// The day of the year on which `total` reaches `threshold` at the rate of the year so far; none
/// if not in this year.
fn forecast(today: Date, total: u64, threshold: u64) -> Option<Date> {
    let elapsed = u128::try_from(today.day_of_year()).ok()?;
    if total == 0 || total >= threshold {
        return None;
    }
    let needed = (u128::from(threshold) * elapsed).div_ceil(u128::from(total));
    let days = i64::try_from(needed).ok().filter(|&days| days <= 366)?;
    let at = today.first_of_year().checked_add(Span::new().days(days - 1)).ok()?;
    (at.year() == today.year()).then_some(at)
}

fn processed(w: Words, input: &Input<'_>) -> Section {
    let years = input.figures.processed.iter();
    let rows = years.map(|(year, records)| vec![year.to_string().into(), (*records).into()]);
    Section::new(w, "processed", &["year", "records"]).note(w.say("note-processed-all")).rows(rows)
}

fn calls(w: Words, input: &Input<'_>) -> Section {
    let metered = input.figures.destinations.iter().filter_map(|d| Some((d, d.calls.as_ref()?)));
    let rows = metered.map(|(one, calls)| {
        let forecast = calls.forecast_ms.map(|ms| Cell::Alarm(input.day_ms(ms)));
        vec![
            one.destination.as_str().into(),
            calls.used.into(),
            calls.limit.into(),
            forecast.unwrap_or(Cell::Empty),
        ]
    });
    Section::new(w, "calls", &["destination", "used", "limit", "forecast"]).rows(rows)
}

/// Three questions, each answered by a figure (R07); a yes says what to do.
pub(super) fn questions(w: Words, input: &Input<'_>) -> Section {
    let columns = ["question", "count", "threshold", "answer", "task"];
    let section = Section::new(w, "questions", &columns).note(w.say("note-questions"));
    let Some(pack) = input.rules.map(|rules| rules.law_pack()) else { return section };
    let year = input.today().year();
    let totals = || {
        let all = input.figures.counters.iter();
        all.filter(move |c| c.destination.is_none() && c.year == year)
    };
    let sum = |what: What| {
        totals().map(|c| what.own(c) + what.entered(c).unwrap_or(0)).max().unwrap_or(0)
    };
    let asked = [
        ("question-persons", sum(What::Persons), pack.threshold.early_individuals, "task-persons"),
        ("question-records", sum(What::Records), pack.threshold.early_records, "task-records"),
        ("question-sensitive", sum(What::Sensitive), 1, "task-sensitive"),
    ];
    section.rows(asked.into_iter().map(|(question, count, threshold, task)| {
        let yes = count >= threshold;
        vec![
            w.say(question).into(),
            count.into(),
            threshold.into(),
            if yes { Cell::Alarm(w.say("yes")) } else { w.say("no").into() },
            if yes { w.say(task).into() } else { Cell::Empty },
        ]
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn the_forecast_goes_by_the_rate_of_the_year() {
        // 12,000 a month for six months: 100,000 on the 254th day or a day off.
        let at = forecast(date(2026, 6, 30), 72_000, 100_000).unwrap();
        let expect = date(2026, 9, 9);
        assert!(at.since(expect).unwrap().get_days().abs() <= 1, "{at}");
        assert_eq!(forecast(date(2026, 6, 30), 40_000, 100_000), None, "not this year");
        assert_eq!(forecast(date(2026, 6, 30), 100_000, 100_000), None, "reached");
        assert_eq!(forecast(date(2026, 1, 1), 0, 10), None);
        assert_eq!(forecast(date(2026, 1, 1), 1, 10), Some(date(2026, 1, 10)));
    }
}
