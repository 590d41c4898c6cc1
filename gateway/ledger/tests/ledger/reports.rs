//! Reports from a seeded ledger, against golden files. `MUSTER_BLESS=1` writes them anew: look at
//! what changed before it is committed.

use crate::setting::{NOW_MS, Setting, connected, employee, govern, policy_with, punch};
use jiff::civil::date;
use jiff::tz::TimeZone;
use muster_attendance::{Attendance, DeviceId};
use muster_ledger::trail::Span;
use muster_ledger::{Ledger, PersonProfile, Settlement};
use muster_report::figures::{Baseline, Counter, Figures, Paper};
use muster_report::{Document, Entered, Input, Kind, Words, report};
use muster_residency::explain::Language;
use muster_residency::vocab::Law;
use std::path::Path;

const DAY_MS: i64 = 86_400_000;

fn of_department(number: &str, department: &str) -> PersonProfile {
    PersonProfile { department: Some(department.into()), ..employee(number) }
}

/// Four employees in two departments, and a visitor of whom nothing is known: eight punches, of
/// which five have arrived, one was refused, and two wait.
async fn seeded(ledger: &Ledger) -> DeviceId {
    let (device, stranger) = {
        let devices = ledger.devices();
        (devices.intern("gate-07").unwrap(), devices.intern("gate-99").unwrap())
    };
    govern(ledger, 1, "mo-hr").await;
    let staff = [("1", "kitchen"), ("2", "kitchen"), ("3", "office"), ("4", "office")];
    let profiles = staff.map(|(number, department)| of_department(number, department));
    ledger.directory().import(profiles.to_vec()).await.unwrap();
    let mut punches = Vec::new();
    for (seq, number) in ["1", "2", "3", "4", "1", "2", "77", "78"].into_iter().enumerate() {
        let person = ledger.directory().exchange(device, number).await.unwrap();
        let device = if number == "78" { stranger } else { device };
        punches.push(punch(device, seq as u64 + 1, person));
    }
    ledger.committer().commit(punches).await.unwrap();
    let outbox = connected(ledger).await;
    let parcels = outbox.next(6).await.unwrap();
    assert_eq!(parcels.len(), 6);
    let settled = parcels.into_iter().enumerate().map(|(n, parcel)| match n {
        0 => (parcel, Settlement::Rejected { reason: "unknown user".into() }),
        n => (parcel, Settlement::Accepted { receipt: (n % 2 == 1).then(|| format!("r-{n}")) }),
    });
    outbox.settle(settled.collect()).await.unwrap();
    ledger.note("ho.mei", "looked at held records").await.unwrap();
    device
}

/// The figures of the ledger, what differs from run to run masked, and what the registry of legal
/// evidence will say added.
async fn figures(ledger: &Ledger) -> Figures {
    let trail = ledger.trail();
    let span = Span { from_ms: NOW_MS - 30 * DAY_MS, to_ms: NOW_MS + DAY_MS };
    let figures = tokio::task::spawn_blocking(move || trail.figures(span).unwrap()).await.unwrap();
    let at = |text: &str| text.parse().unwrap();
    let counter = |law, persons, sensitive, records, baseline| Counter {
        law,
        year: 2026,
        destination: None,
        bucket: None,
        persons,
        sensitive,
        records,
        baseline,
    };
    Figures {
        batch: 1,
        chain: "0".repeat(64),
        processed: vec![(2026, 8)],
        papers: vec![Paper {
            number: 1,
            kind: "dpa".into(),
            lane: "MO->SG".into(),
            from: at("2026-01-01T00:00:00Z"),
            to: at("2026-12-20T00:00:00Z"),
            filing: Some("F-12".into()),
            sha256: "0".repeat(64),
            withdrawn: false,
        }],
        counters: vec![
            counter(Law::CN, 9_999, 0, 50_000, None),
            counter(
                Law::MO,
                10,
                0,
                40,
                Some(Baseline { persons: 100, sensitive: 1, records: 1_000 }),
            ),
        ],
        ..figures
    }
}

