//! Refusals at a bounded rate: a flood is counted, not journaled one by one.

use super::Refusal;
use crate::RefusalReason;
use crate::act::Act;
use muster_attendance::DeviceId;
use std::collections::HashMap;

/// Refusals of a device journaled one by one in a second.
const MAX_A_SECOND: u64 = 100;
/// Devices and reasons tracked at once; beyond, refusals are journaled as of no device.
const MAX_TRACKED: usize = 4096;

type Key = (Option<DeviceId>, RefusalReason);

#[derive(Default)]
struct Flood {
    journaled: u64,
    suppressed: u64,
    bytes: u64,
}

/// The current second's refusals.
#[derive(Default)]
pub(super) struct Refusals {
    floods: HashMap<Key, Flood>,
}

impl Refusals {
    /// The act to journal, or `None` if the refusal was only counted.
    pub(super) fn note(&mut self, refusal: &Refusal) -> Option<Act> {
        let key = (refusal.device, refusal.reason);
        let crowded = self.floods.len() >= MAX_TRACKED && !self.floods.contains_key(&key);
        let key = if crowded { (None, refusal.reason) } else { key };
        let flood = self.floods.entry(key).or_default();
        if flood.journaled >= MAX_A_SECOND {
            flood.suppressed += 1;
            flood.bytes += refusal.length;
            return None;
        }
        flood.journaled += 1;
        Some(Act::Refused {
            device: refusal.device,
            boot: refusal.message.map(|(boot, _)| boot),
            seq: refusal.message.map(|(_, seq)| seq),
            reason: refusal.reason,
            length: refusal.length,
            count: 1,
        })
    }

    /// Begins a new second: acts for what was only counted in the last.
    pub(super) fn flush(&mut self) -> Vec<Act> {
        let counted = self.floods.drain().filter(|(_, flood)| flood.suppressed > 0);
        let act = |((device, reason), flood): (Key, Flood)| Act::Refused {
            device,
            boot: None,
            seq: None,
            reason,
            length: flood.bytes / flood.suppressed,
            count: flood.suppressed,
        };
        counted.map(act).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_in_one_act() {
        let mut refusals = Refusals::default();
        let refusal = |device| Refusal {
            device: Some(DeviceId(device)),
            message: Some((1, 2)),
            reason: RefusalReason::Malformed,
            length: 10,
        };
        let journaled = (0..1000).filter(|_| refusals.note(&refusal(1)).is_some()).count();
        assert_eq!(journaled as u64, MAX_A_SECOND);
        assert!(refusals.note(&refusal(2)).is_some());
        let acts = refusals.flush();
        assert!(matches!(acts[..], [Act::Refused { count: 900, length: 10, .. }]));
        assert!(refusals.flush().is_empty());
        assert!(refusals.note(&refusal(1)).is_some());
    }
}
