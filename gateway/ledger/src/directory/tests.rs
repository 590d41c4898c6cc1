use super::*;
use crate::submit::testing::Applier;
use crate::{Clock, ClockTrust, DeviceKind, KeyringError};
use std::collections::HashMap;

/// A keyring in memory: a person's secret is their number.
#[derive(Clone, Default)]
struct Ring {
    made: Arc<Mutex<HashMap<PersonId, [u8; 32]>>>,
}

impl Ring {
    fn secrets(&self) -> Secrets {
        let (find, create) = (self.made.clone(), self.made.clone());
        Secrets {
            find: Arc::new(move |person| {
                let made = find.lock().unwrap();
                made.get(&person).map(SealKey::derive).ok_or(KeyringError::Gone)
            }),
            create: Arc::new(move |count| {
                let mut made = create.lock().unwrap();
                let first = made.len() as u64 + 1;
                let persons: Vec<_> = (first..).take(count).map(PersonId).collect();
                made.extend(persons.iter().map(|person| (*person, [person.0 as u8; 32])));
                Ok(persons)
            }),
        }
    }
}

struct Setting {
    directory: Directory,
    devices: Devices,
    applier: Applier,
    ring: Ring,
}

/// A directory without anybody, for the tests of other rooms.
pub(crate) fn empty() -> Directory {
    let acts = Applier::new().acts;
    let devices =
        Devices::new(Default::default(), acts.clone(), Clock::new(|| (0, ClockTrust::Trusted)));
    Directory::new(Table::default(), Ring::default().secrets(), acts, devices)
}

fn setting() -> Setting {
    let applier = Applier::new();
    let ring = Ring::default();
    let clock = Clock::new(|| (0, ClockTrust::Trusted));
    let devices = Devices::new(Default::default(), applier.acts.clone(), clock);
    let table = Table::default();
    let directory = Directory::new(table, ring.secrets(), applier.acts.clone(), devices.clone());
    let targets = (directory.clone(), devices.clone());
    applier.start(move |act| {
        targets.0.apply(act);
        targets.1.apply(act);
    });
    Setting { directory, devices, applier, ring }
}

impl Setting {
    async fn device(&self, name: &str) -> DeviceId {
        self.devices.pair(name, DeviceKind::M1, None, None, None).await.unwrap()
    }

    /// The table as replay makes it, and as a checkpoint brings it back.
    fn again(&self) -> [Table; 2] {
        let secrets = self.ring.secrets();
        let mut replayed = Table::default();
        for act in self.applier.journal.lock().unwrap().iter() {
            replayed.apply(act, &*secrets.find);
        }
        [replayed, Table::restore(self.directory.snapshot(), &*secrets.find)]
    }
}

fn person(number: &str, name: &str) -> PersonProfile {
    PersonProfile { name: Some(name.into()), ..PersonProfile::of_number(number) }
}

#[tokio::test]
async fn concurrent_first_sights_give_one_person() {
    let s = setting();
    let gate = s.device("gate").await;
    let asks = (0..200).map(|n| {
        let directory = s.directory.clone();
        let number = format!("{:05}", n % 20);
        tokio::spawn(async move { (number.clone(), directory.exchange(gate, &number).await) })
    });
    let asks: Vec<_> = asks.collect();
    for ask in asks {
        let (number, person) = ask.await.unwrap();
        assert_eq!(Some(person.unwrap()), s.directory.known(gate, &number));
    }
    assert_eq!(s.directory.len(), 20);
    assert_eq!(s.ring.made.lock().unwrap().len(), 20);
    assert_eq!(s.directory.unmapped(5).len(), 5);
}

#[tokio::test]
async fn numbers_are_text_and_bounded() {
    let s = setting();
    let gate = s.device("gate").await;
    let plain = s.directory.exchange(gate, "17").await.unwrap();
    let padded = s.directory.exchange(gate, "00017").await.unwrap();
    assert_ne!(plain, padded);
    for number in ["", "a\u{7}", &"9".repeat(49)] {
        let answer = s.directory.exchange(gate, number).await;
        assert!(matches!(answer, Err(DirectoryError::Number)), "{number:?}");
    }
}

