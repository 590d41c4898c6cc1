//! A whole M1 on simulated parts.

use super::{ClockChip, FingerModule, Pin, RamFlash};
use crate::clock::Ds1307;
use crate::log::EventLog;
use crate::manage::Manager;
use crate::panel::Panel;
use crate::sensor::{Finger, MAX_PACKET, Sensor};
use crate::terminal::{Config, StartError, Terminal, User};
use crate::update::{Trust, Updater};
use crate::users::{ListKey, UserList};
use muster_proto::frame;
use muster_proto::message::{DeviceKind, Evidence};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of a queue slot: room for a template of [`Board::MAX_TEMPLATE`] bytes.
const SLOT: usize = 1024;
const PASSWORD: u32 = 0x4D75_7374;

/// Users that a managed board has room for.
const USERS: usize = 60;
/// The board's number, as firmware images name it.
pub const BOARD: u32 = 1;

/// A simulated board's manager.
pub type BoardManager = Manager<RamFlash, RamFlash, RamFlash, USERS>;

type Pins = Panel<Pin, Pin, Pin, Pin, Pin>;

/// A managed board cannot be made of these parts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum Unfit {
    #[error(transparent)]
    Site(#[from] muster_proto::seal::SiteError),
    #[error(transparent)]
    Users(#[from] crate::users::UsersError),
    #[error(transparent)]
    Log(#[from] crate::log::LogError),
    #[error(transparent)]
    Update(#[from] crate::update::UpdateError),
}

/// An M1 with flash, clock chip, fingerprint module and panel, all simulated, running the code of
/// this crate.
pub struct Board {
    /// The terminal's own code.
    pub terminal: Terminal<RamFlash, Ds1307<ClockChip>, Pins, SLOT>,
    /// The module: press fingers here.
    pub module: FingerModule,
    /// The beeper.
    pub beeper: Pin,
    /// The button for coming in; pressed when low.
    pub button_in: Pin,
    /// The button for going out; pressed when low.
    pub button_out: Pin,
    sensor: Sensor,
    from_module: Vec<u8>,
    hand: Arc<AtomicU64>,
    users: Vec<(u16, String)>,
    /// Who does the box's tasks, once [`Board::manage`] was called.
    pub manager: Option<BoardManager>,
}

impl Board {
    /// Bytes that an answer to the box may have.
    pub const MAX_TX: usize = frame::wire_len(SLOT + 65);
    /// Largest template that fits a punch beside score, number and seal.
    pub const MAX_TEMPLATE: usize = SLOT - 160;

    /// Switches the board on. `users` are pages of the module with the numbers of their people.
    pub fn start(
        name: &str,
        secret: &[u8; 32],
        address: u8,
        flash: RamFlash,
        users: &[(u16, &str)],
    ) -> Result<Self, StartError> {
        let (beeper, button_in, button_out) = (Pin::low(), Pin::high(), Pin::high());
        let (green, red) = (Pin::low(), Pin::low());
        let panel = Panel::new(beeper.clone(), green, red, button_in.clone(), button_out.clone());
        let chip = ClockChip::new();
        let hand = chip.hand();
        let (device, firmware) = (DeviceKind::M1, env!("CARGO_PKG_VERSION"));
        let config = Config { address, name, secret, device, firmware };
        let terminal = Terminal::new(&config, flash, Ds1307::new(chip), panel)?;
        let module = FingerModule::new(users.iter().map(|(page, _)| *page));
        let users = users.iter().map(|(page, number)| (*page, String::from(*number))).collect();
        let sensor = Sensor::new(PASSWORD, 200).unwrap_or_else(|_| unreachable!("it is not 0"));
        let from_module = Vec::new();
        Ok(Self {
            terminal,
            module,
            beeper,
            button_in,
            button_out,
            sensor,
            from_module,
            hand,
            users,
            manager: None,
        })
    }

    /// Lets the box manage the board, on blank flashes: it was set up for `site`, and believes
    /// firmware that is signed with the Ed25519 key `trusted`.
    pub fn manage(
        &mut self,
        site: &str,
        secret: &[u8; 32],
        trusted: [u8; 32],
    ) -> Result<(), Unfit> {
        self.terminal.set_site(site)?;
        let users = UserList::open(RamFlash::new(6), ListKey::derive(secret))?;
        let log = EventLog::open(RamFlash::new(2), self.terminal.boot())?;
        let trust = Trust { key: trusted, board: BOARD };
        let updater = Some(Updater::open(RamFlash::new(16), trust)?);
        let (boot, reading) = (self.terminal.boot(), self.terminal.read_clock(0));
        self.manager = Some(Manager::new(users, log, updater, boot, reading));
        Ok(())
    }

    /// Lets everything on the board do what is to be done now: reads the module, makes a punch of
    /// a finger with `more` as evidence beside the score, takes bytes from the box and writes the
    /// answer into `tx`, of [`Board::MAX_TX`] bytes. Call it every few milliseconds.
    pub fn poll(&mut self, now_ms: u64, rx: &[u8], tx: &mut [u8], more: &[Evidence<'_>]) -> usize {
        self.hand.store(now_ms / 1000, Ordering::Relaxed);
        let mut packet = [0; MAX_PACKET];
        let from_module = std::mem::take(&mut self.from_module);
        let (len, finger) = match &mut self.manager {
            Some(manager) => manager.drive(now_ms, &mut self.sensor, &from_module, &mut packet),
            None => self.sensor.poll(now_ms, &from_module, &mut packet),
        };
        self.from_module = self.module.exchange(packet.get(..len).unwrap_or_default());
        if let Some(finger) = finger {
            self.finger(now_ms, finger, more);
        }
        match &mut self.manager {
            Some(manager) => self.terminal.poll_with(now_ms, rx, tx, manager),
            None => self.terminal.poll(now_ms, rx, tx),
        }
    }

    fn finger(&mut self, now_ms: u64, finger: Finger, more: &[Evidence<'_>]) {
        let managed = match (finger, &mut self.manager) {
            (Finger::Match { page, .. }, Some(manager)) => manager.user(page),
            _ => None,
        };
        let user = |page| match &managed {
            Some((user, duress)) => Some(User { number: &user.number, duress: *duress }),
            None => {
                let user = self.users.iter().find(|(p, _)| *p == page);
                user.map(|(_, number)| User { number, duress: false })
            }
        };
        // A refusal is shown by the panel and counted by the terminal.
        let _ = self.terminal.finger(now_ms, finger, user, more);
    }

    /// Switches the board off; what the flash holds stays.
    pub fn power_off(self) -> RamFlash {
        self.terminal.into_parts().0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_proto::message::EvidenceKind;

    #[test]
    fn fingers_become_punches_that_survive_a_restart() {
        let users = [(3, "00017"), (4, "00018")];
        let flash = RamFlash::new(32);
        let mut board = Board::start("m1", &[1; 32], 1, flash, &users).unwrap();
        let data = vec![0xEE; Board::MAX_TEMPLATE];
        let template = Evidence { kind: EvidenceKind::FingerprintTemplate, media: "", data: &data };
        let mut tx = vec![0; Board::MAX_TX];
        for now in 0..20_000 {
            if now % 2_000 == 1_000 {
                board.module.press((now / 2_000 % 3 + 3) as u16, 80);
            }
            assert_eq!(board.poll(now, &[], &mut tx, &[template]), 0);
        }
        assert_eq!(board.terminal.counts().stored, 10);
        let flash = board.power_off();
        let board = Board::start("m1", &[1; 32], 1, flash, &users).unwrap();
        assert_eq!((board.terminal.waiting(), board.terminal.boot()), (10, 2));
    }
}
