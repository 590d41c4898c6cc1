//! The M1 on bare metal: [`muster_terminal`] on the parts of a [`board`].
//!
//! One loop does everything and waits for nothing but the card: it feeds the watchdog, moves bytes
//! between rings and state machines, and sleeps until the next interrupt. A panic resets; so does
//! a loop that no longer comes round. What cannot start says why on the display and in the log,
//! and tries again.
#![no_std]
#![no_main]

mod board;
mod card;
mod log;
mod ring;
mod screen;
mod status;

use board::{Board, BoxPort, CardBus, ClockBus, ModulePort, Pins, Screen, Watchdog, now_ms};
use card::Card;
use core::fmt::{self, Write as _};
use core::panic::PanicInfo;
use cortex_m::asm::wfi;
use cortex_m::peripheral::SCB;
use cortex_m_rt::entry;
use log::Log;
use muster_proto::frame;
use muster_proto::message::DeviceKind;
use muster_terminal::card::{BLOCK, CardError, CardFlash};
use muster_terminal::clock::Ds1307;
use muster_terminal::provision::{Identity, ProvisionError, Users};
use muster_terminal::queue::PushError;
use muster_terminal::sensor::{Finger, MAX_PACKET, PasswordError, Sensor};
use muster_terminal::serial;
use muster_terminal::terminal::{Config, PunchError, StartError, Terminal};
use screen::Row;
use static_cell::{ConstStaticCell, StaticCell};
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

type M1 = Terminal<CardFlash<Card>, Ds1307<ClockBus>, Pins, SLOT>;

// What lives as long as the terminal is not kept on the stack, where each move would want it twice.
static MACHINE: StaticCell<Machine> = StaticCell::new();
static USERS: ConstStaticCell<Users> = ConstStaticCell::new(Users::new());

/// The terminal does not start.
#[derive(Clone, Copy, Debug)]
enum Failure {
    Card(CardError),
    Provision(ProvisionError),
    Terminal(StartError),
    Module(PasswordError),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Card(why) => why.fmt(f),
            Self::Provision(why) => why.fmt(f),
            Self::Terminal(why) => why.fmt(f),
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
            Ok(machine) => machine.run(watchdog, to_box, module, log, screen),
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

/// The terminal with what is around it.
struct Machine {
    terminal: M1,
    sensor: Sensor,
    users: &'static Users,
    name: Row,
    last: Option<(Last, u64)>,
}

impl Machine {
    /// Reads the card and opens the queue on it. Its frame is large and must not stay: so it is
    /// no part of its caller's.
    #[inline(never)]
    fn start(
        card_bus: CardBus,
        clock_bus: ClockBus,
        pins: Pins,
    ) -> Result<&'static mut Self, Failure> {
        let mut card = Card::start(card_bus).map_err(Failure::Card)?;
        let users = USERS.take();
        users.read(&mut card).map_err(Failure::Provision)?;
        let mut block = [0; BLOCK];
        let identity = Identity::read(&mut card, &mut block).map_err(Failure::Provision)?;
        let flash = CardFlash::open(card.with_blocks(identity.blocks)).map_err(Failure::Card)?;
        let config = Config {
            address: identity.address,
            name: identity.name,
            secret: identity.secret,
            device: DeviceKind::M1,
            firmware: env!("CARGO_PKG_VERSION"),
        };
        let name = status::cut(identity.name);
        let terminal = Terminal::new(&config, flash, Ds1307::new(clock_bus), pins);
        let terminal = terminal.map_err(Failure::Terminal);
        block.zeroize();
        let sensor = Sensor::new(MODULE_PASSWORD, CAPACITY).map_err(Failure::Module)?;
        let terminal = terminal?;
        Ok(MACHINE.init_with(|| Self { terminal, sensor, users, name, last: None }))
    }

    fn run(
        &mut self,
        mut watchdog: Watchdog,
        mut to_box: BoxPort,
        mut module: ModulePort,
        mut log: Log,
        mut screen: Screen,
    ) -> ! {
        log.ready(self.terminal.boot(), self.terminal.waiting());
        let (mut tx, mut receipted) = ([0; MAX_TX], 0);
        loop {
            watchdog.feed();
            let now = now_ms();
            if let Some(finger) = self.look(now, &mut module) {
                self.finger(now, finger, &mut log);
            }
            // Its port takes bytes or loses them, and has no errors.
            let Ok(()) = serial::step(&mut self.terminal, &mut to_box, now, &mut tx);
            let total = self.terminal.counts().receipted;
            if core::mem::replace(&mut receipted, total) != total {
                log.receipted(total);
            }
            screen.show(&self.status(now).rows(now));
            if !to_box.has_more() && !module.has_more() {
                wfi();
            }
        }
    }

    /// Lets the driver speak with the module.
    fn look(&mut self, now_ms: u64, module: &mut ModulePort) -> Option<Finger> {
        let (mut rx, mut tx) = ([0; 64], [0; MAX_PACKET]);
        let taken = module.take(&mut rx);
        let (len, finger) = self.sensor.poll(now_ms, rx.get(..taken).unwrap_or_default(), &mut tx);
        module.offer(tx.get(..len).unwrap_or_default());
        finger
    }

    /// Makes a punch of a finger.
    fn finger(&mut self, now_ms: u64, finger: Finger, log: &mut Log) {
        let known = matches!(finger, Finger::Match { page, .. } if self.users.find(page).is_some());
        let made = self.terminal.finger(now_ms, finger, |page| self.users.find(page), &[]);
        let last = match &made {
            None => Last::Unclear,
            Some(Ok(_)) if known => Last::Accepted,
            Some(Ok(_)) => Last::Denied,
            Some(Err(PunchError::Queue(PushError::Full))) => Last::Full,
            Some(Err(_)) => Last::NotStored,
        };
        self.last = Some((last, now_ms));
        log.finger(last, made.and_then(Result::ok));
    }

    fn status(&self, now_ms: u64) -> Status<'_> {
        Status {
            name: &self.name,
            box_is_up: self.terminal.is_up(now_ms),
            waiting: self.terminal.waiting(),
            module_is_ready: self.sensor.is_ready(),
            last: self.last,
        }
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    SCB::sys_reset()
}
