//! The messages between terminal and engine; the table is in [`super`].

use super::{Frame, Liveness, Score, Shown, Sighting};
use std::io::{self, Read, Write};
use zeroize::{Zeroize, Zeroizing};

/// The version of the messages.
pub const VERSION: u8 = 1;
/// Bytes of a picture: with its template, and in base64, it fits a check-in.
pub const MAX_FRAME: usize = 128 * 1024;
/// Bytes of a template.
pub const MAX_TEMPLATE: usize = 16 * 1024;
/// Bytes of a message, kind and body.
pub const MAX_MESSAGE: usize = MAX_FRAME + 256;
/// Bytes of the engine's name.
const MAX_NAME: usize = 64;
/// Bytes of a media type.
const MAX_MEDIA: usize = 64;
/// Characters of a person's number.
const MAX_PERSON: usize = 48;
/// A score that is none.
const NO_SCORE: u16 = u16::MAX;
const LENGTH: usize = 4;
/// Bytes read at once.
const CHUNK: usize = 16 * 1024;

/// A message's bytes are not what the table allows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum WireError {
    #[error("a message of {0} bytes; at most {MAX_MESSAGE} are allowed")]
    TooLong(usize),
    #[error("a message of kind {0:#04x}, which does not belong here")]
    Kind(u8),
    #[error("a message whose {0} is cut short or out of bounds")]
    Value(&'static str),
    #[error("version {0}; this terminal speaks version {VERSION}")]
    Version(u8),
}

/// A message.
pub enum Message {
    /// The engine is there.
    Ready {
        /// Its name, for the log.
        name: String,
    },
    /// A picture.
    Frame(Frame),
    /// What was seen in the last picture; `frame` is not part of it.
    Result(Sighting),
    /// The terminal listens.
    Start,
    /// What became of a result.
    Shown(Shown),
}

const READY: u8 = 0x01;
const FRAME: u8 = 0x02;
const RESULT: u8 = 0x03;
const START: u8 = 0x81;
const SHOWN: u8 = 0x82;

/// Writes a message.
pub fn write(message: &Message, to: &mut impl Write) -> Result<(), super::EngineError> {
    let mut body = Zeroizing::new(vec![0; LENGTH]);
    match message {
        Message::Ready { name } => {
            body.extend([READY, VERSION]);
            put_text(&mut body, name);
        }
        Message::Frame(Frame { media, data }) => {
            body.push(FRAME);
            put_text(&mut body, media);
            body.extend_from_slice(data);
        }
        Message::Result(sighting) => put_result(&mut body, sighting),
        Message::Start => body.extend([START, VERSION]),
        Message::Shown(what) => body.extend([SHOWN, shown_byte(*what)]),
    }
    let length = body.len() - LENGTH;
    if length > MAX_MESSAGE {
        return Err(WireError::TooLong(length).into());
    }
    if let Some(head) = body.first_chunk_mut::<LENGTH>() {
        *head = (length as u32).to_le_bytes();
    }
    to.write_all(&body)?;
    Ok(to.flush()?)
}

fn put_text(body: &mut Vec<u8>, text: &str) {
    let text = text.as_bytes();
    let text = text.get(..text.len().min(255)).unwrap_or_default();
    body.push(text.len() as u8);
    body.extend_from_slice(text);
}

fn put_result(body: &mut Vec<u8>, sighting: &Sighting) {
    body.push(RESULT);
    put_text(body, sighting.person.as_deref().unwrap_or_default());
    body.push(match sighting.liveness {
        Liveness::Live => 1,
        Liveness::Spoof => 2,
        Liveness::NotJudged => 3,
    });
    for score in [sighting.liveness_score, sighting.score] {
        body.extend(score.map_or(NO_SCORE, Score::parts).to_le_bytes());
    }
    body.extend_from_slice(&sighting.template);
}

fn shown_byte(what: Shown) -> u8 {
    match what {
        Shown::Granted => 1,
        Shown::Denied => 2,
        Shown::NotStored => 3,
    }
}

/// Puts messages together from what a stream brings.
#[derive(Default)]
pub struct Decoder {
    bytes: Vec<u8>,
}

