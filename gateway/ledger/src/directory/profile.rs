//! What a profile may say: the columns of an import, checked one by one.

use super::{Directory, DirectoryError, PersonProfile};
use muster_residency::vocab::{AccountClass, AgeBand, Basis, Category, Law};
use std::collections::HashSet;

/// Problems that one refusal names; the rest are counted.
const MAX_PROBLEMS: usize = 20;
/// What stands for "not known" in a file.
const UNKNOWN: &str = "unknown";

/// What is wrong with a column of a profile. The value itself is never repeated.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProfileProblem {
    /// No terminal can send it.
    #[error("person has 1 to 48 characters and no control characters")]
    Number,
    /// This column takes so many characters.
    #[error("{0} is longer than {1} characters; shorten it")]
    Long(&'static str, usize),
    /// This column takes these words.
    #[error("{0} is not one of {1}; correct it or leave it out")]
    Word(&'static str, String),
    /// So many laws may be listed.
    #[error("employment_law lists more than {0} codes")]
    Laws(usize),
    /// What is listed are no laws.
    #[error("employment_law is not a list of codes such as MO or CN")]
    Law,
}

impl PersonProfile {
    /// A number seen at a terminal, of whom nothing else is known.
    pub(super) fn of_number(number: &str) -> Self {
        Self { person: number.to_owned(), ..Self::default() }
    }

    /// Empty columns and `unknown` become absent; codes of laws become upper case.
    pub fn normalise(mut self) -> Self {
        for column in [
            &mut self.name,
            &mut self.department,
            &mut self.category,
            &mut self.age_band,
            &mut self.account_class,
            &mut self.platform_user_id,
            &mut self.basis,
        ] {
            column.take_if(|text| text.trim().is_empty());
        }
        for word in [&mut self.category, &mut self.age_band, &mut self.account_class] {
            word.take_if(|text| text == UNKNOWN);
        }
        self.employment_law.retain(|code| !code.trim().is_empty());
        self.employment_law.iter_mut().for_each(|code| code.make_ascii_uppercase());
        self
    }

    /// What is wrong with it, column by column.
    pub fn problems(&self) -> Vec<ProfileProblem> {
        let mut problems = Vec::new();
        problems.extend((!is_number(&self.person)).then_some(ProfileProblem::Number));
        let texts = [
            ("name", &self.name, Directory::MAX_NAME),
            ("department", &self.department, Directory::MAX_DEPARTMENT),
            ("platform_user_id", &self.platform_user_id, Directory::MAX_PLATFORM_USER_ID),
        ];
        for (column, text, max) in texts {
            if text.as_ref().is_some_and(|text| text.chars().count() > max) {
                problems.push(ProfileProblem::Long(column, max));
            }
        }
        let basis: Vec<_> = Basis::WORDS.to_vec();
        for (column, word, words) in [
            ("category", &self.category, Category::WORDS),
            ("age_band", &self.age_band, AgeBand::WORDS),
            ("account_class", &self.account_class, AccountClass::WORDS),
            ("basis", &self.basis, &*basis),
        ] {
            if word.as_ref().is_some_and(|word| !words.contains(&&**word)) {
                problems.push(ProfileProblem::Word(column, words.join(", ")));
            }
        }
        problems.extend(self.law_problem());
        problems
    }

    fn law_problem(&self) -> Option<ProfileProblem> {
        let max = Directory::MAX_LAWS;
        if self.employment_law.len() > max {
            return Some(ProfileProblem::Laws(max));
        }
        let unknown = |code: &String| Law::from_code(code).is_none();
        self.employment_law.iter().any(unknown).then_some(ProfileProblem::Law)
    }
}

/// Whether a terminal's number can be taken: 1 to 48 characters without control characters.
pub(super) fn is_number(number: &str) -> bool {
    (1..=Directory::MAX_NUMBER).contains(&number.chars().count())
        && !number.chars().any(char::is_control)
}

/// Checks an import as a whole and normalises it; the error lists rows (from 1) and columns.
pub(super) fn check(people: Vec<PersonProfile>) -> Result<Vec<PersonProfile>, DirectoryError> {
    let people: Vec<_> = people.into_iter().map(PersonProfile::normalise).collect();
    let mut seen = HashSet::new();
    let mut problems = Vec::new();
    for (row, profile) in (1..).zip(&people) {
        problems.extend(profile.problems().into_iter().map(|p| format!("row {row}: {p}")));
        if profile.name.is_none() {
            problems.push(format!("row {row}: name is empty; write the person's name"));
        }
        if !seen.insert(&*profile.person) {
            problems.push(format!("row {row}: person was there before; keep one of the rows"));
        }
    }
    if problems.is_empty() {
        return Ok(people);
    }
    let more = problems.len().saturating_sub(MAX_PROBLEMS);
    problems.truncate(MAX_PROBLEMS);
    if more > 0 {
        problems.push(format!("and {more} more problems"));
    }
    Err(DirectoryError::Field(problems.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(change: impl FnOnce(&mut PersonProfile)) -> PersonProfile {
        let mut profile = PersonProfile::of_number("00017");
        profile.name = Some("Ho Mei".into());
        change(&mut profile);
        profile
    }

    fn refused(expect: &str, change: impl FnOnce(&mut PersonProfile)) {
        match check(vec![
            row(|_| {}),
            row(|p| p.person = "2".into()),
            row(|p| {
                p.person = "3".into();
                change(p);
            }),
        ]) {
            Err(DirectoryError::Field(text)) => {
                assert!(text.starts_with("row 3: ") && text.contains(expect), "{text}");
            }
            _ => panic!("taken: {expect}"),
        }
    }

    #[test]
    fn each_column_says_what_is_wrong() {
        refused("person has 1 to 48", |p| p.person = "x".repeat(49));
        refused("person has 1 to 48", |p| p.person = "1\n2".into());
        refused("person was there before", |p| p.person = "2".into());
        refused("name is empty", |p| p.name = Some("  ".into()));
        refused("name is longer than 200", |p| p.name = Some("é".repeat(201)));
        refused("category is not one of employee", |p| p.category = Some("staff".into()));
        refused("age_band is not one of under14, 14-17", |p| p.age_band = Some("21".into()));
        refused("account_class is not one of", |p| p.account_class = Some("wecom".into()));
        refused("basis is not one of contract", |p| p.basis = Some("because".into()));
        refused("employment_law is not a list", |p| p.employment_law = vec!["Macau?".into()]);
        refused("employment_law lists more", |p| p.employment_law = vec!["MO".into(); 9]);
        refused("department is longer", |p| p.department = Some("d".repeat(101)));
        refused("platform_user_id is longer", |p| p.platform_user_id = Some("u".repeat(65)));
    }

    #[test]
    fn empty_and_unknown_are_absent_and_names_stay_as_written() {
        let odd = "=Ho\t\u{202e}\u{1b}[31m<b>\r\n";
        let people = check(vec![row(|p| {
            p.name = Some(odd.into());
            p.category = Some("unknown".into());
            p.age_band = Some(String::new());
            p.employment_law = vec!["mo".into(), String::new()];
        })]);
        let profile = people.unwrap().remove(0);
        assert_eq!(profile.name.as_deref(), Some(odd));
        assert_eq!((profile.category, profile.age_band), (None, None));
        assert_eq!(profile.employment_law, ["MO"]);
    }

    #[test]
    fn a_refusal_is_bounded_and_repeats_no_value() {
        let bad = |n| {
            row(|p: &mut PersonProfile| {
                p.person = format!("n{n}");
                p.category = Some("hidden".into());
            })
        };
        let Err(DirectoryError::Field(text)) = check((0..90).map(bad).collect()) else {
            panic!("taken");
        };
        assert_eq!(text.lines().count(), MAX_PROBLEMS + 1);
        assert!(text.ends_with("and 70 more problems") && !text.contains("hidden"));
    }
}
