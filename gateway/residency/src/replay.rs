//! Replaying vectors: cases in a file, decided from their inputs alone.
//!
//! What a case expects is never read. A case that cannot be evaluated holds with `I-11`, like any
//! error, and says why; only a file that is no file of vectors, or a policy that is not there or
//! not readable, stops a replay. Keys nobody knows are passed over; null is as good as absent.

use crate::decide::decide;
use crate::facts::{
    Counters, Facts, Lane, Notice, Paper, Record, RegionCheck, RegionHealth, Subject,
};
use crate::law_pack::LawPack;
use crate::overlay::{Overlay, overlaid};
use crate::parse::ParseError;
use crate::policy::{Policy, Signer};
use crate::rules::Rules;
use crate::vocab::{
    AccountClass, AgeBand, Basis, Bucket, Category, Class, Consent, Field, Law, RecordMethod,
    Verdict,
};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The schema this program reads.
pub const SCHEMA: &str = "gw.vectors/1";

/// Most cases of one file.
pub const MAX_CASES: usize = 100_000;

/// What one case came to, with the members `muster policy replay --json` prints.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[allow(missing_docs)]
pub struct Outcome {
    pub id: String,
    pub decision: Verdict,
    pub destination: Option<String>,
    pub region: Option<String>,
    pub profile: Option<String>,
    pub fields: Vec<String>,
    pub stripped: Vec<String>,
    pub reasons: Vec<String>,
    pub warn: Vec<String>,
    pub bucket: Option<Bucket>,
    /// What of the case could not be read, where that is why it holds.
    #[serde(skip)]
    pub fault: Option<String>,
}

/// A replay that cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The vectors are not readable.
    #[error("the vectors cannot be read; give a file of schema {SCHEMA}")]
    Vectors(#[from] serde_json::Error),
    /// The vectors are of another schema.
    #[error("the vectors are of schema `{0}`; this program reads {SCHEMA}")]
    Schema(String),
    /// Too many cases.
    #[error("{0} cases are more than {MAX_CASES}; split the file")]
    TooMany(usize),
    /// The law pack is not readable.
    #[error("the law pack cannot be read")]
    LawPack(#[source] ParseError),
    /// The vectors were written for another law pack.
    #[error("the vectors want law pack `{wanted}` and this is `{found}`; give that one")]
    OtherLawPack {
        /// What the vectors name.
        wanted: String,
        /// What was given.
        found: String,
    },
    /// A policy is not there.
    #[error(
        "case {case} wants policy `{policy}`, which is not among the policies given; \
         add its file, or correct the case"
    )]
    NoPolicy {
        /// The case.
        case: String,
        /// The policy's id.
        policy: String,
    },
    /// A policy is not readable.
    #[error("policy `{policy}` cannot be read")]
    Policy {
        /// The policy's id.
        policy: String,
        /// Why.
        source: ParseError,
    },
}

/// Evaluates every case of `vectors`, in order. `policies` gives the text of a policy by its id.
pub fn replay(
    vectors: &str,
    policies: &dyn Fn(&str) -> Option<String>,
    law_pack: &str,
) -> Result<Vec<Outcome>, ReplayError> {
    let file: File = serde_json::from_str(vectors.trim_start_matches(BYTE_ORDER_MARK))?;
    if file.schema.as_deref().is_some_and(|schema| schema != SCHEMA) {
        return Err(ReplayError::Schema(file.schema.unwrap_or_default()));
    }
    if file.vectors.len() > MAX_CASES {
        return Err(ReplayError::TooMany(file.vectors.len()));
    }
    let pack = LawPack::parse(law_pack).map_err(ReplayError::LawPack)?;
    if let Some(wanted) = file.law_pack.filter(|wanted| *wanted != pack.id) {
        return Err(ReplayError::OtherLawPack { wanted, found: pack.id });
    }
    let sets = file.evidence_sets.into_iter().flatten();
    let sets = sets.map(|(name, set)| (name, read::<Vec<Document>>(&set))).collect();
    let mut bench = Bench { policies, pack, sets, plain: BTreeMap::new() };
    file.vectors.iter().enumerate().map(|(at, case)| bench.run(at, case)).collect()
}

