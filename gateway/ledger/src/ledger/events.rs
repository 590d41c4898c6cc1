//! How far whoever watches over security was told what happens.

use super::Ledger;
use crate::CommitError;
use crate::act::Act;
use crate::trail::EventCursor;

impl Ledger {
    /// What is to be told next, as the journal has it.
    pub fn events_told(&self) -> EventCursor {
        self.core().state.legal.events_told
    }

    /// Notes that every event before `next` was taken in there.
    pub async fn note_events_told(&self, next: EventCursor) -> Result<(), CommitError> {
        self.inner.acts.submit(vec![Act::EventsTold { next }]).await
    }
}
