//! An M1 in an emulator, on a wire to the box: its real image, its card in a file, a fingerprint
//! module of simulated packets. It keeps an account of what it beeped for.

use crate::device::lock;
use crate::ledgerbook::Claim;
use crate::punch::Punch;
use crate::serial::Line;
use crate::site::Site;
use crate::wire::{Wire, Wired};
use anyhow::{Context as _, Result, ensure};
use muster_proto::message::{
    CheckIn, ClockState, Evidence, EvidenceKind, Evidences, LocalTime, Method, Outcome,
};
use muster_proto::seal::Keys;
use muster_terminal::card::CardFlash;
use muster_terminal::layout::Parts;
use muster_terminal::queue::FlashQueue;
use muster_terminal::sim::{CodeFlash, Emulator, FingerModule, RamCard, Seen, Setup};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Says where the image is.
const VARIABLE: &str = "MUSTER_M1_IMAGE";
/// Where it is built.
const BUILT: &str = "../firmware/m1/target/thumbv7m-none-eabi/release/muster-m1.flash";
/// How long a start may take: the card is read from end to end.
pub const START: Duration = Duration::from_secs(30);
/// How long a finger may take to be punched.
const PUNCH: Duration = Duration::from_secs(20);
const SCORE: u16 = 93;
/// A press of a button and the pause after it.
const BUTTON: Duration = Duration::from_millis(300);
const TICK: Duration = Duration::from_millis(2);
/// Bytes of a slot of the image's queue.
const SLOT: usize = 256;

/// Longest frame that bears no message, in bytes between its ends.
const EMPTY_FRAME: usize = 16;

/// Numbers of the users, each on the page of its place; the last is for use under duress.
pub const USERS: [&str; 6] = ["00011", "00012", "00013", "00014", "00015", "00016"];
/// The page of the finger for use under duress.
pub const UNDER_DURESS: u16 = USERS.len() as u16 - 1;
/// A page whose finger is in the module and belongs to no user.
pub const NOBODY: u16 = 100;
/// A finger that the module does not know.
pub const STRANGER: u16 = 101;

/// The image under test.
pub fn image() -> Result<PathBuf> {
    let built = || Path::new(env!("CARGO_MANIFEST_DIR")).join(BUILT);
    let image = std::env::var_os(VARIABLE).map_or_else(built, PathBuf::from);
    let cure = "no image: build it with firmware/build m1, or name one in MUSTER_M1_IMAGE";
    std::fs::canonicalize(&image).with_context(|| format!("{}: {cure}", image.display()))
}

/// An M1 with all that is around it; it is off at first.
pub struct EmulatedM1 {
    name: String,
    setup: Setup,
    code: CodeFlash,
    module: Arc<Mutex<FingerModule>>,
    wired: Wired,
    machine: Option<Emulator>,
    /// What it beeped for, or may have stored when its power failed.
    account: BTreeMap<(u32, u64), (Punch, bool)>,
    /// Boot number and punches since the last start.
    boot: u32,
    made: u64,
}

/// A card to be made.
#[derive(Clone, Debug)]
pub struct Card {
    /// The site that the terminal is set up for.
    pub site: String,
    /// Its size.
    pub mebibytes: u8,
    /// A signed image and the file with the key that it is signed with.
    pub firmware: Option<(PathBuf, PathBuf)>,
}

impl Default for Card {
    /// Of 1 MiB, for the tests' site, without firmware.
    fn default() -> Self {
        Self { site: Site::NAME.to_owned(), mebibytes: 1, firmware: None }
    }
}

/// One line of the log about a finger.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Beep {
    /// Boot and number of the punch; nothing where there is none.
    pub stamp: Option<(u32, u64)>,
    /// `Accepted`, `Denied`, `Unclear`, `Full`, `NotStored`.
    pub sign: String,
}

impl EmulatedM1 {
    /// Makes a card of 1 MiB without firmware on it and plugs a wire in at `port`.
    pub fn new(
        site: &Site,
        name: &str,
        credentials: &Path,
        port: &Path,
        dir: &Path,
    ) -> Result<Self> {
        Self::with_card(site, name, credentials, port, dir, &Card::default())
    }

