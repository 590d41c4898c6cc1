//! English sentences in the language of the terminal.
//!
//! The rooms below know no language: their errors, alarms and findings are English sentences, and
//! those of a running gateway come through the control socket as such. Here a sentence is its own
//! key, as gettext has it: it is compared with the English messages of the catalogue, in which a
//! variable stands for any text, and told by the message of the same name. What is a sentence
//! itself among the variables is told too. What the catalogue has not stays English; nothing that a
//! program reads goes through here. Only errors, findings and questions: what a command says of its
//! own has keys (see [`crate::words`]).

use crate::words;
use muster_residency::explain::Language;
use muster_residency::phrase;

/// Bytes of a sentence that is looked up; a longer one is no sentence.
const MAX_BYTES: usize = 4096;
/// How deep sentences stand in one another.
const MAX_DEPTH: usize = 4;
/// Sentences that are joined in one at most; more of them stay English.
const MAX_PARTS: usize = 8;
/// Between an error and its cause.
const CAUSED: &str = ": ";

/// In the language of the terminal.
pub(crate) fn here(sentence: &str) -> String {
    tell(sentence, words::language())
}

/// In a language.
pub(crate) fn tell(sentence: &str, language: Language) -> String {
    match language {
        Language::En => sentence.to_owned(),
        _ if sentence.len() > MAX_BYTES => sentence.to_owned(),
        _ => {
            let line =
                |line: &str| told(line, language, MAX_DEPTH).unwrap_or_else(|| line.to_owned());
            sentence.split('\n').map(line).collect::<Vec<_>>().join("\n")
        }
    }
}

/// The sentence, or the sentences it is joined of, each as long as can be; `None` where no part is
/// known.
fn told(sentence: &str, language: Language, depth: usize) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    let ends = sentence.match_indices(CAUSED).map(|(at, _)| at).chain([sentence.len()]);
    let ends: Vec<usize> = ends.take(MAX_PARTS + 1).collect();
    if ends.len() > MAX_PARTS {
        return None;
    }
    let (mut parts, mut known, mut from, mut next) = (Vec::new(), false, 0, 0);
    while let Some(&first) = ends.get(next) {
        let runs = (next..ends.len()).rev();
        let found = runs.into_iter().find_map(|last| {
            let run = sentence.get(from..*ends.get(last)?)?;
            Some((last, whole(run, language, depth)?))
        });
        known |= found.is_some();
        let as_it_is = || (next, sentence.get(from..first).unwrap_or_default().to_owned());
        let (last, part) = found.unwrap_or_else(as_it_is);
        parts.push(part);
        from = ends.get(last)? + CAUSED.len();
        next = last + 1;
    }
    known.then(|| parts.join(CAUSED))
}

/// One sentence of the catalogue.
fn whole(sentence: &str, language: Language, depth: usize) -> Option<String> {
    let known = sentences(Language::En).lines().filter_map(|line| line.split_once(" = "));
    let (key, values) =
        known.into_iter().find_map(|(key, pattern)| Some((key, values(pattern, sentence)?)))?;
    let values: Vec<(&str, String)> = values
        .into_iter()
        .map(|(name, value)| {
            (name, told(value, language, depth).unwrap_or_else(|| value.to_owned()))
        })
        .collect();
    let values: Vec<(&str, &str)> = values.iter().map(|(n, v)| (*n, v.as_str())).collect();
    Some(phrase::fill(sentences(language), key, &values))
}

/// What stands for the variables of a pattern in a sentence that fits it: each as short as can be,
/// and none empty.
fn values<'a>(pattern: &'a str, sentence: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
    let mut parts = pattern.split("{ $").peekable();
    let mut rest = sentence.strip_prefix(parts.next()?)?;
    let mut found = Vec::new();
    while let Some(part) = parts.next() {
        let (name, after) = part.split_once(" }")?;
        // The last text ends the sentence, the others begin where they are met first.
        let end = match parts.peek() {
            None => rest.strip_suffix(after)?.len(),
            Some(_) => rest.find(after)?,
        };
        let value = rest.get(..end).filter(|value| !value.is_empty())?;
        found.push((name, value));
        rest = rest.get(end + after.len()..)?;
    }
    rest.is_empty().then_some(found)
}

