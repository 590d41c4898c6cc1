//! Times one decision, not memoised, on the Macau bank's policy with its papers on file.
//!
//! `cargo run --release -p muster-residency --example decide` prints the median and the 99th
//! percentile over a million decisions.
#![allow(clippy::print_stdout)]

use muster_residency::facts::{Facts, Lane, Paper, Record, Subject};
use muster_residency::vocab::{
    AccountClass, AgeBand, Basis, Category, Class, Field, FieldSet, RecordMethod, Verdict,
};
use muster_residency::{LawPack, Policy, Rules, decide};
use std::hint::black_box;
use std::time::Instant;

const POLICY: &str = include_str!("../tests/policies/mo-bank.toml");
const LAW_PACK: &str = include_str!("../tests/lawpack.toml");
const DECISIONS: usize = 1_000_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rules = Rules::new(Policy::parse(POLICY)?, LawPack::parse(LAW_PACK)?);
    let papers = papers()?;
    let subject = subject();
    let now = "2026-05-11T09:00:00+08:00".parse()?;
    let mut facts = Facts::new(now, &subject, record(now));
    facts.site = Some("mo-hq");
    facts.clock_trusted = true;
    facts.signers = &rules.policy().header.signers;
    facts.basis = Some(Basis::Contract);
    facts.papers = &papers;
    assert_eq!(decide(&rules, &facts).verdict(), Verdict::Forward);
    report("forwarded", &rules, &facts);
    facts.papers = &papers[..3];
    assert_eq!(decide(&rules, &facts).verdict(), Verdict::Hold);
    report("held", &rules, &facts);
    Ok(())
}

fn report(name: &str, rules: &Rules, facts: &Facts<'_>) {
    let mut nanos: Vec<u128> = (0..DECISIONS)
        .map(|_| {
            let start = Instant::now();
            black_box(decide(black_box(rules), black_box(facts)));
            start.elapsed().as_nanos()
        })
        .collect();
    nanos.sort_unstable();
    let at = |share: usize| nanos[DECISIONS * share / 100];
    println!("{name}: median {} ns, p99 {} ns, timer included", at(50), at(99));
}

fn papers() -> Result<Vec<Paper>, Box<dyn std::error::Error>> {
    let rows = [
        ("dpa", "*"),
        ("amcm-outsourcing", "*"),
        ("mo-art10-notice", "*"),
        ("mo-art20-ground", "MO->SG"),
        ("mo-notification", "MO->SG"),
    ];
    let (from, to) = ("2026-01-01T00:00:00+08:00".parse()?, "2027-01-01T00:00:00+08:00".parse()?);
    let paper = |&(kind, lane): &(&str, &str)| {
        let lane = Lane::from_text(lane).ok_or("a lane")?;
        Ok(Paper { kind: kind.into(), lane, from, to })
    };
    rows.iter().map(paper).collect()
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

fn record(check_time: jiff::Timestamp) -> Record {
    Record {
        class: Some(Class::Event),
        fields: FieldSet::of(&[
            Field::EventId,
            Field::PlatformUserId,
            Field::SubjectRef,
            Field::CheckTime,
            Field::Direction,
            Field::SiteRef,
            Field::DeviceAlias,
            Field::Shift,
        ]),
        check_time: Some(check_time),
        method: Some(RecordMethod::Card),
        ..Record::default()
    }
}
