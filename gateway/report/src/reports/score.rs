//! The sovereignty score in two forms, side by side: as it is commonly made, which can hardly show
//! a bad residency, and strict, where what is unmet or unproved caps the whole.

use crate::build::Input;
use crate::document::{Cell, Section};
use crate::figures::Proof;
use crate::task;
use crate::words::Words;
use jiff::Timestamp;
use muster_residency::law_pack::GateStatus;
use muster_residency::vocab::Law;

/// Weights of C, D, T, I and E, in hundredths.
const WEIGHTS: [i64; 5] = [30, 25, 15, 10, 20];
/// Below this, in tenths, a reassessment is asked for.
const REASSESS: i64 = 60;
/// What the strict form caps the whole at, in tenths.
const CAP: i64 = 50;
const FULL: i64 = 100;
/// What is taken off for one thing that is missing, in tenths.
const ONE: i64 = 10;
/// Trained people among those who run the box, in tenths, below which that is short (R49).
const TRAINED: i64 = 70;

/// A part: its value in tenths, and why it is not full.
struct Part {
    key: &'static str,
    tenths: i64,
    because: Vec<String>,
}

pub(super) fn sections(w: Words, input: &Input<'_>) -> Vec<Section> {
    let parts = parts(w, input);
    let values: [i64; 5] = std::array::from_fn(|at| parts.get(at).map_or(0, |part| part.tenths));
    let total = weighed(values);
    let caps = caps(w, input);
    let strict = if caps.is_empty() { total } else { total.min(CAP) };
    vec![scores(w, total, strict), made_of(w, &parts), capped(w, caps)]
}

/// The weighed mean, in tenths, rounded half up.
fn weighed(values: [i64; 5]) -> i64 {
    let sum: i64 = values.iter().zip(WEIGHTS).map(|(value, weight)| value * weight).sum();
    (sum + 50) / 100
}

fn parts(w: Words, input: &Input<'_>) -> Vec<Part> {
    let mut control = Part { key: "part-control", tenths: FULL, because: Vec::new() };
    if input.figures.destinations.iter().any(|d| d.untraced > 0) {
        control.tenths -= 20;
        control.because.push(w.say("because-untraced"));
    }
    let trial = input.figures.begun_ms.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    if trial.is_some_and(|begun| task::is_missed(task::TRIAL, begun, papers(input), input.made_at))
    {
        control.tenths -= ONE;
        control.because.push(w.say("because-trial"));
    }
    let mut data = Part { key: "part-data", tenths: FULL, because: Vec::new() };
    let mainland = |id: &str| {
        let law = input.rules.and_then(|rules| rules.destination_jurisdiction(id));
        law == Some(Law::CN)
    };
    if input.destinations().iter().any(|d| mainland(&d.id)) {
        data.tenths -= 20;
        data.because.push(w.say("because-mainland"));
    }
    let open = |seen: &crate::figures::Seen| seen.tls_version.is_empty();
    if input.figures.destinations.iter().flat_map(|d| &d.seen).any(open) {
        data.tenths -= 10;
        data.because.push(w.say("because-unencrypted"));
    }
    let entered = |key, said: Option<u8>| Part {
        key,
        tenths: said.map_or(0, |tenths| i64::from(tenths).min(FULL)),
        because: said
            .map_or_else(|| vec![w.say("because-unsaid")], |_| vec![w.say("because-said")]),
    };
    let less = |part: Part, missing: bool, why: &str| match part.tenths {
        1.. if missing => {
            let because = [part.because, vec![w.say(why)]].concat();
            Part { tenths: (part.tenths - ONE).max(0), because, ..part }
        }
        _ => part,
    };
    let training = entered("part-training", input.entered.training);
    let short = training.tenths < TRAINED;
    let exit = entered("part-exit", input.entered.exit);
    let drilled = task::done_within(task::EXIT_DRILL, papers(input), input.made_at);
    vec![
        control,
        data,
        less(training, short, "because-short"),
        entered("part-integration", input.entered.integration),
        less(exit, !drilled, "because-drill"),
    ]
}

/// Papers that count, by type and first day.
fn papers<'a>(input: &'a Input<'_>) -> impl Iterator<Item = (&'a str, Timestamp)> {
    let kept = input.figures.papers.iter().filter(|paper| !paper.withdrawn);
    kept.map(|paper| (paper.kind.as_str(), paper.from))
}

