//! Store and forward for terminals on embedded Linux: what is pushed is on disk before the caller
//! may beep, goes out oldest first, and is kept until the box's PUBACK says it is on the box's
//! disk.
//!
//! The payloads are opaque: a C1 forwards what it cannot read. A crash may send an entry twice and
//! never loses one; the box stores it once, by device, boot and sequence.
//!
//! Limits: [`store::MAX_BYTES`] of queue, [`store::MAX_ENTRY`] an entry, [`sender::WINDOW`] under
//! way.
#![forbid(unsafe_code)]

pub mod boot;
pub mod config;
pub mod gpio;
pub mod pair;
pub mod program;
pub mod sender;
pub mod store;
pub mod tls;

pub use sender::{Forwarder, Incoming, Login, StartError};
pub use store::PushError;
