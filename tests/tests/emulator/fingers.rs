//! What people do at it, and how long it takes.

use crate::stage::{RECEIPTS, Stage};
use muster_tests::emulated::{NOBODY, STRANGER, UNDER_DURESS, image};
use muster_tests::stack::bound;
use std::time::Duration;

/// Fingers whose times make one median.
const ROUND: u16 = 5;
/// Rounds at least, which is what loads the stack; and at most, where none was quick enough.
const ROUNDS: usize = 5;
const MOST_ROUNDS: usize = 20;
/// Finger found to receipt, in the middle, at 115,200 baud: the goal. `bench m1` takes more time.
const PUNCH_TO_RECEIPT: Duration = Duration::from_millis(40);
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
    let (mut beeps, mut rounds) = (Vec::new(), Vec::new());
    // A busy machine adds to a round, and takes nothing away: the best one counts.
    while rounds.len() < ROUNDS || (rounds[0] >= PUNCH_TO_RECEIPT && rounds.len() < MOST_ROUNDS) {
        let mut times = Vec::new();
        for page in 0..ROUND {
            let (beep, receipt) = stage.m1.times(page, RECEIPTS).unwrap();
            beeps.push(beep);
            times.push(receipt);
        }
        rounds.push(median(&mut times));
        rounds.sort();
    }
    println!("finger found to beep: median {:?}", median(&mut beeps));
    println!("finger found to receipt, medians of rounds of {ROUND}: {rounds:?}");
    let untouched = untouched_stack(&mut stage);
    println!("stack untouched: {untouched} bytes of {STACK}");
    // For firmware/build, which prints it.
    let built = image().unwrap().ancestors().nth(3).unwrap().join("stack");
    std::fs::write(built, (STACK - untouched).to_string()).unwrap();
    assert!(rounds[0] < PUNCH_TO_RECEIPT, "{rounds:?}");
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

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
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
