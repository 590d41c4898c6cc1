//! Checks of the tables by themselves: header, names, sites, destinations, profiles, keeping.

use super::{Finding, Findings};
use crate::law_pack::{GateStatus, LawPack};
use crate::phrase::Phrase;
use crate::policy::{Destination, KeepWord, Policy, Profile, Retention};
use crate::vocab::{Connector, Field, Law, ProfileKind, RecordMethod};
use jiff::tz::Offset;
use jiff::{Timestamp, ToSpan};
use std::collections::{BTreeMap, BTreeSet};

/// Beginnings of codes that the model, or a permit's papers, use.
const RESERVED: &[&str] =
    &["I-", "C-0", "R-", "E-AMBIG", "F-ACCT", "D-180", "K-01", "A-01", "T-CN-", "S-LOCAL-ONLY"];

/// Calendar months after which a policy is to be reviewed.
const LIFE_MONTHS: i64 = 6;

pub(super) fn header(policy: &Policy, pack: &LawPack, findings: &mut Findings) {
    let header = &policy.header;
    if header.law_pack != pack.id {
        findings.add(Finding::error(
            header.line,
            "law-pack",
            [("found", header.law_pack.as_str().into()), ("pack", pack.id.as_str().into())],
        ));
    }
    if header.effective_until <= header.effective_from {
        findings.add(Finding::error(header.line, "never-in-force", []));
    } else if longer_than_months(header.effective_from, header.effective_until, LIFE_MONTHS) {
        findings.add(Finding::warning(
            header.line,
            "long-life",
            [("months", LIFE_MONTHS.to_string().into())],
        ));
    }
    for id in &header.promote {
        promoted(id, header.line, pack, findings);
    }
}

fn promoted(id: &str, line: usize, pack: &LawPack, findings: &mut Findings) {
    match pack.lane.values().flatten().find(|g| g.id == id) {
        None => findings.add(Finding::error(line, "promote-unknown", [("id", id.into())])),
        Some(gate) if gate.status == GateStatus::InForce => {
            findings.add(Finding::warning(line, "promote-needless", [("id", id.into())]))
        }
        Some(_) => {}
    }
}

/// True if, in every time zone, `until` is later than `months` after `from`.
fn longer_than_months(from: Timestamp, until: Timestamp, months: i64) -> bool {
    (-12..=14).all(|hours| {
        let offset = Offset::constant(hours);
        let start = offset.to_datetime(from);
        let end = start.checked_add(months.months());
        end.is_ok_and(|end| offset.to_datetime(until) > end)
    })
}

pub(super) fn names(policy: &Policy, pack: &LawPack, findings: &mut Findings) {
    unique(policy.sites.iter().map(|s| (s.id.as_str(), s.line)), "kind-site", findings);
    unique(
        policy.destinations.iter().map(|d| (d.id.as_str(), d.line)),
        "kind-destination",
        findings,
    );
    unique(policy.profiles.iter().map(|p| (p.id.as_str(), p.line)), "kind-profile", findings);
    let forbids = policy.forbids.iter().map(|r| (r.id.as_str(), r.line));
    let permits = policy.permits.iter().map(|r| (r.id.as_str(), r.line));
    let limits = policy.limits.iter().map(|r| (r.id.as_str(), r.line));
    let rules: Vec<_> = forbids.chain(permits).chain(limits).collect();
    unique(rules.iter().copied(), "kind-rule", findings);
    let gates: BTreeSet<&str> = pack.lane.values().flatten().map(|g| g.id.as_str()).collect();
    for (id, line) in rules {
        if gates.contains(id) || RESERVED.iter().any(|code| id.starts_with(code)) {
            findings.add(Finding::error(line, "reserved-id", [("id", id.into())]));
        }
    }
}

fn unique<'a>(
    ids: impl Iterator<Item = (&'a str, usize)>,
    kind: &'static str,
    findings: &mut Findings,
) {
    let mut seen = BTreeSet::new();
    for (id, line) in ids {
        if id.is_empty() {
            findings.add(Finding::error(line, "no-id", [("kind", Phrase::plain(kind).into())]));
        } else if !seen.insert(id) {
            findings.add(Finding::error(
                line,
                "same-id",
                [("kind", Phrase::plain(kind).into()), ("id", id.into())],
            ));
        }
    }
}

pub(super) fn sites(policy: &Policy, pack: &LawPack, findings: &mut Findings) {
    for site in &policy.sites {
        for law in BTreeSet::from([site.jurisdiction, site.controller]) {
            if !pack.lane.contains_key(&law) {
                findings.add(Finding::warning(
                    site.line,
                    "no-gates",
                    [("law", law.as_str().into()), ("site", site.id.as_str().into())],
                ));
            }
        }
    }
}

pub(super) fn destinations(policy: &Policy, pack: &LawPack, findings: &mut Findings) {
    for destination in &policy.destinations {
        let (id, line) = (&destination.id, destination.line);
        if !pack.region.contains_key(&destination.region) {
            findings.add(Finding::error(
                line,
                "region-unknown",
                [("region", destination.region.as_str().into()), ("id", id.as_str().into())],
            ));
        }
        if destination.operator.as_deref().is_none_or(str::is_empty) {
            findings.add(Finding::error(line, "no-operator", [("id", id.as_str().into())]));
        }
        if destination.residency_evidence.is_none() {
            findings.add(Finding::error(
                line,
                "no-residency-evidence",
                [("id", id.as_str().into())],
            ));
        }
        if destination.connector == Connector::Dingtalk && destination.account_class.is_none() {
            findings.add(Finding::error(line, "no-account-class", [("id", id.as_str().into())]));
        }
        fallback(destination, policy, pack, findings);
    }
}

