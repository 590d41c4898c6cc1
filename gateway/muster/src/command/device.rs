//! `muster device`: pair, list, revoke; its card is in `card`.

use crate::cli::DeviceCommand;
use crate::control::Request;
use crate::exit::Outcome;
use crate::store::write_private;
use anyhow::Context as _;
use serde_json::Value;
use std::fs;
use std::path::Path;

pub(super) fn device(command: DeviceCommand) -> Outcome {
    match command {
        DeviceCommand::Pair { kind, name, carrier, address, out, at } => {
            let request = Request::DevicePair { name, kind: kind.into(), carrier, address };
            let made = super::ask(&at, request)?.result;
            match out {
                Some(folder) => write(&folder, &made),
                None => super::print_json(&made),
            }
        }
        DeviceCommand::Card(args) => super::card::card(&args),
        DeviceCommand::List { json, at } => {
            let devices = super::ask(&at, Request::DeviceList)?.result;
            if json { super::print_json(&devices) } else { table(&devices) }
        }
        DeviceCommand::Revoke { name, at } => {
            super::ask(&at, Request::DeviceRevoke { name: name.clone() })?;
            super::print_lines([format!("{} is shut out", super::plain(&name))])
        }
    }
}

/// The credentials as files; the secret ones for their owner alone.
fn write(folder: &Path, made: &Value) -> Outcome {
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
    let list = files.map(|(_, file)| format!("  {}", folder.join(file).display()));
    super::print_lines(["credentials, shown this once:".to_owned()].into_iter().chain(list))
}

fn table(devices: &Value) -> Outcome {
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
        return super::print_lines(["no device yet; pair one with `muster device pair`"]);
    }
    super::print_lines(rows)
}
