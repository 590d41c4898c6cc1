//! The local page: what HR, facilities and admins open, served by the box itself over HTTPS.
//!
//! Pages are rendered on the server and can be read without scripts; htmx and one small script of
//! our own add search as you type and the live board. Nothing is loaded from outside, and the page
//! works with every region down. It reads the ledger's views and never sees intake or the vault.
//!
//! Limits, each a named constant beside what it bounds: connections in all and per address,
//! time for handshake, headers, body and answer, size of a body, sessions, log-in tries, password
//! hashes at a time, live boards, rows on a page.
//!
//! Who may open what is one table, `access`; every page text is in `i18n/*.ftl`.
#![forbid(unsafe_code)]

mod access;
mod api;
mod api_token;
mod app;
mod assets;
mod board;
mod connection;
mod encoding;
mod forms;
mod guard;
mod guest;
mod hosts;
mod jobs;
mod live;
mod openapi;
mod pages;
mod pairing;
mod password;
mod plan_csv;
mod qr;
mod reasons;
mod routes;
mod rows;
mod server;
mod session;
mod throttle;
mod totp;
mod visits;
mod when;
mod words;
mod workbook;

pub use api_token::new_token;
pub use app::{Check, Explain, Handles, PolicyFiles, SecondFactor};
pub use encoding::{EncodingError, decode};
pub use jobs::{Command, Commands, Done, Look, LookState, Outcome};
pub use pages::governance::packs::Packs;
pub use pages::governance::requests::{Copies, CopyForm, Copying};
pub use pages::reports::Reports;
pub use pages::warden::roll::{Doubt, Neighbour, Place, Roll, Seen};
pub use pairing::{Card, NewCard, NewDevice, Pair, PairingCode};
pub use password::{OneTimeCode, PasswordError, hash_password};
pub use rows::{RecordRows, sheet_row};
pub use server::{Console, ConsoleConfig, StartError};
pub use workbook::{Cell, Table, TableError, XlsxTable};
