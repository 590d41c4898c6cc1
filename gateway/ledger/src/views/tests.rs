use super::faults::{Fault, Faults};
use super::lookups::{Standing, Waiting};
use super::row::Stored;
use super::tape::Tape;
use super::*;
use crate::act::Act;
use crate::directory::tests::empty;
use crate::punch_time::effective_seconds;
use jiff::civil::Date;
use muster_attendance::{DeviceClock, DeviceId, DeviceTime, Direction, Method, Outcome};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;
use tokio::sync::broadcast;

/// How long a test waits for the views to come back.
const PATIENCE: Duration = Duration::from_secs(60);
/// 2026-12-01T00:00:00Z.
pub(super) const DECEMBER: i64 = 1_796_083_200;

const SHORT: Limits = Limits {
    open: Duration::from_secs(2),
    operation: Duration::from_millis(1_500),
    wait: Duration::from_secs(20),
};

/// What a board says: (person, numbers of their records in order of time).
type Board = Vec<(Option<u64>, Vec<u64>)>;

struct Setting {
    tape: Tape,
    head: watch::Sender<u64>,
    faults: Faults,
    directory: Directory,
    folder: tempfile::TempDir,
    zone: &'static str,
}

impl Setting {
    fn new() -> Self {
        Self {
            tape: Tape::default(),
            head: watch::Sender::new(1),
            faults: Faults::default(),
            directory: empty(),
            folder: tempfile::tempdir().unwrap(),
            zone: "UTC",
        }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("views")
    }

    /// The file of the store at work.
    fn file(&self) -> PathBuf {
        let newest = std::fs::read_dir(self.root()).unwrap().map(|e| e.unwrap().path()).max();
        newest.unwrap().join("db")
    }

    fn open(&self) -> Views {
        let root = self.root();
        let setup = Setup {
            folder: &root,
            cache_bytes: 1 << 20,
            zone: self.zone,
            batches: Batches::Memory(self.tape.another()),
            head: self.head.subscribe(),
            lookups: lookups(),
            directory: self.directory.clone(),
        };
        Views::open_at(setup, Places::new(&root, 1 << 20, self.faults.clone()), SHORT).unwrap()
    }

    fn append(&self, records: Vec<Stored>) {
        self.head.send_replace(self.tape.append(records));
    }

    /// The boards of every day in the journal, by the rules and without the store.
    fn expected(&self) -> BTreeMap<Date, Board> {
        let mut days = Days::new(TimeZone::get(self.zone).unwrap());
        let mut rows: BTreeMap<Date, BTreeMap<_, Vec<(i64, u64)>>> = BTreeMap::new();
        for record in self.tape.batches.lock().unwrap().iter().flat_map(|b| &b.records) {
            let seconds = effective_seconds(&record.attendance);
            let date = days::date(days.day(seconds));
            let person = record.attendance.person.map(|person| person.0);
            rows.entry(date).or_default().entry(person).or_default().push((seconds, record.number));
        }
        let board = |people: BTreeMap<_, Vec<(i64, u64)>>| -> Board {
            let numbers = |mut records: Vec<(i64, u64)>| {
                records.sort_unstable();
                records.into_iter().map(|(_, number)| number).collect()
            };
            people.into_iter().map(|(person, records)| (person, numbers(records))).collect()
        };
        rows.into_iter().map(|(date, people)| (date, board(people))).collect()
    }

    async fn check(&self, views: &Views) {
        for (date, expect) in self.expected() {
            assert_eq!(board(views, date).await, expect, "{date}");
        }
    }

    fn broken(&self) -> usize {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().starts_with("views.broken-")).count()
    }
}

fn lookups() -> Lookups {
    let live = broadcast::Sender::new(4);
    let standing =
        Standing { state: RecordState::Held, destination: None, reasons: vec!["I-02".to_owned()] };
    let group = Waiting { reason: "I-02".into(), destination: None, count: 2, oldest: 1 };
    Lookups {
        standing: Box::new(move |asked| vec![standing.clone(); asked.len()]),
        waiting: Box::new(move || vec![group.clone()]),
        waiting_for: Box::new(|_, after, limit| (after.unwrap_or(0) + 1..3).take(limit).collect()),
        reduced: Box::new(Default::default),
        live: Box::new(move || live.subscribe()),
    }
}

