//! What counts as sensitive: every class of record under every law of the law pack.
//!
//! The pack names biometrics, which leave from nowhere, and counts the sensitive among those who
//! are exported from the mainland alone; of what may leave there, only people under 14 are.

use muster_residency::facts::{Facts, Lane, Paper, Record, Subject};
use muster_residency::vocab::{
    AgeBand, Basis, Bucket, Category, Class, Law, RecordMethod, Verdict,
};
use muster_residency::{LawPack, Policy, Rules, decide};

const BANK: &str = include_str!("policies/mo-bank.toml");
const LAW_PACK: &str = include_str!("lawpack.toml");
/// Every paper that a lane can want, but those that carry an export from the mainland.
const PAPERS: [&str; 13] = [
    "amcm-outsourcing",
    "cn-art39-notice",
    "dpa",
    "eu-scc",
    "eu-tia",
    "hk-pics",
    "jp-consent-28",
    "mo-art10-notice",
    "mo-art20-ground",
    "mo-notification",
    "my-tia",
    "pipia",
    "sg-contract",
];

/// The bank's policy on a site of that law, towards another, letting every class go.
fn rules(law: &str) -> Rules {
    let classes = Class::ALL.iter().map(|class| format!("{:?}", class.as_str()));
    let classes = classes.collect::<Vec<_>>().join(", ");
    let region = if law == "SG" { "ap-northeast-1" } else { "ap-southeast-1" };
    let text = BANK
        .replace("jurisdiction = \"MO\"", &format!("jurisdiction = \"{law}\""))
        .replace("controller = \"MO\"", &format!("controller = \"{law}\""))
        .replace("ap-southeast-1", region)
        .replace("connector = \"dingtalk\"", "connector = \"https\"")
        .replace("account_class = \"dingtalk\"", "")
        .replace("\"attendance.event\", \"attendance.correction\"", &classes);
    let policy = Policy::parse(&text).expect("a policy");
    Rules::new(policy, LawPack::parse(LAW_PACK).expect("a law pack"))
}

/// What is decided of a person of that age, with `counted` sensitive persons exported before.
fn decided(
    rules: &Rules,
    class: Class,
    age: AgeBand,
    counted: u64,
    contract: bool,
) -> (Verdict, Vec<String>, Option<Bucket>) {
    let subject = Subject {
        category: Some(Category::Employee),
        age_band: Some(age),
        department: Some("ops".into()),
        ..Subject::default()
    };
    let now = "2026-05-11T09:00:00+08:00".parse().expect("a time");
    let at = |text: &str| text.parse().expect("a time");
    let paper = |kind: &str| Paper {
        kind: kind.into(),
        lane: Lane::from_text("*").expect("a lane"),
        from: at("2026-01-01T00:00:00Z"),
        to: at("2027-01-01T00:00:00Z"),
    };
    let papers: Vec<Paper> =
        PAPERS.into_iter().chain(contract.then_some("cn-scc")).map(paper).collect();
    let record = Record {
        class: Some(class),
        check_time: Some(now),
        method: Some(RecordMethod::Card),
        ..Record::default()
    };
    let mut facts = Facts::new(now, &subject, record);
    facts.site = Some("mo-hq");
    facts.clock_trusted = true;
    facts.signers = &rules.policy().header.signers;
    facts.basis = Some(Basis::Contract);
    facts.papers = &papers;
    facts.counters.sensitive = counted;
    let decision = decide(rules, &facts);
    let reasons = decision.reasons().iter().map(|code| code.as_str().to_owned()).collect();
    (decision.verdict(), reasons, decision.bucket())
}

#[test]
fn every_class_under_every_law() {
    let pack = LawPack::parse(LAW_PACK).expect("a law pack");
    let laws: Vec<Law> = pack.lane.keys().copied().collect();
    assert_eq!(laws.len(), 7, "{laws:?}");
    for law in laws {
        let rules = rules(law.as_str());
        for &class in Class::ALL {
            for &age in [AgeBand::Under14, AgeBand::From14To17, AgeBand::Adult].iter() {
                let (verdict, reasons, bucket) = decided(&rules, class, age, 0, false);
                let reasons: Vec<&str> = reasons.iter().map(String::as_str).collect();
                let expect = match (class.as_str().starts_with("biometric."), law, age) {
                    (true, ..) => (Verdict::Drop, vec!["I-01"], None),
                    (_, Law::CN, AgeBand::Under14) => (Verdict::Hold, vec!["G-CN-38-SENS"], None),
                    (_, Law::CN, _) => (Verdict::Forward, vec![], Some(Bucket::Lt100k)),
                    _ => (Verdict::Forward, vec![], None),
                };
                assert_eq!((verdict, reasons, bucket), expect, "{law} {class} {age}");
            }
        }
    }
}

#[test]
fn sensitive_persons_have_a_threshold_of_their_own() {
    let rules = rules("CN");
    let check = |age, counted, contract, expect: Option<&str>| {
        let (_, reasons, _) = decided(&rules, Class::Event, age, counted, contract);
        assert_eq!(reasons, expect.into_iter().collect::<Vec<_>>(), "{age} {counted}");
    };
    check(AgeBand::Under14, 9_998, true, None);
    check(AgeBand::Under14, 9_999, true, Some("T-CN-10K-SENS"));
    check(AgeBand::Adult, 9_999, false, None);
}