#[tokio::test]
async fn a_full_disk_costs_no_slot_of_the_keyring() {
    let s = setting();
    let gate = s.device("gate").await;
    for _ in 0..5 {
        s.applier.fail_next(CommitError::Full);
        let refused = s.directory.exchange(gate, "1").await;
        assert!(matches!(refused, Err(DirectoryError::Commit(CommitError::Full))));
    }
    s.directory.exchange(gate, "1").await.unwrap();
    assert_eq!(s.ring.made.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_import_names_who_was_seen_and_says_what_it_did() {
    let s = setting();
    let gate = s.device("gate").await;
    let seen = s.directory.exchange(gate, "1").await.unwrap();
    let people = vec![person("1", "Ho Mei"), person("2", "Lei Chi")];
    let first = s.directory.import(people.clone()).await.unwrap();
    assert_eq!(first, Import { added: 1, updated: 1, unchanged: 0 });
    let again = s.directory.import(people).await.unwrap();
    assert_eq!(again, Import { added: 0, updated: 0, unchanged: 2 });
    assert_eq!(s.directory.find("1"), Some(seen));
    assert!(s.directory.unmapped(9).is_empty());
    let bad = vec![person("1", "New Name"), person("1", "Twice")];
    assert!(matches!(s.directory.import(bad).await, Err(DirectoryError::Field(_))));
    for table in s.again() {
        assert_eq!(table.profile(seen).unwrap().name.as_deref(), Some("Ho Mei"));
        assert_eq!(table.len(), 2);
    }
}

#[tokio::test]
async fn mapping_joins_past_and_future() {
    let s = setting();
    let (a, b) = (s.device("a").await, s.device("b").await);
    s.directory.import(vec![person("17", "Ho Mei"), person("18", "Lei Chi")]).await.unwrap();
    let provisional = s.directory.exchange(a, "99").await.unwrap();
    assert_eq!(s.directory.exchange(b, "99").await.unwrap(), provisional);
    s.directory.map("a", "99", "17").await.unwrap();
    let mei = s.directory.find("17").unwrap();
    // Records keep the provisional number, so that a punch sent again is the same punch.
    assert_eq!(s.directory.known(a, "99"), Some(provisional));
    assert_eq!(s.directory.resolve(provisional), mei);
    assert_eq!(s.directory.profile(provisional).unwrap().person, "17");
    assert_eq!(s.directory.joined(mei), [provisional]);
    assert!(s.directory.unmapped(9).is_empty());
    // A mistake is mended by mapping again.
    s.directory.map("a", "99", "18").await.unwrap();
    assert_eq!(s.directory.profile(provisional).unwrap().person, "18");
    for table in s.again() {
        assert_eq!(table.resolve(provisional), s.directory.find("18").unwrap());
        assert_eq!(table.known(a, "99"), Some(provisional));
    }
}

#[tokio::test]
async fn a_named_number_keeps_its_past_when_one_device_means_somebody_else() {
    let s = setting();
    let (a, b) = (s.device("a").await, s.device("b").await);
    s.directory.import(vec![person("17", "Ho Mei"), person("5", "Lei Chi")]).await.unwrap();
    let (mei, chi) = (s.directory.find("17").unwrap(), s.directory.find("5").unwrap());
    s.directory.map("b", "5", "17").await.unwrap();
    assert_eq!((s.directory.known(a, "5"), s.directory.known(b, "5")), (Some(chi), Some(mei)));
    assert_eq!(s.directory.resolve(chi), chi);
    let nobody = s.directory.map("b", "5", "404").await;
    assert!(matches!(nobody, Err(DirectoryError::Unknown)));
    let nowhere = s.directory.map("c", "5", "17").await;
    assert!(matches!(nowhere, Err(DirectoryError::Device)));
}

#[tokio::test]
async fn a_joined_number_can_be_imported_as_somebody_of_its_own() {
    let s = setting();
    let a = s.device("a").await;
    s.directory.import(vec![person("17", "Ho Mei")]).await.unwrap();
    let provisional = s.directory.exchange(a, "99").await.unwrap();
    s.directory.map("a", "99", "17").await.unwrap();
    let import = s.directory.import(vec![person("99", "Sou Lai")]).await.unwrap();
    assert_eq!(import.added, 1);
    let own = s.directory.find("99").unwrap();
    assert_ne!(own, provisional);
    for table in s.again() {
        assert_eq!(table.find("99"), Some(own));
        assert_eq!(table.known(a, "99"), Some(provisional));
    }
}

#[tokio::test]
async fn without_their_secret_a_person_is_a_number() {
    let s = setting();
    let a = s.device("a").await;
    s.directory.import(vec![person("17", "Ho Mei"), person("18", "Lei Chi")]).await.unwrap();
    let mei = s.directory.find("17").unwrap();
    s.directory.exchange(a, "99").await.unwrap();
    s.directory.map("a", "99", "17").await.unwrap();
    s.ring.made.lock().unwrap().remove(&mei);
    s.directory.write().forget(mei);
    let gone = |table: &Table| {
        assert!(table.profile(mei).is_none());
        assert_eq!((table.find("17"), table.find("18").is_some()), (None, true));
    };
    s.again().iter().for_each(gone);
    gone(&s.directory.read());
    assert_eq!(s.directory.known(a, "17"), None);
}

#[tokio::test]
async fn changes_are_told_one_by_one_until_too_many() {
    let s = setting();
    let start = s.directory.revision();
    s.directory.import(vec![person("17", "Ho Mei")]).await.unwrap();
    let mei = s.directory.find("17").unwrap();
    assert_eq!(s.directory.changed_since(start), Some(vec![mei]));
    assert_eq!(s.directory.changed_since(s.directory.revision()), Some(vec![]));
    let many = (0..5_000).map(|n| person(&format!("n{n}"), "x")).collect();
    s.directory.import(many).await.unwrap();
    assert_eq!(s.directory.changed_since(start), None);
}

#[tokio::test]
async fn nothing_personal_is_in_the_acts() {
    let s = setting();
    let a = s.device("a").await;
    s.directory.import(vec![person("00017", "Ho Mei")]).await.unwrap();
    s.directory.exchange(a, "secret-number").await.unwrap();
    s.directory.map("a", "secret-number", "00017").await.unwrap();
    let acts = serde_json::to_string(&*s.applier.journal.lock().unwrap()).unwrap();
    for word in ["Ho Mei", "00017", "secret-number"] {
        assert!(!acts.contains(word), "{word}");
    }
}
