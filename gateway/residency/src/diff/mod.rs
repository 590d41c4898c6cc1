//! Comparing two versions of the rules: what tightens, what loosens, and why.
//!
//! Conditions are over closed words, so the facts that can tell two versions apart are finite: every
//! value a rule mentions and one that none does. Both versions decide every such point. What no
//! decision shows (dates, purposes, operators, keeping) is compared as it stands. Two papers
//! that excuse each other are told apart by taking papers away one by one and alternative by
//! alternative. Where the points are too many, the change counts as loosening.

mod points;
mod structure;

use crate::decide::decide;
use crate::decision::Decision;
use crate::explain::Language;
use crate::phrase::Phrase;
use crate::rules::Rules;
use crate::vocab::{Field, Verdict};
use serde::Serialize;
use std::collections::BTreeMap;

/// Which way a change goes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Nothing is freer and nothing stricter.
    Neutral,
    /// Something is stricter and nothing freer.
    Tightens,
    /// Something is freer.
    Loosens,
}

/// One difference.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Change {
    /// Which way it goes.
    pub direction: Direction,
    /// What changes, in English; [`Change::told`] says it in any language.
    pub what: String,
    /// Facts under which it shows, for example.
    pub example: Option<String>,
    /// Combinations of facts under which it shows; 1 for what is compared as it stands.
    pub points: usize,
    #[serde(skip)]
    phrase: Phrase,
}

impl Change {
    fn new(direction: Direction, phrase: Phrase, example: Option<String>, points: usize) -> Self {
        Self { direction, what: phrase.say(Language::En), example, points, phrase }
    }

    /// What changes, in `language`.
    pub fn told(&self, language: Language) -> String {
        self.phrase.say(language)
    }
}

impl Direction {
    /// The word for it in `language`.
    pub fn told(self, language: Language) -> String {
        let key = match self {
            Self::Neutral => "direction-neutral",
            Self::Tightens => "direction-tightens",
            Self::Loosens => "direction-loosens",
        };
        Phrase::plain(key).say(language)
    }
}

/// Everything that differs, the loosening first.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Diff {
    /// The freest of the changes.
    pub direction: Direction,
    /// The changes.
    pub changes: Vec<Change>,
}

/// Compares the rules in force with those that are to follow.
pub fn diff(old: &Rules, new: &Rules) -> Diff {
    let mut changes = structure::changes(old, new);
    match points::between(old, new) {
        Some(points) => changes.extend(decided(old, new, &points)),
        None => {
            let what = Phrase::plain("diff-too-many");
            changes.push(Change::new(Direction::Loosens, what, None, 1));
        }
    }
    changes.sort_by(|a, b| b.direction.cmp(&a.direction).then_with(|| a.what.cmp(&b.what)));
    let direction = changes.iter().map(|c| c.direction).max().unwrap_or(Direction::Neutral);
    Diff { direction, changes }
}

/// Compares two decisions on one record, as in a shadow run.
pub fn compare(old: &Decision, new: &Decision) -> Direction {
    match new.verdict().cmp(&old.verdict()) {
        std::cmp::Ordering::Less => return Direction::Loosens,
        std::cmp::Ordering::Greater => return Direction::Tightens,
        std::cmp::Ordering::Equal if new.verdict() != Verdict::Forward => {
            return Direction::Neutral;
        }
        std::cmp::Ordering::Equal => {}
    }
    let elsewhere = (old.destination(), old.region()) != (new.destination(), new.region());
    let more = |a: &[Field], b: &[Field]| b.iter().any(|field| !a.contains(field));
    let precision = |d: &Decision| d.obligations().time_precision;
    if elsewhere || more(old.fields(), new.fields()) || precision(new) < precision(old) {
        Direction::Loosens
    } else if more(new.fields(), old.fields()) || precision(new) > precision(old) {
        Direction::Tightens
    } else {
        Direction::Neutral
    }
}

/// What shows in decisions, grouped by what they come to.
fn decided(old: &Rules, new: &Rules, points: &points::Points) -> Vec<Change> {
    let (old, new) = (old.undated(), new.undated());
    let mut groups: BTreeMap<(Direction, String), (Phrase, String, usize)> = BTreeMap::new();
    for point in points.iter() {
        let before = point.with(|facts| decide(&old, facts));
        let after = point.with(|facts| decide(&new, facts));
        let direction = compare(&before, &after);
        if direction != Direction::Neutral {
            let values =
                vec![("before", outcome(&before).into()), ("after", outcome(&after).into())];
            let what = Phrase::new("diff-becomes", values);
            let key = (direction, what.say(Language::En));
            let group = groups.entry(key).or_insert_with(|| (what, point.text(), 0));
            group.2 += 1;
        }
    }
    let change = |((direction, _), (what, example, points))| {
        Change::new(direction, what, Some(example), points)
    };
    groups.into_iter().map(change).collect()
}

