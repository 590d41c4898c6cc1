//! The finite facts that can tell two versions of the rules apart.

use crate::condition::Key;
use crate::facts::{Counters, Facts, Lane, Paper, Record, RegionCheck, Subject};
use crate::law_pack::{Gate, Term};
use crate::policy::Signer;
use crate::rules::Rules;
use crate::vocab::{
    AccountClass, AgeBand, Basis, Category, Class, Connector, Consent, Field, FieldSet, Law,
    RecordMethod,
};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Most points that are decided.
const MAX_POINTS: usize = 200_000;

/// A department that no rule mentions.
const ELSEWHERE: &str = "another department";

/// All points of a comparison.
pub(super) struct Points {
    people: Vec<Person>,
    states: Vec<State>,
    signers: [Signer; 2],
}

/// Who, where and what.
#[derive(Clone)]
struct Person {
    site: String,
    subject: Subject,
    record: Record,
    basis: Basis,
}

/// Papers, counts and approvals.
#[derive(Clone)]
struct State {
    papers: Vec<Paper>,
    text: String,
    counters: Counters,
    cell_size: Option<u64>,
    approval: bool,
}

/// One point.
pub(super) struct Point<'a> {
    person: &'a Person,
    state: &'a State,
    signers: &'a [Signer],
}

/// The points that can tell `old` from `new`; `None` if they are too many.
pub(super) fn between(old: &Rules, new: &Rules) -> Option<Points> {
    let both = [old, new];
    let states = states(&both);
    let people = people(&both, MAX_POINTS / states.len().max(1))?;
    let signer = |person: &str, role: &str| Signer { person: person.into(), role: role.into() };
    Some(Points { people, states, signers: [signer("a", "dpo"), signer("b", "it-admin")] })
}

impl Points {
    pub(super) fn iter(&self) -> impl Iterator<Item = Point<'_>> {
        self.people.iter().flat_map(move |person| {
            let point = move |state| Point { person, state, signers: &self.signers };
            self.states.iter().map(point)
        })
    }
}

impl Point<'_> {
    /// Reads the point's facts.
    pub(super) fn with<T>(&self, read: impl FnOnce(&Facts<'_>) -> T) -> T {
        let Person { site, subject, record, basis } = self.person;
        let record = Record { cell_size: self.state.cell_size, ..*record };
        let mut facts = Facts::new(Timestamp::UNIX_EPOCH, subject, record);
        facts.site = Some(site);
        facts.clock_trusted = true;
        facts.signers = self.signers;
        facts.basis = Some(*basis);
        facts.consent = Consent::Given;
        facts.guardian_consent = true;
        facts.papers = &self.state.papers;
        facts.regions = RegionCheck::Pause;
        facts.counters = self.state.counters;
        facts.already_counted = true;
        facts.approval = self.state.approval;
        read(&facts)
    }

    /// The point in words.
    pub(super) fn text(&self) -> String {
        let Person { site, subject, record, .. } = self.person;
        let mut text = format!("site {site}");
        let words = [
            record.class.map(|v| v.as_str()),
            subject.category.map(|v| v.as_str()),
            subject.age_band.map(|v| v.as_str()),
            subject.department.as_deref(),
            subject.account_class.map(|v| v.as_str()),
            record.method.map(|v| v.as_str()),
        ];
        for word in words.into_iter().flatten() {
            let _ = write!(text, ", {word}");
        }
        let _ = write!(text, ", {}", self.state.text);
        text
    }
}

/// Values of `key` that some rule mentions.
fn mentioned(both: &[&Rules; 2], key: Key) -> BTreeSet<String> {
    let rules = both.iter().map(|rules| rules.policy());
    let whens = rules
        .flat_map(|p| p.forbids.iter().map(|f| &f.when).chain(p.permits.iter().map(|p| &p.when)));
    let conditions = whens.flat_map(|when| &when.0).filter(|c| c.key == key);
    conditions.flat_map(|c| c.allowed.iter().cloned()).collect()
}

/// All values of a closed word, and how it is read.
type Words<'a, T> = (&'a [T], fn(&str) -> Option<T>);

/// The mentioned values of a closed word and one that no rule mentions, or `usual` alone.
fn values<T: Copy + PartialEq>(
    both: &[&Rules; 2],
    key: Key,
    (all, word): Words<'_, T>,
    usual: &[T],
) -> Vec<T> {
    let mut values: Vec<T> = mentioned(both, key).iter().filter_map(|w| word(w)).collect();
    if !values.is_empty() {
        let other = all.iter().copied().find(|v| !values.contains(v));
        values.extend(other);
    }
    for value in usual {
        if !values.contains(value) {
            values.push(*value);
        }
    }
    values
}

