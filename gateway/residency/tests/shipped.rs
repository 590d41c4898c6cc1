//! What ships in `deploy`: law packs parse; every policy parses, has no findings, and whatever it
//! decides can be said in words.

use muster_residency::check::check;
use muster_residency::explain::{Language, Words, words};
use muster_residency::facts::{Facts, Record, Subject};
use muster_residency::vocab::{AgeBand, Basis, Category, Class, FieldSet, RecordMethod, Verdict};
use muster_residency::{LawPack, Policy, Rules, StoredDecision, decide};
use std::collections::BTreeSet;

/// The files of a folder of `deploy`, by name.
fn shipped(folder: &str) -> Vec<(String, String)> {
    let dir = format!("{}/../../deploy/{folder}", env!("CARGO_MANIFEST_DIR"));
    let paths = std::fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("it").path());
    let file = |path: std::path::PathBuf| {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        (name, std::fs::read_to_string(path).expect("text"))
    };
    let mut files: Vec<_> = paths.map(file).collect();
    files.sort();
    files
}

fn law_pack() -> LawPack {
    let mut packs = shipped("lawpacks");
    LawPack::parse(&packs.pop().expect("a law pack").1).expect("it parses")
}

#[test]
fn law_packs_parse() {
    let packs = shipped("lawpacks");
    assert!(!packs.is_empty());
    packs.iter().for_each(|(_, text)| drop(LawPack::parse(text).expect("it parses")));
}

#[test]
fn each_policy_parses_is_clean_and_explains_all_it_decides() {
    let policies = shipped("policies");
    let expect = ["cn-hq", "eu-branch", "hk-school", "mo-bank", "sg-hq", "zh-mo-construction"];
    assert_eq!(policies.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), expect);
    for (name, text) in policies {
        let policy = Policy::parse(&text).expect("it parses");
        assert_eq!(check(&policy, &law_pack()), [], "{name}");
        let rules = Rules::new(policy, law_pack());
        let decided = decided(&rules);
        let verdicts: BTreeSet<_> = decided.iter().map(|d| d.decision.as_str()).collect();
        assert!(verdicts.contains("HOLD") && verdicts.contains("DROP"), "{name}: {verdicts:?}");
        decided.iter().for_each(|decision| explained(&name, decision));
    }
}

#[test]
fn the_hong_kong_template_goes_nowhere_but_to_the_region_it_pins() {
    let policies = shipped("policies");
    let (_, text) = policies.iter().find(|(name, _)| name == "hk-school").expect("it ships");
    let policy = Policy::parse(text).expect("it parses");
    assert!(policy.sites.iter().all(|site| site.pin_regions == ["cn-hongkong"]));
    let catalogue = law_pack().region;
    for region in catalogue.keys().filter(|region| *region != "cn-hongkong") {
        let mut moved = policy.clone();
        moved.destinations.iter_mut().for_each(|to| to.region = region.clone());
        let codes: Vec<_> = check(&moved, &law_pack()).iter().map(|f| f.code).collect();
        assert_eq!(codes, ["pin-broken"], "{region}");
    }
}

/// Every class of every kind of person on every site, on the policy's first day, with no paper.
fn decided(rules: &Rules) -> Vec<StoredDecision> {
    let mut decided = Vec::new();
    let header = &rules.policy().header;
    for (site, &class) in rules.sites().iter().flat_map(|s| Class::ALL.iter().map(move |c| (s, c)))
    {
        for (&category, &age) in
            Category::ALL.iter().flat_map(|c| AgeBand::ALL.iter().map(move |a| (c, a)))
        {
            let subject = Subject {
                category: Some(category),
                age_band: Some(age),
                department: Some("ops".into()),
                ..Subject::default()
            };
            let record = Record {
                class: Some(class),
                check_time: Some(header.effective_from),
                method: Some(RecordMethod::Card),
                fields: FieldSet::of(muster_residency::vocab::Field::ALL),
                ..Record::default()
            };
            let mut facts = Facts::new(header.effective_from, &subject, record);
            facts.site = Some(&site.id);
            facts.clock_trusted = true;
            facts.signers = &header.signers;
            facts.basis = Some(Basis::Contract);
            decided.push(decide(rules, &facts).stored());
        }
    }
    decided
}

/// Each language has a sentence of its own for the verdict and each reason, all filled in.
fn explained(policy: &str, decision: &StoredDecision) {
    let told = Language::ALL.map(|language| words(decision, language));
    for Words { verdict, reasons, to_release, note } in &told {
        let codes: Vec<&str> = reasons.iter().map(|(code, ..)| code.as_str()).collect();
        assert!(decision.reasons.iter().all(|code| codes.contains(&&**code)), "{policy} {codes:?}");
        assert_eq!(to_release.len(), decision.to_release.len(), "{policy}");
        let sentences = reasons.iter().map(|(code, text, _)| {
            assert_ne!(code, text, "{policy}");
            text
        });
        let remedies = to_release.iter().flatten();
        for text in sentences.chain(remedies).chain([verdict, note]) {
            assert!(!text.is_empty() && !text.contains(['{', '}']), "{policy}: {text}");
        }
    }
    let [en, hant, ..] = &told;
    assert_ne!(en.verdict, hant.verdict, "{policy}");
    let goes = decision.decision == Verdict::Forward;
    let named = decision.destination.as_deref().is_some_and(|to| en.verdict.contains(to));
    assert!(!goes || named, "{policy}: {}", en.verdict);
}
