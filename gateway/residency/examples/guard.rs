//! Times the egress guard on one ordinary parcel.
#![allow(clippy::print_stdout)]

use muster_residency::guard::inspect;
use std::hint::black_box;
use std::time::Instant;

const PARCEL: &[u8] = br#"{"event_id":"01J9ZQ8N5T0000000000000042","platform_user_id":"manager4220","check_time":"2026-12-01T08:59+08:00","device_alias":"gate-07"}"#;
const LOOKS: usize = 1_000_000;

fn main() {
    let mut nanos: Vec<u128> = (0..LOOKS)
        .map(|_| {
            let start = Instant::now();
            let clean = inspect(black_box(PARCEL)).is_ok();
            assert!(clean);
            start.elapsed().as_nanos()
        })
        .collect();
    nanos.sort_unstable();
    println!("guard: median {} ns, p99 {} ns", nanos[LOOKS / 2], nanos[LOOKS * 99 / 100]);
}
