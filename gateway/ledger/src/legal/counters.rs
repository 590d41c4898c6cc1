//! Who and how much was exported: distinct persons, distinct sensitive persons and records, by
//! origin law, destination, bucket and calendar year in the law's own time zone.
//!
//! An export is reserved in the act of its dispatch, so before its first byte leaves, and never
//! given back: a crash may count what was not sent and never sends what was not counted. This box
//! counts its own part: what other systems of the company exported is entered as a baseline, and
//! without one every figure is a lower bound.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use muster_attendance::PersonId;
use muster_residency::facts::Counters as Counted;
use muster_residency::vocab::{Bucket, Law};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};

/// Years that are kept, the current one included.
const MAX_YEARS: i16 = 6;

/// What one dispatch reserves under one law, year and bucket.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Reservation {
    /// The origin law.
    pub(crate) law: Law,
    /// Calendar year in the law's time zone.
    pub(crate) year: i16,
    /// The mechanism it rests on, where the law knows any.
    pub(crate) bucket: Option<Bucket>,
    /// Who, each once.
    pub(crate) persons: Vec<PersonId>,
    /// Those of them whose data is sensitive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) sensitive: Vec<PersonId>,
    /// Records that were not reserved before.
    pub(crate) records: u64,
}

/// What other systems of the same company exported in a year, as an administrator entered it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Baseline {
    /// Distinct persons.
    pub persons: u64,
    /// Distinct persons whose data is sensitive.
    pub sensitive: u64,
    /// Records.
    pub records: u64,
    /// Where the figures are from.
    pub source: String,
    /// Who entered them.
    pub by: String,
    /// Milliseconds since 1970.
    pub at_ms: i64,
}

impl Baseline {
    /// True if it counts fewer of anything.
    pub(crate) fn is_below(&self, other: &Self) -> bool {
        (self.persons < other.persons)
            || (self.sensitive < other.sensitive)
            || (self.records < other.records)
    }
}

/// One row of the counters.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ExportCount {
    /// The origin law.
    pub law: Law,
    /// Calendar year in the law's time zone.
    pub year: i16,
    /// The destination; `None` for all together, exempt buckets left out, as thresholds count.
    pub destination: Option<String>,
    /// The mechanism.
    pub bucket: Option<Bucket>,
    /// Distinct persons.
    pub persons: u64,
    /// Distinct persons whose data is sensitive.
    pub sensitive: u64,
    /// Records.
    pub records: u64,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Key {
    law: Law,
    year: i16,
    destination: String,
    bucket: Option<Bucket>,
}

#[derive(Clone, Default, PartialEq, Eq, Debug)]
struct Tally {
    persons: HashSet<PersonId>,
    sensitive: HashSet<PersonId>,
    records: u64,
}

impl Tally {
    fn add(&mut self, reserved: &Reservation) -> Added {
        let new = |set: &mut HashSet<PersonId>, of: &[PersonId]| {
            of.iter().copied().filter(|&person| set.insert(person)).collect()
        };
        let persons = new(&mut self.persons, &reserved.persons);
        let sensitive = new(&mut self.sensitive, &reserved.sensitive);
        self.records += reserved.records;
        Added { persons, sensitive, records: reserved.records }
    }

    fn take_back(&mut self, added: &Added) {
        added.persons.iter().for_each(|person| {
            self.persons.remove(person);
        });
        added.sensitive.iter().for_each(|person| {
            self.sensitive.remove(person);
        });
        self.records -= added.records.min(self.records);
    }
}

/// What a reservation added to one tally.
struct Added {
    persons: Vec<PersonId>,
    sensitive: Vec<PersonId>,
    records: u64,
}

/// How to take back a reservation that did not reach the disk.
pub(crate) struct Undo(Vec<(Key, Added, Option<Added>)>);

/// The counters.
#[derive(Default, Serialize, Deserialize)]
#[serde(from = "Kept", into = "Kept")]
pub(crate) struct Counters {
    tallies: BTreeMap<Key, Tally>,
    /// Of every destination together, exempt buckets left out.
    totals: BTreeMap<(Law, i16), Tally>,
    baselines: BTreeMap<(Law, i16), Baseline>,
    /// Chosen in one go and not reserved yet; counts as if it were.
    tentative: Tally,
}

