//! A person's profile in the engine's words.

use crate::PersonProfile;
use crate::state::labels::Labels;
use muster_attendance::summary::Count;
use muster_residency::facts::Subject;
use muster_residency::vocab::{AccountClass, AgeBand, Basis, Category, Law};
use std::sync::Arc;

/// What decisions and parcels need of a person.
#[derive(Default)]
pub(super) struct PersonFacts {
    pub(super) subject: Subject,
    pub(super) basis: Option<Basis>,
    pub(super) platform_user_id: Option<Arc<str>>,
}

impl PersonFacts {
    /// What is the same of all whom a count is of.
    pub(super) fn of_count(count: &Count, labels: &Labels) -> Self {
        let word = |label| labels.text(label).unwrap_or_default();
        Self {
            subject: Subject {
                category: Category::from_word(word(count.of.category)),
                department: labels.text(count.of.group).map(str::to_owned),
                ..Subject::default()
            },
            basis: Basis::from_word(word(count.basis)),
            platform_user_id: None,
        }
    }

    /// Words the engine does not know stay unknown, and unknown holds.
    pub(super) fn of(profile: Option<PersonProfile>) -> Self {
        let Some(profile) = profile else { return Self::default() };
        // A code that cannot be a law is a law without gates: it holds.
        let law = |code: &String| Law::from_code(code).or(Law::from_code("UNKNOWN"));
        let laws: Vec<Law> = profile.employment_law.iter().filter_map(law).collect();
        let word = |text: &Option<String>| text.clone().unwrap_or_default();
        Self {
            subject: Subject {
                category: Category::from_word(&word(&profile.category)),
                age_band: AgeBand::from_word(&word(&profile.age_band)),
                department: profile.department.clone(),
                employment_law: Some(laws).filter(|laws| !laws.is_empty()),
                account_class: AccountClass::from_word(&word(&profile.account_class)),
                restricted: false,
            },
            basis: profile.basis.as_deref().map(|b| Basis::from_word(b).unwrap_or(Basis::Other)),
            platform_user_id: profile.platform_user_id.map(Into::into),
        }
    }
}
