//! Compares what a vector expects with what came out.

use serde_json::Value;

/// Where `found` differs from what `expect` names, as a path; lists, `month.days` and `changes`
/// compare whole.
pub(crate) fn difference(path: &str, expect: &Value, found: &Value) -> Option<String> {
    let is_whole = path.ends_with("month.days") || path.ends_with(".changes");
    match (expect, found) {
        (Value::Object(expect), Value::Object(found)) if !is_whole => {
            let named = |key: &str| found.get(key).unwrap_or(&Value::Null);
            let mut differences = expect.iter().map(|(key, value)| match found.get(key) {
                None => Some(format!("{path}.{key} is missing")),
                Some(_) => difference(&format!("{path}.{key}"), value, named(key)),
            });
            differences.find_map(|difference| difference)
        }
        _ if expect == found => None,
        _ => Some(format!("{path}: expected {expect}, found {found}")),
    }
}
