//! The `muster` binary: command line, configuration, wiring, signals. What it does is in the
//! rooms it wires; here is only who gets what.
#![forbid(unsafe_code)]

mod alarms;
mod backup;
mod cli;
mod command;
mod config;
mod control;
mod demo;
mod desk;
mod doctor;
mod egress;
mod evidence;
mod exit;
mod gaps;
mod gateway;
mod hands;
mod health;
mod log;
mod metrics_help;
mod neighbours;
mod owner;
mod page_certificate;
mod pairing;
mod renewal;
mod sentence;
mod siem;
mod store;
mod trust;
mod watch;
mod words;

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    command::execute(cli.command).unwrap_or_else(exit::Failure::report)
}
