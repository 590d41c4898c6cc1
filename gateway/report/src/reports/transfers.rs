//! What left: by destination and lane, with how each far end was proved; and the month's statement
//! on residency.

use crate::build::{Input, per_mille, proof};
use crate::document::{Cell, Section};
use crate::figures::DestinationFigures;
use crate::words::Words;
use muster_residency::policy::Destination;

pub(super) fn sections(w: Words, input: &Input<'_>) -> Vec<Section> {
    vec![destinations(w, input), lanes(w, input), far_ends(w, input)]
}

/// The declared destination of this name.
fn named<'a>(input: &'a Input<'_>, id: &str) -> Option<&'a Destination> {
    input.destinations().iter().find(|d| d.id == id)
}

fn destinations(w: Words, input: &Input<'_>) -> Section {
    let columns = [
        "destination",
        "region",
        "law",
        "operator",
        "remote-access",
        "proof",
        "records",
        "persons",
        "settled",
        "rejected",
        "receipts",
        "outstanding",
        "first",
        "last",
    ];
    let rows = input.figures.destinations.iter().map(|one| {
        let policy = named(input, &one.destination);
        let remote = policy.map(|d| {
            d.remote_access_from.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        });
        let mut row: Vec<Cell> = vec![
            one.destination.as_str().into(),
            policy.map(|d| d.region.clone()).map_or(Cell::Alarm(w.say("undeclared")), Cell::from),
            input.law_of(&one.destination).into(),
            policy.and_then(|d| d.operator.clone()).into(),
            remote.into(),
            proof(w, one.seen.last()),
        ];
        let numbers =
            [one.records, one.persons, one.settled, one.rejected, one.receipts, one.outstanding];
        row.extend(numbers.map(Cell::from));
        row.extend([one.first_ms, one.last_ms].map(|ms| ms.map(|ms| input.moment_ms(ms)).into()));
        row
    });
    Section::new(w, "transfers", &columns).note(w.say("note-receipts")).rows(rows)
}

fn lanes(w: Words, input: &Input<'_>) -> Section {
    let rows = input.figures.destinations.iter().flat_map(|one| {
        one.lanes.iter().map(|(lane, records)| {
            vec![one.destination.as_str().into(), lane.as_str().into(), (*records).into()]
        })
    });
    let section = Section::new(w, "lanes", &["destination", "lane", "records"]).rows(rows);
    let text = if section.rows.is_empty() { "note-no-lanes" } else { "note-lanes" };
    section.note(w.say(text))
}

fn far_ends(w: Words, input: &Input<'_>) -> Section {
    let rows = input.figures.destinations.iter().flat_map(|one| {
        one.seen.iter().map(|seen| {
            vec![
                one.destination.as_str().into(),
                seen.host.as_str().into(),
                seen.certificate.as_str().into(),
                seen.names.join(", ").into(),
                seen.tls_version.as_str().into(),
                seen.cipher.as_str().into(),
                seen.sealed_to.clone().unwrap_or_else(|| w.say("not-sealed")).into(),
                seen.region.as_str().into(),
                proof(w, Some(seen)),
                seen.clause.clone().into(),
            ]
        })
    });
    let columns = [
        "destination",
        "host",
        "certificate",
        "names",
        "tls",
        "cipher",
        "sealed-to",
        "region",
        "proof",
        "clause",
    ];
    Section::new(w, "far-ends", &columns).note(w.say("note-far-ends")).rows(rows)
}

/// The statement of a span: where records of this site are, and what says so (R22, R23).
pub(super) fn statement(w: Words, input: &Input<'_>) -> Vec<Section> {
    let law = input.rules.and_then(|rules| rules.site(input.site)).map(|site| site.jurisdiction);
    let home = law.map(|law| law.to_string()).unwrap_or_default();
    let share = |one: &DestinationFigures| {
        let there = input.law_of(&one.destination);
        let within = if there == home { one.records } else { 0 };
        vec![
            one.destination.as_str().into(),
            there.into(),
            one.records.into(),
            within.into(),
            (one.records - within).into(),
            proof(w, one.seen.last()),
        ]
    };
    let columns = ["destination", "law", "records", "at-home", "elsewhere", "proof"];
    let rows = input.figures.destinations.iter().map(share);
    let residency = Section::new(w, "residency", &columns)
        .note(w.fill("note-statement", &[("law", &home)]))
        .rows(rows);
    let mut sections = vec![residency];
    sections.extend(pinned(w, input));
    sections.extend([chain(w, input), policies(w, input)]);
    sections
}

/// Where records of a site with a pin went, and what share of them to the pinned regions (R22): a
/// record counts as there only where nothing but a pinned region was seen of its destination.
fn pinned(w: Words, input: &Input<'_>) -> Option<Section> {
    let site = input.rules?.site(input.site).filter(|site| !site.pin_regions.is_empty())?;
    let there = |one: &DestinationFigures| {
        let all = one.seen.iter().all(|seen| site.pin_regions.contains(&seen.region));
        let proved = one.records.saturating_sub(one.untraced);
        if all && !one.seen.is_empty() { proved } else { 0 }
    };
    let row = |name: String, seen: String, records: u64, within: u64| {
        let elsewhere = records - within;
        let share = per_mille(within, records).map_or(Cell::Empty, Cell::Tenths);
        let elsewhere = if elsewhere > 0 { Cell::Alarm(elsewhere.to_string()) } else { 0.into() };
        vec![name.into(), seen.into(), records.into(), within.into(), elsewhere, share]
    };
    let all = &input.figures.destinations;
    let each = all.iter().map(|one| {
        let mut seen: Vec<&str> = one.seen.iter().map(|seen| seen.region.as_str()).collect();
        seen.dedup();
        row(one.destination.clone(), seen.join(", "), one.records, there(one))
    });
    let (records, within) = (all.iter().map(|d| d.records).sum(), all.iter().map(there).sum());
    let total = row(w.say("all"), String::new(), records, within);
    let columns = ["destination", "region", "records", "in-pin", "elsewhere", "percent"];
    let note = w.fill("note-pinned", &[("regions", &site.pin_regions.join(", "))]);
    Some(Section::new(w, "pinned", &columns).note(note).rows(each.chain([total])))
}

fn chain(w: Words, input: &Input<'_>) -> Section {
    let figures = input.figures;
    let row = vec![figures.batch.into(), figures.chain.as_str().into(), figures.records.into()];
    Section::new(w, "chain", &["batch", "chain", "records"])
        .note(w.say("note-own-word"))
        .rows([row])
}

fn policies(w: Words, input: &Input<'_>) -> Section {
    let rows = input.figures.policies.iter().map(|span| {
        vec![
            input.moment_ms(span.from_ms).into(),
            span.policy.clone().map_or(Cell::Alarm(w.say("none")), Cell::from),
            span.policy_sha256.clone().into(),
            span.law_pack.clone().into(),
        ]
    });
    Section::new(w, "policies", &["from", "policy", "sha256", "law-pack"]).rows(rows)
}
