//! What devices were refused for, or tell of, that somebody should look into.
//!
//! Kept in memory for a day after it last happened; the journal has it for good. Bounded: devices
//! are, reasons are, and beyond [`MAX_ALARMS`] nothing new is kept but what is known goes on
//! counting. Nothing here is about people.

use crate::metric;
use muster_attendance::DeviceId;
use muster_ledger::RefusalReason;
use muster_proto::message::{Happened, Note, TaskReason};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Alarms that are kept at once.
pub const MAX_ALARMS: usize = 256;
/// How long an alarm stands after it last happened, in milliseconds.
pub const ALARM_MS: i64 = 24 * 3_600_000;

/// Why there is an alarm.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlarmReason {
    /// A device that is not paired here wants to be heard.
    Unpaired,
    /// A device that was shut out still sends.
    Revoked,
    /// A message bears a device's name and not its seal.
    NotAuthentic,
    /// A number that was used for one punch came with another: there are two of the device.
    Cloned,
    /// A boot number was used again with other words.
    BootReused,
    /// What a device has said before was said again.
    Replayed,
    /// What the box seals for a terminal does not open there: it was set up for another site, or
    /// somebody else speaks on its line.
    OtherSite,
    /// What the box has said before was said again to a terminal.
    ReplayedToIt,
    /// A terminal was offered firmware that is not signed by the key that it believes.
    UnsignedImage,
    /// A terminal was offered firmware that is no newer than its own.
    DowngradedImage,
    /// A terminal was offered firmware that is damaged or for another board.
    WrongImage,
    /// New firmware did not prove itself; the terminal went back.
    RolledBack,
    /// A terminal was told to take a finger without grounds for it.
    NoGrounds,
    /// Its case was opened.
    Tampered,
    /// Many wrong codes came to the place where terminals are paired.
    Guessed,
}

impl AlarmReason {
    /// Of a refusal; nothing for those that show a fault and no attack.
    pub(crate) fn of_refusal(reason: RefusalReason) -> Option<Self> {
        Some(match reason {
            RefusalReason::UnknownDevice | RefusalReason::WrongDevice => Self::Unpaired,
            RefusalReason::Revoked => Self::Revoked,
            RefusalReason::NotAuthentic => Self::NotAuthentic,
            RefusalReason::BootReused => Self::BootReused,
            RefusalReason::Replayed => Self::Replayed,
            RefusalReason::Malformed
            | RefusalReason::Oversized
            | RefusalReason::BadTopic
            | RefusalReason::BadPerson
            | RefusalReason::BadTime
            | RefusalReason::TooSparse
            | RefusalReason::UnknownVersion => return None,
        })
    }

    /// Of an entry of a terminal's event log.
    pub(crate) fn of_note(note: &Note) -> Option<Self> {
        Some(match note.what {
            Happened::SealRefused => Self::OtherSite,
            Happened::Replayed => Self::ReplayedToIt,
            Happened::EnrolRefused => Self::NoGrounds,
            Happened::Tampered => Self::Tampered,
            Happened::RolledBack => Self::RolledBack,
            Happened::UpdateRefused if note.detail == TaskReason::Signature as u32 => {
                Self::UnsignedImage
            }
            Happened::UpdateRefused if note.detail == TaskReason::Older as u32 => {
                Self::DowngradedImage
            }
            Happened::UpdateRefused if note.detail == TaskReason::Image as u32 => Self::WrongImage,
            _ => return None,
        })
    }

