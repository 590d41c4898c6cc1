//! What messages are answered with.

use crate::metric;
use crate::seals::Seals;
use crate::verify::Reject;
use muster_attendance::DeviceId;
use muster_ledger::{CommitError, Committed, RefusalReason, Verdict};
use muster_proto::message::{Reason, ReceiptResult, Stamp};
use std::fmt::Write;

/// What a message is answered with.
#[derive(Debug)]
pub(crate) enum Answer {
    /// On disk; the receipt consumes it.
    Stored(Committed),
    /// It was on disk before.
    Again(Committed),
    /// On disk, set apart.
    Quarantined(Committed),
    /// Refused for good, and that is on disk.
    Refused(Reject),
    /// It was a greeting.
    Hello(Stamp),
    /// It was an entry of an event log, and is on disk.
    Noted(Stamp),
    /// It was a report; there is nothing to say.
    Heard,
    /// Not taken now: the device tries again.
    Later(Later),
}

/// Why a message is not taken now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Later {
    /// The disk is full.
    Full,
    /// The box is shutting down.
    Closing,
    /// Something the box needs does not work.
    Failing,
}

impl From<&CommitError> for Later {
    fn from(error: &CommitError) -> Self {
        match error {
            CommitError::Full => Self::Full,
            CommitError::Closed => Self::Closing,
            CommitError::Failed(_) | CommitError::Invalid(_) => Self::Failing,
        }
    }
}

/// An answer and how to say it.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) answer: Answer,
    /// The device whose seal held, if the message was sealed, and which message that was.
    pub(crate) sealed: Option<(DeviceId, Stamp)>,
}

impl Answer {
    pub(super) fn of(verdict: Verdict, id: (u32, u64)) -> Self {
        match verdict {
            Verdict::New(committed) => Self::Stored(committed),
            Verdict::Again(committed) => Self::Again(committed),
            Verdict::Quarantined(committed) => Self::Quarantined(committed),
            Verdict::Refused(reason) => {
                count_refusal(reason);
                Self::Refused(Reject { reason, message: Some(id), authentic: true })
            }
        }
    }
}