fn sentences(language: Language) -> &'static str {
    match language {
        Language::En => include_str!("../i18n/en/sentences.ftl"),
        Language::ZhHant => include_str!("../i18n/zh-Hant/sentences.ftl"),
        Language::ZhHans => include_str!("../i18n/zh-Hans/sentences.ftl"),
        Language::Pt => include_str!("../i18n/pt/sentences.ftl"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fmt::Write as _;
    use std::path::Path;

    /// The sources of every room, as the compiler reads their texts: lines that go on are joined.
    fn sources(folder: &Path, into: &mut String) {
        for entry in std::fs::read_dir(folder).expect("a folder").map_while(Result::ok) {
            let path = entry.path();
            if path.is_dir() {
                sources(&path, into);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source");
                for line in text.lines() {
                    match line.trim_start().strip_suffix('\\') {
                        Some(goes_on) => into.push_str(goes_on),
                        None => writeln!(into, "{}", line.trim_start()).expect("room"),
                    }
                }
            }
        }
        *into = into.replace("\\\"", "\"");
    }

    fn lines(language: Language) -> impl Iterator<Item = (&'static str, &'static str)> {
        sentences(language).lines().filter_map(|line| line.split_once(" = "))
    }

    #[test]
    fn every_sentence_is_still_said_somewhere() {
        let gateway = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut text = String::new();
        for room in ["muster", "ledger", "intake", "residency", "uplink", "console"] {
            sources(&gateway.join(room).join("src"), &mut text);
        }
        // What the system or a library says is not ours.
        let ours = lines(Language::En).filter(|(key, _)| !key.starts_with("their-"));
        let gone: Vec<_> = ours.filter(|(_, pattern)| !is_said(pattern, &text)).collect();
        assert!(gone.is_empty(), "nobody says {gone:?}");
    }

    /// Whether each text between two variables stands in the sources.
    fn is_said(pattern: &str, text: &str) -> bool {
        let mut parts = pattern.split("{ $");
        let first = parts.next().unwrap_or_default();
        let rest = parts.map(|part| part.split_once(" }").map_or(part, |(_, after)| after));
        [first].into_iter().chain(rest).all(|part| text.contains(part))
    }

    fn names(pattern: &str) -> BTreeSet<&str> {
        pattern.split("{ $").skip(1).filter_map(|part| part.split(' ').next()).collect()
    }

    #[test]
    fn every_language_has_every_sentence_with_its_variables() {
        let english: Vec<_> = lines(Language::En).collect();
        for language in Language::ALL {
            let theirs: Vec<_> = lines(language).map(|(key, text)| (key, names(text))).collect();
            let ours: Vec<_> = english.iter().map(|(key, text)| (*key, names(text))).collect();
            assert_eq!(theirs, ours, "{}", language.tag());
        }
        let keys: BTreeSet<&str> = english.iter().map(|(key, _)| *key).collect();
        assert_eq!(keys.len(), english.len(), "a key is there once");
    }

    #[test]
    fn a_sentence_is_told_with_what_it_holds() {
        let check = |sentence: &str, expect: &str| {
            assert_eq!(tell(sentence, Language::Pt), expect);
        };
        check(
            "no configuration: looked for a.toml, b.toml; name one with --config, or make one with \
             `muster init`",
            "sem configuração: procurou-se a.toml, b.toml; indique uma com --config, ou crie uma \
             com `muster init`",
        );
        check(
            "x.csv: cannot read y z.toml: Permission denied (os error 13)",
            "x.csv: não é possível ler y z.toml: sem permissão",
        );
        check(
            "b.toml:2: missing field `site`\nb.toml:9: duplicate key; every key is explained in the \
             shipped gateway.toml",
            "b.toml:2: falta a chave `site`\nb.toml:9: chave repetida; todas as chaves estão \
             explicadas no gateway.toml fornecido",
        );
        for unknown in ["", ": ", "nothing of ours", "cannot read ", "a: b: c: d: e: f: g: h: i"] {
            check(unknown, unknown);
        }
        let long = format!("cannot read {}", "x".repeat(MAX_BYTES));
        check(&long, &long);
        assert_eq!(tell("there is no such person", Language::En), "there is no such person");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_told_somehow(text in "\\PC{0,80}", cuts in 0usize..40) {
            let joined = text.chars().map(String::from).collect::<Vec<_>>().join(": ");
            let joined: String = joined.chars().take(cuts * 4).collect();
            for sentence in [&text, &joined] {
                tell(sentence, Language::ZhHant);
            }
        }
    }
}
