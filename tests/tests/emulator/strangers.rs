//! Terminals that are not who they say: refused, with the reason at the box.

use crate::stage::{NAME, RECEIPTS, Stage};
use muster_tests::emulated::Beep;
use std::path::PathBuf;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

/// How long the box may take to tell of what it should not: it looks every two seconds.
const QUIET: Duration = Duration::from_secs(6);

/// How long a greeting may take.
const GREETED: Duration = Duration::from_secs(2);

fn wait_for_refusal(stage: &Stage, reason: &str, times: u64) {
    let begun = Instant::now();
    while stage.refused(reason).unwrap() < times {
        assert!(begun.elapsed() < RECEIPTS, "no refusal: {reason}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Its secret is of its own making, its name a paired one's or nobody's.
#[test]
fn an_unpaired_terminal_is_refused() {
    for (name, reason, alarm) in [
        (NAME, "not-authentic", (Some(NAME), "not-authentic")),
        ("m1-nobody", "unknown-device", (None, "unpaired")),
    ] {
        let mut stage = Stage::with_terminal(name, Some(&"5a".repeat(32))).unwrap();
        stage.m1.power_on().unwrap();
        stage.m1.punch_unlisted(0).unwrap();
        wait_for_refusal(&stage, reason, 1);
        stage.alarm(alarm.0, alarm.1).unwrap();
        // It goes on knocking.
        wait_for_refusal(&stage, reason, stage.refused(reason).unwrap() + 1);
        std::thread::sleep(QUIET);
        let told = stage.webhook.names();
        let of_it = told.iter().filter(|name| name.starts_with("terminal "));
        assert_eq!(of_it.count(), 1, "{told:?}");
        // Nothing of it became a record.
        stage.hold().unwrap();
    }
}

#[test]
fn a_revoked_terminal_is_refused_and_keeps_its_punches() {
    let mut stage = Stage::new().unwrap();
    stage.m1.power_on().unwrap();
    stage.m1.punch(0).unwrap();
    stage.m1.drain(1, RECEIPTS).unwrap();
    stage.site.muster(&["device", "revoke", NAME]).unwrap();
    stage.m1.punch(1).unwrap();
    wait_for_refusal(&stage, "revoked", 1);
    stage.alarm(Some(NAME), "revoked").unwrap();
}

impl Stage {
    /// A terminal that is off, and a copy of its card.
    fn copied() -> (Self, PathBuf) {
        let mut stage = Self::new().unwrap();
        stage.m1.power_on().unwrap();
        stage.m1.power_off().unwrap();
        let copy = stage.dir.path().join("copy.img");
        std::fs::copy(stage.m1.card(), &copy).unwrap();
        (stage, copy)
    }

    /// The terminal gives way to one with the copy in it.
    fn replace_by(&mut self, copy: &PathBuf) {
        self.m1.power_off().unwrap();
        std::fs::copy(copy, self.m1.card()).unwrap();
        self.m1.power_on().unwrap();
    }

    /// How often the box has an alarm of the terminal for this reason.
    fn told(&self, reason: &str) -> u64 {
        let status = self.site.json(&["status", "--json"]).unwrap();
        let mut alarms = status["alarms"].as_array().unwrap().iter();
        let alarm = alarms.find(|a| a["reason"] == reason && a["device"] == NAME);
        alarm.and_then(|alarm| alarm["count"].as_u64()).unwrap_or(0)
    }

    fn punch_unlisted(&mut self, page: u16) -> Beep {
        self.m1.punch_unlisted(page).unwrap()
    }
}

/// A boot number used again, seen in the greeting: a copy of the card begins with the number that
/// the original uses too, and says other things under it. It is not answered, so it sends nothing.
#[test]
fn a_boot_number_that_a_greeting_uses_again_is_refused() {
    let (mut stage, copy) = Stage::copied();
    stage.m1.power_on().unwrap();
    stage.m1.punch(0).unwrap();
    stage.m1.drain(1, RECEIPTS).unwrap();
    stage.replace_by(&copy);
    wait_for_refusal(&stage, "boot-reused", 1);
    stage.alarm(Some(NAME), "boot-reused").unwrap();
}

/// A boot number used again, seen in the punches: the box has not heard the original's greeting
/// since its own start, and the copy's punch has a number that another punch had. It is set aside,
/// and both stay to be looked at.
#[test]
fn a_boot_number_that_a_punch_uses_again_is_set_aside() {
    let (mut stage, copy) = Stage::copied();
    stage.m1.power_on().unwrap();
    stage.m1.punch(0).unwrap();
    stage.m1.drain(1, RECEIPTS).unwrap();
    stage.m1.power_off().unwrap();
    stage.kill_box().unwrap();
    stage.start_box().unwrap();
    stage.replace_by(&copy);
    assert_eq!(stage.punch_unlisted(1).sign, "Accepted");
    stage.alarm(Some(NAME), "cloned").unwrap();
    assert_eq!(stage.refused("boot-reused").unwrap(), 0);
    let status = stage.site.json(&["status", "--json"]).unwrap();
    assert_eq!(status["quarantined"], 1, "{status}");
    let rows = stage.site.json(&["records", "--format", "json"]).unwrap();
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert!(rows.iter().any(|row| row["state"] == "quarantined" && row["person"] == "00012"));
}

/// Somebody has listened on the wire, and says it all again, to either end: nothing of it counts a
/// second time, and the box knows of it, of the same boot and of an earlier one.
#[test]
fn what_was_said_before_does_nothing_and_is_told() {
    let mut stage = Stage::new().unwrap();
    let wire = |stage: &Stage, record: bool| {
        let wire = stage.m1.wire();
        let take = |side: &std::sync::Mutex<Option<Vec<u8>>>| {
            let mut side = side.lock().unwrap();
            std::mem::replace(&mut *side, record.then(Vec::new)).unwrap_or_default()
        };
        (take(&wire.recorded_up), take(&wire.recorded))
    };
    wire(&stage, true);
    stage.m1.power_on().unwrap();
    stage.m1.punch(0).unwrap();
    stage.m1.drain(1, RECEIPTS).unwrap();
    // It greets once more, and says that it has the punch's receipt.
    stage.site.muster(&["device", "clock", NAME]).unwrap();
    std::thread::sleep(GREETED);
    let (up, down) = wire(&stage, false);
    assert!(!up.is_empty() && !down.is_empty());

    // The box said it to this terminal, which is still in the same boot.
    stage.m1.wire().garbage.lock().unwrap().extend(&down);
    stage.alarm(Some(NAME), "replayed-to-it").unwrap();
    // The terminal said it; it is somebody else who says it now, in the same boot and after another.
    for times in 1..=2 {
        stage.m1.power_off().unwrap();
        let said = stage.m1.play_back(&up, RECEIPTS).unwrap();
        assert!(said >= 2, "greeting and punch: {said}");
        // Its greetings are refused; its punch is there already, and stays as it is.
        let begun = Instant::now();
        while stage.told("replayed") != stage.refused("replayed").unwrap() + times {
            assert!(begun.elapsed() < RECEIPTS, "{} times told", stage.told("replayed"));
            std::thread::sleep(Duration::from_millis(50));
        }
        assert!(stage.refused("replayed").unwrap() >= 2 * times);
        stage.alarm(Some(NAME), "replayed").unwrap();
        stage.m1.power_on().unwrap();
        // So that the box has heard this boot.
        stage.m1.punch(1).unwrap();
        stage.m1.drain(1, RECEIPTS).unwrap();
    }
    stage.hold().unwrap();
}

/// One finger's template, on its way to a terminal that was set up for another site: the terminal
/// cannot open it, and says so.
#[test]
fn a_template_for_another_site_is_not_taken() {
    let mut stage = Stage::new().unwrap();
    let mut away = stage.another("m1-away", "elsewhere").unwrap();
    stage.m1.power_on().unwrap();
    away.power_on().unwrap();
    stage.m1.wire().fast.store(true, SeqCst);
    stage.import();
    stage.consent();
    let before: Vec<u16> = away.module().pages().collect();
    let args = ["device", "copy", NAME, "0", "m1-away", crate::manage::PERSON, "--page", "44"];
    let mut sent = stage.site.begin(&args).unwrap();
    stage.alarm(Some("m1-away"), "other-site").unwrap();
    assert!(sent.is_running(), "the box was told that it is done");
    drop(sent);
    assert_eq!(away.module().pages().collect::<Vec<_>>(), before);
}
