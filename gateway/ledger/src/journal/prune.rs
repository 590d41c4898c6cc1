//! Deleting the oldest segments once every class-month in them is destroyed.
//!
//! Nothing in them can be read any more. The chain goes on from the header of the segment that is
//! then the first, so the ledger journals where that is before a file goes: whoever checks the
//! journal can tell a lawful beginning from a torn one.

use super::format::Chain;
use super::segment::Segment;
use super::{ReadError, Reader};
use crate::keyring::Class;
use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Where a journal begins that was cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Beginning {
    /// Number of its first batch.
    pub(crate) batch: u64,
    /// Number of its first record.
    pub(crate) record: u64,
    /// Chain hash before that batch.
    pub(crate) chain: Chain,
}

impl Reader {
    /// Where the journal may begin, if whole segments before that are of destroyed class-months
    /// alone.
    pub(crate) fn expendable(
        &self,
        gone: impl Fn(Class, u32) -> bool,
    ) -> Result<Option<Beginning>, ReadError> {
        let list = self.segments().list();
        let mut beginning = None;
        for (segment, next) in list.iter().zip(list.iter().skip(1)) {
            let Some(header) = &next.header else { break };
            if !segment.sealed.load(Ordering::Acquire) || !is_gone(segment, &gone)? {
                break;
            }
            let (batch, record) = (header.first_batch, header.first_record);
            beginning = Some(Beginning { batch, record, chain: header.chain });
        }
        Ok(beginning)
    }

    /// Deletes the segments before batch `batch`; gives how many. Harmless if done before.
    pub(crate) fn cut(&self, batch: u64) -> io::Result<usize> {
        let gone = self.segments().take_before(batch);
        for segment in &gone {
            match fs::remove_file(&segment.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        if let Some(dir) = gone.first().and_then(|segment| segment.path.parent()) {
            fs::File::open(dir)?.sync_all()?;
        }
        Ok(gone.len())
    }
}

/// Whether no block of a segment can be read any more.
fn is_gone(segment: &Arc<Segment>, gone: &impl Fn(Class, u32) -> bool) -> io::Result<bool> {
    let mut walker = segment.walk()?;
    let (mut at, mut expected) = (segment.body(), segment.first_batch);
    while let Some((found, header)) = walker.hop(at, expected)? {
        let facts = header.facts == 0 || gone(Class::Facts, header.month);
        let acts = header.acts_len == 0 || gone(Class::Acts, header.month);
        if !(facts && acts) {
            return Ok(false);
        }
        (at, expected) = (found + u64::from(header.total), header.number + 1);
    }
    Ok(true)
}
