//! The links over real sockets into a real ledger.

mod broker;
mod client;
mod loopback;
mod orders;
mod sealed;
mod serial;
mod setting;
mod tls;
mod vault;
