//! The ledger from outside: commit, decide, dispatch, settle, and all that over a crash.
#![allow(missing_docs)]

mod accounts;
mod commit;
mod counters;
mod events;
mod legal;
mod model;
mod outbox;
mod policy;
mod recovery;
mod reports;
mod rights;
mod setting;
mod sheets;
mod summaries;
mod two_people;
