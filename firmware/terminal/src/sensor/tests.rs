use super::*;
use crate::sim::FingerModule;
use proptest::prelude::*;

const PASSWORD: u32 = 0xC0FF_EE01;

/// A driver and a module, with what is on the wire between them.
struct Bench {
    sensor: Sensor,
    module: FingerModule,
    now: u64,
    rx: Vec<u8>,
    template: Template,
}

impl Bench {
    fn new() -> Self {
        let sensor = Sensor::new(PASSWORD, 200).unwrap();
        let (module, template) = (FingerModule::new([3, 17]), Template::default());
        Self { sensor, module, now: 0, rx: Vec::new(), template }
    }

    /// Lets `ms` pass, the bytes passing through `spoil`; returns the fingers seen.
    fn run(&mut self, ms: u64, mut spoil: impl FnMut(&mut Vec<u8>)) -> Vec<Finger> {
        let (mut fingers, end) = (Vec::new(), self.now + ms);
        while self.now < end {
            let mut tx = [0; MAX_PACKET];
            let (len, finger) =
                self.sensor.poll_with(self.now, &self.rx, &mut tx, &mut self.template);
            fingers.extend(finger);
            let mut sent = tx[..len].to_vec();
            spoil(&mut sent);
            self.rx = self.module.exchange(&sent);
            spoil(&mut self.rx);
            self.now += 10;
        }
        fingers
    }
}

fn clean(_: &mut Vec<u8>) {}

impl Bench {
    /// A bench whose module has let us in, with a job under way.
    fn with_job(job: Job) -> Self {
        let mut bench = Self::new();
        bench.run(1_000, clean);
        assert!(bench.sensor.begin(bench.now, job));
        assert!(!bench.sensor.begin(bench.now, job), "one at a time");
        bench
    }
}

#[test]
fn a_finger_is_enrolled_and_then_known() {
    let mut bench = Bench::with_job(Job::Enrol { page: 50 });
    bench.run(500, clean);
    for _ in 0..2 {
        bench.module.press(99, 88);
        assert_eq!(bench.run(2_000, clean), []);
    }
    assert_eq!(bench.sensor.outcome(), Some(Outcome::Done));
    assert_eq!(bench.sensor.outcome(), None);
    assert_eq!(bench.template.as_bytes(), FingerModule::template(99));
    bench.module.press(99, 88);
    assert_eq!(bench.run(3_000, clean), [Finger::Match { page: 50, score: 88 }]);
}

#[test]
fn an_enrolment_without_a_finger_ends() {
    let mut bench = Bench::with_job(Job::Enrol { page: 50 });
    bench.run(ENROL_MS + 1_000, clean);
    assert_eq!(bench.sensor.outcome(), Some(Outcome::Nobody));
    bench.module.press(3, 88);
    assert_eq!(bench.run(3_000, clean), [Finger::Match { page: 3, score: 88 }]);
}

#[test]
fn a_template_goes_from_one_module_to_another_and_is_erased() {
    let mut from = Bench::with_job(Job::Read { page: 17 });
    from.run(2_000, clean);
    assert_eq!(from.sensor.outcome(), Some(Outcome::Done));
    let mut to = Bench::with_job(Job::Write { page: 60 });
    to.template = std::mem::take(&mut from.template);
    to.run(3_000, clean);
    assert_eq!(to.sensor.outcome(), Some(Outcome::Done));
    assert!(to.sensor.begin(to.now, Job::Delete { page: 17 }));
    to.run(1_000, clean);
    assert_eq!(to.sensor.outcome(), Some(Outcome::Done));
    to.module.press(17, 77);
    assert_eq!(to.run(3_000, clean), [Finger::Match { page: 60, score: 77 }]);
    let mut empty = Bench::with_job(Job::Read { page: 99 });
    empty.run(2_000, clean);
    assert_eq!(empty.sensor.outcome(), Some(Outcome::Failed));
}

