//! A full queue goes to the box at the line's rate.

use crate::stage::Stage;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

/// Punches that wait on the card in the test command; `bench m1` has 10,000.
const QUEUED: u64 = 400;
/// How long they may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes a second at 115,200 baud.
const LINE: f64 = 11_520.0;

#[test]
fn a_queue_drains_at_the_rate_of_its_line() {
    let mut stage = Stage::new().unwrap();
    stage.m1.store_before(&stage.secret, QUEUED).unwrap();
    assert_eq!(stage.m1.power_on().unwrap(), QUEUED);
    let begun = Instant::now();
    stage.m1.drain(QUEUED, PATIENCE).unwrap();
    let took = begun.elapsed().as_secs_f64();
    let carried = |bytes: &std::sync::atomic::AtomicU64| bytes.load(SeqCst) as f64 / LINE;
    let (up, down) = (carried(&stage.m1.wire().carried), carried(&stage.m1.wire().carried_down));
    println!("{QUEUED} in {took:.1} s; their bytes take {up:.1} s up and {down:.1} s down");
    // The line is used one way at a time. A machine that is busy with other tests gets its time;
    // looking through the card for each punch would take far more.
    assert!(took < 4.0 * (up + down) + 5.0, "{took} s");
    stage.hold().unwrap();
}
