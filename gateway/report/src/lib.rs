//! Reports: what an auditor, a data protection officer or an authority asks a box for.
//!
//! Pure: figures and rules come in, documents come out. A [`Document`] is the same whether it is
//! printed as JSON, CSV or HTML, by the command line or the page. What a report says of the law is
//! quoted from the law pack, which counsel must review; every document that quotes it says so, and
//! warns once its review date has passed. No report judges whether anybody keeps the law.
//!
//! [`sides`] and [`pack`] are what leaves signed, and can be checked without the box: by
//! `muster-verify`, or by anything that knows SHA-256 and Ed25519. [`sealing`] is what leaves sealed
//! to a customer's key, for `muster-verify open` or anything that knows HPKE.
#![forbid(unsafe_code)]

mod bars;
mod build;
mod csv;
mod document;
pub mod figures;
mod html;
mod json;
pub mod pack;
mod picture;
mod reports;
pub mod sealing;
pub mod sides;
pub mod task;
mod words;

pub use build::{Entered, Input};
pub use document::{Cell, Document, Section};
pub use reports::{Kind, report};
pub use words::Words;
