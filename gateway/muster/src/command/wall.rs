//! `muster device pair --code`: shows a one-time code, and waits until the terminal has come with it
//! and its first punch is on disk.

use super::qr;
use crate::cli::BoxArgs;
use crate::control::Request;
use crate::exit::{Failure, Outcome};
use serde_json::Value;
use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

/// How often the table of devices is looked at.
const EVERY: Duration = Duration::from_secs(1);
/// For somebody to punch once the terminal is paired.
const PUNCH: Duration = Duration::from_secs(10 * 60);

pub(super) fn pair(at: &BoxArgs, request: Request) -> Outcome {
    let made = super::ask(at, request)?.result;
    if at.json {
        return super::print_json(&made);
    }
    let text = |key: &str| super::plain(made[key].as_str().unwrap_or_default());
    let (name, life) = (text("device"), made["expires_in_s"].as_u64().unwrap_or_default());
    super::print_lines([
        format!("{name}: a code for one terminal, good for {} minutes", life / 60),
        format!("  box          {}", text("address")),
        format!("  code         {}", text("code")),
        format!("  fingerprint  {}", text("fingerprint")),
        format!("  link         {}", text("link")),
        qr::picture(&text("link"))?,
        "Show the picture to the terminal, or give the link to its program:".to_owned(),
        "  muster-m2 --config FILE --pair     (muster-c1 likewise)".to_owned(),
    ])?;
    if !io::stdout().is_terminal() {
        return super::print_lines([format!("then: muster device list shows {name}")]);
    }
    wait(at, &name, Duration::from_secs(life))
}

fn wait(at: &BoxArgs, name: &str, life: Duration) -> Outcome {
    super::print_lines([format!("waiting for {name} (Ctrl-C ends the waiting, not the code)")])?;
    if !until(at, name, life, |device| device["state"] == "paired")? {
        return super::print_lines(["nobody came: the code is too old now; make a new one"]);
    }
    super::print_lines([format!("{name} is paired: start it there, and punch once")])?;
    let seen = |device: &Value| device["records"].as_u64().is_some_and(|records| records > 0);
    match until(at, name, PUNCH, seen)? {
        true => super::print_lines([format!("{name} is green: its first punch is on disk")]),
        false => super::print_lines([format!("no punch of {name} yet; muster doctor says why")]),
    }
}

/// Whether a device of this name is so within the time.
fn until(
    at: &BoxArgs,
    name: &str,
    limit: Duration,
    is: impl Fn(&Value) -> bool,
) -> Result<bool, Failure> {
    let begun = Instant::now();
    let found =
        |device: &Value| device["name"] == name && device["state"] != "revoked" && is(device);
    loop {
        let devices = super::ask(at, Request::DeviceList)?.result;
        if devices.as_array().into_iter().flatten().any(found) {
            return Ok(true);
        }
        if begun.elapsed() >= limit {
            return Ok(false);
        }
        std::thread::sleep(EVERY);
    }
}
