//! What a vector lays over a policy: keys over its tables, and more permits.

use serde::Deserialize;
use serde_json::{Map, Value};

/// The overrides of one case.
#[derive(Default, Deserialize)]
pub(crate) struct Overlay {
    /// Keys over the case's site.
    #[serde(default)]
    site_override: Option<Map<String, Value>>,
    /// Keys over the destination the permits choose. Permits never read a destination, so laying
    /// them over every one comes to the same.
    #[serde(default)]
    destination_override: Option<Map<String, Value>>,
    /// Keys over profiles, by profile.
    #[serde(default)]
    profile_override: Option<Map<String, Value>>,
    /// Permits to append.
    #[serde(default)]
    extra_permits: Option<Vec<Value>>,
}

impl Overlay {
    /// True if nothing is overridden.
    pub(crate) fn is_empty(&self) -> bool {
        self.site_override.is_none()
            && self.destination_override.is_none()
            && self.profile_override.is_none()
            && self.extra_permits.is_none()
    }
}

/// The policy's text with the overlay laid over it; `None` if it does not fit.
pub(crate) fn overlaid(source: &str, overlay: &Overlay, site: &str) -> Option<String> {
    let mut policy: toml::Table = source.parse().ok()?;
    if let Some(keys) = &overlay.site_override {
        lay(&mut policy, "site", Some(site), keys)?;
    }
    if let Some(keys) = &overlay.destination_override {
        lay(&mut policy, "destination", None, keys)?;
    }
    for (profile, keys) in overlay.profile_override.iter().flatten() {
        lay(&mut policy, "profile", Some(profile), keys.as_object()?)?;
    }
    for permit in overlay.extra_permits.iter().flatten() {
        let permits = policy.entry("permit").or_insert_with(|| toml::Value::Array(Vec::new()));
        permits.as_array_mut()?.push(to_toml(permit)?);
    }
    toml::to_string(&policy).ok()
}

/// Lays `keys` over the tables of `list`, or over the one called `id`.
fn lay(
    policy: &mut toml::Table,
    list: &str,
    id: Option<&str>,
    keys: &Map<String, Value>,
) -> Option<()> {
    let Some(rows) = policy.get_mut(list) else { return Some(()) };
    for row in rows.as_array_mut()? {
        let row = row.as_table_mut()?;
        if id.is_some_and(|id| row.get("id").and_then(toml::Value::as_str) != Some(id)) {
            continue;
        }
        for (key, value) in keys {
            match to_toml(value) {
                Some(value) => row.insert(key.clone(), value),
                None => row.remove(key),
            };
        }
    }
    Some(())
}

/// The value in TOML; `None` for null, which TOML does not have.
fn to_toml(value: &Value) -> Option<toml::Value> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(truth) => toml::Value::Boolean(*truth),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => toml::Value::Integer(whole),
            None => toml::Value::Float(number.as_f64()?),
        },
        Value::String(text) => toml::Value::String(text.clone()),
        Value::Array(items) => toml::Value::Array(items.iter().filter_map(to_toml).collect()),
        Value::Object(members) => toml::Value::Table(
            members.iter().filter_map(|(k, v)| Some((k.clone(), to_toml(v)?))).collect(),
        ),
    })
}
