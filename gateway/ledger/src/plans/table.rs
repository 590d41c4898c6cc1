//! The table: everything that was ever entered, each with when it was known. What sheets said on
//! a day in the past can be computed again from it.

use super::continuity::Continuities;
use super::correction::{Correction, Decided};
use super::entry::{Key, PlanEntry, shift};
use super::{Closing, Redating};
use crate::act::Act;
use crate::punch_time::effective_seconds;
use muster_attendance::input::{Input, Rules, Workdays};
use muster_attendance::{Attendance, PersonId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// An entry, with when it was known.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Timed {
    pub(super) number: u32,
    pub(super) entry: PlanEntry,
    since_ms: i64,
    /// Replaced or removed.
    until_ms: Option<i64>,
}

impl Timed {
    pub(super) fn holds(&self, as_of_ms: i64) -> bool {
        self.since_ms <= as_of_ms && self.until_ms.is_none_or(|until| as_of_ms < until)
    }
}

/// Everything.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Table {
    pub(super) next: u32,
    /// What concerns everybody.
    pub(super) house: Vec<Timed>,
    pub(super) people: BTreeMap<u64, Vec<Timed>>,
    pub(super) corrections: BTreeMap<u32, Correction>,
    /// Numbers of corrections by person.
    pub(super) corrected: BTreeMap<u64, Vec<u32>>,
    pub(super) closings: Vec<Closing>,
    pub(super) redatings: Vec<Redating>,
    pub(super) continuities: Continuities,
    /// Grows with every act that changed anything, from the start of the program.
    #[serde(skip)]
    pub(super) revision: u64,
}

/// Puts new entries into a list. What has the key of a later one is replaced by it.
fn replace(list: &mut Vec<Timed>, new: &[(u32, &PlanEntry)], at_ms: i64) {
    let last: HashMap<Key<'_>, u32> =
        new.iter().map(|(number, entry)| (entry.key(), *number)).collect();
    let open = list.iter_mut().filter(|timed| timed.until_ms.is_none());
    for timed in open.filter(|timed| last.contains_key(&timed.entry.key())) {
        timed.until_ms = Some(at_ms);
    }
    list.extend(new.iter().map(|&(number, entry)| {
        let stays = last.get(&entry.key()) == Some(&number);
        let until_ms = (!stays).then_some(at_ms);
        Timed { number, entry: entry.clone(), since_ms: at_ms, until_ms }
    }));
}

impl Table {
    /// Does what a journaled act says; other acts are ignored.
    pub(crate) fn apply(&mut self, act: &Act) {
        match act {
            Act::PlansEntered { entries, at_ms, .. } => self.enter(entries, *at_ms),
            Act::PlanRemoved { number, at_ms, .. } => {
                if let Some(timed) = self.find_mut(*number) {
                    timed.until_ms = timed.until_ms.or(Some(*at_ms));
                }
            }
            Act::CorrectionAsked { correction } => {
                let (number, person) = (correction.number, correction.person.0);
                self.corrected.entry(person).or_default().push(number);
                self.corrections.insert(number, correction.clone());
            }
            Act::CorrectionDecided { number, by, approved, at_ms } => {
                if let Some(correction) = self.corrections.get_mut(number) {
                    let decided = Decided { by: by.clone(), at_ms: *at_ms, approved: *approved };
                    correction.decided.get_or_insert(decided);
                }
            }
            Act::MonthClosed { closing } => self.closings.push(closing.clone()),
            Act::GapAccepted { device, boot, first, .. } => {
                self.continuities.accept(*device, *boot, *first);
            }
            Act::Redated { redating } => self.redatings.push(redating.clone()),
            _ => return,
        }
        self.revision += 1;
    }

    /// Takes in a stored punch.
    pub(crate) fn note(&mut self, punch: &Attendance) {
        self.continuities.note(punch, effective_seconds(punch));
    }

    /// Which of `entries` would replace what was entered after `seen` and says something else.
    pub(super) fn changed(&self, entries: &[PlanEntry], seen: u32) -> Vec<usize> {
        if self.next <= seen {
            return Vec::new();
        }
        let all = self.house.iter().chain(self.people.values().flatten());
        let newer = all.filter(|timed| timed.number > seen && timed.until_ms.is_none());
        let newer: BTreeMap<Key<'_>, &PlanEntry> =
            newer.map(|timed| (timed.entry.key(), &timed.entry)).collect();
        let other =
            |entry: &PlanEntry| newer.get(&entry.key()).is_some_and(|there| *there != entry);
        let found = entries.iter().enumerate().filter(|(_, entry)| other(entry));
        found.map(|(place, _)| place).collect()
    }