/// A board, however long the views take to come back.
async fn board(views: &Views, date: Date) -> Board {
    let began = Instant::now();
    let board = loop {
        match views.day(date).await {
            Ok(board) => break board,
            Err(error) => assert!(began.elapsed() < PATIENCE, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let numbers = |day: PersonDay| day.records.iter().map(|row| row.id.number()).collect();
    board.people.into_iter().map(|day| (day.person.map(|p| p.0), numbers(day))).collect()
}

pub(super) fn punch(person: Option<u64>, seconds: i64) -> Stored {
    let attendance = Attendance {
        device: DeviceId(3),
        boot: 1,
        seq: 7,
        person: person.map(PersonId),
        at: DeviceTime { seconds, offset_minutes: 480 },
        received_ms: (seconds + 1) * 1000,
        method: Method::Face,
        outcome: Outcome::Granted,
        direction: Some(Direction::In),
        live: true,
        clock: DeviceClock::Ok,
    };
    Stored { number: 0, epoch: 1, attendance, decision: 2 }
}

/// A day's work of `people` people, in batches.
fn work(setting: &Setting, day: i64, people: u64) {
    let start = DECEMBER + day * 86_400;
    for hour in [9, 13, 18] {
        let at = |person| punch(Some(person), start + hour * 3600 + person as i64);
        setting.append((1..=people).map(at).collect());
    }
}

prop_compose! {
    fn attendances()(
        punches in proptest::collection::vec(
            (proptest::option::of(1u64..6), 0i64..4 * 86_400, any::<bool>(), -4_000i64..4_000),
            1..60,
        ),
    ) -> Vec<Stored> {
        let stored = |(person, after, sure, late): (_, _, _, i64)| {
            let mut stored = punch(person, DECEMBER + after);
            stored.attendance.received_ms += late * 100_000;
            stored.attendance.clock = if sure { DeviceClock::Ok } else { DeviceClock::Unsure };
            stored
        };
        punches.into_iter().map(stored).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn rows_filled_and_rows_built_again_are_the_same(
        batches in proptest::collection::vec(attendances(), 1..6),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut setting = Setting::new();
            setting.zone = "Asia/Macau";
            let views = setting.open();
            for batch in batches {
                setting.append(batch);
                let date = days::date((DECEMBER / 86_400) as i32);
                views.day(date).await.unwrap();
            }
            setting.check(&views).await;
            views.close().await;
            std::fs::remove_dir_all(setting.root()).unwrap();
            let again = setting.open();
            setting.check(&again).await;
            again.close().await;
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_where_it_left_off() {
    let setting = Setting::new();
    let views = setting.open();
    work(&setting, 0, 50);
    setting.check(&views).await;
    let file = setting.file();
    views.close().await;
    work(&setting, 1, 50);
    let views = setting.open();
    setting.check(&views).await;
    assert_eq!((setting.file(), setting.broken()), (file, 0));
    assert_eq!(views.health(), (Health::Ok, None));
    assert_eq!(views.progress(), (301, 301));
}

#[tokio::test(flavor = "multi_thread")]
async fn views_without_a_record_are_no_damage() {
    let setting = Setting::new();
    for _ in 0..3 {
        let views = setting.open();
        setting.check(&views).await;
        views.close().await;
    }
    assert_eq!(setting.broken(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn views_deleted_while_running_come_back() {
    let setting = Setting::new();
    let views = setting.open();
    work(&setting, 0, 50);
    setting.check(&views).await;
    std::fs::remove_dir_all(setting.root()).unwrap();
    work(&setting, 1, 50);
    let began = Instant::now();
    while !setting.root().exists() {
        assert!(began.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    setting.check(&views).await;
    assert!(setting.file().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_in_the_files_is_set_aside_once() {
    let setting = Setting::new();
    for round in 0..3 {
        let views = setting.open();
        work(&setting, round, 20);
        setting.check(&views).await;
        views.close().await;
        let len = std::fs::metadata(setting.file()).unwrap().len() as usize;
        std::fs::write(setting.file(), vec![0xA5; len]).unwrap();
        let file = setting.file();
        std::fs::write(file.with_file_name("snap.0000.generating"), b"torn").unwrap();
    }
    let views = setting.open();
    setting.check(&views).await;
    assert_eq!(setting.broken(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leftover_snapshot_does_not_stop_it() {
    let setting = Setting::new();
    let views = setting.open();
    work(&setting, 0, 20);
    setting.check(&views).await;
    views.close().await;
    let file = setting.file();
    std::fs::write(file.with_file_name("snap.00000001.generating"), b"torn").unwrap();
    let views = setting.open();
    setting.check(&views).await;
    assert_eq!((setting.file(), setting.broken()), (file, 0));
}

/// A one-bit flip anywhere may hang the store, panic it or change a row: none of it is shown.
#[tokio::test(flavor = "multi_thread")]
async fn flipped_bits_are_never_shown() {
    let setting = Setting::new();
    for round in 0..10usize {
        let views = setting.open();
        work(&setting, round as i64, 40);
        setting.check(&views).await;
        views.close().await;
        let mut bytes = std::fs::read(setting.file()).unwrap();
        let at = (round * 2_654_435_761) % bytes.len();
        bytes[at] ^= 1 << (round % 8);
        std::fs::write(setting.file(), bytes).unwrap();
    }
    let views = setting.open();
    setting.check(&views).await;
}

async fn comes_back_after(fault: Fault) {
    let setting = Setting::new();
    let views = setting.open();
    work(&setting, 0, 50);
    setting.check(&views).await;
    let (mut day, mut struck) = (1, false);
    for operations in 0..3 {
        setting.faults.strike_after(operations, fault);
        // Punches are taken all the while: nothing here waits for the store.
        let began = Instant::now();
        work(&setting, day, 20);
        assert!(began.elapsed() < Duration::from_millis(500));
        setting.check(&views).await;
        day += 1;
        struck |= setting.broken() == 1;
    }
    assert!(struck);
    assert_eq!(views.health(), (Health::Ok, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_store_is_replaced() {
    comes_back_after(Fault::Hang).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panicking_store_is_replaced() {
    comes_back_after(Fault::Panic).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn views_of_another_history_or_zone_are_built_again() {
    let mut setting = Setting::new();
    let views = setting.open();
    work(&setting, 0, 30);
    work(&setting, 1, 30);
    setting.check(&views).await;
    views.close().await;
    // An older state of the journal is put back, and goes on differently.
    setting.tape.batches.lock().unwrap().truncate(2);
    work(&setting, 2, 10);
    work(&setting, 3, 11);
    let views = setting.open();
    setting.check(&views).await;
    assert_eq!(setting.broken(), 1);
    views.close().await;
    setting.zone = "Asia/Macau";
    setting.append(vec![punch(Some(1), DECEMBER + 20 * 3600)]);
    setting.check(&setting.open()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_row_is_chunked_and_exported_whole() {
    let setting = Setting::new();
    let views = setting.open();
    for batch in 0..40 {
        let at = |n| punch(Some(1), DECEMBER + batch * 1000 + n);
        setting.append((0..250).map(at).collect());
        if batch % 10 == 9 {
            views.day(days::date((DECEMBER / 86_400) as i32)).await.unwrap();
        }
    }
    setting.append(vec![punch(Some(2), DECEMBER), punch(None, DECEMBER + 86_400)]);
    let date = days::date((DECEMBER / 86_400) as i32);
    let board = views.day(date).await.unwrap();
    let shown = board.people[0].records.len();
    assert!((Views::MAX_PERSON_DAY..2_000).contains(&shown), "{shown}");
    assert_eq!(board.people[1].records.len(), 1);
    for limit in [5_000, 333] {
        let (mut cursor, mut numbers) = (None, Vec::new());
        loop {
            let page = views.records(date, date.tomorrow().unwrap(), cursor, limit).await.unwrap();
            assert!(page.rows.len() <= limit);
            numbers.extend(page.rows.iter().map(|row| row.id.number()));
            // Programs take it away as text.
            cursor = page.next.map(|next| next.to_string().parse().unwrap());
            if cursor.is_none() {
                break;
            }
            // What comes in between two pages shifts nothing that was given.
            setting.append(vec![punch(Some(3), DECEMBER + 3 * 86_400)]);
        }
        assert_eq!(numbers, (1..=10_002).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn joined_people_are_shown_as_one() {
    let setting = Setting::new();
    let (from, into) = (PersonId(8), PersonId(2));
    let sealed = String::new();
    let mapped = Act::PersonMapped { device: DeviceId(1), from: Some(from), into, sealed };
    let views = setting.open();
    setting.append(vec![punch(Some(8), DECEMBER + 9), punch(Some(2), DECEMBER + 5)]);
    let date = days::date((DECEMBER / 86_400) as i32);
    assert_eq!(board(&views, date).await, [(Some(2), vec![2]), (Some(8), vec![1])]);
    setting.directory.apply(&mapped);
    assert_eq!(board(&views, date).await, [(Some(2), vec![2, 1])]);
    for person in [from, into] {
        let days = views.person(person, date, date).await.unwrap();
        assert_eq!(days[0].1.records.len(), 2);
        assert!(days[0].1.records.iter().all(|row| row.attendance.person == Some(into)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn single_and_held_records_come_from_the_journal() {
    let setting = Setting::new();
    let views = setting.open();
    setting.append(vec![punch(Some(1), DECEMBER), punch(None, DECEMBER + 1)]);
    let held = views.held_records("I-02", None, 10).await.unwrap();
    assert_eq!(held.iter().map(|row| row.id.number()).collect::<Vec<_>>(), [1, 2]);
    let rest = views.held_records("I-02", Some(held[0].id), 10).await.unwrap();
    assert_eq!(rest.len(), 1);
    let group = views.held().await.unwrap().remove(0);
    assert_eq!((group.count, group.oldest_ms), (2, (DECEMBER + 1) * 1000));
    let row = views.record(held[1].id).await.unwrap().unwrap();
    assert_eq!((row.attendance.person, row.state), (None, RecordState::Held));
    let other = EventId::new(0, 9, 2);
    assert!(views.record(other).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_can_be_asked_for() {
    let setting = Setting::new();
    let views = setting.open();
    work(&setting, 0, 50);
    setting.check(&views).await;
    let file = setting.file();
    views.rebuild();
    assert_eq!(views.progress(), (0, 151));
    assert_eq!(views.health().0, Health::Degraded);
    setting.check(&views).await;
    assert_ne!(setting.file(), file);
    assert_eq!(views.progress(), (151, 151));
}
