//! Reads back what old punches said, so that a terminal that sends its whole log again does not
//! keep others waiting: a request that needs it steps aside and comes back.

use super::{Answer, Request, Verdict};
use crate::core::Shared;
use crate::journal::Reader;
use crate::state::dedupe::BlockKey;
use muster_attendance::Attendance;
use std::sync::{Arc, mpsc};
use tokio::sync::mpsc as async_mpsc;

/// Requests that may step aside; beyond, the committer reads by itself.
const MAX_ASIDE: usize = 256;

/// A block of a terminal's punches, with the first and last record it lies in.
pub(crate) type Wanted = (BlockKey, u64, u64);
/// What a block's punches said, by record.
pub(crate) type Found = (BlockKey, Vec<(u64, Attendance)>);

/// A request that steps aside.
pub(crate) struct Aside {
    pub(crate) wanted: Vec<Wanted>,
    pub(crate) punches: Vec<Attendance>,
    pub(crate) done: Answer<Vec<Verdict>>,
}

/// Starts the thread; it ends when the sender goes.
pub(super) fn start(
    shared: Arc<Shared>,
    requests: async_mpsc::WeakSender<Request>,
) -> std::io::Result<mpsc::SyncSender<Aside>> {
    let (sender, waiting) = mpsc::sync_channel::<Aside>(MAX_ASIDE);
    let thread = std::thread::Builder::new().name("muster-recaller".into());
    thread.spawn(move || {
        let mut reader = shared.reader();
        for aside in waiting {
            let Aside { wanted, punches, done } = aside;
            let found = wanted.into_iter().map(|block| read(&mut reader, block)).collect();
            let Some(requests) = requests.upgrade() else { break };
            // A committer that is gone has dropped the queue: the sender of `done` sees it.
            let _ = requests.blocking_send(Request::Recalled { found, punches, done });
        }
    })?;
    Ok(sender)
}

/// Reads one block. What cannot be read is left out.
pub(super) fn read(reader: &mut Reader, (key, first, last): Wanted) -> Found {
    let mut found = Vec::new();
    for record in reader.facts(first..=last) {
        match record {
            Ok(record) => {
                let punch = record.fact.and_then(|fact| fact.content.punch().copied());
                found.extend(punch.filter(|p| key.holds(p)).map(|p| (record.number, p)));
            }
            Err(error) => {
                tracing::warn!(%error, first, last, "duplicates cannot be compared");
                break;
            }
        }
    }
    (key, found)
}
