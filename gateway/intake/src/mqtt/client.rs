//! Who a connection speaks for: its own device and, for a C1, those it carries.

use crate::ingest::{Answer, Message};
use crate::topic::{self, Purpose};
use crate::verify::Speaker;
use mqtt_protocol_core::mqtt::result_code::SubackReasonCode;
use muster_attendance::DeviceId;
use muster_ledger::{DeviceState, Devices, DevicesError, RefusalReason};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

/// Devices of one C1 that are remembered on its connection, and twice as many subscriptions.
const MAX_CARRIED: usize = 256;

/// Where the receipt of a message goes.
pub(super) enum Receipt {
    /// To the client itself.
    Own,
    /// To a device it carries, on this topic, and sealed or not at all.
    Carried(Arc<str>),
}

/// The client at the other end of a connection.
pub(super) struct Client {
    name: String,
    id: Option<DeviceId>,
    check_in: String,
    receipt: String,
    subscriptions: HashSet<String>,
    /// Devices spoken for, with their receipt topics.
    carried: HashMap<String, (DeviceId, Arc<str>)>,
}

impl Client {
    /// `id` is absent for a client of the plaintext listener until its first message.
    pub(super) fn new(name: &str, id: Option<DeviceId>) -> Self {
        Self {
            name: name.to_owned(),
            id,
            check_in: topic::check_in(name),
            receipt: topic::receipt(name),
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
    ) -> (Message, Receipt) {
        let (who, receipt) = self.speaker(devices, topic);
        let length = payload.len();
        (Message { who, device: self.id, payload, length }, receipt)
    }

    /// A message that was too long to keep.
    /// It lay at `at`, which is where its empty payload is.
    pub(super) fn oversized(
        &mut self,
        devices: &Devices,
        at: usize,
        length: usize,
    ) -> (Message, Receipt) {
        let _ = self.own(devices);
        let who = Err(Some(RefusalReason::Oversized));
        (Message { who, device: self.id, payload: at..at, length }, Receipt::Own)
    }

    fn speaker(
        &mut self,
        devices: &Devices,
        topic: &str,
    ) -> (Result<Speaker, Option<RefusalReason>>, Receipt) {
        let own = self.own(devices);
        if own.is_err() || topic == self.check_in {
            return (own.map(Speaker::Itself), Receipt::Own);
        }
        let who = match topic::parse(topic) {
            Some((name, Purpose::CheckIn)) => self.carried(devices, name),
            _ => Err(RefusalReason::BadTopic),
        };
        match who {
            Ok((device, receipt)) => (Ok(Speaker::Carried(device)), Receipt::Carried(receipt)),
            Err(reason) => (Err(Some(reason)), Receipt::Own),
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
                name == self.name || self.carried(devices, name).is_ok()
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

    /// Whether it listens on `topic`.
    pub(super) fn listens_on(&self, topic: &str) -> bool {
        self.subscriptions.contains(topic)
    }

    /// Whether it listens to orders, its own or of those it carries.
    pub(super) fn takes_orders(&self) -> bool {
        let command = |topic: &String| matches!(topic::parse(topic), Some((_, Purpose::Command)));
        self.subscriptions.iter().any(command)
    }

    /// The topic of `receipt`, if the client has subscribed to it.
    pub(super) fn subscribed<'a>(&'a self, receipt: &'a Receipt) -> Option<&'a str> {
        if self.subscriptions.is_empty() {
            return None;
        }
        let topic = match receipt {
            Receipt::Own => self.receipt.as_str(),
            Receipt::Carried(topic) => topic,
        };
        self.subscriptions.contains(topic).then_some(topic)
    }
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
        | RefusalReason::BootReused
        | RefusalReason::Replayed
        | RefusalReason::UnknownVersion => 0x99,
    }
}
