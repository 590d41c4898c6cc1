//! A ledger with a signed policy that sends employees' punches to a DingTalk tenant, and the
//! worker that takes them there.

use crate::server::{CORP, Server};
use muster_attendance::{Attendance, DeviceClock, DeviceTime, Direction, Method, Outcome};
use muster_ledger::{
    Clock, ClockTrust, DestinationStatus, Governance, Ledger, Options, PaperFiled, PersonProfile,
    RootKey, Signer,
};
use muster_residency::facts::Lane;
use muster_residency::key::SigningKey;
use muster_residency::{LawPack, Policy, signature};
use muster_uplink::{Connector, Quota, Region, Tenant, Uplink};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use zeroize::Zeroizing;

/// 2026-12-01T09:00:00+08:00.
pub(crate) const NOW_MS: i64 = 1_796_086_800_000;

const LAW_PACK: &str = include_str!("../../../residency/tests/lawpack.toml");

const POLICY: &str = r#"
schema = "gw.residency/1"
[policy]
id = "test"
version = 1
effective_from = 2026-11-01T00:00:00+08:00
effective_until = 2027-03-01T00:00:00+08:00
default = "hold"
law_pack = "apac-eu-2026.2"
[[site]]
id = "mo-hq"
jurisdiction = "MO"
controller = "MO"
gba = true
[[destination]]
id = "tenant"
region = "onprem-mo"
connector = "dingtalk"
account_class = "dingtalk"
operator = "An operator"
remote_access_from = []
residency_evidence = "contract"
[[profile]]
id = "dingtalk-min"
fields = ["event_id", "platform_user_id", "check_time", "device_alias"]
time_precision = "minute"
[[permit]]
id = "P-STAFF"
when = { "subject.category" = ["employee"], "record.class" = ["attendance.event"] }
to = "tenant"
profile = "dingtalk-min"
"#;

/// The box.
pub(crate) struct Setting {
    folder: tempfile::TempDir,
    now_ms: Arc<AtomicI64>,
    pub(crate) ledger: Ledger,
}

impl Setting {
    /// With the contract's clause on file that says where the data stays.
    pub(crate) async fn new() -> Self {
        let at = |ms| jiff::Timestamp::from_millisecond(ms).unwrap();
        let clause = PaperFiled {
            kind: "dpa".into(),
            lane: Lane::ANY,
            from: at(NOW_MS - 86_400_000),
            to: at(NOW_MS + 60 * 86_400_000),
            sha256: "0".repeat(64),
            file: "dpa.pdf".into(),
            filing_number: None,
            parties: Vec::new(),
            destination: Some("tenant".into()),
            clause: Some("All data stays in Macau.".into()),
            decision: None,
            module: None,
        };
        Self::with(Some(clause)).await
    }

    /// Without that clause.
    pub(crate) async fn unquoted() -> Self {
        Self::with(None).await
    }

    /// What is filed while the box is set up is on file at once.
    async fn with(paper: Option<PaperFiled>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now_ms = Arc::new(AtomicI64::new(NOW_MS));
        let ledger = open(&folder, &now_ms);
        if let Some(paper) = paper {
            ledger.file_paper("ho.mei", paper).await.unwrap();
        }
        govern(&ledger, POLICY).await;
        Self { folder, now_ms, ledger }
    }

