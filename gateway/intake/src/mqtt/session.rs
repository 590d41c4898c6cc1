//! One client's MQTT session as a pure state machine: bytes in, steps out, answers in [`Session::out`].
//!
//! `mqtt-protocol-core` (server role) reads and writes everything but the busy path, which is in
//! [`super::packet`]. What MQTT has and this box does not offer is said in CONNACK where MQTT 5 has
//! words for it, and refused where it is asked for all the same:
//!
//! | not offered | MQTT 5 is told | who asks gets |
//! | --- | --- | --- |
//! | retained messages | Retain Available 0 | DISCONNECT 0x9A, of a will CONNACK 0x9A; in 3.1.1 the check-in is taken and nothing retained |
//! | wildcards in subscriptions | Wildcard Subscription Available 0 | SUBACK 0xA2, in 3.1.1 0x80 |
//! | shared subscriptions | Shared Subscription Available 0 | SUBACK 0x9E, in 3.1.1 0x80 |
//! | subscription identifiers | Subscription Identifiers Available 0 | SUBACK 0xA1 |
//! | topic aliases | no Topic Alias Maximum, so 0 | DISCONNECT 0x94 |
//! | a session that outlives its connection | Session Expiry Interval 0, where more was asked for | Session Present 0 when it comes back |
//! | messages to clients above QoS 0 | | QoS 0 granted in SUBACK |
//! | topics but those of [`crate::topic`] | | PUBACK or SUBACK 0x87, 0x90, in 3.1.1 a receipt and SUBACK 0x80 |
//! | authentication in steps | | CONNACK 0x8C; DISCONNECT 0x82 for AUTH |
//! | MQTT 3.1, and later than 5 | | CONNACK 1, in the form of 3.1.1 |
//!
//! A will is accepted and never published: nobody may subscribe to it. User name and password are
//! accepted and mean nothing: a certificate says who it is, and on loopback the client identifier.
//! All three qualities of service are taken, as a check-in that comes twice is stored once. A client
//! identifier has 1 to 128 characters, none of them `/`, `+`, `#` or a control character, as it is
//! part of topics; an empty one is replaced. Response topics, user properties, expiry and the like
//! are checked and mean nothing.

mod connect;
mod filters;

pub(super) use connect::{Connect, Denial};
pub(super) use filters::Filter;

use super::packet::{self, Ack, Fault, Header, Version};
use crate::limits::{MAX_CONNECT_PACKET, MAX_PACKET, MAX_SKIPPED_PACKET, RECEIVE_MAXIMUM};
use mqtt_protocol_core::mqtt;
use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::connection::{Event, GenericEvent};
use mqtt_protocol_core::mqtt::packet::{Packet, Property, v3_1_1, v5_0};
use mqtt_protocol_core::mqtt::prelude::GenericPacketTrait;
use mqtt_protocol_core::mqtt::result_code::{
    SubackReasonCode, SubackReturnCode, UnsubackReasonCode,
};
use std::collections::HashSet;
use std::ops::Range;

type Core = mqtt::Connection<mqtt::role::Server>;

/// What the connection has to do next.
pub(super) enum Step<'a> {
    /// Nothing until so many bytes are there, counted from the first one given.
    Await(usize),
    /// A client asks to be let in: [`Session::accept`] or [`Session::refuse`].
    Connect(Connect),
    /// A message.
    Publish {
        ack: Ack,
        topic: &'a str,
        /// Where the payload is in the bytes given.
        payload: Range<usize>,
    },
    /// A message too long to take; its payload is being thrown away.
    Oversized { ack: Ack, length: usize },
    /// Asks for [`Session::subscribed`].
    Subscribe { id: u16, filters: Vec<Filter> },
    /// Asks for [`Session::unsubscribed`].
    Unsubscribe { id: u16, filters: Vec<String> },
    /// Done; answers, if any, are in `out`.
    Handled,
    /// Write `out`, then close.
    Close,
}

/// How far a session is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// CONNECT has not been answered.
    New,
    Open,
    /// The last word is said, or waits to be.
    Over,
}

/// The state of one client's session.
pub(super) struct Session {
    core: Core,
    version: Option<Version>,
    stage: Stage,
    /// Whether the client asked for a session that outlives its connection.
    may_expire: bool,
    /// Messages of QoS 2 of an MQTT 5 client that were received and not yet released.
    unreleased: HashSet<u16>,
    /// The last word; it waits until all before it is answered.
    farewell: Option<Fault>,
    /// Bytes of an oversized payload still to be thrown away.
    skip: usize,
    /// Longest packet the client takes.
    max_out: usize,
    /// Bytes for the client.
    pub(super) out: Vec<u8>,
}

impl Session {
    pub(super) fn new() -> Self {
        Self {
            core: connect::core(),
            version: None,
            stage: Stage::New,
            may_expire: false,
            unreleased: HashSet::new(),
            farewell: None,
            skip: 0,
            max_out: usize::MAX,
            out: Vec::new(),
        }
    }

