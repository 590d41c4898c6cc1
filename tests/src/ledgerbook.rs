//! Holds what devices know against what the box says it holds: the invariants of the journal,
//! checked from outside after a fault.
//!
//! - I1 every receipted punch is there, with the content it was sent with.
//! - I2 no event id twice, no `(device, boot, seq)` twice, and nothing that nobody sent.
//! - I3 the chain is whole and its records are numbered without holes.
//! - I4 journal, views and status count the same.
//! - I5 the region holds exactly what the box says it settled, same ids, same bytes.

use crate::device::Device;
use crate::punch::{Punch, punch, rfc3339};
use crate::region::{Arrived, Region};
use crate::serial::{M1, m1_punch};
use crate::site::Site;
use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use serde::de::{Deserializer as _, SeqAccess, Visitor};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::io::BufReader;
use std::process::{Command, Stdio};

/// Breaches that are told one by one; the rest is counted.
const TOLD: usize = 10;

/// What one device claims to have sent.
pub struct Claim {
    name: String,
    stamps: HashMap<(u32, u64), Sent>,
    content: Content,
}

#[derive(Clone, Copy)]
struct Sent {
    receipted: bool,
    /// What the content is made from.
    number: u64,
    found: bool,
}

enum Content {
    /// By boot and sequence number, and the time too.
    Mqtt(u64),
    /// By its own count; the terminal's clock decides the time.
    M1(u64),
    /// Each as listed; the terminal's clock decides the time.
    Listed(HashMap<(u32, u64), Punch>),
}

impl Claim {
    /// What an MQTT terminal claims now.
    pub fn of_device(device: &Device, seed: u64) -> Self {
        let boots = device.sent().into_iter();
        let stamps = boots.flat_map(|(boot, numbers)| {
            (1..).zip(numbers).map(move |(seq, receipted)| {
                ((boot, seq), Sent { receipted, number: seq, found: false })
            })
        });
        let (name, content) = (device.name().to_owned(), Content::Mqtt(seed));
        Self { name, stamps: stamps.collect(), content }
    }

    /// What an M1 claims now; `drained` where all of it was receipted.
    pub fn of_m1(m1: &M1, seed: u64, drained: bool) -> Self {
        let stored = m1.stored().into_iter();
        let stamps = stored
            .map(|(stamp, number)| (stamp, Sent { receipted: drained, number, found: false }));
        Self { name: m1.name().to_owned(), stamps: stamps.collect(), content: Content::M1(seed) }
    }

    /// What a terminal has listed under boot and number: each punch, and whether it must be there
    /// or may be.
    pub fn of_account(name: &str, account: &BTreeMap<(u32, u64), (Punch, bool)>) -> Self {
        let sent = |receipted| Sent { receipted, number: 0, found: false };
        let stamps = account.iter().map(|(stamp, (_, must))| (*stamp, sent(*must))).collect();
        let listed = account.iter().map(|(stamp, (punch, _))| (*stamp, punch.clone())).collect();
        Self { name: name.to_owned(), stamps, content: Content::Listed(listed) }
    }

    /// How many receipts it holds.
    pub fn receipted(&self) -> usize {
        self.stamps.values().filter(|sent| sent.receipted).count()
    }

    fn punch(&self, (boot, seq): (u32, u64), sent: Sent) -> Option<Punch> {
        match &self.content {
            Content::Mqtt(seed) => Some(punch(*seed, &self.name, boot, sent.number)),
            Content::M1(seed) => Some(m1_punch(*seed, &self.name, sent.number)),
            Content::Listed(punches) => punches.get(&(boot, seq)).cloned(),
        }
    }

    fn knows_time(&self) -> bool {
        matches!(self.content, Content::Mqtt(_))
    }
}

/// A row of `muster records --format json`.
#[derive(Debug, Deserialize)]
struct Row {
    id: String,
    device: String,
    boot: u32,
    seq: u64,
    person: Option<String>,
    at: Option<String>,
    method: String,
    outcome: String,
    direction: Option<String>,
    state: String,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Records on the box.
    pub records: u64,
    /// Receipts that devices hold.
    pub receipted: u64,
    /// Records that the region has.
    pub settled: u64,
    /// Receipted punches that are not there.
    pub lost: u64,
    /// Breaches of I2, I3 and I4, in words; the first few.
    pub breaches: Vec<String>,
}

impl Found {
    /// An error that names what does not hold.
    pub fn hold(&self) -> Result<()> {
        ensure!(
            self.lost == 0,
            "I1: {} receipted punches are lost: {:?}",
            self.lost,
            self.breaches
        );
        ensure!(self.breaches.is_empty(), "{:?}", self.breaches);
        Ok(())
    }
}

/// Compares. The gateway may run or not; an error is that it could not be asked. With a `region`
/// the queues must be drained.
pub fn compare(site: &Site, claims: Vec<Claim>, region: Option<&Region>) -> Result<Found> {
    let mut book = Book::new(claims);
    book.chain(site)?;
    stream_records(site, &mut |row| book.row(row))?;
    book.missing();
    book.status(site)?;
    if let Some(region) = region {
        book.region(&region.arrived());
    }
    Ok(book.found)
}

/// I3 alone: the chain is whole. Gives the number of records.
pub fn verify(site: &Site) -> Result<u64> {
    let output = site.output(&["journal", "verify", "--json"])?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "I3: journal verify: {} {text}", output.status);
    let report: serde_json::Value = serde_json::from_str(&text)?;
    ensure!(report["first_bad"].is_null(), "I3: exit 0, but {text}");
    report["records"].as_u64().context("no count of records")
}

