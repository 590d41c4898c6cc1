//! The packets of the busy path, in place: PUBLISH and PUBREL in, acknowledgements and receipts
//! out. All others go through `mqtt-protocol-core`, which also checks the properties of an MQTT 5
//! PUBLISH that has any.

use mqtt_protocol_core::mqtt::packet::{Property, v5_0};
use mqtt_protocol_core::mqtt::result_code::{DisconnectReasonCode, MqttError};
use std::ops::Range;

/// MQTT's two versions that are spoken here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Version {
    V3,
    V5,
}

/// A peer broke the protocol; MQTT 5 is told the code.
pub(super) type Fault = DisconnectReasonCode;

pub(super) const CONNECT: u8 = 1;
const CONNACK: u8 = 2;
pub(super) const PUBLISH: u8 = 3;
pub(super) const PUBREL: u8 = 6;
const SUBSCRIBE: u8 = 8;
const SUBACK: u8 = 9;
const UNSUBSCRIBE: u8 = 10;
const UNSUBACK: u8 = 11;
const PINGRESP: u8 = 13;

/// Longest fixed header.
const MAX_HEADER: usize = 5;

/// A fixed header (MQTT 5, section 2.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Header {
    pub(super) kind: u8,
    pub(super) flags: u8,
    /// Bytes of the header itself.
    pub(super) length: usize,
    /// Bytes that follow it.
    pub(super) body: usize,
}

impl Header {
    /// Reads the header at the start of `bytes`; `None` until it is whole.
    pub(super) fn read(bytes: &[u8]) -> Result<Option<Self>, Fault> {
        let Some((&first, rest)) = bytes.split_first() else { return Ok(None) };
        let (kind, flags) = (first >> 4, first & 0x0F);
        if !flags_fit(kind, flags) {
            return Err(Fault::MalformedPacket);
        }
        match read_length(rest) {
            Some((body, used)) => Ok(Some(Self { kind, flags, length: 1 + used, body })),
            None if rest.len() >= MAX_HEADER - 1 => Err(Fault::MalformedPacket),
            None => Ok(None),
        }
    }

    /// Whether its length took more bytes than it needs, which MQTT 5 forbids (section 1.5.5).
    pub(super) fn is_padded(&self) -> bool {
        self.length - 1 > length_bytes(self.body)
    }

    /// Bytes of the whole packet.
    pub(super) fn total(&self) -> usize {
        self.length + self.body
    }
}

/// Reads a length at the start of `bytes`, and how many of them it takes; `None` if it does not end.
pub(super) fn read_length(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut length = 0;
    for (i, &byte) in bytes.iter().take(MAX_HEADER - 1).enumerate() {
        length |= usize::from(byte & 0x7F) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((length, i + 1));
        }
    }
    None
}

/// Writes a length of at most 268,435,455.
pub(super) fn write_length(out: &mut Vec<u8>, mut length: usize) {
    while length > 0x7F {
        out.push(0x80 | (length & 0x7F) as u8);
        length >>= 7;
    }
    out.push(length as u8);
}

/// Bytes that a length takes.
fn length_bytes(length: usize) -> usize {
    match length {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        _ => 4,
    }
}

/// Whether only a server sends packets of this kind.
pub(super) fn is_servers(kind: u8) -> bool {
    matches!(kind, CONNACK | SUBACK | UNSUBACK | PINGRESP)
}

/// Section 2.1.3: reserved flags have one value each.
fn flags_fit(kind: u8, flags: u8) -> bool {
    match kind {
        PUBLISH => flags & 0b0110 != 0b0110,
        PUBREL | SUBSCRIBE | UNSUBSCRIBE => flags == 0b0010,
        _ => flags == 0,
    }
}

/// A PUBLISH (section 3.3), borrowed from the read buffer.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Publish<'a> {
    pub(super) ack: Ack,
    pub(super) topic: &'a str,
    /// Where the payload is, within the body.
    pub(super) payload: Range<usize>,
}

/// What acknowledges a PUBLISH.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ack {
    /// QoS 0: nothing.
    None,
    /// QoS 1: PUBACK.
    Puback(u16),
    /// QoS 2: PUBREC.
    Pubrec(u16),
}

