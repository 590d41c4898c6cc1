//! CONNECT and its answer: which form of it is spoken, whether it keeps to the standard, and what
//! this box offers.
//!
//! A client of 3.1.1 whose CONNECT breaks the standard gets no answer (section 3.1.4 there); one of
//! MQTT 5 gets the reason (section 4.13 there).

use super::{Core, Session, Stage, Step};
use crate::mqtt::packet::{self, Fault, Version};
use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::connection::GenericEvent;
use mqtt_protocol_core::mqtt::packet::{Packet, Property, v3_1_1, v5_0};
use mqtt_protocol_core::mqtt::result_code::{ConnectReasonCode, ConnectReturnCode};

/// Protocol name and its length, in both versions.
const NAME: &[u8] = b"\0\x04MQTT";
/// Where the connect flags are in the body.
const FLAGS: usize = NAME.len() + 1;
/// Where in the body of MQTT 5 the properties begin: behind the flags and the keep-alive.
const PROPERTIES: usize = FLAGS + 3;
const WILL: u8 = 0x04;
const USER_NAME: u8 = 0x80;
const PASSWORD: u8 = 0x40;
/// CONNACK of 3.1.1, section 3.1.2.2: unacceptable protocol level.
const UNACCEPTABLE: [u8; 4] = [0x20, 2, 0, 1];

/// What a CONNECT says that matters here.
pub(in crate::mqtt) struct Connect {
    pub(in crate::mqtt) client_id: String,
    /// Seconds; 0 for never.
    pub(in crate::mqtt) keep_alive: u16,
    wants_session: bool,
}

/// Why a client is not let in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::mqtt) enum Denial {
    /// Its identifier cannot be a device's name.
    Identifier,
    /// It is not paired, or revoked.
    NotAuthorized,
    /// It asks for a will to be retained.
    Retain,
    /// It asks for an authentication method.
    Method,
    /// It takes no packet as long as what this box has to tell it.
    Narrow,
}

impl Session {
    pub(super) fn connect<'a>(&mut self, bytes: &[u8], body: &[u8]) -> Result<Step<'a>, Fault> {
        let Some((named, level)) = spoken(body) else { return Err(Fault::MalformedPacket) };
        self.version = match (named, level) {
            (true, 4) => Some(Version::V3),
            (true, 5) => Some(Version::V5),
            (_, level) => {
                if level == 5 {
                    self.out.extend(connack(ConnectReasonCode::UnsupportedProtocolVersion as u8));
                } else {
                    self.out.extend(UNACCEPTABLE);
                }
                self.stage = Stage::Over;
                return Ok(Step::Close);
            }
        };
        let flags = body.get(FLAGS).copied().unwrap_or(1);
        if !flags_fit(flags) {
            return Err(Fault::MalformedPacket);
        }
        let bare = self.version == Some(Version::V5) && flags & (USER_NAME | PASSWORD) == PASSWORD;
        let named = bare.then(|| with_user_name(body)).transpose()?;
        self.read(named.as_deref().unwrap_or(bytes))
    }

    /// Lets `mqtt-protocol-core` read a CONNECT. What it would answer to a bad one is left out: its
    /// codes are not those of the standard.
    fn read<'a>(&mut self, bytes: &[u8]) -> Result<Step<'a>, Fault> {
        let events = self.core.recv(&mut Cursor::new(bytes));
        let wrong = events.iter().find_map(|event| match event {
            GenericEvent::NotifyError(error) => Some(packet::fault(*error)),
            _ => None,
        });
        wrong.map_or_else(|| self.events(events), Err)
    }

    pub(super) fn connect_v3<'a>(&mut self, connect: &v3_1_1::Connect) -> Result<Step<'a>, Fault> {
        check_will(connect.will_topic())?;
        if connect.client_id().is_empty() && !connect.clean_session() {
            return Ok(self.refuse(Denial::Identifier));
        }
        Ok(Step::Connect(Connect {
            client_id: connect.client_id().to_owned(),
            keep_alive: connect.keep_alive(),
            wants_session: false,
        }))
    }

    pub(super) fn connect_v5<'a>(&mut self, connect: &v5_0::Connect) -> Result<Step<'a>, Fault> {
        check_will(connect.will_topic())?;
        let (mut wants_session, mut method, mut data) = (false, false, false);
        for property in connect.props().iter() {
            match property {
                Property::AuthenticationMethod(_) => method = true,
                Property::AuthenticationData(_) => data = true,
                Property::SessionExpiryInterval(seconds) => wants_session = seconds.val() != 0,
                Property::MaximumPacketSize(size) => self.max_out = size.val() as usize,
                _ => {}
            }
        }
        match (method, data) {
            (true, _) => return Ok(self.refuse(Denial::Method)),
            (false, true) => return Err(Fault::ProtocolError),
            (false, false) => {}
        }
        if connect.will_flag() && connect.will_retain() {
            return Ok(self.refuse(Denial::Retain));
        }
        self.may_expire = wants_session;
        Ok(Step::Connect(Connect {
            client_id: connect.client_id().to_owned(),
            keep_alive: connect.keep_alive(),
            wants_session,
        }))
    }

