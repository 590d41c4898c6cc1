//! Packets of the fingerprint module: made, found among noise, checked.

pub(super) const MAX_DATA: usize = 256;
/// Header, packet id, length.
pub(super) const HEAD: usize = 9;
pub(super) const SUM: usize = 2;

const START: [u8; 6] = [0xEF, 0x01, 0xFF, 0xFF, 0xFF, 0xFF];
pub(super) const COMMAND: u8 = 0x01;
pub(super) const DATA: u8 = 0x02;
const ACK: u8 = 0x07;
pub(super) const END: u8 = 0x08;

/// What the front of what was received is.
pub(super) enum Found {
    /// The beginning of a packet, or nothing.
    More,
    /// The first byte begins no packet.
    Noise,
    /// A whole packet of so many bytes.
    Packet { len: usize, what: Packet },
}

/// A whole packet.
#[derive(Clone, Copy)]
pub(super) enum Packet {
    /// An acknowledgement: its code, and the two values that a search answers.
    Ack(u8, [u16; 2]),
    /// So many bytes of data behind the head; whether they are the last.
    Data(usize, bool),
    /// None of ours.
    Other,
}

pub(super) fn inspect(bytes: &[u8]) -> Found {
    if bytes.iter().zip(&START).any(|(a, b)| a != b) {
        return Found::Noise;
    }
    let Some(&[id, high, low]) = bytes.get(6..HEAD).and_then(|b| b.first_chunk()) else {
        return Found::More;
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if !(SUM + 1..=MAX_DATA + SUM).contains(&length) {
        return Found::Noise;
    }
    let Some(rest) = bytes.get(HEAD..HEAD + length) else { return Found::More };
    let Some((data, sum)) = rest.split_last_chunk::<SUM>() else { return Found::Noise };
    if sum_of(id, length as u16, data) != u16::from_be_bytes(*sum) {
        return Found::Noise;
    }
    Found::Packet { len: HEAD + length, what: what(id, data) }
}

fn what(id: u8, data: &[u8]) -> Packet {
    let word = |i: usize| match data.get(i..i + 2) {
        Some(&[a, b]) => u16::from_be_bytes([a, b]),
        _ => 0,
    };
    match (id, data.first()) {
        (ACK, Some(&code)) => Packet::Ack(code, [word(1), word(3)]),
        (DATA | END, _) => Packet::Data(data.len(), id == END),
        _ => Packet::Other,
    }
}

fn sum_of(id: u8, length: u16, data: &[u8]) -> u16 {
    let [high, low] = length.to_be_bytes();
    let head = [id, high, low];
    head.iter().chain(data).fold(0, |sum, &b| sum.wrapping_add(u16::from(b)))
}

/// Writes a packet; returns its length, 0 if `tx` is too small.
pub(super) fn packet(id: u8, data: &[u8], tx: &mut [u8]) -> usize {
    let (length, len) = ((data.len() + SUM) as u16, HEAD + data.len() + SUM);
    let Some(out) = tx.get_mut(..len) else { return 0 };
    let sum = sum_of(id, length, data).to_be_bytes();
    let length = length.to_be_bytes();
    let parts: [&[u8]; 5] = [&START, &[id], &length, data, &sum];
    for (to, from) in out.iter_mut().zip(parts.into_iter().flatten()) {
        *to = *from;
    }
    len
}
