//! The DingTalk connector against a server of ours that behaves as is documented of DingTalk's,
//! and misbehaves as servers do. Real TLS, a real ledger.

mod deliver;
mod faults;
mod server;
mod setting;
