//! `muster status`: what the box is doing now.

use crate::cli::BoxArgs;
use crate::control::Request;
use crate::exit::Outcome;
use serde_json::Value;

pub(super) fn status(at: &BoxArgs) -> Outcome {
    let status = super::ask(at, Request::Status)?.result;
    super::tell(at.json, &status, lines(&status))
}

fn lines(status: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), super::plain);
    let mut lines = vec![
        format!("site         {}", text(&status["site"])),
        format!(
            "gateway      {}",
            if status["running"] == true { "running" } else { "not running" }
        ),
        format!("journal      {}, {} records", text(&status["journal"]), status["records"]),
        format!("policy       {}", status["policy"].as_str().unwrap_or("none: everything waits")),
    ];
    let holds = status["policy_holds"].as_array().into_iter().flatten();
    lines.extend(holds.map(|code| format!("             nothing leaves: {}", text(code))));
    if let Some(refused) = status["policy_refused"].as_str() {
        lines.push(format!("             refused: {}", super::plain(refused)));
    }
    if let Some(next) = status["policy_next"].as_str() {
        lines.push(format!("             {} takes over on its day", super::plain(next)));
    }
    if !status["local_only"].is_null() {
        let by = text(&status["local_only"]["by"]);
        lines.push(format!("local-only   on, by {by}: nothing leaves"));
    }
    for expiry in status["expiring"].as_array().into_iter().flatten() {
        let (what, which) = (text(&expiry["what"]), text(&expiry["which"]));
        let word = if expiry["warn"] == 0 { "ended" } else { "ends" };
        lines.push(format!("{word:<12} {what} {which}: {}", text(&expiry["at"])));
    }
    let held = status["held"].as_object().into_iter().flatten();
    lines.extend(held.map(|(code, count)| format!("not sent yet {count} held: {code}")));
    for destination in status["destinations"].as_array().into_iter().flatten() {
        lines.push(format!(
            "destination  {}: {} waiting, {} settled of {} permitted, {} undeliverable{}",
            text(&destination["destination"]),
            destination["backlog"],
            destination["settled"],
            destination["permitted"],
            destination["undeliverable"],
            match &destination["paused"] {
                Value::Null => String::new(),
                paused => format!(", paused: {paused}"),
            }
        ));
    }
    for alarm in status["alarms"].as_array().into_iter().flatten() {
        let device = alarm["device"].as_str().map_or("no device of ours".to_owned(), super::plain);
        let (cause, cure) = (text(&alarm["cause"]), text(&alarm["cure"]));
        lines.push(format!("alarm        {device}: {cause} ({} times)", alarm["count"]));
        lines.push(format!("             {cure}"));
    }
    if status["quarantined"].as_u64() > Some(0) {
        lines.push(format!("need you     {} set aside", status["quarantined"]));
    }
    lines
}
