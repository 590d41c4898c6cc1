//! A line that is cut, noisy or full of garbage.

use crate::stage::{RECEIPTS, Stage};
use muster_tests::debugger::pass;
use muster_tests::emulated::image;
use muster_tests::random::Random;
use muster_tests::wire::misread;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

/// One byte of so many is wrong on the noisy line.
const NOISE: u64 = 200;
/// Bytes of garbage at once; a break or another baud rate looks like this too.
const GARBAGE: usize = 3000;
const HOUR: Duration = Duration::from_secs(3_600);
/// How long the line stays cut.
const CUT: Duration = Duration::from_secs(3);

#[test]
fn a_cut_and_noisy_line_loses_and_invents_nothing() {
    let mut stage = Stage::new().unwrap();
    stage.m1.wire().cut.store(true, SeqCst);
    stage.m1.power_on().unwrap();
    for page in 0..4 {
        stage.m1.punch(page).unwrap();
    }
    std::thread::sleep(CUT);
    stage.m1.wire().noise.store(NOISE, SeqCst);
    stage.m1.wire().cut.store(false, SeqCst);
    for page in 0..4 {
        stage.m1.punch(page).unwrap();
    }
    std::thread::sleep(CUT);
    stage.m1.wire().noise.store(0, SeqCst);
    stage.m1.drain(8, RECEIPTS).unwrap();
    stage.hold().unwrap();
    assert_eq!(stage.m1.starts().unwrap(), 1);
}

/// An hour of the image's own time, in four parts, with a punch in each.
#[test]
fn a_line_that_is_cut_for_an_hour_loses_nothing() {
    let mut stage = Stage::new().unwrap();
    stage.m1.power_on().unwrap();
    stage.m1.punch(0).unwrap();
    stage.m1.drain(1, RECEIPTS).unwrap();
    stage.m1.wire().cut.store(true, SeqCst);
    let elf = image().unwrap().with_extension("");
    let sockets = stage.m1.card().parent().unwrap().to_owned();
    for page in 0..4 {
        stage.m1.punch(page).unwrap();
        pass(stage.m1.machine().unwrap(), &elf, HOUR / 4, &sockets).unwrap();
    }
    stage.m1.wire().cut.store(false, SeqCst);
    stage.m1.punch(4).unwrap();
    stage.m1.drain(6, RECEIPTS).unwrap();
    stage.hold().unwrap();
    assert_eq!(stage.m1.starts().unwrap(), 1);
}

#[test]
fn garbage_either_way_neither_resets_it_nor_becomes_a_record() {
    let mut stage = Stage::new().unwrap();
    stage.m1.power_on().unwrap();
    stage.m1.punch(0).unwrap();
    stage.m1.drain(1, RECEIPTS).unwrap();
    let mut random = Random::new(5);
    // What the box has said before, said again; garbage; zeros, as of a break; a frame's end.
    *stage.m1.wire().recorded.lock().unwrap() = Some(Vec::new());
    stage.m1.punch(1).unwrap();
    stage.m1.drain(2, RECEIPTS).unwrap();
    let said = stage.m1.wire().recorded.lock().unwrap().take().unwrap();
    assert!(!said.is_empty());
    let noise: Vec<u8> = (0..GARBAGE).map(|_| random.next() as u8).collect();
    // Frames cut short, and as a receiver has them whose speed is another than the sender's.
    let cut: Vec<u8> = said.chunks(23).flat_map(|part| part[..part.len() / 2].to_vec()).collect();
    let misread = |baud| misread(&said, 115_200, baud);
    let other_speeds = [9_600, 57_600, 230_400].map(misread).concat();
    let zeros = vec![0; GARBAGE];
    for garbage in [said.clone(), noise, zeros, vec![0xFF; GARBAGE], cut, other_speeds, said] {
        stage.m1.wire().garbage.lock().unwrap().extend(&garbage);
        stage.m1.wire().garbage_up.lock().unwrap().extend(&garbage);
        std::thread::sleep(Duration::from_millis(400));
        stage.m1.punch(2).unwrap();
    }
    stage.m1.drain(9, RECEIPTS).unwrap();
    stage.hold().unwrap();
    assert_eq!(stage.m1.starts().unwrap(), 1);
}
