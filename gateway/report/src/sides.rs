//! The two-sided trail: each cross-border transfer is one entry for the law it left and one for the
//! law it went to, linked. Each law's side can be handed over and checked alone, and all sides of a
//! span hang under one root.
//!
//! # The file
//! JSON lines. The first is the head: site, span, law, root, number of leaves, pairs by lane, the
//! box's public key and its Ed25519 signature over the head without the signature. Every further
//! line is `{"index","proof","entry"}`. A leaf is SHA-256 over a zero byte and the entry as compact
//! JSON with sorted keys; a node is SHA-256 over a one byte and its two children; an odd node goes
//! up as it is. The proof is the siblings from below, in hex, `null` where there is none.
//!
//! Past the retention of its law an entry keeps its place, link and digest, so that the pairs still
//! match, and no longer says whose record it was: `subject` and `event_id` are null there.

use crate::figures::{Proof, Seen};
use crate::pack::{Fault, hex, sha256, unhex, verify_key};
use jiff::Timestamp;
use muster_residency::explain::Language;
use muster_residency::phrase;
use muster_residency::vocab::{Bucket, Law};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Entries of one file that are read.
pub const MAX_ENTRIES: usize = 4_000_000;
const FORM: &str = "muster-sides-1";

/// One transfer over one lane, as both sides tell it.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Crossing {
    pub at: String,
    pub event_id: String,
    pub from: Law,
    pub to: Law,
    /// The person's pseudonym for each of the two laws: they cannot be joined.
    pub subjects: (Option<String>, Option<String>),
    /// SHA-256 of the bytes that left, base64.
    pub digest: String,
    pub destination: String,
    pub region: String,
    pub operator: Option<String>,
    pub remote_access_from: Vec<Law>,
    pub seen: Option<Seen>,
    pub bucket: Option<Bucket>,
    pub policy: Option<String>,
    pub policy_sha256: Option<String>,
    pub law_pack: Option<String>,
    /// When the region took it, and its receipt where it gave one.
    pub taken_at: Option<String>,
    pub receipt: Option<String>,
    /// Batch of the journal, and the chain's hash after it.
    pub batch: u64,
    pub chain: String,
}

impl Crossing {
    /// Whether a law's time is over for it; a moment that cannot be read is past any horizon.
    fn is_past(&self, law: Law, horizons: &Horizons) -> bool {
        let at = self.at.parse::<Timestamp>().unwrap_or(Timestamp::MIN);
        horizons.get(&law).is_some_and(|&since| at < since)
    }

    /// What joins the two entries and tells nothing.
    fn link(&self) -> String {
        let lane = format!("{}->{}", self.from, self.to);
        let parts = [&*self.event_id, &*self.destination, &*lane, &*self.digest].join("\n");
        hex(&sha256(&[parts.as_bytes()])[..16])
    }

    /// The entry of one side; past its law's time it no longer says whose record it was.
    fn entry(&self, origin: bool, horizons: &Horizons) -> Value {
        let (law, other, subject) = match origin {
            true => (self.from, self.to, self.subjects.0.as_deref()),
            false => (self.to, self.from, self.subjects.1.as_deref()),
        };
        let past = self.is_past(law, horizons);
        let (subject, event_id) = match past {
            true => (None, None),
            false => (subject, Some(&self.event_id)),
        };
        let proof = self.seen.as_ref().map(|seen| match seen.proof {
            Proof::Wire => "seen on the wire",
            Proof::Contract => "by contract, not verified",
        });
        json!({
            "law": law, "other_law": other, "side": if origin { "origin" } else { "destination" },
            "link": self.link(), "at": self.at, "event_id": event_id, "subject": subject,
            "past_retention": past,
            "digest": self.digest, "destination": self.destination, "region": self.region,
            "operator": self.operator, "remote_access_from": self.remote_access_from,
            "proof": proof, "seen": self.seen, "bucket": self.bucket, "policy": self.policy,
            "policy_sha256": self.policy_sha256, "law_pack": self.law_pack,
            "taken_at": self.taken_at, "receipt": self.receipt,
            "batch": self.batch, "chain": self.chain,
        })
    }
}

/// Since when each law still lets its side say whose records they were; laws that are not here set
/// no limit.
pub type Horizons = BTreeMap<Law, Timestamp>;

/// All sides of a span under one root.
pub struct Sides {
    site: String,
    span: (String, String),
    entries: Vec<Value>,
    tree: Vec<Vec<[u8; 32]>>,
    pairs: BTreeMap<String, u64>,
}

