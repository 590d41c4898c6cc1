//! The M1 on bare metal: [`muster_terminal`] on the parts of a [`board`].
//!
//! One loop does everything and waits for nothing but the card: it feeds the watchdog, moves bytes
//! between rings and state machines, and sleeps until the next interrupt. A panic resets; so does
//! a loop that no longer comes round. What cannot start says why on the display and in the log,
//! and tries again.
#![no_std]
#![no_main]

// The boot loader uses the rest.
#[allow(dead_code, unused_imports)]
mod board;
mod card;
mod log;
mod ring;
mod screen;
mod status;

use board::{BOARD, Board, BoxPort, CardBus, ClockBus, ModulePort, Pins, Screen, Watchdog, now_ms};
use card::Card;
use core::cell::RefCell;
use core::fmt::{self, Write as _};
use core::panic::PanicInfo;
use cortex_m::asm::wfi;
use cortex_m::peripheral::SCB;
use cortex_m_rt::entry;
use log::Log;
use muster_proto::frame;
use muster_proto::message::{DeviceKind, Method, Outcome, Stamp};
use muster_proto::seal::SiteError;
use muster_terminal::card::{BLOCK, CardError, CardFlash};
use muster_terminal::clock::Ds1307;
use muster_terminal::keypad::Key;
use muster_terminal::layout::{MAX_USERS, Parts};
use muster_terminal::log::{EventLog, LogError};
use muster_terminal::manage::{Manager, Pressed};
use muster_terminal::provision::{Identity, ProvisionError};
use muster_terminal::queue::PushError;
use muster_terminal::region::Region;
use muster_terminal::sensor::{Finger, MAX_PACKET, PasswordError, Sensor};
use muster_terminal::serial;
use muster_terminal::terminal::{Config, PunchError, StartError, Terminal, User};
use muster_terminal::update::{Trust, UpdateError, Updater};
use muster_terminal::users::{ListKey, UserList, UsersError};
use screen::Row;
use static_cell::StaticCell;
use status::{Last, Status};
use zeroize::Zeroize as _;

/// Bytes of a queue slot: a punch with its score.
const SLOT: usize = 256;
/// Bytes that an answer to the box may have.
const MAX_TX: usize = frame::wire_len(SLOT + 65);
/// Templates that the module has room for.
const CAPACITY: u16 = 200;
/// The module answers to this alone. It goes over the wire in the clear, so it is no secret from
/// whoever opens the case: it keeps a module from a terminal of another make.
const MODULE_PASSWORD: u32 = 0x4D75_7374;
/// How long a terminal that cannot start says so before it tries again, in milliseconds.
const RETRY_MS: u64 = 10_000;
/// From the word that a new image is whole to the start of it, in milliseconds: its report goes out.
const RESTART_MS: u64 = 2_000;
/// The key of a terminal that takes no firmware over the wire.
const NO_KEY: [u8; 32] = [0; 32];

type Flash = CardFlash<Card>;
type Part = Region<'static, Flash>;
type M1 = Terminal<Part, Ds1307<ClockBus>, Pins, SLOT>;
type Boss = Manager<Part, Part, Part, MAX_USERS>;

// What lives as long as the terminal is not kept on the stack, where each move would want it twice.
static FLASH: StaticCell<RefCell<Flash>> = StaticCell::new();
static TERMINAL: StaticCell<M1> = StaticCell::new();
static MANAGER: StaticCell<Boss> = StaticCell::new();

/// The terminal does not start.
#[derive(Clone, Copy, Debug)]
enum Failure {
    Card(CardError),
    Small,
    Provision(ProvisionError),
    Site(SiteError),
    Terminal(StartError),
    Users(UsersError),
    Log(LogError),
    Update(UpdateError),
    Module(PasswordError),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Card(why) => why.fmt(f),
            Self::Small => f.write_str("the card is too small; use one of 1 MiB or more"),
            Self::Provision(why) => why.fmt(f),
            Self::Site(why) => why.fmt(f),
            Self::Terminal(why) => why.fmt(f),
            Self::Users(why) => why.fmt(f),
            Self::Log(why) => why.fmt(f),
            Self::Update(why) => why.fmt(f),
            Self::Module(why) => why.fmt(f),
        }
    }
}

