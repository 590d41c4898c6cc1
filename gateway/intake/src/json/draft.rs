//! The fields of a check-in as JSON gave them, borrowed from the payload where they can be.

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

/// What was there; `null` counts as absent.
#[derive(Default)]
pub(super) struct Draft<'a> {
    pub(super) version: Option<u64>,
    pub(super) boot: Option<u64>,
    pub(super) seq: Option<u64>,
    pub(super) person: Option<Text<'a>>,
    pub(super) at: Option<Text<'a>>,
    pub(super) method: Option<Text<'a>>,
    pub(super) outcome: Option<Text<'a>>,
    pub(super) direction: Option<Text<'a>>,
    pub(super) clock: Option<Text<'a>>,
    pub(super) live: Option<bool>,
    pub(super) evidence: Vec<EvidenceDraft<'a>>,
    pub(super) unknown_fields: u32,
}

impl<'a> Draft<'a> {
    /// Reads one object and nothing after it.
    pub(super) fn parse(payload: &'a [u8]) -> serde_json::Result<Self> {
        let mut json = serde_json::Deserializer::from_slice(payload);
        let mut draft = Object::<Self>(PhantomData).deserialize(&mut json)?;
        json.end()?;
        draft.unknown_fields += draft.evidence.iter().map(|e| e.unknown_fields).sum::<u32>();
        Ok(draft)
    }
}

/// One member of `evidence`.
#[derive(Default)]
pub(super) struct EvidenceDraft<'a> {
    pub(super) kind: Option<Text<'a>>,
    pub(super) media: Option<Text<'a>>,
    pub(super) data: Option<Text<'a>>,
    unknown_fields: u32,
}

impl<'de> Deserialize<'de> for EvidenceDraft<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Object::<Self>(PhantomData).deserialize(deserializer)
    }
}

/// An object whose fields are known by name.
trait Fields<'de>: Default {
    /// Takes the value of `name`, which is unknown where this is false and nothing was read.
    fn field<M: MapAccess<'de>>(&mut self, name: &str, map: &mut M) -> Result<bool, M::Error>;
    /// Notes a field that is unknown.
    fn unknown(&mut self);
}

impl<'de> Fields<'de> for Draft<'de> {
    fn field<M: MapAccess<'de>>(&mut self, name: &str, map: &mut M) -> Result<bool, M::Error> {
        match name {
            "v" => once(&mut self.version, map)?,
            "boot" => once(&mut self.boot, map)?,
            "seq" => once(&mut self.seq, map)?,
            "person" => once(&mut self.person, map)?,
            "at" => once(&mut self.at, map)?,
            "method" => once(&mut self.method, map)?,
            "outcome" => once(&mut self.outcome, map)?,
            "direction" => once(&mut self.direction, map)?,
            "clock" => once(&mut self.clock, map)?,
            "live" => once(&mut self.live, map)?,
            "evidence" if self.evidence.is_empty() => {
                self.evidence = map.next_value::<Option<_>>()?.unwrap_or_default();
            }
            "evidence" => return Err(M::Error::custom("twice")),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn unknown(&mut self) {
        self.unknown_fields += 1;
    }
}

impl<'de> Fields<'de> for EvidenceDraft<'de> {
    fn field<M: MapAccess<'de>>(&mut self, name: &str, map: &mut M) -> Result<bool, M::Error> {
        match name {
            "kind" => once(&mut self.kind, map)?,
            "media" => once(&mut self.media, map)?,
            "data" => once(&mut self.data, map)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn unknown(&mut self) {
        self.unknown_fields += 1;
    }
}

fn once<'de, T: Deserialize<'de>, M: MapAccess<'de>>(
    slot: &mut Option<T>,
    map: &mut M,
) -> Result<(), M::Error> {
    if slot.is_some() {
        return Err(M::Error::custom("twice"));
    }
    *slot = map.next_value()?;
    Ok(())
}

struct Object<T>(PhantomData<T>);

impl<'de, T: Fields<'de>> Object<T> {
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: Fields<'de>> Visitor<'de> for Object<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<T, M::Error> {
        let mut fields = T::default();
        while let Some(Text(name)) = map.next_key::<Text<'de>>()? {
            if !fields.field(&name, &mut map)? {
                map.next_value::<IgnoredAny>()?;
                fields.unknown();
            }
        }
        Ok(fields)
    }
}

/// Text, borrowed from the payload unless it had escapes.
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}