impl Counters {
    /// Counts a dispatch.
    pub(crate) fn reserve(&mut self, destination: &str, reserved: &[Reservation]) -> Undo {
        let mut undo = Undo(Vec::new());
        for one in reserved {
            self.drop_before(one.year - MAX_YEARS);
            let (law, year, bucket) = (one.law, one.year, one.bucket);
            let key = Key { law, year, destination: destination.to_owned(), bucket };
            let own = self.tallies.entry(key.clone()).or_default().add(one);
            let total =
                (!is_exempt(bucket)).then(|| self.totals.entry((law, year)).or_default().add(one));
            undo.0.push((key, own, total));
        }
        undo
    }

    /// Takes back what never reached the disk.
    pub(crate) fn undo(&mut self, undo: &Undo) {
        for (key, own, total) in undo.0.iter().rev() {
            if let Some(tally) = self.tallies.get_mut(key) {
                tally.take_back(own);
            }
            if let (Some(tally), Some(total)) = (self.totals.get_mut(&(key.law, key.year)), total) {
                tally.take_back(total);
            }
        }
    }

    pub(super) fn set_baseline(&mut self, law: Law, year: i16, baseline: Baseline) {
        self.baselines.insert((law, year), baseline);
    }

    /// What thresholds of `law` count in `year`, the baseline included.
    pub(crate) fn counted(&self, law: Law, year: i16) -> Counted {
        let own = self.totals.get(&(law, year));
        let base = self.baselines.get(&(law, year));
        let sum = |own: u64, base: Option<u64>| own.saturating_add(base.unwrap_or(0));
        let persons = own.map_or(0, |t| t.persons.len() as u64);
        let sensitive = own.map_or(0, |t| t.sensitive.len() as u64);
        let chosen = &self.tentative;
        Counted {
            persons: sum(persons + chosen.persons.len() as u64, base.map(|b| b.persons)),
            sensitive: sum(sensitive + chosen.sensitive.len() as u64, base.map(|b| b.sensitive)),
            records: sum(own.map_or(0, |t| t.records) + chosen.records, base.map(|b| b.records)),
        }
    }

    /// Whether a person is among those that thresholds count, and among the sensitive.
    pub(crate) fn has(&self, law: Law, year: i16, person: PersonId) -> (bool, bool) {
        let chosen = &self.tentative;
        let own = self.totals.get(&(law, year));
        let in_own = |set: fn(&Tally) -> &HashSet<PersonId>| {
            own.is_some_and(|tally| set(tally).contains(&person)) || set(chosen).contains(&person)
        };
        (in_own(|tally| &tally.persons), in_own(|tally| &tally.sensitive))
    }

    /// Counts a record that was chosen to go, until [`Self::end_choosing`].
    pub(crate) fn choose(&mut self, law: Law, year: i16, person: PersonId, sensitive: bool) {
        let (known, known_sensitive) = self.has(law, year, person);
        if !known {
            self.tentative.persons.insert(person);
        }
        if sensitive && !known_sensitive {
            self.tentative.sensitive.insert(person);
        }
        self.tentative.records += 1;
    }

    /// Forgets what was only chosen.
    pub(crate) fn end_choosing(&mut self) {
        self.tentative = Tally::default();
    }

    /// True if nothing was ever exported or entered: then there is nothing to look up.
    pub(crate) fn is_empty(&self) -> bool {
        self.totals.is_empty() && self.baselines.is_empty() && self.tentative.records == 0
    }

    /// What was entered of other systems.
    pub(crate) fn baseline(&self, law: Law, year: i16) -> Option<&Baseline> {
        self.baselines.get(&(law, year))
    }

    /// Laws and years for which a baseline was entered.
    pub(crate) fn baselines(&self) -> Vec<(Law, i16)> {
        self.baselines.keys().copied().collect()
    }

    /// Every row, the totals first.
    pub(crate) fn rows(&self) -> Vec<ExportCount> {
        let row = |law, year, destination, bucket, tally: &Tally| ExportCount {
            law,
            year,
            destination,
            bucket,
            persons: tally.persons.len() as u64,
            sensitive: tally.sensitive.len() as u64,
            records: tally.records,
        };
        let totals = self.totals.iter().map(|(&(law, year), t)| row(law, year, None, None, t));
        let own = self
            .tallies
            .iter()
            .map(|(key, t)| row(key.law, key.year, Some(key.destination.clone()), key.bucket, t));
        totals.chain(own).collect()
    }

