//! The data-flow picture: what the policy declares against what the journal saw. An edge or a
//! terminal that nobody declared is red and a finding.

use crate::build::Input;
use crate::document::{Cell, Section};
use crate::figures::Flow;
use crate::picture::{Edge, Node, Picture, Tone};
use crate::words::Words;

/// Nodes and edges that are drawn; the tables have all.
const MAX_DRAWN: usize = 40;

pub(super) fn sections(w: Words, input: &Input<'_>) -> Vec<Section> {
    let mut edges = Section::new(
        w,
        "flows",
        &["department", "profile", "destination", "law", "tls", "records", "state"],
    )
    .note(w.say("note-flows"));
    edges.picture = Some(picture(w, input).svg(&w.say("title-flows")));
    let seen = input.figures.flows.iter().map(|flow| observed(w, input, flow));
    let unseen = declared(input).filter(|(profile, to)| !is_seen(input, profile, to));
    let unseen = unseen.map(|(profile, to)| {
        vec![
            Cell::Empty,
            profile.into(),
            to.into(),
            input.law_of(to).into(),
            Cell::Empty,
            0.into(),
            w.say("flow-unseen").into(),
        ]
    });
    let rows: Vec<_> = seen.chain(unseen).collect();
    vec![edges.rows(rows), terminals(w, input)]
}

/// Profile and destination of each permit, each pair once.
fn declared<'a>(input: &'a Input<'_>) -> impl Iterator<Item = (&'a str, &'a str)> {
    let permits = input.rules.map_or(&[][..], |rules| &rules.policy().permits);
    let mut pairs: Vec<_> = permits.iter().map(|p| (p.profile.as_str(), p.to.as_str())).collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs.into_iter()
}

fn is_declared(input: &Input<'_>, flow: &Flow) -> bool {
    declared(input).any(|(profile, to)| profile == flow.profile && to == flow.destination)
}

fn is_seen(input: &Input<'_>, profile: &str, to: &str) -> bool {
    input.figures.flows.iter().any(|flow| flow.profile == profile && flow.destination == to)
}

fn department(w: Words, flow: &Flow) -> String {
    flow.department.clone().unwrap_or_else(|| w.say("no-department"))
}

fn tls(input: &Input<'_>, destination: &str) -> String {
    let seen = input.counted(destination).and_then(|counted| counted.seen.last());
    seen.map(|seen| seen.tls_version.clone()).unwrap_or_default()
}

fn observed(w: Words, input: &Input<'_>, flow: &Flow) -> Vec<Cell> {
    let state = match is_declared(input, flow) {
        true => w.say("flow-declared").into(),
        false => Cell::Alarm(w.say("flow-undeclared")),
    };
    vec![
        department(w, flow).into(),
        flow.profile.as_str().into(),
        flow.destination.as_str().into(),
        input.law_of(&flow.destination).into(),
        tls(input, &flow.destination).into(),
        flow.records.into(),
        state,
    ]
}

fn terminals(w: Words, input: &Input<'_>) -> Section {
    let rows = input.figures.terminals.iter().map(|terminal| {
        let state = match terminal.paired {
            true => w.say("terminal-paired").into(),
            false => Cell::Alarm(w.say("terminal-unknown")),
        };
        vec![terminal.name.as_str().into(), terminal.records.into(), state]
    });
    Section::new(w, "terminals", &["terminal", "records", "state"])
        .note(w.say("note-terminals"))
        .rows(rows)
}

fn picture(w: Words, input: &Input<'_>) -> Picture {
    let mut picture = Picture::default();
    let site = picture.node(1, Node { label: input.site.to_owned(), tone: Tone::Plain });
    for terminal in input.figures.terminals.iter().take(MAX_DRAWN) {
        let tone = if terminal.paired { Tone::Plain } else { Tone::Alarm };
        let at = picture.node(0, Node { label: terminal.name.clone(), tone });
        let label = terminal.records.to_string();
        picture.edge(Edge { from: at, to: site, label, tone, dashed: false });
    }
    for flow in input.figures.flows.iter().take(MAX_DRAWN) {
        let tone = if is_declared(input, flow) { Tone::Plain } else { Tone::Alarm };
        let from = picture.node(2, Node { label: department(w, flow), tone: Tone::Plain });
        picture.edge(Edge {
            from: site,
            to: from,
            label: String::new(),
            tone: Tone::Plain,
            dashed: false,
        });
        let to = destination(&mut picture, input, &flow.destination);
        let tls = tls(input, &flow.destination);
        let label = format!("{} · {} · {tls}", flow.records, flow.profile);
        picture.edge(Edge { from, to, label, tone, dashed: false });
    }
    for (profile, to) in declared(input).filter(|(profile, to)| !is_seen(input, profile, to)) {
        let to = destination(&mut picture, input, to);
        let label = profile.to_owned();
        picture.edge(Edge { from: site, to, label, tone: Tone::Faint, dashed: true });
    }
    picture
}

fn destination(picture: &mut Picture, input: &Input<'_>, id: &str) -> (usize, usize) {
    let named = input.destinations().iter().find(|d| d.id == id);
    let region = named.map(|d| d.region.clone()).unwrap_or_default();
    let tone = if named.is_some() { Tone::Plain } else { Tone::Alarm };
    let label = format!("{id} · {region} ({})", input.law_of(id));
    picture.node(3, Node { label, tone })
}
