//! Every text of the page, from one Fluent catalogue per language.
//!
//! A language falls back to English by message. Tests hold the catalogues to the same messages and
//! the program to the messages there are.

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use muster_residency::explain::Language as Tongue;
use std::sync::{Arc, OnceLock};

/// The languages, in the order the switch shows them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Language {
    English,
    TraditionalChinese,
    SimplifiedChinese,
    Portuguese,
}

/// A language's files: the page's common texts, then one a room.
macro_rules! files {
    ($tag:literal) => {
        &[
            include_str!(concat!("../i18n/", $tag, ".ftl")),
            include_str!(concat!("../i18n/", $tag, "/accounts.ftl")),
            include_str!(concat!("../i18n/", $tag, "/sheets.ftl")),
            include_str!(concat!("../i18n/", $tag, "/governance.ftl")),
            include_str!(concat!("../i18n/", $tag, "/guests.ftl")),
            include_str!(concat!("../i18n/", $tag, "/hands.ftl")),
            include_str!(concat!("../i18n/", $tag, "/doctor.ftl")),
            include_str!(concat!("../i18n/", $tag, "/remedies.ftl")),
        ]
    };
}

impl Language {
    pub(crate) const ALL: [Self; 4] =
        [Self::English, Self::TraditionalChinese, Self::SimplifiedChinese, Self::Portuguese];

