//! Checks of the rules: permits, forbids and limits, by themselves and against each other.

use super::Findings;
use crate::condition::{Key, When};
use crate::law_pack::LawPack;
use crate::policy::{Effect, Permit, Policy, Site};
use crate::vocab::{Class, Connector, Field, ProfileKind};

pub(super) fn permits(policy: &Policy, pack: &LawPack, findings: &mut Findings) {
    for (at, permit) in policy.permits.iter().enumerate() {
        references(permit, policy, findings);
        reach(permit, policy, pack, findings);
        profile_fits(permit, policy, findings);
        for earlier in policy.permits.iter().take(at) {
            if earlier.to != permit.to && can_both_match(&earlier.when, &permit.when, policy) {
                findings.error(
                    permit.line,
                    format!("permits `{}` and `{}` can match one record", earlier.id, permit.id),
                    "they name two destinations, and such a record is held",
                    "make their conditions exclude each other",
                );
            }
        }
    }
}

fn references(permit: &Permit, policy: &Policy, findings: &mut Findings) {
    if !policy.destinations.iter().any(|d| d.id == permit.to) {
        findings.error(
            permit.line,
            format!("permit `{}` names destination `{}`, which is not here", permit.id, permit.to),
            "its records are held with I-11",
            "add the destination or correct the id",
        );
    }
    if !policy.profiles.iter().any(|p| p.id == permit.profile) {
        findings.error(
            permit.line,
            format!("permit `{}` names profile `{}`, which is not here", permit.id, permit.profile),
            "its records are held with I-11",
            "add the profile or correct the id",
        );
    }
    if permit.when.0.iter().any(|c| c.key.is_destination()) {
        findings.error(
            permit.line,
            format!("permit `{}` reads the destination it is to choose", permit.id),
            "it can never match",
            "remove the condition",
        );
    }
}

fn reach(permit: &Permit, policy: &Policy, pack: &LawPack, findings: &mut Findings) {
    let mut classes = Class::ALL.iter().filter(|c| permit.when.may_match_class(**c)).peekable();
    let some = classes.peek().is_some();
    if some && classes.all(|c| pack.never_class(*c) || !pack.known_classes.contains(c)) {
        findings.error(
            permit.line,
            format!("permit `{}` is for classes that never leave", permit.id),
            "the law pack shadows it",
            "remove it or correct its classes",
        );
    }
    if !policy.sites.iter().any(|s| site_fits(&permit.when, s)) {
        findings.error(
            permit.line,
            format!("permit `{}` fits no site", permit.id),
            "it is unreachable",
            "correct its conditions on the site",
        );
    }
    let over = policy.forbids.iter().find(|f| {
        f.unless_evidence.is_empty() && f.effect != Effect::Approve && covers(&f.when, &permit.when)
    });
    if let Some(forbid) = over {
        findings.warning(
            permit.line,
            format!("permit `{}` is always overruled by forbid `{}`", permit.id, forbid.id),
            "it is unreachable",
            "remove one of the two",
        );
    }
}

fn profile_fits(permit: &Permit, policy: &Policy, findings: &mut Findings) {
    let Some(profile) = policy.profiles.iter().find(|p| p.id == permit.profile) else { return };
    let aggregates = permit.when.may_match_class(Class::Aggregate);
    let others =
        Class::ALL.iter().any(|&c| c != Class::Aggregate && permit.when.may_match_class(c));
    let aggregate = profile.kind == ProfileKind::Aggregate;
    if (aggregate && others) || (!aggregate && aggregates && !others) {
        findings.error(
            permit.line,
            format!("permit `{}` and profile `{}` differ in kind", permit.id, profile.id),
            "counts and people's records go by different rules",
            "use an aggregate profile for attendance.aggregate, and for it alone",
        );
    }
    let to = policy.destinations.iter().find(|d| d.id == permit.to);
    let dingtalk = to.is_some_and(|d| d.connector == Connector::Dingtalk);
    for field in [Field::PlatformUserId, Field::CheckTime, Field::DeviceAlias] {
        if dingtalk && !profile.fields.iter().any(|name| name == field.as_str()) {
            findings.error(
                permit.line,
                format!("profile `{}` lacks `{field}`, which DingTalk needs", profile.id),
                "its records would be refused",
                "add the field to the profile",
            );
        }
    }
}

pub(super) fn forbids(policy: &Policy, pack: &LawPack, findings: &mut Findings) {
    for forbid in &policy.forbids {
        if !policy.sites.iter().any(|s| site_fits(&forbid.when, s)) {
            findings.error(
                forbid.line,
                format!("forbid `{}` fits no site", forbid.id),
                "it is unreachable",
                "correct its conditions on the site",
            );
        }
        let mut classes = Class::ALL.iter().filter(|c| forbid.when.may_match_class(**c));
        if classes.all(|c| pack.never_class(*c)) {
            findings.warning(
                forbid.line,
                format!("forbid `{}` is for classes that never leave anyway", forbid.id),
                "the law pack shadows it",
                "remove it",
            );
        }
    }
}

pub(super) fn limits(policy: &Policy, findings: &mut Findings) {
    for limit in &policy.limits {
        for id in &limit.applies_to {
            if !policy.destinations.iter().any(|d| d.id == *id) {
                findings.error(
                    limit.line,
                    format!("limit `{}` names destination `{id}`, which is not here", limit.id),
                    "it would limit nothing",
                    "correct the id",
                );
            }
        }
        if limit.warn.is_none() && limit.approve.is_none() {
            findings.error(
                limit.line,
                format!("limit `{}` has neither `warn` nor `approve`", limit.id),
                "it would limit nothing",
                "add one",
            );
        }
        if limit.warn.zip(limit.approve).is_some_and(|(warn, approve)| warn > approve) {
            findings.warning(
                limit.line,
                format!("limit `{}` warns after it wants approval", limit.id),
                "nobody would be warned in time",
                "warn at a smaller number",
            );
        }
    }
}

/// True if some record of some site could match both.
fn can_both_match(a: &When, b: &When, policy: &Policy) -> bool {
    let overlap = |key: Key| match (values(a, key), values(b, key)) {
        (Some(x), Some(y)) => key == Key::SubjectEmploymentLaw || x.iter().any(|v| y.contains(v)),
        _ => true,
    };
    let site = policy.sites.iter().any(|s| site_fits(a, s) && site_fits(b, s));
    site && Key::ALL.iter().all(|&key| overlap(key))
}

/// True if whatever matches `inner` matches `outer` too.
fn covers(outer: &When, inner: &When) -> bool {
    outer.0.iter().all(|condition| {
        values(inner, condition.key)
            .is_some_and(|values| values.iter().all(|v| condition.allowed.contains(v)))
    })
}

fn values(when: &When, key: Key) -> Option<&[String]> {
    when.0.iter().find(|c| c.key == key).map(|c| c.allowed.as_slice())
}

/// True if the conditions on the site hold for `site`.
fn site_fits(when: &When, site: &Site) -> bool {
    when.0.iter().all(|condition| {
        let value = match condition.key {
            Key::SiteId => site.id.as_str(),
            Key::SiteJurisdiction => site.jurisdiction.as_str(),
            Key::SiteController => site.controller.as_str(),
            Key::SiteGba => {
                if site.gba {
                    "true"
                } else {
                    "false"
                }
            }
            _ => return true,
        };
        condition.allowed.iter().any(|allowed| allowed == value)
    })
}
