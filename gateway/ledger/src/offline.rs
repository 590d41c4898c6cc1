//! The journal checked and exported from its files alone: beside a running gateway, or without one.
//! Nothing is written.

use crate::OpenError;
use crate::act::Act;
use crate::journal::{self, Content, Export, Exported, Fact, Item, Seen, Unreadable};
use crate::keyring::{Class, Keyring, KeyringError, RootKey};
use crate::legal::reduced::Reduced;
use crate::state::checkpoint;
use muster_attendance::{Attendance, DeviceId, Direction, EventId, Method, Outcome, PersonId};
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

/// How acts of retention begin.
const RETENTION: [&[u8]; 3] =
    [b"{\"act\":\"journal-cut\"", b"{\"act\":\"month-destroyed\"", b"{\"act\":\"month-reduced\""];

/// What checking the whole chain found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct JournalReport {
    /// Nothing is damaged or missing.
    pub whole: bool,
    /// Files.
    pub segments: u64,
    /// Batches found whole.
    pub batches: u64,
    /// Records in them.
    pub records: u64,
    /// Batches with a block whose key was destroyed on purpose: the chain still holds.
    pub unreadable: u64,
    /// What retention deleted before the beginning, as the journal itself says.
    #[serde(default)]
    pub deleted: Option<JournalDeleted>,
    /// Months whose keys retention destroyed, as 202612: of records, and of acts.
    #[serde(default)]
    pub destroyed: JournalDestroyed,
    /// Batches damaged or missing.
    pub damaged: u64,
    /// Where the first damage is.
    pub first_bad: Option<JournalDamage>,
    /// Bytes at the end that no receipt was given for.
    pub torn_bytes: u64,
    /// Chain hash at the end, hex.
    pub head: String,
}

/// What came before the first segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct JournalDeleted {
    /// Batches.
    pub batches: u64,
    /// Records.
    pub records: u64,
}

/// Months whose keys are destroyed.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize)]
pub struct JournalDestroyed {
    /// Of records.
    pub facts: Vec<u32>,
    /// Of acts.
    pub acts: Vec<u32>,
}

/// What retention did, as acts and checkpoints tell it.
#[derive(Default)]
struct Lawful {
    cuts: Vec<(u64, String)>,
    facts: BTreeSet<u32>,
    acts: BTreeSet<u32>,
    reduced: Reduced,
}

impl Lawful {
    fn note(&mut self, seen: &Seen<'_>) {
        match seen {
            // An act begins with its name; the many others are not parsed.
            Seen::Act(bytes) if !RETENTION.iter().any(|name| bytes.starts_with(name)) => {}
            Seen::Act(bytes) => match serde_json::from_slice::<Act>(bytes) {
                Ok(Act::JournalCut { batch, chain, .. }) => self.cuts.push((batch, chain)),
                Ok(Act::MonthDestroyed { facts: true, month, .. }) => {
                    self.facts.insert(month);
                }
                Ok(Act::MonthDestroyed { facts: false, month, .. }) => {
                    self.acts.insert(month);
                }
                Ok(Act::MonthReduced { month, .. }) => self.reduced.insert(month),
                _ => {}
            },
            Seen::Checkpoint(bytes) => {
                let Ok((state, _)) = checkpoint::read(bytes) else { return };
                let rights = state.legal.rights;
                self.cuts.extend(rights.cut.map(|cut| (cut.batch, cut.chain)));
                self.facts.extend(rights.facts_gone);
                self.acts.extend(rights.acts_gone);
                self.reduced.extend(rights.reduced);
            }
        }
    }

    /// Whether the journal says of itself that it begins there; damage may hide the chain.
    fn begins(&self, batch: u64, chain: Option<&[u8; 32]>) -> bool {
        let chain = chain.map(|chain| crate::outbox::hex(chain));
        let mut cuts = self.cuts.iter().filter(|(at, _)| *at == batch);
        cuts.any(|(_, told)| chain.as_ref().is_none_or(|chain| chain == told))
    }
}

/// The first thing wrong.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct JournalDamage {
    /// File name.
    pub segment: String,
    /// The batch's number.
    pub batch: u64,
    /// Number of the first record that is in doubt.
    pub record: u64,
    /// Byte in the file.
    pub offset: u64,
    /// In words.
    pub why: String,
}

