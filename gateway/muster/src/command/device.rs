//! `muster device`: pair, list, revoke, and what M1s are given to do; its card is in `card`.

use crate::cli::DeviceCommand;
use crate::control::{PinVerifier, Request, TerminalRequest};
use crate::exit::{self, OrExit as _, Outcome};
use crate::store::write_private;
use anyhow::{Context as _, Result, ensure};
use muster_proto::message::{SALT, Verifier};
use muster_terminal::pin::{PIN_DIGITS, verifier};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::Value;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use zeroize::Zeroizing;

/// Bytes of standard input that are read for a PIN.
const MAX_PIN_INPUT: u64 = 64;
/// Bytes of a signed image's file, at most.
const MAX_IMAGE_FILE: u64 = 1 << 20;

pub(super) fn device(command: DeviceCommand) -> Outcome {
    match command {
        DeviceCommand::Pair { kind, name, carrier, code: true, host, at, .. } => {
            let request = Request::DeviceCode { name, kind: kind.into(), carrier, host };
            super::wall::pair(&at, request)
        }
        DeviceCommand::Pair { kind, name, carrier, address, out, at, .. } => {
            let request = Request::DevicePair { name, kind: kind.into(), carrier, address };
            let made = super::ask(&at, request)?.result;
            match out {
                Some(folder) => write(&folder, &made, at.json),
                None => super::print_json(&made),
            }
        }
        DeviceCommand::Card(args) => super::card::card(&args),
        DeviceCommand::List { at } => {
            let devices = super::ask(&at, Request::DeviceList)?.result;
            super::tell(at.json, &devices, table(&devices))
        }
        DeviceCommand::Revoke { name, at } => {
            let done = super::ask(&at, Request::DeviceRevoke { name: name.clone() })?.result;
            super::tell(at.json, &done, [format!("{} is shut out", super::plain(&name))])
        }
        DeviceCommand::Log { name, at } => {
            let rows =
                super::ask(&at, Request::Terminal { name, request: TerminalRequest::Log })?.rows;
            let lines: Vec<String> = rows.iter().map(event).collect();
            super::tell(at.json, &rows.into(), lines)
        }
        command => terminal(command),
    }
}

/// What an M1 is given to do: the request, and what is said once it is done.
fn terminal(command: DeviceCommand) -> Outcome {
    let (name, at, request, done) = match command {
        DeviceCommand::Users { name, file, at } => {
            let users = super::card::listed(&file).or_exit(exit::DATA)?;
            (name, at, TerminalRequest::Users { users }, "has its users")
        }
        DeviceCommand::Pin { name, number, clear, at } => {
            let verifier = if clear { None } else { Some(pin().or_exit(exit::DATA)?) };
            let done = if clear { "has forgotten the PIN" } else { "knows the PIN" };
            (name, at, TerminalRequest::Pin { number, verifier }, done)
        }
        DeviceCommand::Enrol { name, number, page, at } => {
            eprint_asking(&name);
            (name, at, TerminalRequest::Enrol { number, page }, "has the finger")
        }
        DeviceCommand::Copy { from, from_page, to, number, page, at } => {
            let request = TerminalRequest::Copy { from, from_page, number, page };
            (to, at, request, "has the finger")
        }
        DeviceCommand::Erase { name, number, and_user, at } => {
            (name, at, TerminalRequest::Erase { number, and_user }, "has erased them")
        }
        DeviceCommand::Clock { name, at } => {
            (name, at, TerminalRequest::Clock, "will set its clock")
        }
        DeviceCommand::Identify { name, seconds, at } => {
            (name, at, TerminalRequest::Identify { seconds }, "will beep")
        }
        DeviceCommand::Update { name, image, at } => {
            let signed = image_file(&image).or_exit(exit::DATA)?;
            let done = "has the image and starts it; `muster device log` tells how that went";
            (name, at, TerminalRequest::Update { signed }, done)
        }
        DeviceCommand::Again { name, since, at } => {
            (name, at, TerminalRequest::Again { since }, "will send again what it keeps")
        }
        // Dealt with by whoever called this.
        DeviceCommand::Pair { .. }
        | DeviceCommand::Card(_)
        | DeviceCommand::List { .. }
        | DeviceCommand::Revoke { .. }
        | DeviceCommand::Log { .. } => return Ok(std::process::ExitCode::SUCCESS),
    };
    let told = super::ask(&at, Request::Terminal { name: name.clone(), request })?.result;
    super::tell(at.json, &told, [format!("{} {done}", super::plain(&name))])
}

