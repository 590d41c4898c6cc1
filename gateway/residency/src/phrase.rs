//! Fluent messages of one line with plain placeables, filled without a runtime: for rooms that are
//! pure and speak several languages.

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
