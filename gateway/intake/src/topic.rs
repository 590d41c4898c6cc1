//! Topics: `muster/1/<device>/checkin`, `receipt` and `command`.

/// What a topic is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// Device to box.
    CheckIn,
    /// Box to device: our word on its check-ins.
    Receipt,
    /// Box to device: something to do.
    Command,
}

/// Takes a topic apart into the device's name and the purpose; `None` if it is no topic of ours.
pub(crate) fn parse(topic: &str) -> Option<(&str, Purpose)> {
    let (name, purpose) = topic.strip_prefix("muster/1/")?.split_once('/')?;
    let purpose = match purpose {
        "checkin" => Purpose::CheckIn,
        "receipt" => Purpose::Receipt,
        "command" => Purpose::Command,
        _ => return None,
    };
    is_device_name(name).then_some((name, purpose))
}

/// The topic of receipts to `device`.
pub(crate) fn receipt(device: &str) -> String {
    format!("muster/1/{device}/receipt")
}

/// The topic of orders and tasks for `device`.
pub(crate) fn command(device: &str) -> String {
    format!("muster/1/{device}/command")
}

/// The topic of check-ins of `device`.
pub(crate) fn check_in(device: &str) -> String {
    format!("muster/1/{device}/checkin")
}

/// Whether topics and certificates can carry `name`.
pub(crate) fn is_device_name(name: &str) -> bool {
    let length = name.chars().count();
    (1..=crate::limits::MAX_DEVICE_CHARS).contains(&length)
        && !name.contains(['/', '+', '#'])
        && !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics() {
        let check = |topic, expect| assert_eq!(parse(topic), expect, "{topic}");
        check("muster/1/door-3/checkin", Some(("door-3", Purpose::CheckIn)));
        check("muster/1/门/receipt", Some(("门", Purpose::Receipt)));
        check("muster/1/a/command", Some(("a", Purpose::Command)));
        check("muster/1//checkin", None);
        check("muster/1/a/b/checkin", None);
        check("muster/2/a/checkin", None);
        check("muster/1/a/checkin/", None);
        check("muster/1/+/receipt", None);
        check("muster/1/#", None);
        check("attendance/a/b", None);
        assert_eq!(parse(&check_in("x")), Some(("x", Purpose::CheckIn)));
        assert_eq!(parse(&command("x")), Some(("x", Purpose::Command)));
        assert_eq!(parse(&receipt("x")), Some(("x", Purpose::Receipt)));
    }

    #[test]
    fn names() {
        assert!(is_device_name(&"é".repeat(128)));
        for name in [String::new(), "é".repeat(129), "a/b".into(), "a\u{7}".into()] {
            assert!(!is_device_name(&name), "{name:?}");
        }
    }
}
