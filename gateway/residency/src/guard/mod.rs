//! The egress guard: the last look at a parcel before it leaves.
//!
//! Independent of the engine on purpose: it shares no code and no table with it, so a fault there
//! is caught here. It sees the bytes that are about to leave and nothing else, and passes only what
//! it knows: fields, types, lengths. A hit never carries what was found.
//!
//! Limits: the Macau BIR number has no published check digit and MyKad has none at all, so the
//! first is told by its shape and the second by its date and place; such a number in free text is
//! stopped even where it is something else.

mod content;
mod ids;
mod shape;

use serde::Serialize;
use shape::Value;
use std::collections::HashSet;
use std::fmt;

/// Most bytes of a parcel.
pub const MAX_PARCEL_BYTES: usize = 512;

/// Most hits reported for one parcel.
pub const MAX_HITS: usize = 32;

/// Free texts that were looked at and found clean, kept by one guard.
const MAX_CLEAN: usize = 4_096;

/// What was found.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Finding {
    TooLong,
    NotAParcel,
    UnknownField,
    RepeatedField,
    WrongType,
    WrongShape,
    PrcId,
    Hkid,
    MacauBir,
    Nric,
    MyKad,
    MyNumber,
    Image,
    Template,
    Base64Run,
    HighEntropy,
}

impl Finding {
    /// The stable word for journal entries and metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "too-long",
            Self::NotAParcel => "not-a-parcel",
            Self::UnknownField => "unknown-field",
            Self::RepeatedField => "repeated-field",
            Self::WrongType => "wrong-type",
            Self::WrongShape => "wrong-shape",
            Self::PrcId => "prc-id",
            Self::Hkid => "hkid",
            Self::MacauBir => "macau-bir",
            Self::Nric => "nric",
            Self::MyKad => "my-kad",
            Self::MyNumber => "my-number",
            Self::Image => "image",
            Self::Template => "template",
            Self::Base64Run => "base64-run",
            Self::HighEntropy => "high-entropy",
        }
    }
}

/// A finding and the known field it was in. Never the content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
pub struct Hit {
    /// The field; `None` for the parcel as a whole and for fields nobody knows.
    pub field: Option<&'static str>,
    /// What was found.
    pub finding: Finding,
}

impl fmt::Display for Hit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field {
            Some(field) => write!(f, "{} in {field}", self.finding.as_str()),
            None => f.write_str(self.finding.as_str()),
        }
    }
}

/// The parcel must not leave.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the egress guard stopped the parcel: {}", list(.0))]
pub struct Stopped(
    /// What was found, at least one.
    pub Vec<Hit>,
);