fn document(ledger: &Ledger, figures: &Figures, kind: Kind, words: Words) -> Document {
    let rules = ledger.rules().unwrap();
    let input = Input {
        site: "mo-hq",
        zone: TimeZone::get("Asia/Macau").unwrap(),
        made_at: "2026-12-01T02:00:00Z".parse().unwrap(),
        from: date(2026, 11, 1),
        to: date(2026, 12, 1),
        rules: Some(&rules),
        figures,
        entered: Entered {
            training: Some(70),
            integration: Some(80),
            known_at: Some("2026-11-28T02:00:00Z".parse().unwrap()),
            evidence: Some(12),
            ..Entered::default()
        },
    };
    report(kind, words, &input)
}

fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("MUSTER_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let expect = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(text == expect, "{name} is not as it was:\n{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_report_is_as_the_golden_file_has_it() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    seeded(&ledger).await;
    let figures = figures(&ledger).await;
    let english = Words::of(Language::En);
    for kind in Kind::ALL {
        let made = document(&ledger, &figures, kind, english);
        golden(&format!("{}.json", kind.word()), &made.json());
        for words in [english, Words::of(Language::ZhHant)] {
            let made = document(&ledger, &figures, kind, words);
            let (html, csv) = (made.html(words), made.csv());
            let all = format!("{html}{csv}{}", made.json()).to_lowercase();
            assert!(!all.contains("compliant") && !all.contains("name 1"), "{}", kind.word());
            assert!(html.contains(&words.say("note-law-pack")), "{}", kind.word());
        }
    }
    let flows = document(&ledger, &figures, Kind::Flows, english);
    golden("flows.svg", flows.svg().unwrap());
    golden("transfers.csv", &document(&ledger, &figures, Kind::Transfers, english).csv());
    golden("ropa.zh-Hant.html", &{
        let words = Words::of(Language::ZhHant);
        document(&ledger, &figures, Kind::Ropa, words).html(words)
    });
    ledger.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_counter_more_flips_one_answer() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    seeded(&ledger).await;
    let mut figures = figures(&ledger).await;
    let answers = |figures: &Figures| {
        let made = document(&ledger, figures, Kind::SelfAssessment, Words::of(Language::En));
        let rows = made.sections[0].rows.iter();
        rows.map(|row| row[3].shown()).collect::<Vec<_>>()
    };
    figures.counters[1].baseline = None;
    assert_eq!(answers(&figures), ["no", "no", "no"]);
    figures.counters[0].persons += 1;
    assert_eq!(answers(&figures), ["yes", "no", "no"]);
    figures.counters[0].records = 100_000;
    assert_eq!(answers(&figures), ["yes", "yes", "no"]);
    figures.counters[0].records = 99_999;
    figures.counters[0].sensitive = 1;
    assert_eq!(answers(&figures), ["yes", "no", "yes"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_declared_is_red() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    seeded(&ledger).await;
    let mut figures = figures(&ledger).await;
    let svg = |figures: &Figures| {
        let made = document(&ledger, figures, Kind::Flows, Words::of(Language::En));
        made.svg().unwrap().to_owned()
    };
    figures.terminals.iter_mut().for_each(|terminal| terminal.paired = true);
    assert!(!svg(&figures).contains("#c00000"), "all is declared");
    figures.flows[0].destination = "elsewhere".into();
    assert!(svg(&figures).contains("#c00000"), "an edge that nobody declared");
    ledger.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn past_the_review_date_every_report_warns() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    seeded(&ledger).await;
    let overdue = policy_with(2, "mo-hr", |text| text);
    let pack = overdue.law_pack.replace("review_due = 2027-12-01", "review_due = 2026-11-30");
    let rules = muster_residency::Rules::new(
        muster_residency::Policy::parse(&overdue.policy).unwrap(),
        muster_residency::LawPack::parse(&pack).unwrap(),
    );
    let figures = figures(&ledger).await;
    for kind in Kind::ALL {
        let input = Input {
            site: "mo-hq",
            zone: TimeZone::UTC,
            made_at: "2026-12-01T02:00:00Z".parse().unwrap(),
            from: date(2026, 11, 1),
            to: date(2026, 12, 1),
            rules: Some(&rules),
            figures: &figures,
            entered: Entered::default(),
        };
        let made = report(kind, Words::of(Language::En), &input);
        assert!(made.notes.iter().any(|note| note.starts_with("WARNING")), "{}", kind.word());
    }
    ledger.close().await;
}

/// A stored decision can be made again from what the journal holds: the policy and law pack whose
/// hashes it names, and the facts of the record.
#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_made_again_from_the_journal_alone() {
    use muster_residency::facts::{Facts, Record, RegionCheck, Subject};
    use muster_residency::vocab::{AgeBand, Basis, Category, Class, Field, FieldSet};
    use muster_residency::{LawPack, Policy, Rules, decide};
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    seeded(&ledger).await;
    let views = ledger.views();
    let page = views.records(date(2026, 1, 1), date(2026, 12, 31), None, 10).await.unwrap();
    let known = |row: &muster_ledger::RecordRow| row.destination.is_some();
    let row = page.rows.into_iter().find(known).unwrap();
    let stored = ledger.explain(row.id).await.unwrap().unwrap();
    // Years later: another policy is in force, and the journal is all there is.
    ledger.govern(Some(policy_with(9, "mo-pay", |text| text))).await.unwrap();
    let (data, rules_then) = (setting.data(), stored.rules.clone().unwrap());
    let mut out = Vec::new();
    let key = muster_ledger::RootKey::new([7; 32]);
    muster_ledger::export_journal(&data, key, &mut out).unwrap();
    let lines = String::from_utf8(out).unwrap();
    let governed = lines.lines().filter_map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        let governance = &line["governance"];
        let policy = Policy::parse(governance["policy"].as_str()?).ok()?;
        let pack = LawPack::parse(governance["law_pack"].as_str()?).ok()?;
        Some(Rules::new(policy, pack))
    });
    let hex = |bytes: [u8; 32]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let rules = governed.into_iter().find(|rules| {
        hex(rules.policy_hash()) == rules_then.policy_sha256
            && hex(rules.law_pack_hash()) == rules_then.law_pack_sha256
    });
    let rules = rules.expect("the journal has the policy that the decision names");
    let subject = Subject {
        category: Some(Category::Employee),
        age_band: Some(AgeBand::Adult),
        ..Subject::default()
    };
    let attendance: Attendance = stored.attendance;
    let fields = [
        Field::EventId,
        Field::CheckTime,
        Field::SiteRef,
        Field::DeviceAlias,
        Field::VerifyMethod,
        Field::SubjectRef,
        Field::Direction,
    ];
    let record = Record {
        class: Some(Class::Event),
        fields: FieldSet::of(&fields),
        check_time: jiff::Timestamp::from_second(attendance.at.seconds).ok(),
        method: Some(attendance.method.into()),
        ..Record::default()
    };
    let at = jiff::Timestamp::from_millisecond(NOW_MS).unwrap();
    let signers = rules.policy().header.signers.clone();
    let signed = [("ho.mei", "dpo"), ("lam.kit", "it-admin")].map(|(person, role)| {
        muster_residency::policy::Signer { person: person.into(), role: role.into() }
    });
    assert!(signers.is_empty(), "who signed is in the signatures, not in the text");
    let mut facts = Facts::new(at, &subject, record);
    facts.site = Some("mo-hq");
    facts.clock_trusted = true;
    facts.signers = &signed;
    facts.basis = Some(Basis::Contract);
    facts.regions = RegionCheck::Pause;
    let decided = decide(&rules, &facts).stored();
    assert_eq!(Some(decided), stored.decision);
    ledger.close().await;
}
