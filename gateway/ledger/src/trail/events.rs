//! The journal's acts as events for whoever watches over security: no personal data in them.
//!
//! A table says what is told of each act, by name: what it does not list does not leave, and an act
//! that it does not know is told by its name alone. Whoever acted is a pseudonym that only this box
//! can resolve: the event's id is the act's place in the journal (epoch, batch, number in the batch),
//! and `journal export` shows it.
//! Punches are no events.

use super::Trail;
use crate::CommitError;
use crate::journal::{ReadError, Reader};
use muster_residency::pseudonym;
use ring::hmac;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::VecDeque;

use Tell::{As, Count, Runs, Who};

/// Batches that one reading looks at.
const MAX_BATCHES: usize = 4_096;
/// Characters of one value.
const MAX_VALUE: usize = 120;
/// Hex digits of a pseudonym.
const WHO_LEN: usize = 16;

/// A place between two acts: what comes next.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub struct EventCursor {
    /// The batch.
    pub batch: u64,
    /// The act in it, from 0.
    pub act: u32,
}

/// How much it matters; the numbers are those of syslog.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Weight {
    /// Somebody must look.
    Alert = 1,
    /// Equipment or rules changed.
    Warning = 4,
    /// Somebody did something.
    Notice = 5,
    /// The box at work.
    Info = 6,
}

/// An act, told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// Its place in the journal: the same whenever it is told.
    pub id: String,
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// The act's name, as `device-paired`.
    pub name: String,
    /// How much it matters.
    pub weight: Weight,
    /// What is told of it.
    pub fields: Vec<(&'static str, String)>,
}

