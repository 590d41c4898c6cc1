//! What commands about papers, people and approvals say, in the language of the terminal.
//!
//! Fluent messages of one line, filled as in [`muster_residency::phrase`]; what is wrong with a table
//! of people is told so too. What is signed, JSON, other errors and clap's help stay as they are in
//! every language.

use muster_residency::explain::Language;
use muster_residency::phrase;

/// The language of the terminal, as POSIX finds it: the first of these that is set and not empty.
/// English where it is none of ours.
pub(crate) fn language() -> Language {
    let set = |name: &&str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let wanted = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(set);
    Language::from_tag(&wanted.unwrap_or_default())
}

/// A text without variables.
pub(crate) fn say(key: &str) -> String {
    fill(key, &[])
}

/// A text with variables.
pub(crate) fn fill(key: &str, values: &[(&str, &str)]) -> String {
    fill_in(language(), key, values)
}

/// The same in a language.
pub(crate) fn fill_in(language: Language, key: &str, values: &[(&str, &str)]) -> String {
    phrase::fill(messages(language), key, values)
}

fn messages(language: Language) -> &'static str {
    match language {
        Language::En => include_str!("../i18n/en.ftl"),
        Language::ZhHant => include_str!("../i18n/zh-Hant.ftl"),
        Language::ZhHans => include_str!("../i18n/zh-Hans.ftl"),
        Language::Pt => include_str!("../i18n/pt.ftl"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// Every text between quotes of the commands' sources.
    fn quoted(folder: &Path, into: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).expect("a folder").map_while(Result::ok) {
            if entry.path().is_dir() {
                quoted(&entry.path(), into);
            } else {
                let text = std::fs::read_to_string(entry.path()).expect("a source");
                into.extend(text.split('"').map(str::to_owned));
            }
        }
    }

    #[test]
    fn every_text_is_used_and_every_text_used_is_there() {
        let commands = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/command");
        let mut used = BTreeSet::new();
        quoted(&commands, &mut used);
        let lines = messages(Language::En).lines().filter_map(|line| line.split_once(" = "));
        let keys: BTreeSet<String> = lines.map(|(key, _)| key.to_owned()).collect();
        let unused: Vec<_> = keys.difference(&used).collect();
        assert!(unused.is_empty(), "nobody says {unused:?}");
        let rooms: BTreeSet<&str> = keys.iter().filter_map(|key| key.split('-').next()).collect();
        let word = |text: &&String| {
            let room = text.split_once('-').map(|(room, _)| room);
            room.is_some_and(|room| rooms.contains(room))
                && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
        };
        let missing: Vec<_> = used.iter().filter(word).filter(|key| !keys.contains(*key)).collect();
        assert!(missing.is_empty(), "no text for {missing:?}");
    }

    #[test]
    fn every_language_has_its_own_words() {
        for language in Language::ALL {
            let told = phrase::find(messages(language), "told-mapped").expect("a text");
            let english = phrase::find(messages(Language::En), "told-mapped");
            assert_eq!(english == Some(told), language == Language::En, "{}", language.tag());
        }
    }
}
