//! Publish-time checks: each fault is found with its line.

use muster_residency::check::{Finding, Severity, check, check_registry, check_review};
use muster_residency::explain::Language;
use muster_residency::facts::{Lane, Paper};
use muster_residency::{LawPack, Policy};
use std::collections::BTreeSet;

const LAW_PACK: &str = include_str!("lawpack.toml");
const BANK: &str = include_str!("policies/mo-bank.toml");
const SCHOOL: &str = include_str!("policies/hk-school.toml");

fn law_pack() -> LawPack {
    LawPack::parse(LAW_PACK).expect("law pack")
}

/// Replaces `from` by `to` in `policy`, and wants a finding about `expect` on a line that has
/// `on` in it, or a parse error there.
fn refuses(policy: &str, from: &str, to: &str, on: &str, expect: &str) {
    assert!(policy.contains(from), "{from}");
    let text = policy.replacen(from, to, 1);
    let (line, found) = match Policy::parse(&text) {
        Err(error) => (error.line, error.to_string()),
        Ok(policy) => {
            let findings = check(&policy, &law_pack());
            let finding = findings.into_iter().find(|f| f.what.contains(expect));
            finding.iter().for_each(said_in_every_language);
            finding.map(|f| (f.line, f.to_string())).unwrap_or_default()
        }
    };
    assert!(found.contains(expect), "{to}: {found}");
    let at = text.lines().nth(line - 1).unwrap_or_default();
    assert!(at.contains(on), "{to}: line {line} is {at}");
}

/// The finding has its three texts in each language, filled, and its own in each.
fn said_in_every_language(finding: &Finding) {
    let code = finding.code;
    let mut seen = BTreeSet::new();
    for language in Language::ALL {
        let told = finding.told(language);
        for text in [&told.what, &told.why, &told.cure] {
            assert!(!text.contains("{ $") && !text.contains(code), "{code}: {text}");
        }
        assert!(seen.insert(told.what.clone()), "{code} says the same twice: {}", told.what);
        let line = finding.in_line(language);
        assert!(line.contains(&told.cure) && line.contains(&finding.line.to_string()), "{line}");
    }
    assert_eq!(finding.told(Language::En).what, finding.what);
}

#[test]
fn unknown_words_are_refused_with_their_line() {
    refuses(BANK, "default = \"hold\"", "default = \"forward\"", "forward", "unknown variant");
    refuses(BANK, "operator = ", "operater = ", "operater", "unknown field `operater`");
    refuses(BANK, "\"employee\"", "\"robot\"", "robot", "`robot` is not a value");
    refuses(
        BANK,
        "subject.department",
        "subject.shoe",
        "subject.shoe",
        "unknown field `subject.shoe`",
    );
    refuses(BANK, "gw.residency/1", "gw.residency/2", "schema", "schema is `gw.residency/2`");
    refuses(BANK, "2026-04-01T00:00:00+08:00", "2026-04-01", "effective_from", "offset");
    refuses(
        BANK,
        "\"dingtalk\"
account_class",
        "\"telegraph\"
account_class",
        "telegraph",
        "`telegraph`",
    );
    refuses(BANK, "jurisdiction = \"MO\"", "jurisdiction = \"macau\"", "macau", "code of a law");
    refuses(
        BANK,
        "[\"private-banking\", \"compliance\"]",
        "[]",
        "subject.department",
        "allows no value",
    );
}

