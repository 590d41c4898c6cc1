//! Who a connection speaks for: its own device and, for a C1, those it carries.

use super::topic::{self, Purpose};
use crate::ingest::reason_name;
use crate::ingest::{Answer, Message};
use crate::verify::Speaker;
use mqtt_protocol_core::mqtt::result_code::SubackReasonCode;
use muster_attendance::DeviceId;
use muster_ledger::{DeviceState, Devices, DevicesError, RefusalReason};
use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::ops::Range;
use std::sync::Arc;

/// Devices of one C1 that are remembered on its connection, and twice as many subscriptions.
const MAX_CARRIED: usize = 256;

/// The client at the other end of a connection.
pub(super) struct Client {
    name: Arc<str>,
    id: Option<DeviceId>,
    check_in: String,
    receipt: Arc<str>,
    subscriptions: HashSet<String>,
    /// Devices spoken for, with their receipt topics.
    carried: HashMap<String, (DeviceId, Arc<str>)>,
}

impl Client {
    /// `id` is absent for a client of the plaintext listener until its first message.
    pub(super) fn new(name: &str, id: Option<DeviceId>) -> Self {
        Self {
            name: name.into(),
            id,
            check_in: topic::check_in(name),
            receipt: topic::receipt(name).into(),
            subscriptions: HashSet::new(),
            carried: HashMap::new(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Forgets what was looked up, because pairings have changed.
    pub(super) fn forget(&mut self) {
        self.carried.clear();
    }

    /// What a message on `topic` is, and the topic of its receipt.
    pub(super) fn message(
        &mut self,
        devices: &Devices,
        topic: &str,
        payload: Range<usize>,
    ) -> (Message, Arc<str>) {
        let (who, receipt) = self.speaker(devices, topic);
        let length = payload.len();
        (Message { who, device: self.id, payload, length }, receipt)
    }

    /// A message that was too long to keep.
    pub(super) fn oversized(&mut self, devices: &Devices, length: usize) -> (Message, Arc<str>) {
        let _ = self.own(devices);
        let who = Err(Some(RefusalReason::Oversized));
        (Message { who, device: self.id, payload: 0..0, length }, self.receipt.clone())
    }

    fn speaker(
        &mut self,
        devices: &Devices,
        topic: &str,
    ) -> (Result<Speaker, Option<RefusalReason>>, Arc<str>) {
        let own = self.own(devices);
        if own.is_err() || topic == self.check_in {
            return (own.map(Speaker::Itself), self.receipt.clone());
        }
        let who = match topic::parse(topic) {
            Some((name, Purpose::CheckIn)) => self.carried(devices, name),
            _ => Err(RefusalReason::BadTopic),
        };
        match who {
            Ok((device, receipt)) => (Ok(Speaker::Carried(device)), receipt),
            Err(reason) => (Err(Some(reason)), self.receipt.clone()),
        }
    }

    /// The client's own number; a name never seen becomes an unpaired device here.
    fn own(&mut self, devices: &Devices) -> Result<DeviceId, Option<RefusalReason>> {
        if let Some(id) = self.id {
            return Ok(id);
        }
        let id = devices.intern(&self.name).map_err(|error| {
            tracing::warn!(%error, "a new device cannot be listed");
            match error {
                DevicesError::Commit(_) => None,
                _ => Some(RefusalReason::UnknownDevice),
            }
        })?;
        self.id = Some(id);
        Ok(id)
    }

    fn carried(
        &mut self,
        devices: &Devices,
        name: &str,
    ) -> Result<(DeviceId, Arc<str>), RefusalReason> {
        if let Some(known) = self.carried.get(name) {
            return Ok(known.clone());
        }
        let device = devices.find(name).ok_or(RefusalReason::WrongDevice)?;
        if device.carrier.is_none() || device.carrier != self.id {
            return Err(RefusalReason::WrongDevice);
        }
        if device.state == DeviceState::Revoked {
            return Err(RefusalReason::Revoked);
        }
        if self.carried.len() >= MAX_CARRIED {
            self.carried.clear();
        }
        let known = (device.id, Arc::from(topic::receipt(name)));
        self.carried.insert(name.to_owned(), known.clone());
        Ok(known)
    }

    /// Subscribes to `filter` if it is a topic to this client or a device it carries.
    pub(super) fn subscribe(&mut self, devices: &Devices, filter: &str) -> SubackReasonCode {
        let allowed = match topic::parse(filter) {
            Some((name, Purpose::Receipt | Purpose::Command)) => {
                *name == *self.name || self.carried(devices, name).is_ok()
            }
            _ => false,
        };
        if !allowed {
            return SubackReasonCode::NotAuthorized;
        }
        if self.subscriptions.len() >= 2 * MAX_CARRIED && !self.subscriptions.contains(filter) {
            return SubackReasonCode::QuotaExceeded;
        }
        self.subscriptions.insert(filter.to_owned());
        SubackReasonCode::GrantedQos0
    }

    /// Ends a subscription; whether there was one.
    pub(super) fn unsubscribe(&mut self, filter: &str) -> bool {
        self.subscriptions.remove(filter)
    }

    pub(super) fn is_subscribed(&self, topic: &str) -> bool {
        !self.subscriptions.is_empty() && self.subscriptions.contains(topic)
    }
}

/// The receipt of a JSON check-in: `{"boot","seq","result","reason"}`, the last for refusals only.
pub(super) fn receipt(answer: &Answer) -> Option<String> {
    let (message, result) = match answer {
        Answer::Stored(committed) => (Some(committed.message()), "stored"),
        Answer::Again(committed) => (Some(committed.message()), "again"),
        Answer::Quarantined(committed) => (Some(committed.message()), "quarantined"),
        Answer::Refused(reject) => {
            (reject.message.map(|(boot, seq)| (DeviceId(0), boot, seq)), "refused")
        }
        Answer::Later => return None,
    };
    let mut text = String::with_capacity(80);
    let written = match message {
        Some((_, boot, seq)) => {
            write!(text, r#"{{"boot":{boot},"seq":{seq},"result":"{result}""#)
        }
        None => write!(text, r#"{{"boot":null,"seq":null,"result":"{result}""#),
    };
    if let Answer::Refused(reject) = answer {
        text.push_str(r#","reason":""#);
        text.push_str(reason_name(reject.reason));
        text.push('"');
    }
    text.push('}');
    written.ok().map(|()| text)
}

/// The reason code of an MQTT 5 acknowledgement (section 3.4.2.1).
pub(super) fn reason_code(answer: &Answer) -> u8 {
    let Answer::Refused(reject) = answer else { return 0 };
    match reject.reason {
        RefusalReason::UnknownDevice
        | RefusalReason::WrongDevice
        | RefusalReason::Revoked
        | RefusalReason::NotAuthentic => 0x87,
        RefusalReason::BadTopic => 0x90,
        RefusalReason::Oversized => 0x97,
        RefusalReason::Malformed
        | RefusalReason::BadPerson
        | RefusalReason::BadTime
        | RefusalReason::TooSparse
        | RefusalReason::UnknownVersion => 0x99,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::Reject;

    #[test]
    fn refusals() {
        let check = |reason, message, text: &str, code| {
            let answer = Answer::Refused(Reject { reason, message });
            assert_eq!(receipt(&answer).as_deref(), Some(text));
            assert_eq!(reason_code(&answer), code);
        };
        check(
            RefusalReason::BadTime,
            Some((3, 7)),
            r#"{"boot":3,"seq":7,"result":"refused","reason":"bad-time"}"#,
            0x99,
        );
        check(
            RefusalReason::WrongDevice,
            None,
            r#"{"boot":null,"seq":null,"result":"refused","reason":"wrong-device"}"#,
            0x87,
        );
        assert!(receipt(&Answer::Later).is_none());
    }
}
