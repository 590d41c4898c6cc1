//! Checks of the tables by themselves: header, names, sites, destinations, profiles, keeping.

use super::Findings;
use crate::law_pack::{GateStatus, LawPack};
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
        let what = format!("written for law pack `{}`, not `{}`", header.law_pack, pack.id);
        findings.error(
            header.line,
            what,
            "under another law pack everything is held",
            "name this law pack, or give the other",
        );
    }
    if header.effective_until <= header.effective_from {
        findings.error(
            header.line,
            "effective_until is not after effective_from".to_owned(),
            "the policy would never be in force",
            "correct the dates",
        );
    } else if longer_than_months(header.effective_from, header.effective_until, LIFE_MONTHS) {
        findings.warning(
            header.line,
            format!("in force for more than {LIFE_MONTHS} calendar months"),
            "policies are reviewed every six months",
            "shorten it, or let its signers say why not",
        );
    }
    for id in &header.promote {
        promoted(id, header.line, pack, findings);
    }
}

fn promoted(id: &str, line: usize, pack: &LawPack, findings: &mut Findings) {
    match pack.lane.values().flatten().find(|g| g.id == id) {
        None => findings.error(
            line,
            format!("promote names `{id}`, which is no gate of the law pack"),
            "nothing would be promoted",
            "correct the id",
        ),
        Some(gate) if gate.status == GateStatus::InForce => findings.warning(
            line,
            format!("promote names `{id}`, which is in force anyway"),
            "the law pack binds already",
            "remove it",
        ),
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
    unique(policy.sites.iter().map(|s| (s.id.as_str(), s.line)), "site", findings);
    unique(policy.destinations.iter().map(|d| (d.id.as_str(), d.line)), "destination", findings);
    unique(policy.profiles.iter().map(|p| (p.id.as_str(), p.line)), "profile", findings);
    let forbids = policy.forbids.iter().map(|r| (r.id.as_str(), r.line));
    let permits = policy.permits.iter().map(|r| (r.id.as_str(), r.line));
    let limits = policy.limits.iter().map(|r| (r.id.as_str(), r.line));
    let rules: Vec<_> = forbids.chain(permits).chain(limits).collect();
    unique(rules.iter().copied(), "rule", findings);
    let gates: BTreeSet<&str> = pack.lane.values().flatten().map(|g| g.id.as_str()).collect();
    for (id, line) in rules {
        if gates.contains(id) || RESERVED.iter().any(|code| id.starts_with(code)) {
            findings.error(
                line,
                format!("the id `{id}` is a reason code of the model or of the law pack"),
                "two reasons could not be told apart",
                "give the rule another id",
            );
        }
    }
}

fn unique<'a>(ids: impl Iterator<Item = (&'a str, usize)>, what: &str, findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    for (id, line) in ids {
        if id.is_empty() {
            findings.error(
                line,
                format!("a {what} has no id"),
                "nothing can name it",
                "give it one",
            );
        } else if !seen.insert(id) {
            findings.error(
                line,
                format!("two {what}s are called `{id}`"),
                "only the first would count",
                "rename one",
            );
        }
    }
}

pub(super) fn sites(policy: &Policy, pack: &LawPack, findings: &mut Findings) {
    for site in &policy.sites {
        for law in BTreeSet::from([site.jurisdiction, site.controller]) {
            if !pack.lane.contains_key(&law) {
                findings.warning(
                    site.line,
                    format!("the law pack has no gates for `{law}` of site `{}`", site.id),
                    "whatever crosses its border is held with I-06-LAW",
                    "use a law pack that knows this law",
                );
            }
        }
    }
}

