//! Who was ticked off as safe: kept on each device, merged here while the box is there, and told
//! to every other device. In memory, since devices bring their own again after a restart.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// A tick is over after this long: the next alarm begins with none.
pub(crate) const KEEP_MS: i64 = 12 * 60 * 60 * 1000;
/// Ticks at a time; beyond it the oldest goes.
const MAX_TICKS: usize = 60_000;
/// Ticks of one form; devices send more in turns.
const MAX_SENT: usize = 400;
/// Characters of a key.
const KEY: usize = 17;

/// One tick.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Tick {
    /// When, milliseconds since 1970 by the device's clock, never ahead of the box's.
    pub(crate) at_ms: i64,
    pub(crate) safe: bool,
    /// The device's name.
    pub(crate) by: String,
}

/// All ticks, by the person's key.
#[derive(Default)]
pub(crate) struct Ticks(Mutex<BTreeMap<String, Tick>>);

impl Ticks {
    /// Takes in what a device brings, as `KEY:MILLISECONDS:1,…`; of two about one person the later
    /// counts. `None` where it makes no sense: then nothing is taken.
    pub(crate) fn take(&self, sent: &str, by: &str, now_ms: i64) -> Option<()> {
        let read = |one: &str| {
            let mut parts = one.split(':');
            let (key, at, safe) = (parts.next()?, parts.next()?, parts.next()?);
            let named = key.len() == KEY && key.bytes().all(|b| b.is_ascii_alphanumeric());
            let at_ms = at.parse::<i64>().ok()?.min(now_ms);
            let safe = match safe {
                "1" => true,
                "0" => false,
                _ => return None,
            };
            let tick = Tick { at_ms, safe, by: by.to_owned() };
            (named && parts.next().is_none()).then(|| (key.to_owned(), tick))
        };
        let sent: Vec<_> = sent.split(',').filter(|one| !one.is_empty()).collect();
        if sent.len() > MAX_SENT {
            return None;
        }
        let sent: Vec<_> = sent.into_iter().map(read).collect::<Option<_>>()?;
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.retain(|_, tick| now_ms.saturating_sub(tick.at_ms) < KEEP_MS);
        for (key, tick) in sent {
            if table.get(&key).is_none_or(|known| known.at_ms < tick.at_ms) {
                table.insert(key, tick);
            }
        }
        while table.len() > MAX_TICKS {
            let Some(oldest) = table.iter().min_by_key(|(_, t)| t.at_ms).map(|(k, _)| k.clone())
            else {
                break;
            };
            table.remove(&oldest);
        }
        Some(())
    }

    /// The tick of a person, while it lasts.
    pub(crate) fn of(&self, key: &str, now_ms: i64) -> Option<Tick> {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.get(key).filter(|tick| now_ms.saturating_sub(tick.at_ms) < KEEP_MS).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: &str = "w0123456789abcdef";

    #[test]
    fn the_later_of_two_ticks_counts_and_none_for_ever() {
        let (ticks, now) = (Ticks::default(), 100 * KEEP_MS);
        let safe = |now| ticks.of(ANA, now).map(|tick| (tick.safe, tick.by));
        let take = |at: i64, safe: u8, by: &str| ticks.take(&format!("{ANA}:{at}:{safe}"), by, now);
        assert_eq!(safe(now), None);
        assert_eq!(take(now - 10, 1, "yard"), Some(()));
        assert_eq!(take(now - 20, 0, "gate"), Some(()), "came later, was ticked earlier");
        assert_eq!(safe(now), Some((true, "yard".to_owned())));
        assert_eq!(take(now + KEEP_MS, 0, "gate"), Some(()), "a clock ahead counts as now");
        assert_eq!(safe(now), Some((false, "gate".to_owned())));
        assert_eq!(safe(now + KEEP_MS), None);
    }

    #[test]
    fn what_makes_no_sense_is_refused_whole() {
        let ticks = Ticks::default();
        let long = format!("{ANA}:1:1,").repeat(MAX_SENT + 1);
        for sent in [
            format!("{ANA}:1:1,{ANA}:x:1"),
            format!("{ANA}:1:2"),
            format!("{ANA}:1"),
            format!("{ANA}:1:1:1"),
            "<script>alert(1):1:1".to_owned(),
            long,
        ] {
            assert_eq!(ticks.take(&sent, "gate", 1), None, "{sent}");
        }
        assert_eq!(ticks.take("", "gate", 1), Some(()));
        assert_eq!(ticks.of(ANA, 1), None);
    }
}
