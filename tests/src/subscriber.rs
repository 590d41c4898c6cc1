//! Whoever runs a region's broker, reading what arrives there.

use crate::mqtt::{self, Decoder, Packet};
use crate::office::DESTINATION;
use crate::site::Site;
use anyhow::{Result, ensure};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// How long what was sent may take to reach a subscriber.
const PATIENCE: Duration = Duration::from_secs(20);

/// Who reads what a region's broker got.
#[derive(Debug)]
pub struct Subscriber {
    stream: TcpStream,
    decoder: Decoder,
}

impl Subscriber {
    /// Connects to the plain listener of [`crate::mosquitto::region`] and reads on.
    pub fn start(address: SocketAddr) -> Result<Self> {
        // The broker opens its listeners one after the other.
        let asked = Instant::now();
        let mut stream = loop {
            match TcpStream::connect(address) {
                Ok(stream) => break stream,
                Err(error) => ensure!(asked.elapsed() < PATIENCE, "the broker: {error}"),
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(&mqtt::connect("reader", 60))?;
        stream.read_exact(&mut [0; 4])?;
        stream.write_all(&mqtt::subscribe(1, "attendance/#"))?;
        stream.read_exact(&mut [0; 5])?;
        Ok(Self { stream, decoder: Decoder::default() })
    }

    /// Reads until so many different parcels have come, whatever they look like.
    pub fn parcels(&mut self, count: usize) -> Result<Vec<Value>> {
        let (mut seen, mut all) = (BTreeSet::new(), Vec::new());
        self.read(|payload| {
            let parcels = match serde_json::from_slice(payload)? {
                Value::Array(parcels) => parcels,
                parcel => vec![parcel],
            };
            all.extend(parcels.into_iter().filter(|parcel| seen.insert(parcel.to_string())));
            Ok(all.len() >= count)
        })?;
        Ok(all)
    }

    /// Hands each message's payload to `enough`, until that is so.
    pub fn read(&mut self, mut enough: impl FnMut(&[u8]) -> Result<bool>) -> Result<()> {
        let (asked, mut bytes, mut done) = (Instant::now(), [0; 4096], false);
        while !done {
            ensure!(asked.elapsed() < PATIENCE, "not all came");
            let len = self.stream.read(&mut bytes)?;
            self.decoder.push(&bytes[..len]);
            while let Some(packet) = self.decoder.next_packet()? {
                let Packet::Publish(topic, id, payload) = packet else { continue };
                ensure!(topic == format!("attendance/{}/{DESTINATION}", Site::NAME), "{topic}");
                if let Some(id) = id {
                    self.stream.write_all(&[&[0x40, 2][..], &id.to_be_bytes()].concat())?;
                }
                done = enough(&payload)?;
            }
        }
        Ok(())
    }
}
