//! Bodies of tasks, reports and notes under a good seal of a site: none panics, and one that is
//! read is written the same way but for skipped fields.
#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_proto::message::{Note, Noted, Report, Task};
use muster_proto_fuzz::{check, keys, sealed};

const KINDS: [u8; 4] = [0x04, 0x05, 0x84, 0x85];

fuzz_target!(|input: (u8, &[u8])| {
    let kind = KINDS[usize::from(input.0) % KINDS.len()];
    let (keys, mut wire) = (keys(), sealed(kind, input.1));
    match kind {
        0x04 => check::<Note>(&mut wire, &keys),
        0x05 => check::<Report<'_>>(&mut wire, &keys),
        0x84 => check::<Task<'_>>(&mut wire, &keys),
        _ => check::<Noted>(&mut wire, &keys),
    }
});