fn list(hits: &[Hit]) -> String {
    hits.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Looks at the JSON bytes of one parcel.
pub fn inspect(parcel: &[u8]) -> Result<(), Stopped> {
    Guard::default().inspect(parcel)
}

/// Looks at parcels one after the other. What one field says is looked at by itself, so a free text
/// (a site, a terminal's name) that was found clean is clean in the next parcel too.
#[derive(Default)]
pub struct Guard {
    clean: HashSet<Box<str>>,
}

impl Guard {
    /// Looks at the JSON bytes of one parcel.
    pub fn inspect(&mut self, parcel: &[u8]) -> Result<(), Stopped> {
        let whole = |finding| Stopped(vec![Hit { field: None, finding }]);
        if parcel.len() > MAX_PARCEL_BYTES {
            return Err(whole(Finding::TooLong));
        }
        let members = shape::members(parcel).ok_or_else(|| whole(Finding::NotAParcel))?;
        let mut hits = Vec::new();
        for (i, (name, value)) in members.iter().enumerate() {
            let Some(field) = shape::field(name) else {
                hits.push(Hit { field: None, finding: Finding::UnknownField });
                continue;
            };
            let mut hit = |finding| hits.push(Hit { field: Some(field.name), finding });
            if members[..i].iter().any(|(earlier, _)| earlier == name) {
                hit(Finding::RepeatedField);
            }
            if let Err(finding) = field.check(value) {
                hit(finding);
            }
            if let (true, Value::Text(text)) = (field.is_free(), value) {
                self.read(text).into_iter().for_each(hit);
            }
        }
        hits.truncate(MAX_HITS);
        if hits.is_empty() { Ok(()) } else { Err(Stopped(hits)) }
    }

    /// What is in a free text.
    fn read(&mut self, text: &str) -> Vec<Finding> {
        if self.clean.contains(text) {
            return Vec::new();
        }
        let mut found = ids::find(text);
        found.extend(content::find(text));
        if found.is_empty() {
            if self.clean.len() >= MAX_CLEAN {
                self.clean.clear();
            }
            self.clean.insert(text.into());
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(parcel: &str, expect: &[&str]) {
        let found: Vec<String> = match inspect(parcel.as_bytes()) {
            Ok(()) => Vec::new(),
            Err(Stopped(hits)) => hits.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(found, expect, "{parcel}");
    }

    #[test]
    fn clean_parcels_pass() {
        check(
            r#"{"event_id":"01J9ZQ8N5T0000000000000042","subject_ref":"0123456789abcdefghjkmnpqrstvwxyz","check_time":"2026-12-01T08:59+08:00","direction":"in","site_ref":"mo-hq"}"#,
            &[],
        );
        check(
            r#"{"event_id":"01J9ZQ8N5T0000000000000042","platform_user_id":"manager4220","check_time":"2026-12-01T08:59:31Z","device_alias":"gate-07"}"#,
            &[],
        );
        check(
            r#"{"subject_ref":"0123456789abcdefghjkmnpqrstvwxyz","period":"2026-11","worked_minutes":9600}"#,
            &[],
        );
        check(r#"{"site_ref":"hk-campus","date":"2026-05-11","group":"P4","count":27}"#, &[]);
        check(r#"{"site_ref":"fra-office","week":"2026-W49","count":12}"#, &[]);
    }

    #[test]
    fn shapes_are_held_to() {
        check("[]", &["not-a-parcel"]);
        check("{", &["not-a-parcel"]);
        check(r#"{"photo":"x"}"#, &["unknown-field"]);
        check(r#"{"direction":"up"}"#, &["wrong-shape in direction"]);
        check(r#"{"count":"27"}"#, &["wrong-type in count"]);
        check(r#"{"count":-1}"#, &["wrong-shape in count"]);
        check(r#"{"site_ref":["a"]}"#, &["wrong-type in site_ref"]);
        check(r#"{"shift":"seventeen letters"}"#, &["wrong-shape in shift"]);
        check(r#"{"check_time":"2026-13-01T08:59Z"}"#, &["wrong-shape in check_time"]);
        check(r#"{"group":"a","group":"b"}"#, &["repeated-field in group"]);
        check(&format!(r#"{{"group":"{}"}}"#, "a".repeat(600)), &["too-long"]);
    }

    #[test]
    fn what_was_clean_once_frees_nothing_else() {
        let mut guard = Guard::default();
        let mut passes = |parcel: &str| guard.inspect(parcel.as_bytes()).is_ok();
        for _ in 0..2 {
            assert!(passes(r#"{"site_ref":"mo-hq","device_alias":"gate-07"}"#));
            assert!(!passes(r#"{"site_ref":"mo-hq","device_alias":"S1234567D"}"#));
            // Clean to read, and too long or of no shape where it stands.
            assert!(!passes(r#"{"shift":"manager4220manager4220"}"#));
            assert!(passes(r#"{"device_alias":"manager4220manager4220"}"#));
            assert!(!passes(r#"{"direction":"mo-hq"}"#));
        }
        for number in 0..=MAX_CLEAN {
            assert!(passes(&format!(r#"{{"device_alias":"gate-{number}"}}"#)));
        }
        assert!(guard.clean.len() <= MAX_CLEAN);
    }

    #[test]
    fn personal_numbers_are_stopped_in_every_free_field() {
        let numbers = [
            ("11010519491231002X", "prc-id"),
            ("A123456(3)", "hkid"),
            ("1/234567/8", "macau-bir"),
            ("S1234567D", "nric"),
            ("900101-14-5678", "my-kad"),
            ("123456789018", "my-number"),
        ];
        for field in ["platform_user_id", "site_ref", "device_alias", "group"] {
            for (number, found) in numbers {
                let parcel = format!(r#"{{"{field}":"{number}"}}"#);
                let Err(Stopped(hits)) = inspect(parcel.as_bytes()) else {
                    panic!("{parcel} passed")
                };
                assert!(hits.iter().any(|h| h.finding.as_str() == found), "{parcel}: {hits:?}");
                assert!(!Stopped(hits).to_string().contains(number), "the number is told");
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = inspect(&bytes);
        }

        #[test]
        fn unknown_names_never_pass(name in "[a-z_]{1,20}", value in "[a-z]{0,8}") {
            prop_assume!(shape::field(&name).is_none());
            let parcel = format!(r#"{{"site_ref":"mo-hq","{name}":"{value}"}}"#);
            prop_assert!(inspect(parcel.as_bytes()).is_err());
        }
    }
}