    /// Lets the client in; `assigned` is its identifier if it brought none. False if that is more
    /// than it takes in one packet: it was turned away.
    pub(in crate::mqtt) fn accept(&mut self, connect: &Connect, assigned: Option<&str>) -> bool {
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
        let accepted = self.send(packet);
        if accepted {
            self.stage = Stage::Open;
        } else {
            self.refuse(Denial::Narrow);
        }
        accepted
    }

    /// Turns the client away.
    pub(in crate::mqtt) fn refuse<'a>(&mut self, denial: Denial) -> Step<'a> {
        match self.version() {
            Version::V3 => self.out.extend([0x20, 2, 0, denial.v3() as u8]),
            Version::V5 => self.out.extend(connack(denial.v5() as u8)),
        }
        self.stage = Stage::Over;
        Step::Close
    }
}

impl Denial {
    fn v3(self) -> ConnectReturnCode {
        match self {
            Self::Identifier => ConnectReturnCode::IdentifierRejected,
            Self::NotAuthorized | Self::Retain | Self::Method | Self::Narrow => {
                ConnectReturnCode::NotAuthorized
            }
        }
    }

    fn v5(self) -> ConnectReasonCode {
        match self {
            Self::Identifier => ConnectReasonCode::ClientIdentifierNotValid,
            Self::NotAuthorized => ConnectReasonCode::NotAuthorized,
            Self::Retain => ConnectReasonCode::RetainNotSupported,
            Self::Method => ConnectReasonCode::BadAuthenticationMethod,
            Self::Narrow => ConnectReasonCode::PacketTooLarge,
        }
    }
}

/// A new protocol machine, with what it announces.
pub(super) fn core() -> Core {
    use crate::limits::{MAX_PACKET, RECEIVE_MAXIMUM};
    use mqtt_protocol_core::mqtt::{Version, connection::ConnectionOptions};
    let options = ConnectionOptions::new()
        .maximum_packet_size_recv(MAX_PACKET as u32)
        .receive_maximum(RECEIVE_MAXIMUM);
    let mut core = Core::with_options(Version::Undetermined, options);
    core.set_auto_ping_response(true);
    core
}

/// CONNACK of MQTT 5 with a reason and nothing else.
pub(super) fn connack(reason: u8) -> [u8; 5] {
    [0x20, 3, 0, reason, 0]
}

/// Whether the protocol is called as it should be, and its level.
fn spoken(body: &[u8]) -> Option<(bool, u8)> {
    let (length, rest) = body.split_first_chunk::<2>()?;
    let level = rest.get(usize::from(u16::from_be_bytes(*length)))?;
    Some((body.starts_with(NAME), *level))
}

/// Section 3.1.2.3: the reserved bit is 0, a will has QoS 0 to 2, and no will has none.
fn flags_fit(flags: u8) -> bool {
    let (will, qos, retain) = (flags & WILL != 0, flags >> 3 & 0b11, flags & 0x20 != 0);
    flags & 1 == 0 && if will { qos < 3 } else { qos == 0 && !retain }
}

/// Section 4.7: a will goes to one topic, which has a name.
fn check_will(topic: Option<&str>) -> Result<(), Fault> {
    match topic {
        Some(topic) if topic.contains('\0') => Err(Fault::MalformedPacket),
        Some(topic) if topic.is_empty() || topic.contains(['+', '#']) => {
            Err(Fault::TopicNameInvalid)
        }
        _ => Ok(()),
    }
}

/// MQTT 5 allows a password without a user name (section 3.1.2.9), which `mqtt-protocol-core` does
/// not: the same packet with an empty user name. Neither means anything here.
fn with_user_name(body: &[u8]) -> Result<Vec<u8>, Fault> {
    let flags = body.get(FLAGS).copied().unwrap_or_default();
    let behind = |at: usize, skip: fn(&[u8]) -> Option<usize>| {
        body.get(at..).and_then(skip).map(|used| at + used)
    };
    // Properties and client identifier; of a will its properties, topic and payload.
    let of_client = || behind(behind(PROPERTIES, properties)?, text);
    let of_will = |at| behind(behind(behind(at, properties)?, text)?, text);
    let at = of_client().and_then(|at| if flags & WILL == 0 { Some(at) } else { of_will(at) });
    let parts = at.and_then(|at| body.split_at_checked(at));
    let (before, password) = parts.ok_or(Fault::MalformedPacket)?;
    let mut named = before.to_vec();
    named.extend([0, 0]);
    named.extend(password);
    if let Some(flags) = named.get_mut(FLAGS) {
        *flags |= USER_NAME;
    }
    let mut bytes = vec![packet::CONNECT << 4];
    packet::write_length(&mut bytes, named.len());
    bytes.extend(named);
    Ok(bytes)
}

/// Bytes of the properties at the start, with their length.
fn properties(bytes: &[u8]) -> Option<usize> {
    let (length, used) = packet::read_length(bytes)?;
    used.checked_add(length)
}

/// Bytes of the text or binary at the start, with its length.
fn text(bytes: &[u8]) -> Option<usize> {
    let length = bytes.first_chunk::<2>()?;
    Some(2 + usize::from(u16::from_be_bytes(*length)))
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