/// Reads every byte of `<data>/journal` and checks it.
pub fn verify_journal(data: &Path, root_key: RootKey) -> Result<JournalReport, OpenError> {
    let keyring = open_keyring(data, root_key)?;
    let mut lawful = Lawful::default();
    let report = journal::verify(data, &keyring, &mut |seen| lawful.note(&seen));
    let mut report = report.map_err(|source| unreadable(data, source))?;
    let mut deleted = None;
    if let Some((batch, record, chain)) = report.begins {
        if lawful.begins(batch, chain.as_ref()) {
            deleted =
                Some(JournalDeleted { batches: batch - 1, records: record.saturating_sub(1) });
        } else {
            report.damaged += batch - 1;
            report.first_bad.get_or_insert_with(|| journal::Bad {
                segment: String::new(),
                batch: 1,
                record: 1,
                offset: 0,
                why: "batches are missing at the beginning, and not by retention".to_owned(),
            });
        }
    }
    let destroyed = JournalDestroyed {
        facts: lawful.facts.into_iter().collect(),
        acts: lawful.acts.into_iter().collect(),
    };
    Ok(JournalReport {
        whole: report.is_whole(),
        deleted,
        destroyed,
        segments: report.segments,
        batches: report.batches,
        records: report.records,
        unreadable: report.unreadable,
        damaged: report.damaged,
        first_bad: report.first_bad.map(|bad| JournalDamage {
            segment: bad.segment,
            batch: bad.batch,
            record: bad.record,
            offset: bad.offset,
            why: bad.why,
        }),
        torn_bytes: report.torn_bytes,
        head: report.head,
    })
}

/// Writes the journal as JSON lines: an object for each record, act and unreadable block, with its
/// place in the chain. Persons are internal numbers and sealed texts; password hashes are left out,
/// and of records that are reduced to hours all but their number. Gives the number of lines.
pub fn export_journal(
    data: &Path,
    root_key: RootKey,
    to: &mut impl Write,
) -> Result<u64, OpenError> {
    let keyring = open_keyring(data, root_key)?;
    let export = Export::open(data, &keyring).map_err(|source| unreadable(data, source))?;
    let mut lawful = Lawful::default();
    // What is reduced is said behind the records it is said of.
    journal::verify(data, &keyring, &mut |seen| lawful.note(&seen))
        .map_err(|source| unreadable(data, source))?;
    let mut lines = 0;
    for exported in export {
        let exported = exported.map_err(|e| unreadable(data, std::io::Error::other(e)))?;
        write_line(&exported, &lawful.reduced, to).map_err(|source| unreadable(data, source))?;
        lines += 1;
    }
    Ok(lines)
}

#[derive(Serialize)]
struct Line<'a> {
    batch: u64,
    chain: &'a str,
    epoch: u16,
    committed_ms: i64,
    #[serde(flatten)]
    item: LineItem,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum LineItem {
    Record(RecordLine),
    /// A record made from sheets.
    Summary(SummaryLine),
    /// A record of which nothing but its hours, on the sheets, is shown.
    HoursOnly {
        record: u64,
    },
    Act(serde_json::Value),
    Unreadable {
        block: &'static str,
        month: u32,
        destroyed: bool,
    },
}

#[derive(Serialize)]
struct SummaryLine {
    record: u64,
    id: EventId,
    person: Option<String>,
    summary: serde_json::Value,
    decision: u32,
    quarantined: bool,
}

#[derive(Serialize)]
struct RecordLine {
    record: u64,
    id: EventId,
    device: DeviceId,
    boot: u32,
    seq: u64,
    person: Option<String>,
    at_seconds: i64,
    offset_minutes: i16,
    received_ms: i64,
    method: Method,
    outcome: Outcome,
    direction: Option<Direction>,
    live: bool,
    clock: muster_attendance::DeviceClock,
    decision: u32,
    quarantined: bool,
}

fn write_line(exported: &Exported, reduced: &Reduced, to: &mut impl Write) -> std::io::Result<()> {
    let line = Line {
        batch: exported.batch,
        chain: &exported.chain,
        epoch: exported.epoch,
        committed_ms: exported.at_ms,
        item: match &exported.item {
            Item::Fact(record, fact) if reduced.hides(fact.content.received_ms()) => {
                LineItem::HoursOnly { record: *record }
            }
            Item::Fact(number, fact) => line_of(*number, exported.epoch, fact),
            Item::Act(bytes) => LineItem::Act(act(bytes)),
            Item::Unreadable(Unreadable { class, month, destroyed }) => LineItem::Unreadable {
                block: if *class == Class::Facts { "facts" } else { "acts" },
                month: *month,
                destroyed: *destroyed,
            },
        },
    };
    serde_json::to_writer(&mut *to, &line)?;
    to.write_all(b"\n")
}