fn outcome(decision: &Decision) -> Phrase {
    match decision.destination() {
        Some(destination) => {
            let fields: Vec<_> = decision.fields().iter().map(|f| f.as_str()).collect();
            let values =
                vec![("destination", destination.into()), ("fields", fields.join(", ").into())];
            Phrase::new("diff-forward", values)
        }
        None => {
            let codes: Vec<_> = decision.reasons().iter().map(|code| code.as_str()).collect();
            let values = vec![
                ("verdict", decision.verdict().as_str().into()),
                ("codes", codes.join(", ").into()),
            ];
            Phrase::new("diff-kept", values)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law_pack::LawPack;
    use crate::policy::Policy;

    const BANK: &str = include_str!("../../tests/policies/mo-bank.toml");
    const SCHOOL: &str = include_str!("../../tests/policies/hk-school.toml");
    const HQ: &str = include_str!("../../tests/policies/cn-hq.toml");
    const BUILD: &str = include_str!("../../tests/policies/zh-mo-construction.toml");
    const LAW_PACK: &str = include_str!("../../tests/lawpack.toml");

    fn rules(policy: &str, pack: &str) -> Rules {
        let policy = Policy::parse(policy).expect("a policy");
        Rules::new(policy, LawPack::parse(pack).expect("a law pack"))
    }

    /// Replacing `from` by `to` goes one way, and back goes the other.
    #[track_caller]
    fn check(policy: &str, from: &str, to: &str, expect: Direction) {
        assert!(policy.contains(from), "{from}");
        let changed = policy.replacen(from, to, 1);
        let way = |a: &str, b: &str| diff(&rules(a, LAW_PACK), &rules(b, LAW_PACK));
        let there = way(policy, &changed);
        assert_eq!(there.direction, expect, "{to}: {there:?}");
        let back = way(&changed, policy).direction;
        let opposite = match expect {
            Direction::Tightens => Direction::Loosens,
            Direction::Loosens => return,
            Direction::Neutral => Direction::Neutral,
        };
        assert_eq!(back, opposite, "back from {to}");
    }

    #[test]
    fn tightenings() {
        use Direction::Tightens;
        check(BANK, "\"compliance\"]", "\"compliance\", \"treasury\"]", Tightens);
        check(
            BANK,
            "\"attendance.event\", \"attendance.correction\"",
            "\"attendance.event\"",
            Tightens,
        );
        check(BANK, ", \"device_alias\"]", "]", Tightens);
        check(
            BANK,
            "\"amcm-outsourcing\"]",
            "\"amcm-outsourcing\", \"works-agreement\"]",
            Tightens,
        );
        check(BANK, "\"minute\"", "\"hour\"", Tightens);
        check(BANK, "2026-10-01T", "2026-09-01T", Tightens);
        check(BANK, "remote_access_from = []", "remote_access_from = [\"CN\"]", Tightens);
        check(BANK, "to = \"sg-tenant\"", "approval = true\nto = \"sg-tenant\"", Tightens);
        check(SCHOOL, "k_min = 10", "k_min = 12", Tightens);
        check(SCHOOL, "effect = \"hold\"", "effect = \"drop\"", Tightens);
        check(HQ, "cn_exemption = \"hr\"", "", Tightens);
        check(HQ, "approve = 95000", "approve = 90000", Tightens);
        check(BUILD, "[\"employee\", \"contractor\"]", "[\"employee\"]", Tightens);
    }

    #[test]
    fn loosenings() {
        use Direction::Loosens;
        check(BANK, "operator = \"DingTalk", "operator = \"Another", Loosens);
        check(BANK, "ap-southeast-1", "ap-southeast-3", Loosens);
        check(BANK, "to = \"sg-tenant\"", "purpose = \"payroll\"\nto = \"sg-tenant\"", Loosens);
        let biometric = "[[biometric]]\nlaw = \"MO\"\nmethod = \"face\"\nkeep = \"vault\"\ndays = 7\n[[retention]]";
        check(BANK, "[[retention]]", biometric, Loosens);
        check(BANK, "local_days = 1095", "local_days = 365", Loosens);
        check(BANK, "local_days = 1095", "local_days = 1096", Loosens);
        check(BANK, "local_days = 1095", "local_days = 1095\nfloor_days = 30", Loosens);
        check(BANK, "when = { \"site.id\" = [\"mo-hq\"], ", "when = { ", Direction::Neutral);
    }

    #[test]
    fn a_pin_tightens_and_a_wider_one_loosens() {
        use Direction::{Loosens, Tightens};
        let pinned = |regions: &str| format!("gba = true\npin_regions = {regions}");
        check(SCHOOL, "gba = true", &pinned("[\"cn-hongkong\"]"), Tightens);
        let school = SCHOOL.replacen("gba = true", &pinned("[\"cn-hongkong\"]"), 1);
        check(&school, "[\"cn-hongkong\"]", "[\"cn-hongkong\", \"onprem-hk\"]", Loosens);
        check(&school, "[\"cn-hongkong\"]", "[\"onprem-hk\"]", Loosens);
        check(&school, "[\"cn-hongkong\"]", "[]", Loosens);
    }

    #[test]
    fn neither() {
        check(BANK, "because = \"Presence", "because = \"The presence", Direction::Neutral);
        check(BANK, "version = 7", "version = 8", Direction::Neutral);
        check(BANK, "# 1. Macau bank", "# A bank", Direction::Neutral);
    }

    #[test]
    fn law_packs_are_compared_too() {
        let less = LAW_PACK.replacen("all = [\"mo-art10-notice\"]", "all = []", 1);
        let found = diff(&rules(BANK, LAW_PACK), &rules(BANK, &less));
        assert_eq!(found.direction, Direction::Loosens, "{found:?}");
        let found = diff(&rules(BANK, &less), &rules(BANK, LAW_PACK));
        assert_eq!(found.direction, Direction::Tightens, "{found:?}");
    }
}