/// How a member of an act is told.
enum Tell {
    /// As it stands.
    As(&'static str),
    /// How many there are.
    Count(&'static str),
    /// How many records its runs hold.
    Runs(&'static str),
    /// A pseudonym.
    Who(&'static str),
}

/// Whether it is told, and what of it.
type Row = (&'static str, Option<Weight>, &'static [Tell]);

use Weight::{Alert, Info, Notice, Warning};
const ACTOR: &[Tell] = &[Who("actor")];
const SIGNED: &[Tell] = &[As("id"), Who("by.person"), As("by.role")];

/// Every act, in the order of their definition.
const TABLE: &[Row] = &[
    ("opened", Some(Notice), &[As("version"), As("epoch"), As("rolled_back"), As("torn_bytes")]),
    ("device-seen", Some(Warning), &[As("id"), As("name")]),
    ("device-paired", Some(Warning), &[As("id"), As("name"), As("kind")]),
    ("device-certified", Some(Warning), &[As("id")]),
    ("device-revoked", Some(Warning), &[As("id")]),
    ("device-told", Some(Warning), &[As("id"), As("what"), As("detail"), As("clock_unsure")]),
    ("device-did", Some(Notice), &[As("id"), As("task"), As("result"), As("count")]),
    ("person-written", Some(Info), &[]),
    ("person-mapped", Some(Notice), &[As("device")]),
    (
        "account-written",
        Some(Warning),
        &[Who("actor"), Who("account.name"), As("account.disabled"), As("account.roles")],
    ),
    ("factor-used", Some(Info), ACTOR),
    ("token-made", Some(Warning), &[Who("token.by"), As("token.roles")]),
    ("token-ended", Some(Notice), ACTOR),
    ("signers-enrolled", Some(Warning), &[Count("signers")]),
    ("governed", Some(Notice), &[]),
    (
        "policy-accepted",
        Some(Warning),
        &[
            Who("actor"),
            As("version.id"),
            As("version.version"),
            As("version.direction"),
            As("version.policy_hash"),
            As("version.law_pack_hash"),
            As("version.from"),
            As("version.until"),
            Count("version.signers"),
        ],
    ),
    ("decided", None, &[]),
    ("labelled", None, &[]),
    ("redecided", Some(Info), &[Runs("records")]),
    ("refused", Some(Warning), &[As("device"), As("reason"), As("length"), As("count")]),
    ("dispatched", Some(Info), &[As("destination"), Count("records"), As("attestation")]),
    ("settled", Some(Info), &[As("destination"), Runs("accepted"), Count("rejected")]),
    (
        "attested",
        Some(Notice),
        &[As("destination"), As("attestation.region"), As("attestation.peer.host")],
    ),
    ("paused", Some(Warning), &[As("destination"), As("reason")]),
    ("metered", Some(Info), &[As("destination")]),
    ("set-aside", Some(Alert), &[As("record"), As("reason")]),
    ("clock-trusted", Some(Warning), &[As("trusted")]),
    (
        "paper-filed",
        Some(Warning),
        &[
            Who("actor"),
            As("number"),
            As("paper.type"),
            As("paper.lane"),
            As("paper.from"),
            As("paper.to"),
            As("paper.sha256"),
        ],
    ),
    ("paper-withdrawn", Some(Warning), &[Who("actor"), As("number")]),
    ("notice-published", Some(Notice), &[Who("actor"), As("notice.kind"), As("notice.version")]),
    ("notice-given", Some(Notice), &[Who("actor"), As("kind"), As("version"), Count("people")]),
    ("consent-set", Some(Notice), &[Who("actor"), As("guardian"), As("given")]),
    ("person-restricted", Some(Notice), &[Who("actor"), As("on")]),
    ("person-leaves", Some(Info), ACTOR),
    ("local-only", Some(Alert), &[Who("actor"), As("on")]),
    ("baseline-set", Some(Notice), &[As("law"), As("year")]),
    (
        "request-made",
        Some(Notice),
        &[
            As("request.id"),
            As("request.action.do"),
            Who("request.asked_by.person"),
            Who("request.proposed_by"),
        ],
    ),
    ("request-backed", Some(Notice), SIGNED),
    ("request-approved", Some(Warning), SIGNED),
    (
        "rights-asked",
        Some(Notice),
        &[Who("actor"), As("request.number"), As("request.right"), As("request.law")],
    ),
    ("rights-answered", Some(Notice), &[Who("actor"), As("number")]),
    ("person-corrected", Some(Notice), &[Who("actor"), As("columns")]),
    ("person-erased", Some(Warning), &[As("erasure.request")]),
    ("erased-elsewhere", Some(Notice), &[Who("actor"), As("request")]),
    ("biometrics-left", Some(Info), &[]),
    ("month-destroyed", Some(Notice), &[As("facts"), As("month"), Runs("records")]),
    ("month-reduced", Some(Notice), &[As("month"), Runs("records")]),
    ("journal-cut", Some(Notice), &[As("batch"), As("record")]),
    ("record-approved", Some(Warning), &[As("record"), As("approval.destination")]),
    ("plans-entered", Some(Info), &[Who("actor"), Count("entries")]),
    ("plan-removed", Some(Info), &[Who("actor"), As("number")]),
    ("correction-asked", Some(Info), &[As("correction.number")]),
    ("correction-decided", Some(Notice), &[As("number"), Who("by"), As("approved")]),
    ("month-closed", Some(Notice), &[]),
    ("gap-accepted", Some(Warning), &[Who("actor"), As("device"), As("boot"), As("first")]),
    ("redated", Some(Warning), &[]),
    ("resent", Some(Notice), &[Who("actor"), As("destination"), Runs("records")]),
    ("pack-asked", Some(Notice), &[As("request.number"), Who("request.asked_by")]),
    ("pack-released", Some(Warning), &[As("number"), Who("by")]),
    ("warden-written", Some(Warning), &[Who("warden.by"), Who("warden.name")]),
    ("warden-ended", Some(Notice), &[Who("actor"), Who("name")]),
    ("access-written", Some(Notice), &[Who("access.by")]),
    ("access-ended", Some(Notice), ACTOR),
    ("policy-drafted", Some(Notice), &[As("draft.id"), Who("draft.by")]),
    ("policy-draft-signed", Some(Warning), SIGNED),
    ("policy-draft-dropped", Some(Notice), &[Who("actor"), As("id")]),
    ("events-told", None, &[]),
    ("noted", Some(Notice), &[Who("actor"), As("what")]),
];

/// Reads events in the journal's order; stands where it stopped. Holds one batch's events and what
/// a cursor of the journal holds.
pub struct EventReader {
    trail: Trail,
    reader: Reader,
    /// Where what was read ends.
    end: EventCursor,
    /// Read and not given out, each with the place behind it.
    waiting: VecDeque<(Event, EventCursor)>,
}

impl EventReader {
    /// The next events, at most `max`, and the place behind them. Where there are none the place may
    /// have moved all the same, and only where it did not is this the end of the journal. Blocks.
    pub fn next(&mut self, max: usize) -> Result<(Vec<Event>, EventCursor), CommitError> {
        for _ in 0..MAX_BATCHES {
            if self.waiting.len() >= max || !self.read()? {
                break;
            }
        }
        let given = self.waiting.drain(..max.min(self.waiting.len()));
        let (events, places): (Vec<_>, Vec<_>) = given.unzip();
        let last = places.last().copied().filter(|_| !self.waiting.is_empty());
        Ok((events, last.unwrap_or(self.end)))
    }

    /// Reads one batch; false at the durable end.
    fn read(&mut self) -> Result<bool, CommitError> {
        let failed = |error: ReadError| CommitError::Failed(error.to_string());
        let Some(batch) = self.reader.next_batch().map_err(failed)? else { return Ok(false) };
        let skip = if batch.number == self.end.batch { self.end.act as usize } else { 0 };
        let who = |name: &str| self.trail.who(name);
        for (n, bytes) in batch.acts.iter().flat_map(|acts| acts.iter()).enumerate().skip(skip) {
            let id = format!("{}-{}-{n}", batch.epoch, batch.number);
            let behind = EventCursor { batch: batch.number, act: n as u32 + 1 };
            let event = told(bytes, &who).map(|event| Event { id, at_ms: batch.at_ms, ..event });
            self.waiting.extend(event.map(|event| (event, behind)));
        }
        self.end = self.end.max(EventCursor { batch: batch.number + 1, act: 0 });
        Ok(true)
    }
}

impl Trail {
    /// Events from a place on. Blocks.
    pub fn events(&self, from: EventCursor) -> Result<EventReader, CommitError> {
        let mut reader = self.shared.reader();
        let sought = reader.seek_batch(from.batch);
        sought.map_err(|error| CommitError::Failed(error.to_string()))?;
        Ok(EventReader { trail: self.clone(), reader, end: from, waiting: VecDeque::new() })
    }

    /// What somebody is called there: users of the system and the program itself as they are.
    fn who(&self, name: &str) -> String {
        if name == "gateway" || name.strip_prefix("uid ").is_some_and(|n| n.parse::<u32>().is_ok())
        {
            return name.to_owned();
        }
        // No destination's name has a blank: policies cannot share this.
        let key = pseudonym::destination_key(&self.pseudonyms, "security events");
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()), name.as_bytes());
        let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        hex[..WHO_LEN].to_owned()
    }
}

/// An act as an event without a place; `None` where it is none.
fn told(bytes: &[u8], who: &dyn Fn(&str) -> String) -> Option<Event> {
    let act: Value = serde_json::from_slice(bytes).ok()?;
    let name = act["act"].as_str().unwrap_or("unknown");
    let row = TABLE.iter().find(|(known, ..)| *known == name);
    let (weight, tells) =
        row.map_or((Some(Notice), &[][..]), |(_, weight, tells)| (*weight, *tells));
    let rolled_back = name == "opened" && act["rolled_back"] == true;
    let weight = if rolled_back { Alert } else { weight? };
    let fields = tells.iter().filter_map(|tell| {
        let (path, value) = match *tell {
            As(path) => (path, plain(find(&act, path)?)?),
            Count(path) => (path, find(&act, path)?.as_array()?.len().to_string()),
            Runs(path) => (path, runs(find(&act, path)?)?.to_string()),
            Who(path) => (path, who(find(&act, path)?.as_str()?)),
        };
        Some((path, value))
    });
    let fields = fields.collect();
    Some(Event { id: String::new(), at_ms: 0, name: name.to_owned(), weight, fields })
}

fn find<'a>(act: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(act, |value, key| value.get(key)).filter(|value| !value.is_null())
}

/// How many records `[[first, count], …]` hold.
fn runs(value: &Value) -> Option<u64> {
    let counts = value.as_array()?.iter().map(|run| run.get(1).and_then(Value::as_u64));
    Some(counts.map(Option::unwrap_or_default).sum())
}

/// A word, a number, a list of words, or the name of a variant.
fn plain(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        Value::Object(variant) => variant.keys().next()?.clone(),
        Value::Null => return None,
    };
    Some(text.chars().filter(|c| !c.is_control()).take(MAX_VALUE).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Account;
    use crate::act::Act;
    use muster_attendance::PersonId;

    /// The acts that are defined, by their names.
    fn defined() -> Vec<String> {
        let source = include_str!("../act.rs");
        let body = source.split("pub(crate) enum Act {").nth(1).expect("the acts");
        let body = body.split("\n}\n").next().expect("their end");
        let variant = |line: &str| {
            let name = line.strip_prefix("    ")?.strip_suffix(" {")?;
            name.starts_with(char::is_uppercase).then(|| name.to_owned())
        };
        body.lines().filter_map(variant).map(|name| kebab(&name)).collect()
    }

    fn kebab(name: &str) -> String {
        let mut out = String::new();
        for c in name.chars() {
            if c.is_uppercase() && !out.is_empty() {
                out.push('-');
            }
            out.extend(c.to_lowercase());
        }
        out
    }

    #[test]
    fn every_act_has_its_row() {
        let rows: Vec<&str> = TABLE.iter().map(|(name, ..)| *name).collect();
        let (mut defined, mut known) = (defined(), rows.clone());
        defined.sort_unstable();
        known.sort_unstable();
        assert!(defined.len() > 50);
        assert_eq!(defined, known, "say in the table what is told of each act");
    }

    fn of(act: &Act) -> Option<Event> {
        told(&act.encode(), &|name| format!("<{}>", name.len()))
    }

    #[test]
    fn nobody_is_named_and_no_number_of_a_person_is_told() {
        let person = PersonId(0x1234_5678);
        let account = Account::new("ho.mei", vec![crate::Role::Dpo], 1);
        for (act, expect) in [
            (Act::AccountWritten { actor: "lam.kit".into(), account }, true),
            (Act::PersonWritten { person, sealed: "ho.mei".into() }, true),
            (
                Act::PersonRestricted {
                    actor: "ho.mei".into(),
                    person,
                    on: true,
                    reason: "lam.kit said so".into(),
                },
                true,
            ),
            (Act::BiometricsLeft { person, on: "2026-12-01".parse().expect("a day") }, true),
            (Act::Decided { id: 1, decision: Value::Null }, false),
        ] {
            let event = of(&act);
            assert_eq!(event.is_some(), expect);
            let text = format!("{event:?}");
            for secret in ["ho.mei", "lam.kit", "305419896", "said so"] {
                assert!(!text.contains(secret), "{text}");
            }
        }
    }

    #[test]
    fn what_is_told_of_some_acts() {
        let check = |act: Act, expect: &[(&str, &str)]| {
            let event = of(&act).expect("an event");
            let fields: Vec<_> = event.fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
            assert_eq!(fields, expect);
        };
        let (id, name) = (muster_attendance::DeviceId(3), "gate\n01".to_owned());
        check(Act::DeviceSeen { id, name }, &[("id", "3"), ("name", "gate01")]);
        check(
            Act::Resent {
                actor: "uid 0".into(),
                destination: "sg".into(),
                records: vec![(4, 2), (9, 1)],
            },
            &[("actor", "<5>"), ("destination", "sg"), ("records", "3")],
        );
        check(
            Act::Paused {
                destination: "sg".into(),
                reason: crate::PauseReason::WrongRegion("it names eu".into()),
            },
            &[("destination", "sg"), ("reason", "wrong-region")],
        );
        let event = told(br#"{"act":"of-a-later-version","name":"ho.mei"}"#, &|_| String::new());
        assert_eq!(event.map(|event| event.fields.len()), Some(0));
    }
}