/// What some editors put before a text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Reads a part of the file, or says what is wrong with it.
fn read<T: DeserializeOwned>(value: &Value) -> Result<T, String> {
    T::deserialize(value).map_err(|error| error.to_string())
}

#[derive(Deserialize)]
struct File {
    schema: Option<String>,
    law_pack: Option<String>,
    #[serde(default)]
    evidence_sets: Option<BTreeMap<String, Value>>,
    vectors: Vec<Value>,
}

#[derive(Deserialize)]
struct Case {
    #[serde(default)]
    site: Option<String>,
    now: Timestamp,
    #[serde(default)]
    subject: Option<CaseSubject>,
    #[serde(default)]
    record: Option<CaseRecord>,
    #[serde(default)]
    basis: Option<String>,
    #[serde(default)]
    evidence: Option<String>,
    #[serde(default)]
    evidence_patch: Option<Patch>,
    #[serde(default)]
    health: Option<BTreeMap<String, Option<Health>>>,
    #[serde(default)]
    counters: Option<CaseCounters>,
    #[serde(default)]
    already_counted: Option<bool>,
    #[serde(default)]
    approval: Option<bool>,
    #[serde(default)]
    consent: Option<String>,
    #[serde(default)]
    guardian_consent: Option<bool>,
    #[serde(default)]
    clock_trusted: Option<bool>,
    #[serde(default)]
    signers_override: Option<Vec<CaseSigner>>,
    #[serde(flatten)]
    overlay: Overlay,
}

/// A signer; what else is said of them is passed over.
#[derive(Deserialize)]
struct CaseSigner {
    person: String,
    role: String,
}

#[derive(Default, Deserialize)]
struct CaseSubject {
    #[serde(default)]
    category: Option<String>,
    #[serde(default)]
    age_band: Option<String>,
    #[serde(default)]
    department: Option<String>,
    #[serde(default)]
    account_class: Option<String>,
    #[serde(default)]
    employment_law: Option<Vec<Law>>,
}

#[derive(Default, Deserialize)]
struct CaseRecord {
    #[serde(default)]
    class: Option<String>,
    #[serde(default)]
    fields: Option<Vec<String>>,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    check_time: Option<String>,
    #[serde(default)]
    sensitive: Option<bool>,
    #[serde(default)]
    cell_size: Option<u64>,
}

#[derive(Deserialize)]
struct Health {
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    attests: Option<String>,
}

#[derive(Default, Deserialize)]
struct CaseCounters {
    #[serde(default)]
    cn_export_persons: Option<u64>,
    #[serde(default)]
    cn_export_sensitive: Option<u64>,
    #[serde(default)]
    cn_export_records: Option<u64>,
}

/// A paper whose lane may be no lane: such a one covers nothing.
#[derive(Clone, Deserialize)]
struct Document {
    #[serde(rename = "type")]
    kind: String,
    lane: String,
    from: Timestamp,
    to: Timestamp,
}

#[derive(Deserialize)]
struct Patch {
    #[serde(default)]
    remove: Option<Vec<String>>,
    #[serde(default)]
    set_to: Option<BTreeMap<String, Timestamp>>,
    #[serde(default)]
    set_from: Option<BTreeMap<String, Timestamp>>,
    #[serde(default)]
    add: Option<Vec<Document>>,
}

/// What all cases of a file share.
struct Bench<'a> {
    policies: &'a dyn Fn(&str) -> Option<String>,
    pack: LawPack,
    sets: BTreeMap<String, Result<Vec<Document>, String>>,
    /// Rules of policies as they are, by id.
    plain: BTreeMap<String, (String, Rules)>,
}

