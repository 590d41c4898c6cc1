//! What each command of the line does, and how its answer is shown: one JSON document with
//! `--json`, else lines for people.

mod approve;
mod backup;
pub(crate) mod card;
pub(crate) mod check;
mod device;
mod doctor;
mod init;
mod journal;
mod moment;
mod papers;
mod people_csv;
mod person;
mod policy;
mod qr;
pub(crate) mod records;
mod report;
mod resend;
mod run;
mod sheet;
mod signers;
mod status;
mod user;
mod wall;

use crate::cli::{BoxArgs, Command};
use crate::config::Config;
use crate::exit::{self, Failure, OrExit as _, Outcome};
use crate::{control, demo, owner};
pub(crate) use init::first_administrator;
use serde::Serialize;
use serde_json::Value;
use std::io::{self, Write as _};
use std::process::ExitCode;

/// Does what the command line asks.
pub(crate) fn execute(command: Command) -> Outcome {
    match command {
        Command::Demo(args) => demo::demo(&args),
        Command::Run(at) => run::run(&at),
        Command::Check(at) => check::check(&at),
        Command::Init(args) => init::init(&args),
        Command::Device { command } => device::device(command),
        Command::Person { command } => person::person(command),
        Command::Policy { command } => policy::policy(command),
        Command::Papers { command } => papers::papers(command),
        Command::Consent { command } => papers::consent(command),
        Command::Notice { command } => papers::notice(command),
        Command::Counters { command } => papers::counters(command),
        Command::LocalOnly(args) => approve::local_only(&args),
        Command::Approve(args) => approve::approve(&args),
        Command::Requests(at) => approve::requests(&at),
        Command::User { command } => user::user(command),
        Command::Signers { command } => signers::signers(command),
        Command::Sheet { command } => sheet::sheet(command),
        Command::Journal { command } => journal::journal(command),
        Command::Records(args) => records::records(&args),
        Command::Report(args) => report::report(&args),
        Command::Backup(args) => backup::backup(&args),
        Command::Restore(args) => backup::restore(&args),
        Command::Resend(args) => resend::resend(&args),
        Command::Doctor(args) => doctor::doctor(&args),
        Command::Status(at) => status::status(&at),
    }
}

/// The box's configuration, or exit 78.
fn load(at: &BoxArgs) -> Result<Config, Failure> {
    Config::load(at.config.as_deref()).or_exit(exit::CONFIG)
}

/// Asks the box one question.
fn ask(at: &BoxArgs, request: control::Request) -> Result<control::Answer, Failure> {
    let config = load(at)?;
    small_runtime(&config)?.block_on(control::call(&config, request))
}

/// A runtime for one command on a box, as the owner of its data where it must open them itself.
fn small_runtime(config: &Config) -> anyhow::Result<tokio::runtime::Runtime> {
    owner::go_on_as_owner(config)?;
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// Prints one JSON document.
fn print_json(value: &impl Serialize) -> Outcome {
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value)?;
    writeln!(out)?;
    Ok(ExitCode::SUCCESS)
}

/// Tells what was done: with `--json` the box's answer, or the lines where that holds nothing.
fn tell<T: AsRef<str>>(json: bool, answer: &Value, lines: impl IntoIterator<Item = T>) -> Outcome {
    if !json {
        return print_lines(lines);
    }
    if answer.is_object() || answer.is_array() {
        return print_json(answer);
    }
    let told: Vec<String> = lines.into_iter().map(|line| line.as_ref().to_owned()).collect();
    print_json(&serde_json::json!({ "told": told }))
}

/// Prints lines.
fn print_lines<T: AsRef<str>>(lines: impl IntoIterator<Item = T>) -> Outcome {
    let mut out = io::stdout().lock();
    for line in lines {
        writeln!(out, "{}", line.as_ref())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A text as a person may have written it, safe for a terminal.
fn plain(text: &str) -> String {
    text.chars().map(crate::exit::visible).collect()
}