    /// As [`EmulatedM1::new`], with such a card, which `muster device card` makes.
    pub fn with_card(
        site: &Site,
        name: &str,
        credentials: &Path,
        port: &Path,
        dir: &Path,
        wanted: &Card,
    ) -> Result<Self> {
        std::fs::create_dir_all(dir)?;
        let (card, users) = (dir.join("card.img"), dir.join("users.csv"));
        std::fs::write(&users, user_list())?;
        let text = |path: &Path| path.to_str().map(str::to_owned).context("a name is not text");
        let folder = text(credentials)?;
        let (out, list) = (text(&card)?, text(&users)?);
        let size = wanted.mebibytes.to_string();
        let mut args = vec![
            "device",
            "card",
            "--name",
            name,
            "--credentials",
            &folder,
            "--users",
            &list,
            "--mebibytes",
            &size,
            "--site",
            &wanted.site,
            "--out",
            &out,
        ];
        let firmware = wanted.firmware.as_ref();
        let firmware =
            firmware.map(|(image, key)| Ok::<_, anyhow::Error>([text(image)?, text(key)?]));
        let firmware = firmware.transpose()?;
        if let Some([image, key]) = &firmware {
            args.extend(["--firmware", image, "--firmware-key", key]);
        }
        site.away(&args)?;
        let pages = (0..USERS.len() as u16).chain([NOBODY]);
        let (file, sockets) = (dir.join("flash.bin"), dir.to_owned());
        let code = CodeFlash::new(&file, &std::fs::read(image()?)?)?;
        let image = file;
        Ok(Self {
            name: name.to_owned(),
            setup: Setup { image, card, sockets },
            code,
            module: Arc::new(Mutex::new(FingerModule::new(pages))),
            wired: Wired::new(Line::plug(port)?, 1),
            machine: None,
            account: BTreeMap::new(),
            boot: 0,
            made: 0,
        })
    }

    /// Stores so many punches on its card, at once and while it is off, as if made in a boot of
    /// their own: by the same code that the image runs.
    pub fn store_before(&mut self, secret: &[u8; 32], count: u64) -> Result<()> {
        ensure!(self.machine.is_none(), "it is on");
        let flash = RefCell::new(CardFlash::open(RamCard::of(std::fs::read(&self.setup.card)?))?);
        let part = Parts::of(&flash).context("the card is too small")?.queue;
        let keys = Keys::derive(secret, &self.name).map_err(|e| anyhow::anyhow!("{e}"))?;
        let mut queue: FlashQueue<_, SLOT> = FlashQueue::open(part, keys)?;
        for number in 0..count {
            let page = (number % 5) as u16;
            let stamp = queue.push(stored(page)?)?;
            self.account.insert((stamp.boot, stamp.seq), (expected(page), true));
        }
        drop(queue);
        let card = flash.into_inner().into_blocks();
        Ok(std::fs::write(&self.setup.card, card.bytes())?)
    }

    /// Types on its keypad.
    pub fn type_keys(&mut self, keys: &str) -> Result<()> {
        Ok(self.machine()?.type_keys(keys)?)
    }

