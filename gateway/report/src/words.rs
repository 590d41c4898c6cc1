//! The words of reports, in every language that decisions are told in.

use muster_residency::explain::Language;
use muster_residency::phrase;

/// The words of one language.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Words(Language);

impl Words {
    /// The words of `language`.
    pub fn of(language: Language) -> Self {
        Self(language)
    }

    /// The BCP 47 tag.
    pub fn tag(self) -> &'static str {
        self.0.tag()
    }

    fn messages(self) -> &'static str {
        match self.0 {
            Language::En => include_str!("../i18n/en.ftl"),
            Language::ZhHant => include_str!("../i18n/zh-Hant.ftl"),
            Language::ZhHans => include_str!("../i18n/zh-Hans.ftl"),
            Language::Pt => include_str!("../i18n/pt.ftl"),
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
        include_str!("bars.rs"),
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
        for language in Language::ALL {
            let text = Words(language).messages().to_lowercase();
            for word in ["compliant", "合規", "合规", "conforme com"] {
                assert!(!text.contains(word), "{}: {word}", language.tag());
            }
        }
    }

    #[test]
    fn what_the_program_says_is_in_every_catalogue() {
        let english = keys(Language::En);
        for language in Language::ALL {
            assert_eq!(english, keys(language), "{}", language.tag());
        }
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
