//! Fields, types and lengths that a parcel may have.

use super::Finding;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// Largest number a parcel may carry: ten years in minutes.
const MAX_NUMBER: u64 = 5_270_400;

/// What a field's value looks like.
#[derive(Clone, Copy)]
enum Shape {
    /// Text that people or tenants choose, at most so many characters.
    Free(usize),
    /// A record's id: 26 characters of Crockford's base32.
    EventId,
    /// A pseudonym: 32 characters of lower-case base32.
    Pseudonym,
    /// RFC 3339, possibly less exact.
    Time,
    /// `in` or `out`.
    Direction,
    /// A day or a month.
    Period,
    /// An ISO week.
    Week,
    /// An ISO date.
    Date,
    /// A whole number from 0.
    Number,
}

/// A field the guard knows.
pub(super) struct Field {
    pub(super) name: &'static str,
    shape: Shape,
}

const FIELDS: &[Field] = &[
    Field { name: "event_id", shape: Shape::EventId },
    Field { name: "subject_ref", shape: Shape::Pseudonym },
    Field { name: "platform_user_id", shape: Shape::Free(64) },
    Field { name: "check_time", shape: Shape::Time },
    Field { name: "direction", shape: Shape::Direction },
    Field { name: "site_ref", shape: Shape::Free(32) },
    Field { name: "device_alias", shape: Shape::Free(32) },
    Field { name: "shift", shape: Shape::Free(16) },
    Field { name: "period", shape: Shape::Period },
    Field { name: "worked_minutes", shape: Shape::Number },
    Field { name: "week", shape: Shape::Week },
    Field { name: "date", shape: Shape::Date },
    Field { name: "group", shape: Shape::Free(32) },
    Field { name: "count", shape: Shape::Number },
];

/// The field of this name.
pub(super) fn field(name: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|f| f.name == name)
}

impl Field {
    /// True for text whose content must be looked at.
    pub(super) fn is_free(&self) -> bool {
        matches!(self.shape, Shape::Free(_))
    }

    /// Checks type and shape.
    pub(super) fn check(&self, value: &Value<'_>) -> Result<(), Finding> {
        let fits = match (self.shape, value) {
            (Shape::Number, Value::Number(n)) => n.is_some_and(|n| n <= MAX_NUMBER),
            (Shape::Number, _) => return Err(Finding::WrongType),
            (_, Value::Text(text)) => self.fits(text),
            _ => return Err(Finding::WrongType),
        };
        if fits { Ok(()) } else { Err(Finding::WrongShape) }
    }

    fn fits(&self, text: &str) -> bool {
        let upper32 =
            |c: u8| c.is_ascii_digit() || (c.is_ascii_uppercase() && !b"ILOU".contains(&c));
        match self.shape {
            Shape::Free(most) => {
                text.chars().count() <= most && !text.chars().any(char::is_control)
            }
            Shape::EventId => text.len() == 26 && text.bytes().all(upper32),
            Shape::Pseudonym => {
                let lower = |c: u8| !c.is_ascii_uppercase() && upper32(c.to_ascii_uppercase());
                text.len() == 32 && text.bytes().all(lower)
            }
            Shape::Direction => matches!(text, "in" | "out"),
            Shape::Period => matches!(text, "day" | "month") || is_date(text) || is_month(text),
            Shape::Date => is_date(text),
            Shape::Week => is_week(text),
            Shape::Time => is_time(text),
            Shape::Number => false,
        }
    }
}

/// True if `text` follows `pattern`, in which `9` stands for any digit.
fn follows(text: &str, pattern: &str) -> bool {
    text.len() == pattern.len()
        && text.bytes().zip(pattern.bytes()).all(|(c, p)| match p {
            b'9' => c.is_ascii_digit(),
            _ => c == p,
        })
}

/// Whether the two digits at `at` are a number from `low` to `high`.
fn within(text: &str, at: usize, low: u8, high: u8) -> bool {
    let digits = text.as_bytes().get(at..at + 2);
    let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_digit));
    let number = digits.map(|digits| digits.iter().fold(0, |n, digit| n * 10 + (digit - b'0')));
    number.is_some_and(|number| (low..=high).contains(&number))
}

fn is_month(text: &str) -> bool {
    follows(text, "9999-99") && within(text, 5, 1, 12)
}

fn is_date(text: &str) -> bool {
    follows(text, "9999-99-99") && within(text, 5, 1, 12) && within(text, 8, 1, 31)
}

fn is_week(text: &str) -> bool {
    follows(text, "9999-W99") && within(text, 6, 1, 53)
}

fn is_time(text: &str) -> bool {
    let Some((date, time)) = text.split_once('T') else { return is_date(text) || is_month(text) };
    let zone = time.find(['Z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at(zone);
    let clock = (follows(clock, "99:99")
        || (follows(clock, "99:99:99") && within(clock, 6, 0, 60)))
        && within(clock, 0, 0, 23)
        && within(clock, 3, 0, 59);
    let zone = zone == "Z" || follows(zone, "+99:99") || follows(zone, "-99:99");
    is_date(date) && clock && zone
}

/// What a member says, as far as a parcel may say it.
pub(super) enum Value<'a> {
    Text(Cow<'a, str>),
    /// `None` is one that is negative, broken or too large.
    Number(Option<u64>),
    Other,
}

/// A member: its name, and what it says.
pub(super) type Member<'a> = (Cow<'a, str>, Value<'a>);

/// The members of a JSON object in order, repeated names included; `None` if it is no object.
pub(super) fn members(parcel: &[u8]) -> Option<Vec<Member<'_>>> {
    serde_json::from_slice::<Members>(parcel).ok().map(|m| m.0)
}

/// Members that a parcel usually has at most.
const USUAL: usize = 8;

struct Members<'a>(Vec<Member<'a>>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a parcel")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::with_capacity(USUAL);
                while let Some(name) = map.next_key::<Value<'de>>()? {
                    let Value::Text(name) = name else { return Err(A::Error::custom("no name")) };
                    members.push((name, map.next_value()?));
                }
                Ok(Members(members))
            }
        }
        d.deserialize_map(Reader)
    }
}

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Value<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Value<'de>, E> {
                Ok(Value::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Value<'de>, E> {
                Ok(Value::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Value<'de>, E> {
                Ok(Value::Number(Some(number)))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Value<'de>, E> {
                Ok(Value::Number(number.try_into().ok()))
            }

            fn visit_f64<E: Error>(self, _: f64) -> Result<Value<'de>, E> {
                Ok(Value::Number(None))
            }

            fn visit_bool<E: Error>(self, _: bool) -> Result<Value<'de>, E> {
                Ok(Value::Other)
            }

            fn visit_unit<E: Error>(self) -> Result<Value<'de>, E> {
                Ok(Value::Other)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value<'de>, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Value::Other)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'de>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Value::Other)
            }
        }
        d.deserialize_any(Reader)
    }
}
