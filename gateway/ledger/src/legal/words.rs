//! Refusals in the reader's language: Fluent messages of one line in `i18n/`.

use muster_residency::explain::Language;
use muster_residency::phrase;

/// The message of `key`, filled.
pub(super) fn say(language: Language, key: &str, values: &[(&str, &str)]) -> String {
    let messages = match language {
        Language::En => include_str!("../../i18n/en.ftl"),
        Language::ZhHant => include_str!("../../i18n/zh-Hant.ftl"),
        Language::ZhHans => include_str!("../../i18n/zh-Hans.ftl"),
        Language::Pt => include_str!("../../i18n/pt.ftl"),
    };
    phrase::fill(messages, key, values)
}
