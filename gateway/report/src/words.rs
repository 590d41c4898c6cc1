//! The words of reports, in the languages there are catalogues for.

use muster_residency::explain::Language;
use muster_residency::phrase;

/// The words of one language; English where there is no catalogue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Words(Language);

impl Words {
    /// The words of `language`, or English.
    pub fn of(language: Language) -> Self {
        match language {
            Language::ZhHant | Language::ZhHans => Self(Language::ZhHant),
            Language::En | Language::Pt => Self(Language::En),
        }
    }

    /// The BCP 47 tag.
    pub fn tag(self) -> &'static str {
        self.0.tag()
    }

    fn messages(self) -> &'static str {
        match self.0 {
            Language::ZhHant => include_str!("../i18n/zh-Hant.ftl"),
            _ => include_str!("../i18n/en.ftl"),
        }
    }

    /// A text without variables.
    pub fn say(self, key: &str) -> String {
        phrase::fill(self.messages(), key, &[])
    }

    /// A text with variables.
    pub fn fill(self, key: &str, values: &[(&str, &str)]) -> String {
        phrase::fill(self.messages(), key, values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const SOURCES: &[&str] = &[
        include_str!("html.rs"),
        include_str!("build.rs"),
        include_str!("picture.rs"),
        include_str!("sides.rs"),
        include_str!("reports/mod.rs"),
        include_str!("reports/processing.rs"),
        include_str!("reports/transfers.rs"),
        include_str!("reports/thresholds.rs"),
        include_str!("reports/flows.rs"),
        include_str!("reports/score.rs"),
        include_str!("reports/incident.rs"),
        include_str!("reports/running.rs"),
    ];

    fn keys(language: Language) -> BTreeSet<&'static str> {
        let messages = Words(language).messages().lines();
        messages.filter_map(|line| line.split_once(" = ")).map(|(key, _)| key).collect()
    }

    #[test]
    fn no_language_says_the_word_that_is_never_said() {
        for language in [Language::En, Language::ZhHant] {
            let text = Words(language).messages().to_lowercase();
            assert!(!text.contains("compliant") && !text.contains("合規"), "{}", language.tag());
        }
    }

    #[test]
    fn what_the_program_says_is_in_every_catalogue() {
        let (english, chinese) = (keys(Language::En), keys(Language::ZhHant));
        assert_eq!(english, chinese);
        let mut asked = 0;
        for call in [".say(\"", ".fill(\"", "say(w, \""] {
            for rest in SOURCES.iter().flat_map(|text| text.split(call).skip(1)) {
                let key = rest.split('"').next().unwrap_or_default();
                assert!(english.contains(key), "missing: {key}");
                asked += 1;
            }
        }
        assert!(asked > 20, "the search finds nothing");
    }
}
