//! At most ten log-in tries in fifteen minutes for one name, whether or not there is such an
//! account.
//!
//! Names of accounts and names of nobody are counted apart, so that a flood of made-up names
//! cannot push a real account's count out.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Tries in one window.
pub(crate) const MAX_TRIES: u32 = 10;
/// The window.
pub(crate) const WINDOW: Duration = Duration::from_secs(15 * 60);
/// Names counted at a time, for accounts and for names of nobody each.
const MAX_NAMES: usize = 4_096;

/// Digest of a name: fixed size, and the name itself is not kept.
type Key = [u8; 32];

#[derive(Clone, Copy)]
struct Tries {
    since: Instant,
    count: u32,
}

#[derive(Default)]
pub(crate) struct Throttle {
    known: Mutex<HashMap<Key, Tries>>,
    unknown: Mutex<HashMap<Key, Tries>>,
}

impl Throttle {
    /// Counts a try; how long to wait where there were too many.
    pub(crate) fn take(&self, name: &str, known: bool, now: Instant) -> Result<(), Duration> {
        let table = if known { &self.known } else { &self.unknown };
        let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
        let key = key(name);
        if !table.contains_key(&key) && table.len() >= MAX_NAMES {
            make_room(&mut table, now);
        }
        let tries = table.entry(key).or_insert(Tries { since: now, count: 0 });
        let age = now.saturating_duration_since(tries.since);
        if age >= WINDOW {
            *tries = Tries { since: now, count: 0 };
        } else if tries.count >= MAX_TRIES {
            return Err(WINDOW - age);
        }
        tries.count += 1;
        Ok(())
    }

    /// How long to wait where this name's tries are spent; counts nothing.
    pub(crate) fn spent(&self, name: &str, most: u32, now: Instant) -> Option<Duration> {
        let table = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let tries = table.get(&key(name))?;
        let age = now.saturating_duration_since(tries.since);
        (age < WINDOW && tries.count >= most).then(|| WINDOW - age)
    }

    /// Counts a failure against this name, however many there were; [`Throttle::spent`] tells.
    pub(crate) fn fail(&self, name: &str, now: Instant) {
        let mut table = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let key = key(name);
        if !table.contains_key(&key) && table.len() >= MAX_NAMES {
            make_room(&mut table, now);
        }
        let tries = table.entry(key).or_insert(Tries { since: now, count: 0 });
        if now.saturating_duration_since(tries.since) >= WINDOW {
            *tries = Tries { since: now, count: 0 };
        }
        tries.count = tries.count.saturating_add(1);
    }

    /// Forgets the tries of an account whose password was right.
    pub(crate) fn forget(&self, name: &str) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(&key(name));
    }
}

fn key(name: &str) -> Key {
    let digest = ring::digest::digest(&ring::digest::SHA256, name.as_bytes());
    digest.as_ref().try_into().unwrap_or_default()
}

/// Drops what is over; if nothing is, the oldest.
fn make_room(table: &mut HashMap<Key, Tries>, now: Instant) {
    table.retain(|_, tries| now.saturating_duration_since(tries.since) < WINDOW);
    if table.len() >= MAX_NAMES
        && let Some(oldest) = table.iter().min_by_key(|(_, tries)| tries.since).map(|(key, _)| *key)
    {
        table.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_try_waits() {
        for known in [true, false] {
            let (throttle, start) = (Throttle::default(), Instant::now());
            for _ in 0..MAX_TRIES {
                assert_eq!(throttle.take("mei", known, start), Ok(()));
            }
            let later = start + Duration::from_secs(60);
            assert_eq!(throttle.take("mei", known, later), Err(WINDOW - Duration::from_secs(60)));
            assert_eq!(throttle.take("other", known, later), Ok(()));
            assert_eq!(throttle.take("mei", known, start + WINDOW), Ok(()));
        }
    }

    #[test]
    fn a_right_password_starts_again() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for _ in 0..MAX_TRIES {
            assert_eq!(throttle.take("mei", true, now), Ok(()));
        }
        throttle.forget("mei");
        assert_eq!(throttle.take("mei", true, now), Ok(()));
    }

    #[test]
    fn a_flood_of_names_is_bounded_and_frees_no_account() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for _ in 0..MAX_TRIES {
            assert_eq!(throttle.take("mei", true, now), Ok(()));
        }
        for n in 0..MAX_NAMES + 100 {
            assert_eq!(throttle.take(&n.to_string(), false, now), Ok(()));
        }
        assert!(throttle.take("mei", true, now).is_err());
        assert!(throttle.unknown.lock().is_ok_and(|table| table.len() <= MAX_NAMES));
    }
}