/// Topic, acknowledgement and length of what precedes properties and payload.
pub(super) fn publish_head(flags: u8, body: &[u8]) -> Result<Option<(&str, Ack, usize)>, Fault> {
    let [hi, lo, rest @ ..] = body else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes([*hi, *lo]));
    let Some((topic, rest)) = rest.split_at_checked(length) else { return Ok(None) };
    let topic = std::str::from_utf8(topic).map_err(|_| Fault::MalformedPacket)?;
    if topic.contains('\0') {
        return Err(Fault::MalformedPacket);
    }
    if topic.contains(['+', '#']) {
        return Err(Fault::TopicNameInvalid);
    }
    let qos = flags >> 1 & 0b11;
    if qos == 0 {
        let dup = flags & 0b1000 != 0;
        return if dup {
            Err(Fault::MalformedPacket)
        } else {
            Ok(Some((topic, Ack::None, 2 + length)))
        };
    }
    let [hi, lo, ..] = rest else { return Ok(None) };
    let id = u16::from_be_bytes([*hi, *lo]);
    if id == 0 {
        return Err(Fault::ProtocolError);
    }
    let ack = if qos == 1 { Ack::Puback(id) } else { Ack::Pubrec(id) };
    Ok(Some((topic, ack, 4 + length)))
}

/// Reads a PUBLISH whose body is whole.
pub(super) fn publish(version: Version, flags: u8, body: &[u8]) -> Result<Publish<'_>, Fault> {
    let (topic, ack, mut start) = publish_head(flags, body)?.ok_or(Fault::MalformedPacket)?;
    if version == Version::V5 {
        if flags & 1 != 0 {
            return Err(Fault::RetainNotSupported);
        }
        start = skip_properties(flags, body, start)?;
    }
    if topic.is_empty() {
        return Err(Fault::ProtocolError);
    }
    Ok(Publish { ack, topic, payload: start..body.len() })
}

/// Where the payload starts. Properties are checked and, as they mean nothing here, dropped.
fn skip_properties(flags: u8, body: &[u8], start: usize) -> Result<usize, Fault> {
    let rest = body.get(start..).unwrap_or_default();
    let (length, used) = read_length(rest).ok_or(Fault::MalformedPacket)?;
    if used > length_bytes(length) {
        return Err(Fault::MalformedPacket);
    }
    let end = start + used + length;
    if length > 0 {
        let head = body.get(..end).ok_or(Fault::MalformedPacket)?;
        check_properties(flags, head, start + used)?;
    }
    Ok(end)
}

