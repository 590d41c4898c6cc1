//! Records of processing: what is done with whose data, why, where it goes and how long it stays;
//! and where three forms of the law ask for which of it (GDPR 30, PIPL 56, Macau's notification).

use crate::build::{Input, proof};
use crate::document::{Cell, Section};
use crate::words::Words;
use muster_residency::condition::Key;
use muster_residency::policy::{KeepWord, Permit};

/// What each form asks for, and the section and column that answer it.
const FORMS: &[(&str, &str, &str)] = &[
    ("GDPR art 30(1)(a)", "form-controller", "head"),
    ("GDPR art 30(1)(b)", "form-purpose", "activities.purpose"),
    ("GDPR art 30(1)(c)", "form-people", "activities.people, activities.fields"),
    ("GDPR art 30(1)(d)", "form-recipients", "activities.operator"),
    ("GDPR art 30(1)(e)", "form-transfers", "activities.lanes, safeguards"),
    ("GDPR art 30(1)(f)", "form-erasure", "retention"),
    ("GDPR art 30(1)(g)", "form-security", "measures"),
    ("PIPL art 56(1)", "form-purpose", "activities.purpose, activities.fields"),
    ("PIPL art 56(2)", "form-impact", "safeguards (pipia)"),
    ("PIPL art 56(3)", "form-security", "measures"),
    ("Macau Law 8/2005 arts 21-23", "form-controller", "head"),
    ("Macau Law 8/2005 arts 21-23", "form-purpose", "activities.purpose"),
    ("Macau Law 8/2005 arts 21-23", "form-people", "activities.people, activities.fields"),
    ("Macau Law 8/2005 arts 21-23", "form-recipients", "activities.operator"),
    ("Macau Law 8/2005 arts 21-23", "form-erasure", "retention"),
    ("Macau Law 8/2005 arts 21-23", "form-transfers", "activities.lanes, safeguards"),
    ("Macau Law 8/2005 arts 21-23", "form-security", "measures"),
];

const MEASURES: &[&str] = &[
    "measure-biometrics",
    "measure-journal",
    "measure-tls",
    "measure-pseudonym",
    "measure-two-people",
    "measure-erasure",
];

pub(super) fn sections(w: Words, input: &Input<'_>) -> Vec<Section> {
    vec![
        controller(w, input),
        activities(w, input),
        safeguards(w, input),
        retention(w, input),
        measures(w),
        forms(w),
    ]
}

fn controller(w: Words, input: &Input<'_>) -> Section {
    let sites = input.rules.map_or(&[][..], |rules| rules.sites());
    let rows = sites.iter().map(|site| {
        let (law, controller) = (site.jurisdiction.to_string(), site.controller.to_string());
        let mine = if site.id == input.site { w.say("yes") } else { String::new() };
        vec![site.id.as_str().into(), law.into(), controller.into(), mine.into()]
    });
    Section::new(w, "controller", &["site", "law", "controller-law", "this-box"])
        .note(w.say("note-controller"))
        .rows(rows)
}

fn activities(w: Words, input: &Input<'_>) -> Section {
    let columns = [
        "activity",
        "purpose",
        "people",
        "classes",
        "fields",
        "destination",
        "operator",
        "region",
        "law",
        "proof",
        "lanes",
        "records",
        "persons",
    ];
    let permits = input.rules.map_or(&[][..], |rules| &rules.policy().permits);
    let rows = permits.iter().map(|permit| activity(w, input, permit));
    let people = input.figures.persons.to_string();
    let records = input.figures.records.to_string();
    let kept = w.fill("note-processed", &[("records", &records), ("persons", &people)]);
    Section::new(w, "activities", &columns).note(kept).rows(rows)
}