    /// Its fingerprint module.
    pub fn module(&self) -> MutexGuard<'_, FingerModule> {
        lock(&self.module)
    }

    /// Carries out what its boot loader asked of the chip's flash; how many words were written. It
    /// is off.
    pub fn write_code(&self) -> Result<usize> {
        ensure!(self.machine.is_none(), "it is on");
        Ok(self.code.catch_up(&self.setup.sockets)?)
    }

    /// Waits for a line of its log that begins so; gives the rest of it.
    pub fn said(&self, begin: &str, limit: Duration) -> Result<String> {
        let machine = self.machine.as_ref().context("it is off")?;
        let line = |line: &String| line.strip_prefix(begin).map(str::to_owned);
        let found = machine.wait(limit, |seen| seen.lines.iter().find_map(|(_, l)| line(l)));
        found.with_context(|| format!("never said {begin:?}: {:?}", machine.seen().lines))
    }

    /// Its card: change it only while it is off.
    pub fn card(&self) -> &Path {
        &self.setup.card
    }

    /// The wire to the box.
    pub fn wire(&self) -> &Wire {
        self.wired.wire()
    }

    /// The running machine.
    pub fn machine(&mut self) -> Result<&mut Emulator> {
        self.machine.as_mut().context("it is off")
    }

    /// Somebody else in its place on the wire, while it is off: at each poll of the box they say
    /// the next of these frames that bears a message. Gives how many were said by the time that
    /// all were, or that `limit` is over.
    pub fn play_back(&self, recorded: &[u8], limit: Duration) -> Result<usize> {
        ensure!(self.machine.is_none(), "it is on");
        let (ours, theirs) = UnixStream::pair()?;
        theirs.set_nonblocking(true)?;
        ours.set_read_timeout(Some(limit))?;
        self.wired.connect(Some(theirs));
        let frames = recorded.split(|byte| *byte == 0).filter(|frame| frame.len() > EMPTY_FRAME);
        let (begun, mut polls, mut said) = (Instant::now(), BufReader::new(ours), 0);
        for frame in frames {
            let mut poll = Vec::new();
            while poll.len() < 2 && begun.elapsed() < limit {
                poll.clear();
                polls.read_until(0, &mut poll)?;
            }
            polls.get_mut().write_all(&[&[0], frame, &[0]].concat())?;
            said += 1;
        }
        // The last is on its way for as long as its bytes take.
        std::thread::sleep(BUTTON);
        self.wired.connect(None);
        Ok(said)
    }

    /// Switches it on.
    pub fn switch_on(&mut self) -> Result<()> {
        let (machine, line) =
            Emulator::start(&self.setup, &self.module).context("is qemu-system-arm installed?")?;
        self.wired.connect(Some(line));
        self.machine = Some(machine);
        Ok(())
    }

    /// Switches it on and waits until it is in service; gives how many punches wait.
    pub fn power_on(&mut self) -> Result<u64> {
        self.switch_on()?;
        let ready = self.said("ready boot ", START)?;
        let (boot, waiting) = ready.split_once(" waiting ").context("an odd line")?;
        (self.boot, self.made) = (boot.parse()?, 0);
        Ok(waiting.parse()?)
    }

    /// The power fails, now.
    pub fn power_off(&mut self) -> Result<()> {
        self.wired.connect(None);
        if let Some(machine) = self.machine.take() {
            machine.kill()?;
        }
        Ok(())
    }

    /// Presses the button for coming in and then punches. QEMU's buttons are down until they were
    /// let go once, so it is pressed twice.
    pub fn punch_in(&mut self, page: u16) -> Result<Beep> {
        let left = r#"{"keys":[{"type":"qcode","data":"left"}],"hold-time":100}"#;
        for _ in 0..2 {
            let command = format!(r#"{{"execute":"send-key","arguments":{left}}}"#);
            self.machine()?.ask(&command)?;
            std::thread::sleep(BUTTON);
        }
        let (_, beep) = self.press(page)?;
        self.note(Punch { direction: Some("in"), ..expected(page) }, &beep)?;
        Ok(beep)
    }

    /// Puts a finger on the glass and waits for the sign.
    pub fn punch(&mut self, page: u16) -> Result<Beep> {
        let (_, beep) = self.timed_punch(page)?;
        Ok(beep)
    }

    /// As [`EmulatedM1::punch`]; also gives when the module had found the finger.
    pub fn timed_punch(&mut self, page: u16) -> Result<(Instant, Beep)> {
        let (at, beep) = self.press(page)?;
        self.note(expected(page), &beep)?;
        Ok((at, beep))
    }

    /// As [`EmulatedM1::punch`], and waits for the receipt. From the moment at which the module had
    /// found the finger: to the line of the beep, and to that of the receipt.
    pub fn times(&mut self, page: u16, limit: Duration) -> Result<(Duration, Duration)> {
        let before = receipted(&self.machine()?.seen());
        let (found, _) = self.timed_punch(page)?;
        self.drain(before + 1, limit)?;
        let seen = self.machine()?.seen();
        ensure!(receipted(&seen) == before + 1, "receipts out of turn");
        let last = |begin: &str| {
            let mut lines = seen.lines.iter().rev();
            let line = lines.find(|(_, line)| line.starts_with(begin));
            line.map(|(at, _)| at.duration_since(found)).with_context(|| format!("no {begin}"))
        };
        Ok((last("stored ")?, last("receipted ")?))
    }

    /// As [`EmulatedM1::punch`], without keeping account of it.
    pub fn punch_unlisted(&mut self, page: u16) -> Result<Beep> {
        let (_, beep) = self.press(page)?;
        Ok(beep)
    }

    fn press(&self, page: u16) -> Result<(Instant, Beep)> {
        let before = self.beeps()?.len();
        let asked = self.touch(page)?;
        let machine = self.machine.as_ref().context("it is off")?;
        let found = machine.wait(PUNCH, |seen| {
            let searched = seen.searched.filter(|at| *at >= asked);
            Some((searched?, beeps(seen).nth(before)?))
        });
        lock(&self.module).lift();
        found.context("no sign")
    }

    /// Puts a finger on the glass once the one before was seen to be gone.
    fn touch(&self, page: u16) -> Result<Instant> {
        let begun = Instant::now();
        loop {
            let mut module = lock(&self.module);
            if module.is_free() {
                module.press(page, SCORE);
                return Ok(Instant::now());
            }
            drop(module);
            ensure!(begun.elapsed() < PUNCH, "the glass is never free");
            std::thread::sleep(TICK);
        }
    }

    /// Puts a finger on the glass and lets the power fail so long after the module has found it.
    /// Gives whether the sign came before.
    pub fn punch_and_fail(&mut self, page: u16, delay: Duration) -> Result<bool> {
        let before = self.beeps()?.len();
        let asked = self.touch(page)?;
        let machine = self.machine.as_ref().context("it is off")?;
        let found = machine.wait(PUNCH, |seen| seen.searched.filter(|at| *at >= asked));
        found.context("the module saw nothing")?;
        std::thread::sleep(delay);
        let machine = self.machine.take().context("it is off")?;
        let seen = machine.keep_seen();
        machine.kill()?;
        self.wired.connect(None);
        // What the log said before the power failed may still be on its way to here.
        std::thread::sleep(Duration::from_millis(20));
        let beep = beeps(&lock(&seen.0)).nth(before);
        match &beep {
            Some(beep) => self.note(expected(page), beep)?,
            // Perhaps it was stored; it was not beeped for.
            None => {
                let stamp = (self.boot, self.made + 1);
                self.account.insert(stamp, (expected(page), false));
            }
        }
        lock(&self.module).lift();
        Ok(beep.is_some())
    }

    /// Keeps account of a sign.
    fn note(&mut self, punch: Punch, beep: &Beep) -> Result<()> {
        let Some(stamp) = beep.stamp else { return Ok(()) };
        self.made += 1;
        ensure!(stamp == (self.boot, self.made), "{stamp:?}, not {} {}", self.boot, self.made);
        self.account.insert(stamp, (punch, true));
        Ok(())
    }

    fn beeps(&self) -> Result<Vec<Beep>> {
        let machine = self.machine.as_ref().context("it is off")?;
        Ok(beeps(&machine.seen()).collect())
    }

    /// Waits until the box has taken over what was stored.
    pub fn drain(&self, count: u64, limit: Duration) -> Result<()> {
        let machine = self.machine.as_ref().context("it is off")?;
        let drained = machine.wait(limit, |seen| (receipted(seen) >= count).then_some(()));
        drained.with_context(|| {
            let seen = machine.seen();
            format!("{} of {count} receipted: {:?}", receipted(&seen), seen.lines.back())
        })
    }

    /// How often the chip has started since the power came on.
    pub fn starts(&self) -> Result<usize> {
        let machine = self.machine.as_ref().context("it is off")?;
        let seen = machine.seen();
        Ok(seen.lines.iter().filter(|(_, line)| line.starts_with("muster-m1")).count())
    }

    /// Punches of this boot that it beeped for.
    pub fn made(&self) -> u64 {
        self.made
    }

    /// What it claims to have stored.
    pub fn claim(&self) -> Claim {
        Claim::of_account(&self.name, &self.account)
    }
}

