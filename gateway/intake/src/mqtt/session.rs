//! One client's MQTT session as a pure state machine: bytes in, steps out, answers in [`Session::out`].
//!
//! `mqtt-protocol-core` (server role) reads and writes everything but the busy path, which is in
//! [`super::packet`]. What is not offered is said so in CONNACK: no retained messages, no wildcard
//! or shared subscriptions, no subscription identifiers, no topic aliases, no session that outlives
//! its connection. A will is accepted and never published: nobody may subscribe to it. All three
//! qualities of service are taken, as a check-in that comes twice is stored once.

use super::packet::{self, Ack, Fault, Header, Version};
use crate::limits::{MAX_CONNECT_PACKET, MAX_PACKET, MAX_SKIPPED_PACKET, RECEIVE_MAXIMUM};
use mqtt_protocol_core::mqtt;
use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::connection::{ConnectionOptions, Event, GenericEvent};
use mqtt_protocol_core::mqtt::packet::{Packet, Property, v3_1_1, v5_0};
use mqtt_protocol_core::mqtt::prelude::GenericPacketTrait;
use mqtt_protocol_core::mqtt::result_code::{
    ConnectReasonCode, ConnectReturnCode, SubackReasonCode, SubackReturnCode, UnsubackReasonCode,
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

/// What a CONNECT says that matters here.
pub(super) struct Connect {
    pub(super) client_id: String,
    /// Seconds; 0 for never.
    pub(super) keep_alive: u16,
    wants_session: bool,
}

/// One entry of a SUBSCRIBE.
pub(super) struct Filter {
    pub(super) text: String,
    /// Decided before the topic was looked at.
    pub(super) refusal: Option<SubackReasonCode>,
}

/// Why a client is not let in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Denial {
    /// Its identifier cannot be a device's name.
    Identifier,
    /// It is not paired, or revoked.
    NotAuthorized,
    /// It asks for a will to be retained.
    Retain,
    /// It asks for an authentication method.
    Method,
}

/// The state of one client's session.
pub(super) struct Session {
    core: Core,
    version: Option<Version>,
    open: bool,
    /// Messages of QoS 2 that were received and not yet released.
    unreleased: HashSet<u16>,
    /// Bytes of an oversized payload still to be thrown away.
    skip: usize,
    /// Longest packet the client takes.
    max_out: usize,
    /// Bytes for the client.
    pub(super) out: Vec<u8>,
}

impl Session {
    pub(super) fn new() -> Self {
        let options = ConnectionOptions::new()
            .maximum_packet_size_recv(MAX_PACKET as u32)
            .receive_maximum(RECEIVE_MAXIMUM);
        let mut core = Core::with_options(mqtt::Version::Undetermined, options);
        core.set_auto_ping_response(true);
        Self {
            core,
            version: None,
            open: false,
            unreleased: HashSet::new(),
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
        let limit = if self.open { MAX_PACKET } else { MAX_CONNECT_PACKET };
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
        let done = match (self.open, header.kind) {
            (true, packet::PUBLISH) => self.publish(header, body),
            (true, packet::PUBREL) => self.release(body),
            (false, packet::CONNECT) => self.connect(bytes, body),
            (false, _) => Err(Fault::ProtocolError),
            _ => self.feed(bytes),
        };
        done.unwrap_or_else(|fault| self.fault(fault))
    }

    fn publish<'a>(&mut self, header: Header, body: &'a [u8]) -> Result<Step<'a>, Fault> {
        let publish = packet::publish(self.version(), header.flags, body)?;
        if let Ack::Pubrec(id) = publish.ack {
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
        let reason = if self.unreleased.remove(&id) { 0 } else { NOT_FOUND };
        packet::write_pubcomp(&mut self.out, version, id, reason);
        Ok(Step::Handled)
    }

