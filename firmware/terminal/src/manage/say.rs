//! What the manager hears and says on the link.

use super::{Admin, Manager, Work};
use crate::clock::Reading;
use embedded_storage::nor_flash::NorFlash;
use muster_proto::message::{Happened, Report, Stamp, Task};
use muster_proto::seal::Keys;
use muster_proto::terminal::{Aside, LinkCounts};

/// An entry of the event log goes again after so many milliseconds.
const NOTE_AGAIN_MS: u64 = 2_000;

impl<U: NorFlash, L: NorFlash, W: NorFlash, const USERS: usize> Aside for Manager<U, L, W, USERS> {
    fn say(&mut self, now_ms: u64, keys: &Keys, out: &mut [u8]) -> Option<usize> {
        if core::mem::take(&mut self.last.unsaid) {
            self.reports += 1;
            let report = Report {
                boot: self.boot,
                count: self.reports,
                id: self.last.id,
                result: self.last.result,
                reason: self.last.reason,
                data: &self.last.data,
            };
            return keys.seal(&report, out).ok();
        }
        if now_ms < self.note_due_ms {
            return None;
        }
        let note = self.log.oldest()?;
        self.note_due_ms = now_ms + NOTE_AGAIN_MS;
        keys.seal(&note, out).ok()
    }
}

impl<U: NorFlash, L: NorFlash, W: NorFlash, const USERS: usize> Admin for Manager<U, L, W, USERS> {
    fn task(&mut self, now_ms: u64, task: &Task<'_>) {
        // The box has not heard of it, or asks how it goes.
        if task.id == self.last.id {
            self.last.unsaid = true;
            return;
        }
        self.begin(now_ms, task.id, &task.job);
    }

    fn noted(&mut self, note: Stamp) {
        self.log.noted(note);
        self.note_due_ms = 0;
    }

    fn look(&mut self, now_ms: u64, reading: Reading, link: LinkCounts) {
        self.reading = reading;
        let refused = link.refused.saturating_sub(self.seen.refused);
        let replayed = link.replayed.saturating_sub(self.seen.replayed);
        self.seen = link;
        for (count, what) in [(refused, Happened::SealRefused), (replayed, Happened::Replayed)] {
            if count > 0 {
                self.note(now_ms, what, u32::try_from(count).unwrap_or(u32::MAX));
            }
        }
        self.give_up(now_ms);
    }

    fn queue_full(&mut self, now_ms: u64, waiting: u32) {
        self.note(now_ms, Happened::QueueFull, waiting);
    }

    fn welcomed(&mut self) {
        self.confirm();
    }
}

impl<U, L, W, const USERS: usize> Manager<U, L, W, USERS> {
    /// Whether a report waits to be said.
    pub fn has_report(&self) -> bool {
        self.last.unsaid
    }

    /// Whether somebody is asked for a finger or a PIN, for the board to show.
    pub fn is_asking(&self) -> bool {
        match &self.work {
            Work::Module { then, .. } => matches!(then, super::Then::Bind { .. }),
            Work::Choosing { .. } => true,
            Work::Nothing | Work::Incoming { .. } => false,
        }
    }
}
