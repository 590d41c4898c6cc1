//! As much of MQTT 3.1.1 (OASIS, 2014) as a device that sends punches needs, as bytes: cheap
//! enough that a load generator's own cost does not show.

/// Longest remaining length that is understood from a server here.
const MAX_REMAINING: usize = 1 << 20;

/// CONNECT, clean session.
pub fn connect(client_id: &str, keep_alive_s: u16) -> Vec<u8> {
    let mut body = b"\x00\x04MQTT\x04\x02".to_vec();
    body.extend(keep_alive_s.to_be_bytes());
    text(&mut body, client_id);
    packet(0x10, &body)
}

/// PUBLISH at QoS 1.
pub fn publish(topic: &str, packet_id: u16, duplicate: bool, payload: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(topic.len() + payload.len() + 4);
    text(&mut body, topic);
    body.extend(packet_id.to_be_bytes());
    body.extend(payload);
    packet(0x32 | u8::from(duplicate) << 3, &body)
}

/// SUBSCRIBE to one filter at QoS 1.
pub fn subscribe(packet_id: u16, filter: &str) -> Vec<u8> {
    let mut body = packet_id.to_be_bytes().to_vec();
    text(&mut body, filter);
    body.push(1);
    packet(0x82, &body)
}

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    let mut left = body.len();
    loop {
        let more = left >= 0x80;
        bytes.push((left & 0x7F) as u8 | u8::from(more) << 7);
        left >>= 7;
        if !more {
            break;
        }
    }
    bytes.extend(body);
    bytes
}

fn text(body: &mut Vec<u8>, text: &str) {
    body.extend((text.len() as u16).to_be_bytes());
    body.extend(text.as_bytes());
}

/// A packet that came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Packet {
    /// CONNACK with its return code.
    ConnAck(u8),
    /// PUBACK of this number.
    PubAck(u16),
    /// PUBLISH: topic, number where it wants an acknowledgement, payload.
    Publish(String, Option<u16>, Vec<u8>),
    /// Anything else, by its first byte.
    Other(u8),
}

/// A packet that came, where it lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seen<'a> {
    /// CONNACK with its return code.
    ConnAck(u8),
    /// PUBACK of this number.
    PubAck(u16),
    /// PUBLISH: topic, number where it wants an acknowledgement, payload.
    Publish(&'a str, Option<u16>, &'a [u8]),
    /// Anything else, by its first byte.
    Other(u8),
}

impl From<Seen<'_>> for Packet {
    fn from(seen: Seen<'_>) -> Self {
        match seen {
            Seen::ConnAck(code) => Self::ConnAck(code),
            Seen::PubAck(id) => Self::PubAck(id),
            Seen::Publish(topic, id, payload) => {
                Self::Publish(topic.to_owned(), id, payload.to_vec())
            }
            Seen::Other(first) => Self::Other(first),
        }
    }
}

/// The bytes are no MQTT.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the peer does not speak MQTT")]
pub struct NotMqtt;

/// Cuts a stream into packets.
#[derive(Debug, Default)]
pub struct Decoder {
    bytes: Vec<u8>,
    at: usize,
}

impl Decoder {
    /// Takes what came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..std::mem::take(&mut self.at));
        self.bytes.extend(bytes);
    }

    /// The next whole packet.
    pub fn next_packet(&mut self) -> Result<Option<Packet>, NotMqtt> {
        Ok(self.next_seen()?.map(Packet::from))
    }

    /// The next whole packet, where it lies: for who must cost little.
    pub fn next_seen(&mut self) -> Result<Option<Seen<'_>>, NotMqtt> {
        let bytes = self.bytes.get(self.at..).unwrap_or_default();
        let (Some(&first), Some((remaining, header))) = (bytes.first(), remaining(bytes)?) else {
            return Ok(None);
        };
        let Some(body) = bytes.get(header..header + remaining) else { return Ok(None) };
        let parsed = parse(first, body).ok_or(NotMqtt)?;
        self.at += header + remaining;
        Ok(Some(parsed))
    }
}

/// Remaining length and the bytes before it ends; `None` until it is there.
fn remaining(bytes: &[u8]) -> Result<Option<(usize, usize)>, NotMqtt> {
    let mut value = 0usize;
    for (i, &byte) in bytes.iter().skip(1).take(4).enumerate() {
        value |= usize::from(byte & 0x7F) << (7 * i);
        if byte & 0x80 == 0 {
            return if value > MAX_REMAINING { Err(NotMqtt) } else { Ok(Some((value, i + 2))) };
        }
    }
    if bytes.len() > 4 { Err(NotMqtt) } else { Ok(None) }
}

fn parse(first: u8, body: &[u8]) -> Option<Seen<'_>> {
    let number = |at: usize| Some(u16::from_be_bytes(body.get(at..at + 2)?.try_into().ok()?));
    Some(match first >> 4 {
        2 => Seen::ConnAck(*body.get(1)?),
        3 => {
            let topic_end = 2 + usize::from(number(0)?);
            let topic = std::str::from_utf8(body.get(2..topic_end)?).ok()?;
            let wants_ack = first & 0x06 != 0;
            let id = if wants_ack { Some(number(topic_end)?) } else { None };
            let payload = body.get(topic_end + if wants_ack { 2 } else { 0 }..)?;
            Seen::Publish(topic, id, payload)
        }
        4 => Seen::PubAck(number(0)?),
        _ => Seen::Other(first),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_cut_into_its_packets_wherever_it_breaks() {
        let mut stream = vec![0x20, 2, 0, 0, 0x40, 2, 0x12, 0x34];
        stream.extend(publish("muster/1/a/receipt", 7, false, &[b'x'; 300]));
        let expect = [
            Packet::ConnAck(0),
            Packet::PubAck(0x1234),
            Packet::Publish("muster/1/a/receipt".into(), Some(7), vec![b'x'; 300]),
        ];
        for piece in [1, 3, 1000] {
            let (mut decoder, mut found) = (Decoder::default(), Vec::new());
            for bytes in stream.chunks(piece) {
                decoder.push(bytes);
                while let Some(packet) = decoder.next_packet().unwrap() {
                    found.push(packet);
                }
            }
            assert_eq!(found, expect);
        }
    }

    #[test]
    fn a_length_without_end_is_refused() {
        let mut decoder = Decoder::default();
        decoder.push(&[0x40, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]);
        assert_eq!(decoder.next_packet(), Err(NotMqtt));
    }
}
