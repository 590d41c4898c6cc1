//! An event as bytes: RFC 5424's header, JSON or CEF as its message, a frame around it.
//!
//! Pure. The crates that write syslog bring sockets of their own and no TLS of ours, and CEF is two
//! rules of escaping; so the form is here, tested against another program's reader.

use muster_ledger::trail::Event;
use serde::Deserialize;
use serde_json::json;
use std::fmt::Write as _;

/// RFC 5424's facility for audits.
const LOG_AUDIT: u8 = 13;
/// Characters of RFC 5424's MSGID.
const MAX_MSGID: usize = 32;
/// Characters of RFC 5424's HOSTNAME.
const MAX_HOSTNAME: usize = 255;

/// What the message is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Form {
    /// One JSON object.
    #[default]
    Json,
    /// ArcSight's Common Event Format, version 0.
    Cef,
}

/// How messages are told apart on the line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Framing {
    /// Each with its length before it (RFC 5425, RFC 6587 3.4.1).
    #[default]
    Octets,
    /// Each on a line (RFC 6587 3.4.2); no message has a line break.
    Lines,
}

impl Framing {
    pub(super) fn frame(self, message: &str) -> Vec<u8> {
        match self {
            Self::Octets => format!("{} {message}", message.len()),
            Self::Lines => format!("{message}\n"),
        }
        .into_bytes()
    }
}

/// The whole message, without its frame.
pub(super) fn message(form: Form, site: &str, event: &Event) -> String {
    let priority = LOG_AUDIT * 8 + event.weight as u8;
    let at = jiff::Timestamp::from_millisecond(event.at_ms).unwrap_or_default();
    let at = at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ");
    let (host, id) = (word(site, MAX_HOSTNAME), word(&event.name, MAX_MSGID));
    let body = match form {
        Form::Json => as_json(site, event),
        Form::Cef => as_cef(site, event),
    };
    format!("<{priority}>1 {at} {host} muster - {id} - {body}")
}

/// Printable ASCII without blanks; `-` where nothing is left.
fn word(text: &str, most: usize) -> String {
    let kept: String = text.chars().filter(char::is_ascii_graphic).take(most).collect();
    if kept.is_empty() { "-".to_owned() } else { kept }
}

fn as_json(site: &str, event: &Event) -> String {
    let fields = event.fields.iter().map(|(key, value)| ((*key).to_owned(), json!(value)));
    let fields: serde_json::Map<_, _> = fields.collect();
    let severity = event.weight as u8;
    json!({
        "id": event.id, "event": event.name, "site": site, "severity": severity, "fields": fields,
    })
    .to_string()
}

fn as_cef(site: &str, event: &Event) -> String {
    let header = |text: &str| text.replace('\\', "\\\\").replace('|', "\\|");
    let value = |text: &str| text.replace('\\', "\\\\").replace('=', "\\=");
    let (version, name) = (env!("CARGO_PKG_VERSION"), header(&event.name));
    // Syslog counts down from 7, CEF up to 10.
    let severity = 10 - event.weight as u8;
    let mut text = format!("CEF:0|Muster|muster|{version}|{name}|{name}|{severity}|");
    // Writing to a string does not fail.
    let _ = write!(text, "externalId={} rt={} dvchost={}", event.id, event.at_ms, value(site));
    for (key, told) in &event.fields {
        let key: String = key.split(['.', '_']).map(capitalised).collect();
        let _ = write!(text, " muster{key}={}", value(told));
    }
    text
}

/// A part of a key that is one word: keys of CEF's extension are letters and digits.
fn capitalised(part: &str) -> String {
    let mut letters = part.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_ledger::trail::Weight;

    fn event() -> Event {
        Event {
            id: "1-42-0".into(),
            at_ms: 1_796_000_000_123,
            name: "device-paired".into(),
            weight: Weight::Warning,
            fields: vec![("name", "gate|\\01 = \"x\"".into()), ("version.policy_hash", "é".into())],
        }
    }

    #[test]
    fn json_and_cef_under_one_header() {
        let head = "<108>1 2026-11-30T00:53:20.123Z mo-hq muster - device-paired - ";
        let json = message(Form::Json, "mo-hq", &event());
        let body = json.strip_prefix(head).unwrap_or_else(|| panic!("{json}"));
        let read: serde_json::Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(read["id"], "1-42-0");
        assert_eq!(read["fields"]["name"], "gate|\\01 = \"x\"");
        let cef = message(Form::Cef, "mo-hq", &event());
        let expect = format!(
            "{head}CEF:0|Muster|muster|{}|device-paired|device-paired|6|externalId=1-42-0 \
             rt=1796000000123 dvchost=mo-hq musterName=gate|\\\\01 \\= \"x\" \
             musterVersionPolicyHash=é",
            env!("CARGO_PKG_VERSION")
        );
        assert_eq!(cef, expect);
    }

    #[test]
    fn a_header_has_no_blanks_and_a_frame_counts_bytes() {
        let text = message(Form::Json, "澳門 総部", &event());
        assert!(text.contains("Z - muster - device-paired - {"), "{text}");
        let frame = Framing::Octets.frame("aé");
        assert_eq!(frame, "3 aé".as_bytes());
        assert_eq!(Framing::Lines.frame("a"), b"a\n");
    }
}