/// What caps the strict form.
fn caps(w: Words, input: &Input<'_>) -> Vec<Vec<Cell>> {
    let gates = input.rules.map(|rules| rules.law_pack()).into_iter();
    let gates = gates.flat_map(|pack| pack.lane.values().flatten());
    let in_force: Vec<&str> =
        gates.filter(|gate| gate.status == GateStatus::InForce).map(|gate| &*gate.id).collect();
    let blocks = |code: &str| {
        in_force.contains(&code)
            || code == "I-06-LAW"
            || code.starts_with("G-CN-38")
            || code.starts_with("T-CN")
    };
    let unmet =
        input.figures.waiting.iter().filter(|(code, _)| blocks(code)).map(|(code, held)| {
            let count = held.count.to_string();
            vec![code.as_str().into(), w.fill("cap-gate", &[("count", &count)]).into()]
        });
    let unproved = input.destinations().iter().filter_map(|destination| {
        let seen = input.counted(&destination.id).and_then(|counted| counted.seen.last());
        let why = match seen.map(|seen| seen.proof) {
            Some(Proof::Wire) => return None,
            Some(Proof::Contract) => w.say("proof-contract"),
            None => w.say("cap-unseen"),
        };
        Some(vec![destination.id.as_str().into(), why.into()])
    });
    unmet.chain(unproved).collect()
}

fn scores(w: Words, total: i64, strict: i64) -> Section {
    let row = |key: &str, how: &str, tenths: i64| {
        let advice = if tenths < REASSESS {
            Cell::Alarm(w.say("reassess"))
        } else {
            w.say("no-reassess").into()
        };
        vec![w.say(key).into(), Cell::Tenths(tenths), w.say(how).into(), advice]
    };
    Section::new(w, "score", &["form", "score", "made", "advice"])
        .note(w.say("note-score"))
        .rows([row("form-plain", "made-plain", total), row("form-strict", "made-strict", strict)])
}

fn made_of(w: Words, parts: &[Part]) -> Section {
    let rows = parts.iter().zip(WEIGHTS).map(|(part, weight)| {
        vec![
            w.say(part.key).into(),
            Cell::Tenths(part.tenths),
            u64::try_from(weight).unwrap_or(0).into(),
            part.because.join("; ").into(),
        ]
    });
    Section::new(w, "parts", &["part", "score", "weight", "because"]).rows(rows)
}

fn capped(w: Words, caps: Vec<Vec<Cell>>) -> Section {
    let section = Section::new(w, "caps", &["what", "because"]);
    let text = if caps.is_empty() { "note-no-caps" } else { "note-caps" };
    section.note(w.say(text)).rows(caps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_weighed_as_the_formula_says() {
        for (values, expect) in
            [([100; 5], 100), ([0; 5], 0), ([80, 80, 0, 0, 0], 44), ([100, 70, 50, 40, 90], 77)]
        {
            assert_eq!(weighed(values), expect, "{values:?}");
        }
    }

    /// The parts in tenths, on `now`, with a policy since March and one paper.
    fn parts_with(now: &str, paper: &str, training: u8) -> Vec<i64> {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let begun = at("2026-03-01T00:00:00Z");
        let paper = crate::figures::Paper {
            number: 1,
            kind: paper.to_owned(),
            lane: "*".to_owned(),
            from: at("2026-03-10T00:00:00Z"),
            to: at("2028-03-10T00:00:00Z"),
            filing: None,
            sha256: String::new(),
            destination: None,
            withdrawn: false,
        };
        let figures = crate::figures::Figures {
            begun_ms: Some(begun.as_millisecond()),
            papers: vec![paper],
            ..Default::default()
        };
        let made_at = at(now);
        let today = made_at.to_zoned(jiff::tz::TimeZone::UTC).date();
        let input = Input {
            site: "s",
            zone: jiff::tz::TimeZone::UTC,
            made_at,
            from: today,
            to: today,
            rules: None,
            figures: &figures,
            entered: crate::Entered {
                training: Some(training),
                exit: Some(80),
                ..Default::default()
            },
        };
        let words = Words::of(muster_residency::explain::Language::En);
        parts(words, &input).iter().map(|part| part.tenths).collect()
    }

    #[test]
    fn a_trial_that_nobody_signed_off_costs_a_point_from_its_thirty_first_day() {
        let control = |now: &str, paper: &str| parts_with(now, paper, 90).first().copied();
        assert_eq!(control("2026-03-30T23:59:59Z", "dpa"), Some(100));
        assert_eq!(control("2026-03-31T00:00:00Z", "dpa"), Some(90));
        assert_eq!(control("2026-03-31T00:00:00Z", "trial-sign-off"), Some(100));
    }

    #[test]
    fn training_below_seventy_percent_and_a_year_without_an_exit_drill_cost_a_point_each() {
        let values = |paper: &str, training| parts_with("2026-03-20T00:00:00Z", paper, training);
        assert_eq!(values("exit-drill", 70), [100, 100, 70, 0, 80]);
        assert_eq!(values("exit-drill", 69), [100, 100, 59, 0, 80]);
        assert_eq!(values("dpa", 70), [100, 100, 70, 0, 70]);
        assert_eq!(parts_with("2027-03-11T00:00:00Z", "exit-drill", 70), [90, 100, 70, 0, 70]);
    }
}