    /// MQTT 3.1.1 has no way to say how long a packet may be, so there the payload is thrown away
    /// as it comes and the message refused by number.
    fn oversized<'a>(&mut self, header: Header, bytes: &'a [u8]) -> (usize, Step<'a>) {
        let skippable = self.open && self.version == Some(Version::V3);
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

    fn connect<'a>(&mut self, bytes: &[u8], body: &[u8]) -> Result<Step<'a>, Fault> {
        /// Protocol name and its length, in both versions.
        const NAME: &[u8] = b"\0\x04MQTT";
        let level = body.strip_prefix(NAME).and_then(|rest| rest.first());
        self.version = match level {
            Some(4) => Some(Version::V3),
            Some(5) => Some(Version::V5),
            // Section 3.1.2.2 of 3.1.1: unacceptable protocol level.
            _ => {
                self.out.extend_from_slice(&[0x20, 2, 0, 1]);
                return Ok(Step::Close);
            }
        };
        if body.get(NAME.len() + 1).is_none_or(|&flags| !connect_flags_fit(flags)) {
            return Err(Fault::MalformedPacket);
        }
        self.feed(bytes)
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
            Packet::V3_1_1Connect(connect) => self.connect_v3(&connect),
            Packet::V5_0Connect(connect) => self.connect_v5(&connect),
            Packet::V3_1_1Subscribe(subscribe) => {
                let filters = subscribe.entries().iter().map(|e| e.topic_filter());
                subscribe_step(subscribe.packet_id(), filters, None)?
            }
            Packet::V5_0Subscribe(subscribe) => {
                let numbered = |p: &Property| matches!(p, Property::SubscriptionIdentifier(_));
                let refusal = subscribe
                    .props()
                    .iter()
                    .any(numbered)
                    .then_some(SubackReasonCode::SubscriptionIdentifiersNotSupported);
                let filters = subscribe.entries().iter().map(|e| e.topic_filter());
                subscribe_step(subscribe.packet_id(), filters, refusal)?
            }
            Packet::V3_1_1Unsubscribe(p) => unsubscribe_step(p.packet_id(), p.entries())?,
            Packet::V5_0Unsubscribe(p) => unsubscribe_step(p.packet_id(), p.entries())?,
            Packet::V3_1_1Disconnect(_) | Packet::V5_0Disconnect(_) => Step::Close,
            Packet::V5_0Auth(_) => return Err(Fault::ProtocolError),
            _ => Step::Handled,
        })
    }

    fn connect_v3<'a>(&mut self, connect: &v3_1_1::Connect) -> Step<'a> {
        if connect.client_id().is_empty() && !connect.clean_session() {
            return self.refuse(Denial::Identifier);
        }
        Step::Connect(Connect {
            client_id: connect.client_id().to_owned(),
            keep_alive: connect.keep_alive(),
            wants_session: false,
        })
    }

    fn connect_v5<'a>(&mut self, connect: &v5_0::Connect) -> Step<'a> {
        let mut wants_session = false;
        for property in connect.props().iter() {
            match property {
                Property::AuthenticationMethod(_) => return self.refuse(Denial::Method),
                Property::SessionExpiryInterval(seconds) => wants_session = seconds.val() != 0,
                Property::MaximumPacketSize(size) => self.max_out = size.val() as usize,
                _ => {}
            }
        }
        if connect.will_flag() && connect.will_retain() {
            return self.refuse(Denial::Retain);
        }
        Step::Connect(Connect {
            client_id: connect.client_id().to_owned(),
            keep_alive: connect.keep_alive(),
            wants_session,
        })
    }

    /// Lets the client in; `assigned` is its identifier if it brought none.
    pub(super) fn accept(&mut self, connect: &Connect, assigned: Option<&str>) {
        let packet: Option<Packet> = match self.version() {
            Version::V3 => v3_1_1::Connack::builder()
                .session_present(false)
                .return_code(ConnectReturnCode::Accepted)
                .build()
                .ok()
                .map(Into::into),
            Version::V5 => v5_0::Connack::builder()
                .session_present(false)
                .reason_code(ConnectReasonCode::Success)
                .props(offer(connect, assigned))
                .build()
                .ok()
                .map(Into::into),
        };
        self.open = self.send(packet);
    }

    /// Turns the client away.
    pub(super) fn refuse<'a>(&mut self, denial: Denial) -> Step<'a> {
        let packet: Option<Packet> = match self.version() {
            Version::V3 => v3_1_1::Connack::builder()
                .session_present(false)
                .return_code(denial.v3())
                .build()
                .ok()
                .map(Into::into),
            Version::V5 => v5_0::Connack::builder()
                .session_present(false)
                .reason_code(denial.v5())
                .build()
                .ok()
                .map(Into::into),
        };
        self.send(packet);
        Step::Close
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

    /// Ends the session: MQTT 5 clients are told why.
    pub(super) fn fault<'a>(&mut self, fault: Fault) -> Step<'a> {
        if self.open && self.version == Some(Version::V5) {
            let disconnect = v5_0::Disconnect::builder().reason_code(fault).build();
            self.send(disconnect.ok().map(Into::into));
        }
        self.open = false;
        Step::Close
    }

    fn send(&mut self, packet: Option<Packet>) -> bool {
        let Some(packet) = packet else { return false };
        let events = self.core.send(packet);
        matches!(self.events(events), Ok(Step::Handled))
    }
}

