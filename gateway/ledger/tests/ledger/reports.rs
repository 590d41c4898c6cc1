//! Reports from a seeded ledger, against golden files. `MUSTER_BLESS=1` writes them anew: look at
//! what changed before it is committed.

use crate::setting::{
    NOW_MS, Setting, attestation, commit, connected, employee, file, govern, govern_with, next,
    paper, policy_with, punch,
};
use jiff::civil::date;
use jiff::tz::TimeZone;
use muster_attendance::DeviceId;
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
            destination: None,
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

/// Each record that crosses a border is on both sides, with its receipt; each side is checked
/// alone, and both hang under one root.
#[tokio::test(flavor = "multi_thread")]
async fn both_sides_of_a_crossing_come_out_of_the_journal() {
    use muster_report::sides::{self, Horizons, Sides};
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    govern_with(&ledger, |text| text.replace("\"onprem-mo\"", "\"ap-southeast-1\"")).await;
    let dpa = paper("dpa", "MO->SG", NOW_MS - DAY_MS, NOW_MS + DAY_MS);
    file(&ledger, dpa).await;
    let device = ledger.devices().intern("gate-07").unwrap();
    ledger.directory().import(vec![employee("1")]).await.unwrap();
    let person = ledger.directory().exchange(device, "1").await.unwrap();
    commit(&ledger, device, person, 1..6).await;
    let outbox = ledger.outbox("mo-hr");
    outbox.attest(attestation("ap-southeast-1")).await.unwrap();
    let mut parcels = next(&outbox, 9).await;
    while parcels.len() < 5 {
        parcels.extend(next(&outbox, 9).await);
    }
    let receipt = || Settlement::Accepted { receipt: Some("r-1".into()) };
    outbox.settle(parcels.into_iter().map(|parcel| (parcel, receipt())).collect()).await.unwrap();
    let span = Span { from_ms: NOW_MS - DAY_MS, to_ms: NOW_MS + DAY_MS };
    let trail = ledger.trail();
    let work = move || (trail.crossings(span).unwrap(), trail.report_key().unwrap());
    let ((crossings, more), key) = tokio::task::spawn_blocking(work).await.unwrap();
    assert!(crossings.len() == 5 && !more);
    for crossing in &crossings {
        assert_eq!((crossing.from, crossing.to), (Law::MO, Law::SG));
        assert_eq!(crossing.receipt.as_deref(), Some("r-1"), "next to the transfer");
        assert_eq!(crossing.operator.as_deref(), Some("Test Limited"));
        assert_eq!(crossing.seen.as_ref().unwrap().host, "region.example:443");
        let (origin, target) = (&crossing.subjects.0, &crossing.subjects.1);
        assert!(origin.is_some() && target.is_some() && origin != target);
    }
    let made = Sides::new(
        "mo-hq",
        ("2026-12-01".into(), "2026-12-01".into()),
        &crossings,
        &Horizons::new(),
    );
    let side = |law| {
        let text = made.export(law, key.public_key(), &|bytes| key.sign(bytes));
        sides::verify(&text, Some(key.public_key())).unwrap()
    };
    let (macau, singapore) = (side(Law::MO), side(Law::SG));
    assert_eq!(macau.root, singapore.root);
    assert_eq!((macau.entries, singapore.entries), (5, 5));
    assert_eq!(macau.pairs, singapore.pairs);
    let trail = ledger.trail();
    let figures = tokio::task::spawn_blocking(move || trail.figures(span).unwrap()).await.unwrap();
    assert_eq!(figures.destinations[0].lanes["MO->SG"], 5);
    let total = figures.counters.iter().find(|c| c.destination.is_none() && c.law == Law::MO);
    assert_eq!(total.map(|c| (c.persons, c.records, c.baseline)), Some((1, 5, None)));
    assert_eq!(figures.papers.len(), 1);
    assert!(
        figures.access.iter().any(|a| a.actor == "lam.kit and ho.mei" && a.act == "paper-filed")
    );
    ledger.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_a_destination_has_a_slot_for_each_receipt() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    seeded(&ledger).await;
    let mut figures = figures(&ledger).await;
    let rows = |figures: &Figures| {
        let made = document(&ledger, figures, Kind::Offboarding, Words::of(Language::En));
        let rows = made.sections[0].rows.iter();
        let of = rows.filter(|row| row[0].shown() == "mo-hr");
        of.map(|row| [5, 6].map(|cell| row[cell].shown())).collect::<Vec<_>>()
    };
    let before = rows(&figures);
    assert_eq!(before.len(), 4, "stop, drain, request, confirm");
    assert_eq!(before.iter().filter(|row| row[0] == "done").count(), 0, "{before:?}");
    let mut paper = figures.papers[0].clone();
    paper.sha256 = "ab".repeat(32);
    for (number, kind, to, withdrawn) in [
        (90, "deletion-request", "mo-hr", false),
        (91, "deletion-confirmation", "another", false),
        (92, "deletion-confirmation", "mo-hr", true),
        (93, "deletion-request", "mo-hr", false),
    ] {
        paper.number = number;
        paper.kind = kind.into();
        paper.destination = Some(to.into());
        paper.withdrawn = withdrawn;
        figures.papers.push(paper.clone());
    }
    let after = rows(&figures);
    assert_eq!(after[2], ["done".into(), format!("paper 93, SHA-256 {}", "ab".repeat(32))]);
    assert_eq!(after[3], ["OPEN", ""], "another's, and one that was taken back, are none");
    ledger.close().await;
}

/// All of it, or not all of it: where the site pins a region, the statement says which.
#[tokio::test(flavor = "multi_thread")]
async fn the_statement_says_what_share_is_in_the_pinned_regions() {
    let setting = Setting::new();
    let (ledger, _) = setting.open();
    seeded(&ledger).await;
    let pin = |text: String| text.replacen("gba = ", "pin_regions = [\"onprem-mo\"]\ngba = ", 1);
    let pinned = policy_with(2, "mo-hr", pin);
    let rules = muster_residency::Rules::new(
        muster_residency::Policy::parse(&pinned.policy).unwrap(),
        muster_residency::LawPack::parse(&pinned.law_pack).unwrap(),
    );
    let mut figures = figures(&ledger).await;
    let told = |figures: &Figures| {
        let input = Input {
            site: "mo-hq",
            zone: TimeZone::UTC,
            made_at: "2026-12-01T02:00:00Z".parse().unwrap(),
            from: date(2026, 11, 1),
            to: date(2026, 12, 1),
            rules: Some(&rules),
            figures,
            entered: Entered::default(),
        };
        let made = report(Kind::Statement, Words::of(Language::En), &input);
        let total = made.sections[1].rows.last().unwrap();
        total[2..].iter().map(|cell| cell.shown()).collect::<Vec<_>>()
    };
    assert_eq!(told(&figures), ["6", "6", "0", "100.0"]);
    figures.destinations[0].untraced = 1;
    assert_eq!(told(&figures), ["6", "5", "1", "83.3"]);
    let mut elsewhere = figures.destinations[0].seen[0].clone();
    elsewhere.region = "ap-southeast-1".into();
    figures.destinations[0].seen.push(elsewhere);
    assert_eq!(told(&figures), ["6", "0", "6", "0.0"]);
    ledger.close().await;
}
