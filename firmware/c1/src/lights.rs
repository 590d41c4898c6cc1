//! What the centre shows: a light for the uplink and one for trouble.

use embedded_hal::digital::OutputPin;

/// How long a light is on, and then off, while it blinks.
const BLINK_MS: u64 = 500;

/// Two lights. A pin that fails is passed over: a dead light must not stop a punch.
pub struct Lights<U, T> {
    uplink: U,
    trouble: T,
    not_stored: u64,
}

impl<U: OutputPin, T: OutputPin> Lights<U, T> {
    /// Lights on these pins, on when high.
    pub fn new(uplink: U, trouble: T) -> Self {
        Self { uplink, trouble, not_stored: 0 }
    }

    /// Shows how it stands at `now_ms`: the uplink's light is steady while nothing waits and
    /// blinks while something does; the light for trouble comes on when a message could not be
    /// put on disk since the last call. Call it every few hundred milliseconds.
    pub fn show(&mut self, now_ms: u64, waiting: usize, not_stored: u64) {
        let on = waiting == 0 || (now_ms / BLINK_MS).is_multiple_of(2);
        let _ = self.uplink.set_state(on.into());
        let trouble = not_stored > std::mem::replace(&mut self.not_stored, not_stored);
        let _ = self.trouble.set_state(trouble.into());
    }

    /// The pins back.
    pub fn into_parts(self) -> (U, T) {
        (self.uplink, self.trouble)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_hal_mock::eh1::MockError;
    use embedded_hal_mock::eh1::digital::{Mock, State, Transaction};
    use std::io::ErrorKind;

    fn levels(levels: &[State]) -> Mock {
        let expect: Vec<_> = levels.iter().map(|level| Transaction::set(*level)).collect();
        Mock::new(&expect)
    }

    #[test]
    fn lights_tell_what_waits_and_what_fails() {
        use State::{High, Low};
        let uplink = levels(&[High, High, Low, High]);
        let trouble = levels(&[Low, High, Low, Low]);
        let mut lights = Lights::new(uplink, trouble);
        for (now, waiting, not_stored) in [(0, 0, 0), (1_000, 3, 2), (1_500, 3, 2), (1_700, 0, 2)] {
            lights.show(now, waiting, not_stored);
        }
        let (mut uplink, mut trouble) = lights.into_parts();
        uplink.done();
        trouble.done();
    }

    #[test]
    fn a_dead_light_is_passed_over() {
        let dead = Transaction::set(State::High).with_error(MockError::Io(ErrorKind::Other));
        let mut lights = Lights::new(Mock::new(&[dead]), levels(&[State::Low]));
        lights.show(0, 0, 0);
        let (mut uplink, mut trouble) = lights.into_parts();
        uplink.done();
        trouble.done();
    }
}
