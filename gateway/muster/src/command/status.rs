//! `muster status`: what the box is doing now.

use crate::cli::BoxArgs;
use crate::control::Request;
use crate::exit::Outcome;
use crate::sentence::here;
use crate::words::{fill, say};
use serde_json::Value;

pub(super) fn status(at: &BoxArgs) -> Outcome {
    let status = super::ask(at, Request::Status)?.result;
    super::tell(at.json, &status, lines(&status))
}

/// Columns of a terminal that labels take.
const LABEL: usize = 14;

/// A line with its label, in the language of the terminal. A Chinese character takes two columns.
fn line(label: &str, text: &str) -> String {
    let label = if label.is_empty() { String::new() } else { say(label) };
    let columns: usize = label.chars().map(|c| if c < '\u{2e80}' { 1 } else { 2 }).sum();
    format!("{label}{}{text}", " ".repeat(LABEL.saturating_sub(columns).max(1)))
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), super::plain)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn lines(status: &Value) -> Vec<String> {
    let running = if status["running"] == true { "status-running" } else { "status-stopped" };
    let (journal, records) = (text(&status["journal"]), text(&status["records"]));
    let records = fill("status-records", &[("state", &journal), ("count", &records)]);
    let mut lines = vec![
        line("status-site", &text(&status["site"])),
        line("status-gateway", &say(running)),
        line("status-journal", &records),
    ];
    lines.extend(policy(status));
    let held = status["held"].as_object().into_iter().flatten();
    lines.extend(held.map(|(code, count)| {
        let told = fill("status-held", &[("count", &count.to_string()), ("code", code)]);
        line("status-waiting", &told)
    }));
    lines.extend(list(&status["destinations"]).map(destination));
    for alarm in list(&status["alarms"]) {
        let nobody = || say("status-nobody");
        let device = alarm["device"].as_str().map_or_else(nobody, super::plain);
        let (cause, cure) = (here(&text(&alarm["cause"])), here(&text(&alarm["cure"])));
        let values = [("device", device.as_str()), ("cause", &cause)];
        let count = alarm["count"].to_string();
        let values = [&values[..], &[("count", count.as_str())]].concat();
        lines.push(line("status-alarm", &fill("status-alarm-told", &values)));
        lines.push(line("", &cure));
    }
    if status["quarantined"].as_u64() > Some(0) {
        let count = status["quarantined"].to_string();
        lines.push(line("status-need", &fill("status-set-aside", &[("count", &count)])));
    }
    lines
}

/// The policy in force, what it holds, what follows it, and what ends.
fn policy(status: &Value) -> Vec<String> {
    let none = || say("status-no-policy");
    let in_force = status["policy"].as_str().map_or_else(none, super::plain);
    let mut lines = vec![line("status-policy", &in_force)];
    let mut more = |key: &str, name: &str, value: &str| {
        lines.push(line("", &fill(key, &[(name, value)])));
    };
    for code in list(&status["policy_holds"]) {
        more("status-holds", "code", &text(code));
    }
    if let Some(refused) = status["policy_refused"].as_str() {
        more("status-refused", "why", &super::plain(refused));
    }
    if let Some(next) = status["policy_next"].as_str() {
        more("status-next", "policy", &super::plain(next));
    }
    if !status["local_only"].is_null() {
        let by = text(&status["local_only"]["by"]);
        lines.push(line("status-stop", &fill("status-stopped-by", &[("by", &by)])));
    }
    for expiry in list(&status["expiring"]) {
        let (what, which) = (text(&expiry["what"]), text(&expiry["which"]));
        let label = if expiry["warn"] == 0 { "status-ended" } else { "status-ends" };
        lines.push(line(label, &format!("{what} {which}: {}", text(&expiry["at"]))));
    }
    lines
}

fn destination(destination: &Value) -> String {
    let name = text(&destination["destination"]);
    let count = |of: &str| destination[of].to_string();
    let (backlog, settled) = (count("backlog"), count("settled"));
    let (permitted, undeliverable) = (count("permitted"), count("undeliverable"));
    let values = [
        ("name", name.as_str()),
        ("backlog", &backlog),
        ("settled", &settled),
        ("permitted", &permitted),
        ("undeliverable", &undeliverable),
    ];
    let mut told = fill("status-sent", &values);
    if !destination["paused"].is_null() {
        told += &fill("status-paused", &[("why", &destination["paused"].to_string())]);
    }
    line("status-destination", &told)
}
