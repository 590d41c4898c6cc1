//! A ledger in a folder of its own, with a clock that stands still and a policy that lets Macau
//! records go to one place in Macau.

use muster_attendance::{
    Attendance, DeviceClock, DeviceId, DeviceTime, Direction, Method, Outcome, PersonId,
};
use muster_ledger::{
    Attestation, Clock, ClockTrust, Governance, Ledger, Options, Outbox, PaperFiled, Parcel,
    PersonProfile, Recovery, Request, RequestError, RootKey, Settlement, Signer, TransferPeer,
    Verdict,
};
use muster_residency::approval::{self, Part};
use muster_residency::facts::Lane;
use muster_residency::key::SigningKey;
use muster_residency::{LawPack, Policy, signature};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

/// 2026-12-01T09:00:00+08:00.
pub(crate) const NOW_MS: i64 = 1_796_086_800_000;

pub(crate) const LAW_PACK: &str = r#"
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
[region.onprem-mo-2]
jurisdiction = "MO"
gba = true
[region.ap-southeast-1]
jurisdiction = "SG"
gba = false
[region.ap-southeast-3]
jurisdiction = "MY"
gba = false
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
version = @VERSION
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
[[destination]]
id = "mo-pay"
region = "onprem-mo-2"
connector = "https"
operator = "Test Limited"
remote_access_from = []
residency_evidence = "endpoint"
[[profile]]
id = "min"
fields = ["event_id", "subject_ref", "check_time", "direction", "site_ref", "device_alias"]
time_precision = "minute"
[[permit]]
id = "P-STAFF"
when = { "site.id" = ["mo-hq"], "subject.category" = ["employee"], "record.class" = ["attendance.event"] }
to = "@TO"
profile = "min"
"#;

/// The folder and the clock.
pub(crate) struct Setting {
    folder: tempfile::TempDir,
    now_ms: Arc<AtomicI64>,
    trusted: Arc<AtomicBool>,
    broken: Arc<AtomicBool>,
}

impl Setting {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            now_ms: Arc::new(AtomicI64::new(NOW_MS)),
            trusted: Arc::new(AtomicBool::new(true)),
            broken: Arc::default(),
        }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn set_now(&self, ms: i64) {
        self.now_ms.store(ms, Ordering::SeqCst);
    }

    pub(crate) fn trust(&self, trusted: bool) {
        self.trusted.store(trusted, Ordering::SeqCst);
    }

    /// Reading the clock panics from now on: stands for any fault of the program's own.
    pub(crate) fn break_clock(&self) {
        self.broken.store(true, Ordering::SeqCst);
    }

    pub(crate) fn mend_clock(&self) {
        self.broken.store(false, Ordering::SeqCst);
    }

    pub(crate) fn open(&self) -> (Ledger, Recovery) {
        self.open_at(self.data())
    }

    /// Opens a copy of the folder as it is on the disk now: what a crash would have left.
    pub(crate) fn crash(&self, name: &str) -> Setting {
        let other = Setting {
            folder: tempfile::Builder::new().prefix(name).tempdir().expect("a folder"),
            now_ms: self.now_ms.clone(),
            trusted: self.trusted.clone(),
            broken: Arc::default(),
        };
        copy(self.folder.path(), other.folder.path());
        other
    }

    fn open_at(&self, data: PathBuf) -> (Ledger, Recovery) {
        let (now_ms, trusted) = (self.now_ms.clone(), self.trusted.clone());
        let broken = self.broken.clone();
        let clock = Clock::new(move || {
            assert!(!broken.load(Ordering::SeqCst), "the clock is broken on purpose");
            let trusted = trusted.load(Ordering::SeqCst);
            let trust = if trusted { ClockTrust::Trusted } else { ClockTrust::Untrusted };
            (now_ms.load(Ordering::SeqCst), trust)
        });
        let options = Options {
            data,
            site: "mo-hq".into(),
            time_zone: "Asia/Macau".into(),
            root_key: RootKey::new([7; 32]),
            clock,
            views_cache_bytes: 8 << 20,
        };
        Ledger::open(options).expect("the ledger opens")
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else if let Ok(bytes) = std::fs::read(&path) {
            std::fs::write(target, bytes).expect("a copy");
        }
    }
}

