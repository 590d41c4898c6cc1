//! Reason codes in words, with what would free a record.
//!
//! The engine's codes are fixed; those of gates, permits, limits and forbids are ids of the law
//! pack and of the policy, and are explained by their kind.

use crate::words::Words;

/// A code, explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Explained {
    pub(crate) code: String,
    /// Why it waits.
    pub(crate) why: String,
    /// What would free it.
    pub(crate) cure: String,
}

/// The policy in force lacks signatures, or there is none.
pub(crate) const UNSIGNED: &str = "I-05-SIGN";
/// No policy is in force: not a code of the engine's, which needs one to decide by.
pub(crate) const NO_POLICY: &str = "I-05";

/// Codes that are whole: code, message of why, message of the cure.
const WHOLE: &[(&str, &str, &str)] = &[
    ("I-01", "why-biometric", "cure-biometric"),
    ("I-02", "why-no-permit", "cure-no-permit"),
    ("I-03", "why-down", "cure-down"),
    ("I-04", "why-wrong-region", "cure-wrong-region"),
    (NO_POLICY, "why-no-policy", "cure-no-policy"),
    (UNSIGNED, "why-unsigned", "cure-unsigned"),
    ("I-05-DATE", "why-out-of-date", "cure-out-of-date"),
    ("I-06-BASIS", "why-basis", "cure-basis"),
    ("I-06-LAW", "why-law", "cure-law"),
    ("I-06-SITE", "why-site", "cure-site"),
    ("I-07", "why-clock", "cure-untrusted-clock"),
    ("I-11", "why-error", "cure-error"),
    ("A-01", "why-approval", "cure-approval"),
    ("C-02-GUARDIAN", "why-guardian", "cure-guardian"),
    ("C-03-RESTRICTED", "why-restricted", "cure-restricted"),
    ("C-04-NOTICE", "why-notice", "cure-notice"),
    ("D-180", "why-too-old", "cure-too-old"),
    ("E-AMBIG", "why-ambiguous", "cure-ambiguous"),
    ("F-ACCT", "why-account", "cure-account"),
    ("K-01", "why-small-group", "cure-small-group"),
    ("S-LOCAL-ONLY", "why-local-only", "cure-local-only"),
];

/// Facts that lack most often: the end of `I-06-`, and the word for it.
const FACTS: &[(&str, &str)] = &[
    ("ACCOUNT", "fact-account"),
    ("ACCOUNT_CLASS", "fact-account"),
    ("AGE_BAND", "fact-age-band"),
    ("CATEGORY", "fact-category"),
    ("CHECK_TIME", "fact-check-time"),
    ("CLASS", "fact-class"),
    ("DEPARTMENT", "fact-department"),
];

/// Beginnings of codes that carry a fact or a paper: beginning, why, cure.
const BEGINNINGS: &[(&str, &str, &str)] = &[
    ("I-06-", "why-fact", "cure-fact"),
    ("C-01-", "why-consent", "cure-consent"),
    ("R-", "why-paper", "cure-paper"),
    ("G-", "why-gate", "cure-gate"),
    ("T-", "why-limit", "cure-limit"),
];

/// Explains a code; one that nobody knows is the policy's own.
pub(crate) fn explain(code: &str, t: &Words) -> Explained {
    let code = crate::app::visible(code);
    if let Some((_, why, cure)) = WHOLE.iter().find(|(whole, ..)| *whole == code) {
        return Explained { why: t.say(why), cure: t.say(cure), code };
    }
    let begins = BEGINNINGS.iter().find(|(start, ..)| code.starts_with(start));
    match begins {
        Some((start, why, cure)) => {
            let what = named(code.trim_start_matches(start), t);
            Explained { why: t.with(why, "what", &what), cure: t.with(cure, "what", &what), code }
        }
        None => Explained { why: t.say("why-own-rule"), cure: t.say("cure-own-rule"), code },
    }
}

/// What a code ends with, in words where there are some.
fn named(tail: &str, t: &Words) -> String {
    match FACTS.iter().find(|(fact, _)| *fact == tail) {
        Some((_, word)) => t.say(word),
        None => tail.to_ascii_lowercase().replace('_', " "),
    }
}

/// Whether a path segment may be a code at all: letters, digits and `- _ . @`, 1 to 64.
pub(crate) fn is_code(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
    (1..=64).contains(&text.len()) && text.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::{Catalogue, Language};
    use std::sync::Arc;

    #[test]
    fn every_code_has_words_in_every_language() {
        let catalogue = Arc::new(Catalogue::embedded());
        for language in Language::ALL {
            let t = Words::new(catalogue.clone(), language);
            let whole = WHOLE.iter().map(|(code, ..)| (*code).to_owned());
            let begun = BEGINNINGS.iter().map(|(start, ..)| format!("{start}X_Y"));
            let facts = FACTS.iter().map(|(fact, _)| format!("I-06-{fact}"));
            for code in whole.chain(begun).chain(facts).chain(["own-rule-7".to_owned()]) {
                let told = explain(&code, &t);
                assert_eq!(told.code, code);
                assert!(!told.why.contains("why-") && !told.cure.contains("cure-"), "{told:?}");
                assert!(!told.why.contains("fact-"), "{told:?}");
            }
        }
    }

    #[test]
    fn a_missing_fact_is_named() {
        let t = Words::new(Arc::new(Catalogue::embedded()), Language::English);
        assert!(explain("I-06-AGE_BAND", &t).why.contains("age band"));
    }

    #[test]
    fn codes_have_a_shape() {
        for (text, expect) in
            [("I-02", true), ("G-MO-20", true), ("", false), ("a/b", false), ("<b>", false)]
        {
            assert_eq!(is_code(text), expect, "{text}");
        }
        assert!(!is_code(&"a".repeat(65)));
    }
}
