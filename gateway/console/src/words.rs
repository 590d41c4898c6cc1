//! Every text of the page, from one Fluent catalogue per language.
//!
//! A language falls back to English by message. Tests hold the catalogues to the same messages and
//! the program to the messages there are.

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use std::sync::Arc;

/// The languages, in the order the switch shows them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Language {
    English,
    TraditionalChinese,
}

impl Language {
    pub(crate) const ALL: [Self; 2] = [Self::English, Self::TraditionalChinese];

    /// As `lang` attributes and the language cookie have it.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::TraditionalChinese => "zh-Hant",
        }
    }

    /// The language's own name.
    pub(crate) fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::TraditionalChinese => "繁體中文",
        }
    }

    pub(crate) fn read(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag() == tag)
    }

    /// The best for an `Accept-Language` header; English where it names none of ours.
    pub(crate) fn accepted(header: &str) -> Self {
        let mut best = (0u32, Self::English);
        for item in header.split(',').take(MAX_ACCEPTED) {
            let mut parts = item.split(';');
            let tag = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
            let weight =
                parts.find_map(|part| part.trim().strip_prefix("q=")).map_or(1000, thousandths);
            let language = match tag.split('-').next().unwrap_or_default() {
                "zh" | "yue" => Self::TraditionalChinese,
                "en" => Self::English,
                _ => continue,
            };
            if weight > best.0 {
                best = (weight, language);
            }
        }
        best.1
    }

    /// The catalogue's files: the page's common texts, then one a room.
    fn sources(self) -> &'static [&'static str] {
        match self {
            Self::English => &[
                include_str!("../i18n/en.ftl"),
                include_str!("../i18n/en/accounts.ftl"),
                include_str!("../i18n/en/sheets.ftl"),
                include_str!("../i18n/en/governance.ftl"),
            ],
            Self::TraditionalChinese => &[
                include_str!("../i18n/zh-Hant.ftl"),
                include_str!("../i18n/zh-Hant/accounts.ftl"),
                include_str!("../i18n/zh-Hant/sheets.ftl"),
                include_str!("../i18n/zh-Hant/governance.ftl"),
            ],
        }
    }
}

/// Items of an `Accept-Language` header that are looked at.
const MAX_ACCEPTED: usize = 32;

/// `0.8` as 800; what is no number is 0.
fn thousandths(text: &str) -> u32 {
    let value = text.trim().parse::<f32>().unwrap_or(0.0);
    (value.clamp(0.0, 1.0) * 1000.0) as u32
}

type Bundle = FluentBundle<FluentResource>;

/// All languages.
pub(crate) struct Catalogue {
    english: Bundle,
    traditional_chinese: Bundle,
}

impl Catalogue {
    /// Reads the embedded texts.
    pub(crate) fn embedded() -> Self {
        let [english, traditional_chinese] = Language::ALL.map(bundle);
        Self { english, traditional_chinese }
    }

    fn of(&self, language: Language) -> &Bundle {
        match language {
            Language::English => &self.english,
            Language::TraditionalChinese => &self.traditional_chinese,
        }
    }
}

fn bundle(language: Language) -> Bundle {
    let mut bundle = Bundle::new_concurrent(language.tag().parse().into_iter().collect());
    // Names are isolated by <bdi>; figures need no marks.
    bundle.set_use_isolating(false);
    for source in language.sources() {
        let resource = match FluentResource::try_new((*source).to_owned()) {
            Ok(resource) => resource,
            Err((resource, errors)) => {
                tracing::error!(language = language.tag(), ?errors, "a page text cannot be read");
                resource
            }
        };
        bundle.add_resource_overriding(resource);
    }
    bundle
}

/// The texts of one language, cheap to clone.
#[derive(Clone)]
pub(crate) struct Words {
    catalogue: Arc<Catalogue>,
    pub(crate) language: Language,
}

impl Words {
    pub(crate) fn new(catalogue: Arc<Catalogue>, language: Language) -> Self {
        Self { catalogue, language }
    }