    /// As `lang` attributes and the language cookie have it.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::TraditionalChinese => "zh-Hant",
            Self::SimplifiedChinese => "zh-Hans",
            Self::Portuguese => "pt",
        }
    }

    /// The language's own name.
    pub(crate) fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::TraditionalChinese => "繁體中文",
            Self::SimplifiedChinese => "简体中文",
            Self::Portuguese => "Português",
        }
    }

    /// As the switch has it: all of them fit a phone's head.
    pub(crate) fn short_name(self) -> &'static str {
        match self {
            Self::English => "EN",
            Self::TraditionalChinese => "繁體",
            Self::SimplifiedChinese => "简体",
            Self::Portuguese => "PT",
        }
    }

    /// The language that decisions and reports are told in on a page of this one.
    pub(crate) fn tongue(self) -> Tongue {
        match self {
            Self::English => Tongue::En,
            Self::TraditionalChinese => Tongue::ZhHant,
            Self::SimplifiedChinese => Tongue::ZhHans,
            Self::Portuguese => Tongue::Pt,
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
            let tag = parts.next().unwrap_or_default().trim();
            let weight =
                parts.find_map(|part| part.trim().strip_prefix("q=")).map_or(1000, thousandths);
            let Some(language) = Self::spoken(tag) else { continue };
            if weight > best.0 {
                best = (weight, language);
            }
        }
        best.1
    }

    /// Ours for a language tag, as everything of the box understands it.
    fn spoken(tag: &str) -> Option<Self> {
        let tongue = Tongue::spoken(tag)?;
        Self::ALL.into_iter().find(|language| language.tongue() == tongue)
    }

    /// The locale whose plurals it has: of Portuguese that of Portugal, where none is many.
    fn locale(self) -> &'static str {
        match self {
            Self::Portuguese => "pt-PT",
            _ => self.tag(),
        }
    }

    fn sources(self) -> &'static [&'static str] {
        match self {
            Self::English => files!("en"),
            Self::TraditionalChinese => files!("zh-Hant"),
            Self::SimplifiedChinese => files!("zh-Hans"),
            Self::Portuguese => files!("pt"),
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

/// All languages, each read when somebody first wants it: an idle box keeps none in memory.
#[derive(Default)]
pub(crate) struct Catalogue {
    bundles: [OnceLock<Bundle>; Language::ALL.len()],
}

impl Catalogue {
    /// The embedded texts.
    pub(crate) fn embedded() -> Self {
        Self::default()
    }

    fn of(&self, language: Language) -> &Bundle {
        self.bundles[language as usize].get_or_init(|| bundle(language))
    }
}

fn bundle(language: Language) -> Bundle {
    let mut bundle = Bundle::new_concurrent(language.locale().parse().into_iter().collect());
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
        args.set("shown", self.number(n));
        self.format(id, Some(&args))
    }

    /// A number with the separators of the language.
    pub(crate) fn number(&self, n: u64) -> String {
        match self.language {
            // A comma would be read as the decimal one; four digits stay together.
            Language::Portuguese if n < 10_000 => n.to_string(),
            Language::Portuguese => grouped(n, NO_BREAK_SPACE),
            _ => grouped(n, ','),
        }
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

const NO_BREAK_SPACE: char = '\u{a0}';

/// `1234567` as `1,234,567`, where the separator is a comma.
fn grouped(n: u64, separator: char) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(separator);
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
            "src/pages/warden",
            "src/pages/employee",
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
        let english = messages(Language::English);
        for language in Language::ALL {
            let theirs = messages(language);
            let differ: Vec<_> = english.symmetric_difference(&theirs).collect();
            assert_eq!(differ, Vec::<&String>::new(), "{language:?}");
        }
    }

    /// The variables of each message, `n` aside, which chooses a plural that a language may not have.
    fn variables(language: Language) -> Vec<(String, BTreeSet<String>)> {
        let mut found: Vec<(String, BTreeSet<String>)> = Vec::new();
        for line in language.sources().iter().flat_map(|source| source.lines()) {
            if line.starts_with(|c: char| c.is_ascii_alphabetic()) {
                let id = line.split(" =").next().unwrap_or_default();
                found.push((id.to_owned(), BTreeSet::new()));
            }
            let Some((_, in_it)) = found.last_mut() else { continue };
            let word = |rest: &str| rest.split([' ', '}']).next().unwrap_or_default().to_owned();
            in_it.extend(line.split("{ $").skip(1).map(word).filter(|word| word != "n"));
        }
        found.sort();
        found
    }

    #[test]
    fn a_message_is_there_once_with_the_same_variables_in_every_language() {
        let english = variables(Language::English);
        let twice: Vec<_> = english.windows(2).filter(|two| two[0].0 == two[1].0).collect();
        assert!(twice.is_empty(), "the second hides the first: {twice:?}");
        for language in Language::ALL {
            for (theirs, ours) in variables(language).iter().zip(&english) {
                assert_eq!(theirs, ours, "{language:?}");
            }
        }
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
            ("zh-MO", TraditionalChinese),
            ("zh-TW", TraditionalChinese),
            ("zh-Hant", TraditionalChinese),
            ("zh-Hant-CN", TraditionalChinese),
            ("yue", TraditionalChinese),
            ("zh", SimplifiedChinese),
            ("zh-CN", SimplifiedChinese),
            ("zh-SG", SimplifiedChinese),
            ("ZH-HANS", SimplifiedChinese),
            ("zh-Hans-HK", SimplifiedChinese),
            ("zh-x", SimplifiedChinese),
            ("pt", Portuguese),
            ("pt-PT,pt;q=0.9,en;q=0.8", Portuguese),
            ("pt-BR", Portuguese),
            ("zh-HK,zh;q=0.9,en;q=0.8", TraditionalChinese),
            ("en-GB,en;q=0.9,zh-TW;q=0.8", English),
            ("en;q=0.3,zh;q=0.8", SimplifiedChinese),
            ("zh;q=0,en;q=0.1", English),
            ("zh;q=x", English),
        ] {
            assert_eq!(Language::accepted(header), expect, "{header}");
        }
    }

    fn words(language: Language) -> Words {
        Words::new(Arc::new(Catalogue::embedded()), language)
    }

    #[test]
    fn numbers_are_grouped() {
        use Language::*;
        for (language, n, expect) in [
            (English, 0, "0"),
            (English, 999, "999"),
            (English, 1000, "1,000"),
            (SimplifiedChinese, 1_234_567, "1,234,567"),
            (Portuguese, 1000, "1000"),
            (Portuguese, 12_345, "12\u{a0}345"),
        ] {
            assert_eq!(words(language).number(n), expect);
        }
    }

    #[test]
    fn counts_have_the_plural_of_their_language() {
        use Language::*;
        for (language, n, expect) in [
            (English, 0, "0 records"),
            (English, 1, "1 record"),
            (TraditionalChinese, 1, "1 筆記錄"),
            (SimplifiedChinese, 2, "2 条记录"),
            (Portuguese, 0, "0 registos"),
            (Portuguese, 1, "1 registo"),
            (Portuguese, 1_000_000, "1\u{a0}000\u{a0}000 registos"),
        ] {
            assert_eq!(words(language).count("waiting-records", n), expect, "{language:?}");
        }
    }

    #[test]
    fn every_language_is_told_apart() {
        let tags: BTreeSet<_> = Language::ALL.into_iter().map(Language::tag).collect();
        assert_eq!(tags.len(), Language::ALL.len());
        for language in Language::ALL {
            assert_eq!(Language::read(language.tag()), Some(language));
            assert_eq!(language.tongue().tag(), language.tag());
        }
    }
}