    fn drop_before(&mut self, year: i16) {
        self.tallies.retain(|key, _| key.year > year);
        self.totals.retain(|&(_, of), _| of > year);
        self.baselines.retain(|&(_, of), _| of > year);
    }
}

/// Buckets that no threshold counts.
pub(crate) fn is_exempt(bucket: Option<Bucket>) -> bool {
    matches!(bucket, Some(Bucket::HrExempt | Bucket::GbaScc))
}

/// The calendar year of a moment in the law's own time zone.
pub(crate) fn year_of(law: Law, now_ms: i64) -> i16 {
    let at = Timestamp::from_millisecond(now_ms).unwrap_or_default();
    at.to_zoned(zone(law)).year()
}

/// When the year after `year` begins under the law.
pub(crate) fn year_ends_ms(law: Law, year: i16) -> i64 {
    let next = Date::new(year.saturating_add(1), 1, 1).ok();
    let start = next.and_then(|date| date.to_zoned(zone(law)).ok());
    start.map_or(i64::MAX, |zoned| zoned.timestamp().as_millisecond())
}

/// The law's own time zone.
pub(crate) fn zone(law: Law) -> TimeZone {
    TimeZone::get(law.time_zone()).unwrap_or(TimeZone::UTC)
}

/// As a checkpoint keeps it: sets as base64 of their numbers, ascending, eight bytes each.
#[derive(Serialize, Deserialize)]
struct Kept {
    rows: Vec<KeptRow>,
    baselines: Vec<(Law, i16, Baseline)>,
}

#[derive(Serialize, Deserialize)]
struct KeptRow {
    law: Law,
    year: i16,
    /// Absent for the total.
    destination: Option<String>,
    bucket: Option<Bucket>,
    persons: String,
    sensitive: String,
    records: u64,
}

impl From<Counters> for Kept {
    fn from(counters: Counters) -> Self {
        let row = |law, year, destination, bucket, tally: Tally| KeptRow {
            law,
            year,
            destination,
            bucket,
            persons: pack(&tally.persons),
            sensitive: pack(&tally.sensitive),
            records: tally.records,
        };
        let own = counters
            .tallies
            .into_iter()
            .map(|(key, t)| row(key.law, key.year, Some(key.destination), key.bucket, t));
        let totals =
            counters.totals.into_iter().map(|((law, year), t)| row(law, year, None, None, t));
        let baselines = counters.baselines.into_iter();
        Self {
            rows: own.chain(totals).collect(),
            baselines: baselines.map(|((law, year), b)| (law, year, b)).collect(),
        }
    }
}

impl From<Kept> for Counters {
    fn from(kept: Kept) -> Self {
        let mut counters = Self::default();
        for row in kept.rows {
            let tally = Tally {
                persons: unpack(&row.persons),
                sensitive: unpack(&row.sensitive),
                records: row.records,
            };
            let (law, year, bucket) = (row.law, row.year, row.bucket);
            match row.destination {
                Some(destination) => {
                    counters.tallies.insert(Key { law, year, destination, bucket }, tally);
                }
                None => {
                    counters.totals.insert((law, year), tally);
                }
            }
        }
        for (law, year, baseline) in kept.baselines {
            counters.baselines.insert((law, year), baseline);
        }
        counters
    }
}

impl Clone for Counters {
    /// For a checkpoint: without what was only chosen.
    fn clone(&self) -> Self {
        Self {
            tallies: self.tallies.clone(),
            totals: self.totals.clone(),
            baselines: self.baselines.clone(),
            tentative: Tally::default(),
        }
    }
}

fn pack(set: &HashSet<PersonId>) -> String {
    let mut numbers: Vec<u64> = set.iter().map(|person| person.0).collect();
    numbers.sort_unstable();
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    STANDARD_NO_PAD.encode(bytes)
}

