//! What holds for every input, over the six policies and generated facts.

use jiff::{SignedDuration, Timestamp};
use muster_residency::decision::{Remedy, StoredDecision};
use muster_residency::explain::{Language, words};
use muster_residency::facts::{
    Counters, Facts, Lane, Notice, Paper, Record, RegionCheck, RegionHealth, Subject,
};
use muster_residency::policy::Signer;
use muster_residency::vocab::{
    AccountClass, AgeBand, Basis, Category, Class, Consent, Field, FieldSet, Law, RecordMethod,
    Verdict,
};
use muster_residency::{Decision, LawPack, Policy, Rules, check, decide};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use std::sync::LazyLock;

const LAW_PACK: &str = include_str!("lawpack.toml");
const POLICIES: [&str; 6] = [
    include_str!("policies/mo-bank.toml"),
    include_str!("policies/hk-school.toml"),
    include_str!("policies/zh-mo-construction.toml"),
    include_str!("policies/sg-hq.toml"),
    include_str!("policies/eu-branch.toml"),
    include_str!("policies/cn-hq.toml"),
];
const NOW: &str = "2026-05-11T09:00:00+08:00";
/// Sites of a case: all but the last stand for one of the policy's.
const SITES: usize = 12;
const LAWS: [&str; 9] = ["CN", "HK", "MO", "SG", "MY", "JP", "EU", "US", "TH"];

/// Facts that own what they lend.
#[derive(Clone, Debug)]
struct Case {
    policy: usize,
    site: usize,
    now: Timestamp,
    clock_trusted: bool,
    signers: Vec<Signer>,
    subject: Subject,
    record: Record,
    basis: Option<Basis>,
    consent: Consent,
    guardian_consent: bool,
    papers: Vec<Paper>,
    up: bool,
    attested: bool,
    counters: Counters,
    already_counted: bool,
    approval: bool,
    local_only: bool,
}

impl Case {
    fn policy(&self) -> Policy {
        policy(self.policy)
    }

    fn rules(&self) -> Rules {
        Rules::new(self.policy(), law_pack())
    }

    fn health(&self, rules: &Rules) -> Vec<RegionHealth> {
        let all = rules.destinations().iter();
        all.map(|d| RegionHealth {
            destination: d.id.clone(),
            up: self.up,
            attested_region: self.attested.then(|| d.region.clone()),
        })
        .collect()
    }

    fn decide(&self, rules: &Rules) -> Decision {
        self.with(rules, |facts| decide(rules, facts))
    }

    fn with<T>(&self, rules: &Rules, read: impl FnOnce(&Facts<'_>) -> T) -> T {
        let health = self.health(rules);
        let known = self.site < SITES - 1;
        let site = rules.sites().get(self.site % rules.sites().len()).filter(|_| known);
        let site = site.map(|s| s.id.clone());
        read(&Facts {
            site: site.as_deref(),
            now: self.now,
            clock_trusted: self.clock_trusted,
            signers: &self.signers,
            subject: &self.subject,
            record: self.record,
            basis: self.basis,
            consent: self.consent,
            guardian_consent: self.guardian_consent,
            notice: Notice::Current,
            papers: &self.papers,
            regions: RegionCheck::Observed(&health),
            unquoted: &[],
            counters: self.counters,
            already_counted: self.already_counted,
            approval: self.approval,
            local_only: self.local_only,
        })
    }
}

fn law_pack() -> LawPack {
    static PACK: LazyLock<LawPack> = LazyLock::new(|| LawPack::parse(LAW_PACK).expect("law pack"));
    PACK.clone()
}

fn policy(at: usize) -> Policy {
    static ALL: LazyLock<Vec<Policy>> = LazyLock::new(|| {
        POLICIES.iter().map(|text| Policy::parse(text).expect("a policy")).collect()
    });
    ALL[at].clone()
}

fn law(code: &str) -> Law {
    Law::from_code(code).expect("a law")
}

fn mostly(likely: bool) -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.95).prop_map(move |yes| yes == likely)
}

fn maybe<T: Clone + std::fmt::Debug + 'static>(
    values: &'static [T],
) -> impl Strategy<Value = Option<T>> {
    prop::option::weighted(0.95, select(values))
}

fn subjects() -> impl Strategy<Value = Subject> {
    let departments = prop::option::weighted(0.95, select(vec!["ops", "compliance", "P4"]));
    let laws = prop::option::weighted(0.15, subsequence(LAWS.to_vec(), 0..3));
    (
        prop_oneof![9 => Just(Some(Category::Employee)), 2 => maybe(Category::ALL)],
        prop_oneof![9 => Just(Some(AgeBand::Adult)), 2 => maybe(AgeBand::ALL)],
        departments,
        laws,
        prop_oneof![3 => Just(Some(AccountClass::Dingtalk)), 2 => maybe(AccountClass::ALL)],
        mostly(false),
    )
        .prop_map(|(category, age_band, department, laws, account_class, restricted)| {
            Subject {
                category,
                age_band,
                department: department.map(str::to_owned),
                employment_law: laws.map(|laws| laws.into_iter().map(law).collect()),
                account_class,
                restricted,
            }
        })
}

