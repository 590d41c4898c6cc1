//! Fluent messages of one line with plain placeables, filled without a runtime: for rooms that are
//! pure and speak several languages.

use crate::explain::Language;

/// A message about policies with its values, to be said in any language.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Phrase {
    key: &'static str,
    values: Vec<(&'static str, Value)>,
}

/// What is put into a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Value {
    /// A text that is the same in every language.
    Text(String),
    /// A message of its own.
    Phrase(Phrase),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Phrase> for Value {
    fn from(phrase: Phrase) -> Self {
        Self::Phrase(phrase)
    }
}

impl Phrase {
    pub(crate) fn new(key: &'static str, values: Vec<(&'static str, Value)>) -> Self {
        Self { key, values }
    }

    /// A message without values.
    pub(crate) fn plain(key: &'static str) -> Self {
        Self::new(key, Vec::new())
    }

    pub(crate) fn say(&self, language: Language) -> String {
        self.part("", language)
    }

    /// The message of this key with `end` after it, filled with the same values.
    pub(crate) fn part(&self, end: &str, language: Language) -> String {
        let said = self.values.iter().map(|(name, value)| match value {
            Value::Text(text) => (*name, text.clone()),
            Value::Phrase(phrase) => (*name, phrase.say(language)),
        });
        let said: Vec<(&str, String)> = said.collect();
        let values: Vec<(&str, &str)> = said.iter().map(|(n, v)| (*n, v.as_str())).collect();
        fill(findings(language), &format!("{}{end}", self.key), &values)
    }
}

/// The messages of findings and differences.
pub(crate) const fn findings(language: Language) -> &'static str {
    match language {
        Language::En => include_str!("../i18n/en/findings.ftl"),
        Language::ZhHant => include_str!("../i18n/zh-Hant/findings.ftl"),
        Language::ZhHans => include_str!("../i18n/zh-Hans/findings.ftl"),
        Language::Pt => include_str!("../i18n/pt/findings.ftl"),
    }
}

/// The message of `key` in `messages`, filled; the key itself where there is none.
pub fn fill(messages: &str, key: &str, values: &[(&str, &str)]) -> String {
    let text = find(messages, key).unwrap_or(key).to_owned();
    values.iter().fold(text, |text, (name, value)| text.replace(&format!("{{ ${name} }}"), value))
}

/// The message of `key`, unfilled.
pub fn find<'a>(messages: &'a str, key: &str) -> Option<&'a str> {
    let mut lines = messages.lines().filter_map(|line| line.split_once(" = "));
    lines.find(|(name, _)| *name == key).map(|(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_found_and_filled() {
        let messages = "# a note\na = to { $to }\nab = other\n";
        assert_eq!(fill(messages, "a", &[("to", "x")]), "to x");
        assert_eq!(fill(messages, "none", &[]), "none");
        assert_eq!(find(messages, "ab"), Some("other"));
    }
}
