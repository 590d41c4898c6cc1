//! Measures the ledger alone: receipts, reopening and draining of a million records.
//!
//! `cargo run --release -p muster-ledger --example throughput -- [FOLDER] [RECORDS]`; with 0
//! records only what is in FOLDER is opened and drained, so that memory is told of that alone.

#![allow(clippy::print_stdout)]

use muster_attendance::{
    Attendance, DeviceClock, DeviceId, DeviceTime, Direction, Method, Outcome, PersonId,
};
use muster_ledger::{
    Attestation, Clock, ClockTrust, Governance, Ledger, Options, PersonProfile, RootKey,
    Settlement, Signer, TransferPeer,
};
use muster_residency::key::SigningKey;
use muster_residency::{LawPack, Policy, signature};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const NOW_MS: i64 = 1_796_086_800_000;
const DEVICES: u64 = 50;
const PEOPLE: u64 = 500;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let temporary = tempfile::tempdir().expect("a folder");
    let folder = arguments.next().map_or(temporary.path().to_owned(), PathBuf::from);
    let records = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let data = folder.join("data");
    say("one fdatasync, median", fdatasync(&folder));
    if records > 0 {
        fill(&data, records).await;
    }
    let began = Instant::now();
    let ledger = open(&data);
    say("reopened", began.elapsed());
    println!("{:<34} {:>12} KiB", "resident", resident());
    if records > 0 {
        return ledger.close().await;
    }
    drain(&ledger).await;
    println!("{:<34} {:>12} KiB", "resident after the drain", resident());
    ledger.close().await;
    let began = Instant::now();
    let ledger = open(&data);
    say("reopened after the drain", began.elapsed());
    ledger.close().await;
}

async fn fill(data: &Path, records: u64) {
    let ledger = open(data);
    govern(&ledger).await;
    let (devices, people) = populate(&ledger).await;
    window_one(&ledger, devices[0], people[0]).await;
    receipts(&ledger, &devices, &people, 1, 20, records / 4).await;
    receipts(&ledger, &devices, &people, 2, 256, records - records / 4).await;
    println!("{:<34} {:>12} B", "journal, each record", ledger.status().journal_bytes / records);
    ledger.close().await;
}

fn say(what: &str, took: Duration) {
    println!(
        "{what:<34} {:>12.3} ms  ({} ms of processor so far)",
        took.as_secs_f64() * 1e3,
        processor()
    );
}

fn open(data: &Path) -> Ledger {
    let began = Instant::now();
    let clock =
        Clock::new(move || (NOW_MS + began.elapsed().as_millis() as i64, ClockTrust::Trusted));
    let options = Options {
        data: data.to_owned(),
        site: "mo-hq".into(),
        time_zone: "Asia/Macau".into(),
        root_key: RootKey::new([7; 32]),
        clock,
        views_cache_bytes: 8 << 20,
    };
    Ledger::open(options).expect("the ledger opens").0
}

fn fdatasync(folder: &Path) -> Duration {
    use std::io::Write as _;
    std::fs::create_dir_all(folder).expect("a folder");
    let path = folder.join("sync");
    let mut file = std::fs::File::create(&path).expect("a file");
    let mut took: Vec<Duration> = (0..200)
        .map(|_| {
            let began = Instant::now();
            file.write_all(&[1; 256]).and_then(|()| file.sync_data()).expect("a sync");
            began.elapsed()
        })
        .collect();
    took.sort();
    std::fs::remove_file(path).expect("removed");
    took[100]
}

async fn populate(ledger: &Ledger) -> (Vec<DeviceId>, Vec<PersonId>) {
    let profile = |n: u64| PersonProfile {
        person: n.to_string(),
        name: Some(format!("Name {n}")),
        category: Some("employee".into()),
        age_band: Some("adult".into()),
        basis: Some("contract".into()),
        ..PersonProfile::default()
    };
    ledger.directory().import((0..PEOPLE).map(profile).collect()).await.expect("people");
    let devices: Vec<_> = (0..DEVICES)
        .map(|n| ledger.devices().intern(&format!("gate-{n}")).expect("a device"))
        .collect();
    let people = (0..PEOPLE).filter_map(|n| ledger.directory().find(&n.to_string())).collect();
    (devices, people)
}

fn punch(device: DeviceId, boot: u32, seq: u64, person: PersonId) -> Attendance {
    Attendance {
        device,
        boot,
        seq,
        person: Some(person),
        at: DeviceTime { seconds: NOW_MS / 1000, offset_minutes: 480 },
        received_ms: NOW_MS,
        method: Method::Card,
        outcome: Outcome::Granted,
        direction: Some(Direction::In),
        live: false,
        clock: DeviceClock::Ok,
    }
}

async fn window_one(ledger: &Ledger, device: DeviceId, person: PersonId) {
    let committer = ledger.committer();
    let mut took = Vec::new();
    for seq in 0..2000 {
        let began = Instant::now();
        committer.commit(vec![punch(device, 9, seq, person)]).await.expect("a receipt");
        took.push(began.elapsed());
    }
    took.sort();
    say("one device, window 1, median", took[1000]);
    say("one device, window 1, p99", took[1980]);
}

