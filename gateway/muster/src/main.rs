//! The `muster` binary: command line, configuration, wiring, signals. What it does is in the
//! rooms it wires; here is only who gets what.
#![forbid(unsafe_code)]

mod cli;
mod config;
mod exit;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let _ = cli.command;
    ExitCode::SUCCESS
}
