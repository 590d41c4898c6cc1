//! Where rows are built from: the journal.

use super::row::Stored;
use crate::journal::{Content, Fact, ReadError, Reader};
use muster_attendance::{
    Attendance, DeviceClock, DeviceId, DeviceTime, EventId, Method, Outcome, Summary,
};

/// A record by number, with what it says where it was made from sheets.
pub(super) type Read = (Stored, Option<Summary>);

/// What the views need of a batch.
pub(super) struct Piece {
    pub(super) batch: u64,
    pub(super) chain: [u8; 32],
    /// Number of the record after its last.
    pub(super) next_record: u64,
    /// Records that can be read; none where the key was destroyed.
    pub(super) records: Vec<Stored>,
}

/// A cursor over the journal; tests bring a journal in memory.
pub(crate) enum Batches {
    Journal(Box<Reader>),
    #[cfg(test)]
    Memory(super::tape::Tape),
}

impl Batches {
    /// A second cursor at the start.
    pub(super) fn another(&self) -> Self {
        match self {
            Self::Journal(reader) => Self::Journal(Box::new(reader.another())),
            #[cfg(test)]
            Self::Memory(tape) => Self::Memory(tape.another()),
        }
    }

    /// Goes to the first whole batch numbered `batch` or higher.
    pub(super) fn seek(&mut self, batch: u64) -> Result<(), ReadError> {
        match self {
            Self::Journal(reader) => reader.seek_batch(batch),
            #[cfg(test)]
            Self::Memory(tape) => tape.seek(batch),
        }
    }

    /// The next whole batch; `None` at the durable end.
    pub(super) fn next(&mut self) -> Result<Option<Piece>, ReadError> {
        match self {
            Self::Journal(reader) => Ok(reader.next_batch()?.map(|batch| piece(&batch))),
            #[cfg(test)]
            Self::Memory(tape) => Ok(tape.next()),
        }
    }

    /// The records of these numbers (ascending); those that cannot be read are left out.
    pub(super) fn records(&mut self, numbers: Vec<u64>) -> Result<Vec<Read>, ReadError> {
        match self {
            Self::Journal(reader) => {
                let mut found = Vec::with_capacity(numbers.len());
                for record in reader.facts(numbers.into_iter()) {
                    let record = record?;
                    found.extend(record.fact.map(|fact| read(record.number, record.epoch, &fact)));
                }
                Ok(found)
            }
            #[cfg(test)]
            Self::Memory(tape) => {
                Ok(tape.records(&numbers).into_iter().map(|stored| (stored, None)).collect())
            }
        }
    }

    /// One record, if `id` is its whole id.
    pub(super) fn record(&mut self, id: EventId) -> Result<Option<Read>, ReadError> {
        let found = self.records(vec![id.number()])?.pop();
        Ok(found.filter(|(stored, _)| stored.id() == id))
    }
}

impl From<Reader> for Batches {
    fn from(reader: Reader) -> Self {
        Self::Journal(Box::new(reader.facts_only()))
    }
}

fn piece(batch: &crate::journal::Batch) -> Piece {
    let first = batch.first_record;
    let facts = batch.facts.as_ref().ok();
    let records = facts.map(|facts| {
        let numbered = (first..).zip(facts.iter());
        let punches = numbered.filter(|(_, fact)| fact.content.punch().is_some());
        punches.map(|(number, fact)| read(number, batch.epoch, &fact).0).collect()
    });
    Piece {
        batch: batch.number,
        chain: batch.chain,
        next_record: first.saturating_add(u64::from(batch.fact_count)),
        records: records.unwrap_or_default(),
    }
}

fn read(number: u64, epoch: u16, fact: &Fact) -> Read {
    let (attendance, summary) = match fact.content {
        Content::Punch(punch) => (punch, None),
        Content::Summary(summary) => (stand_in(&summary), Some(summary)),
    };
    (Stored { number, epoch, attendance, decision: fact.decision }, summary)
}

/// What lists of waiting records show of one that no terminal sent.
fn stand_in(summary: &Summary) -> Attendance {
    let day = summary.day();
    let seconds = summary.made_ms.div_euclid(1000);
    Attendance {
        device: DeviceId(0),
        boot: 0,
        seq: 0,
        person: summary.person(),
        at: day.and_then(|day| day.check).unwrap_or(DeviceTime { seconds, offset_minutes: 0 }),
        received_ms: summary.made_ms,
        method: day.and_then(|day| day.method).unwrap_or(Method::Other),
        outcome: Outcome::Granted,
        direction: day.and_then(|day| day.direction),
        live: false,
        clock: DeviceClock::Ok,
    }
}