impl Sides {
    /// Builds both entries of each crossing, in the journal's order, each kept as long as its own
    /// law says.
    pub fn new(
        site: &str,
        span: (String, String),
        crossings: &[Crossing],
        horizons: &Horizons,
    ) -> Self {
        let both = |c: &Crossing| [c.entry(true, horizons), c.entry(false, horizons)];
        let entries: Vec<Value> = crossings.iter().flat_map(both).collect();
        let mut pairs = BTreeMap::new();
        for crossing in crossings {
            *pairs.entry(format!("{}->{}", crossing.from, crossing.to)).or_default() += 1;
        }
        let tree = tree(entries.iter().map(leaf).collect());
        Self { site: site.to_owned(), span, entries, tree, pairs }
    }

    /// Laws that have a side.
    pub fn laws(&self) -> Vec<Law> {
        let codes = self.pairs.keys().flat_map(|lane| lane.split("->"));
        let mut laws: Vec<Law> = codes.filter_map(Law::from_code).collect();
        laws.sort();
        laws.dedup();
        laws
    }

    /// The root, hex.
    pub fn root(&self) -> String {
        self.tree.last().and_then(|top| top.first()).map(|root| hex(root)).unwrap_or_default()
    }

    /// The side of one law, signed, in that law's language.
    pub fn export(&self, law: Law, key: [u8; 32], sign: &dyn Fn(&[u8]) -> [u8; 64]) -> String {
        let mut head = self.head(law, key);
        let signature = hex(&sign(canonical(&head).as_bytes()));
        head["signature"] = signature.into();
        let mut out = canonical(&head) + "\n";
        for (index, entry) in self.entries.iter().enumerate() {
            if entry["law"] == law.as_str() {
                let proof = self.proof(index);
                let line = json!({ "index": index, "proof": proof, "entry": entry });
                out += &(canonical(&line) + "\n");
            }
        }
        out
    }

    fn head(&self, law: Law, key: [u8; 32]) -> Value {
        let messages = language_of(law).messages();
        json!({
            "form": FORM, "site": self.site, "from": self.span.0, "to": self.span.1, "law": law,
            "language": language_of(law).tag(), "title": phrase::fill(messages, "sides-title", &[]),
            "notes": [phrase::fill(messages, "sides-note", &[]), phrase::fill(messages, "law-pack-note", &[])],
            "leaves": self.entries.len(), "root": self.root(), "pairs": self.pairs,
            "public_key": hex(&key),
        })
    }

    /// The siblings of a leaf from below.
    fn proof(&self, leaf: usize) -> Vec<Option<String>> {
        let below = self.tree.iter().take(self.tree.len().saturating_sub(1));
        below
            .enumerate()
            .map(|(level, nodes)| nodes.get((leaf >> level) ^ 1).map(|n| hex(n)))
            .collect()
    }
}

/// The language that a law's authority reads.
fn language_of(law: Law) -> Language {
    match law {
        Law::MO => Language::Pt,
        Law::HK => Language::ZhHant,
        Law::CN => Language::ZhHans,
        _ => Language::En,
    }
}

/// Compact JSON with sorted keys, whatever order the value keeps them in.
fn canonical(value: &Value) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                let ordered: BTreeMap<_, _> = map.iter().collect();
                let pairs = ordered.into_iter().map(|(key, value)| (key.clone(), sorted(value)));
                Value::Object(pairs.collect::<Map<_, _>>())
            }
            Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
            other => other.clone(),
        }
    }
    sorted(value).to_string()
}

fn leaf(entry: &Value) -> [u8; 32] {
    sha256(&[&[0], canonical(entry).as_bytes()])
}

/// Levels from the leaves to the root; of no leaves the root is that of nothing.
fn tree(leaves: Vec<[u8; 32]>) -> Vec<Vec<[u8; 32]>> {
    let mut levels = vec![if leaves.is_empty() { vec![sha256(&[])] } else { leaves }];
    while let Some(below) = levels.last().filter(|level| level.len() > 1) {
        let parents = below.chunks(2).map(|pair| match pair {
            [left, right] => sha256(&[&[1], left, right]),
            [single] => *single,
            _ => [0; 32],
        });
        let parents = parents.collect();
        levels.push(parents);
    }
    levels
}

/// What checking one side found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Checked {
    pub law: String,
    pub root: String,
    pub public_key: [u8; 32],
    pub entries: u64,
    /// Pairs by lane, of all sides.
    pub pairs: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    index: u64,
    proof: Vec<Option<String>>,
    entry: Value,
}

