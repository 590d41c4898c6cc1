//! The page from outside: over TLS, against a real ledger.

mod api;
mod browser;
mod bulk;
mod desk;
mod entrance;
mod entries;
mod factor;
mod governance;
mod guests;
mod hands;
mod input;
mod live;
mod office;
mod pages;
mod remedies;
mod site;
mod together;