/// Two people who sign.
pub(crate) fn keys() -> [SigningKey; 2] {
    [("ho.mei", "dpo", 1), ("lam.kit", "it-admin", 2)].map(|(person, role, seed)| {
        SigningKey::new(person, role, zeroize::Zeroizing::new([seed; 32])).expect("a key")
    })
}

/// A signed policy that sends employees' records to `to`.
pub(crate) fn policy(version: u32, to: &str) -> Governance {
    policy_with(version, to, |text| text)
}

/// The same, changed before it is signed.
pub(crate) fn policy_with(version: u32, to: &str, change: impl Fn(String) -> String) -> Governance {
    signed_by(&change(policy_text(version, to)), LAW_PACK, &keys())
}

/// The policy's text.
pub(crate) fn policy_text(version: u32, to: &str) -> String {
    POLICY.replace("@VERSION", &version.to_string()).replace("@TO", to)
}

/// A policy under a law pack, signed by whoever has these keys.
pub(crate) fn signed_by(policy: &str, law_pack: &str, keys: &[SigningKey]) -> Governance {
    let parsed = Policy::parse(policy).expect("the policy");
    let pack = LawPack::parse(law_pack).expect("the law pack");
    let signatures = keys.iter().map(|key| signature::sign(&parsed, &pack, key)).collect();
    Governance { policy: policy.into(), law_pack: law_pack.into(), signatures }
}

/// Enrols the signers and puts the policy in force.
pub(crate) async fn govern(ledger: &Ledger, version: u32, to: &str) {
    enrol(ledger).await;
    ledger.govern("test", Some(policy(version, to))).await.expect("a policy");
}

/// The same with a policy that sends to `mo-hr`, changed before it is signed.
pub(crate) async fn govern_with(ledger: &Ledger, change: impl Fn(String) -> String) {
    enrol(ledger).await;
    ledger.govern("test", Some(policy_with(1, "mo-hr", change))).await.expect("a policy");
}

/// Enrols who may sign.
pub(crate) async fn enrol(ledger: &Ledger) {
    let signers = keys().map(|key| key.trusted()).into_iter().map(|t| Signer {
        person: t.person,
        role: t.role,
        public_key: t.public_key,
    });
    ledger.enrol_signers(signers.collect()).await.expect("signers");
}

/// Both signers stand behind what was proposed.
pub(crate) async fn agree(ledger: &Ledger, proposed: Result<Option<Request>, RequestError>) {
    let Some(request) = proposed.expect("a proposal") else { return };
    for key in keys().iter().rev() {
        let line = approval::sign(Part::Approve, &request.text, key);
        ledger.approve(&request.id, &line).await.expect("approved");
    }
}

/// Files a document by two people.
pub(crate) async fn file(ledger: &Ledger, paper: PaperFiled) {
    agree(ledger, ledger.file_paper("hr", paper).await).await;
}

/// A document of a registry.
pub(crate) fn paper(kind: &str, lane: &str, from_ms: i64, to_ms: i64) -> PaperFiled {
    let at = |ms| jiff::Timestamp::from_millisecond(ms).expect("a time");
    PaperFiled {
        kind: kind.into(),
        lane: Lane::from_text(lane).expect("a lane"),
        from: at(from_ms),
        to: at(to_ms),
        sha256: "0".repeat(64),
        file: "paper.pdf".into(),
        filing_number: None,
        parties: Vec::new(),
        destination: None,
        clause: None,
        decision: None,
        module: None,
    }
}

/// Commits a person's punches with these sequence numbers.
pub(crate) async fn commit(ledger: &Ledger, device: DeviceId, person: PersonId, seqs: Range<u64>) {
    let punches = seqs.map(|seq| punch(device, seq, person)).collect();
    ledger.committer().commit(punches).await.expect("committed");
}

/// The next parcels.
pub(crate) async fn next(outbox: &Outbox, max: usize) -> Vec<Parcel> {
    let next = tokio::time::timeout(Duration::from_secs(5), outbox.next(max)).await;
    next.expect("parcels in time").expect("parcels")
}