#[test]
fn faults_between_tables_are_found() {
    refuses(BANK, "apac-eu-2026.2", "other", "[policy]", "law pack `other`");
    refuses(BANK, "2026-10-01T", "2026-12-01T", "[policy]", "more than 6 calendar months");
    refuses(BANK, "2026-10-01T", "2026-03-01T", "[policy]", "is not after");
    refuses(BANK, "ap-southeast-1", "ap-nowhere-1", "[[destination]]", "not in the catalogue");
    refuses(
        BANK,
        "operator = \"DingTalk (Singapore) Private Limited\"",
        "",
        "[[destination]]",
        "no operator",
    );
    refuses(
        BANK,
        "residency_evidence = \"contract\"",
        "",
        "[[destination]]",
        "no residency evidence",
    );
    refuses(BANK, "account_class = \"dingtalk\"", "", "[[destination]]", "no account class");
    refuses(
        BANK,
        "remote_access_from",
        "fallback = \"x\"\nremote_access_from",
        "[[destination]]",
        "fallback `x`",
    );
    refuses(
        BANK,
        "\"event_id\"",
        "\"photo_url\"",
        "[[profile]]",
        "`photo_url`, which never leaves",
    );
    refuses(
        BANK,
        "\"event_id\"",
        "\"id_number\"",
        "[[profile]]",
        "`id_number`, which never leaves",
    );
    refuses(BANK, "\"event_id\"", "\"shoe_size\"", "[[profile]]", "`shoe_size`, which is no field");
    refuses(BANK, "\"event_id\"", "\"check_time\"", "[[profile]]", "twice");
    refuses(BANK, "\"platform_user_id\", ", "", "[[permit]]", "lacks `platform_user_id`");
    refuses(BANK, "to = \"sg-tenant\"", "to = \"moon\"", "[[permit]]", "destination `moon`");
    refuses(BANK, "profile = \"dingtalk-min\"", "profile = \"x\"", "[[permit]]", "profile `x`");
    refuses(BANK, "\"mo-hq\"]", "\"elsewhere\"]", "[[permit]]", "fits no site");
    refuses(
        BANK,
        "\"attendance.event\", \"attendance.correction\"",
        "\"biometric.template\"",
        "[[permit]]",
        "never leave",
    );
    refuses(BANK, "id = \"F-VIP\"", "id = \"I-02\"", "[[forbid]]", "reason code");
    refuses(BANK, "id = \"F-VIP\"", "id = \"F-MAINLAND\"", "[[forbid]]", "two rules are called");
    refuses(
        BANK,
        "local_days = 1095",
        "local_days = 10\nfloor_days = 20",
        "[[retention]]",
        "kept 10 days",
    );
    refuses(SCHOOL, "k_min = 10", "", "[[profile]]", "no k_min");
}

#[test]
fn faults_of_added_tables_are_found() {
    let with = |table: &str| format!("{BANK}\n{table}");
    let bank = |table: &str, on: &str, expect: &str| {
        refuses(&with(table), "mo-bank", "mo-bank", on, expect)
    };
    bank(
        "[[destination]]\nid=\"b\"\nregion=\"onprem-mo\"\nconnector=\"https\"\noperator=\"x\"\n\
         remote_access_from=[]\nresidency_evidence=\"endpoint\"\n[[permit]] # second\nid=\"P2\"\n\
         when={\"subject.category\"=[\"employee\"]}\nto=\"b\"\nprofile=\"dingtalk-min\"",
        "# second",
        "can match one record",
    );
    bank(
        "[[limit]]\nid=\"L\"\ncounter=\"cn_export_persons\"\napplies_to=[\"moon\"]\nwarn=1",
        "[[limit]]",
        "`moon`",
    );
    bank(
        "[[limit]]\nid=\"L\"\ncounter=\"cn_export_persons\"\napplies_to=[]",
        "[[limit]]",
        "neither",
    );
    bank(
        "[[biometric]]\nlaw=\"CN\"\nmethod=\"face\"\nkeep=\"vault\"\ndays=1",
        "[[biometric]]",
        "kept longer",
    );
    bank(
        "[[biometric]]\nlaw=\"MO\"\nmethod=\"face\"\nkeep=\"vault\"",
        "[[biometric]]",
        "do not fit",
    );
    bank(
        "[[forbid]]\nid=\"F-ALL\"\nwhen={}\neffect=\"hold\"\nbecause=\"x\"",
        "[[permit]]",
        "always overruled by forbid `F-ALL`",
    );
}

#[test]
fn warnings_do_not_refuse() {
    let long = BANK.replacen("2026-10-01T", "2027-10-01T", 1);
    let findings = check(&Policy::parse(&long).expect("it parses"), &law_pack());
    assert_eq!(findings.iter().map(|f| f.severity).collect::<Vec<_>>(), [Severity::Warning]);
}