pub(super) fn destinations(policy: &Policy, pack: &LawPack, findings: &mut Findings) {
    for destination in &policy.destinations {
        let (id, line) = (&destination.id, destination.line);
        if !pack.region.contains_key(&destination.region) {
            findings.error(
                line,
                format!("region `{}` of `{id}` is not in the catalogue", destination.region),
                "nobody could say which law it is under",
                "use a region of the law pack",
            );
        }
        if destination.operator.as_deref().is_none_or(str::is_empty) {
            findings.error(
                line,
                format!("destination `{id}` has no operator"),
                "a transfer needs to say to whom",
                "add `operator`",
            );
        }
        if destination.residency_evidence.is_none() {
            findings.error(
                line,
                format!("destination `{id}` has no residency evidence"),
                "without it the destination is read as the mainland besides its region",
                "add `residency_evidence`: endpoint, contract or attestation",
            );
        }
        if destination.connector == Connector::Dingtalk && destination.account_class.is_none() {
            findings.error(
                line,
                format!("destination `{id}` has no account class"),
                "every record to it would be held with F-ACCT",
                "add `account_class`: dingtalk or dingding",
            );
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
        findings.error(
            to.line,
            format!("fallback `{name}` of `{}` is no destination of this policy", to.id),
            "it could not be checked",
            "correct the id",
        );
    } else if !same {
        findings.error(
            to.line,
            format!("fallback `{name}` of `{}` has another jurisdiction or operator", to.id),
            "failure never changes the destination",
            "name one of the same jurisdiction and operator, or remove it",
        );
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
            findings.error(
                profile.line,
                format!("profile `{}` has no fields", profile.id),
                "its parcels would be empty",
                "list its fields",
            );
        }
        if profile.kind == ProfileKind::Aggregate && profile.k_min.is_none_or(|k| k < 2) {
            findings.error(
                profile.line,
                format!("aggregate profile `{}` has no k_min of 2 or more", profile.id),
                "a count of one is a person",
                "add `k_min`; 10 is usual",
            );
        }
    }
}

fn field(profile: &Profile, name: &str, found: (bool, bool, bool), findings: &mut Findings) {
    let (line, id) = (profile.line, &profile.id);
    let (known, never, repeated) = found;
    if never {
        findings.error(
            line,
            format!("profile `{id}` lists `{name}`, which never leaves"),
            "the law pack bars it",
            "remove the field",
        );
    } else if !known {
        findings.error(
            line,
            format!("profile `{id}` lists `{name}`, which is no field"),
            "an unknown field never passes",
            "correct the name or remove it",
        );
    } else if repeated {
        findings.error(
            line,
            format!("profile `{id}` lists `{name}` twice"),
            "a parcel has each field once",
            "remove one",
        );
    }
}

pub(super) fn retention(policy: &Policy, pack: &LawPack, findings: &mut Findings) {
    let laws: BTreeSet<Law> = policy.sites.iter().map(|s| s.jurisdiction).collect();
    for row in &policy.retention {
        let ceiling = row.purpose_days.unwrap_or(u32::MAX).min(row.local_days);
        let floor = floor(row, &laws, pack);
        if floor > ceiling && row.then.is_none() {
            findings.error(
                row.line,
                format!("{} is kept {ceiling} days and must be kept {floor}", row.class),
                "a statute's floor is over the policy's ceiling",
                "keep it longer, or add `then = \"hours-only\"`",
            );
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
            findings.error(
                line,
                format!("{method} under {law} has two rules"),
                "the stricter would count, unseen",
                "keep one",
            );
        }
        let vault = row.keep == KeepWord::Vault;
        if vault != row.days.is_some_and(|days| days > 0) {
            findings.error(
                line,
                format!("{method} under {law}: `days` and `keep` do not fit"),
                "the vault needs a number of days, and discarding has none",
                "give `days` with `keep = \"vault\"` only",
            );
        }
        let ceilings = pack.biometric.iter().filter(|c| c.law == law && c.method == method);
        let ceiling = ceilings.map(|c| c.max_days).min();
        let in_device = law == Law::CN && method == RecordMethod::Face;
        if vault && (in_device || ceiling.is_some_and(|most| row.days.unwrap_or(0) > most)) {
            findings.error(
                line,
                format!("{method} under {law} would be kept longer than the law lets it"),
                "a policy can be stricter than the law pack, never looser",
                "shorten `days`, or discard",
            );
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