/// Checks one side alone: the head's signature, each entry's place under the root, and that none
/// of this law is missing. `expected` is the box's key, where it is known from elsewhere.
pub fn verify(text: &str, expected: Option<[u8; 32]>) -> Result<Checked, Fault> {
    let mut lines = text.lines();
    let head: Value = lines.next().and_then(|l| serde_json::from_str(l).ok()).ok_or(Fault::Form)?;
    if !text.ends_with('\n') || head["form"] != FORM {
        return Err(Fault::Form);
    }
    let (public_key, head) = signed(head, text, expected)?;
    let words = |key: &str| head[key].as_str().map(str::to_owned).ok_or(Fault::Form);
    let (law, root) = (words("law")?, words("root")?);
    let pairs: BTreeMap<String, u64> =
        serde_json::from_value(head["pairs"].clone()).map_err(|_| Fault::Form)?;
    let leaves = head["leaves"].as_u64().ok_or(Fault::Form)?;
    let mut seen: BTreeMap<(String, bool), u64> = BTreeMap::new();
    let mut last = None;
    for line in lines.take(MAX_ENTRIES) {
        let parsed: Line = serde_json::from_str(line).map_err(|_| Fault::Form)?;
        let ours = parsed.entry["law"] == law.as_str() && Some(parsed.index) > last;
        if !ours || canonical(&serde_json::from_str(line).map_err(|_| Fault::Form)?) != line {
            return Err(Fault::Entry(parsed.index));
        }
        last = Some(parsed.index);
        if parsed.index >= leaves || !hangs(&parsed, leaves, &root) {
            return Err(Fault::Entry(parsed.index));
        }
        let key = lane_of(&parsed.entry).ok_or(Fault::Entry(parsed.index))?;
        *seen.entry(key).or_default() += 1;
    }
    complete(&law, &pairs, &seen)?;
    Ok(Checked { law, root, public_key, entries: seen.values().sum(), pairs })
}

/// The head without its signature, once that is good.
fn signed(
    mut head: Value,
    text: &str,
    expected: Option<[u8; 32]>,
) -> Result<([u8; 32], Value), Fault> {
    let first = text.lines().next().unwrap_or_default();
    if canonical(&head) != first {
        return Err(Fault::Form);
    }
    let fields = head.as_object_mut().ok_or(Fault::Form)?;
    let signature = fields.remove("signature").ok_or(Fault::Form)?;
    let signature: [u8; 64] = signature.as_str().and_then(unhex).ok_or(Fault::Form)?;
    let key: [u8; 32] =
        fields.get("public_key").and_then(Value::as_str).and_then(unhex).ok_or(Fault::Form)?;
    verify_key(&key, expected, canonical(&head).as_bytes(), &signature)?;
    Ok((key, head))
}

/// Whether an entry hangs under the root at its place.
fn hangs(line: &Line, leaves: u64, root: &str) -> bool {
    let (mut at, mut width, mut node) = (line.index, leaves, leaf(&line.entry));
    for sibling in &line.proof {
        let sibling = match sibling.as_deref().map(unhex::<32>) {
            Some(Some(sibling)) => Some(sibling),
            Some(None) => return false,
            None => None,
        };
        // Only the last node of a level may be without a sibling.
        let alone = at.is_multiple_of(2) && at + 1 == width;
        node = match (sibling, at.is_multiple_of(2)) {
            (None, _) if alone => node,
            (Some(right), true) if !alone => sha256(&[&[1], &node, &right]),
            (Some(left), false) => sha256(&[&[1], &left, &node]),
            _ => return false,
        };
        (at, width) = (at / 2, width.div_ceil(2));
    }
    width == 1 && hex(&node) == root
}

fn lane_of(entry: &Value) -> Option<(String, bool)> {
    let (law, other) = (entry["law"].as_str()?, entry["other_law"].as_str()?);
    match entry["side"].as_str()? {
        "origin" => Some((format!("{law}->{other}"), true)),
        "destination" => Some((format!("{other}->{law}"), false)),
        _ => None,
    }
}

/// Every lane of this law has as many entries as pairs.
fn complete(
    law: &str,
    pairs: &BTreeMap<String, u64>,
    seen: &BTreeMap<(String, bool), u64>,
) -> Result<(), Fault> {
    for (lane, count) in pairs {
        let (from, to) = lane.split_once("->").ok_or(Fault::Form)?;
        for (mine, origin) in [(from == law, true), (to == law, false)] {
            let found = seen.get(&(lane.clone(), origin)).copied().unwrap_or(0);
            if mine && found != *count {
                return Err(Fault::Missing { lane: lane.clone(), found, expected: *count });
            }
        }
    }
    Ok(())
}