fn activity(w: Words, input: &Input<'_>, permit: &Permit) -> Vec<Cell> {
    let to = input.destinations().iter().find(|d| d.id == permit.to);
    let counted = input.counted(&permit.to);
    let fields = input.rules.and_then(|rules| rules.profile(&permit.profile));
    let fields = fields.map(|profile| profile.fields.join(", ")).unwrap_or_default();
    let purpose = permit.purpose.clone().unwrap_or_else(|| w.say("purpose-unsaid"));
    let lanes = counted.map(|c| c.lanes.keys().cloned().collect::<Vec<_>>().join(", "));
    vec![
        permit.id.as_str().into(),
        purpose.into(),
        values(w, permit, Key::SubjectCategory).into(),
        values(w, permit, Key::RecordClass).into(),
        fields.into(),
        permit.to.as_str().into(),
        to.and_then(|d| d.operator.clone()).into(),
        to.map(|d| d.region.clone()).into(),
        input.law_of(&permit.to).into(),
        proof(w, counted.and_then(|c| c.seen.last())),
        lanes.into(),
        counted.map_or(0, |c| c.records).into(),
        counted.map_or(0, |c| c.persons).into(),
    ]
}

fn values(w: Words, permit: &Permit, key: Key) -> String {
    let condition = permit.when.0.iter().find(|c| c.key == key);
    condition.map_or_else(|| w.say("any"), |c| c.allowed.join(", "))
}

pub(super) fn safeguards(w: Words, input: &Input<'_>) -> Section {
    let rows = input.figures.papers.iter().filter(|p| !p.withdrawn).map(|paper| {
        let in_force = paper.from <= input.made_at && input.made_at < paper.to;
        let state = if in_force {
            Cell::from(w.say("in-force"))
        } else {
            Cell::Alarm(w.say("not-in-force"))
        };
        vec![
            u64::from(paper.number).into(),
            paper.kind.as_str().into(),
            paper.lane.as_str().into(),
            input.moment(paper.from).into(),
            input.moment(paper.to).into(),
            paper.filing.clone().into(),
            paper.sha256.as_str().into(),
            state,
        ]
    });
    let columns = ["number", "paper", "lane", "from", "to", "filing", "sha256", "state"];
    let section = Section::new(w, "safeguards", &columns).rows(rows);
    if section.rows.is_empty() { section.note(w.say("note-no-papers")) } else { section }
}

fn retention(w: Words, input: &Input<'_>) -> Section {
    let policy = input.rules.map(|rules| rules.policy());
    let classes = policy.iter().flat_map(|p| &p.retention).map(|row| {
        let days = row.purpose_days.map_or(row.local_days, |days| days.min(row.local_days));
        vec![
            row.class.as_str().into(),
            row.law.map_or(w.say("any"), |law| law.to_string()).into(),
            u64::from(days).into(),
            row.floor_days.map(u64::from).into(),
            row.floor_source.clone().into(),
        ]
    });
    let biometric = policy.iter().flat_map(|p| &p.biometric).map(|row| {
        let days = if row.keep == KeepWord::Vault { row.days.unwrap_or(0) } else { 0 };
        vec![
            format!("biometric ({})", row.method.as_str()).into(),
            row.law.to_string().into(),
            u64::from(days).into(),
            Cell::Empty,
            Cell::Empty,
        ]
    });
    let columns = ["class", "law", "days", "floor-days", "floor-source"];
    Section::new(w, "retention", &columns)
        .note(w.say("note-biometric-default"))
        .rows(classes.chain(biometric))
}

fn measures(w: Words) -> Section {
    let rows = MEASURES.iter().map(|key| vec![Cell::from(w.say(key))]);
    Section::new(w, "measures", &["measure"]).note(w.say("note-own-word")).rows(rows)
}

fn forms(w: Words) -> Section {
    let rows = FORMS
        .iter()
        .map(|(cite, asks, answer)| vec![(*cite).into(), w.say(asks).into(), (*answer).into()]);
    Section::new(w, "forms", &["cite", "asks", "answered-in"]).rows(rows)
}
