//! The links over real sockets into a real ledger.

mod client;
mod loopback;
mod setting;
