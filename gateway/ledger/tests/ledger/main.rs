//! The ledger from outside: commit, decide, dispatch, settle, and all that over a crash.
#![allow(missing_docs)]

mod commit;
mod legal;
mod model;
mod outbox;
mod recovery;
mod setting;
