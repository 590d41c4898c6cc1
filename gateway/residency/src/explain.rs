//! Decisions in words: one sentence a reason code, in four languages.
//!
//! The sentences are Fluent messages in `i18n/`, with nothing but plain placeables, so that they
//! can be filled here without a runtime.

use crate::decision::{Reason, ReasonKind, Remedy, StoredDecision};
use crate::phrase;
use crate::vocab::Verdict;

/// Parts of a language tag after the first that are looked at.
const MAX_SUBTAGS: usize = 4;

/// A language of the sentences.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs)]
pub enum Language {
    En,
    ZhHant,
    ZhHans,
    Pt,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::En, Self::ZhHant, Self::ZhHans, Self::Pt];

    /// The BCP 47 tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::ZhHant => "zh-Hant",
            Self::ZhHans => "zh-Hans",
            Self::Pt => "pt",
        }
    }

    /// The language of a tag, English for those not spoken here.
    pub fn from_tag(tag: &str) -> Self {
        Self::spoken(tag).unwrap_or(Self::En)
    }

    /// Ours for a language tag (BCP 47) or a locale's name (POSIX), `None` for another. Chinese is
    /// written by its script where the tag has one, else as where it comes from; with neither it is
    /// simplified, and Cantonese is traditional: CLDR's likely subtags.
    pub fn spoken(tag: &str) -> Option<Self> {
        let tag = tag.split(['.', '@']).next()?.to_ascii_lowercase();
        let mut parts = tag.split(['-', '_']);
        let usual = match parts.next()? {
            "en" => return Some(Self::En),
            "pt" => return Some(Self::Pt),
            "zh" => Self::ZhHans,
            "yue" => Self::ZhHant,
            _ => return None,
        };
        let parts: Vec<&str> = parts.take(MAX_SUBTAGS).collect();
        let script = parts.iter().find_map(|part| match *part {
            "hans" => Some(Self::ZhHans),
            "hant" => Some(Self::ZhHant),
            _ => None,
        });
        let place = parts.iter().find_map(|part| match *part {
            "cn" | "sg" | "my" => Some(Self::ZhHans),
            "hk" | "mo" | "tw" => Some(Self::ZhHant),
            _ => None,
        });
        Some(script.or(place).unwrap_or(usual))
    }

    /// The Fluent messages.
    pub const fn messages(self) -> &'static str {
        match self {
            Self::En => include_str!("../i18n/en.ftl"),
            Self::ZhHant => include_str!("../i18n/zh-Hant.ftl"),
            Self::ZhHans => include_str!("../i18n/zh-Hans.ftl"),
            Self::Pt => include_str!("../i18n/pt.ftl"),
        }
    }

    fn message(self, key: &str) -> Option<&'static str> {
        phrase::find(self.messages(), key)
    }

    fn fill(self, key: &str, values: &[(&str, &str)]) -> String {
        phrase::fill(self.messages(), key, values)
    }
}

/// A decision in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Words {
    /// What was decided.
    pub verdict: String,
    /// Code, sentence and citation of every reason, in order of codes.
    pub reasons: Vec<(String, String, Option<String>)>,
    /// The smallest sets of things to do that would free it.
    pub to_release: Vec<Vec<String>>,
    /// What the law pack is and is not.
    pub note: String,
}

/// Puts a stored decision into words.
pub fn words(decision: &StoredDecision, language: Language) -> Words {
    Words {
        verdict: verdict(decision.decision, decision.destination.as_deref(), language),
        reasons: reasons(decision, language),
        to_release: decision
            .to_release
            .iter()
            .map(|set| set.iter().map(|r| remedy(r, language)).collect())
            .collect(),
        note: language.fill("law-pack-note", &[]),
    }
}

/// The warning that goes with every quotation of a law pack past its review date.
pub fn overdue(language: Language) -> String {
    language.fill("law-pack-overdue", &[])
}

/// One sentence for a verdict.
pub fn verdict(verdict: Verdict, destination: Option<&str>, language: Language) -> String {
    let values = [("destination", destination.unwrap_or("?"))];
    language.fill(&format!("verdict-{verdict}"), &values)
}

/// One sentence for a reason.
pub fn sentence(reason: &Reason, language: Language) -> String {
    let code = reason.code.as_str();
    let key = if language.message(code).is_some() { code } else { any(reason) };
    let (from, to) =
        reason.lane.map_or_else(Default::default, |(from, to)| (from.to_string(), to.to_string()));
    let cite = reason.cite.as_ref().map_or("?", |cite| cite.as_str());
    language.fill(key, &[("code", code), ("cite", cite), ("from", &from), ("to", &to)])
}

