//! A box in this process with managed terminals on lines of their own.

use jiff::Timestamp;
use muster_attendance::PersonId;
use muster_intake::authority::{Authority, Pairing};
use muster_intake::terminals::OnRecord;
use muster_intake::vault::Reader;
use muster_intake::{Config, EvidenceKind, Handles, Intake, SerialConfig};
use muster_ledger::{
    Action, Clock, ClockTrust, ConsentChange, DeviceKind, Ledger, Notice, Options, PersonProfile,
    RootKey, export_journal,
};
use muster_proto::message::Happened;
use muster_terminal::sim::{Board, RamFlash};
use muster_tests::serial::Line;
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The site that the box stands at.
pub(crate) const SITE: &str = "mo-hq";
const ROOT: [u8; 32] = [7; 32];
/// An hour, in milliseconds.
const HOUR_MS: u64 = 3_600_000;
const TICK: Duration = Duration::from_millis(2);
const PATIENCE: Duration = Duration::from_secs(20);

/// A terminal in a thread.
struct Terminal {
    board: Arc<Mutex<Board>>,
    stop: Arc<AtomicBool>,
    /// The finger of whoever punches through an hour without a line, while that lasts.
    hour: Arc<Mutex<Option<u16>>>,
    thread: Option<JoinHandle<()>>,
}

impl Terminal {
    fn start(mut line: Line, board: Board) -> Self {
        let board = Arc::new(Mutex::new(board));
        let (stop, hour) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let (theirs, stopped) = (board.clone(), stop.clone());
        let alone: Arc<Mutex<Option<u16>>> = Arc::clone(&hour);
        let thread = std::thread::spawn(move || {
            let (begun, mut rx, mut tx) = (Instant::now(), [0; 512], vec![0; Board::MAX_TX]);
            let mut ahead_ms = 0;
            while !stopped.load(Ordering::Relaxed) {
                let length = line.read(&mut rx).unwrap_or_default();
                let now_ms = begun.elapsed().as_millis() as u64 + ahead_ms;
                let mut board = theirs.lock().unwrap_or_else(PoisonError::into_inner);
                let mut alone = alone.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(finger) = alone.take() {
                    an_hour_alone(&mut board, now_ms, finger, &mut tx);
                    ahead_ms += HOUR_MS;
                    continue;
                }
                drop(alone);
                let length = board.poll(now_ms, &rx[..length], &mut tx, &[]);
                drop(board);
                line.write(&tx[..length]);
                std::thread::sleep(TICK);
            }
        });
        Self { board, stop, hour, thread: Some(thread) }
    }
}