impl Bench<'_> {
    fn run(&mut self, at: usize, raw: &Value) -> Result<Outcome, ReplayError> {
        let id = name(raw, at);
        let policy = raw.get("policy").and_then(Value::as_str).unwrap_or_default().to_owned();
        self.load(&id, &policy)?;
        let judged = read(raw).and_then(|case| self.judged(&id, &policy, &case));
        Ok(judged.unwrap_or_else(|fault| unevaluated(id, fault)))
    }

    /// The case under its policy with what it lays over it, or why it cannot be evaluated.
    fn judged(&self, id: &str, policy: &str, case: &Case) -> Result<Outcome, String> {
        let (source, plain) = self.plain.get(policy).ok_or("its policy is not there")?;
        if case.overlay.is_empty() {
            return self.judge(id, case, plain);
        }
        let text = overlaid(source, &case.overlay, case.site.as_deref().unwrap_or_default());
        let text = text.ok_or("what it lays over its policy does not fit there")?;
        let policy = Policy::parse(&text).map_err(|error| error.what)?;
        self.judge(id, case, &Rules::new(policy, self.pack.clone()))
    }

    fn load(&mut self, case: &str, id: &str) -> Result<(), ReplayError> {
        if self.plain.contains_key(id) {
            return Ok(());
        }
        let text = (self.policies)(id).ok_or_else(|| ReplayError::NoPolicy {
            case: case.to_owned(),
            policy: id.to_owned(),
        })?;
        let policy = Policy::parse(&text)
            .map_err(|source| ReplayError::Policy { policy: id.to_owned(), source })?;
        self.plain.insert(id.to_owned(), (text, Rules::new(policy, self.pack.clone())));
        Ok(())
    }

    fn judge(&self, id: &str, case: &Case, rules: &Rules) -> Result<Outcome, String> {
        let papers = self.papers(case)?;
        let subject = subject(case.subject.as_ref().unwrap_or(&CaseSubject::default()));
        let health = health(case);
        let signers = case.signers_override.as_deref().map(signers);
        let decision = decide(
            rules,
            &Facts {
                site: case.site.as_deref(),
                now: case.now,
                clock_trusted: case.clock_trusted.unwrap_or(true),
                signers: signers.as_ref().unwrap_or(&rules.policy().header.signers),
                subject: &subject,
                record: record(case.record.as_ref().unwrap_or(&CaseRecord::default())),
                basis: basis(case.basis.as_deref()),
                consent: consent(case.consent.as_deref()),
                guardian_consent: case.guardian_consent.unwrap_or(false),
                notice: Notice::Current,
                papers: &papers,
                regions: RegionCheck::Observed(&health),
                unquoted: &[],
                counters: counters(case.counters.as_ref()),
                already_counted: case.already_counted.unwrap_or(false),
                approval: case.approval.unwrap_or(false),
                local_only: false,
            },
        );
        let stored = decision.stored();
        let forward = stored.decision == Verdict::Forward;
        Ok(Outcome {
            id: id.to_owned(),
            decision: stored.decision,
            destination: stored.destination,
            region: stored.region,
            profile: stored.profile,
            fields: words(&stored.fields),
            stripped: if forward { self.stripped(case, &stored.stripped) } else { Vec::new() },
            reasons: stored.reasons,
            warn: stored.warn,
            bucket: stored.bucket,
            fault: None,
        })
    }

    /// The case's papers, patched.
    fn papers(&self, case: &Case) -> Result<Vec<Paper>, String> {
        let mut documents = match case.evidence.as_deref() {
            None => Vec::new(),
            Some(name) => {
                let set = self.sets.get(name);
                set.ok_or_else(|| format!("there is no evidence set `{name}`"))?.clone()?
            }
        };
        if let Some(patch) = &case.evidence_patch {
            patched(&mut documents, patch);
        }
        Ok(documents.into_iter().filter_map(paper).collect())
    }

    /// Known fields that were stripped, and those that this law pack alone knows by name.
    fn stripped(&self, case: &Case, known: &[Field]) -> Vec<String> {
        let barred = |name: &String| {
            self.pack.never_fields.contains(name) || self.pack.strip_fields.contains(name)
        };
        let fields = case.record.iter().flat_map(|r| r.fields.iter().flatten());
        let others = fields.filter(|n| barred(n)).cloned();
        let mut names: Vec<String> = words(known).into_iter().chain(others).collect();
        names.sort();
        names.dedup();
        names
    }
}