/// What to do, in words.
pub fn remedy(remedy: &Remedy, language: Language) -> String {
    match remedy {
        Remedy::Paper(paper, lane) => {
            language.fill("remedy-paper", &[("paper", paper.as_str()), ("lane", lane.0.as_str())])
        }
        Remedy::Fact(fact) => language.fill("remedy-fact", &[("fact", fact.as_str())]),
        Remedy::Consent => language.fill("remedy-consent", &[]),
        Remedy::GuardianConsent => language.fill("remedy-guardian", &[]),
        Remedy::Notice => language.fill("remedy-notice", &[]),
        Remedy::Approval => language.fill("remedy-approval", &[]),
        Remedy::Signatures => language.fill("remedy-signatures", &[]),
        Remedy::Clock => language.fill("remedy-clock", &[]),
        Remedy::RegionUp => language.fill("remedy-region-up", &[]),
        Remedy::RegionAttested => language.fill("remedy-region-attested", &[]),
        Remedy::Unrestrict => language.fill("remedy-unrestrict", &[]),
        Remedy::LocalOnlyOff => language.fill("remedy-local-only", &[]),
    }
}

/// Details where there are any, else what the codes alone say.
fn reasons(decision: &StoredDecision, language: Language) -> Vec<(String, String, Option<String>)> {
    let bare = |code: &&String| !decision.details.iter().any(|d| d.code.as_str() == **code);
    let bare = decision.reasons.iter().filter(bare);
    let detailed = decision.details.iter().map(|reason| reason_words(reason, language));
    detailed.chain(bare.map(|code| (code.clone(), language.fill(code, &[]), None))).collect()
}

fn reason_words(reason: &Reason, language: Language) -> (String, String, Option<String>) {
    let cite = reason.cite.as_ref().map(ToString::to_string);
    (reason.code.to_string(), sentence(reason, language), cite)
}

fn any(reason: &Reason) -> &'static str {
    let advice = reason.verdict == Verdict::Forward;
    match reason.kind {
        ReasonKind::Forbid => "any-forbid",
        ReasonKind::Gate if advice => "any-advice",
        ReasonKind::Gate | ReasonKind::Model => "any-gate",
        ReasonKind::Paper => "any-paper",
        ReasonKind::Limit if advice => "any-limit-warn",
        ReasonKind::Limit => "any-limit",
        ReasonKind::Fact => "any-fact",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys and the placeables of their messages, in order.
    fn outline(language: Language) -> Vec<(&'static str, Vec<&'static str>)> {
        let lines = language.messages().lines().filter_map(|line| line.split_once(" = "));
        let names = |text: &'static str| {
            let mut names: Vec<_> =
                text.split("{ $").skip(1).filter_map(|t| t.split(" }").next()).collect();
            names.sort_unstable();
            names
        };
        lines.map(|(key, text)| (key, names(text))).collect()
    }

    #[test]
    fn every_language_says_the_same_things() {
        for language in Language::ALL {
            assert_eq!(outline(language), outline(Language::En), "{}", language.tag());
            assert_eq!(Language::from_tag(language.tag()), language);
        }
    }

    #[test]
    fn a_tag_is_spoken_as_its_likely_subtags_say() {
        for (tag, expect) in [
            ("zh", Some(Language::ZhHans)),
            ("zh-CN", Some(Language::ZhHans)),
            ("zh-SG", Some(Language::ZhHans)),
            ("zh-MY", Some(Language::ZhHans)),
            ("zh_CN.UTF-8", Some(Language::ZhHans)),
            ("zh-Hans-HK", Some(Language::ZhHans)),
            ("zh-HK", Some(Language::ZhHant)),
            ("zh-MO", Some(Language::ZhHant)),
            ("zh-TW", Some(Language::ZhHant)),
            ("zh_HK.UTF-8", Some(Language::ZhHant)),
            ("zh_TW@stroke", Some(Language::ZhHant)),
            ("ZH-hant", Some(Language::ZhHant)),
            ("zh-Hant-CN", Some(Language::ZhHant)),
            ("zh-CN-Hant", Some(Language::ZhHant)),
            ("yue", Some(Language::ZhHant)),
            ("yue-CN", Some(Language::ZhHans)),
            ("pt", Some(Language::Pt)),
            ("pt_PT.UTF-8", Some(Language::Pt)),
            ("pt-BR", Some(Language::Pt)),
            ("en_GB", Some(Language::En)),
            ("zhx", None),
            ("C.UTF-8", None),
            ("ptx", None),
            ("ja-JP", None),
            ("", None),
        ] {
            assert_eq!(Language::spoken(tag), expect, "{tag}");
            assert_eq!(Language::from_tag(tag), expect.unwrap_or(Language::En), "{tag}");
        }
    }

    #[test]
    fn placeables_are_filled() {
        let text = verdict(Verdict::Forward, Some("sg-tenant"), Language::ZhHant);
        assert_eq!(text, "傳送至 sg-tenant。");
        let lane = remedy(&Remedy::Fact("department".into()), Language::Pt);
        assert_eq!(lane, "indicar department");
    }
}