impl Drop for Decoder {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl Decoder {
    /// The next message in what has been read; `None` until one is whole.
    pub fn take(&mut self) -> Result<Option<Message>, WireError> {
        let Some((head, rest)) = self.bytes.split_first_chunk::<LENGTH>() else { return Ok(None) };
        let length = u32::from_le_bytes(*head) as usize;
        if length > MAX_MESSAGE {
            return Err(WireError::TooLong(length));
        }
        let Some(body) = rest.get(..length) else { return Ok(None) };
        let message = parse(body);
        let end = LENGTH + length;
        let left = self.bytes.len() - end;
        self.bytes.copy_within(end.., 0);
        // What moved must not stay behind.
        self.bytes.get_mut(left..).unwrap_or_default().zeroize();
        self.bytes.truncate(left);
        message.map(Some)
    }

    /// Reads once; false at the end of the stream. At most one message is waited for, so what is
    /// kept is bounded by [`MAX_MESSAGE`] and one read.
    pub fn read(&mut self, from: &mut impl Read) -> io::Result<bool> {
        let mut chunk = Zeroizing::new([0; CHUNK]);
        let count = from.read(chunk.as_mut())?;
        self.bytes.reserve(count);
        self.bytes.extend_from_slice(chunk.get(..count).unwrap_or_default());
        Ok(count > 0)
    }
}

/// Reads a message's kind and body.
pub fn parse(message: &[u8]) -> Result<Message, WireError> {
    let (&kind, body) = message.split_first().ok_or(WireError::Value("kind"))?;
    match kind {
        READY => ready(body),
        FRAME => frame(body),
        RESULT => result(body).map(Message::Result),
        START => version(body).map(|_| Message::Start),
        SHOWN => Ok(Message::Shown(match body {
            [1] => Shown::Granted,
            [2] => Shown::Denied,
            [3] => Shown::NotStored,
            _ => return Err(WireError::Value("outcome")),
        })),
        other => Err(WireError::Kind(other)),
    }
}

fn version(body: &[u8]) -> Result<&[u8], WireError> {
    match body.split_first() {
        Some((&VERSION, rest)) => Ok(rest),
        Some((&other, _)) => Err(WireError::Version(other)),
        None => Err(WireError::Value("version")),
    }
}

fn text<'a>(
    body: &'a [u8],
    limit: usize,
    what: &'static str,
) -> Result<(&'a str, &'a [u8]), WireError> {
    let (&length, rest) = body.split_first().ok_or(WireError::Value(what))?;
    let (text, rest) = rest.split_at_checked(length.into()).ok_or(WireError::Value(what))?;
    let text = std::str::from_utf8(text).map_err(|_| WireError::Value(what))?;
    let fits = text.len() <= limit && !text.chars().any(char::is_control);
    if fits { Ok((text, rest)) } else { Err(WireError::Value(what)) }
}

fn ready(body: &[u8]) -> Result<Message, WireError> {
    let (name, _) = text(version(body)?, MAX_NAME, "name")?;
    Ok(Message::Ready { name: name.to_owned() })
}

fn frame(body: &[u8]) -> Result<Message, WireError> {
    let (media, data) = text(body, MAX_MEDIA, "media type")?;
    if data.len() > MAX_FRAME || !media.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(WireError::Value("picture"));
    }
    Ok(Message::Frame(Frame { media: media.to_owned(), data: Zeroizing::new(data.to_vec()) }))
}

fn result(body: &[u8]) -> Result<Sighting, WireError> {
    let (person, rest) = text(body, 4 * MAX_PERSON, "person")?;
    if person.chars().count() > MAX_PERSON {
        return Err(WireError::Value("person"));
    }
    let (head, template) = rest.split_first_chunk::<5>().ok_or(WireError::Value("result"))?;
    let [liveness, a, b, c, d] = *head;
    let liveness = match liveness {
        1 => Liveness::Live,
        2 => Liveness::Spoof,
        3 => Liveness::NotJudged,
        _ => return Err(WireError::Value("liveness")),
    };
    if template.len() > MAX_TEMPLATE {
        return Err(WireError::Value("template"));
    }
    Ok(Sighting {
        person: Some(person.to_owned()).filter(|p| !p.is_empty()),
        liveness,
        liveness_score: score([a, b])?,
        score: score([c, d])?,
        frame: None,
        template: Zeroizing::new(template.to_vec()),
    })
}

