//! Checks of the rules: permits, forbids and limits, by themselves and against each other.

use super::{Finding, Findings};
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
                findings.add(Finding::error(
                    permit.line,
                    "two-destinations",
                    [("one", earlier.id.as_str().into()), ("other", permit.id.as_str().into())],
                ));
            }
        }
    }
}

fn references(permit: &Permit, policy: &Policy, findings: &mut Findings) {
    if !policy.destinations.iter().any(|d| d.id == permit.to) {
        findings.add(Finding::error(
            permit.line,
            "permit-no-destination",
            [("id", permit.id.as_str().into()), ("to", permit.to.as_str().into())],
        ));
    }
    if !policy.profiles.iter().any(|p| p.id == permit.profile) {
        findings.add(Finding::error(
            permit.line,
            "permit-no-profile",
            [("id", permit.id.as_str().into()), ("profile", permit.profile.as_str().into())],
        ));
    }
    if permit.when.0.iter().any(|c| c.key.is_destination()) {
        findings.add(Finding::error(
            permit.line,
            "permit-reads-destination",
            [("id", permit.id.as_str().into())],
        ));
    }
}

fn reach(permit: &Permit, policy: &Policy, pack: &LawPack, findings: &mut Findings) {
    let mut classes = Class::ALL.iter().filter(|c| permit.when.may_match_class(**c)).peekable();
    let some = classes.peek().is_some();
    if some && classes.all(|c| pack.never_class(*c) || !pack.known_classes.contains(c)) {
        findings.add(Finding::error(
            permit.line,
            "permit-never-class",
            [("id", permit.id.as_str().into())],
        ));
    }
    if !policy.sites.iter().any(|s| site_fits(&permit.when, s)) {
        findings.add(Finding::error(
            permit.line,
            "permit-no-site",
            [("id", permit.id.as_str().into())],
        ));
    }
    let over = policy.forbids.iter().find(|f| {
        f.unless_evidence.is_empty() && f.effect != Effect::Approve && covers(&f.when, &permit.when)
    });
    if let Some(forbid) = over {
        findings.add(Finding::warning(
            permit.line,
            "permit-overruled",
            [("id", permit.id.as_str().into()), ("forbid", forbid.id.as_str().into())],
        ));
    }
}

fn profile_fits(permit: &Permit, policy: &Policy, findings: &mut Findings) {
    let Some(profile) = policy.profiles.iter().find(|p| p.id == permit.profile) else { return };
    let aggregates = permit.when.may_match_class(Class::Aggregate);
    let others =
        Class::ALL.iter().any(|&c| c != Class::Aggregate && permit.when.may_match_class(c));
    let aggregate = profile.kind == ProfileKind::Aggregate;
    if (aggregate && others) || (!aggregate && aggregates && !others) {
        findings.add(Finding::error(
            permit.line,
            "kinds-differ",
            [("id", permit.id.as_str().into()), ("profile", profile.id.as_str().into())],
        ));
    }
    let to = policy.destinations.iter().find(|d| d.id == permit.to);
    let dingtalk = to.is_some_and(|d| d.connector == Connector::Dingtalk);
    for field in [Field::PlatformUserId, Field::CheckTime, Field::DeviceAlias] {
        if dingtalk && !profile.fields.iter().any(|name| name == field.as_str()) {
            findings.add(Finding::error(
                permit.line,
                "dingtalk-field",
                [("id", profile.id.as_str().into()), ("field", field.as_str().into())],
            ));
        }
    }
}

pub(super) fn forbids(policy: &Policy, pack: &LawPack, findings: &mut Findings) {
    for forbid in &policy.forbids {
        if !policy.sites.iter().any(|s| site_fits(&forbid.when, s)) {
            findings.add(Finding::error(
                forbid.line,
                "forbid-no-site",
                [("id", forbid.id.as_str().into())],
            ));
        }
        let mut classes = Class::ALL.iter().filter(|c| forbid.when.may_match_class(**c));
        if classes.all(|c| pack.never_class(*c)) {
            findings.add(Finding::warning(
                forbid.line,
                "forbid-never-class",
                [("id", forbid.id.as_str().into())],
            ));
        }
    }
}

pub(super) fn limits(policy: &Policy, findings: &mut Findings) {
    for limit in &policy.limits {
        for id in &limit.applies_to {
            if !policy.destinations.iter().any(|d| d.id == *id) {
                findings.add(Finding::error(
                    limit.line,
                    "limit-no-destination",
                    [("id", limit.id.as_str().into()), ("to", id.as_str().into())],
                ));
            }
        }
        if limit.warn.is_none() && limit.approve.is_none() {
            findings.add(Finding::error(
                limit.line,
                "limit-nothing",
                [("id", limit.id.as_str().into())],
            ));
        }
        if limit.warn.zip(limit.approve).is_some_and(|(warn, approve)| warn > approve) {
            findings.add(Finding::warning(
                limit.line,
                "limit-late",
                [("id", limit.id.as_str().into())],
            ));
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
pub(super) fn site_fits(when: &When, site: &Site) -> bool {
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