fn people(both: &[&Rules; 2], most: usize) -> Option<Vec<Person>> {
    let sites: BTreeSet<&String> =
        both.iter().flat_map(|r| r.sites()).map(|site| &site.id).collect();
    let record = Record {
        fields: FieldSet::of(Field::ALL),
        check_time: Some(Timestamp::UNIX_EPOCH),
        ..Record::default()
    };
    let person = |site: &String| Person {
        site: site.clone(),
        subject: Subject::default(),
        record,
        basis: Basis::Contract,
    };
    let mut people: Vec<Person> = sites.into_iter().map(person).collect();
    let classes = values(both, Key::RecordClass, (Class::ALL, Class::from_word), &[Class::Event]);
    spread(&mut people, most, &classes, |p, v| p.record.class = Some(v))?;
    let categories = (Category::ALL, Category::from_word as fn(&str) -> _);
    let categories = values(both, Key::SubjectCategory, categories, &[Category::Employee]);
    spread(&mut people, most, &categories, |p, v| p.subject.category = Some(v))?;
    let ages = (AgeBand::ALL, AgeBand::from_word as fn(&str) -> _);
    let ages = values(both, Key::SubjectAgeBand, ages, &[AgeBand::Adult]);
    spread(&mut people, most, &ages, |p, v| p.subject.age_band = Some(v))?;
    let methods = (RecordMethod::ALL, RecordMethod::from_word as fn(&str) -> _);
    let methods = values(both, Key::RecordMethod, methods, &[RecordMethod::Card]);
    spread(&mut people, most, &methods, |p, v| p.record.method = Some(v))?;
    let bases = (Basis::ALL, Basis::from_word as fn(&str) -> _);
    let bases = values(both, Key::UseBasis, bases, &[Basis::Contract]);
    spread(&mut people, most, &bases, |p, v| p.basis = v)?;
    spread(&mut people, most, &accounts(both), |p, v| p.subject.account_class = Some(v))?;
    let sensitive = if touches_cn(both) { &[false, true][..] } else { &[false] };
    spread(&mut people, most, sensitive, |p, v| p.record.sensitive = v)?;
    let mut departments: Vec<String> =
        mentioned(both, Key::SubjectDepartment).into_iter().collect();
    departments.push(ELSEWHERE.to_owned());
    spread(&mut people, most, &departments, |p, v| p.subject.department = Some(v))?;
    let laws = mentioned(both, Key::SubjectEmploymentLaw);
    let laws = laws.iter().filter_map(|code| Law::from_code(code)).map(|law| vec![law]);
    let laws: Vec<Vec<Law>> = laws.chain([Vec::new()]).collect();
    spread(&mut people, most, &laws, |p, v| p.subject.employment_law = Some(v))?;
    Some(people)
}

/// Multiplies `people` by `values`, up to `most`.
fn spread<T: Clone>(
    people: &mut Vec<Person>,
    most: usize,
    values: &[T],
    set: impl Fn(&mut Person, T),
) -> Option<()> {
    if people.len().saturating_mul(values.len()) > most {
        return None;
    }
    let with = |person: &Person, value: &T| {
        let mut person = person.clone();
        set(&mut person, value.clone());
        person
    };
    *people = people.iter().flat_map(|p| values.iter().map(move |v| with(p, v))).collect();
    Some(())
}

fn accounts(both: &[&Rules; 2]) -> Vec<AccountClass> {
    let accounts = (AccountClass::ALL, AccountClass::from_word as fn(&str) -> _);
    let to = both.iter().flat_map(|r| r.destinations());
    let dingtalk = to.filter(|d| d.connector == Connector::Dingtalk);
    let usual: Vec<AccountClass> = dingtalk.filter_map(|d| d.account_class).collect();
    let usual = if usual.is_empty() { vec![AccountClass::None] } else { usual };
    values(both, Key::SubjectAccountClass, accounts, &usual)
}

fn touches_cn(both: &[&Rules; 2]) -> bool {
    origins(both).contains(&Law::CN)
}

/// Laws a lane can start from.
fn origins(both: &[&Rules; 2]) -> BTreeSet<Law> {
    let sites = both.iter().flat_map(|r| r.sites());
    let laws = sites.flat_map(|s| [s.jurisdiction, s.controller]);
    let employed = mentioned(both, Key::SubjectEmploymentLaw);
    laws.chain(employed.iter().filter_map(|code| Law::from_code(code))).collect()
}

fn states(both: &[&Rules; 2]) -> Vec<State> {
    let all = paper_types(both);
    let full = State {
        papers: on_file(&all),
        text: "all papers on file".to_owned(),
        counters: Counters::default(),
        cell_size: Some(u64::MAX),
        approval: true,
    };
    let mut states = vec![full.clone(), State { approval: false, ..full.clone() }];
    for sizes in cell_sizes(both) {
        states.push(State {
            cell_size: Some(sizes),
            text: format!("a cell of {sizes}"),
            ..full.clone()
        });
    }
    let without = |gone: &BTreeSet<String>, text: String| State {
        papers: on_file(&all.difference(gone).cloned().collect()),
        text,
        ..full.clone()
    };
    states.push(without(&all, "no papers on file".to_owned()));
    for kind in &all {
        states.push(without(&BTreeSet::from([kind.clone()]), format!("all papers but {kind}")));
    }
    for (id, gone) in alternatives(both) {
        let left = format!("all papers but {} of {id}", list(&gone));
        states.push(without(&gone, left));
    }
    states.extend(counted(both, &full, &all));
    states
}

