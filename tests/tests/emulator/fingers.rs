//! What people do at it, and how long it takes.

use crate::stage::{RECEIPTS, Stage};
use muster_tests::emulated::{NOBODY, STRANGER, UNDER_DURESS, image, receipted};
use muster_tests::stack::bound;
use std::time::Duration;

/// Punches whose time is taken.
const TIMED: u64 = 25;
/// Finger found to receipt, in the middle, at 115,200 baud. A debug build of the gateway, beside
/// other tests, gets more; `bench m1` holds a release build to the goal.
const PUNCH_TO_RECEIPT: Duration =
    Duration::from_millis(if cfg!(debug_assertions) { 160 } else { 40 });
/// Stack that must stay untouched, in bytes: a margin for what no test brings about.
const STACK_MARGIN: usize = 2048;
/// Stack that the image has: from the start of the RAM.
const STACK: usize = 20 << 10;
/// RAM of the image: stack below, data above (see the board's `memory.x`).
const RAM: (u32, usize) = (0x2000_0000, 32 << 10);
/// What the runtime paints unused stack with.
const PAINT: [u8; 4] = 0xCCCC_CCCC_u32.to_le_bytes();

#[test]
fn fingers_become_records_of_the_right_people() {
    let mut stage = Stage::new().unwrap();
    assert_eq!(stage.m1.power_on().unwrap(), 0);
    let mut sign = |page: u16| stage.m1.punch(page).unwrap().sign;
    assert_eq!(sign(0), "Accepted");
    assert_eq!(sign(1), "Accepted");
    // In the module, but of no user; and not even in the module.
    assert_eq!(sign(NOBODY), "Denied");
    assert_eq!(sign(STRANGER), "Denied");
    // Whoever stands behind them sees no difference.
    assert_eq!(sign(UNDER_DURESS), "Accepted");
    assert_eq!(sign(0), "Accepted");
    assert_eq!(stage.m1.punch_in(1).unwrap().sign, "Accepted");
    stage.m1.drain(7, RECEIPTS).unwrap();
    stage.hold().unwrap();
    assert_eq!(stage.m1.starts().unwrap(), 1);
}

#[test]
fn a_punch_has_its_receipt_soon_and_the_stack_has_room() {
    let mut stage = Stage::new().unwrap();
    stage.m1.power_on().unwrap();
    stage.m1.punch(0).unwrap();
    stage.m1.drain(1, RECEIPTS).unwrap();
    let (mut times, mut stored) = (Vec::new(), Vec::new());
    for number in 1..=TIMED {
        let (found, _) = stage.m1.timed_punch((number % 5) as u16).unwrap();
        stage.m1.drain(number + 1, RECEIPTS).unwrap();
        let seen = stage.m1.machine().unwrap().seen();
        let mut lines = seen.lines.iter().rev();
        let (at, _) = lines.next().unwrap();
        let (beeped, _) = lines.find(|(_, line)| line.starts_with("stored")).unwrap();
        stored.push(beeped.duration_since(found));
        assert_eq!(receipted(&seen), number + 1);
        times.push(at.duration_since(found));
    }
    times.sort();
    stored.sort();
    println!("finger found to beep: median {:?}", stored[stored.len() / 2]);
    let median = times[times.len() / 2];
    println!("finger found to receipt: median {median:?}, {:?} to {:?}", times[0], times.last());
    let untouched = untouched_stack(&mut stage);
    println!("stack untouched: {untouched} bytes of {STACK}");
    // For firmware/build, which prints it.
    let built = image().unwrap().ancestors().nth(3).unwrap().join("stack");
    std::fs::write(built, (STACK - untouched).to_string()).unwrap();
    assert!(median < PUNCH_TO_RECEIPT, "{times:?}");
    assert!(untouched >= STACK_MARGIN, "{untouched}");
    stage.hold().unwrap();
}

/// By the machine code alone, whatever tests bring about: image and boot loader.
#[test]
fn the_stack_has_a_bound_and_there_is_room_for_it() {
    let elf = image().unwrap().with_extension("");
    for program in [elf.clone(), elf.with_file_name("muster-m1-boot")] {
        let found = bound(&program).unwrap();
        println!("{}: {found:?} of {STACK} bytes", program.display());
        assert!(found.bytes <= STACK as u64, "{found:?}");
        let place = program.ancestors().nth(3).unwrap();
        let name = program.file_name().unwrap().to_str().unwrap();
        // For firmware/build, which prints it.
        std::fs::write(place.join(format!("{name}.stack")), found.bytes.to_string()).unwrap();
    }
}

/// Bytes of painted stack, from its end up, that were never written.
fn untouched_stack(stage: &mut Stage) -> usize {
    let file = stage.dir.path().join("ram");
    let (at, size) = RAM;
    let arguments = format!(r#"{{"val":{at},"size":{size},"filename":"{}"}}"#, file.display());
    let command = format!(r#"{{"execute":"pmemsave","arguments":{arguments}}}"#);
    stage.m1.machine().unwrap().ask(&command).unwrap();
    let ram = std::fs::read(file).unwrap();
    ram.chunks(4).take_while(|word| *word == PAINT).count() * 4
}