#[entry]
fn main() -> ! {
    if let Some(board) = Board::start() {
        let Board { mut watchdog, to_box, module, log, clock_bus, card_bus, mut screen, pins } =
            board;
        let mut log = Log::new(log);
        log.started(board::take_reset_cause());
        screen.start();
        match Machine::start(card_bus, clock_bus, pins) {
            Ok(mut machine) => machine.run(watchdog, to_box, module, log, screen),
            Err(why) => say_why(why, &mut watchdog, &mut log, &mut screen),
        }
    }
    SCB::sys_reset()
}

/// Says why nothing works, for a while.
fn say_why(why: Failure, watchdog: &mut Watchdog, log: &mut Log, screen: &mut Screen) {
    log.failed(&why);
    let mut words = heapless::String::<128>::new();
    // What is too long ends where the room ends.
    let _ = write!(words, "{why}");
    let rows = status::failure(&words);
    let since = now_ms();
    while now_ms() - since < RETRY_MS {
        watchdog.feed();
        screen.show(&rows);
        wfi();
    }
}

/// Reads the card and opens the queue on it; the flash's other parts come with it. Each of these
/// has a large frame that must not stay: so none is part of its caller's.
#[inline(never)]
fn start_terminal(
    identity: &Identity<'_>,
    queue: Part,
    clock_bus: ClockBus,
    pins: Pins,
) -> Result<&'static mut M1, Failure> {
    let config = Config {
        address: identity.address,
        name: identity.name,
        secret: identity.secret,
        device: DeviceKind::M1,
        firmware: env!("CARGO_PKG_VERSION"),
    };
    let terminal = Terminal::new(&config, queue, Ds1307::new(clock_bus), pins);
    let terminal = TERMINAL.init(terminal.map_err(Failure::Terminal)?);
    // Without a site it takes no tasks, and does everything else.
    if !identity.site.is_empty() {
        terminal.set_site(identity.site).map_err(Failure::Site)?;
    }
    Ok(terminal)
}

#[inline(never)]
fn start_manager(
    identity: &Identity<'_>,
    (users, log, firmware): (Part, Part, Part),
    terminal: &mut M1,
) -> Result<&'static mut Boss, Failure> {
    let boot = terminal.boot();
    let users = UserList::open(users, ListKey::derive(identity.secret)).map_err(Failure::Users)?;
    let log = EventLog::open(log, boot).map_err(Failure::Log)?;
    let trust = Trust { key: *identity.firmware_key, board: BOARD };
    let updater = (trust.key != NO_KEY).then(|| Updater::open(firmware, trust));
    let updater = updater.transpose().map_err(Failure::Update)?;
    let reading = terminal.read_clock(now_ms());
    Ok(MANAGER.init_with(|| Manager::new(users, log, updater, boot, reading)))
}

#[inline(never)]
fn open_card(
    card_bus: CardBus,
    block: &mut [u8; BLOCK],
) -> Result<&'static RefCell<Flash>, Failure> {
    let mut card = Card::start(card_bus).map_err(Failure::Card)?;
    let blocks = Identity::read(&mut card, block).map_err(Failure::Provision)?.blocks;
    let flash = CardFlash::open(card.with_blocks(blocks)).map_err(Failure::Card)?;
    Ok(FLASH.init(RefCell::new(flash)))
}

/// The terminal with what is around it.
struct Machine {
    terminal: &'static mut M1,
    manager: &'static mut Boss,
    sensor: Sensor,
    name: Row,
    last: Option<(Last, u64)>,
    /// When a new image is started.
    restart_ms: Option<u64>,
}

impl Machine {
    #[inline(never)]
    fn start(card_bus: CardBus, clock_bus: ClockBus, pins: Pins) -> Result<Self, Failure> {
        let mut block = [0; BLOCK];
        let flash = open_card(card_bus, &mut block)?;
        let identity =
            Identity::parse(&block).ok_or(Failure::Provision(ProvisionError::Foreign))?;
        let Parts { users, log, firmware, queue } = Parts::of(flash).ok_or(Failure::Small)?;
        let terminal = start_terminal(&identity, queue, clock_bus, pins)?;
        let manager = start_manager(&identity, (users, log, firmware), terminal)?;
        let name = status::cut(identity.name);
        block.zeroize();
        let sensor = Sensor::new(MODULE_PASSWORD, CAPACITY).map_err(Failure::Module)?;
        Ok(Self { terminal, manager, sensor, name, last: None, restart_ms: None })
    }