#[test]
fn a_module_that_goes_silent_ends_the_job() {
    let mut bench = Bench::with_job(Job::Read { page: 17 });
    bench.run(5_000, |bytes| bytes.clear());
    assert_eq!(bench.sensor.outcome(), Some(Outcome::Failed));
}

#[test]
fn a_new_module_gets_our_password() {
    let mut bench = Bench::new();
    bench.run(1_000, clean);
    assert_eq!((bench.module.password(), bench.sensor.is_ready()), (PASSWORD, true));
    // The next start logs in with it at once.
    bench.sensor = Sensor::new(PASSWORD, 200).unwrap();
    bench.run(1_000, clean);
    assert!(bench.sensor.is_ready());
    bench.sensor = Sensor::new(1, 200).unwrap();
    bench.run(5_000, clean);
    assert!(!bench.sensor.is_ready());
    assert_eq!(bench.module.password(), PASSWORD);
}

#[test]
fn the_default_password_is_not_ours() {
    assert!(Sensor::new(0, 200).is_err());
}

#[test]
fn each_press_counts_once() {
    let mut bench = Bench::new();
    bench.run(1_000, clean);
    let mut check = |press: &dyn Fn(&mut FingerModule), expect: Finger| {
        press(&mut bench.module);
        let seen = bench.run(3_000, clean);
        assert_eq!(seen, [expect]);
    };
    check(&|m| m.press(17, 88), Finger::Match { page: 17, score: 88 });
    check(&|m| m.press(3, 140), Finger::Match { page: 3, score: 140 });
    check(&|m| m.press(99, 88), Finger::Unknown);
    check(&|m| m.smudge(), Finger::Unclear);
    check(&|m| m.press(3, 140), Finger::Match { page: 3, score: 140 });
}

#[test]
fn packets_are_as_in_the_data_sheet() {
    let mut tx = [0; MAX_PACKET];
    let len = packet(COMMAND, &[GEN_IMG], &mut tx);
    let expect = [0xEF, 1, 0xFF, 0xFF, 0xFF, 0xFF, 1, 0, 3, 1, 0, 5];
    assert_eq!(tx[..len], expect);
    assert_eq!(packet(COMMAND, &[GEN_IMG], &mut tx[..11]), 0);
}

#[test]
fn a_silent_module_is_tried_again_for_ever() {
    let mut bench = Bench::new();
    bench.run(60_000, |bytes| bytes.clear());
    assert!(!bench.sensor.is_ready() && (15..=25).contains(&bench.sensor.counts().timeouts));
    bench.run(5_000, clean);
    assert!(bench.sensor.is_ready());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn damage_delays_and_never_invents(damage in prop::collection::vec((any::<prop::sample::Index>(), 0u8..4), 1..40)) {
        let mut bench = Bench::new();
        bench.run(1_000, clean);
        bench.module.press(17, 88);
        let mut damage = damage.into_iter();
        let seen = bench.run(150_000, |bytes| {
            if bytes.is_empty() {
                return;
            }
            match damage.next() {
                Some((_, 0)) => bytes.clear(),
                Some((at, 1)) => {
                    let at = at.index(bytes.len());
                    bytes[at] ^= 0x10;
                }
                Some((at, 2)) => bytes.truncate(at.index(bytes.len())),
                _ => {}
            }
        });
        // The press may be over before a look succeeds; a wrong finger must never be seen.
        for finger in seen {
            let honest = finger == Finger::Match { page: 17, score: 88 } || finger == Finger::Unclear;
            prop_assert!(honest);
        }
        bench.module.press(3, 99);
        let seen = bench.run(20_000, clean);
        let found = seen.contains(&Finger::Match { page: 3, score: 99 });
        prop_assert!(found);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let mut sensor = Sensor::new(PASSWORD, 200).unwrap();
        let mut tx = [0; MAX_PACKET];
        sensor.poll(0, &[], &mut tx);
        for (now, chunk) in (1..).zip(bytes.chunks(13)) {
            let (_, finger) = sensor.poll(now, chunk, &mut tx);
            prop_assert_eq!(finger, None);
        }
    }
}
