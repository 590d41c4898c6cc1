//! Whether somebody's biometrics may be enrolled: what is on record for it.

use super::papers::Papers;
use super::people::{Notices, PersonLegal};
use jiff::Timestamp;
use muster_residency::vocab::AgeBand;

/// The type of paper that is a basis for biometrics beside consent, such as a statute's own or an
/// assessment that they are necessary.
pub(crate) const BASIS: &str = "biometric-basis";

/// What is on record for the enrolment of one person. Only the ledger can say so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EnrolmentGrounds {
    notice: bool,
    basis: bool,
    age: bool,
}

impl EnrolmentGrounds {
    /// Looks it up. `now` is absent while the clock is not trusted: then nothing dated counts.
    pub(crate) fn look_up(
        (notices, papers): (&Notices, &Papers),
        person: &PersonLegal,
        age_band: Option<&str>,
        now: Option<Timestamp>,
    ) -> Self {
        let age = age_band.and_then(AgeBand::from_word).filter(|band| *band != AgeBand::Unknown);
        let Some(now) = now else {
            return Self { notice: false, basis: false, age: age.is_some() };
        };
        let consents = match age {
            Some(AgeBand::Under14) => person.guardian_consents(now, now),
            _ => person.consents(now),
        };
        let paper = age != Some(AgeBand::Under14)
            && papers.list().iter().any(|p| p.paper.kind == BASIS && p.in_force(now));
        Self {
            notice: notices.were_given(&person.notices, now),
            basis: person.restricted_ms.is_none() && (consents || paper),
            age: age.is_some(),
        }
    }

    /// Whether there is a notice in force, and the person was given every one that is.
    pub fn notice(self) -> bool {
        self.notice
    }

    /// Whether there is a basis for biometrics: the person's consent, for a child under 14 a
    /// guardian's, or for others a paper of type `biometric-basis`; and they have not restricted
    /// processing.
    pub fn basis(self) -> bool {
        self.basis
    }

    /// Whether the age is known.
    pub fn age(self) -> bool {
        self.age
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::legal::papers::tests::paper;
    use crate::legal::{Notice, NoticeGiven};
    use muster_residency::facts::ConsentInterval;

    fn at(day: i64) -> Timestamp {
        Timestamp::from_second(day * 86_400).unwrap()
    }

    fn notices(versions: &[(&str, u32, i64)]) -> Notices {
        let mut all = Notices::default();
        for (kind, version, from) in versions {
            all.publish(Notice {
                kind: (*kind).to_owned(),
                version: *version,
                from: at(*from),
                languages: vec!["en".to_owned()],
                destinations: Vec::new(),
                sha256: String::new(),
            });
        }
        all
    }

    fn given(kind: &str, version: u32) -> (String, NoticeGiven) {
        (kind.to_owned(), NoticeGiven { version, language: "en".into(), at_ms: 0 })
    }

    fn consent(from: i64, to: Option<i64>) -> Vec<ConsentInterval> {
        vec![ConsentInterval { from: at(from), to: to.map(at) }]
    }

    #[test]
    fn each_ground_counts_by_itself_and_only_while_it_is_in_force() {
        let told = notices(&[("pics", 1, 0), ("pics", 2, 20), ("wifi", 1, 0)]);
        let person = PersonLegal {
            consent: consent(5, Some(30)),
            notices: [given("pics", 1), given("wifi", 1)].into(),
            ..PersonLegal::default()
        };
        let check = |person: &PersonLegal, notices, age, day: Option<i64>, expect: [bool; 3]| {
            let papers = Papers::default();
            let found = EnrolmentGrounds::look_up((notices, &papers), person, age, day.map(at));
            assert_eq!([found.notice(), found.basis(), found.age()], expect, "{age:?} {day:?}");
        };
        let adult = Some("adult");
        check(&person, &told, adult, Some(10), [true, true, true]);
        check(&person, &told, adult, Some(4), [true, false, true]);
        // A newer notice is in force that the person was not given; the consent has ended.
        check(&person, &told, adult, Some(25), [false, true, true]);
        check(&person, &told, adult, Some(31), [false, false, true]);
        let none = notices(&[]);
        check(&person, &none, adult, Some(10), [false, true, true]);
        check(&person, &told, None, Some(10), [true, true, false]);
        check(&person, &told, Some("unknown"), Some(10), [true, true, false]);
        check(&person, &told, adult, None, [false, false, true]);
        // A child's own consent is none.
        check(&person, &told, Some("under14"), Some(10), [true, false, true]);
        let child = PersonLegal { guardian: consent(0, None), ..person.clone() };
        check(&child, &told, Some("under14"), Some(10), [true, true, true]);
        let restricted = PersonLegal { restricted_ms: Some(1), ..person };
        check(&restricted, &told, adult, Some(10), [true, false, true]);
    }

    #[test]
    fn a_paper_is_a_basis_too_while_it_holds() {
        let mut papers = Papers::default();
        let paper = paper(BASIS, "*", "1970-01-02T00:00:00Z", "1970-01-10T00:00:00Z");
        papers.file(1, paper, "uid 0", 0);
        let basis = |papers: &Papers, age, day| {
            let notices = Notices::default();
            let nobody = PersonLegal::default();
            EnrolmentGrounds::look_up((&notices, papers), &nobody, age, Some(at(day))).basis()
        };
        assert!(basis(&papers, Some("adult"), 5));
        assert!(!basis(&papers, Some("adult"), 9) && !basis(&papers, Some("under14"), 5));
        papers.withdraw(1, 0);
        assert!(!basis(&papers, Some("adult"), 5));
    }
}
