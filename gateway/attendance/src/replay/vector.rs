//! One vector: its keys, laid over those of its base, as an [`Input`].

use super::canonical::canonical;
use super::entries::{self, ParamsEntry, without_nulls};
use crate::input::{Input, Range, RangeError, Rules};
use crate::shift::{Overrides, Parameters, Shift, ShiftDraft};
use crate::time::Instant;
use jiff::civil::Date;
use serde::de::DeserializeOwned;
use serde_json::error::Error as JsonError;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Why a vector cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VectorError {
    /// It is something else.
    #[error("the vector is not an object: write {{\"id\": ..., \"base\": ..., ...}}")]
    NotAnObject,
    /// Its base is unknown.
    #[error("base {0:?} is not among `bases`: name one that is, or leave `base` out")]
    Base(String),
    /// Something needed is in neither vector nor base.
    #[error("`{0}` is missing: give it in the vector or in its base")]
    Missing(&'static str),
    /// Something cannot be read.
    #[error("`{place}` cannot be read: {problem}")]
    Unreadable {
        /// Where, such as `punches[3]`.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The dates wanted make no range.
    #[error("`range` cannot be computed: {0}")]
    Range(RangeError),
}

/// Reads a vector: the input, and the `now` it is to be evaluated at.
pub(super) fn read(
    vector: &Value,
    bases: &Map<String, Value>,
) -> Result<(Input, Instant), VectorError> {
    let keys = Keys::new(vector, bases)?;
    let now = keys.required("now")?;
    let (first, last): (Date, Date) = keys.required("range")?;
    let range = Range::new(first, last).map_err(VectorError::Range)?;
    let mut input = Input::new(Arc::new(rules(&keys)?), range);
    input.site = keys.optional("site")?;
    input.roster = keys.list("roster", entries::roster)?;
    input.employed = keys.one("employed", entries::employed)?.unwrap_or_default();
    input.leave = keys.list("leave", entries::leave)?;
    input.overtime = keys.list("overtime", entries::overtime)?;
    input.punches = keys.unique("punches", entries::punch)?;
    input.corrections = keys.unique("corrections", entries::correction)?;
    input.closed = keys.one("closed", entries::closed)?;
    Ok((input, now))
}

fn rules(keys: &Keys<'_>) -> Result<Rules, VectorError> {
    let set: Overrides = keys.one("params", entries::plain)?.unwrap_or_default();
    let house: ParamsEntry = keys.one("params", entries::plain)?.unwrap_or_default();
    let parameters = set.over(Parameters::default());
    let none = Map::new();
    let shifts = keys.object("shifts")?.unwrap_or(&none);
    let only = || shifts.keys().next().filter(|_| shifts.len() == 1).cloned();
    Ok(Rules {
        sites: keys.map("sites", entries::site)?,
        shifts: shifts.iter().filter_map(|(name, raw)| shift(name, raw, parameters)).collect(),
        parameters,
        derive_directions: house.derives(),
        day_cut: house.day_cut,
        workdays: house.workdays,
        default_shift: house.default_shift.or_else(only),
        holidays: keys.list("holidays", entries::holiday)?,
        storms: keys.list("storms", entries::storm)?,
        terminals: keys.map("terminals", entries::terminal)?,
    })
}

/// A shift; one that makes no sense is as good as unknown, which is `SHIFT-BAD` where it is named.
fn shift(name: &str, raw: &Value, house: Parameters) -> Option<(String, Shift)> {
    let mut raw = without_nulls(raw);
    if let Some(Value::Array(breaks)) = raw.get_mut("breaks") {
        breaks.iter_mut().for_each(|pause| *pause = without_nulls(pause));
    }
    let draft = serde_json::from_value::<ShiftDraft>(raw).ok()?;
    Some((name.to_owned(), Shift::new(draft, house).ok()?))
}

/// A vector's keys with those of its base behind them. Null in a vector hides the base's value.
struct Keys<'a> {
    own: &'a Map<String, Value>,
    base: Option<&'a Map<String, Value>>,
}

/// Reads one entry, of which absent fields may be left out but not null.
type Parse<T> = fn(&Value) -> Result<T, JsonError>;

impl<'a> Keys<'a> {
    fn new(vector: &'a Value, bases: &'a Map<String, Value>) -> Result<Self, VectorError> {
        let own = vector.as_object().ok_or(VectorError::NotAnObject)?;
        let base = match own.get("base") {
            None | Some(Value::Null) => None,
            Some(name) => {
                let found = name.as_str().and_then(|name| bases.get(name)?.as_object());
                let shown = || name.as_str().map_or_else(|| name.to_string(), str::to_owned);
                Some(found.ok_or_else(|| VectorError::Base(shown()))?)
            }
        };
        Ok(Self { own, base })
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        let value = self.own.get(key).or_else(|| self.base?.get(key))?;
        (!value.is_null()).then_some(value)
    }

    fn optional<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, VectorError> {
        self.one(key, entries::plain)
    }

    fn required<T: DeserializeOwned>(&self, key: &'static str) -> Result<T, VectorError> {
        self.optional(key)?.ok_or(VectorError::Missing(key))
    }

    fn one<T>(&self, key: &str, parse: Parse<T>) -> Result<Option<T>, VectorError> {
        self.get(key).map(|value| entry(key.to_owned(), value, parse)).transpose()
    }

    fn items(&self, key: &str) -> Result<&'a [Value], VectorError> {
        match self.get(key) {
            None => Ok(&[]),
            Some(Value::Array(items)) => Ok(items),
            Some(_) => Err(unreadable(key.to_owned(), "it must be a list")),
        }
    }

    fn object(&self, key: &str) -> Result<Option<&'a Map<String, Value>>, VectorError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object)),
            Some(_) => Err(unreadable(key.to_owned(), "it must be an object")),
        }
    }

    fn list<T>(&self, key: &str, parse: Parse<T>) -> Result<Vec<T>, VectorError> {
        let items = self.items(key)?.iter().enumerate();
        items.map(|(place, item)| entry(format!("{key}[{place}]"), item, parse)).collect()
    }

    /// A list in which an id stands once: of several entries the bytewise smallest counts.
    fn unique<T>(&self, key: &str, parse: Parse<T>) -> Result<Vec<T>, VectorError> {
        let items = self.items(key)?;
        let mut kept: BTreeMap<Option<&str>, usize> = BTreeMap::new();
        for (place, item) in items.iter().enumerate() {
            let id = item.get("id").and_then(Value::as_str);
            let older = *kept.entry(id).or_insert(place);
            if older != place && canonical(item) < canonical(&items[older]) {
                kept.insert(id, place);
            }
        }
        let kept = kept.into_values().map(|place| (place, &items[place]));
        kept.map(|(place, item)| entry(format!("{key}[{place}]"), item, parse)).collect()
    }

    fn map<T>(&self, key: &str, parse: Parse<T>) -> Result<BTreeMap<String, T>, VectorError> {
        let entries = self.object(key)?.into_iter().flatten();
        let parsed = entries
            .map(|(name, value)| Ok((name.clone(), entry(format!("{key}.{name}"), value, parse)?)));
        parsed.collect()
    }
}

fn entry<T>(place: String, value: &Value, parse: Parse<T>) -> Result<T, VectorError> {
    parse(&without_nulls(value)).map_err(|problem| unreadable(place, problem))
}

fn unreadable(place: String, problem: impl ToString) -> VectorError {
    VectorError::Unreadable { place, problem: problem.to_string() }
}