struct Book {
    claims: HashMap<String, Claim>,
    ids: HashSet<String>,
    settled: HashSet<String>,
    quarantined: u64,
    found: Found,
}

impl Book {
    fn new(claims: Vec<Claim>) -> Self {
        let receipted = claims.iter().map(|c| c.receipted() as u64).sum();
        let claims = claims.into_iter().map(|c| (c.name.clone(), c)).collect();
        let found = Found { receipted, ..Found::default() };
        let (ids, settled) = (HashSet::new(), HashSet::new());
        Self { claims, ids, settled, quarantined: 0, found }
    }

    fn breach(&mut self, what: String) {
        if self.found.breaches.len() < TOLD {
            self.found.breaches.push(what);
        }
    }

    fn chain(&mut self, site: &Site) -> Result<()> {
        if let Err(error) = verify(site) {
            self.breach(format!("{error:#}"));
        }
        let (mut last, mut holes) = (None, 0u64);
        site.lines(&["journal", "export"], |line| {
            let row: Place = serde_json::from_str(line).context("an exported line is odd")?;
            if let Some(record) = row.record {
                holes += u64::from(last.is_some_and(|last| record != last + 1));
                last = Some(record);
                self.found.records += 1;
            }
            Ok(())
        })?;
        if holes > 0 {
            self.breach(format!("I3: {holes} holes in the record numbers"));
        }
        Ok(())
    }

    fn row(&mut self, row: Row) {
        self.quarantined += u64::from(row.state == "quarantined");
        if !self.ids.insert(row.id.clone()) {
            self.breach(format!("I2: event id {} twice", row.id));
        }
        if row.state == "settled" {
            self.settled.insert(row.id.clone());
        }
        if let Some(what) = self.claimed(&row) {
            self.breach(format!("I2: {} boot {} seq {}: {what}", row.device, row.boot, row.seq));
        }
    }

    fn claimed(&mut self, row: &Row) -> Option<&'static str> {
        let Some(claim) = self.claims.get_mut(&row.device) else { return Some("no such device") };
        let Some(sent) = claim.stamps.get_mut(&(row.boot, row.seq)) else {
            return Some("nobody sent it");
        };
        // Set aside is kept, also beside a record of the same number.
        if row.state == "quarantined" {
            sent.found = true;
            return None;
        }
        if std::mem::replace(&mut sent.found, true) {
            return Some("stored twice");
        }
        let sent = *sent;
        let Some(punch) = claim.punch((row.boot, row.seq), sent) else { return Some("not listed") };
        let same = row.person == punch.person
            && row.method == punch.method
            && row.outcome == punch.outcome
            && row.direction.as_deref() == punch.direction
            && (!claim.knows_time() || row.at.as_deref() == Some(&rfc3339(punch.at_s)));
        (!same).then_some("its content is another")
    }

    fn missing(&mut self) {
        let mut lost = Vec::new();
        for claim in self.claims.values() {
            let missing = claim.stamps.iter().filter(|(_, s)| s.receipted && !s.found);
            lost.extend(missing.map(|((boot, seq), _)| (claim.name.clone(), *boot, *seq)));
        }
        lost.sort();
        self.found.lost = lost.len() as u64;
        for (name, boot, seq) in lost.into_iter().take(TOLD) {
            self.breach(format!("I1: {name} boot {boot} seq {seq} was receipted and is not there"));
        }
    }

    fn region(&mut self, arrived: &Arrived) {
        self.found.settled = self.settled.len() as u64;
        let never = self.settled.iter().filter(|id| !arrived.parcels.contains_key(*id)).count();
        let unknown = arrived.parcels.keys().filter(|id| !self.settled.contains(*id)).count();
        let counts = [
            ("settled, but never arrived", never),
            ("arrived, but not settled", unknown),
            ("arrived twice with different content", arrived.changed.len()),
        ];
        for (what, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            self.breach(format!("I5: {count} parcels {what}"));
        }
    }

    fn status(&mut self, site: &Site) -> Result<()> {
        let status = site.json(&["status", "--json"])?;
        let counts = [
            ("records of the views", self.ids.len() as u64),
            ("records of the status", status["records"].as_u64().context("no count")?),
        ];
        for (what, count) in counts {
            if count != self.found.records {
                let journal = self.found.records;
                self.breach(format!("I4: {journal} records in the journal, {what}: {count}"));
            }
        }
        if status["quarantined"].as_u64() != Some(self.quarantined) {
            let (views, status) = (self.quarantined, &status["quarantined"]);
            self.breach(format!("I4: quarantined: views {views}, status {status}"));
        }
        Ok(())
    }
}

/// What an exported line must tell here: the number of a record, absent for acts.
#[derive(Deserialize)]
struct Place {
    record: Option<u64>,
}

/// Rows one by one: there may be more than should be in memory.
fn stream_records(site: &Site, take: &mut dyn FnMut(Row)) -> Result<()> {
    let mut command = Command::new(&site.layout().binary);
    command.args(["records", "--format", "json", "--config"]).arg(site.config());
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let out = child.stdout.take().context("no output")?;
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(out));
    let read = json.deserialize_seq(Rows(take)).and_then(|()| json.end());
    let status = child.wait()?;
    read.context("records are not a JSON array")?;
    if !status.success() {
        bail!("muster records: {status}");
    }
    Ok(())
}

struct Rows<'a>(&'a mut dyn FnMut(Row));

impl<'de> Visitor<'de> for Rows<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        while let Some(row) = rows.next_element()? {
            (self.0)(row);
        }
        Ok(())
    }
}
