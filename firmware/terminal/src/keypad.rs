//! A keypad of four rows and three columns, scanned and debounced.

use embedded_hal::digital::{InputPin, OutputPin};

/// How long a key must be down before it counts, in milliseconds.
pub const DEBOUNCE_MS: u64 = 30;

/// A key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key {
    /// 0 to 9.
    Digit(u8),
    /// `*`: begin again.
    Clear,
    /// `#`: done.
    Enter,
}

impl Key {
    /// From a keypad on a serial port, which sends what is printed on its keys.
    pub fn from_ascii(byte: u8) -> Option<Self> {
        match byte {
            b'0'..=b'9' => Some(Self::Digit(byte - b'0')),
            b'*' => Some(Self::Clear),
            b'#' => Some(Self::Enter),
            _ => None,
        }
    }
}

const LAYOUT: [[Key; 3]; 4] = [
    [Key::Digit(1), Key::Digit(2), Key::Digit(3)],
    [Key::Digit(4), Key::Digit(5), Key::Digit(6)],
    [Key::Digit(7), Key::Digit(8), Key::Digit(9)],
    [Key::Clear, Key::Digit(0), Key::Enter],
];

/// The pins of a keypad. A row is driven low to be read, and a pressed key pulls its column low;
/// columns have pull-ups. A pin that fails reads as not pressed.
pub struct Keypad<R, C> {
    rows: [R; 4],
    columns: [C; 3],
    /// What is down, and since when.
    down: Option<(Key, u64)>,
    /// Whether that has been told.
    told: bool,
}

impl<R: OutputPin, C: InputPin> Keypad<R, C> {
    /// A keypad on these pins, from the top and from the left.
    pub fn new(rows: [R; 4], columns: [C; 3]) -> Self {
        Self { rows, columns, down: None, told: false }
    }

    /// Scans; a key that went down is told once. Two keys at once are none. Call it at least every
    /// 20 ms.
    pub fn poll(&mut self, now_ms: u64) -> Option<Key> {
        let found = self.scan();
        match (found, self.down) {
            (Some(key), Some((before, since))) if key == before => {
                let counts = now_ms.saturating_sub(since) >= DEBOUNCE_MS && !self.told;
                self.told |= counts;
                counts.then_some(key)
            }
            (found, _) => {
                self.down = found.map(|key| (key, now_ms));
                self.told = false;
                None
            }
        }
    }

    /// The pins back.
    pub fn into_parts(self) -> ([R; 4], [C; 3]) {
        (self.rows, self.columns)
    }

    fn scan(&mut self) -> Option<Key> {
        let mut found = None;
        for (row, keys) in self.rows.iter_mut().zip(LAYOUT) {
            let _ = row.set_low();
            for (column, key) in self.columns.iter_mut().zip(keys) {
                if column.is_low().unwrap_or(false) {
                    let second = found.is_some();
                    found = Some(key).filter(|_| !second);
                    if second {
                        let _ = row.set_high();
                        return None;
                    }
                }
            }
            let _ = row.set_high();
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_hal_mock::eh1::digital::{Mock, State, Transaction};

    /// Scans the matrix with these keys down, as (row, column), at these times.
    fn keys(scans: &[(u64, &[(usize, usize)])]) -> Vec<Option<Key>> {
        let mut rows: [Vec<Transaction>; 4] = Default::default();
        let mut columns: [Vec<Transaction>; 3] = Default::default();
        for (_, down) in scans {
            let mut seen = 0;
            for (r, row) in rows.iter_mut().enumerate() {
                row.push(Transaction::set(State::Low));
                let mut both = false;
                for (c, column) in columns.iter_mut().enumerate() {
                    if both {
                        continue;
                    }
                    let low = down.contains(&(r, c));
                    column.push(Transaction::get(if low { State::Low } else { State::High }));
                    seen += usize::from(low);
                    both = seen > 1;
                }
                row.push(Transaction::set(State::High));
                if both {
                    break;
                }
            }
        }
        let rows = rows.map(|t| Mock::new(&t));
        let mut keypad = Keypad::new(rows, columns.map(|t| Mock::new(&t)));
        let found = scans.iter().map(|(now, _)| keypad.poll(*now)).collect();
        let (rows, columns) = keypad.into_parts();
        rows.into_iter().chain(columns).for_each(|mut pin| pin.done());
        found
    }

    #[test]
    fn every_key_is_where_it_is_printed() {
        let expect = LAYOUT.iter().flatten();
        for (at, key) in expect.enumerate() {
            let down = [(at / 3, at % 3)];
            assert_eq!(keys(&[(0, &down), (30, &down)]), [None, Some(*key)]);
        }
    }

    #[test]
    fn a_key_counts_once_and_not_while_it_bounces() {
        let five: &[(usize, usize)] = &[(1, 1)];
        let scans = [(0, five), (10, &[]), (20, five), (45, five), (50, five), (90, five)];
        let none = None;
        let five = Some(Key::Digit(5));
        assert_eq!(keys(&scans), [none, none, none, none, five, none]);
    }

    #[test]
    fn two_keys_at_once_are_none() {
        let both: &[(usize, usize)] = &[(0, 0), (0, 2)];
        let across: &[(usize, usize)] = &[(0, 0), (2, 1)];
        for down in [both, across] {
            assert_eq!(keys(&[(0, down), (50, down)]), [None, None]);
        }
    }
}