/// `head` is the packet's body up to its payload; its properties begin at `start`.
fn check_properties(flags: u8, head: &[u8], start: usize) -> Result<(), Fault> {
    if has_no_alias(head.get(start..).unwrap_or_default()) {
        return Err(Fault::TopicAliasInvalid);
    }
    let (publish, _) = v5_0::GenericPublish::<u16>::parse(flags, head.into()).map_err(fault)?;
    for property in publish.props().iter() {
        match property {
            Property::TopicAlias(_) => return Err(Fault::TopicAliasInvalid),
            Property::SubscriptionIdentifier(_) => return Err(Fault::ProtocolError),
            // Section 3.3.2.3.5.
            Property::ResponseTopic(topic) if topic.val().contains(['+', '#']) => {
                return Err(Fault::ProtocolError);
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether there is a topic alias of 0: it has a reason code of its own (section 3.3.2.3.4), and the
/// parser gives another.
fn has_no_alias(mut properties: &[u8]) -> bool {
    const NO_ALIAS: [u8; 3] = [0x23, 0, 0];
    while !properties.starts_with(&NO_ALIAS) {
        let Ok((_, used)) = Property::parse(properties) else { return false };
        properties = properties.get(used..).unwrap_or_default();
    }
    true
}

pub(super) fn fault(error: MqttError) -> Fault {
    match error {
        MqttError::ProtocolError => Fault::ProtocolError,
        _ => Fault::MalformedPacket,
    }
}

/// The packet id of a PUBREL whose body is whole.
pub(super) fn pubrel(version: Version, body: &[u8]) -> Result<u16, Fault> {
    let id = match (version, body) {
        (_, [hi, lo]) => u16::from_be_bytes([*hi, *lo]),
        (Version::V5, _) => {
            let (packet, used) = v5_0::GenericPubrel::<u16>::parse(body).map_err(fault)?;
            if used != body.len() {
                return Err(Fault::MalformedPacket);
            }
            packet.packet_id()
        }
        (Version::V3, _) => return Err(Fault::MalformedPacket),
    };
    if id == 0 { Err(Fault::ProtocolError) } else { Ok(id) }
}

/// Writes the acknowledgement `ack`; MQTT 3.1.1 has no room for a `reason`, and 0 needs none.
pub(super) fn write_ack(out: &mut Vec<u8>, version: Version, ack: Ack, reason: u8) {
    match ack {
        Ack::None => {}
        Ack::Puback(id) => write_id(out, version, 0x40, id, reason),
        Ack::Pubrec(id) => write_id(out, version, 0x50, id, reason),
    }
}

/// Writes a PUBCOMP.
pub(super) fn write_pubcomp(out: &mut Vec<u8>, version: Version, id: u16, reason: u8) {
    write_id(out, version, 0x70, id, reason);
}

fn write_id(out: &mut Vec<u8>, version: Version, first: u8, id: u16, reason: u8) {
    let [hi, lo] = id.to_be_bytes();
    if version == Version::V5 && reason != 0 {
        out.extend_from_slice(&[first, 3, hi, lo, reason]);
    } else {
        out.extend_from_slice(&[first, 2, hi, lo]);
    }
}

/// Writes a PUBLISH of QoS 0. `topic` and `payload` are ours and short: together below 16 KiB.
pub(super) fn write_publish(out: &mut Vec<u8>, version: Version, topic: &str, payload: &[u8]) {
    let properties = usize::from(version == Version::V5);
    let length = 2 + topic.len() + properties + payload.len();
    out.push(0x30);
    write_length(out, length);
    out.extend_from_slice(&(topic.len() as u16).to_be_bytes());
    out.extend_from_slice(topic.as_bytes());
    out.resize(out.len() + properties, 0);
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;
    use mqtt_protocol_core::mqtt::packet::v3_1_1;
    use proptest::prelude::*;

    #[test]
    fn headers() {
        let check = |bytes: &[u8], expect| assert_eq!(Header::read(bytes), expect, "{bytes:?}");
        let header = |kind, flags, length, body| Ok(Some(Header { kind, flags, length, body }));
        check(&[], Ok(None));
        check(&[0x30], Ok(None));
        check(&[0x30, 0], header(3, 0, 2, 0));
        check(&[0x32, 0xFF, 0x01, 9], header(3, 2, 3, 255));
        check(&[0x32, 0xFF, 0xFF, 0xFF, 0x7F], header(3, 2, 5, 268_435_455));
        check(&[0x32, 0xFF, 0xFF, 0xFF], Ok(None));
        check(&[0x32, 0xFF, 0xFF, 0xFF, 0xFF], Err(Fault::MalformedPacket));
        check(&[0x36, 0], Err(Fault::MalformedPacket));
        check(&[0x11, 0], Err(Fault::MalformedPacket));
        check(&[0x80, 0], Err(Fault::MalformedPacket));
        check(&[0x60, 0], Err(Fault::MalformedPacket));
        check(&[0x62, 2], header(6, 2, 2, 2));
    }

    fn check(version: Version, flags: u8, body: &[u8], expect: Result<(&str, Ack, &[u8]), Fault>) {
        let got = publish(version, flags, body);
        let got = got.map(|p| (p.topic, p.ack, &body[p.payload]));
        assert_eq!(got, expect, "{version:?} {flags} {body:?}");
    }

    #[test]
    fn publishes() {
        use Version::{V3, V5};
        check(V3, 2, b"\0\x01t\0\x07hi", Ok(("t", Ack::Puback(7), b"hi")));
        check(V3, 4, b"\0\x01t\0\x07", Ok(("t", Ack::Pubrec(7), b"")));
        check(V3, 0, b"\0\x01thi", Ok(("t", Ack::None, b"hi")));
        check(V3, 1, b"\0\x01thi", Ok(("t", Ack::None, b"hi")));
        check(V5, 10, b"\0\x01t\0\x07\0hi", Ok(("t", Ack::Puback(7), b"hi")));
        check(V5, 2, b"\0\x01t\0\x07\x02\x01\x01hi", Ok(("t", Ack::Puback(7), b"hi")));
        check(V5, 3, b"\0\x01t\0\x07\0hi", Err(Fault::RetainNotSupported));
        check(V5, 2, b"\0\x01t\0\x07\x03\x23\0\x01hi", Err(Fault::TopicAliasInvalid));
        check(V5, 2, b"\0\x01t\0\x07\x05\x01\x01\x23\0\0hi", Err(Fault::TopicAliasInvalid));
        check(V5, 2, b"\0\x01t\0\x07\x02\x0B\x01hi", Err(Fault::ProtocolError));
        check(V5, 2, b"\0\x01t\0\x07\x04\x08\0\x01#hi", Err(Fault::ProtocolError));
        check(V5, 2, b"\0\x01t\0\x07\x04\x08\0\x01rhi", Ok(("t", Ack::Puback(7), b"hi")));
        check(V5, 2, b"\0\x01t\0\x07\x80\0hi", Err(Fault::MalformedPacket));
        check(V5, 2, b"\0\x01t\0\x07\x09\x01", Err(Fault::MalformedPacket));
        check(V5, 2, b"\0\x01t\0\x07", Err(Fault::MalformedPacket));
        check(V5, 2, b"\0\0\0\x07\0hi", Err(Fault::ProtocolError));
        check(V3, 2, b"\0\x01t\0\0hi", Err(Fault::ProtocolError));
        check(V3, 8, b"\0\x01thi", Err(Fault::MalformedPacket));
        check(V3, 2, b"\0\x01+\0\x07", Err(Fault::TopicNameInvalid));
        check(V3, 2, b"\0\x01\0\0\x07", Err(Fault::MalformedPacket));
        check(V3, 2, b"\0\x01\xFF\0\x07", Err(Fault::MalformedPacket));
        check(V3, 2, b"\0\x09t\0\x07", Err(Fault::MalformedPacket));
        check(V3, 2, b"", Err(Fault::MalformedPacket));
    }

    #[test]
    fn releases() {
        assert_eq!(pubrel(Version::V3, &[1, 2]), Ok(258));
        assert_eq!(pubrel(Version::V5, &[1, 2, 0, 0]), Ok(258));
        assert_eq!(pubrel(Version::V3, &[1, 2, 0]), Err(Fault::MalformedPacket));
        assert_eq!(pubrel(Version::V5, &[0, 0]), Err(Fault::ProtocolError));
        assert_eq!(pubrel(Version::V5, &[1]), Err(Fault::MalformedPacket));
    }

    #[test]
    fn acknowledgements() {
        let check = |version, ack, reason, expect: &[u8]| {
            let mut out = Vec::new();
            write_ack(&mut out, version, ack, reason);
            assert_eq!(out, expect);
        };
        check(Version::V3, Ack::None, 0, &[]);
        check(Version::V3, Ack::Puback(258), 0x99, &[0x40, 2, 1, 2]);
        check(Version::V5, Ack::Puback(258), 0, &[0x40, 2, 1, 2]);
        check(Version::V5, Ack::Puback(258), 0x99, &[0x40, 3, 1, 2, 0x99]);
        check(Version::V5, Ack::Pubrec(258), 0x99, &[0x50, 3, 1, 2, 0x99]);
    }

    proptest! {
        #[test]
        fn nothing_panics(v5: bool, flags in 0u8..16, body in proptest::collection::vec(any::<u8>(), 0..64)) {
            let version = if v5 { Version::V5 } else { Version::V3 };
            let _ = Header::read(&body);
            let _ = publish(version, flags, &body);
            let _ = pubrel(version, &body);
        }

        #[test]
        fn what_is_written_reads_back(topic in "[a-z/]{1,200}", payload in proptest::collection::vec(any::<u8>(), 0..300), v5: bool) {
            let version = if v5 { Version::V5 } else { Version::V3 };
            let mut out = Vec::new();
            write_publish(&mut out, version, &topic, &payload);
            let header = Header::read(&out).unwrap().unwrap();
            prop_assert_eq!(header.total(), out.len());
            let body = &out[header.length..];
            let read = publish(version, header.flags, body).unwrap();
            prop_assert_eq!((read.topic, &body[read.payload]), (topic.as_str(), payload.as_slice()));
            let (peer, _) = if v5 {
                let (p, n) = v5_0::GenericPublish::<u16>::parse(header.flags, body.into()).unwrap();
                (p.topic_name().to_owned(), n)
            } else {
                let (p, n) = v3_1_1::GenericPublish::<u16>::parse(header.flags, body.into()).unwrap();
                (p.topic_name().to_owned(), n)
            };
            prop_assert_eq!(peer, topic);
        }
    }
}
