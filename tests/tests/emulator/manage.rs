//! What the box has the image do: users, PINs, enrolment, erasure, clock; by the command line.

use crate::stage::{NAME, RECEIPTS, Stage};
use anyhow::Result;
use muster_tests::emulated::STRANGER;
use muster_tests::site::Site;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

/// Somebody whose finger is enrolled, and where.
pub(crate) const PERSON: &str = "00021";
const PAGE: &str = "30";
/// Between two looks at a finger of one enrolment.
const TURN: Duration = Duration::from_millis(1_500);
/// Exit code of a request that cannot be granted.
const DATA: i32 = 65;

impl Stage {
    fn device(&self, args: &[&str]) -> Result<String> {
        self.site.muster(&[&["device"], args].concat())
    }

    /// Everything that an enrolment needs, but for the consent.
    pub(crate) fn import(&self) {
        let file = |name: &str, text: &str| {
            let path = self.dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let head = "person,name,department,category,age_band,employment_law,account_class,\
                    platform_user_id,basis\n";
        let people = file("people.csv", &format!("{head}{PERSON},Somebody,,,adult,,,,\n"));
        self.site.muster(&["person", "import", &people]).unwrap();
        let text = file("pics.txt", "what the fingerprints are for");
        let notice = ["--kind", "pics", "--number", "1", "--language", "en"];
        let from = ["--destination", "hk-cloud", "--from", "2026-01-01"];
        self.site.muster(&[&["notice", "add", &text], &notice[..], &from].concat()).unwrap();
        self.site.muster(&[&["notice", "give"], &notice[..], &[PERSON]].concat()).unwrap();
    }

    pub(crate) fn consent(&self) {
        let given = ["consent", "set", PERSON, "--given", "--from", "2026-01-01"];
        self.site.muster(&given).unwrap();
    }

    /// Enrols with the finger on the glass twice.
    fn enrol(&self, finger: u16) -> Result<String> {
        let site = &self.site;
        std::thread::scope(|scope| {
            let args = ["device", "enrol", NAME, PERSON, "--page", PAGE];
            let asked = scope.spawn(move || site.muster(&args));
            while !asked.is_finished() {
                self.m1.module().press(finger, 90);
                std::thread::sleep(TURN / 3);
                self.m1.module().lift();
                std::thread::sleep(TURN);
            }
            asked.join().unwrap()
        })
    }
}

#[test]
fn a_finger_is_enrolled_only_on_record_and_erased_on_command() {
    let mut stage = Stage::new().unwrap();
    stage.m1.power_on().unwrap();
    let users = stage.dir.path().join("more.csv");
    std::fs::write(&users, format!("page,number,duress\n{PAGE},{PERSON},\n")).unwrap();
    stage.device(&["users", NAME, users.to_str().unwrap()]).unwrap();
    stage.import();
    let refused = stage.site.output(&["device", "enrol", NAME, PERSON, "--page", PAGE]).unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(DATA), "{said}");
    assert!(said.contains("no legal basis for biometrics"), "{said}");
    stage.consent();
    stage.enrol(STRANGER).unwrap();
    assert!(stage.m1.module().pages().any(|page| page.to_string() == PAGE));
    assert_eq!(stage.m1.punch_unlisted(STRANGER).unwrap().sign, "Accepted");
    stage.device(&["erase", NAME, PERSON, "--and-user"]).unwrap();
    assert!(!stage.m1.module().pages().any(|page| page.to_string() == PAGE));
    assert_eq!(stage.m1.punch_unlisted(STRANGER).unwrap().sign, "Denied");
    stage.m1.drain(2, RECEIPTS).unwrap();
    let rows = stage.site.json(&["records", "--format", "json"]).unwrap();
    assert!(rows.as_array().unwrap().iter().any(|row| row["person"] == PERSON), "{rows}");
    let log = stage.device(&["log", NAME]).unwrap();
    for event in ["told    started", "did     enrol done", "did     erase done"] {
        assert!(log.contains(event), "{event}: {log}");
    }
    assert_eq!(stage.m1.starts().unwrap(), 1);
}

#[test]
fn a_finger_is_put_into_another_terminal_of_the_site() {
    let mut stage = Stage::new().unwrap();
    let mut yard = stage.another("m1-yard", Site::NAME).unwrap();
    stage.m1.power_on().unwrap();
    yard.power_on().unwrap();
    stage.m1.wire().fast.store(true, SeqCst);
    yard.wire().fast.store(true, SeqCst);
    let users = stage.dir.path().join("more.csv");
    std::fs::write(&users, format!("page,number,duress\n{PAGE},{PERSON},\n")).unwrap();
    stage.device(&["users", "m1-yard", users.to_str().unwrap()]).unwrap();
    stage.import();
    let copy = ["copy", NAME, "0", "m1-yard", PERSON, "--page", PAGE];
    assert!(stage.device(&copy).unwrap_err().to_string().contains("no legal basis"));
    stage.consent();
    stage.device(&copy).unwrap();
    assert!(yard.module().pages().any(|page| page.to_string() == PAGE));
    let log = stage.device(&["log", "m1-yard"]).unwrap();
    assert!(log.contains("did     copy done"), "{log}");
}

#[test]
fn a_pin_stands_beside_the_finger_and_the_keypad_locks() {
    let mut stage = Stage::new().unwrap();
    stage.m1.power_on().unwrap();
    let typed = |stage: &mut Stage, keys: &str, sign: &str| {
        stage.m1.type_keys(keys).unwrap();
        stage.m1.said(sign, RECEIPTS).unwrap();
    };
    stage.site.muster_fed(&["device", "pin", NAME, "00011"], b"4711\n").unwrap();
    let short = stage.site.muster_fed(&["device", "pin", NAME, "00011"], b"47\n");
    assert!(short.is_err_and(|error| error.to_string().contains("4 to 8 digits")));
    typed(&mut stage, "00011#4711#", "stored 1/1 Accepted");
    // The finger still is the same user's.
    assert_eq!(stage.m1.punch_unlisted(0).unwrap().sign, "Accepted");
    for number in 3..8 {
        typed(&mut stage, "00011#9999#", &format!("stored 1/{number} Denied"));
    }
    typed(&mut stage, "00011#4711#", "not stored NoPin");
    stage.m1.drain(7, RECEIPTS).unwrap();
    let rows = stage.site.json(&["records", "--format", "json"]).unwrap();
    let pins = rows.as_array().unwrap().iter().filter(|row| row["method"] == "pin");
    let pins: Vec<_> = pins.map(|row| (&row["person"], &row["outcome"])).collect();
    assert_eq!(pins.len(), 6, "{rows}");
    let right = pins.iter().filter(|(person, outcome)| *person == "00011" && *outcome == "granted");
    assert_eq!(right.count(), 1, "{rows}");
    let log = stage.device(&["log", NAME]).unwrap();
    assert!(log.contains("told    pins-locked"), "{log}");
    stage.device(&["clock", NAME]).unwrap();
    stage.device(&["identify", NAME, "--seconds", "1"]).unwrap();
    // What it keeps comes again, and nothing is stored twice.
    stage.device(&["again", NAME, "--since", "1/1"]).unwrap();
    stage.m1.punch_unlisted(1).unwrap();
    stage.m1.drain(8, RECEIPTS).unwrap();
    let rows = stage.site.json(&["records", "--format", "json"]).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 8);
}