/// Nothing comes and nothing goes; somebody punches every minute.
fn an_hour_alone(board: &mut Board, now_ms: u64, finger: u16, tx: &mut [u8]) {
    for passed in (0..HOUR_MS).step_by(50) {
        if passed % 60_000 == 30_000 {
            board.module.press(finger, 90);
        }
        board.poll(now_ms + passed, &[], tx, &[]);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

pub(crate) struct Bench {
    terminals: BTreeMap<String, Terminal>,
    pub(crate) intake: Intake,
    ledger: Ledger,
    data: tempfile::TempDir,
    ports: Vec<PathBuf>,
    /// How far the box's clock was moved on.
    ahead_ms: Arc<AtomicI64>,
}

impl Bench {
    /// A box with terminals, each with the site that it was set up for.
    pub(crate) async fn new(names: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let ahead_ms = Arc::default();
        let ledger = ledger(data.path(), clock(&ahead_ms));
        let (mut terminals, mut ports) = (BTreeMap::new(), Vec::new());
        for (name, site) in names {
            let secret = pair(&ledger, name).await;
            let mut board = Board::start(name, &secret, 1, RamFlash::new(64), &[]).unwrap();
            board.manage(site, &secret, [0; 32]).unwrap();
            let port = data.path().join(name);
            let line = Line::plug(&port).unwrap();
            ports.push(port);
            terminals.insert((*name).to_owned(), Terminal::start(line, board));
        }
        let intake = intake(data.path(), &ports, &ledger, clock(&ahead_ms)).await;
        Self { terminals, intake, ledger, data, ports, ahead_ms }
    }

    /// The data folder as it is now, to be put back later.
    pub(crate) fn keep(&self) -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        copy_files(self.data.path(), copy.path());
        copy
    }

    /// Stops the box and starts it on what was kept. The terminals know nothing of it.
    pub(crate) async fn put_back(self, kept: tempfile::TempDir) -> Self {
        let Self { terminals, intake: before, ledger: old, data, ports, ahead_ms } = self;
        before.stop().await;
        old.close().await;
        for entry in std::fs::read_dir(data.path()).unwrap() {
            let path = entry.unwrap().path();
            // The terminals' lines lie there too.
            let removed = match path.is_symlink() {
                true => Ok(()),
                false if path.is_dir() => std::fs::remove_dir_all(&path),
                false => std::fs::remove_file(&path),
            };
            // The views may have tidied up meanwhile.
            assert!(removed.is_ok() || !path.exists(), "{removed:?}");
        }
        copy_files(kept.path(), data.path());
        let ledger = ledger(data.path(), clock(&ahead_ms));
        let intake = intake(data.path(), &ports, &ledger, clock(&ahead_ms)).await;
        Self { terminals, intake, ledger, data, ports, ahead_ms }
    }

    pub(crate) async fn end(self) {
        drop(self.terminals);
        self.intake.stop().await;
        self.ledger.close().await;
    }

    fn board(&self, name: &str) -> MutexGuard<'_, Board> {
        self.terminals[name].board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn press(&self, name: &str, finger: u16) {
        self.board(name).module.press(finger, 90);
    }

    pub(crate) fn pages(&self, name: &str) -> Vec<u16> {
        self.board(name).module.pages().collect()
    }

    pub(crate) fn happened(&self, name: &str, what: Happened, detail: u32) {
        self.board(name).manager.as_mut().unwrap().happened(0, what, detail);
    }

    pub(crate) fn id(&self, name: &str) -> Value {
        serde_json::to_value(self.ledger.devices().find(name).unwrap().id).unwrap()
    }

    /// Somebody in the directory.
    pub(crate) async fn person(&self, number: &str) -> PersonId {
        let profile = PersonProfile {
            person: number.into(),
            name: Some("Person One".into()),
            age_band: Some("adult".into()),
            ..PersonProfile::default()
        };
        self.ledger.directory().import(vec![profile]).await.unwrap();
        self.ledger.directory().find(number).unwrap()
    }

    /// Notice, consent and age of somebody, on record.
    pub(crate) async fn on_record(&self, person: PersonId) -> OnRecord {
        let from = Timestamp::UNIX_EPOCH;
        let notice = Notice {
            kind: "pics".into(),
            version: 1,
            from,
            languages: vec!["en".into()],
            destinations: vec!["hk-cloud".into()],
            sha256: "0".repeat(64),
        };
        self.ledger.publish_notice("uid 0", notice).await.unwrap();
        let given = Action::GiveNotice {
            kind: "pics".into(),
            version: 1,
            language: "en".into(),
            people: Some(vec![person]),
        };
        self.ledger.propose("uid 0", given).await.unwrap();
        let missing = OnRecord::of(self.ledger.enrolment_grounds(person)).unwrap_err();
        assert_eq!((missing.notice, missing.basis, missing.age), (false, true, false));
        let change = ConsentChange { guardian: false, given: true, from, to: None };
        self.ledger.set_consent("uid 0", person, change).await.unwrap();
        OnRecord::of(self.ledger.enrolment_grounds(person)).unwrap()
    }

    /// Cuts the line for an hour, in which somebody punches every minute; terminal and box both
    /// see the hour pass. How many punches that makes.
    pub(crate) async fn cut_for_an_hour(&self, name: &str, finger: u16) -> u64 {
        let before = self.board(name).terminal.counts().stored;
        let hour = &self.terminals[name].hour;
        *hour.lock().unwrap_or_else(PoisonError::into_inner) = Some(finger);
        wait("the hour has begun", || hour.lock().is_ok_and(|hour| hour.is_none())).await;
        // The lock on the board is the terminal's until the hour is over.
        let stored = self.board(name).terminal.counts().stored;
        self.ahead_ms.fetch_add(HOUR_MS as i64, Ordering::Relaxed);
        stored - before
    }

    /// Kind, person and bytes of all that the vault holds, but for scores.
    pub(crate) fn vault(&self) -> Vec<(EvidenceKind, Option<PersonId>, Vec<u8>)> {
        let reader = Reader::open(self.data.path().join("vault"), self.ledger.keyring());
        let shelved = reader.list().unwrap();
        let templates = shelved.iter().filter(|s| s.kind != Some(EvidenceKind::Score));
        let read = |s| reader.read(s).unwrap().data.to_vec();
        templates.map(|s| (s.kind.unwrap(), s.person, read(s))).collect()
    }

    /// No file of the box holds eight bytes of it in a row.
    pub(crate) fn nothing_in_clear(&self, secret: &[u8]) {
        let windows: HashSet<&[u8]> = secret.windows(8).collect();
        let mut folders = vec![self.data.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.is_file() {
                    let bytes = std::fs::read(&path).unwrap();
                    let found = bytes.windows(8).any(|window| windows.contains(window));
                    assert!(!found, "{}", path.display());
                }
            }
        }
    }

    pub(crate) async fn has_receipted(&self, count: u64) {
        let begun = Instant::now();
        while self.ledger.status().receipted < count && begun.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(self.ledger.status().receipted, count);
    }

    /// Punches in the journal.
    pub(crate) fn punches(&self) -> u64 {
        self.ledger.status().records
    }

    /// Punches set aside.
    pub(crate) fn quarantined(&self) -> u64 {
        self.ledger.status().quarantined
    }

    /// When the first and the last punch were made, seconds since 1970.
    pub(crate) fn punch_times(&self) -> (i64, i64) {
        let export = self.export();
        let times: Vec<_> = export.iter().filter_map(|line| line["at_seconds"].as_i64()).collect();
        (times[0], times[times.len() - 1])
    }

    /// Punches that the terminal was told of, those that the box had before included.
    pub(crate) fn receipts(&self, name: &str) -> u64 {
        self.board(name).terminal.link_counts().receipts
    }

    /// Acts of a kind, as the journal has them now.
    pub(crate) fn acts(&self, kind: &str) -> Vec<Value> {
        self.export().into_iter().filter_map(|line| found_act(&line, kind)).collect()
    }

    /// The person of the last punch.
    pub(crate) fn last_person(&self) -> Option<PersonId> {
        let export = self.export();
        let fact = export.iter().rev().find_map(|line| found_key(line, "person"))?;
        u64::from_str_radix(fact.as_str()?, 16).ok().map(PersonId)
    }

    /// Waits for an event of that word.
    pub(crate) async fn told(&self, what: &str) -> Value {
        let begun = Instant::now();
        loop {
            let acts = self.acts("device-told");
            if let Some(act) = acts.into_iter().find(|act| act["what"] == what) {
                return act;
            }
            assert!(begun.elapsed() < PATIENCE, "no event {what}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn export(&self) -> Vec<Value> {
        let mut out = Vec::new();
        export_journal(self.data.path(), RootKey::new(ROOT), &mut out).unwrap();
        let lines = out.split(|b| *b == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
    }
}

/// The act in a line of the export, wherever it lies there.
fn found_act(line: &Value, kind: &str) -> Option<Value> {
    if line["act"] == kind {
        return Some(line.clone());
    }
    let inside = line.as_object()?.values();
    inside.filter(|v| v.is_object()).find_map(|v| found_act(v, kind))
}

/// The value of a key that is not within an act.
fn found_key(line: &Value, key: &str) -> Option<Value> {
    if line.get("act").is_some() {
        return None;
    }
    if let Some(found) = line.get(key).filter(|v| !v.is_null()) {
        return Some(found.clone());
    }
    let inside = line.as_object()?.values();
    inside.filter(|v| v.is_object()).find_map(|v| found_key(v, key))
}

fn clock(ahead_ms: &Arc<AtomicI64>) -> Clock {
    let ahead_ms = ahead_ms.clone();
    Clock::new(move || {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now_ms = now.as_millis() as i64 + ahead_ms.load(Ordering::Relaxed);
        (now_ms, ClockTrust::Trusted)
    })
}

fn ledger(data: &Path, clock: Clock) -> Ledger {
    let options = Options {
        data: data.to_owned(),
        site: SITE.into(),
        time_zone: "Asia/Macau".into(),
        root_key: RootKey::new(ROOT),
        clock,
        views_cache_bytes: 1 << 20,
    };
    Ledger::open(options).unwrap().0
}

async fn intake(data: &Path, ports: &[PathBuf], ledger: &Ledger, clock: Clock) -> Intake {
    let port = |port: &PathBuf| SerialConfig {
        port: port.clone(),
        baud: 115_200,
        addresses: vec![1],
        rs485: false,
    };
    let serial = ports.iter().map(port).collect();
    let config = Config { serial, data: data.to_owned(), site: SITE.into(), ..Config::default() };
    Intake::start(config, Handles::of(ledger, clock)).await.unwrap()
}

fn copy_files(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy_files(&path, &target);
        } else if path.is_file() {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

async fn pair(ledger: &Ledger, name: &str) -> [u8; 32] {
    let keyring = ledger.keyring();
    let pairing =
        Pairing { name: name.into(), kind: DeviceKind::M1, carrier: None, address: Some(1) };
    let authority = Authority::open(&keyring).unwrap();
    let made = authority.pair(&ledger.devices(), &keyring, pairing).await.unwrap();
    *muster_forwarder::config::secret(made.secret_hex.as_bytes()).unwrap()
}

/// Waits until something holds.
pub(crate) async fn wait(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
