//! Whatever a fingerprint module says, at whatever pace and whatever it is asked to do: the driver
//! does not panic, keeps to its bounds, and sees no finger before the module has let it in.
#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_terminal::sensor::{Job, MAX_PACKET, MAX_TEMPLATE, Sensor, Template};

fuzz_target!(|input: (u8, Vec<(u16, Vec<u8>)>)| {
    let (job, said) = input;
    let mut sensor = Sensor::new(1, 200).unwrap();
    let mut template = Template::default();
    let (mut now, mut tx) = (0u64, [0; MAX_PACKET]);
    let page = u16::from(job);
    let jobs = [Job::Enrol { page }, Job::Read { page }, Job::Write { page }, Job::Delete { page }];
    for (pause, bytes) in said {
        now += u64::from(pause);
        let _ = sensor.begin(now, jobs[usize::from(job) % jobs.len()]);
        let (len, finger) = sensor.poll_with(now, &bytes, &mut tx, &mut template);
        assert!(len <= MAX_PACKET && template.as_bytes().len() <= MAX_TEMPLATE);
        assert!(finger.is_none() || sensor.is_ready());
    }
});