/// A case's name: its id, or its place from 1.
fn name(raw: &Value, at: usize) -> String {
    match raw.get("id") {
        Some(Value::String(id)) => id.clone(),
        Some(Value::Number(id)) => id.to_string(),
        _ => format!("#{}", at + 1),
    }
}

fn signers(list: &[CaseSigner]) -> Vec<Signer> {
    list.iter().map(|s| Signer { person: s.person.clone(), role: s.role.clone() }).collect()
}

fn patched(documents: &mut Vec<Document>, patch: &Patch) {
    let moved = |times: &Option<BTreeMap<String, Timestamp>>, document: &Document| {
        times.as_ref().and_then(|times| times.get(&document.kind).copied())
    };
    documents.retain(|d| !patch.remove.iter().flatten().any(|kind| *kind == d.kind));
    for document in documents.iter_mut() {
        document.to = moved(&patch.set_to, document).unwrap_or(document.to);
        document.from = moved(&patch.set_from, document).unwrap_or(document.from);
    }
    documents.extend(patch.add.iter().flatten().cloned());
}

fn unevaluated(id: String, fault: String) -> Outcome {
    Outcome {
        id,
        decision: Verdict::Hold,
        destination: None,
        region: None,
        profile: None,
        fields: Vec::new(),
        stripped: Vec::new(),
        reasons: vec!["I-11".to_owned()],
        warn: Vec::new(),
        bucket: None,
        fault: Some(fault),
    }
}

fn paper(document: Document) -> Option<Paper> {
    let lane = Lane::from_text(&document.lane)?;
    Some(Paper { kind: document.kind, lane, from: document.from, to: document.to })
}

fn subject(case: &CaseSubject) -> Subject {
    let word = |text: &Option<String>| text.clone().filter(|t| !t.is_empty());
    Subject {
        category: word(&case.category)
            .map(|w| Category::from_word(&w).unwrap_or(Category::Unknown)),
        age_band: word(&case.age_band).map(|w| AgeBand::from_word(&w).unwrap_or(AgeBand::Unknown)),
        department: word(&case.department),
        employment_law: case.employment_law.clone(),
        account_class: word(&case.account_class)
            .map(|w| AccountClass::from_word(&w).unwrap_or(AccountClass::Unknown)),
        restricted: false,
    }
}

fn record(case: &CaseRecord) -> Record {
    let fields = case.fields.iter().flatten();
    Record {
        class: case.class.as_deref().and_then(Class::from_word),
        fields: fields.filter_map(|name| Field::from_word(name)).collect(),
        check_time: case.check_time.as_deref().and_then(|t| t.parse().ok()),
        method: case.method.as_deref().and_then(RecordMethod::from_word),
        sensitive: case.sensitive.unwrap_or(false),
        cell_size: case.cell_size,
    }
}

fn health(case: &Case) -> Vec<RegionHealth> {
    let observed = case.health.iter().flatten();
    observed
        .filter_map(|(destination, health)| Some((destination, health.as_ref()?)))
        .map(|(destination, health)| RegionHealth {
            destination: destination.clone(),
            up: health.state.as_deref() == Some("up"),
            attested_region: health.attests.clone(),
        })
        .collect()
}

fn basis(word: Option<&str>) -> Option<Basis> {
    let word = word.filter(|w| !w.is_empty() && *w != "none")?;
    Some(Basis::from_word(word).unwrap_or(Basis::Other))
}

fn consent(word: Option<&str>) -> Consent {
    word.and_then(Consent::from_word).unwrap_or(Consent::Absent)
}

fn counters(case: Option<&CaseCounters>) -> Counters {
    case.map_or(Counters::default(), |c| Counters {
        persons: c.cn_export_persons.unwrap_or(0),
        sensitive: c.cn_export_sensitive.unwrap_or(0),
        records: c.cn_export_records.unwrap_or(0),
    })
}

fn words(fields: &[Field]) -> Vec<String> {
    fields.iter().map(|f| f.as_str().to_owned()).collect()
}
