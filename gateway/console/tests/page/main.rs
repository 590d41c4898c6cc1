//! The page from outside: over TLS, against a real ledger.

mod browser;
mod entrance;
mod live;
mod pages;
mod site;
