//! Leaving a destination or its supplier: what is done, what is left, and where the receipts are.
//!
//! Four steps a destination, in this order: stop, drain, request the deletion, store the
//! confirmation. The first two the box knows by itself; for the others it looks into the registry
//! of legal evidence for papers of [`REQUEST`] and [`CONFIRMATION`] that speak of the destination.

use crate::build::Input;
use crate::document::{Cell, Section};
use crate::figures::Paper;
use crate::words::Words;
use std::collections::BTreeSet;

/// The type of paper by which deletion was asked for.
const REQUEST: &str = "deletion-request";
/// The type of paper by which a region says that it deleted.
const CONFIRMATION: &str = "deletion-confirmation";

/// One step of one destination.
struct Step {
    word: &'static str,
    done: bool,
    receipt: Cell,
}

pub(super) fn sections(w: Words, input: &Input<'_>) -> Vec<Section> {
    let known = input.destinations().iter().map(|destination| destination.id.as_str());
    let used = input.figures.destinations.iter().map(|one| one.destination.as_str());
    let all: BTreeSet<&str> = known.chain(used).collect();
    let columns = ["destination", "region", "records", "step", "task", "state", "receipt"];
    let rows = all.into_iter().flat_map(|id| rows(w, input, id));
    let section = Section::new(w, "offboarding", &columns)
        .note(w.say("note-offboarding"))
        .note(w.say("note-offboarding-receipts"))
        .rows(rows);
    vec![section]
}

fn rows(w: Words, input: &Input<'_>, id: &str) -> Vec<Vec<Cell>> {
    let region = input.destinations().iter().find(|destination| destination.id == id);
    let region = region.map(|destination| destination.region.clone());
    let records = input.counted(id).map_or(0, |counted| counted.records);
    let row = |step: Step| {
        let state = match step.done {
            true => Cell::from(w.say("step-done")),
            false => Cell::Alarm(w.say("step-open")),
        };
        vec![
            id.into(),
            region.clone().into(),
            records.into(),
            w.say(&format!("step-{}", step.word)).into(),
            w.fill(&format!("task-{}", step.word), &[("destination", id)]).into(),
            state,
            step.receipt,
        ]
    };
    steps(w, input, id).map(row).into()
}

fn steps(w: Words, input: &Input<'_>, id: &str) -> [Step; 4] {
    let leads = input.rules.is_some_and(|rules| rules.policy().permits.iter().any(|p| p.to == id));
    let policy = input.rules.filter(|_| !leads);
    let policy = policy.map(|rules| format!("{}@{}", rules.policy_id(), rules.policy_version()));
    let counted = input.counted(id);
    let left = counted.map_or(0, |counted| counted.outstanding);
    let drained = counted.map(|counted| {
        let (taken, left) = (counted.settled.to_string(), left.to_string());
        let receipts = counted.receipts.to_string();
        let values = [("taken", &*taken), ("receipts", &*receipts), ("left", &*left)];
        w.fill("receipt-drained", &values)
    });
    let paper = |word, kind| {
        let found = filed(input, kind, id);
        Step { word, done: found.is_some(), receipt: found.map(|paper| receipt(w, paper)).into() }
    };
    [
        Step { word: "stop", done: !leads, receipt: policy.into() },
        Step { word: "drain", done: !leads && left == 0, receipt: drained.into() },
        paper("request", REQUEST),
        paper("confirm", CONFIRMATION),
    ]
}

/// The newest paper of a type that speaks of a destination and was not taken back.
fn filed<'a>(input: &'a Input<'_>, kind: &str, id: &str) -> Option<&'a Paper> {
    let papers = input.figures.papers.iter().filter(|paper| !paper.withdrawn);
    let about =
        papers.filter(|paper| paper.kind == kind && paper.destination.as_deref() == Some(id));
    about.max_by_key(|paper| paper.number)
}

fn receipt(w: Words, paper: &Paper) -> String {
    let number = paper.number.to_string();
    w.fill("receipt-paper", &[("number", &number), ("sha256", &paper.sha256)])
}
