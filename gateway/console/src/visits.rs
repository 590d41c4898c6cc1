//! Visits of employees to their own punches: in memory, short, gone with the process.
//!
//! They come at a kiosk that others stand behind, so a visit ends two minutes after its last
//! request, after fifteen in any case, and with the page's own clock before that.

use crate::guest::Who;
use crate::session::Token;
use muster_attendance::PersonId;
use ring::rand::SecureRandom;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Without a request for this long, a visit ends.
pub(crate) const IDLE: Duration = Duration::from_secs(2 * 60);
/// A visit ends so long after it began, whatever happens.
const ABSOLUTE: Duration = Duration::from_secs(15 * 60);
/// Visits at a time; beyond it the one idle longest ends.
const MAX_VISITS: usize = 500;

struct Visit {
    who: Who,
    opened: Instant,
    seen: Instant,
}

impl Visit {
    fn alive(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.seen) < IDLE
            && now.saturating_duration_since(self.opened) < ABSOLUTE
    }
}

#[derive(Default)]
pub(crate) struct Visits(Mutex<HashMap<[u8; 32], Visit>>);

impl Visits {
    /// Opens a visit under a new token; `None` where the system has no randomness.
    pub(crate) fn open(&self, random: &dyn SecureRandom, who: Who, now: Instant) -> Option<Token> {
        let token = Token::random(random)?;
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.retain(|_, visit| visit.alive(now));
        if table.len() >= MAX_VISITS
            && let Some(oldest) = table.iter().min_by_key(|(_, v)| v.seen).map(|(key, _)| *key)
        {
            table.remove(&oldest);
        }
        table.insert(token.digest(), Visit { who, opened: now, seen: now });
        Some(token)
    }

    /// Whose visit a token is; counts as a request.
    pub(crate) fn find(&self, token: &Token, now: Instant) -> Option<Who> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = token.digest();
        let visit = table.get_mut(&key)?;
        if !visit.alive(now) {
            table.remove(&key);
            return None;
        }
        visit.seen = now;
        Some(visit.who.clone())
    }

    /// Ends a visit.
    pub(crate) fn close(&self, token: &Token) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&token.digest());
    }

    /// Ends every visit of a person.
    pub(crate) fn close_all(&self, person: PersonId) {
        let of = |who: &Who| match who {
            Who::Choosing(whose, _) | Who::Employee(whose) => *whose == person,
            Who::Warden(_) => false,
        };
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.retain(|_, visit| !of(&visit.who));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::rand::SystemRandom;

    #[test]
    fn a_visit_ends_when_idle_when_old_and_with_its_person() {
        let (visits, random, start) = (Visits::default(), SystemRandom::new(), Instant::now());
        let open = |id| visits.open(&random, Who::Employee(PersonId(id)), start).expect("a token");
        let token = open(1);
        assert!(visits.find(&token, start + IDLE - Duration::from_secs(1)).is_some());
        assert!(visits.find(&token, start + 2 * IDLE).is_none());
        let token = open(1);
        let mut now = start;
        while now < start + ABSOLUTE {
            assert!(visits.find(&token, now).is_some());
            now += IDLE / 2;
        }
        assert!(visits.find(&token, now).is_none());
        let (a, b) = (open(1), open(2));
        visits.close_all(PersonId(1));
        assert!(visits.find(&a, start).is_none() && visits.find(&b, start).is_some());
        visits.close(&b);
        assert!(visits.find(&b, start).is_none());
    }

    #[test]
    fn the_table_is_bounded() {
        let (visits, random, start) = (Visits::default(), SystemRandom::new(), Instant::now());
        let mut tokens = Vec::new();
        for n in 0..=MAX_VISITS as u64 {
            let now = start + Duration::from_millis(n);
            tokens.extend(visits.open(&random, Who::Employee(PersonId(n)), now));
        }
        assert!(visits.find(&tokens[0], start).is_none());
        assert_eq!(visits.0.lock().expect("lock").len(), MAX_VISITS);
    }
}
