//! What a person sees, hears and presses: two lights, a beeper, a button for in and one for out.

use embedded_hal::digital::{InputPin, OutputPin};
use muster_proto::message::Direction;

/// How long a pressed button counts for the next punch, in milliseconds.
pub const DIRECTION_MS: u64 = 10_000;
/// Length of one step of a signal, in milliseconds.
const STEP_MS: u64 = 100;

/// What the terminal tells the person in front of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signal {
    /// The punch is safe: green, one short beep.
    Accepted,
    /// Not known or not allowed; the attempt is safe too: red, two short beeps.
    Denied,
    /// The punch could not be stored and does not count: red, one long beep.
    Refused,
    /// Somebody looks for this terminal: both lights, beeping, for so many seconds.
    Identify(u8),
}

impl Signal {
    /// Steps with the beeper on, lowest bit first; green; red; steps in all.
    const fn pattern(self) -> (u16, bool, bool, u32) {
        match self {
            Self::Accepted => (0b1, true, false, 8),
            Self::Denied => (0b101, false, true, 10),
            Self::Refused => (0b11_1111_1111, false, true, 15),
            Self::Identify(seconds) => (0b1, true, true, seconds as u32 * 10),
        }
    }
}

/// The pins of a panel. Outputs are on when high, buttons pressed when low. A pin that fails is
/// passed over: a dead light must not stop a punch.
pub struct Panel<B, G, R, I, O> {
    /// Beeper.
    pub beeper: B,
    /// Green light.
    pub green: G,
    /// Red light.
    pub red: R,
    /// Button for coming in.
    pub button_in: I,
    /// Button for going out.
    pub button_out: O,
    /// What is being shown, and since when.
    shown: Option<(Signal, u64)>,
    pressed: Option<(Direction, u64)>,
    /// Whether each button is down. At the start they count as down: a button that hangs, or that
    /// nobody has wired, is not pressed until it was seen to be up.
    down: [bool; 2],
}

impl<B: OutputPin, G: OutputPin, R: OutputPin, I: InputPin, O: InputPin> Panel<B, G, R, I, O> {
    /// A panel of these pins, dark and silent.
    pub fn new(beeper: B, green: G, red: R, button_in: I, button_out: O) -> Self {
        Self {
            beeper,
            green,
            red,
            button_in,
            button_out,
            shown: None,
            pressed: None,
            down: [true; 2],
        }
    }

    /// Begins to show `signal`, in place of what was shown.
    pub fn show(&mut self, now_ms: u64, signal: Signal) {
        self.shown = Some((signal, now_ms));
        self.poll(now_ms);
    }

    /// The way the person pressed, within the last [`DIRECTION_MS`]; asking takes it away.
    pub fn take_direction(&mut self, now_ms: u64) -> Option<Direction> {
        self.poll(now_ms);
        let (direction, _) = self.pressed.take()?;
        Some(direction)
    }

    /// Reads the buttons and moves the signal on. Call it at least every 50 ms.
    pub fn poll(&mut self, now_ms: u64) {
        // A pin that fails says nothing new.
        let [was_in, was_out] = self.down;
        let is_in = self.button_in.is_low().unwrap_or(was_in);
        let is_out = self.button_out.is_low().unwrap_or(was_out);
        if is_in && !was_in {
            self.pressed = Some((Direction::In, now_ms));
        } else if is_out && !was_out {
            self.pressed = Some((Direction::Out, now_ms));
        }
        self.down = [is_in, is_out];
        let stale = |&(_, at): &(Direction, u64)| now_ms.saturating_sub(at) >= DIRECTION_MS;
        if self.pressed.as_ref().is_some_and(stale) {
            self.pressed = None;
        }
        self.play(now_ms);
    }

    fn play(&mut self, now_ms: u64) {
        let Some((signal, since)) = self.shown else { return };
        let (beeps, green, red, steps) = signal.pattern();
        let step = now_ms.saturating_sub(since) / STEP_MS;
        let on = step < u64::from(steps);
        // A longer signal repeats its beeps every second.
        let beeping = on && beeps >> (step % 10) & 1 == 1 && (step < 10 || steps > 15);
        let _ = self.beeper.set_state(beeping.into());
        let _ = self.green.set_state((on && green).into());
        let _ = self.red.set_state((on && red).into());
        if !on {
            self.shown = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Pin;

    fn panel() -> (Panel<Pin, Pin, Pin, Pin, Pin>, [Pin; 5]) {
        let pins = [Pin::low(), Pin::low(), Pin::low(), Pin::high(), Pin::high()];
        let [b, g, r, i, o] = pins.clone();
        (Panel::new(b, g, r, i, o), pins)
    }

    /// The beeper over time, one character for each step, and the lights in the first step.
    fn check(signal: Signal, beeps: &str, green: bool, red: bool) {
        let (mut panel, [beeper, g, r, ..]) = panel();
        panel.show(1_000, signal);
        assert_eq!((g.is_set(), r.is_set()), (green, red), "{signal:?}");
        let mut heard = std::string::String::new();
        for step in 0..beeps.len() as u64 {
            panel.poll(1_000 + step * STEP_MS);
            heard.push(if beeper.is_set() { '#' } else { '.' });
        }
        assert_eq!(heard, beeps, "{signal:?}");
        panel.poll(60_000);
        assert!(!beeper.is_set() && !g.is_set() && !r.is_set(), "{signal:?}");
    }

    #[test]
    fn signals() {
        check(Signal::Accepted, "#...............", true, false);
        check(Signal::Denied, "#.#.............", false, true);
        check(Signal::Refused, "##########......", false, true);
        check(Signal::Identify(2), "#.........#...........", true, true);
    }

    #[test]
    fn a_button_that_hangs_is_not_pressed() {
        let (mut panel, [.., button_in, button_out]) = panel();
        button_in.set(false);
        panel.poll(0);
        assert_eq!(panel.take_direction(5_000), None);
        panel.poll(6_000);
        button_out.set(false);
        assert_eq!(panel.take_direction(6_100), Some(Direction::Out));
        button_in.set(true);
        panel.poll(6_200);
        button_in.set(false);
        assert_eq!(panel.take_direction(6_300), Some(Direction::In));
    }

    #[test]
    fn buttons_count_for_a_while_and_once() {
        let (mut panel, [.., button_in, button_out]) = panel();
        assert_eq!(panel.take_direction(0), None);
        button_out.set(false);
        panel.poll(100);
        button_out.set(true);
        assert_eq!(panel.take_direction(5_000), Some(Direction::Out));
        assert_eq!(panel.take_direction(5_001), None);
        button_in.set(false);
        panel.poll(6_000);
        button_in.set(true);
        panel.poll(6_000 + DIRECTION_MS);
        assert_eq!(panel.take_direction(6_000 + DIRECTION_MS), None);
    }
}