    /// The version spoken; 3.1.1 until it is known.
    pub(super) fn version(&self) -> Version {
        self.version.unwrap_or(Version::V3)
    }

    /// Handles what is at the start of `bytes`; returns how many of them it is done with.
    pub(super) fn step<'a>(&mut self, bytes: &'a [u8]) -> (usize, Step<'a>) {
        if self.skip > 0 {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            let step = if skipped == 0 { Step::Await(1) } else { Step::Handled };
            return (skipped, step);
        }
        let header = match Header::read(bytes) {
            Ok(Some(header)) => header,
            Ok(None) => return (0, Step::Await(bytes.len() + 1)),
            Err(fault) => return (0, self.fault(fault)),
        };
        if self.version == Some(Version::V5) && header.is_padded() {
            return (0, self.fault(Fault::MalformedPacket));
        }
        let open = self.stage == Stage::Open;
        let limit = if open { MAX_PACKET } else { MAX_CONNECT_PACKET };
        if header.total() > limit {
            return self.oversized(header, bytes);
        }
        match bytes.get(..header.total()) {
            Some(packet) => (header.total(), self.packet(header, packet)),
            None => (0, Step::Await(header.total())),
        }
    }

    fn packet<'a>(&mut self, header: Header, bytes: &'a [u8]) -> Step<'a> {
        let body = bytes.get(header.length..).unwrap_or_default();
        let done = match (self.stage, header.kind) {
            (Stage::Open, packet::PUBLISH) => self.publish(header, body),
            (Stage::Open, packet::PUBREL) => self.release(body),
            (Stage::Open, 0) => Err(Fault::MalformedPacket),
            (Stage::Open, kind) if packet::is_servers(kind) => Err(Fault::ProtocolError),
            (Stage::Open, _) => self.feed(bytes),
            (Stage::New, packet::CONNECT) => self.connect(bytes, body),
            _ => Err(Fault::ProtocolError),
        };
        done.unwrap_or_else(|fault| self.fault(fault))
    }

    fn publish<'a>(&mut self, header: Header, body: &'a [u8]) -> Result<Step<'a>, Fault> {
        let publish = packet::publish(self.version(), header.flags, body)?;
        if let (Ack::Pubrec(id), Version::V5) = (publish.ack, self.version()) {
            self.unreleased.insert(id);
            if self.unreleased.len() > usize::from(RECEIVE_MAXIMUM) {
                return Err(Fault::ReceiveMaximumExceeded);
            }
        }
        let payload = publish.payload.start + header.length..publish.payload.end + header.length;
        Ok(Step::Publish { ack: publish.ack, topic: publish.topic, payload })
    }

    fn release<'a>(&mut self, body: &[u8]) -> Result<Step<'a>, Fault> {
        /// Packet identifier not found (MQTT 5, section 3.7.2.1).
        const NOT_FOUND: u8 = 0x92;
        let version = self.version();
        let id = packet::pubrel(version, body)?;
        let known = version == Version::V3 || self.unreleased.remove(&id);
        let reason = if known { 0 } else { NOT_FOUND };
        packet::write_pubcomp(&mut self.out, version, id, reason);
        Ok(Step::Handled)
    }

    /// MQTT 3.1.1 has no way to say how long a packet may be, so there the payload is thrown away
    /// as it comes and the message refused by number.
    fn oversized<'a>(&mut self, header: Header, bytes: &'a [u8]) -> (usize, Step<'a>) {
        let skippable = self.stage == Stage::Open && self.version == Some(Version::V3);
        if header.kind != packet::PUBLISH || !skippable || header.total() > MAX_SKIPPED_PACKET {
            return (0, self.fault(Fault::PacketTooLarge));
        }
        let body = bytes.get(header.length..).unwrap_or_default();
        match packet::publish_head(header.flags, body) {
            Ok(Some((_, ack, _))) => {
                self.skip = header.total() - bytes.len();
                (bytes.len(), Step::Oversized { ack, length: header.body })
            }
            Ok(None) if bytes.len() < MAX_CONNECT_PACKET => (0, Step::Await(bytes.len() + 1)),
            Ok(None) => (0, self.fault(Fault::PacketTooLarge)),
            Err(fault) => (0, self.fault(fault)),
        }
    }

    /// Lets `mqtt-protocol-core` handle one whole packet.
    fn feed<'a>(&mut self, bytes: &[u8]) -> Result<Step<'a>, Fault> {
        let events = self.core.recv(&mut Cursor::new(bytes));
        self.events(events)
    }

    fn events<'a>(&mut self, events: Vec<Event>) -> Result<Step<'a>, Fault> {
        let mut step = Step::Handled;
        let mut close = false;
        for event in events {
            match event {
                GenericEvent::NotifyPacketReceived(packet) => step = self.received(packet)?,
                GenericEvent::RequestSendPacket {
                    packet: Packet::V5_0Disconnect(word), ..
                } => {
                    return Err(word.reason_code().unwrap_or(Fault::ProtocolError));
                }
                GenericEvent::RequestSendPacket { packet, .. } => {
                    self.out.extend_from_slice(&packet.to_continuous_buffer());
                }
                GenericEvent::RequestClose | GenericEvent::NotifyError(_) => close = true,
                _ => {}
            }
        }
        Ok(if close { Step::Close } else { step })
    }

    fn received<'a>(&mut self, packet: Packet) -> Result<Step<'a>, Fault> {
        Ok(match packet {
            Packet::V3_1_1Connect(connect) => self.connect_v3(&connect)?,
            Packet::V5_0Connect(connect) => self.connect_v5(&connect)?,
            Packet::V3_1_1Subscribe(subscribe) => filters::subscribe_v3(&subscribe)?,
            Packet::V5_0Subscribe(subscribe) => filters::subscribe_v5(&subscribe)?,
            Packet::V3_1_1Unsubscribe(p) => filters::unsubscribe(p.packet_id(), p.entries())?,
            Packet::V5_0Unsubscribe(p) => filters::unsubscribe(p.packet_id(), p.entries())?,
            Packet::V5_0Disconnect(word) => self.disconnect(&word)?,
            Packet::V3_1_1Disconnect(_) => Step::Close,
            Packet::V5_0Auth(_) => return Err(Fault::ProtocolError),
            _ => Step::Handled,
        })
    }

    /// Section 3.14.2.2.2: who asked for no session cannot ask for one when it goes.
    fn disconnect<'a>(&self, word: &v5_0::Disconnect) -> Result<Step<'a>, Fault> {
        let asks = |p: &Property| matches!(p, Property::SessionExpiryInterval(s) if s.val() != 0);
        let asks = word.props().iter().flat_map(|props| props.iter()).any(asks);
        if asks && !self.may_expire { Err(Fault::ProtocolError) } else { Ok(Step::Close) }
    }

    /// Answers a SUBSCRIBE, one code for each filter. Granted is QoS 0.
    pub(super) fn subscribed(&mut self, id: u16, codes: Vec<SubackReasonCode>) {
        let packet: Option<Packet> = match self.version() {
            Version::V3 => {
                let code = |c: SubackReasonCode| match c {
                    SubackReasonCode::GrantedQos0 => SubackReturnCode::SuccessMaximumQos0,
                    _ => SubackReturnCode::Failure,
                };
                let codes = codes.into_iter().map(code).collect();
                let suback = v3_1_1::Suback::builder().packet_id(id).return_codes(codes);
                suback.build().ok().map(Into::into)
            }
            Version::V5 => {
                let suback = v5_0::Suback::builder().packet_id(id).reason_codes(codes);
                suback.build().ok().map(Into::into)
            }
        };
        self.send(packet);
    }

    /// Answers an UNSUBSCRIBE; `existed` has one entry for each filter.
    pub(super) fn unsubscribed(&mut self, id: u16, existed: &[bool]) {
        let packet: Option<Packet> = match self.version() {
            Version::V3 => v3_1_1::Unsuback::builder().packet_id(id).build().ok().map(Into::into),
            Version::V5 => {
                let code = |&existed: &bool| match existed {
                    true => UnsubackReasonCode::Success,
                    false => UnsubackReasonCode::NoSubscriptionExisted,
                };
                let codes = existed.iter().map(code).collect();
                let unsuback = v5_0::Unsuback::builder().packet_id(id).reason_codes(codes);
                unsuback.build().ok().map(Into::into)
            }
        };
        self.send(packet);
    }

    /// Acknowledges a message; a `reason` of 0x80 and above refuses it for good.
    pub(super) fn acknowledge(&mut self, ack: Ack, reason: u8) {
        let version = self.version();
        if let (Ack::Pubrec(id), true) = (ack, reason >= 0x80 && version == Version::V5) {
            self.unreleased.remove(&id);
        }
        packet::write_ack(&mut self.out, version, ack, reason);
    }

    /// Sends a message of QoS 0, unless the client takes no packet so long.
    pub(super) fn publish_out(&mut self, topic: &str, payload: &[u8]) {
        if topic.len() + payload.len() + 8 <= self.max_out {
            let version = self.version();
            packet::write_publish(&mut self.out, version, topic, payload);
        }
    }

    /// Ends the session. MQTT 5 clients are told why: in CONNACK, or with [`Session::part`].
    pub(super) fn fault<'a>(&mut self, fault: Fault) -> Step<'a> {
        match (self.version, self.stage) {
            (Some(Version::V5), Stage::New) => self.out.extend(connect::connack(fault as u8)),
            (Some(Version::V5), Stage::Open) => self.farewell = Some(fault),
            _ => {}
        }
        self.stage = Stage::Over;
        Step::Close
    }

    /// Says the last word, behind which nothing may be said (section 3.14.4).
    pub(super) fn part(&mut self) {
        if let Some(fault) = self.farewell.take() {
            self.out.extend([0xE0, 1, fault as u8]);
        }
    }

    fn send(&mut self, packet: Option<Packet>) -> bool {
        let Some(packet) = packet else { return false };
        let events = self.core.send(packet);
        matches!(self.events(events), Ok(Step::Handled))
    }
}

#[cfg(test)]
mod tests;
