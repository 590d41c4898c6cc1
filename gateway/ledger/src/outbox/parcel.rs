//! Parcels: what was released, once, by the committer.

use crate::committer::Sending;
use crate::core::Shared;
use muster_attendance::EventId;
use std::sync::{Arc, Weak};

/// Leave to send one record's bytes to one destination. Made where a dispatch is on disk, and
/// nowhere else.
struct Release(());

/// Where an unsettled parcel goes back to.
#[derive(Clone)]
pub(crate) struct Home {
    shared: Weak<Shared>,
    destination: Arc<str>,
}

impl Home {
    pub(crate) fn new(shared: &Arc<Shared>, destination: &Arc<str>) -> Self {
        Self { shared: Arc::downgrade(shared), destination: destination.clone() }
    }
}

/// A minimised record released to one destination. Only dispatch makes one; settling consumes it.
/// Dropping one unsettled is as [`crate::Settlement::Unknown`].
pub struct Parcel {
    bytes: Box<[u8]>,
    key: EventId,
    record: u64,
    again: bool,
    home: Home,
    /// Spent when the region's word is on disk.
    release: Option<Release>,
}

impl Parcel {
    /// The committer's alone: the dispatch of `sending` is on disk.
    pub(crate) fn release(sending: Sending, home: &Home) -> Self {
        Self {
            bytes: sending.bytes,
            key: sending.key,
            record: sending.record,
            again: sending.again,
            home: home.clone(),
            release: Some(Release(())),
        }
    }

    /// The JSON object, at most 512 bytes: exactly these bytes are what the journal knows.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The stable key of the record, for idempotency: its event id.
    pub fn key(&self) -> EventId {
        self.key
    }

    /// True if it was released before and the region's word is owed: it may have arrived.
    pub fn is_again(&self) -> bool {
        self.again
    }

    /// The record's number.
    pub(super) fn record(&self) -> u64 {
        self.record
    }

    /// True if it was released to this destination.
    pub(super) fn belongs_to(&self, destination: &str) -> bool {
        &*self.home.destination == destination
    }

    /// The region's word is on disk: nothing goes back.
    pub(super) fn spend(mut self) {
        self.release = None;
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        let Some(Release(())) = self.release.take() else { return };
        if let Some(shared) = self.home.shared.upgrade() {
            shared.core().state.standing.queue(&self.home.destination).hand_back(self.record);
        }
    }
}
