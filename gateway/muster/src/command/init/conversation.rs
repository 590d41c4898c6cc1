//! The set-up's questions, on a terminal: each with a default, and asked again until its answer
//! can be used.

use super::{Answers, LAWS, signer};
use crate::backup::recovery;
use crate::backup::sheets::Sheet;
use crate::cli::InitArgs;
use crate::config::Config;
use crate::sentence::here;
use crate::{doctor, store};
use anyhow::{Context as _, Result, anyhow, bail, ensure};
use std::io::{self, BufRead as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use zeroize::Zeroizing;

/// How often a question is asked.
const TRIES: usize = 5;
/// The sheet that is asked for back.
const ASKED_BACK: usize = 1;
/// Public keys of signers that one set-up takes.
const MAX_SIGNERS: usize = 20;

/// Asks for all that the command line did not say.
pub(super) fn answers(args: &InitArgs) -> Result<Answers> {
    say("Set-up of a box. Enter takes what is in brackets; everything can be changed later.")?;
    let site_name = "Name of this site, as policies write it";
    let site = match &args.site {
        Some(given) => given.clone(),
        None => until_good(site_name, "my-site", site)?,
    };
    let jurisdiction = match &args.jurisdiction {
        Some(given) => law(given)?,
        None => until_good("Jurisdiction (MO, HK, SG, CN, MY, JP, EU)", "HK", law)?,
    };
    let time_zone = match &args.time_zone {
        Some(given) => zone(given)?,
        None => until_good("Time zone", default_zone(&jurisdiction), zone)?,
    };
    let signers = args.signer.iter().map(|text| signer(text)).collect::<Result<_>>()?;
    let mut answers = Answers { site, jurisdiction, time_zone, signers, ..Answers::default() };
    answers.mqtt = Some(until_good("Address for terminals", "0.0.0.0:8883", free_address)?);
    answers.page = Some(until_good("Address of the page", "0.0.0.0:8443", free_address)?);
    for port in doctor::serial_ports() {
        let question = format!("Is a terminal on {}? (y/n)", port.display());
        if until_good(&question, "y", yes_or_no)? {
            answers.serial.push(port);
        }
    }
    if answers.serial.is_empty() {
        say("No serial port is used; [[serial]] in gateway.toml adds one.")?;
    }
    while answers.signers.len() < MAX_SIGNERS {
        let question = "Who may sign policies, as PERSON:ROLE:PUBLIC_KEY_FILE; Enter if no more";
        match until_good(question, "", |text| match text {
            "" => Ok(None),
            text => signer(text).map(Some),
        })? {
            Some(signer) => answers.signers.push(signer),
            None => break,
        }
    }
    Ok(answers)
}

/// One question, until its answer can be used.
pub(super) fn until_good<T>(
    question: &str,
    default: &str,
    read: impl Fn(&str) -> Result<T>,
) -> Result<T> {
    for _ in 0..TRIES {
        match read(&ask(question, default)?) {
            Ok(value) => return Ok(value),
            Err(error) => say(&format!("  {}", here(&format!("{error:#}"))))?,
        }
    }
    bail!("no usable answer to: {question}")
}

/// One line of an answer.
pub(super) fn ask(question: &str, default: &str) -> Result<String> {
    let mut out = io::stdout().lock();
    let brackets = if default.is_empty() { String::new() } else { format!(" [{default}]") };
    write!(out, "{}{brackets}: ", here(question))?;
    out.flush()?;
    drop(out);
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let answer = line.trim();
    Ok(if answer.is_empty() { default } else { answer }.to_owned())
}

/// As policies write it.
fn site(text: &str) -> Result<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let good = (1..=32).contains(&text.len()) && text.chars().all(fits);
    ensure!(good, "a site has 1 to 32 letters, digits, dots, hyphens or underscores");
    Ok(text.to_owned())
}

pub(super) fn law(text: &str) -> Result<String> {
    let law = text.to_ascii_uppercase();
    ensure!(
        LAWS.contains(&law.as_str()),
        "{law} is not in the law pack; use one of {}",
        LAWS.join(", ")
    );
    Ok(law)
}

pub(super) fn zone(text: &str) -> Result<String> {
    jiff::tz::TimeZone::get(text)
        .map(|_| text.to_owned())
        .map_err(|_| anyhow!("there is no time zone named {text}; use a name as Asia/Macau"))
}

/// Whether the gateway shall run from now on.
pub(super) fn starts_now() -> Result<bool> {
    until_good("Start it now, and with this machine from now on? (y/n)", "y", yes_or_no)
}

fn yes_or_no(text: &str) -> Result<bool> {
    match text.to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(true),
        "n" | "no" => Ok(false),
        _ => bail!("answer y or n"),
    }
}

/// An address that nobody listens on.
fn free_address(text: &str) -> Result<SocketAddr> {
    let address: SocketAddr = text.parse().context("write ADDRESS:PORT, as 0.0.0.0:8883")?;
    TcpListener::bind(address).with_context(|| format!("{address} is taken; choose another"))?;
    Ok(address)
}

/// Shows the recovery sheets, and asks for one back. They lie in a file until that was right, so
/// that nothing is lost should the set-up be broken off.
pub(super) fn sheets(config: &Config, sheets: &[Sheet]) -> Result<()> {
    let file = recovery::write(config, sheets)?;
    hand_out(&config.site.site, &file, sheets)
}

/// The same for sheets that lie in `file` already.
pub(in crate::command) fn hand_out(site: &str, file: &Path, sheets: &[Sheet]) -> Result<()> {
    for sheet in sheets {
        let text = recovery::print(site, sheet);
        say("")?;
        say(text.as_str())?;
    }
    say("Print or write down all three, and keep them apart. Two of them open every backup.")?;
    let asked = sheets.get(ASKED_BACK).context("there are too few sheets")?;
    for _ in 0..TRIES {
        let typed = Zeroizing::new(ask("Now type sheet 2 as you have noted it", "")?);
        match Sheet::parse(&typed) {
            Ok(sheet) if sheet.text() == asked.text() => {
                forget(file)?;
                return say("That is right: the sheets are on paper alone now.");
            }
            Ok(_) => say(&format!("  {}", here("that is another sheet")))?,
            Err(error) => say(&format!("  {}", here(&error.to_string())))?,
        }
    }
    say(&format!(
        "Nobody typed it: the sheets stay in {}. Print it, then delete it.",
        file.display()
    ))
}

/// Zeros over the file before it goes.
fn forget(file: &Path) -> Result<()> {
    let len = std::fs::metadata(file)?.len();
    let zeros = vec![0; usize::try_from(len)?];
    std::fs::write(file, zeros)?;
    std::fs::File::open(file)?.sync_all()?;
    Ok(std::fs::remove_file(file)?)
}

pub(super) fn say(text: &str) -> Result<()> {
    Ok(writeln!(io::stdout().lock(), "{}", here(text))?)
}

/// The zone that a jurisdiction has.
pub(super) fn default_zone(law: &str) -> &'static str {
    store::zone_of(Some(law))
}