/// A damaged text is an empty set only where the whole checkpoint is damaged, which its own check
/// finds first.
fn unpack(text: &str) -> HashSet<PersonId> {
    let bytes = STANDARD_NO_PAD.decode(text).unwrap_or_default();
    bytes.as_chunks::<8>().0.iter().map(|number| PersonId(u64::from_le_bytes(*number))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reservation(bucket: Option<Bucket>, persons: &[u64], sensitive: &[u64]) -> Reservation {
        let people = |of: &[u64]| of.iter().copied().map(PersonId).collect();
        Reservation {
            law: Law::CN,
            year: 2026,
            bucket,
            persons: people(persons),
            sensitive: people(sensitive),
            records: 3,
        }
    }

    fn triple(counted: Counted) -> (u64, u64, u64) {
        (counted.persons, counted.sensitive, counted.records)
    }

    #[test]
    fn a_person_counts_once_a_year_and_exempt_buckets_apart() {
        let mut counters = Counters::default();
        let lt = Some(Bucket::Lt100k);
        counters.reserve("sg", &[reservation(lt, &[1, 2], &[2])]);
        counters.reserve("my", &[reservation(lt, &[2, 3], &[])]);
        counters.reserve("sg", &[reservation(Some(Bucket::HrExempt), &[4, 5], &[])]);
        assert_eq!(triple(counters.counted(Law::CN, 2026)), (3, 1, 6));
        assert_eq!(triple(counters.counted(Law::CN, 2027)), (0, 0, 0));
        assert_eq!(counters.has(Law::CN, 2026, PersonId(2)), (true, true));
        assert_eq!(counters.has(Law::CN, 2026, PersonId(4)), (false, false));
        let again: Counters =
            serde_json::from_str(&serde_json::to_string(&counters).expect("kept")).expect("read");
        assert_eq!(again.rows(), counters.rows());
        assert_eq!(counters.rows().len(), 4);
    }

    #[test]
    fn what_did_not_reach_the_disk_is_taken_back_and_nothing_else() {
        let mut counters = Counters::default();
        counters.reserve("sg", &[reservation(None, &[1, 2], &[1])]);
        let before = counters.rows();
        let undo = counters.reserve("sg", &[reservation(None, &[2, 3], &[1, 3])]);
        assert_eq!(triple(counters.counted(Law::CN, 2026)), (3, 2, 6));
        counters.undo(&undo);
        assert_eq!(counters.rows(), before);
    }

    #[test]
    fn what_is_chosen_counts_until_choosing_ends() {
        let mut counters = Counters::default();
        counters.reserve("sg", &[reservation(None, &[1], &[])]);
        counters.choose(Law::CN, 2026, PersonId(1), false);
        counters.choose(Law::CN, 2026, PersonId(2), true);
        counters.choose(Law::CN, 2026, PersonId(2), true);
        assert_eq!(triple(counters.counted(Law::CN, 2026)), (2, 1, 6));
        counters.end_choosing();
        assert_eq!(triple(counters.counted(Law::CN, 2026)), (1, 0, 3));
    }

    #[test]
    fn the_year_is_the_laws_own() {
        let ms = |text: &str| text.parse::<Timestamp>().expect("a time").as_millisecond();
        let check = |law: Law, text: &str, year: i16| {
            assert_eq!(year_of(law, ms(text)), year, "{law} {text}");
        };
        check(Law::CN, "2026-12-31T23:59:59.999+08:00", 2026);
        check(Law::CN, "2027-01-01T00:00:00+08:00", 2027);
        check(Law::CN, "2026-12-31T16:00:00Z", 2027);
        let eu = Law::from_code("EU").expect("a law");
        check(eu, "2026-12-31T16:00:00Z", 2026);
        check(eu, "2026-12-31T23:00:00Z", 2027);
        assert_eq!(year_ends_ms(Law::CN, 2026), ms("2027-01-01T00:00:00+08:00"));
    }

    #[test]
    fn old_years_go() {
        let mut counters = Counters::default();
        counters.reserve("sg", &[reservation(None, &[1], &[])]);
        counters.reserve("sg", &[Reservation { year: 2031, ..reservation(None, &[1], &[]) }]);
        assert_eq!(counters.counted(Law::CN, 2026).persons, 1);
        counters.reserve("sg", &[Reservation { year: 2032, ..reservation(None, &[1], &[]) }]);
        assert_eq!(counters.counted(Law::CN, 2026).persons, 0);
    }
}