/// Nothing goes.
pub(crate) async fn nothing(outbox: &Outbox) {
    let got = tokio::time::timeout(Duration::from_millis(150), outbox.next(9)).await;
    assert!(got.is_err(), "{} parcels", got.expect("in time").expect("parcels").len());
}

/// The region took them.
pub(crate) fn accepted(parcels: Vec<Parcel>) -> Vec<(Parcel, Settlement)> {
    parcels.into_iter().map(|p| (p, Settlement::Accepted { receipt: None })).collect()
}

/// An employee of whom all is known.
pub(crate) fn employee(number: &str) -> PersonProfile {
    PersonProfile {
        person: number.into(),
        name: Some(format!("Name {number}")),
        category: Some("employee".into()),
        age_band: Some("adult".into()),
        basis: Some("contract".into()),
        ..PersonProfile::default()
    }
}

/// A punch at nine.
pub(crate) fn punch(device: DeviceId, seq: u64, person: PersonId) -> Attendance {
    Attendance {
        device,
        boot: 1,
        seq,
        person: Some(person),
        at: DeviceTime { seconds: NOW_MS / 1000 - 29, offset_minutes: 480 },
        received_ms: NOW_MS,
        method: Method::Card,
        outcome: Outcome::Granted,
        direction: Some(Direction::In),
        live: true,
        clock: DeviceClock::Ok,
    }
}

/// What the right region shows.
pub(crate) fn attestation(region: &str) -> Attestation {
    Attestation::Endpoint {
        region: region.into(),
        peer: TransferPeer {
            host: "region.example:443".into(),
            certificate: "00".into(),
            regions: vec![format!("muster:region:{region}")],
            names: Vec::new(),
            tls_version: "TLSv1_3".into(),
            cipher: "TLS13_AES_256_GCM_SHA384".into(),
            sealed_to: None,
        },
    }
}

/// The outbox of `mo-hr`, with its region there.
pub(crate) async fn connected(ledger: &Ledger) -> Outbox {
    let outbox = ledger.outbox("mo-hr");
    outbox.attest(attestation("onprem-mo")).await.expect("attested");
    outbox
}

/// Record numbers of verdicts, with a letter for what they are.
pub(crate) fn words(verdicts: &[Verdict]) -> Vec<String> {
    let word = |verdict: &Verdict| match verdict {
        Verdict::New(c) => format!("new {}", c.id().number()),
        Verdict::Again(c) => format!("again {}", c.id().number()),
        Verdict::Quarantined(c) => format!("apart {}", c.id().number()),
        Verdict::Refused(reason) => format!("refused {reason:?}"),
    };
    verdicts.iter().map(word).collect()
}

/// Every decision in the journal is the engine's answer again.
pub(crate) async fn comes_out_the_same(ledger: &Ledger) {
    let replayed = ledger.replay_decisions().await.expect("replayed");
    for tally in [replayed.receipts, replayed.redecisions, replayed.dispatches] {
        assert_eq!(tally.same, tally.records, "{replayed:?}");
    }
    assert!(replayed.receipts.records > 0 && replayed.differ.is_empty(), "{replayed:?}");
}

/// Waits until `ready`, as sweeps run beside the committer.
pub(crate) async fn until(what: &str, ready: impl Fn() -> bool) {
    for _ in 0..500 {
        if ready() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("never came: {what}");
}

/// A box with a policy, a terminal and an employee.
pub(crate) async fn staffed(setting: &Setting) -> (Ledger, DeviceId, PersonId) {
    let (ledger, _) = setting.open();
    govern(&ledger, 1, "mo-hr").await;
    ledger.directory().import(vec![employee("17")]).await.expect("people");
    let (device, person) = seventeen(&ledger).await;
    (ledger, device, person)
}

/// A terminal, and the employee of this number.
pub(crate) async fn seventeen(ledger: &Ledger) -> (DeviceId, PersonId) {
    let device = ledger.devices().intern("gate").expect("a device");
    let person = ledger.directory().exchange(device, "17").await.expect("a person");
    (device, person)
}
