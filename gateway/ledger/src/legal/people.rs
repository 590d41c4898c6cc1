//! What each person consented to, was told and asked for. People are internal numbers here.

use crate::act::Act;
use jiff::Timestamp;
use jiff::civil::Date;
use muster_attendance::PersonId;
use muster_residency::facts::{ConsentInterval, consent_between};
use muster_residency::vocab::Consent;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Intervals of consent that are kept for one person.
const MAX_INTERVALS: usize = 64;
/// Versions of notices that are kept.
pub(crate) const MAX_NOTICES: usize = 1_000;

/// A version of a notice (a PICS, a PIPL 17 notice, a GDPR 13 notice, …).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Notice {
    /// Which notice, such as `pics`.
    pub kind: String,
    /// Its version, growing.
    pub version: u32,
    /// In force from here: who has an older one by then is no longer told enough.
    pub from: Timestamp,
    /// Languages it is written in, as `en` or `zh-Hant`.
    pub languages: Vec<String>,
    /// Destinations of the policy that it tells of.
    pub destinations: Vec<String>,
    /// SHA-256 of the text, lower-case hex.
    pub sha256: String,
}

/// The version of a notice that a person was given.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NoticeGiven {
    /// The version.
    pub version: u32,
    /// The language.
    pub language: String,
    /// Milliseconds since 1970.
    pub at_ms: i64,
}

/// All notices: the newest of each kind is in force.
#[derive(Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Notices(Vec<Notice>);

impl Notices {
    /// All versions, in the order of their publication.
    pub(crate) fn list(&self) -> &[Notice] {
        &self.0
    }

    /// The version of this kind and number.
    pub(crate) fn get(&self, kind: &str, version: u32) -> Option<&Notice> {
        self.0.iter().find(|n| n.kind == kind && n.version == version)
    }

    /// Whether versions of this kind up to this number are there already.
    pub(crate) fn has_newer(&self, kind: &str, version: u32) -> bool {
        self.0.iter().any(|n| n.kind == kind && n.version >= version)
    }

    pub(super) fn publish(&mut self, notice: Notice) {
        self.0.push(notice);
    }

    pub(super) fn next_change_ms(&self, now_ms: i64) -> Option<i64> {
        let starts = self.0.iter().map(|notice| notice.from.as_millisecond());
        starts.filter(|&at| at > now_ms).min()
    }

    /// Whether a notice is in force at `now`, and a person was given the version in force, or a
    /// later one, of every kind that is.
    pub(crate) fn were_given(&self, given: &BTreeMap<String, NoticeGiven>, now: Timestamp) -> bool {
        let mut in_force = BTreeMap::<&str, u32>::new();
        for notice in self.0.iter().filter(|notice| notice.from <= now) {
            let newest = in_force.entry(notice.kind.as_str()).or_default();
            *newest = notice.version.max(*newest);
        }
        let has = |(kind, version): (&&str, &u32)| {
            given.get(*kind).is_some_and(|given| given.version >= *version)
        };
        !in_force.is_empty() && in_force.iter().all(has)
    }

    /// Whether a person who was given `given` has been told, by `now`, of `destination`: of every
    /// kind there is, the version in force or a later one, and one that names the destination.
    /// Without any notice in force none is asked for.
    pub(crate) fn tell_of(
        &self,
        destination: &str,
        given: &BTreeMap<String, NoticeGiven>,
        now: Timestamp,
    ) -> bool {
        let kinds: BTreeSet<&str> = self.0.iter().map(|n| n.kind.as_str()).collect();
        kinds.into_iter().all(|kind| {
            let started = self.0.iter().filter(|n| n.kind == kind && n.from <= now);
            let Some(in_force) = started.map(|n| n.version).max() else { return true };
            let Some(given) = given.get(kind).filter(|g| g.version >= in_force) else {
                return false;
            };
            let names = |n: &Notice| n.destinations.iter().any(|d| d == destination);
            self.get(kind, given.version).is_some_and(names)
        })
    }
}

/// What is known of one person.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct PersonLegal {
    /// When the person's consent holds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub consent: Vec<ConsentInterval>,
    /// When a guardian's does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub guardian: Vec<ConsentInterval>,
    /// Notices given, by kind: the newest version.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub notices: BTreeMap<String, NoticeGiven>,
    /// Since when they restrict processing, milliseconds since 1970.
    pub restricted_ms: Option<i64>,
    /// The day on which they leave: their biometric evidence goes with them.
    pub leaves: Option<Date>,
}

impl PersonLegal {
    /// Consent at the time of the punch and at the time of sending.
    pub(crate) fn consent(&self, event: Timestamp, now: Timestamp) -> Consent {
        consent_between(&self.consent, event, now)
    }

    /// Whether the person's own consent holds now.
    pub(crate) fn consents(&self, now: Timestamp) -> bool {
        self.consent(now, now) == Consent::Given
    }

    /// Whether a guardian's consent holds at both times.
    pub(crate) fn guardian_consents(&self, event: Timestamp, now: Timestamp) -> bool {
        consent_between(&self.guardian, event, now) == Consent::Given
    }
}

/// Everybody of whom there is something to say.
#[derive(Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct People(HashMap<PersonId, PersonLegal>);

impl People {
    /// One person.
    pub(crate) fn get(&self, person: PersonId) -> Option<&PersonLegal> {
        self.0.get(&person)
    }

