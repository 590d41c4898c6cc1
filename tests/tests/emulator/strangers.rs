//! Terminals that are not who they say: refused, with the reason at the box.

use crate::stage::{BOX, NAME, RECEIPTS, Stage};
use std::time::{Duration, Instant};

fn wait_for_refusal(stage: &Stage, reason: &str) {
    let begun = Instant::now();
    while stage.refused(reason).unwrap() == 0 {
        assert!(begun.elapsed() < RECEIPTS, "no refusal: {reason}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Its secret is of its own making, its name a paired one's or nobody's.
#[test]
fn an_unpaired_terminal_is_refused() {
    for (name, reason, alarm) in [
        (NAME, "not-authentic", "m1-door: messages bear its name and not its seal"),
        ("m1-nobody", "unknown-device", "no device of ours: a device that is not paired"),
    ] {
        let mut stage = Stage::with_terminal(name, Some(&"5a".repeat(32))).unwrap();
        stage.m1.power_on().unwrap();
        stage.m1.punch_unlisted(0).unwrap();
        wait_for_refusal(&stage, reason);
        stage.alarm(alarm).unwrap();
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
    wait_for_refusal(&stage, "revoked");
    stage.alarm("m1-door: it was shut out").unwrap();
}

/// A copy of the card begins with the boot number that the original uses too: what it says under
/// numbers that the box has seen is set aside, and both stay to be looked at.
#[test]
fn a_clone_that_uses_a_boot_number_again_is_set_aside() {
    let mut stage = Stage::new().unwrap();
    stage.m1.power_on().unwrap();
    stage.m1.power_off().unwrap();
    let copy = stage.dir.path().join("copy.img");
    std::fs::copy(stage.m1.card(), &copy).unwrap();
    stage.m1.power_on().unwrap();
    stage.m1.punch(0).unwrap();
    stage.m1.drain(1, RECEIPTS).unwrap();
    stage.m1.power_off().unwrap();
    std::fs::copy(&copy, stage.m1.card()).unwrap();
    stage.m1.power_on().unwrap();
    stage.m1.punch_unlisted(1).unwrap();
    let begun = Instant::now();
    loop {
        let status = stage.site.json(&["status", "--json"]).unwrap();
        if status["quarantined"].as_u64() == Some(1) {
            break;
        }
        assert!(begun.elapsed() < BOX + RECEIPTS, "{status}");
        std::thread::sleep(Duration::from_millis(100));
    }
    // Which of the two numbers is told, of the start or of the punch, is a matter of who speaks first.
    stage.alarm("it was copied, or its card was put back").unwrap();
    let rows = stage.site.json(&["records", "--format", "json"]).unwrap();
    let rows = rows.as_array().unwrap();
    let people: Vec<_> = rows.iter().map(|row| (&row["person"], &row["state"])).collect();
    assert_eq!(people.len(), 2, "{people:?}");
    assert!(rows.iter().any(|row| row["state"] == "quarantined" && row["person"] == "00012"));
}