    /// In one word, as it is serialised.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unpaired => "unpaired",
            Self::Revoked => "revoked",
            Self::NotAuthentic => "not-authentic",
            Self::Cloned => "cloned",
            Self::BootReused => "boot-reused",
            Self::Replayed => "replayed",
            Self::OtherSite => "other-site",
            Self::ReplayedToIt => "replayed-to-it",
            Self::UnsignedImage => "unsigned-image",
            Self::DowngradedImage => "downgraded-image",
            Self::WrongImage => "wrong-image",
            Self::RolledBack => "rolled-back",
            Self::NoGrounds => "no-grounds",
            Self::Tampered => "tampered",
            Self::Guessed => "guessed",
        }
    }

    /// What happened, for people.
    pub fn cause(self) -> &'static str {
        match self {
            Self::Unpaired => "a device that is not paired wants to be heard",
            Self::Revoked => "it was shut out and still sends",
            Self::NotAuthentic => "messages bear its name and not its seal",
            Self::Cloned => {
                "one number came with two punches: it was copied, or its card was put back"
            }
            Self::BootReused => {
                "a boot number was used again: it was copied, or its card was put back"
            }
            Self::Replayed => "old messages of it were sent again",
            Self::OtherSite => {
                "what the box sends does not open there: it was set up for another site, or \
                 somebody else speaks on its line"
            }
            Self::ReplayedToIt => "old messages of the box were sent to it again",
            Self::UnsignedImage => "it was offered firmware that is not signed for it",
            Self::DowngradedImage => "it was offered firmware that is not newer than its own",
            Self::WrongImage => "it was offered firmware that is damaged or for another board",
            Self::RolledBack => "its new firmware did not prove itself, and the one before runs",
            Self::NoGrounds => "a finger was asked for without notice, basis or age on record",
            Self::Tampered => "its case was opened",
            Self::Guessed => "many wrong pairing codes came: somebody guesses",
        }
    }

    /// What to do, for people.
    pub fn cure(self) -> &'static str {
        match self {
            Self::Unpaired => "pair it with `muster device pair`, or unplug it",
            Self::Revoked => "take it off the line",
            Self::NotAuthentic | Self::Cloned | Self::BootReused => {
                "find out which of them is yours; `muster device revoke` shuts both out, then pair \
                 yours again"
            }
            Self::Replayed | Self::ReplayedToIt => "look who has access to its line or network",
            Self::OtherSite => "make its card for this site; if it is, look after its line",
            Self::UnsignedImage | Self::DowngradedImage | Self::WrongImage => {
                "find out who sent the image; send the maker's newest"
            }
            Self::RolledBack => "ask the maker before it is sent again",
            Self::NoGrounds => "put notice, basis and age on record first",
            Self::Tampered => "look at it, and at who was there",
            Self::Guessed => {
                "look who is on the terminals' network; a code cannot be guessed in its ten minutes, \
                 and with none open nothing can be paired"
            }
        }
    }
}

/// One alarm.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Alarm {
    /// The device's name; `None` for one that has none here.
    pub device: Option<String>,
    /// Why.
    pub reason: AlarmReason,
    /// When it last happened, milliseconds since 1970.
    pub last_ms: i64,
    /// How often since it began.
    pub count: u64,
}

#[derive(Default)]
pub(crate) struct Alarms(Mutex<BTreeMap<Key, Entry>>);

type Key = (Option<DeviceId>, AlarmReason);

struct Entry {
    last_ms: i64,
    count: u64,
}

impl Alarms {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something happened.
    pub(crate) fn raise(&self, device: Option<DeviceId>, reason: AlarmReason, now_ms: i64) {
        let mut alarms = self.lock();
        alarms.retain(|_, entry| now_ms - entry.last_ms < ALARM_MS);
        if alarms.len() >= MAX_ALARMS && !alarms.contains_key(&(device, reason)) {
            return;
        }
        let entry = alarms.entry((device, reason)).or_insert(Entry { last_ms: now_ms, count: 0 });
        entry.last_ms = now_ms;
        entry.count += 1;
        metrics::counter!(metric::ALARMS, "reason" => reason.word()).increment(1);
    }

    /// Those that stand, with the names of their devices.
    pub(crate) fn list(
        &self,
        now_ms: i64,
        name: impl Fn(DeviceId) -> Option<String>,
    ) -> Vec<Alarm> {
        let alarms = self.lock();
        let standing = alarms.iter().filter(|(_, entry)| now_ms - entry.last_ms < ALARM_MS);
        let alarm = |(&(device, reason), entry): (&Key, &Entry)| Alarm {
            device: device.and_then(&name),
            reason,
            last_ms: entry.last_ms,
            count: entry.count,
        };
        standing.map(alarm).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alarms_count_and_end_after_a_day() {
        let alarms = Alarms::default();
        let device = Some(DeviceId(1));
        alarms.raise(device, AlarmReason::Cloned, 1_000);
        alarms.raise(device, AlarmReason::Cloned, 2_000);
        alarms.raise(None, AlarmReason::Unpaired, 2_000);
        let name = |id: DeviceId| Some(format!("m{}", id.0));
        let all = alarms.list(3_000, name);
        let seen: Vec<_> = all.iter().map(|a| (a.device.as_deref(), a.reason, a.count)).collect();
        let expect = [(None, AlarmReason::Unpaired, 1), (Some("m1"), AlarmReason::Cloned, 2)];
        assert_eq!(seen, expect);
        assert!(alarms.list(2_000 + ALARM_MS, name).is_empty());
    }

    #[test]
    fn there_are_no_more_than_so_many() {
        let alarms = Alarms::default();
        (0..1_000).for_each(|n| alarms.raise(Some(DeviceId(n)), AlarmReason::Replayed, 1));
        assert_eq!(alarms.list(1, |_| None).len(), MAX_ALARMS);
    }
}
