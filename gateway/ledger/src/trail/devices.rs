//! What the journal has of one device: its event log, its tasks, its refusals.

use super::{Follow, Known};
use crate::act::Act;
use crate::journal::Batch;
use crate::state::refusal_word;
use muster_attendance::DeviceId;
use std::collections::VecDeque;

/// Events given at once: the newest.
pub const MAX_DEVICE_EVENTS: usize = 1_000;

/// An entry of the journal about a device.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct DeviceEvent {
    /// When it was journaled, milliseconds since 1970.
    pub at_ms: i64,
    /// `told` by the device, `did` a task, `refused` by the box.
    pub kind: &'static str,
    /// What happened, which task, or why: from fixed sets of words.
    pub what: String,
    /// What became of a task: `done`, or why not.
    pub result: Option<String>,
    /// More of it: a count or a number of what happened.
    pub detail: u64,
}

pub(super) struct Fold {
    device: DeviceId,
    events: VecDeque<DeviceEvent>,
}

impl Fold {
    pub(super) fn new(device: DeviceId) -> Self {
        Self { device, events: VecDeque::new() }
    }

    pub(super) fn end(self) -> Vec<DeviceEvent> {
        self.events.into()
    }
}

impl Follow for Fold {
    fn act(&mut self, act: &Act, batch: &Batch, _known: &Known) {
        let event = |kind, what: &str, result, detail| {
            let what = what.to_owned();
            DeviceEvent { at_ms: batch.at_ms, kind, what, result, detail }
        };
        let event = match act {
            Act::DeviceTold { id, what, detail, .. } if *id == self.device => {
                event("told", what, None, u64::from(*detail))
            }
            Act::DeviceDid { id, task, result, count, .. } if *id == self.device => {
                event("did", task, Some(result.clone()), u64::from(*count))
            }
            Act::Refused { device, reason, count, .. } if *device == Some(self.device) => {
                event("refused", &refusal_word(*reason), None, *count)
            }
            _ => return,
        };
        if self.events.len() >= MAX_DEVICE_EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    fn facts(&mut self, _batch: &Batch, _known: &Known) {}
}