/// The person at the terminal has half a minute.
#[allow(clippy::print_stderr)]
fn eprint_asking(name: &str) {
    eprintln!("put the finger on the glass of {} twice", super::plain(name));
}

/// The verifier of the PIN on standard input, under a salt of its own.
fn pin() -> Result<PinVerifier> {
    let mut digits = Zeroizing::new(String::new());
    std::io::stdin().take(MAX_PIN_INPUT).read_to_string(&mut digits).context("standard input")?;
    let digits = digits.trim_end_matches(['\r', '\n']);
    let fits = PIN_DIGITS.contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    ensure!(fits, "a PIN has 4 to 8 digits; give it on standard input");
    let mut salt = [0; SALT];
    let random = SystemRandom::new().fill(&mut salt);
    random.map_err(|_| anyhow::anyhow!("the system gives no randomness"))?;
    let Verifier { salt, hash } = verifier(digits.as_bytes(), salt);
    Ok(PinVerifier { salt, hash })
}

fn image_file(image: &Path) -> Result<Vec<u8>> {
    let size = fs::metadata(image).with_context(|| format!("cannot read {}", image.display()))?;
    ensure!(size.len() <= MAX_IMAGE_FILE, "{} is larger than any image", image.display());
    fs::read(image).with_context(|| format!("cannot read {}", image.display()))
}

fn event(event: &Value) -> String {
    let at = event["at_ms"].as_i64().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    let at = at.unwrap_or_default().strftime("%F %T UTC").to_string();
    let text = |key: &str| super::plain(event[key].as_str().unwrap_or_default());
    let (kind, what, result) = (text("kind"), text("what"), text("result"));
    format!("{at}  {kind:<7} {what} {result} ({})", event["detail"])
}

/// The credentials as files; the secret ones for their owner alone.
fn write(folder: &Path, made: &Value, json: bool) -> Outcome {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let files = [
        ("ca", "ca.pem"),
        ("certificate", "device.pem"),
        ("key", "device.key"),
        ("secret", "device.secret"),
    ];
    for (part, file) in files {
        write_private(&folder.join(file), made[part].as_str().unwrap_or_default().as_bytes())?;
    }
    let files = files.map(|(_, file)| folder.join(file).display().to_string());
    let lines = files.iter().map(|file| format!("  {file}"));
    let lines = ["credentials, shown this once:".to_owned()].into_iter().chain(lines);
    super::tell(json, &serde_json::json!({ "device": made["device"], "files": files }), lines)
}

fn table(devices: &Value) -> Vec<String> {
    let text = |device: &Value, key: &str| super::plain(device[key].as_str().unwrap_or("-"));
    let seen = |device: &Value| {
        let at = device["last_seen_ms"]
            .as_i64()
            .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        at.map_or("never".to_owned(), |at| at.strftime("%F %T UTC").to_string())
    };
    let rows = devices.as_array().into_iter().flatten().map(|device| {
        format!(
            "{:<24} {:<9} {:<9} {:>9} records  last seen {}",
            text(device, "name"),
            text(device, "kind"),
            text(device, "state"),
            device["records"],
            seen(device)
        )
    });
    let rows: Vec<String> = rows.collect();
    if rows.is_empty() {
        return vec!["no device yet; pair one with `muster device pair`".to_owned()];
    }
    rows
}