impl Reply {
    /// The answer as JSON: `{"boot","seq","result","reason"}`, the last for refusals only. `None`
    /// where there is nothing to say.
    pub(crate) fn json(self) -> Option<String> {
        let (message, result, reason) = match self.answer {
            Answer::Stored(committed) => (Some(committed.message()), "stored", None),
            Answer::Again(committed) => (Some(committed.message()), "again", None),
            Answer::Quarantined(committed) => (Some(committed.message()), "quarantined", None),
            Answer::Refused(Reject { reason, message, .. }) => {
                let message = message.map(|(boot, seq)| (DeviceId(0), boot, seq));
                (message, "refused", Some(reason_name(reason)))
            }
            Answer::Hello(_) | Answer::Noted(_) | Answer::Heard | Answer::Later(_) => return None,
        };
        let mut text = String::with_capacity(80);
        match message {
            Some((_, boot, seq)) => write!(text, r#"{{"boot":{boot},"seq":{seq},"#).ok()?,
            None => text.push_str(r#"{"boot":null,"seq":null,"#),
        }
        write!(text, r#""result":"{result}""#).ok()?;
        if let Some(reason) = reason {
            write!(text, r#","reason":"{reason}""#).ok()?;
        }
        text.push('}');
        Some(text)
    }

    /// The answer sealed for the device; `None` if its seal did not hold.
    pub(crate) fn seal(self, seals: &Seals) -> Option<Vec<u8>> {
        let (device, stamp) = self.sealed?;
        let (result, reason) = match self.answer {
            Answer::Stored(_committed) => (ReceiptResult::Stored, Reason::None),
            Answer::Again(_committed) => (ReceiptResult::Again, Reason::None),
            Answer::Quarantined(_committed) => (ReceiptResult::Quarantined, Reason::Conflict),
            Answer::Refused(reject) => (ReceiptResult::Refused, sealed_reason(reject.reason)),
            Answer::Later(later) => (ReceiptResult::Busy, busy_reason(later)),
            Answer::Hello(hello) => return seals.welcome(device, hello),
            Answer::Noted(note) => return seals.noted(device, note),
            Answer::Heard => return None,
        };
        seals.receipt(device, stamp, result, reason)
    }
}

fn busy_reason(later: Later) -> Reason {
    match later {
        Later::Full => Reason::DiskFull,
        Later::Closing => Reason::ShuttingDown,
        Later::Failing => Reason::None,
    }
}

fn sealed_reason(reason: RefusalReason) -> Reason {
    match reason {
        RefusalReason::UnknownDevice | RefusalReason::WrongDevice | RefusalReason::Revoked => {
            Reason::Unpaired
        }
        RefusalReason::Oversized => Reason::TooLarge,
        RefusalReason::BadTime => Reason::Clock,
        RefusalReason::UnknownVersion => Reason::Unsupported,
        RefusalReason::BootReused => Reason::Conflict,
        RefusalReason::Malformed
        | RefusalReason::NotAuthentic
        | RefusalReason::BadTopic
        | RefusalReason::BadPerson
        | RefusalReason::Replayed
        | RefusalReason::TooSparse => Reason::Malformed,
    }
}

/// Counts what a link's messages were answered with.
pub(super) fn count(link: &'static str, replies: &[Reply]) {
    const NAMES: [&str; 8] =
        ["stored", "again", "quarantined", "refused", "hello", "later", "noted", "heard"];
    let mut counts = [0u64; NAMES.len()];
    for reply in replies {
        counts[match reply.answer {
            Answer::Stored(_) => 0,
            Answer::Again(_) => 1,
            Answer::Quarantined(_) => 2,
            Answer::Refused(_) => 3,
            Answer::Hello(_) => 4,
            Answer::Later(_) => 5,
            Answer::Noted(_) => 6,
            Answer::Heard => 7,
        }] += 1;
    }
    for (count, result) in counts.into_iter().zip(NAMES) {
        if count > 0 {
            metrics::counter!(metric::CHECK_INS, "link" => link, "result" => result)
                .increment(count);
        }
    }
}

/// Counts a refusal for good.
pub(super) fn count_refusal(reason: RefusalReason) {
    metrics::counter!(metric::REFUSALS, "reason" => reason_name(reason)).increment(1);
}

/// The reason as devices and metrics see it.
fn reason_name(reason: RefusalReason) -> &'static str {
    match reason {
        RefusalReason::UnknownDevice => "unknown-device",
        RefusalReason::WrongDevice => "wrong-device",
        RefusalReason::Revoked => "revoked",
        RefusalReason::Malformed => "malformed",
        RefusalReason::Oversized => "oversized",
        RefusalReason::NotAuthentic => "not-authentic",
        RefusalReason::BadTopic => "bad-topic",
        RefusalReason::BadPerson => "bad-person",
        RefusalReason::BadTime => "bad-time",
        RefusalReason::TooSparse => "too-sparse",
        RefusalReason::UnknownVersion => "unknown-version",
        RefusalReason::BootReused => "boot-reused",
        RefusalReason::Replayed => "replayed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_in_json() {
        let check = |reason, message, expect: &str| {
            let answer = Answer::Refused(Reject { reason, message, authentic: false });
            assert_eq!(Reply { answer, sealed: None }.json().as_deref(), Some(expect));
        };
        check(
            RefusalReason::BadTime,
            Some((3, 7)),
            r#"{"boot":3,"seq":7,"result":"refused","reason":"bad-time"}"#,
        );
        check(
            RefusalReason::WrongDevice,
            None,
            r#"{"boot":null,"seq":null,"result":"refused","reason":"wrong-device"}"#,
        );
        let later = Reply { answer: Answer::Later(Later::Full), sealed: None };
        assert!(later.json().is_none());
    }

    #[test]
    fn reasons_are_named_as_the_journal_names_them() {
        for reason in [RefusalReason::BadTopic, RefusalReason::TooSparse, RefusalReason::Revoked] {
            let name = serde_json::to_value(reason).unwrap();
            assert_eq!(name, reason_name(reason));
        }
    }
}
