//! A stolen or lost box: whose and which data it held, whether that was sealed, and by when each
//! law wants to be told.

use crate::build::Input;
use crate::document::{Cell, Section};
use crate::words::Words;
use jiff::{SignedDuration, Timestamp};
use muster_residency::vocab::Law;
use std::collections::BTreeSet;

/// Whom to tell under a law, within how many hours of knowing (`None`: without delay, no number),
/// and where it says so. Reference for counsel, as the law pack is.
struct Duty {
    law: &'static str,
    whom: &'static str,
    hours: Option<i64>,
    cite: &'static str,
}

const DUTIES: &[Duty] = &[
    Duty { law: "EU", whom: "whom-authority", hours: Some(72), cite: "GDPR art 33" },
    Duty { law: "EU", whom: "whom-people", hours: None, cite: "GDPR art 34" },
    Duty { law: "CN", whom: "whom-both", hours: None, cite: "PIPL art 57" },
    Duty { law: "SG", whom: "whom-authority", hours: Some(72), cite: "PDPA s26D(1)" },
    Duty { law: "MY", whom: "whom-authority", hours: Some(72), cite: "PDPA 2010 s12B" },
    Duty { law: "MY", whom: "whom-people", hours: Some(168), cite: "PDPA 2010 s12B" },
    Duty { law: "JP", whom: "whom-authority", hours: Some(120), cite: "APPI art 26" },
    Duty { law: "HK", whom: "whom-advised", hours: None, cite: "PCPD guidance on data breaches" },
    Duty {
        law: "MO",
        whom: "whom-advised",
        hours: None,
        cite: "Law 8/2005 (no general duty found)",
    },
];

pub(super) fn sections(w: Words, input: &Input<'_>) -> Vec<Section> {
    vec![held(w, input), keys(w, input), deadlines(w, input)]
}

fn held(w: Words, input: &Input<'_>) -> Section {
    let figures = input.figures;
    let evidence = input.entered.evidence;
    let rows = [
        ("data-people", Cell::from(figures.people), "sealed-person"),
        ("data-records", Cell::from(figures.stored), "sealed-journal"),
        (
            "data-biometric",
            evidence.map_or(Cell::Alarm(w.say("unknown")), Cell::from),
            "sealed-vault",
        ),
        ("data-papers", Cell::from(figures.papers.len() as u64), "sealed-journal"),
    ];
    let rows = rows.map(|(what, count, how)| vec![w.say(what).into(), count, w.say(how).into()]);
    Section::new(w, "held", &["what", "count", "sealed"]).note(w.say("note-incident")).rows(rows)
}

fn keys(w: Words, input: &Input<'_>) -> Section {
    let cell = match input.entered.key_apart {
        true => Cell::from(w.say("key-apart")),
        false => Cell::Alarm(w.say("key-beside")),
    };
    Section::new(w, "keys", &["what"]).rows([vec![cell]])
}

/// Laws that matter here: the sites', the controllers', and those that records went to.
fn laws(input: &Input<'_>) -> BTreeSet<Law> {
    let sites = input.rules.map_or(&[][..], |rules| rules.sites()).iter();
    let sites = sites.filter(|site| site.id == input.site);
    let mut laws: BTreeSet<Law> = sites.flat_map(|s| [s.jurisdiction, s.controller]).collect();
    let lanes = input.figures.destinations.iter().flat_map(|d| d.lanes.keys());
    let origins = lanes.filter_map(|lane| Law::from_code(lane.split("->").next()?));
    laws.extend(origins);
    laws
}

fn deadlines(w: Words, input: &Input<'_>) -> Section {
    let known = input.entered.known_at.unwrap_or(input.made_at);
    let laws = laws(input);
    let columns = ["law", "whom", "deadline", "cite"];
    let known_text = input.moment(known);
    let section = Section::new(w, "deadlines", &columns)
        .note(w.fill("note-known", &[("at", &known_text)]))
        .note(w.say("note-deadlines"));
    let duties = laws.iter().flat_map(|law| DUTIES.iter().filter(move |d| d.law == law.as_str()));
    let unknown = laws.iter().filter(|law| DUTIES.iter().all(|d| d.law != law.as_str()));
    let unknown = unknown.map(|law| {
        let ask = Cell::Alarm(w.say("ask-counsel"));
        vec![law.to_string().into(), ask, Cell::Empty, Cell::Empty]
    });
    let rows: Vec<_> = duties.map(|duty| duty_row(w, input, duty, known)).chain(unknown).collect();
    section.rows(rows)
}

fn duty_row(w: Words, input: &Input<'_>, duty: &Duty, known: Timestamp) -> Vec<Cell> {
    let deadline = duty.hours.map(|hours| known.checked_add(SignedDuration::from_hours(hours)));
    let deadline = match deadline {
        Some(Ok(at)) if at < input.made_at => Cell::Alarm(input.moment(at)),
        Some(Ok(at)) => input.moment(at).into(),
        _ => w.say("without-delay").into(),
    };
    vec![duty.law.into(), w.say(duty.whom).into(), deadline, duty.cite.into()]
}