impl Denial {
    fn v3(self) -> ConnectReturnCode {
        match self {
            Self::Identifier => ConnectReturnCode::IdentifierRejected,
            Self::NotAuthorized | Self::Retain | Self::Method => ConnectReturnCode::NotAuthorized,
        }
    }

    fn v5(self) -> ConnectReasonCode {
        match self {
            Self::Identifier => ConnectReasonCode::ClientIdentifierNotValid,
            Self::NotAuthorized => ConnectReasonCode::NotAuthorized,
            Self::Retain => ConnectReasonCode::RetainNotSupported,
            Self::Method => ConnectReasonCode::BadAuthenticationMethod,
        }
    }
}

/// Section 3.1.2.3: the reserved bit is 0, a will has QoS 0 to 2, and no will has none.
fn connect_flags_fit(flags: u8) -> bool {
    let (will, qos, retain) = (flags & 0x04 != 0, flags >> 3 & 0b11, flags & 0x20 != 0);
    flags & 1 == 0 && if will { qos < 3 } else { qos == 0 && !retain }
}

fn offer(connect: &Connect, assigned: Option<&str>) -> Vec<Property> {
    use mqtt_protocol_core::mqtt::packet::{
        AssignedClientIdentifier, RetainAvailable, SessionExpiryInterval,
        SharedSubscriptionAvailable, SubscriptionIdentifierAvailable,
        WildcardSubscriptionAvailable,
    };
    let expiry = connect.wants_session.then(|| SessionExpiryInterval::new(0));
    let assigned = assigned.map(AssignedClientIdentifier::new);
    [
        RetainAvailable::new(0).ok().map(Into::into),
        WildcardSubscriptionAvailable::new(0).ok().map(Into::into),
        SubscriptionIdentifierAvailable::new(0).ok().map(Into::into),
        SharedSubscriptionAvailable::new(0).ok().map(Into::into),
        expiry.and_then(Result::ok).map(Into::into),
        assigned.and_then(Result::ok).map(Into::into),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn subscribe_step<'a, 'f>(
    id: u16,
    filters: impl Iterator<Item = &'f str>,
    refusal: Option<SubackReasonCode>,
) -> Result<Step<'a>, Fault> {
    if id == 0 {
        return Err(Fault::ProtocolError);
    }
    let filters = filters.map(|text| filter(text, refusal)).collect::<Result<_, _>>()?;
    Ok(Step::Subscribe { id, filters })
}

fn filter(text: &str, refusal: Option<SubackReasonCode>) -> Result<Filter, Fault> {
    check_filter(text)?;
    let refusal = refusal.or_else(|| {
        if text.starts_with("$share/") {
            Some(SubackReasonCode::SharedSubscriptionsNotSupported)
        } else if text.contains(['+', '#']) {
            Some(SubackReasonCode::WildcardSubscriptionsNotSupported)
        } else {
            None
        }
    });
    Ok(Filter { text: text.to_owned(), refusal })
}

/// Section 4.7: not empty, no NUL, wildcards only where they stand for whole levels.
fn check_filter(text: &str) -> Result<(), Fault> {
    if text.is_empty() || text.contains('\0') {
        return Err(Fault::MalformedPacket);
    }
    let mut levels = text.split('/').peekable();
    while let Some(level) = levels.next() {
        let hash = level.contains('#') && (level != "#" || levels.peek().is_some());
        if hash || (level.contains('+') && level != "+") {
            return Err(Fault::TopicFilterInvalid);
        }
    }
    Ok(())
}

fn unsubscribe_step<'a>(id: u16, entries: &[mqtt::packet::MqttString]) -> Result<Step<'a>, Fault> {
    if id == 0 {
        return Err(Fault::ProtocolError);
    }
    let filters: Vec<String> = entries.iter().map(|e| e.as_str().to_owned()).collect();
    filters.iter().try_for_each(|text| check_filter(text))?;
    Ok(Step::Unsubscribe { id, filters })
}

#[cfg(test)]
mod tests;
