//! Counts of the people who were there.

use crate::PersonProfile;
use muster_attendance::PersonId;
use muster_residency::vocab::{Basis, Category};
use muster_residency::wanted::WantedCount;
use std::collections::BTreeMap;

/// One cell of a count, by its department where each is counted apart.
#[derive(Default)]
pub(super) struct Cell {
    pub(super) count: u32,
    basis: Shared,
}

/// What is the same of all of a cell's people.
#[derive(Default)]
enum Shared {
    #[default]
    Nobody,
    All(String),
    /// Somebody has none.
    Lacking,
}

impl Cell {
    /// The basis they all have. Several are another; consent anywhere is consent, which holds.
    pub(super) fn basis(&self) -> Option<&str> {
        match &self.basis {
            Shared::All(basis) => Some(basis),
            Shared::Nobody | Shared::Lacking => None,
        }
    }

    fn add(&mut self, basis: Option<&str>) {
        let consent = Basis::Consent.as_str();
        self.count += 1;
        let Some(basis) = basis else {
            self.basis = Shared::Lacking;
            return;
        };
        match &mut self.basis {
            Shared::Lacking => {}
            Shared::Nobody => self.basis = Shared::All(basis.to_owned()),
            Shared::All(one) if one == basis || one == consent => {}
            Shared::All(one) if basis == consent => consent.clone_into(one),
            Shared::All(one) => Basis::Other.as_str().clone_into(one),
        }
    }
}

/// Counts those of `people` whom `wanted` is of, by department where each is counted apart.
pub(super) fn cells(
    wanted: &WantedCount,
    people: impl Iterator<Item = PersonId>,
    profile: impl Fn(PersonId) -> Option<PersonProfile>,
) -> BTreeMap<Option<String>, Cell> {
    let mut cells: BTreeMap<Option<String>, Cell> = BTreeMap::new();
    for known in people.filter_map(profile).filter(|known| is_of(wanted, known)) {
        let group = known.department.clone().filter(|_| wanted.by_group);
        cells.entry(group).or_default().add(known.basis.as_deref());
    }
    cells
}

fn is_of(wanted: &WantedCount, known: &PersonProfile) -> bool {
    let category = known.category.as_deref().and_then(Category::from_word);
    let has = |department: &String| Some(department) == known.department.as_ref();
    (wanted.categories.is_empty() || category.is_some_and(|c| wanted.categories.contains(&c)))
        && (wanted.departments.is_empty() || wanted.departments.iter().any(has))
}

/// The category that the engine is told: the one they all have. Of several none is told, and what
/// needs it holds.
pub(super) fn category(wanted: &WantedCount) -> Option<&'static str> {
    match wanted.categories.as_slice() {
        [one] => Some(one.as_str()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_residency::wanted::WantedSpan;

    fn profile(department: &str, category: &str, basis: Option<&str>) -> PersonProfile {
        PersonProfile {
            department: Some(department.into()),
            category: Some(category.into()),
            basis: basis.map(Into::into),
            ..PersonProfile::default()
        }
    }

    #[test]
    fn people_are_counted_by_department_with_the_basis_they_share() {
        let people = [
            profile("1A", "student", Some("public-task")),
            profile("1A", "student", Some("public-task")),
            profile("1B", "student", Some("contract")),
            profile("1B", "student", Some("public-task")),
            profile("1C", "student", Some("contract")),
            profile("1C", "student", None),
            profile("1D", "student", Some("contract")),
            profile("1D", "student", Some("consent")),
            profile("1A", "employee", Some("contract")),
        ];
        let wanted = WantedCount {
            permit: "P".into(),
            categories: vec![Category::Student],
            departments: Vec::new(),
            by_group: true,
            span: WantedSpan::Day,
        };
        let numbers = (0..people.len() as u64).map(PersonId);
        let found = cells(&wanted, numbers, |n| people.get(n.0 as usize).cloned());
        let told: Vec<_> = found
            .iter()
            .map(|(group, cell)| (group.as_deref().unwrap_or("-"), cell.count, cell.basis()))
            .collect();
        let expect = [
            ("1A", 2, Some("public-task")),
            ("1B", 2, Some("other")),
            ("1C", 2, None),
            ("1D", 2, Some("consent")),
        ];
        assert_eq!(told, expect);
        assert_eq!(category(&wanted), Some("student"));
        let both = vec![Category::Student, Category::Employee];
        assert_eq!(category(&WantedCount { categories: both, ..wanted }), None);
    }
}