fn fallback(to: &Destination, policy: &Policy, pack: &LawPack, findings: &mut Findings) {
    let Some(name) = &to.fallback else { return };
    let law = |d: &Destination| pack.region.get(&d.region).map(|r| r.jurisdiction);
    let other = policy.destinations.iter().find(|d| d.id == *name);
    let same = other.is_some_and(|o| law(o) == law(to) && o.operator == to.operator);
    if other.is_none() {
        findings.add(Finding::error(
            to.line,
            "fallback-unknown",
            [("name", name.as_str().into()), ("id", to.id.as_str().into())],
        ));
    } else if !same {
        findings.add(Finding::error(
            to.line,
            "fallback-elsewhere",
            [("name", name.as_str().into()), ("id", to.id.as_str().into())],
        ));
    }
}

pub(super) fn profiles(policy: &Policy, pack: &LawPack, findings: &mut Findings) {
    let barred: BTreeSet<&String> = pack.never_fields.iter().chain(&pack.strip_fields).collect();
    for profile in &policy.profiles {
        let mut seen = BTreeSet::new();
        for name in &profile.fields {
            let known = Field::from_word(name);
            let never = barred.contains(name) || known.is_some_and(|f| !f.may_leave());
            let repeated = !seen.insert(name);
            field(profile, name, (known.is_some(), never, repeated), findings);
        }
        if profile.fields.is_empty() {
            findings.add(Finding::error(
                profile.line,
                "empty-profile",
                [("id", profile.id.as_str().into())],
            ));
        }
        if profile.kind == ProfileKind::Aggregate && profile.k_min.is_none_or(|k| k < 2) {
            findings.add(Finding::error(
                profile.line,
                "no-k-min",
                [("id", profile.id.as_str().into())],
            ));
        }
    }
}

fn field(profile: &Profile, name: &str, found: (bool, bool, bool), findings: &mut Findings) {
    let (line, id) = (profile.line, &profile.id);
    let (known, never, repeated) = found;
    if never {
        findings.add(Finding::error(
            line,
            "never-field",
            [("id", id.as_str().into()), ("name", name.into())],
        ));
    } else if !known {
        findings.add(Finding::error(
            line,
            "unknown-field",
            [("id", id.as_str().into()), ("name", name.into())],
        ));
    } else if repeated {
        findings.add(Finding::error(
            line,
            "field-twice",
            [("id", id.as_str().into()), ("name", name.into())],
        ));
    }
}

pub(super) fn retention(policy: &Policy, pack: &LawPack, findings: &mut Findings) {
    let laws: BTreeSet<Law> = policy.sites.iter().map(|s| s.jurisdiction).collect();
    for row in &policy.retention {
        let ceiling = row.purpose_days.unwrap_or(u32::MAX).min(row.local_days);
        let floor = floor(row, &laws, pack);
        if floor > ceiling && row.then.is_none() {
            findings.add(Finding::error(
                row.line,
                "floor-over-ceiling",
                [
                    ("class", row.class.as_str().into()),
                    ("ceiling", ceiling.to_string().into()),
                    ("floor", floor.to_string().into()),
                ],
            ));
        }
    }
}

fn floor(row: &Retention, laws: &BTreeSet<Law>, pack: &LawPack) -> u32 {
    let applies = |law: &Law| row.law.map_or(laws.contains(law), |own| own == *law);
    let statutes = pack.floor.iter().filter(|f| f.class == row.class && applies(&f.law));
    statutes.map(|f| f.days).chain(row.floor_days).max().unwrap_or(0)
}

pub(super) fn biometric(policy: &Policy, pack: &LawPack, findings: &mut Findings) {
    let mut seen: BTreeMap<(Law, RecordMethod), usize> = BTreeMap::new();
    for row in &policy.biometric {
        let (law, method, line) = (row.law, row.method, row.line);
        if seen.insert((law, method), line).is_some() {
            findings.add(Finding::error(
                line,
                "biometric-twice",
                [("method", method.as_str().into()), ("law", law.as_str().into())],
            ));
        }
        let vault = row.keep == KeepWord::Vault;
        if vault != row.days.is_some_and(|days| days > 0) {
            findings.add(Finding::error(
                line,
                "biometric-days",
                [("method", method.as_str().into()), ("law", law.as_str().into())],
            ));
        }
        let ceilings = pack.biometric.iter().filter(|c| c.law == law && c.method == method);
        let ceiling = ceilings.map(|c| c.max_days).min();
        let in_device = law == Law::CN && method == RecordMethod::Face;
        if vault && (in_device || ceiling.is_some_and(|most| row.days.unwrap_or(0) > most)) {
            findings.add(Finding::error(
                line,
                "biometric-too-long",
                [("method", method.as_str().into()), ("law", law.as_str().into())],
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_calendar_months() {
        let check = |from: &str, until: &str, expect: bool| {
            let at = |text: &str| text.parse().expect("a time");
            assert_eq!(longer_than_months(at(from), at(until), 6), expect, "{from} {until}");
        };
        check("2026-01-01T00:00:00+08:00", "2026-07-01T00:00:00+08:00", false);
        check("2026-03-01T00:00:00+08:00", "2026-09-01T00:00:00+08:00", false);
        check("2026-01-15T00:00:00+01:00", "2026-07-15T00:00:00+02:00", false);
        check("2026-01-01T00:00:00+08:00", "2026-07-03T00:00:00+08:00", true);
    }
}
