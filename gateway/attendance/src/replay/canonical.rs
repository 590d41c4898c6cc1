//! Canonical JSON: keys sorted bytewise, no white space. One value has one text, whatever order
//! its keys came in.

use serde_json::Value;

/// The canonical text of a value.
pub(super) fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

/// As deep as the value, which the parser bounds.
fn write(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            enclose('[', ']', text, items, write);
        }
        Value::Object(object) => {
            let mut entries: Vec<_> = object.iter().collect();
            entries.sort_by_key(|(key, _)| key.as_str());
            enclose('{', '}', text, entries, |(key, value), text| {
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push(':');
                write(value, text);
            });
        }
        plain => text.push_str(&plain.to_string()),
    }
}

fn enclose<I: IntoIterator>(
    open: char,
    close: char,
    text: &mut String,
    items: I,
    write: impl Fn(I::Item, &mut String),
) {
    text.push(open);
    for (place, item) in items.into_iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        write(item, text);
    }
    text.push(close);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_one_text() {
        let check = |json: &str, expect: &str| {
            assert_eq!(canonical(&serde_json::from_str(json).unwrap()), expect);
        };
        check(
            r#"{"b": [1, true, null], "a": {"d": "é\"", "c": {}}}"#,
            r#"{"a":{"c":{},"d":"é\""},"b":[1,true,null]}"#,
        );
        check(
            r#"{"a":{"c":{},"d":"é\""},"b":[1,true,null]}"#,
            r#"{"a":{"c":{},"d":"é\""},"b":[1,true,null]}"#,
        );
        check("[]", "[]");
    }
}