fn user_list() -> String {
    let rows = USERS.iter().enumerate().map(|(page, number)| {
        let duress = if page as u16 == UNDER_DURESS { "yes" } else { "no" };
        format!("{page},{number},{duress}\n")
    });
    "page,number,duress\n".to_owned() + &rows.collect::<String>()
}

/// The punch that a finger makes.
fn expected(page: u16) -> Punch {
    let user = USERS.get(usize::from(page));
    let outcome = match page {
        UNDER_DURESS => "duress",
        _ if user.is_some() => "granted",
        _ => "denied",
    };
    let person = user.map(|number| (*number).to_owned());
    let (method, direction, evidence) = ("fingerprint", None, None);
    Punch { person, at_s: 0, method, outcome, direction, evidence }
}

/// The same as a terminal stores it.
fn stored(page: u16) -> Result<CheckIn<'static>> {
    let score = Evidence { kind: EvidenceKind::Score, media: "text/plain", data: b"93" };
    Ok(CheckIn {
        boot: 0,
        seq: 0,
        person: USERS.get(usize::from(page)).copied(),
        at: LocalTime { seconds: crate::punch::now_s(), offset_minutes: 480 },
        method: Method::Fingerprint,
        outcome: Outcome::Granted,
        direction: None,
        live: false,
        clock: ClockState::Ok,
        evidence: Evidences::from_slice(&[score]).map_err(|e| anyhow::anyhow!("{e}"))?,
        unknown_fields: 0,
    })
}

fn beeps(seen: &Seen) -> impl Iterator<Item = Beep> {
    seen.lines.iter().filter_map(|(_, line)| {
        if let Some(sign) = line.strip_prefix("not stored ") {
            return Some(Beep { stamp: None, sign: sign.to_owned() });
        }
        let (stamp, sign) = line.strip_prefix("stored ")?.split_once(' ')?;
        let (boot, seq) = stamp.split_once('/')?;
        let stamp = Some((boot.parse().ok()?, seq.parse().ok()?));
        Some(Beep { stamp, sign: sign.to_owned() })
    })
}

/// Punches that the box has taken over since the start.
pub fn receipted(seen: &Seen) -> u64 {
    let mut lines = seen.lines.iter().rev().map(|(_, line)| line);
    lines.find_map(|line| line.strip_prefix("receipted ")?.parse().ok()).unwrap_or(0)
}
