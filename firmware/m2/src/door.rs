//! The pins of a face terminal: a relay for the door, and the panel of lights, beeper and buttons.

use embedded_hal::digital::{InputPin, OutputPin};
use muster_terminal::panel::{Panel, Signal};

/// The door's relay and the panel. A pin that fails is passed over: a dead relay must not stop a
/// punch.
pub struct Door<K, P> {
    relay: K,
    /// Lights, beeper and buttons.
    pub panel: P,
    open_ms: u64,
    until_ms: Option<u64>,
}

impl<K, B, G, R, I, O> Door<K, Panel<B, G, R, I, O>>
where
    K: OutputPin,
    B: OutputPin,
    G: OutputPin,
    R: OutputPin,
    I: InputPin,
    O: InputPin,
{
    /// A door that is held open for `open_ms` milliseconds; 0 never opens it. Shut to begin with.
    pub fn new(mut relay: K, panel: Panel<B, G, R, I, O>, open_ms: u64) -> Self {
        let _ = relay.set_low();
        Self { relay, panel, open_ms, until_ms: None }
    }

    /// Shows what became of a punch, and opens the door where it was granted and stored.
    pub fn show(&mut self, now_ms: u64, signal: Signal) {
        if signal == Signal::Accepted && self.open_ms > 0 {
            let _ = self.relay.set_high();
            self.until_ms = Some(now_ms + self.open_ms);
        }
        self.panel.show(now_ms, signal);
    }

    /// Reads the buttons, moves the signal on and shuts the door in time. Call it at least every
    /// 50 ms.
    pub fn poll(&mut self, now_ms: u64) {
        if self.until_ms.is_some_and(|until| now_ms >= until) {
            self.until_ms = None;
            let _ = self.relay.set_low();
        }
        self.panel.poll(now_ms);
    }

    /// The pins back.
    pub fn into_parts(self) -> (K, Panel<B, G, R, I, O>) {
        (self.relay, self.panel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_hal_mock::eh1::digital::{Mock, State, Transaction};

    fn pin(levels: &[State]) -> Mock {
        Mock::new(&levels.iter().map(|l| Transaction::set(*l)).collect::<Vec<_>>())
    }

    fn button(polls: usize) -> Mock {
        Mock::new(&vec![Transaction::get(State::High); polls])
    }

    fn panel(shows: &[(State, State, State)]) -> Panel<Mock, Mock, Mock, Mock, Mock> {
        let levels = |pick: fn(&(State, State, State)) -> State| {
            pin(&shows.iter().map(pick).collect::<Vec<_>>())
        };
        let (beeper, green, red) = (levels(|s| s.0), levels(|s| s.1), levels(|s| s.2));
        Panel::new(beeper, green, red, button(shows.len()), button(shows.len()))
    }

    fn done(door: Door<Mock, Panel<Mock, Mock, Mock, Mock, Mock>>) {
        let (mut relay, panel) = door.into_parts();
        relay.done();
        let Panel { mut beeper, mut green, mut red, mut button_in, mut button_out, .. } = panel;
        for pin in [&mut beeper, &mut green, &mut red, &mut button_in, &mut button_out] {
            pin.done();
        }
    }

    #[test]
    fn a_granted_punch_opens_for_a_while() {
        use State::{High, Low};
        let shows = [(High, High, Low), (Low, High, Low), (Low, Low, Low)];
        let mut door = Door::new(pin(&[Low, High, Low]), panel(&shows), 3_000);
        door.show(0, Signal::Accepted);
        door.poll(100);
        door.poll(3_000);
        done(door);
    }

    #[test]
    fn what_is_denied_or_not_stored_opens_nothing() {
        use State::{High, Low};
        for (signal, beep) in [(Signal::Denied, High), (Signal::Refused, High)] {
            let mut door = Door::new(pin(&[Low]), panel(&[(beep, Low, High)]), 3_000);
            door.show(0, signal);
            done(door);
        }
        let mut door = Door::new(pin(&[Low]), panel(&[(High, High, Low)]), 0);
        door.show(0, Signal::Accepted);
        done(door);
    }
}
