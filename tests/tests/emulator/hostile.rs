//! Somebody else at the box's end of the wire.

use crate::stage::{NAME, RECEIPTS, Stage};
use muster_proto::host::Host;
use muster_proto::message::{Grounds, Job, MAX_TASK, Receipt, Stamp, Task, Welcome};
use muster_proto::message::{Reason, ReceiptResult};
use muster_proto::seal::{Keys, OVERHEAD};
use muster_terminal::sim::FingerModule;
use muster_tests::emulated::USERS;
use muster_tests::random::Random;
use muster_tests::site::Site;
use std::collections::HashSet;
use std::io::Write as _;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

/// Frames that the impostor says, and the pause between two: the terminal answers each.
const LIES: u64 = 1_500;
const PAUSE: Duration = Duration::from_millis(3);
/// Longest random message, in bytes: longer than the terminal's buffer.
const LONGEST: u64 = 600;
/// Bytes of a template that nobody else says by chance.
const WINDOW: usize = 8;

/// An impostor, with what it overheard of the box.
struct Impostor {
    host: Host,
    random: Random,
    overheard: Vec<Vec<u8>>,
    /// Of its own making; and the right ones, but for another site.
    keys: [Keys; 2],
}

impl Impostor {
    fn new(secret: &[u8; 32], said: &[u8]) -> Self {
        let mut own = Keys::derive(&[9; 32], NAME).unwrap();
        own.set_site(Site::NAME).unwrap();
        let mut elsewhere = Keys::derive(secret, NAME).unwrap();
        elsewhere.set_site("elsewhere").unwrap();
        let overheard = said.split(|byte| *byte == 0).filter(|frame| frame.len() > 16);
        Self {
            host: Host::new(&[1], 115_200).unwrap(),
            random: Random::new(11),
            overheard: overheard.map(<[u8]>::to_vec).collect(),
            keys: [own, elsewhere],
        }
    }

    /// Its next frame: a poll, with whatever may hurt.
    fn lie(&mut self, number: u64) -> Vec<u8> {
        let any = self.random.below(self.overheard.len() as u64) as usize;
        let mut heard = self.overheard[any].clone();
        match number % 6 {
            0 => [&[0], heard.as_slice(), &[0]].concat(),
            1 => {
                let at = self.random.below(heard.len() as u64) as usize;
                heard[at] ^= 1 << self.random.below(8);
                [&[0], heard.as_slice(), &[0]].concat()
            }
            2 => heard[..heard.len() / 2].to_vec(),
            3 => {
                let len = self.random.below(LONGEST);
                let noise: Vec<u8> = (0..len).map(|_| self.random.next() as u8).collect();
                self.poll(NAME, &noise)
            }
            4 => self.sealed_lie(number, 0),
            _ => self.sealed_lie(number, 1),
        }
    }

    /// Sealed under keys of its own, or with the right secret and another site: whatever only the
    /// box may say, a template to hand over among it. With the right secret it says tasks alone,
    /// since those bear the site.
    fn sealed_lie(&mut self, number: u64, which: usize) -> Vec<u8> {
        let (epoch, count) = (1_000, number);
        let punch = Stamp { boot: 2, seq: 1 };
        let grounds = Grounds { notice: true, basis: true, age: true };
        let job = match number % 4 {
            0 => Job::ReadTemplate { page: 0, offset: 0 },
            1 => Job::RemoveUser { number: USERS[0] },
            2 => Job::Enrol { number: USERS[0], page: 0, grounds },
            _ => Job::EraseFingers { number: USERS[1] },
        };
        let mut out = [0; OVERHEAD + MAX_TASK];
        let keys = &self.keys[which];
        let task = Task { epoch, count, id: number as u32 + 1, job };
        let (result, reason) = (ReceiptResult::Stored, Reason::None);
        let len = match number % 3 {
            0 if which == 0 => {
                keys.seal(&Receipt { epoch, count, punch, result, reason, box_ms: 0 }, &mut out)
            }
            1 if which == 0 => {
                let welcome = Welcome { epoch, count, hello: punch, box_ms: 0, offset_minutes: 0 };
                keys.seal(&welcome, &mut out)
            }
            _ => keys.seal(&task, &mut out),
        };
        let len = len.unwrap();
        self.poll(NAME, &out[..len])
    }

    fn poll(&mut self, name: &str, sealed: &[u8]) -> Vec<u8> {
        let mut frame = vec![0; muster_proto::frame::MAX_WIRE];
        let len = self.host.speak(0, 1, Some((name, sealed)), &mut frame).unwrap();
        frame.truncate(len);
        frame
    }
}

/// No panic, no reset, nothing invented, nothing lost, no template let out: the image goes on, and
/// when its own box is there again it tells of it.
#[test]
fn an_impostor_at_the_boxs_end_gets_nothing() {
    let mut stage = Stage::new().unwrap();
    *stage.m1.wire().recorded.lock().unwrap() = Some(Vec::new());
    stage.m1.power_on().unwrap();
    stage.m1.punch(0).unwrap();
    stage.m1.drain(1, RECEIPTS).unwrap();
    let said = stage.m1.wire().recorded.lock().unwrap().take().unwrap();
    let pages: Vec<u16> = stage.m1.module().pages().collect();
    stage.kill_box().unwrap();
    stage.m1.wire().fast.store(true, SeqCst);
    *stage.m1.wire().recorded_up.lock().unwrap() = Some(Vec::new());
    // The line is plugged in anew after the box is gone.
    std::thread::sleep(Duration::from_millis(100));
    let path = stage.dir.path().join("tty-m1");
    let mut port = std::fs::File::options().read(true).write(true).open(path).unwrap();
    let mut impostor = Impostor::new(&stage.secret, &said);
    for number in 0..LIES {
        port.write_all(&impostor.lie(number)).unwrap();
        std::thread::sleep(PAUSE);
        if number == LIES / 2 {
            stage.m1.punch(1).unwrap();
        }
    }
    drop(port);
    let heard = stage.m1.wire().recorded_up.lock().unwrap().take().unwrap();
    assert!(heard.len() > 4_000, "it was not answered: {}", heard.len());
    let templates: Vec<Vec<u8>> = pages.iter().map(|page| FingerModule::template(*page)).collect();
    let windows: HashSet<&[u8]> = templates.iter().flat_map(|t| t.windows(WINDOW)).collect();
    assert!(!heard.windows(WINDOW).any(|window| windows.contains(window)), "a template got out");
    assert_eq!(stage.m1.module().pages().collect::<Vec<_>>(), pages);
    stage.start_box().unwrap();
    stage.m1.punch(0).unwrap();
    stage.m1.drain(3, RECEIPTS).unwrap();
    stage.hold().unwrap();
    stage.alarm(Some(NAME), "other-site").unwrap();
    assert_eq!(stage.m1.starts().unwrap(), 1);
}