fn records() -> impl Strategy<Value = Record> {
    let classes = prop_oneof![
        4 => select(vec![Some(Class::Event), Some(Class::Daily), Some(Class::Correction)]),
        1 => maybe(Class::ALL),
    ];
    let fields = subsequence(Field::ALL.to_vec(), 0..Field::ALL.len());
    let age = prop::option::weighted(0.95, 0i64..220);
    (
        classes,
        fields,
        age,
        prop_oneof![2 => Just(Some(RecordMethod::Card)), 1 => maybe(RecordMethod::ALL)],
        mostly(false),
        prop::option::of(0u64..40),
    )
        .prop_map(|(class, fields, age, method, sensitive, cell_size)| Record {
            class,
            fields: fields.into_iter().collect(),
            check_time: age.map(|days| now() - SignedDuration::from_hours(24 * days)),
            method,
            sensitive,
            cell_size,
        })
}

/// Most types of paper that count, each on some lane and mostly in force.
fn papers() -> impl Strategy<Value = Vec<Paper>> {
    let types: Vec<String> = {
        let pack = law_pack();
        let all = (0..POLICIES.len()).map(policy);
        let mut types: Vec<String> = all.flat_map(|p| check::paper_types(&p, &pack)).collect();
        types.sort();
        types.dedup();
        types
    };
    let all = types.len();
    let lanes = prop_oneof![
        20 => Just("*".to_owned()),
        1 => (select(LAWS.to_vec()), select(LAWS.to_vec())).prop_map(|(a, b)| format!("{a}->{b}")),
        1 => select(LAWS.to_vec()).prop_map(|a| format!("{a}->*")),
    ];
    let dates = prop_oneof![
        9 => (-300i64..-1, 1i64..700),
        1 => (-1500i64..10, -10i64..700),
    ];
    (subsequence(types, all - 3..=all), prop::collection::vec((lanes, dates), all)).prop_map(
        |(types, rest)| {
            let day = |n: i64| now() + SignedDuration::from_hours(24 * n);
            let paper = |(kind, (lane, (from, to))): (String, (String, (i64, i64)))| Paper {
                kind,
                lane: Lane::from_text(&lane).expect("a lane"),
                from: day(from),
                to: day(to),
            };
            types.into_iter().zip(rest).map(paper).collect()
        },
    )
}

fn now() -> Timestamp {
    NOW.parse().expect("a time")
}

fn signers() -> impl Strategy<Value = Vec<Signer>> {
    let signer = |person: &str, role: &str| Signer { person: person.into(), role: role.into() };
    let all = vec![signer("a", "dpo"), signer("b", "it-admin"), signer("a", "security")];
    prop_oneof![9 => Just(all.clone()), 1 => subsequence(all, 0..3)]
}

fn cases() -> impl Strategy<Value = Case> {
    let counters = (0u64..1_100_000, 0u64..12_000, 0u64..1_000_000);
    let counters = prop_oneof![
        1 => counters.prop_map(|(persons, sensitive, records)| Counters { persons, sensitive, records }),
        2 => Just(Counters::default()),
    ];
    let days = prop_oneof![9 => Just(0i64), 1 => -200i64..200];
    let shared = (0..POLICIES.len(), 0..SITES, days, mostly(true), signers());
    let basis = prop_oneof![3 => Just(Some(Basis::Contract)), 1 => maybe(Basis::ALL)];
    let lawful = (basis, select(Consent::ALL), any::<bool>());
    let state = (mostly(true), mostly(true), counters, any::<bool>(), any::<bool>(), mostly(false));
    (shared, subjects(), records(), lawful, papers(), state).prop_map(
        |(shared, subject, record, lawful, papers, state)| Case {
            policy: shared.0,
            site: shared.1,
            now: now() + SignedDuration::from_hours(24 * shared.2),
            clock_trusted: shared.3,
            signers: shared.4,
            subject,
            record,
            basis: lawful.0,
            consent: lawful.1,
            guardian_consent: lawful.2,
            papers,
            up: state.0,
            attested: state.1,
            counters: state.2,
            already_counted: state.3,
            approval: state.4,
            local_only: state.5,
        },
    )
}

