//! Which records made from sheets a policy asks for: those that some permit could let go.

use crate::condition::{Condition, Key};
use crate::policy::Permit;
use crate::rules::Rules;
use crate::vocab::{Category, Class, Field, TimePrecision};
use std::collections::BTreeSet;

/// A count of people that a permit asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WantedCount {
    /// The permit.
    pub permit: String,
    /// What they are to the site; any if it is empty.
    pub categories: Vec<Category>,
    /// Where they work; anywhere if it is empty.
    pub departments: Vec<String>,
    /// Whether each department is counted apart.
    pub by_group: bool,
    /// How long each count reaches.
    pub span: WantedSpan,
}

/// How long a count reaches, by the field that dates it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[allow(missing_docs)]
pub enum WantedSpan {
    Day,
    Week,
    Month,
}

impl Rules {
    /// Destinations that permits could let a record of `class` of this site go to.
    pub fn destinations_of<'a>(&'a self, class: Class, site: &'a str) -> BTreeSet<&'a str> {
        self.permits_at(class, site).map(|permit| permit.to.as_str()).collect()
    }

    /// Counts of people that permits could let go from this site. A profile that nothing dates
    /// asks for none.
    pub fn wanted_counts(&self, site: &str) -> Vec<WantedCount> {
        let permits = self.permits_at(Class::Aggregate, site);
        permits.filter_map(|permit| self.wanted_count(permit)).collect()
    }

    fn permits_at<'a>(&'a self, class: Class, site: &'a str) -> impl Iterator<Item = &'a Permit> {
        let here = move |permit: &&Permit| {
            let mut sites = permit.when.0.iter().filter(|condition| condition.key == Key::SiteId);
            sites.all(|condition| condition.allowed.iter().any(|allowed| allowed == site))
        };
        self.permits(class).filter(here)
    }

    fn wanted_count(&self, permit: &Permit) -> Option<WantedCount> {
        let form = self.forms.iter().find(|form| form.id.as_str() == permit.profile)?;
        let has = |field: Field| form.fields.contains(&field);
        let span = if has(Field::Date) {
            WantedSpan::Day
        } else if has(Field::Week) {
            WantedSpan::Week
        } else if !has(Field::Period) {
            return None;
        } else if form.time_precision == TimePrecision::Month {
            WantedSpan::Month
        } else {
            WantedSpan::Day
        };
        let of = |key: Key| {
            let conditions = permit.when.0.iter().filter(move |condition| condition.key == key);
            conditions.flat_map(|condition: &Condition| &condition.allowed)
        };
        Some(WantedCount {
            permit: permit.id.clone(),
            categories: of(Key::SubjectCategory).filter_map(|w| Category::from_word(w)).collect(),
            departments: of(Key::SubjectDepartment).cloned().collect(),
            by_group: has(Field::Group),
            span,
        })
    }
}