async fn receipts(
    ledger: &Ledger,
    devices: &[DeviceId],
    people: &[PersonId],
    boot: u32,
    window: u64,
    records: u64,
) {
    let each = records / DEVICES / window * window;
    let began = Instant::now();
    let tasks = devices.iter().map(|&device| {
        let (committer, people) = (ledger.committer(), people.to_vec());
        tokio::spawn(async move {
            for from in (0..each).step_by(window as usize) {
                let punches = (from..from + window)
                    .map(|seq| punch(device, boot, seq, people[(seq % PEOPLE) as usize]))
                    .collect();
                committer.commit(punches).await.expect("receipts");
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("a task");
    }
    let rate = (each * DEVICES) as f64 / began.elapsed().as_secs_f64();
    say("  took", began.elapsed());
    println!("{:<34} {rate:>12.0} /s", format!("receipts, {DEVICES} x window {window}"));
}

async fn drain(ledger: &Ledger) {
    let outbox = ledger.outbox("mo-hr");
    let peer = TransferPeer {
        host: "region.example:443".into(),
        certificate: "00".into(),
        regions: vec!["muster:region:onprem-mo".into()],
        names: Vec::new(),
        tls_version: "TLSv1_3".into(),
        cipher: "TLS13_AES_256_GCM_SHA384".into(),
        sealed_to: None,
    };
    let attestation = Attestation::Endpoint { region: "onprem-mo".into(), peer };
    outbox.attest(attestation).await.expect("attested");
    let (began, mut sent, mut bytes) = (Instant::now(), 0u64, 0u64);
    while outbox.backlog() > 0 {
        let parcels = outbox.next(1024).await.expect("parcels");
        sent += parcels.len() as u64;
        bytes += parcels.iter().map(|p| p.bytes().len() as u64).sum::<u64>();
        let words = parcels.into_iter().map(|p| (p, Settlement::Accepted { receipt: None }));
        outbox.settle(words.collect()).await.expect("settled");
    }
    let rate = sent as f64 / began.elapsed().as_secs_f64();
    say("drained in", began.elapsed());
    println!("{:<34} {rate:>12.0} /s ({} B each)", "drained, 1024 a batch", bytes / sent.max(1));
}

/// Milliseconds of processor time this process has used.
fn processor() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|f| f.parse::<u64>().ok()).unwrap_or(0);
    (ticks(12) + ticks(13)) * 10
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|l| l.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
}

async fn govern(ledger: &Ledger) {
    let keys = [("a", "dpo", 1), ("b", "it-admin", 2)].map(|(person, role, seed)| {
        SigningKey::new(person, role, zeroize::Zeroizing::new([seed; 32])).expect("a key")
    });
    let signers = keys.iter().map(|key| Signer {
        person: key.person().into(),
        role: key.role().into(),
        public_key: key.public_key(),
    });
    ledger.enrol_signers(signers.collect()).await.expect("signers");
    let policy = Policy::parse(POLICY).expect("the policy");
    let pack = LawPack::parse(LAW_PACK).expect("the law pack");
    let signatures = keys.iter().map(|key| signature::sign(&policy, &pack, key)).collect();
    let governance = Governance { policy: POLICY.into(), law_pack: LAW_PACK.into(), signatures };
    ledger.govern("test", Some(governance)).await.expect("governed");
}

const LAW_PACK: &str = r#"
schema = "gw.lawpack/1"
id = "test"
version = 1
reviewed = 2026-06-01
review_due = 2027-12-01
never_fields = ["face_image"]
strip_fields = ["verify_method"]
never_classes = ["biometric.template"]
known_classes = ["attendance.event"]
[region.onprem-mo]
jurisdiction = "MO"
gba = true
[[lane.MO]]
id = "G-MO"
all = ["dpa"]
cite = "-"
[threshold]
cn_persons_scc = 100000
cn_persons_assessment = 1000000
cn_sensitive_assessment = 10000
cn_face_store_filing = 100000
early_individuals = 10000
early_records = 100000
[deliver]
dingtalk_max_age_days = 180
"#;

const POLICY: &str = r#"
schema = "gw.residency/1"
[policy]
id = "test"
version = 1
effective_from = 2026-11-01T00:00:00+08:00
effective_until = 2027-03-01T00:00:00+08:00
default = "hold"
law_pack = "test"
[[site]]
id = "mo-hq"
jurisdiction = "MO"
controller = "MO"
gba = true
[[destination]]
id = "mo-hr"
region = "onprem-mo"
connector = "https"
operator = "Test Limited"
remote_access_from = []
residency_evidence = "endpoint"
[[profile]]
id = "min"
fields = ["event_id", "subject_ref", "check_time", "direction", "site_ref"]
time_precision = "minute"
[[permit]]
id = "P-STAFF"
when = { "site.id" = ["mo-hq"], "subject.category" = ["employee"], "record.class" = ["attendance.event"] }
to = "mo-hr"
profile = "min"
"#;