fn score(bytes: [u8; 2]) -> Result<Option<Score>, WireError> {
    match u16::from_le_bytes(bytes) {
        NO_SCORE => Ok(None),
        parts => Score::new(parts).map(Some).ok_or(WireError::Value("score")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sighting(person: &str, template: Vec<u8>) -> Sighting {
        Sighting {
            person: Some(person.into()).filter(|p: &String| !p.is_empty()),
            liveness: Liveness::Live,
            liveness_score: Score::new(9_900),
            score: None,
            frame: None,
            template: Zeroizing::new(template),
        }
    }

    fn through(message: &Message) -> Message {
        let (mut bytes, mut decoder) = (Vec::new(), Decoder::default());
        write(message, &mut bytes).unwrap();
        // One byte at a time: nothing is whole before the last.
        for (at, byte) in bytes.iter().enumerate() {
            assert!(decoder.take().unwrap().is_none(), "{at}");
            decoder.read(&mut [*byte].as_slice()).unwrap();
        }
        let found = decoder.take().unwrap().unwrap();
        assert!(decoder.bytes.is_empty());
        found
    }

    #[test]
    fn messages_come_as_they_went() {
        let Message::Ready { name } = through(&Message::Ready { name: "replay".into() }) else {
            panic!()
        };
        assert_eq!(name, "replay");
        let frame = Frame { media: "image/jpeg".into(), data: Zeroizing::new(vec![7; 70_000]) };
        let Message::Frame(found) = through(&Message::Frame(frame)) else { panic!() };
        assert_eq!((found.media.as_str(), found.data.len()), ("image/jpeg", 70_000));
        let Message::Result(found) = through(&Message::Result(sighting("00017", vec![1, 2])))
        else {
            panic!()
        };
        assert_eq!(found.person.as_deref(), Some("00017"));
        assert_eq!((found.liveness, found.template.as_slice()), (Liveness::Live, &[1, 2][..]));
        assert_eq!((found.liveness_score, found.score), (Score::new(9_900), None));
        assert!(matches!(through(&Message::Start), Message::Start));
        for what in [Shown::Granted, Shown::Denied, Shown::NotStored] {
            assert!(matches!(through(&Message::Shown(what)), Message::Shown(w) if w == what));
        }
    }

    #[test]
    fn what_is_out_of_bounds_is_refused() {
        let check = |bytes: &[u8], expect: WireError| {
            assert_eq!(parse(bytes).err(), Some(expect), "{bytes:?}");
        };
        check(&[], WireError::Value("kind"));
        check(&[9], WireError::Kind(9));
        check(&[READY, 2, 0], WireError::Version(2));
        check(&[READY, 1, 5, b'x'], WireError::Value("name"));
        check(&[RESULT, 1, b'\n', 1, 0, 0, 0, 0], WireError::Value("person"));
        check(&[RESULT, 0, 4, 0, 0, 0, 0], WireError::Value("liveness"));
        check(&[RESULT, 0, 1, 0, 0, 0x11, 0x27], WireError::Value("score"));
        check(&[RESULT, 0, 1, 0, 0, 0], WireError::Value("result"));
        check(&[SHOWN, 4], WireError::Value("outcome"));
        let long = [&[FRAME, 0][..], &vec![0; MAX_FRAME + 1]].concat();
        check(&long, WireError::Value("picture"));
        let mut decoder = Decoder::default();
        let length = (MAX_MESSAGE as u32 + 1).to_le_bytes();
        decoder.read(&mut length.as_slice()).unwrap();
        assert_eq!(decoder.take().err(), Some(WireError::TooLong(MAX_MESSAGE + 1)));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = parse(&bytes);
            let mut decoder = Decoder::default();
            decoder.read(&mut bytes.as_slice()).unwrap();
            while let Ok(Some(_)) = decoder.take() {}
        }
    }
}