    /// A text without variables.
    pub(crate) fn say(&self, id: &str) -> String {
        self.format(id, None)
    }

    /// A text with one variable.
    pub(crate) fn with(&self, id: &str, key: &str, value: &str) -> String {
        self.fill(id, &[(key, value)])
    }

    /// A text with variables.
    pub(crate) fn fill(&self, id: &str, values: &[(&str, &str)]) -> String {
        let args = values.iter().map(|(key, value)| (*key, FluentValue::from(*value)));
        self.format(id, Some(&args.collect()))
    }

    /// A text that counts: `$n` chooses the plural, `$shown` is the number with separators.
    pub(crate) fn count(&self, id: &str, n: u64) -> String {
        let mut args = FluentArgs::new();
        args.set("n", n);
        args.set("shown", grouped(n));
        self.format(id, Some(&args))
    }

    fn format(&self, id: &str, args: Option<&FluentArgs>) -> String {
        let mut errors = Vec::new();
        for language in [self.language, Language::English] {
            let bundle = self.catalogue.of(language);
            if let Some(pattern) = bundle.get_message(id).and_then(|message| message.value()) {
                return bundle.format_pattern(pattern, args, &mut errors).into_owned();
            }
        }
        id.to_owned()
    }
}

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    fn messages(language: Language) -> BTreeSet<String> {
        let start = |line: &&str| line.starts_with(|c: char| c.is_ascii_alphabetic());
        let id = |line: &str| line.split(" =").next().unwrap_or_default().to_owned();
        language.sources().iter().flat_map(|s| s.lines()).filter(start).map(id).collect()
    }

    /// The text of every template and of every source file but this one.
    fn program() -> String {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut text = String::new();
        for folder in [
            "src",
            "src/pages",
            "src/pages/today",
            "src/pages/sheet",
            "src/pages/governance",
            "templates",
        ] {
            for entry in std::fs::read_dir(root.join(folder)).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_file() && !path.ends_with("words.rs") {
                    text += &std::fs::read_to_string(path).expect("a text");
                }
            }
        }
        text
    }

    #[test]
    fn the_catalogues_parse_and_have_the_same_messages() {
        for language in Language::ALL {
            for source in language.sources() {
                let parsed = FluentResource::try_new((*source).to_owned());
                let errors = parsed.err().map(|(_, errors)| errors);
                assert!(errors.is_none(), "{language:?}: {errors:?}");
            }
        }
        let [english, chinese] = Language::ALL.map(messages);
        assert_eq!(
            english.symmetric_difference(&chinese).collect::<Vec<_>>(),
            Vec::<&String>::new()
        );
    }

    #[test]
    fn every_message_is_used() {
        let program = program();
        let unused = |id: &String| !program.contains(&format!("\"{id}\""));
        let unused: Vec<_> = messages(Language::English).into_iter().filter(unused).collect();
        assert!(unused.is_empty(), "unused: {unused:?}");
    }

    #[test]
    fn every_used_message_is_there() {
        let (program, there) = (program(), messages(Language::English));
        let mut asked = 0;
        for call in [".say(\"", ".with(\"", ".fill(\"", ".count(\""] {
            for rest in program.split(call).skip(1) {
                let id = rest.split('"').next().unwrap_or_default();
                assert!(there.contains(id), "missing: {id}");
                asked += 1;
            }
        }
        assert!(asked > 50, "the search finds nothing");
    }

    #[test]
    fn languages_are_chosen_by_weight() {
        use Language::*;
        for (header, expect) in [
            ("", English),
            ("de, fr;q=0.9", English),
            ("zh-HK", TraditionalChinese),
            ("en-GB,en;q=0.9,zh-TW;q=0.8", English),
            ("en;q=0.3,zh;q=0.8", TraditionalChinese),
            ("zh;q=0,en;q=0.1", English),
            ("zh;q=x", English),
        ] {
            assert_eq!(Language::accepted(header), expect, "{header}");
        }
    }

    #[test]
    fn numbers_are_grouped() {
        for (n, expect) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(n), expect);
        }
    }
}