/// Nothing that was held or dropped may come out freer.
fn assert_not_freed(before: &Decision, after: &Decision) -> Result<(), TestCaseError> {
    if before.verdict() >= Verdict::Hold {
        prop_assert!(after.verdict() >= Verdict::Hold, "{before:?} became {after:?}");
    }
    Ok(())
}

/// Does what a remedy says; false if a fact would have to be made up.
fn apply(case: &mut Case, remedy: &Remedy) -> bool {
    match remedy {
        Remedy::Paper(kind, lane) => case.papers.push(Paper {
            kind: kind.to_string(),
            lane: Lane::from_text(lane.0.as_str()).expect("a lane"),
            from: case.now,
            to: Timestamp::MAX,
        }),
        Remedy::Approval => case.approval = true,
        Remedy::Consent => case.consent = Consent::Given,
        Remedy::GuardianConsent => case.guardian_consent = true,
        Remedy::Clock => case.clock_trusted = true,
        Remedy::RegionUp => case.up = true,
        Remedy::RegionAttested => case.attested = true,
        Remedy::Unrestrict => case.subject.restricted = false,
        Remedy::LocalOnlyOff => case.local_only = false,
        Remedy::Signatures | Remedy::Fact(_) | Remedy::Notice => return false,
    }
    true
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_fields_never_pass(case in cases(), listed in subsequence(Field::ALL.to_vec(), 1..34)) {
        let mut policy = case.policy();
        for profile in &mut policy.profiles {
            profile.fields = listed.iter().map(|f| f.as_str().to_owned()).collect();
        }
        let rules = Rules::new(policy, law_pack());
        let decision = case.decide(&rules);
        for field in decision.fields() {
            prop_assert!(field.may_leave() && case.record.fields.has(*field) && listed.contains(field));
        }
    }

    #[test]
    fn only_listed_fields_of_the_record_pass(case in cases()) {
        let rules = case.rules();
        let decision = case.decide(&rules);
        let profile = decision.profile().and_then(|id| rules.profile(id));
        let listed: Vec<&str> = profile.iter().flat_map(|p| &p.fields).map(String::as_str).collect();
        let places: Vec<_> =
            decision.fields().iter().map(|f| listed.iter().position(|l| *l == f.as_str())).collect();
        prop_assert!(places.iter().all(Option::is_some) && places.is_sorted());
        prop_assert!(decision.fields().iter().all(|f| case.record.fields.has(*f)));
    }

    #[test]
    fn no_permit_no_forward(case in cases()) {
        let mut policy = case.policy();
        policy.permits.clear();
        let decision = case.decide(&Rules::new(policy, law_pack()));
        prop_assert!(decision.verdict() >= Verdict::Hold);
        prop_assert_eq!(decision.destination(), None);
    }

    #[test]
    fn failure_never_changes_the_destination(case in cases()) {
        let rules = case.rules();
        let well = Case { up: true, attested: true, ..case.clone() }.decide(&rules);
        let ill = case.decide(&rules);
        prop_assert_eq!(well.would_be(), ill.would_be());
        if !(case.up && case.attested) {
            prop_assert_eq!(ill.destination(), None);
        }
    }

    #[test]
    fn the_destination_is_the_permitted_one(case in cases()) {
        let rules = case.rules();
        let decision = case.decide(&rules);
        if let Some(destination) = decision.destination() {
            prop_assert!(rules.policy().permits.iter().any(|p| p.to == destination));
            let region = rules.destination(destination).map(|d| d.region.as_str());
            prop_assert_eq!(decision.region(), region);
        }
    }

    #[test]
    fn adding_a_law_frees_nothing(case in cases(), code in select(LAWS.to_vec())) {
        let rules = case.rules();
        let mut more = case.clone();
        more.subject.employment_law.get_or_insert_default().push(law(code));
        assert_not_freed(&case.decide(&rules), &more.decide(&rules))?;
    }

    #[test]
    fn adding_a_forbid_frees_nothing(case in cases(), other in 0..POLICIES.len()) {
        let mut policy = case.policy();
        let before = case.decide(&case.rules());
        policy.forbids.extend(self::policy(other).forbids);
        assert_not_freed(&before, &case.decide(&Rules::new(policy, law_pack())))?;
    }

    #[test]
    fn adding_a_gate_frees_nothing(case in cases(), to in select(LAWS.to_vec()), of in select(LAWS.to_vec())) {
        let before = case.decide(&case.rules());
        let mut pack = law_pack();
        let gates = pack.lane.get(&law(of)).cloned().unwrap_or_default();
        if let Some(list) = pack.lane.get_mut(&law(to)) {
            list.extend(gates);
        }
        assert_not_freed(&before, &case.decide(&Rules::new(case.policy(), pack)))?;
    }

    #[test]
    fn adding_a_remote_country_frees_nothing(case in cases(), code in select(LAWS.to_vec())) {
        let mut policy = case.policy();
        let before = case.decide(&case.rules());
        for destination in &mut policy.destinations {
            destination.remote_access_from.push(law(code));
        }
        assert_not_freed(&before, &case.decide(&Rules::new(policy, law_pack())))?;
    }

    #[test]
    fn taking_evidence_of_residency_away_frees_nothing(case in cases()) {
        let mut policy = case.policy();
        let before = case.decide(&case.rules());
        for destination in &mut policy.destinations {
            destination.residency_evidence = None;
        }
        assert_not_freed(&before, &case.decide(&Rules::new(policy, law_pack())))?;
    }

    #[test]
    fn any_error_holds(case in cases(), which in 0..4) {
        let (mut policy, mut pack) = (case.policy(), law_pack());
        match which {
            0 => policy.header.law_pack = "another".into(),
            1 => policy.destinations.clear(),
            2 => policy.profiles.clear(),
            _ => pack.region.clear(),
        }
        let decision = case.decide(&Rules::new(policy, pack));
        prop_assert!(decision.verdict() >= Verdict::Hold);
    }

    #[test]
    fn the_same_inputs_give_the_same_answer(case in cases()) {
        let decision = case.decide(&case.rules());
        let mut turned = case.clone();
        turned.papers.reverse();
        turned.signers.reverse();
        prop_assert_eq!(&decision, &turned.decide(&turned.rules()));
        let codes = decision.reasons();
        prop_assert!(codes.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert_eq!(decision.verdict() == Verdict::Forward, codes.is_empty());
    }

    #[test]
    fn what_would_release_a_record_does(case in cases()) {
        let rules = case.rules();
        for set in case.decide(&rules).to_release() {
            let mut changed = case.clone();
            let mut known = true;
            for remedy in set {
                known &= apply(&mut changed, remedy);
            }
            if known {
                let after = changed.decide(&rules);
                prop_assert_eq!(after.verdict(), Verdict::Forward, "{:?} left {:?}", set, after.reasons());
            }
        }
    }

    #[test]
    fn nothing_changes_before_the_next_change(case in cases(), share in 0.0f64..1.0) {
        let rules = case.rules();
        let mut later = case.clone();
        later.record.check_time = Some(case.now);
        let base = Case { record: later.record, ..case.clone() };
        let end = rules.next_change(case.now, &case.papers).unwrap_or(case.now + SignedDuration::from_hours(24));
        let span = end.duration_since(case.now).as_secs().min(86_400 * 150);
        later.now = case.now + SignedDuration::from_secs((span as f64 * share) as i64);
        if later.now < end {
            prop_assert_eq!(base.decide(&rules), later.decide(&rules));
        }
    }

    #[test]
    fn what_has_one_memo_key_has_one_answer(case in cases(), days in 0i64..200, more in 0u64..300_000) {
        let rules = case.rules();
        let mut other = case.clone();
        other.record.check_time = other.record.check_time.map(|_| case.now - SignedDuration::from_hours(24 * days));
        other.counters.persons += more;
        other.counters.sensitive += more / 100;
        let key = |case: &Case| case.with(&rules, |facts| rules.memo_key(facts));
        if key(&case) == key(&other) {
            prop_assert_eq!(case.decide(&rules), other.decide(&rules));
        }
    }

    #[test]
    fn stored_decisions_are_read_back(case in cases()) {
        let decision = case.decide(&case.rules());
        let text = serde_json::to_string(&decision).expect("JSON");
        let stored: StoredDecision = serde_json::from_str(&text).expect("a stored decision");
        prop_assert_eq!(&stored, &decision.stored());
        for language in Language::ALL {
            let words = words(&stored, language);
            let sentences = words.reasons.iter().map(|(_, sentence, _)| sentence);
            for sentence in sentences.chain([&words.verdict]).chain(words.to_release.iter().flatten()) {
                prop_assert!(!sentence.contains('$') && !sentence.contains('?'), "{}", sentence);
            }
        }
    }

    #[test]
    fn fields_of_a_set(fields in subsequence(Field::ALL.to_vec(), 0..34)) {
        let set: FieldSet = fields.iter().copied().collect();
        prop_assert_eq!(set.iter().collect::<Vec<_>>(), fields);
    }
}

/// The properties above would say little if hardly anything were forwarded.
#[test]
fn the_generated_facts_reach_every_verdict() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut counts = [0; 4];
    for _ in 0..2000 {
        let case = cases().new_tree(&mut runner).expect("a case").current();
        counts[case.decide(&case.rules()).verdict() as usize] += 1;
    }
    assert!(counts.iter().all(|&n| n >= 20), "{counts:?}");
}
