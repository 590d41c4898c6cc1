//! Read buffers. What is larger than a small buffer is paid for from the budget that all payloads
//! in flight share, and every buffer is wiped when given back: it may have held evidence.

use crate::limits::{BASE_CHUNK, FULL_CHUNK};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::Zeroize;

/// Bytes read, or room for them.
pub(super) struct Chunk {
    pub(super) bytes: Vec<u8>,
    _paid: Option<OwnedSemaphorePermit>,
}

impl Chunk {
    /// A small one.
    pub(super) fn base() -> Self {
        Self { bytes: vec![0; BASE_CHUNK], _paid: None }
    }

    /// One for a connection that is `busy` or not, with room beside `rest` bytes. If the budget is
    /// spent it is just large enough.
    pub(super) fn new(busy: bool, rest: usize, budget: &Arc<Semaphore>) -> Self {
        if busy || rest >= BASE_CHUNK {
            let paid = budget.clone().try_acquire_many_owned(FULL_CHUNK as u32);
            if let Ok(paid) = paid
                && rest < FULL_CHUNK
            {
                return Self { bytes: vec![0; FULL_CHUNK], _paid: Some(paid) };
            }
        }
        Self { bytes: vec![0; BASE_CHUNK.max(rest + 1)], _paid: None }
    }

    /// Whether it can stand in for a new one.
    pub(super) fn suits(&self, busy: bool, rest: usize) -> bool {
        let size = self.bytes.len();
        rest < size && (size == FULL_CHUNK || (size == BASE_CHUNK && !busy))
    }

    /// One of `size` bytes (at most [`crate::limits::MAX_PACKET`]), when the budget has room.
    pub(super) async fn of(size: usize, budget: Arc<Semaphore>) -> Option<Self> {
        let paid = budget.acquire_many_owned(u32::try_from(size).ok()?).await.ok()?;
        Some(Self { bytes: vec![0; size], _paid: Some(paid) })
    }

    /// Wipes what was read into the first `used` bytes, for the next read.
    pub(super) fn wipe(&mut self, used: usize) {
        if let Some(used) = self.bytes.get_mut(..used) {
            used.fill(0);
        }
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}