#[test]
fn what_the_registry_lacks_or_is_about_to_lose_is_told() {
    let policy = Policy::parse(BANK).expect("a policy");
    let now: jiff::Timestamp = "2026-11-27T00:00:00Z".parse().expect("a time");
    let paper = |kind: &str, days: i64| Paper {
        kind: kind.into(),
        lane: Lane::ANY,
        from: jiff::Timestamp::UNIX_EPOCH,
        to: now + jiff::SignedDuration::from_hours(24 * days),
    };
    let tell = |papers: &[Paper]| -> Vec<String> {
        let findings = check_registry(&policy, papers, now);
        assert!(findings.iter().all(|f| f.severity == Severity::Warning));
        findings.iter().for_each(said_in_every_language);
        findings.into_iter().map(|f| f.what).collect()
    };
    let none = tell(&[]);
    assert_eq!(none.len(), 2, "{none:?}");
    assert!(none.iter().all(|what| what.contains("not in the registry")), "{none:?}");
    let some = tell(&[paper("dpa", 30), paper("amcm-outsourcing", 0)]);
    assert!(some.iter().any(|w| w.contains("`dpa`, which ends on")), "{some:?}");
    assert!(some.iter().any(|w| w.contains("`amcm-outsourcing`, which ended on")), "{some:?}");
    let renewed = [paper("dpa", 1), paper("dpa", 31), paper("amcm-outsourcing", 400)];
    assert_eq!(tell(&renewed), Vec::<String>::new());
    let review = |today: &str| {
        let found = check_review(&policy, &law_pack(), today.parse().expect("a day"));
        found.iter().for_each(said_in_every_language);
        found.into_iter().map(|f| f.what).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(review("2026-10-01"), "");
    assert!(review("2026-11-27").contains("is due for review on 2026-12-01"));
    assert!(review("2026-12-01").contains("is due for review"));
    assert!(review("2026-12-02").contains("is past its review of 2026-12-01"));
}

#[test]
fn a_region_other_than_the_site_pins_is_refused_with_its_line() {
    let pinned = |regions: &str| {
        SCHOOL.replacen("gba = true", &format!("gba = true\npin_regions = {regions}"), 1)
    };
    let school = pinned("[\"cn-hongkong\"]");
    assert_eq!(check(&Policy::parse(&school).expect("it parses"), &law_pack()), []);
    refuses(
        &school,
        "region = \"cn-hongkong\"",
        "region = \"ap-southeast-1\"",
        "[[destination]]",
        "`ap-southeast-1`, and site `hk-campus` pins its records to `cn-hongkong`",
    );
    refuses(
        &pinned("[\"onprem-hk\"]"),
        "hk-node",
        "hk-node",
        "[[destination]]",
        "pins its records",
    );
    refuses(&pinned("[\"hongkong\"]"), "hk-node", "hk-node", "[[site]]", "not in the catalogue");
    let two = "[\"onprem-hk\", \"cn-hongkong\"]";
    assert_eq!(check(&Policy::parse(&pinned(two)).expect("it parses"), &law_pack()), []);
}

#[test]
fn a_pin_is_part_of_what_is_signed_and_no_pin_leaves_the_hash_as_it_was() {
    let hash = |text: &str| Policy::parse(text).expect("it parses").hash();
    let pinned = SCHOOL.replacen("gba = true", "gba = true\npin_regions = [\"cn-hongkong\"]", 1);
    let empty = SCHOOL.replacen("gba = true", "gba = true\npin_regions = []", 1);
    assert_ne!(hash(SCHOOL), hash(&pinned));
    assert_eq!(hash(SCHOOL), hash(&empty));
}

/// What is quoted in the sources of the checks and begins no text is there in the catalogue, and the
/// catalogue has nothing that nobody says.
#[test]
fn every_finding_has_its_texts_and_every_text_its_finding() {
    let room = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let mut quoted = BTreeSet::from(["finding-line".to_owned()]);
    for folder in ["check", "diff"] {
        for file in std::fs::read_dir(format!("{room}/{folder}")).expect("a folder") {
            let text = std::fs::read_to_string(file.expect("a file").path()).expect("a source");
            quoted.extend(text.split('"').map(str::to_owned));
        }
    }
    let catalogue = include_str!("../i18n/en/findings.ftl");
    let keys: BTreeSet<&str> =
        catalogue.lines().filter_map(|line| Some(line.split_once(" = ")?.0)).collect();
    let whole = |key: &str| key.trim_end_matches("-why").trim_end_matches("-cure").to_owned();
    let unused: Vec<_> = keys.iter().filter(|key| !quoted.contains(&whole(key))).collect();
    assert!(unused.is_empty(), "nobody says {unused:?}");
    let found = keys.iter().filter(|key| key.ends_with("-why")).map(|key| whole(key));
    for code in found {
        assert!(keys.contains(code.as_str()) && keys.contains(format!("{code}-cure").as_str()));
    }
    assert!(keys.len() > 100, "the catalogue is not read");
}
