//! What was told already, so that each alarm is told once.
//!
//! What lasts is told when it begins, and again only after it was gone for [`GONE_MS`]. What
//! happens is told when it happens, and again only after it did not happen for [`AGAIN_MS`]: who
//! knocks all night long is one alarm.

use super::Alarm;
use super::deliver::Receipt;
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// What lasts must be gone for so long before it is told again.
const GONE_MS: i64 = 60_000;
/// What happens must not have happened for so long before it is told again.
const AGAIN_MS: i64 = 600_000;
/// Alarms that are remembered; the longest not seen go first.
const MAX_KNOWN: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    /// When it was last seen.
    seen_ms: i64,
    /// When it last happened.
    #[serde(default)]
    happened_ms: i64,
    /// How often it had happened then.
    count: u64,
}

/// What was told.
#[derive(Default)]
pub(super) struct Raised {
    known: BTreeMap<String, Known>,
    /// On their way to the sinks.
    under_way: HashMap<String, Receipt>,
    /// What is in the file.
    kept: BTreeMap<String, Known>,
}

impl Raised {
    /// What is kept in a file; nothing where that cannot be read.
    pub(super) fn load(file: &Path) -> Self {
        let text = std::fs::read(file).unwrap_or_default();
        let known: BTreeMap<String, Known> = serde_json::from_slice(&text).unwrap_or_default();
        Self { kept: known.clone(), known, under_way: HashMap::new() }
    }

    /// Takes what stands and happened now; gives what is to be told.
    pub(super) fn step(&mut self, alarms: Vec<Alarm>, now_ms: i64) -> Vec<Alarm> {
        let mut new = Vec::new();
        for alarm in alarms {
            let known = self.known.get(&alarm.key()).copied();
            let tell = match known {
                None => true,
                Some(known) if alarm.count == 0 => now_ms - known.seen_ms > GONE_MS,
                Some(known) => alarm.count != known.count && now_ms - known.happened_ms > AGAIN_MS,
            };
            let (count, before) = (alarm.count, known.filter(|known| known.count == alarm.count));
            let happened_ms = before.map_or(now_ms, |known| known.happened_ms);
            self.known.insert(alarm.key(), Known { seen_ms: now_ms, happened_ms, count });
            if tell {
                new.push(alarm);
            }
        }
        while self.known.len() > MAX_KNOWN {
            let oldest = self.known.iter().min_by_key(|(_, known)| known.seen_ms);
            let Some(key) = oldest.map(|(key, _)| key.clone()) else { break };
            self.known.remove(&key);
        }
        new
    }

    /// Notes that an alarm is on its way.
    pub(super) fn follow(&mut self, alarm: &Alarm, receipt: Receipt) {
        self.under_way.insert(alarm.key(), receipt);
    }

    /// Keeps in the file what every sink has taken, where that changed by more than being seen.
    pub(super) fn store(&mut self, file: &Path) -> Result<()> {
        self.under_way.retain(|_, receipt| !receipt.is_delivered());
        let taken = self.known.iter().filter(|(key, _)| !self.under_way.contains_key(*key));
        let taken: BTreeMap<String, Known> = taken.map(|(k, v)| (k.clone(), *v)).collect();
        let same = taken.len() == self.kept.len()
            && taken.iter().all(|(key, known)| {
                self.kept.get(key).is_some_and(|kept| {
                    known.happened_ms - kept.happened_ms < GONE_MS / 2
                        && known.seen_ms - kept.seen_ms < GONE_MS / 2
                })
            });
        if !same {
            crate::store::replace(file, &serde_json::to_string(&taken)?)?;
            self.kept = taken;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;

    fn told(raised: &mut Raised, at_s: i64, counts: &[u64]) -> usize {
        let alarm = |&count| Alarm::new(Kind::Disk, "d", "c", "c").happened(count);
        raised.step(counts.iter().map(alarm).collect(), at_s * 1000).len()
    }

    #[test]
    fn what_lasts_is_told_once_until_it_was_gone() {
        let mut raised = Raised::default();
        assert_eq!(told(&mut raised, 0, &[0]), 1);
        for second in 1..100 {
            assert_eq!(told(&mut raised, 2 * second, &[0]), 0);
        }
        assert_eq!(told(&mut raised, 230, &[0]), 0, "gone for a moment");
        assert_eq!(told(&mut raised, 300, &[0]), 1, "gone, and back");
    }

    #[test]
    fn what_happens_is_told_once_until_it_did_not_happen_for_ten_minutes() {
        let mut raised = Raised::default();
        assert_eq!(told(&mut raised, 0, &[1]), 1);
        assert_eq!(told(&mut raised, 2, &[1]), 0);
        // It goes on every five minutes for an hour.
        for count in 2..14 {
            assert_eq!(told(&mut raised, 300 * count as i64, &[count]), 0);
        }
        assert_eq!(told(&mut raised, 5000, &[13]), 0);
        assert_eq!(told(&mut raised, 5002, &[14]), 1, "it was quiet, and happens again");
        assert_eq!(told(&mut raised, 5004, &[15]), 0);
    }

    #[test]
    fn a_restart_tells_nothing_twice() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("alarms.json");
        let mut raised = Raised::load(&file);
        assert_eq!(told(&mut raised, 0, &[0]), 1);
        raised.store(&file).unwrap();
        assert_eq!(told(&mut Raised::load(&file), 30, &[0]), 0);
        std::fs::write(&file, "{").unwrap();
        assert_eq!(told(&mut Raised::load(&file), 30, &[0]), 1);
    }
}