fn line_of(number: u64, epoch: u16, fact: &Fact) -> LineItem {
    match &fact.content {
        Content::Punch(punch) => LineItem::Record(record(number, epoch, fact, punch)),
        Content::Summary(summary) => LineItem::Summary(SummaryLine {
            record: number,
            id: EventId::new(summary.made_ms, epoch, number),
            person: summary.person().map(person_text),
            summary: serde_json::to_value(summary).map(without_person).unwrap_or_default(),
            decision: fact.decision,
            quarantined: fact.quarantined,
        }),
    }
}

/// Internal number, hex: 64 bits are too many for some readers of JSON numbers.
fn person_text(person: PersonId) -> String {
    format!("{:016x}", person.0)
}

/// The person is beside it, as text.
fn without_person(mut summary: serde_json::Value) -> serde_json::Value {
    for place in ["/kind/day", "/kind/correction/day"] {
        if let Some(serde_json::Value::Object(day)) = summary.pointer_mut(place) {
            day.remove("person");
        }
    }
    summary
}

fn record(number: u64, epoch: u16, fact: &Fact, punch: &Attendance) -> RecordLine {
    RecordLine {
        record: number,
        id: EventId::new(punch.received_ms, epoch, number),
        device: punch.device,
        boot: punch.boot,
        seq: punch.seq,
        person: punch.person.map(person_text),
        at_seconds: punch.at.seconds,
        offset_minutes: punch.at.offset_minutes,
        received_ms: punch.received_ms,
        method: punch.method,
        outcome: punch.outcome,
        direction: punch.direction,
        live: punch.live,
        clock: punch.clock,
        decision: fact.decision,
        quarantined: fact.quarantined,
    }
}

/// Members that a line has of its own.
const OF_THE_LINE: [&str; 5] = ["batch", "chain", "epoch", "committed_ms", "kind"];

/// The act as stored, but for what lets somebody try passwords; a member that the line has too is
/// called `act_…`.
pub(crate) fn act(bytes: &[u8]) -> serde_json::Value {
    let mut value = shown(bytes);
    if let Some(members) = value.as_object_mut() {
        for name in OF_THE_LINE {
            let own = members.remove(name);
            members.extend(own.map(|own| (format!("act_{name}"), own)));
        }
    }
    value
}

fn shown(bytes: &[u8]) -> serde_json::Value {
    if let Ok(Act::AccountWritten { actor, mut account }) = serde_json::from_slice::<Act>(bytes) {
        account.password = None;
        account.one_time_code = None;
        account.second_factor = None;
        account.recovery.clear();
        return serde_json::to_value(Act::AccountWritten { actor, account }).unwrap_or_default();
    }
    if let Ok(Act::TokenMade { mut token }) = serde_json::from_slice::<Act>(bytes) {
        token.digest.clear();
        return serde_json::to_value(Act::TokenMade { token }).unwrap_or_default();
    }
    if let Ok(Act::WardenWritten { mut warden }) = serde_json::from_slice::<Act>(bytes) {
        (warden.code, warden.digest) = (None, None);
        return serde_json::to_value(Act::WardenWritten { warden }).unwrap_or_default();
    }
    if let Ok(Act::AccessWritten { mut access }) = serde_json::from_slice::<Act>(bytes) {
        (access.code, access.pin) = (None, None);
        return serde_json::to_value(Act::AccessWritten { access }).unwrap_or_default();
    }
    serde_json::from_slice(bytes).unwrap_or_default()
}

pub(crate) fn open_keyring(data: &Path, root_key: RootKey) -> Result<Keyring, OpenError> {
    Keyring::open_to_read(data, root_key).map_err(|error| match error {
        KeyringError::WrongKey => OpenError::WrongKey(data.join("keys")),
        KeyringError::Io(source) => OpenError::Io { path: data.join("keys"), source },
        other => OpenError::Journal(other.to_string()),
    })
}

fn unreadable(data: &Path, source: std::io::Error) -> OpenError {
    OpenError::Io { path: data.join("journal"), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acts_own_members_stand_beside_the_lines() {
        let cut = Act::JournalCut { batch: 3, record: 4, chain: "ab".into() };
        let told = act(&cut.encode());
        assert_eq!((&told["act_batch"], &told["act_chain"]), (&3.into(), &"ab".into()));
        assert!(OF_THE_LINE.iter().all(|name| told.get(name).is_none()), "{told}");
    }
}
