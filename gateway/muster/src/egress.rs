//! What terminals tried to reach beyond the box: nftables drops and remembers it
//! (`deploy/network/terminals.nft`), a unit of its own writes it to a file
//! (`deploy/systemd/muster-egress.service`), and here it becomes a check of `/healthz`. A terminal
//! that calls a cloud host is broken into, or not what it was bought as.

use crate::health::Check;
use crate::watch;
use muster_ledger::Health;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, SystemTime};
use std::{fs, io};

/// Largest file read: 2,048 elements of nftables' JSON fit several times.
const MAX_BYTES: u64 = 4 << 20;
/// Attempts that the check names.
const MAX_NAMED: usize = 10;
/// The file is written every ten seconds; older than this it says nothing any more.
const STALE: Duration = Duration::from_secs(60);

/// The check, from the file as it is at `now`.
pub(crate) fn check(file: &Path, now: SystemTime) -> Check {
    let (cause, cure) = match read(file, now) {
        Ok(tried) if tried.is_empty() => (None, ""),
        Ok(tried) => (
            Some(named(&tried)),
            "nothing got through; look after those terminals: their own cloud is switched on, or \
             somebody else's program runs on them",
        ),
        Err(error) => (
            Some(format!("{}: {error}", file.display())),
            "enable muster-egress.timer, and load terminals.nft into nftables",
        ),
    };
    let status = if cause.is_some() { Health::Degraded } else { Health::Ok };
    watch::check("egress", status, cause, cure)
}

fn read(file: &Path, now: SystemTime) -> io::Result<BTreeSet<String>> {
    let open = fs::File::open(file)?;
    let age = now.duration_since(open.metadata()?.modified()?).unwrap_or_default();
    if age > STALE {
        return Err(io::Error::other(format!("not written for {} s", age.as_secs())));
    }
    let mut text = String::new();
    open.take(MAX_BYTES).read_to_string(&mut text)?;
    let value: Value = serde_json::from_str(&text)?;
    tried(&value)
        .ok_or_else(|| io::Error::other("the set `tried` of table `inet muster` is not there"))
}

/// What the sets `tried` and `tried6` hold, a line each; none where neither is there.
fn tried(ruleset: &Value) -> Option<BTreeSet<String>> {
    let sets = ruleset["nftables"].as_array()?.iter().map(|object| &object["set"]);
    let ours = |set: &&Value| {
        set["table"] == "muster" && ["tried", "tried6"].iter().any(|name| set["name"] == **name)
    };
    let mut sets = sets.filter(ours).peekable();
    sets.peek()?;
    Some(sets.filter_map(|set| set["elem"].as_array()).flatten().filter_map(line).collect())
}

/// One element: source, destination, protocol, port.
fn line(element: &Value) -> Option<String> {
    let concat = element["elem"]["val"]["concat"].as_array()?;
    let part = |at: usize| {
        let value = concat.get(at)?;
        value
            .as_str()
            .map(str::to_owned)
            .or_else(|| value.as_u64().map(|number| number.to_string()))
    };
    let protocol = match part(2)?.as_str() {
        "6" => "tcp".to_owned(),
        "17" => "udp".to_owned(),
        other => other.to_owned(),
    };
    Some(format!("{} tried {} {protocol} {}", part(0)?, part(1)?, part(3)?))
}

fn named(tried: &BTreeSet<String>) -> String {
    let mut named: Vec<&str> = tried.iter().take(MAX_NAMED).map(String::as_str).collect();
    let more = format!("and {} more", tried.len().saturating_sub(MAX_NAMED));
    if tried.len() > MAX_NAMED {
        named.push(&more);
    }
    named.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn element(from: &str, port: u64) -> Value {
        json!({"elem": {"val": {"concat": [from, "203.0.113.9", 6, port]}, "expires": 86_390}})
    }

    fn ruleset(elements: &[Value]) -> Value {
        json!({"nftables": [
            {"metainfo": {"version": "1.0.6"}},
            {"set": {"family": "inet", "name": "tried", "table": "other", "elem": [element("10.0.0.1", 1)]}},
            {"set": {"family": "inet", "name": "tried", "table": "muster", "elem": elements}},
            {"set": {"family": "inet", "name": "tried6", "table": "muster"}}
        ]})
    }

    fn checked(text: &str, age: Duration) -> Check {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        check(file.path(), SystemTime::now() + age)
    }

    #[test]
    fn attempts_are_named_and_bounded() {
        let none = checked(&ruleset(&[]).to_string(), Duration::ZERO);
        assert_eq!((none.status, none.cause), (Health::Ok, None));
        let one = checked(&ruleset(&[element("192.0.2.7", 443)]).to_string(), Duration::ZERO);
        assert_eq!(one.status, Health::Degraded);
        assert_eq!(one.cause.unwrap(), "192.0.2.7 tried 203.0.113.9 tcp 443");
        let many: Vec<Value> = (1..=12).map(|port| element("192.0.2.7", port)).collect();
        let many = checked(&ruleset(&many).to_string(), Duration::ZERO);
        assert!(many.cause.unwrap().ends_with("; and 2 more"));
    }

    #[test]
    fn a_file_that_says_nothing_is_told() {
        for (text, age, expected) in [
            ("", 0, "EOF"),
            ("{}", 0, "is not there"),
            ("{\"nftables\": [{\"set\": 7}]}", 0, "is not there"),
            (&ruleset(&[]).to_string(), 61, "not written for 6"),
        ] {
            let check = checked(text, Duration::from_secs(age));
            assert_eq!(check.status, Health::Degraded);
            assert!(check.cause.as_ref().unwrap().contains(expected), "{check:?}");
        }
        let missing = check(Path::new("/no/such/file"), SystemTime::now());
        assert_eq!(missing.status, Health::Degraded);
    }
}