    /// Enters them in order. Each list is looked through once, however many come into it: this runs
    /// while receipts wait.
    fn enter(&mut self, entries: &[PlanEntry], at_ms: i64) {
        let mut lists: BTreeMap<Option<u64>, Vec<(u32, &PlanEntry)>> = BTreeMap::new();
        for entry in entries {
            self.next += 1;
            let whose = entry.person().map(|person| person.0);
            lists.entry(whose).or_default().push((self.next, entry));
        }
        for (whose, new) in lists {
            let list = match whose {
                Some(person) => self.people.entry(person).or_default(),
                None => &mut self.house,
            };
            replace(list, &new, at_ms);
        }
    }

    fn find_mut(&mut self, number: u32) -> Option<&mut Timed> {
        let people = self.people.values_mut().flatten();
        self.house.iter_mut().chain(people).find(|timed| timed.number == number)
    }

    /// Rules as they were known at `as_of_ms`, without sites and terminals.
    pub(super) fn rules(&self, as_of_ms: i64) -> Rules {
        let mut rules = Rules::default();
        for timed in self.house.iter().filter(|timed| timed.holds(as_of_ms)) {
            match &timed.entry {
                PlanEntry::Shift { name, shift: value } => {
                    rules.shifts.extend(shift(value).map(|shift| (name.clone(), shift)));
                }
                PlanEntry::Usual { shift, workdays } => {
                    rules.default_shift.clone_from(shift);
                    rules.workdays =
                        Workdays::from_iso(workdays.iter().copied()).unwrap_or_default();
                }
                entry => {
                    rules.holidays.extend(entry.holiday());
                    rules.storms.extend(entry.storm());
                }
            }
        }
        if rules.default_shift.is_none() && rules.shifts.len() == 1 {
            rules.default_shift = rules.shifts.keys().next().cloned();
        }
        rules
    }

    /// Puts what is known of `person` at `as_of_ms` into `input`.
    pub(super) fn fill(&self, person: PersonId, as_of_ms: i64, input: &mut Input) {
        let known = self.people.get(&person.0).into_iter().flatten();
        for timed in known.filter(|timed| timed.holds(as_of_ms)) {
            input.roster.extend(timed.entry.roster());
            input.leave.extend(timed.entry.leave());
            input.overtime.extend(timed.entry.overtime());
            if let Some(employed) = timed.entry.employed() {
                input.employed = employed;
            }
        }
        // Of several rosters that fit a date the one that began last counts.
        input.roster.sort_by_key(|entry| entry.from);
        let numbers = self.corrected.get(&person.0).into_iter().flatten();
        let corrections = numbers.filter_map(|number| self.corrections.get(number));
        input.corrections.extend(corrections.filter_map(|c| c.input(as_of_ms)));
    }

    /// For a checkpoint.
    pub(crate) fn keep(&self) -> Option<Vec<u8>> {
        serde_json::to_vec(self).ok()
    }

    /// From what [`Table::keep`] gave.
    pub(crate) fn restore(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plans::LeavePart;
    use jiff::civil::date;
    use muster_attendance::time::LocalTime;
    use proptest::prelude::*;

    /// Of few people and days, so that many share a key.
    fn entry() -> impl Strategy<Value = PlanEntry> {
        (0..6_u8, 1..3_u64, 1..3_i8, 1..4_u32).prop_map(|(kind, person, day, minutes)| {
            let (person, date) = (PersonId(person), date(2026, 12, day));
            let site = Some("yard".to_owned()).filter(|_| minutes > 2);
            match kind {
                0 => PlanEntry::Holiday { date, site },
                1 => PlanEntry::Usual { shift: None, workdays: vec![minutes as u8] },
                2 => PlanEntry::Leave { person, date, part: LeavePart::Full },
                3 => {
                    let part = LeavePart::Hours(LocalTime::MIDNIGHT, LocalTime::DAY_END);
                    PlanEntry::Leave { person, date, part }
                }
                4 => PlanEntry::Employed { person, from: Some(date), to: None },
                _ => PlanEntry::Overtime { person, date, minutes },
            }
        })
    }

    proptest! {
        #[test]
        fn entries_together_are_as_entries_one_by_one(
            acts in prop::collection::vec(prop::collection::vec(entry(), 0..12), 0..5)
        ) {
            let (mut together, mut single) = (Table::default(), Table::default());
            for (at_ms, entries) in (1..).zip(&acts) {
                together.enter(entries, at_ms);
                entries.iter().for_each(|one| single.enter(std::slice::from_ref(one), at_ms));
            }
            prop_assert_eq!(together.keep(), single.keep());
        }
    }
}
