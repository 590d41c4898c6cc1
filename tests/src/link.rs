//! A plain MQTT connection that waits for each answer.

use crate::mqtt::{self, Decoder, Packet};
use anyhow::{Result, bail};

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a silent connection is looked at.
const TICK: Duration = Duration::from_millis(20);

/// What the box did with a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// PUBACK: stored, or refused for good.
    Acknowledged,
    /// It hung up.
    Closed,
}

/// A connection of one client.
#[derive(Debug)]
pub struct Link {
    stream: TcpStream,
    decoder: Decoder,
    last_id: u16,
}

impl Link {
    /// Connects as `client`.
    pub fn open(address: SocketAddr, client: &str) -> Result<Self> {
        let mut link = Self::send(address, &mqtt::connect(client, 60))?;
        match link.wait()? {
            Some(Packet::ConnAck(0)) => Ok(link),
            other => bail!("{client}: CONNECT was answered with {other:?}"),
        }
    }

    /// Connects and sends bytes, whatever they are.
    pub fn send(address: SocketAddr, bytes: &[u8]) -> Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TICK))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        // The box may hang up before it has read all.
        let _ = stream.write_all(bytes);
        Ok(Self { stream, decoder: Decoder::default(), last_id: 0 })
    }

    /// Publishes at QoS 1 and waits for what becomes of it.
    pub fn publish(&mut self, topic: &str, payload: &[u8]) -> Result<Answer> {
        self.last_id += 1;
        let bytes = mqtt::publish(topic, self.last_id, false, payload);
        if self.stream.write_all(&bytes).is_err() {
            return Ok(Answer::Closed);
        }
        loop {
            match self.wait()? {
                Some(Packet::PubAck(id)) if id == self.last_id => return Ok(Answer::Acknowledged),
                Some(_) => {}
                None => return Ok(Answer::Closed),
            }
        }
    }

    /// Whatever comes until the box hangs up or `patience` is over, undecoded.
    pub fn rest(mut self, patience: Duration) -> Vec<u8> {
        let (asked, mut all, mut bytes) = (Instant::now(), Vec::new(), [0; 4096]);
        while asked.elapsed() < patience {
            match self.stream.read(&mut bytes) {
                Ok(0) => break,
                Ok(len) => all.extend(&bytes[..len]),
                Err(error) if waits(error.kind()) => {}
                Err(_) => break,
            }
        }
        all
    }

    /// The next packet; `None` where the box hangs up.
    fn wait(&mut self) -> Result<Option<Packet>> {
        let (asked, mut bytes) = (Instant::now(), [0; 4096]);
        while asked.elapsed() < PATIENCE {
            if let Some(packet) = self.decoder.next_packet()? {
                return Ok(Some(packet));
            }
            match self.stream.read(&mut bytes) {
                Ok(0) => return Ok(None),
                Ok(len) => self.decoder.push(&bytes[..len]),
                Err(error) if waits(error.kind()) => {}
                Err(_) => return Ok(None),
            }
        }
        bail!("no answer within {PATIENCE:?}")
    }
}

fn waits(error: ErrorKind) -> bool {
    matches!(error, ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