fn list(kinds: &BTreeSet<String>) -> String {
    kinds.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// Counts on both sides of every threshold, with and without approval, and with each of the papers
/// a mechanism can rest on as the only one.
fn counted(both: &[&Rules; 2], full: &State, all: &BTreeSet<String>) -> Vec<State> {
    let mechanisms: BTreeSet<String> =
        crate::mechanism::PAPERS.iter().map(|kind| (*kind).to_owned()).collect();
    let none: BTreeSet<String> = all.difference(&mechanisms).cloned().collect();
    let only = |kind: &String| none.iter().chain([kind]).cloned().collect();
    let mut sets: Vec<BTreeSet<String>> = all.intersection(&mechanisms).map(only).collect();
    sets.push(none.clone());
    let mut states = Vec::new();
    for (persons, approval) in thresholds(both).into_iter().flat_map(|n| [(n, true), (n, false)]) {
        for kinds in &sets {
            states.push(State {
                papers: on_file(kinds),
                text: format!("{persons} exported this year, on file {}", list(kinds)),
                counters: Counters { persons, sensitive: persons, records: persons },
                approval,
                ..full.clone()
            });
        }
    }
    states
}

fn on_file(kinds: &BTreeSet<String>) -> Vec<Paper> {
    let paper = |kind: &String| Paper {
        kind: kind.clone(),
        lane: Lane::ANY,
        from: Timestamp::UNIX_EPOCH,
        to: Timestamp::MAX,
    };
    kinds.iter().map(paper).collect()
}

fn gates<'a>(both: &'a [&Rules; 2]) -> impl Iterator<Item = &'a Gate> {
    let origins = origins(both);
    let lanes = both.iter().flat_map(|r| r.law_pack().lane.iter());
    lanes.filter(move |(law, _)| origins.contains(*law)).flat_map(|(_, gates)| gates)
}

/// Types of paper that can matter under either version.
fn paper_types(both: &[&Rules; 2]) -> BTreeSet<String> {
    let policies = || both.iter().map(|r| r.policy());
    let required = policies().flat_map(|p| p.permits.iter().flat_map(|p| p.require.clone()));
    let excusing =
        policies().flat_map(|p| p.forbids.iter().flat_map(|f| f.unless_evidence.clone()));
    let terms = gates(both).flat_map(|g| g.all.iter().chain(g.any.iter().flatten()));
    let named = terms.filter_map(|term| match term {
        Term::Paper(kind) => Some(kind.clone()),
        Term::Adequate | Term::Gba => None,
    });
    let builtin = crate::mechanism::PAPERS.iter().map(|kind| (*kind).to_owned());
    let builtin = builtin.filter(|_| touches_cn(both));
    required.chain(excusing).chain(named).chain(builtin).collect()
}

/// For each alternative of each gate, the papers of the others: what is gone when it stands alone.
fn alternatives(both: &[&Rules; 2]) -> BTreeSet<(String, BTreeSet<String>)> {
    let kinds = |set: &[Term]| -> BTreeSet<String> {
        set.iter().map(|term| term.as_str().to_owned()).collect()
    };
    let gone = |gate: &Gate| -> Vec<(String, BTreeSet<String>)> {
        let all: BTreeSet<String> = gate.any.iter().flat_map(|set| kinds(set)).collect();
        let rest = |set: &Vec<Term>| all.difference(&kinds(set)).cloned().collect();
        gate.any.iter().map(|set| (gate.id.clone(), rest(set))).collect()
    };
    gates(both).flat_map(gone).filter(|(_, gone)| !gone.is_empty()).collect()
}

fn cell_sizes(both: &[&Rules; 2]) -> BTreeSet<u64> {
    let profiles = both.iter().flat_map(|r| &r.policy().profiles);
    profiles.filter_map(|p| p.k_min).flat_map(|k| [k.saturating_sub(1), k]).collect()
}

fn thresholds(both: &[&Rules; 2]) -> BTreeSet<u64> {
    let limits = both.iter().flat_map(|r| &r.policy().limits);
    let mut all: BTreeSet<u64> = limits.filter_map(|l| l.approve).collect();
    if touches_cn(both) {
        for threshold in both.iter().map(|r| &r.law_pack().threshold) {
            all.extend([threshold.cn_persons_scc, threshold.cn_persons_assessment]);
            all.insert(threshold.cn_sensitive_assessment);
        }
    }
    all.iter().flat_map(|&n| [n.saturating_sub(1), n]).collect()
}