    /// Those with a day of leaving.
    pub(crate) fn leavers(&self) -> impl Iterator<Item = (PersonId, Date)> {
        self.0.iter().filter_map(|(&person, legal)| Some((person, legal.leaves?)))
    }

    pub(super) fn apply(&mut self, act: &Act, at_ms: i64) {
        match act {
            Act::ConsentSet { person, guardian, given, from, to, .. } => {
                let legal = self.0.entry(*person).or_default();
                let of = if *guardian { &mut legal.guardian } else { &mut legal.consent };
                if *given { give(of, *from, *to) } else { withdraw(of, *from) }
            }
            Act::NoticeGiven { kind, version, language, people, .. } => {
                let language = language.clone();
                let given = NoticeGiven { version: *version, language, at_ms };
                for person in people {
                    let had = &mut self.0.entry(*person).or_default().notices;
                    if had.get(kind).is_none_or(|had| had.version <= *version) {
                        had.insert(kind.clone(), given.clone());
                    }
                }
            }
            Act::PersonRestricted { person, on, .. } => {
                let legal = self.0.entry(*person).or_default();
                legal.restricted_ms = on.then_some(at_ms);
            }
            Act::PersonErased { erasure } if erasure.deferred_ms.is_some() => {
                for person in &erasure.persons {
                    self.0.entry(*person).or_default().restricted_ms.get_or_insert(at_ms);
                }
            }
            Act::PersonErased { erasure } if erasure.is_of_all() => {
                erasure.persons.iter().for_each(|person| {
                    self.0.remove(person);
                });
            }
            Act::PersonLeaves { person, on, .. } => {
                self.0.entry(*person).or_default().leaves = *on;
            }
            _ => {}
        }
    }

    pub(super) fn next_change_ms(&self, now_ms: i64) -> Option<i64> {
        let intervals =
            self.0.values().flat_map(|legal| legal.consent.iter().chain(&legal.guardian));
        let edges = intervals.flat_map(|i| [Some(i.from), i.to].into_iter().flatten());
        // A consent of a fraction of a millisecond is none.
        edges.map(|at| at.as_millisecond()).filter(|&at| at > now_ms).min()
    }
}

fn give(intervals: &mut Vec<ConsentInterval>, from: Timestamp, to: Option<Timestamp>) {
    if intervals.len() >= MAX_INTERVALS {
        intervals.remove(0);
    }
    intervals.push(ConsentInterval { from, to });
}

/// Ends what holds at `at` there, and takes back what would begin later. The interval that was
/// ended stays, so that withdrawn can be told from never given.
fn withdraw(intervals: &mut Vec<ConsentInterval>, at: Timestamp) {
    intervals.retain(|interval| interval.from < at);
    for interval in intervals {
        if interval.to.is_none_or(|to| to > at) {
            interval.to = Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: PersonId = PersonId(7);

    fn at(day: i64) -> Timestamp {
        Timestamp::from_second(1_796_000_000 + day * 86_400).expect("a time")
    }

    fn consent(given: bool, day: i64) -> Act {
        let actor = "hr".to_owned();
        Act::ConsentSet { actor, person: P, guardian: false, given, from: at(day), to: None }
    }

    #[test]
    fn consent_must_hold_at_both_times() {
        let mut people = People::default();
        let check = |people: &People, event: i64, now: i64, expect: Consent| {
            let found = people.get(P).map_or(Consent::Absent, |p| p.consent(at(event), at(now)));
            assert_eq!(found, expect, "{event} {now}");
        };
        check(&people, 1, 2, Consent::Absent);
        people.apply(&consent(true, 1), 0);
        check(&people, 0, 2, Consent::Absent);
        check(&people, 1, 2, Consent::Given);
        people.apply(&consent(false, 5), 0);
        check(&people, 2, 4, Consent::Given);
        check(&people, 2, 5, Consent::Withdrawn);
        people.apply(&consent(true, 8), 0);
        check(&people, 6, 9, Consent::Withdrawn);
        check(&people, 2, 9, Consent::Given);
        check(&people, 8, 9, Consent::Given);
        assert_eq!(people.next_change_ms(at(5).as_millisecond()), Some(at(8).as_millisecond()));
    }

    #[test]
    fn a_new_destination_needs_a_notice_that_names_it() {
        let notice = |version, from, destinations: &[&str]| Notice {
            kind: "pics".into(),
            version,
            from: at(from),
            languages: vec!["en".into()],
            destinations: destinations.iter().map(|d| (*d).to_owned()).collect(),
            sha256: "0".repeat(64),
        };
        let given = |version| {
            let given = NoticeGiven { version, language: "en".into(), at_ms: 0 };
            BTreeMap::from([("pics".to_owned(), given)])
        };
        let (none, first, second) = (BTreeMap::new(), given(1), given(2));
        let mut notices = Notices::default();
        assert!(notices.tell_of("sg", &none, at(1)));
        notices.publish(notice(1, 0, &["sg"]));
        assert!(!notices.tell_of("sg", &none, at(1)));
        assert!(notices.tell_of("sg", &first, at(1)));
        assert!(!notices.tell_of("my", &first, at(1)));
        notices.publish(notice(2, 5, &["sg", "my"]));
        assert!(notices.tell_of("sg", &first, at(4)), "not in force yet");
        assert!(!notices.tell_of("sg", &first, at(5)));
        assert!(notices.tell_of("my", &second, at(4)), "given ahead of time");
        assert!(notices.tell_of("my", &second, at(5)));
    }
}
