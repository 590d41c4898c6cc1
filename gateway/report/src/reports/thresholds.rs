//! The threshold meter on two scales, the law's and an early alarm, with a forecast; and the
//! self-assessment of three questions that is filled from it.

use crate::bars::{self, Bar};
use crate::build::{Input, per_mille};
use crate::document::{Cell, Section};
use crate::figures::{Baseline, Counter};
use crate::picture::Tone;
use crate::words::Words;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use muster_residency::LawPack;
use muster_residency::facts::Counters;
use muster_residency::meter::{self, Mark, Scale};
use muster_residency::vocab::Law;

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
    let totals: Vec<_> = totals.filter(|c| c.year == today(input, c.law).year()).collect();
    if totals.is_empty() {
        return section.note(w.say("note-no-exports"));
    }
    let marked = totals.into_iter().flat_map(|counter| {
        let marks = marks(input, pack, counter).into_iter();
        marks.map(move |mark| (counter, mark))
    });
    let marked: Vec<_> = marked.collect();
    let mut section = section.rows(marked.iter().map(|(counter, mark)| row(w, counter, mark)));
    let bars: Vec<_> = marked.iter().map(|(counter, mark)| bar(w, counter, mark)).collect();
    section.picture = bars::svg(&section.title, &bars);
    section
}

/// The same as a row of the table.
fn bar(w: Words, counter: &Counter, mark: &Mark) -> Bar {
    let (counted, scale, _) = named(counter, mark);
    let label =
        [&counter.law.to_string(), &counter.year.to_string(), &w.say(counted), &w.say(scale)]
            .map(String::as_str)
            .join(" · ");
    let forecast = mark.forecast.map(|at| format!(" · {}: {at}", w.say("col-forecast")));
    let value = format!("{} / {}{}", mark.count, mark.at, forecast.unwrap_or_default());
    let tone = if mark.alarm { Tone::Alarm } else { Tone::Plain };
    Bar { label, value, count: mark.count, at: mark.at, tone }
}

/// What is counted, whose number it is, and this box's part.
fn named(counter: &Counter, mark: &Mark) -> (&'static str, &'static str, u64) {
    match mark.threshold {
        "early_individuals" => ("count-persons", "scale-early", counter.persons),
        "early_records" => ("count-records", "scale-early", counter.records),
        "cn_persons_scc" => ("count-persons", "scale-scc", counter.persons),
        "cn_sensitive_assessment" => ("count-sensitive", "scale-sensitive", counter.sensitive),
        _ => ("count-persons", "scale-assessment", counter.persons),
    }
}

/// The engine's marks of a counter; the mainland's thresholds are those of its own law alone.
fn marks(input: &Input<'_>, pack: &LawPack, counter: &Counter) -> Vec<Mark> {
    let own = Counters {
        persons: counter.persons,
        sensitive: counter.sensitive,
        records: counter.records,
    };
    let baseline = counter.baseline.map(|entered| Counters {
        persons: entered.persons,
        sensitive: entered.sensitive,
        records: entered.records,
    });
    let mut marks = meter::marks(own, baseline, &pack.threshold, today(input, counter.law));
    marks.retain(|mark| counter.law == Law::CN || mark.scale == Scale::EarlyAlarm);
    marks
}

/// Today in the law's own time zone.
fn today(input: &Input<'_>, law: Law) -> Date {
    let zone = TimeZone::get(law.time_zone()).unwrap_or(TimeZone::UTC);
    input.made_at.to_zoned(zone).date()
}

fn row(w: Words, counter: &Counter, mark: &Mark) -> Vec<Cell> {
    let state = match (mark.reached, mark.alarm) {
        (true, _) => Cell::Alarm(w.say("state-reached")),
        (false, true) => Cell::Alarm(w.say("state-soon")),
        (false, false) => w.say("state-below").into(),
    };
    let (counted, scale, own) = named(counter, mark);
    let entered = match mark.lower_bound {
        true => Cell::Alarm(w.say("lower-bound")),
        false => mark.count.saturating_sub(own).into(),
    };
    vec![
        counter.law.to_string().into(),
        counter.year.to_string().into(),
        w.say(counted).into(),
        w.say(scale).into(),
        own.into(),
        entered,
        mark.count.into(),
        mark.at.into(),
        per_mille(mark.count, mark.at).map_or(Cell::Empty, Cell::Tenths),
        mark.forecast.map(|at| at.to_string()).into(),
        state,
    ]
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
    let most = |own: fn(&Counter) -> u64, entered: fn(&Baseline) -> u64| {
        let totals = input.figures.counters.iter().filter(|c| c.destination.is_none());
        let totals = totals.filter(|c| c.year == today(input, c.law).year());
        let count = |c: &Counter| own(c).saturating_add(c.baseline.as_ref().map_or(0, entered));
        totals.map(count).max().unwrap_or(0)
    };
    let persons = most(|c| c.persons, |b| b.persons);
    let records = most(|c| c.records, |b| b.records);
    let sensitive = most(|c| c.sensitive, |b| b.sensitive);
    let asked = [
        ("question-persons", persons, pack.threshold.early_individuals, "task-persons"),
        ("question-records", records, pack.threshold.early_records, "task-records"),
        ("question-sensitive", sensitive, 1, "task-sensitive"),
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