    pub(crate) fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.now_ms.fetch_add(time.as_millis() as i64, Ordering::SeqCst);
    }

    /// Stops the ledger and opens it again.
    pub(crate) async fn restart(self) -> Self {
        let Self { folder, now_ms, ledger } = self;
        ledger.close().await;
        let ledger = open(&folder, &now_ms);
        Self { folder, now_ms, ledger }
    }

    /// Commits one punch each of `people`, a minute after each other.
    pub(crate) async fn punch(&self, people: &[&str]) {
        self.punch_from(NOW_MS / 1000 - 7200, people).await;
    }

    /// The same from `first` on, seconds since 1970, whenever they are received.
    pub(crate) async fn punch_from(&self, first: i64, people: &[&str]) {
        let device = self.ledger.devices().intern("gate-07").unwrap();
        for number in people {
            let profile = PersonProfile {
                person: (*number).into(),
                name: Some(format!("Name {number}")),
                category: Some("employee".into()),
                age_band: Some("adult".into()),
                basis: Some("contract".into()),
                account_class: Some("dingtalk".into()),
                platform_user_id: Some(format!("user-{number}")),
                ..PersonProfile::default()
            };
            self.ledger.directory().import(vec![profile]).await.unwrap();
            let person = self.ledger.directory().find(number).unwrap();
            let seq = number.parse::<u64>().unwrap();
            let seconds = first + 60 * seq as i64;
            let punch = Attendance {
                device,
                boot: 1,
                seq,
                person: Some(person),
                at: DeviceTime { seconds, offset_minutes: 480 },
                received_ms: NOW_MS,
                method: Method::Card,
                outcome: Outcome::Granted,
                direction: Some(Direction::In),
                live: true,
                clock: DeviceClock::Ok,
            };
            self.ledger.committer().commit(vec![punch]).await.unwrap();
        }
    }

    pub(crate) fn destination(&self) -> DestinationStatus {
        let status = self.ledger.status();
        status.destinations.into_iter().find(|d| d.destination == "tenant").unwrap()
    }

    /// What the journal says, a JSON line for each item.
    pub(crate) fn journal(&self) -> String {
        let mut out = Vec::new();
        muster_ledger::export_journal(&self.data(), RootKey::new([7; 32]), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }
}

fn open(folder: &tempfile::TempDir, now_ms: &Arc<AtomicI64>) -> Ledger {
    let now_ms = now_ms.clone();
    let clock = Clock::new(move || (now_ms.load(Ordering::SeqCst), ClockTrust::Trusted));
    let options = Options {
        data: folder.path().join("data"),
        site: "mo-hq".into(),
        time_zone: "Asia/Macau".into(),
        root_key: RootKey::new([7; 32]),
        clock,
        views_cache_bytes: 8 << 20,
    };
    Ledger::open(options).unwrap().0
}

async fn govern(ledger: &Ledger, text: &str) {
    let keys = [("ho.mei", "dpo", 1), ("lam.kit", "it-admin", 2)].map(|(person, role, seed)| {
        SigningKey::new(person, role, Zeroizing::new([seed; 32])).unwrap()
    });
    let (policy, pack) = (Policy::parse(text).unwrap(), LawPack::parse(LAW_PACK).unwrap());
    let signatures = keys.iter().map(|key| signature::sign(&policy, &pack, key)).collect();
    let signers = keys.iter().map(|key| key.trusted()).map(|t| Signer {
        person: t.person,
        role: t.role,
        public_key: t.public_key,
    });
    ledger.enrol_signers(signers.collect()).await.unwrap();
    let governance = Governance { policy: text.into(), law_pack: LAW_PACK.into(), signatures };
    ledger.govern("test", Some(governance)).await.unwrap();
}

/// How the worker is set up.
pub(crate) struct Way {
    pub(crate) quota: Quota,
    pub(crate) pins: Vec<String>,
    pub(crate) read_back: Duration,
}

impl Default for Way {
    fn default() -> Self {
        let quota = Quota { month: 10_000, second: 1000 };
        Self { quota, pins: Vec::new(), read_back: Duration::from_secs(3600) }
    }
}

/// A worker under way; it ends with the test.
pub(crate) struct Under {
    stop: watch::Sender<bool>,
    uplink: Uplink,
}

impl Under {
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(true);
        self.uplink.stopped(Duration::from_secs(5)).await;
    }
}

/// Starts the worker.
pub(crate) fn start(setting: &Setting, server: &Server, way: Way) -> Under {
    let url = format!("https://localhost:{}", server.address.port());
    let secret = Zeroizing::new("the secret\n".to_owned());
    let mut tenant = Tenant::new(CORP, "app-1", secret, &url, way.quota).unwrap();
    tenant.read_back = way.read_back;
    tenant.patience = Duration::from_millis(500);
    let region = Region::new("mo-hq", Connector::Dingtalk, &url, server.ca_pem.as_bytes(), None);
    let region = region.unwrap().pinned(&way.pins).unwrap().for_tenant(tenant);
    let (stop, stopped) = watch::channel(false);
    let uplink = muster_uplink::start(region, setting.ledger.outbox("tenant"), stopped, || 0);
    Under { stop, uplink }
}

/// Waits until `ready`.
pub(crate) async fn until(what: &str, ready: impl Fn() -> bool) {
    for _ in 0..1500 {
        if ready() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never came: {what}");
}