    fn run(
        &mut self,
        mut watchdog: Watchdog,
        mut to_box: BoxPort,
        mut module: ModulePort,
        mut log: Log,
        mut screen: Screen,
    ) -> ! {
        log.firmware(self.manager.version());
        log.ready(self.terminal.boot(), self.terminal.waiting());
        let (mut tx, mut receipted) = ([0; MAX_TX], 0);
        loop {
            watchdog.feed();
            let now = now_ms();
            if let Some(finger) = self.look(now, &mut module) {
                self.finger(now, finger, &mut log);
            }
            if let Some(key) = log.key() {
                self.key(now, key, &mut log);
            }
            // Its port takes bytes or loses them, and has no errors.
            let Ok(()) = serial::step(self.terminal, &mut to_box, now, self.manager, &mut tx);
            let total = self.terminal.counts().receipted;
            if core::mem::replace(&mut receipted, total) != total {
                log.receipted(total);
            }
            screen.show(&self.status(now).rows(now));
            self.restart_for_an_image(now);
            if !to_box.has_more() && !module.has_more() {
                wfi();
            }
        }
    }

    /// Lets the driver speak with the module.
    fn look(&mut self, now_ms: u64, module: &mut ModulePort) -> Option<Finger> {
        let (mut rx, mut tx) = ([0; 64], [0; MAX_PACKET]);
        let taken = module.take(&mut rx);
        let rx = rx.get(..taken).unwrap_or_default();
        let (len, finger) = self.manager.drive(now_ms, &mut self.sensor, rx, &mut tx);
        module.offer(tx.get(..len).unwrap_or_default());
        finger
    }

    /// Makes a punch of a finger.
    fn finger(&mut self, now_ms: u64, finger: Finger, log: &mut Log) {
        let found = match finger {
            Finger::Match { page, .. } => self.manager.user(page),
            Finger::Unknown | Finger::Unclear => None,
        };
        let user =
            found.as_ref().map(|(user, duress)| User { number: &user.number, duress: *duress });
        let made = self.terminal.finger(now_ms, finger, |_| user, &[]);
        let granted = user.is_some();
        match made {
            None => self.show(now_ms, Last::Unclear, None, log),
            Some(made) => self.punched(now_ms, granted, made, log),
        }
    }

    /// Takes a key; a number and its PIN make a punch, and so does a wrong PIN.
    fn key(&mut self, now_ms: u64, key: Key, log: &mut Log) {
        let (user, outcome) = match self.manager.key(now_ms, key) {
            Pressed::More => return,
            Pressed::Refused => return self.show(now_ms, Last::NoPin, None, log),
            Pressed::Chosen => return self.show(now_ms, Last::Chosen, None, log),
            Pressed::Right(user) => (Some(user), Outcome::Granted),
            Pressed::Wrong => (None, Outcome::Denied),
        };
        let number = user.as_ref().map(|user| user.number.as_str());
        let made = self.terminal.punch(now_ms, number, Method::Pin, outcome, None, &[]);
        self.punched(now_ms, user.is_some(), made, log);
    }

    fn punched(
        &mut self,
        now_ms: u64,
        granted: bool,
        made: Result<Stamp, PunchError>,
        log: &mut Log,
    ) {
        let last = match &made {
            Ok(_) if granted => Last::Accepted,
            Ok(_) => Last::Denied,
            Err(PunchError::Queue(PushError::Full)) => Last::Full,
            Err(_) => Last::NotStored,
        };
        self.show(now_ms, last, made.ok(), log);
    }

    fn show(&mut self, now_ms: u64, last: Last, stored: Option<Stamp>, log: &mut Log) {
        self.last = Some((last, now_ms));
        log.punch(last, stored);
    }

    /// A new image is whole: starts it once that was said.
    fn restart_for_an_image(&mut self, now_ms: u64) {
        if !self.manager.wants_restart() || self.manager.has_report() {
            return;
        }
        if now_ms >= *self.restart_ms.get_or_insert(now_ms + RESTART_MS) {
            SCB::sys_reset();
        }
    }

    fn status(&self, now_ms: u64) -> Status<'_> {
        Status {
            name: &self.name,
            box_is_up: self.terminal.is_up(now_ms),
            waiting: self.terminal.waiting(),
            module_is_ready: self.sensor.is_ready(),
            asks: self.manager.is_asking(),
            last: self.last,
        }
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    SCB::sys_reset()
}
