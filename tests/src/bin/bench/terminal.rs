//! One terminal by itself, and what it sends.

use anyhow::{Context as _, Result, ensure};
use muster_tests::mqtt;
use muster_tests::punch::{now_s, rfc3339};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Bytes of a check-in.
pub(crate) const PAYLOAD: usize = 256;
/// Packet numbers that are used in turn.
const PACKETS: u64 = 60_000;

/// A check-in without evidence, padded with spaces between its members to [`PAYLOAD`] bytes.
pub(crate) fn padded_check_in(boot: u32, seq: u64, person: u64, at_s: i64) -> String {
    let head = format!(r#"{{"v":1,"boot":{boot},"seq":{seq},"#);
    let at = rfc3339(at_s);
    let tail = format!(
        r#""person":"{person:05}","at":"{at}","method":"fingerprint","outcome":"granted","direction":"in","live":true}}"#
    );
    let pad = PAYLOAD.saturating_sub(head.len() + tail.len());
    format!("{head}{}{tail}", " ".repeat(pad))
}

/// A connection that is waited for.
pub(crate) struct Terminal {
    name: String,
    stream: TcpStream,
}

impl Terminal {
    pub(crate) fn connect(address: SocketAddr, name: &str) -> Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.write_all(&mqtt::connect(name, 600))?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer)?;
        ensure!(answer == [0x20, 2, 0, 0], "CONNECT was answered with {answer:?}");
        Ok(Self { name: name.to_owned(), stream })
    }

    /// One punch, now; how long until its receipt.
    pub(crate) fn punch(&mut self, number: u64) -> Result<Duration> {
        let packet = self.packet(number, now_s());
        let begun = Instant::now();
        self.stream.write_all(&packet)?;
        let mut answer = [0; 4];
        self.stream.read_exact(&mut answer).context("no receipt")?;
        let took = begun.elapsed();
        ensure!(answer.starts_with(&[0x40, 2]), "a punch was answered with {answer:?}");
        Ok(took)
    }

    /// One punch made at `at_s`; whoever sends so calls [`Terminal::ignore_answers`] before.
    pub(crate) fn send(&mut self, number: u64, at_s: i64) -> Result<()> {
        let packet = self.packet(number, at_s);
        Ok(self.stream.write_all(&packet)?)
    }

    /// Takes receipts and forgets them, or the box would stop reading.
    pub(crate) fn ignore_answers(&self) -> Result<()> {
        let mut reader = self.stream.try_clone()?;
        std::thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
        Ok(())
    }

    fn packet(&self, number: u64, at_s: i64) -> Vec<u8> {
        let payload = padded_check_in(1, number, number % 400, at_s);
        let topic = format!("muster/1/{}/checkin", self.name);
        mqtt::publish(&topic, (number % PACKETS) as u16 + 1, false, payload.as_bytes())
    }
}
