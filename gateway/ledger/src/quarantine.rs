//! Reason codes of records that are set aside: the ledger's own, besides the engine's. Stable.

/// Its `(device, boot, seq)` was used before for another punch. Both are kept.
pub const SEQ_CONFLICT: &str = "SEQ-CONFLICT";
/// It came late with a time that cannot be used: the terminal's clock was wrong or unsure. It waits
/// until it is re-dated.
pub const CLOCK_WAIT: &str = "CLOCK-WAIT";
/// The region refused it for good. It is not sent elsewhere.
pub const REJECTED: &str = "REJECTED";
/// It was sent once, the region's word is owed, and it would now go with other bytes.
pub const SENT_BYTES_DIFFER: &str = "SENT-BYTES-DIFFER";
/// It is damaged on the disk, or its month's key was destroyed.
pub const UNREADABLE: &str = "UNREADABLE";
/// A field that the profile wants is not there or cannot be written.
pub const FIELD_ABSENT: &str = "FIELD-ABSENT";
/// The profile's fields make more than 512 bytes.
pub const TOO_LONG: &str = "PARCEL-TOO-LONG";
/// The egress guard stopped it; what it found follows in capitals, as `EGRESS-PRC-ID`.
pub const EGRESS: &str = "EGRESS-";
