//! What no vector shows: residency evidence, notices, consent intervals, keeping.

use jiff::Timestamp;
use muster_residency::facts::{
    ConsentInterval, Facts, Lane, Notice, Paper, Record, Subject, consent_between,
};
use muster_residency::policy::Reduce;
use muster_residency::rules::{Keep, RetentionRule};
use muster_residency::vocab::{
    AccountClass, AgeBand, Basis, Category, Class, Consent, Law, RecordMethod, Verdict,
};
use muster_residency::{LawPack, Policy, Rules, decide};

const BANK: &str = include_str!("policies/mo-bank.toml");
const LAW_PACK: &str = include_str!("lawpack.toml");

fn rules_with(policy: &str, pack: &str) -> Rules {
    let policy = Policy::parse(policy).expect("a policy");
    Rules::new(policy, LawPack::parse(pack).expect("a law pack"))
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn subject() -> Subject {
    Subject {
        category: Some(Category::Employee),
        age_band: Some(AgeBand::Adult),
        department: Some("ops".into()),
        account_class: Some(AccountClass::Dingtalk),
        ..Subject::default()
    }
}

fn papers() -> Vec<Paper> {
    let kinds =
        ["dpa", "amcm-outsourcing", "mo-art10-notice", "mo-art20-ground", "mo-notification"];
    let lane = |kind: &str| if kind.starts_with("mo-art2") { "MO->SG" } else { "*" };
    let paper = |kind: &str| Paper {
        kind: kind.into(),
        lane: Lane::from_text(lane(kind)).expect("a lane"),
        from: at("2026-01-01T00:00:00Z"),
        to: at("2027-01-01T00:00:00Z"),
    };
    kinds.map(paper).to_vec()
}

/// Decides the bank's ordinary record with something changed.
#[track_caller]
fn check(policy: &str, subject: &Subject, change: impl FnOnce(&mut Facts<'_>), expect: &[&str]) {
    let rules = rules_with(policy, LAW_PACK);
    let (papers, now) = (papers(), at("2026-05-11T09:00:00+08:00"));
    let record = Record {
        class: Some(Class::Event),
        check_time: Some(now),
        method: Some(RecordMethod::Card),
        ..Record::default()
    };
    let mut facts = Facts::new(now, subject, record);
    facts.site = Some("mo-hq");
    facts.clock_trusted = true;
    facts.signers = &rules.policy().header.signers;
    facts.basis = Some(Basis::Contract);
    facts.papers = &papers;
    change(&mut facts);
    let decision = decide(&rules, &facts);
    let codes: Vec<&str> = decision.reasons().iter().map(|code| code.as_str()).collect();
    assert_eq!(codes, expect);
    assert_eq!(decision.verdict() == Verdict::Forward, expect.is_empty());
}

#[test]
fn without_evidence_of_residency_a_destination_is_in_the_mainland_too() {
    let unproved = BANK.replace("residency_evidence = \"contract\"", "");
    check(&unproved, &subject(), |_| (), &["F-MAINLAND", "G-MO-20"]);
}

#[test]
fn an_unquoted_contract_is_mainland_and_singapore() {
    let unquoted: &[String] = vec!["sg-tenant".to_owned()].leak();
    check(BANK, &subject(), |f| f.unquoted = unquoted, &["F-MAINLAND", "G-MO-20"]);
    let other: &[String] = vec!["elsewhere".to_owned()].leak();
    check(BANK, &subject(), |f| f.unquoted = other, &[]);
}

#[test]
fn restriction_notice_and_emergency_stop_hold() {
    let restricted = Subject { restricted: true, ..subject() };
    check(BANK, &restricted, |_| (), &["C-03-RESTRICTED"]);
    check(BANK, &subject(), |f| f.notice = Notice::Outdated, &["C-04-NOTICE"]);
    check(BANK, &subject(), |f| f.local_only = true, &["S-LOCAL-ONLY"]);
}

#[test]
fn a_region_outside_the_catalogue_holds_and_each_inside_has_its_law() {
    let pack = LawPack::parse(LAW_PACK).expect("a law pack");
    let laws: Vec<_> = pack
        .region
        .iter()
        .map(|(id, r)| (id.as_str(), r.jurisdiction.to_string(), r.gba))
        .collect();
    let expect = [
        ("ap-northeast-1", "JP", false),
        ("ap-southeast-1", "SG", false),
        ("ap-southeast-3", "MY", false),
        ("cn-hangzhou", "CN", false),
        ("cn-hongkong", "HK", true),
        ("cn-shenzhen", "CN", true),
        ("eu-central-1", "EU", false),
        ("onprem-hk", "HK", true),
        ("onprem-mo", "MO", true),
    ];
    assert_eq!(laws, expect.map(|(id, law, gba)| (id, law.to_owned(), gba)));
    check(&BANK.replace("ap-southeast-1", "ap-nowhere-1"), &subject(), |_| (), &["I-11"]);
}

#[test]
fn consent_holds_at_the_event_and_now() {
    let day = |n: u32| at(&format!("2026-05-{n:02}T00:00:00Z"));
    let interval = |from, to: Option<u32>| ConsentInterval { from: day(from), to: to.map(day) };
    let check = |intervals: &[ConsentInterval], event, now, expect| {
        assert_eq!(consent_between(intervals, day(event), day(now)), expect, "{intervals:?}");
    };
    check(&[], 2, 3, Consent::Absent);
    check(&[interval(1, None)], 2, 3, Consent::Given);
    check(&[interval(1, Some(4))], 2, 3, Consent::Given);
    check(&[interval(1, Some(3))], 2, 3, Consent::Withdrawn);
    check(&[interval(3, None)], 2, 4, Consent::Absent);
    check(&[interval(1, Some(3)), interval(4, None)], 2, 5, Consent::Given);
    check(&[interval(1, Some(2)), interval(4, None)], 3, 5, Consent::Withdrawn);
}

#[test]
fn biometric_evidence_is_discarded_unless_every_law_and_the_policy_keep_it() {
    let rule = |law: &str, method: &str, days: u32| {
        format!("[[biometric]]\nlaw=\"{law}\"\nmethod=\"{method}\"\nkeep=\"vault\"\ndays={days}\n")
    };
    let ceiling = "\n[[biometric]]\nlaw=\"MO\"\nmethod=\"fingerprint\"\nmax_days=10\ncite=\"x\"\n";
    let policy = format!(
        "{BANK}\n{}{}{}",
        rule("MO", "face", 30),
        rule("MO", "fingerprint", 30),
        rule("CN", "face", 30)
    );
    let check = |rules: &Rules, laws: &[Law], method, expect| {
        assert_eq!(rules.biometric_under(laws, method), expect, "{laws:?} {method}");
    };
    let rules = rules_with(&policy, &format!("{LAW_PACK}{ceiling}"));
    check(&rules, &[Law::MO], RecordMethod::Face, Keep::Vault { days: 30 });
    check(&rules, &[Law::MO], RecordMethod::Fingerprint, Keep::Vault { days: 10 });
    check(&rules, &[Law::MO], RecordMethod::Palm, Keep::Discard);
    check(&rules, &[Law::CN], RecordMethod::Face, Keep::Discard);
    check(&rules, &[Law::MO, Law::HK], RecordMethod::Face, Keep::Discard);
    check(&rules, &[], RecordMethod::Face, Keep::Discard);
    assert_eq!(rules.biometric_rule("mo-hq", RecordMethod::Face), Keep::Vault { days: 30 });
    assert_eq!(rules.biometric_rule("elsewhere", RecordMethod::Face), Keep::Discard);
    let bank = rules_with(BANK, LAW_PACK);
    check(&bank, &[Law::MO], RecordMethod::Face, Keep::Discard);
}

#[test]
fn the_shortest_ceiling_and_the_longest_floor_count() {
    let more = "purpose_days = 400\nfloor_days = 500\nthen = \"hours-only\"\n";
    let floor = "\n[[floor]]\nlaw=\"MO\"\nclass=\"attendance.event\"\ndays=600\ncite=\"x\"\n";
    let rules = rules_with(&format!("{BANK}{more}"), &format!("{LAW_PACK}{floor}"));
    let rule = |law| rules.retention(Class::Event, law);
    let expect = |floor_days| {
        Some(RetentionRule { ceiling_days: 400, floor_days, then: Some(Reduce::HoursOnly) })
    };
    assert_eq!(rule(Law::MO), expect(600));
    assert_eq!(rule(Law::HK), expect(500));
    assert_eq!(rules.retention(Class::Daily, Law::MO), None);
}
