//! Only the committer says that a punch is on disk.

use muster_attendance::{DeviceId, EventId};
use muster_ledger::Committed;

fn leak(id: EventId) -> Committed {
    Committed { id, device: DeviceId(1), boot: 1, seq: 1, apart: None }
}

fn main() {}
