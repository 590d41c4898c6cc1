//! Residency: law pack, policy and facts in; decision, fields and reasons out.
//!
//! A small typed evaluator without an expression language. It is pure and total: no clock, no IO,
//! no randomness; times, keys and seeds come in as arguments. An error while evaluating holds the
//! record and never frees it.
//!
//! The law pack is reference data that counsel must review. It is never legal advice.
#![forbid(unsafe_code)]

pub mod approval;
pub mod canonical;
pub mod check;
pub mod condition;
mod decide;
pub mod decision;
pub mod diff;
pub mod edit;
pub mod explain;
pub mod facts;
pub mod guard;
pub mod key;
mod lanes;
pub mod law_pack;
mod matching;
mod mechanism;
pub mod meter;
mod overlay;
pub mod parse;
pub mod phrase;
pub mod policy;
pub mod pseudonym;
mod release;
pub mod replay;
pub mod rules;
pub mod signature;
pub mod vocab;
pub mod wanted;

pub use decide::decide;
pub use decision::{Decision, StoredDecision};
pub use facts::Facts;
pub use law_pack::LawPack;
pub use parse::ParseError;
pub use policy::Policy;
pub use rules::Rules;
