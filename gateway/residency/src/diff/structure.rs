//! What no decision shows: dates, purposes, who runs a destination, how long data is kept.

use super::{Change, Direction};
use crate::phrase::{Phrase, Value};
use crate::policy::{Destination, Site};
use crate::rules::{RetentionRule, Rules};
use crate::vocab::{Class, Law, RecordMethod};
use jiff::Timestamp;
use std::cmp::Ordering;
use std::collections::BTreeSet;

pub(super) fn changes(old: &Rules, new: &Rules) -> Vec<Change> {
    let mut changes = Vec::new();
    dates(old, new, &mut changes);
    purposes(old, new, &mut changes);
    destinations(old, new, &mut changes);
    lanes(old, new, &mut changes);
    pins(old, new, &mut changes);
    retention(old, new, &mut changes);
    biometric(old, new, &mut changes);
    if old.law_pack_hash() != new.law_pack_hash() {
        changes.push(change(Direction::Neutral, Phrase::plain("diff-law-pack")));
    }
    changes
}

fn change(direction: Direction, what: Phrase) -> Change {
    Change::new(direction, what, None, 1)
}

fn phrase<const N: usize>(key: &'static str, values: [(&'static str, Value); N]) -> Phrase {
    Phrase::new(key, values.into())
}

/// Loosens where `order` says that there is more of something than before.
fn by(order: Ordering, what: Phrase, changes: &mut Vec<Change>) {
    match order {
        Ordering::Greater => changes.push(change(Direction::Loosens, what)),
        Ordering::Less => changes.push(change(Direction::Tightens, what)),
        Ordering::Equal => {}
    }
}

fn dates(old: &Rules, new: &Rules, changes: &mut Vec<Change>) {
    let (a, b) = (&old.policy().header, &new.policy().header);
    let from = a.effective_from.cmp(&b.effective_from);
    let dates = |new: Timestamp, old: Timestamp| {
        [("new", new.to_string().into()), ("old", old.to_string().into())]
    };
    by(from, phrase("diff-from", dates(b.effective_from, a.effective_from)), changes);
    let until = b.effective_until.cmp(&a.effective_until);
    by(until, phrase("diff-until", dates(b.effective_until, a.effective_until)), changes);
}

fn purposes(old: &Rules, new: &Rules, changes: &mut Vec<Change>) {
    for permit in &new.policy().permits {
        let before = old.policy().permits.iter().find(|p| p.id == permit.id);
        if before.is_some_and(|p| p.purpose != permit.purpose) {
            let what = phrase("diff-purpose", [("permit", permit.id.as_str().into())]);
            changes.push(change(Direction::Loosens, what));
        }
    }
}

fn destinations(old: &Rules, new: &Rules, changes: &mut Vec<Change>) {
    let who = |d: &Destination| {
        (d.region.clone(), d.connector, d.account_class, d.operator.clone(), d.operator_gba)
    };
    for destination in new.destinations() {
        let before = old.destination(&destination.id);
        if before.is_some_and(|d| who(d) != who(destination)) {
            let what = phrase("diff-place", [("destination", destination.id.as_str().into())]);
            changes.push(change(Direction::Loosens, what));
        }
    }
}

/// Papers are compared for every lane at once, so what adds or removes a lane is compared here.
fn lanes(old: &Rules, new: &Rules, changes: &mut Vec<Change>) {
    for destination in new.destinations() {
        let Some(before) = old.destination(&destination.id) else { continue };
        let missing = |a: &[Law], b: &[Law]| b.iter().any(|law| !a.contains(law));
        let (a, b) = (&before.remote_access_from, &destination.remote_access_from);
        let named = || [("destination", destination.id.as_str().into())];
        let what = phrase("diff-remote", named());
        if missing(b, a) {
            changes.push(change(Direction::Loosens, what));
        } else if missing(a, b) {
            changes.push(change(Direction::Tightens, what));
        }
        let evidence = |rules: &Destination| rules.residency_evidence.is_some();
        let order = evidence(destination).cmp(&evidence(before));
        by(order, phrase("diff-evidence", named()), changes);
    }
    for site in new.sites() {
        let law = |s: &Site| (s.jurisdiction, s.controller, s.gba);
        if old.site(&site.id).is_some_and(|before| law(before) != law(site)) {
            let what = phrase("diff-site-laws", [("site", site.id.as_str().into())]);
            changes.push(change(Direction::Loosens, what));
        }
    }
}

/// A region more among those that a site's records may reach loosens; no pin is every region.
fn pins(old: &Rules, new: &Rules, changes: &mut Vec<Change>) {
    for site in new.sites() {
        let Some(before) = old.site(&site.id) else { continue };
        let (a, b) = (&before.pin_regions, &site.pin_regions);
        let within = |inner: &[String], outer: &[String]| {
            outer.is_empty() || (!inner.is_empty() && inner.iter().all(|r| outer.contains(r)))
        };
        let what = phrase("diff-pin", [("site", site.id.as_str().into())]);
        match (within(b, a), within(a, b)) {
            (true, true) => {}
            (true, false) => changes.push(change(Direction::Tightens, what)),
            (false, _) => changes.push(change(Direction::Loosens, what)),
        }
    }
}

/// What is destroyed sooner does not come back, and what is kept longer is known for longer: either
/// way takes two people.
fn retention(old: &Rules, new: &Rules, changes: &mut Vec<Change>) {
    let laws = laws(old, new);
    for &class in Class::ALL {
        for &law in &laws {
            let (before, after) = (old.retention(class, law), new.retention(class, law));
            let days = |rule: Option<RetentionRule>| rule.map_or(u32::MAX, |r| r.ceiling_days);
            let key = match days(after).cmp(&days(before)) {
                _ if before == after => continue,
                Ordering::Less => "diff-destroyed-sooner",
                Ordering::Greater => "diff-kept-longer",
                Ordering::Equal => "diff-kept-otherwise",
            };
            let what = [("class", class.as_str().into()), ("law", law.as_str().into())];
            changes.push(change(Direction::Loosens, phrase(key, what)));
        }
    }
}

fn biometric(old: &Rules, new: &Rules, changes: &mut Vec<Change>) {
    for law in laws(old, new) {
        for &method in RecordMethod::ALL {
            let days = |rules: &Rules| rules.vault_days(law, method);
            let what = [
                ("method", method.as_str().into()),
                ("law", law.as_str().into()),
                ("days", days(new).to_string().into()),
            ];
            by(days(new).cmp(&days(old)), phrase("diff-biometric", what), changes);
        }
    }
}

/// Laws that either version can apply on the box.
fn laws(old: &Rules, new: &Rules) -> BTreeSet<Law> {
    let of = |rules: &Rules| -> Vec<Law> {
        let sites = rules.sites().iter().flat_map(|s| [s.jurisdiction, s.controller]);
        let kept = rules.policy().biometric.iter().map(|b| b.law);
        sites.chain(kept).chain(rules.policy().retention.iter().filter_map(|r| r.law)).collect()
    };
    of(old).into_iter().chain(of(new)).collect()
}
