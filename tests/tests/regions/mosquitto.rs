//! A real mosquitto as region: TLS with a client certificate, its topic, and a restart that
//! forgets everything.

use crate::stage::Stage;
use anyhow::{Context as _, Result, ensure};
use muster_tests::authority::{Authority, Server};
use muster_tests::mosquitto::Mosquitto;
use muster_tests::mqtt::{self, Decoder, Packet};
use muster_tests::office::{DESTINATION, REGION};
use muster_tests::site::Site;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long what was sent may take to reach a subscriber.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_real_broker_gets_every_parcel_and_may_forget_its_sessions() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let plain = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let (mut broker, section) = broker(folder.path(), plain)?;
    let mut stage = Stage::start(folder.path(), &section)?;
    let mut reader = Reader::subscribe(plain)?;
    stage.punch(40)?;
    stage.settled(40)?;
    let mut ids = reader.take(40)?;
    broker.restart()?;
    let mut reader = Reader::subscribe(plain)?;
    stage.punch(30)?;
    stage.settled(70)?;
    ids.extend(reader.take(30)?);
    ensure!(ids.len() == 70, "{} different records arrived", ids.len());
    // The log tells which region, and which batch was the last before it was gone.
    let log = std::fs::read_to_string(folder.path().join("gateway.log"))?;
    let gone = log.lines().find(|line| line.contains("not connected to the region"));
    let gone = gone.with_context(|| log.clone())?;
    ensure!(gone.contains(&format!("region{{destination=\"{DESTINATION}\"}}")), "{gone}");
    ensure!(gone.contains("batch="), "{gone}");
    stage.stop()
}

/// A mosquitto that lets in who its authority knows, over TLS, and on `plain` who reads for the
/// test; with the box's `[[region]]` section for it.
pub(crate) fn broker(folder: &Path, plain: SocketAddr) -> Result<(Mosquitto, String)> {
    let authority = Authority::new()?;
    let (server, client) = (authority.issue(&Server::of(REGION))?, authority.client("box")?);
    for (name, pem) in [
        ("ca.pem", authority.pem()),
        ("server.pem", &server.certificate),
        ("server.key", &server.key),
        ("box.pem", &client.certificate),
        ("box.key", &client.key),
    ] {
        std::fs::write(folder.join(name), pem)?;
    }
    let at = |name: &str| folder.join(name).display().to_string();
    let text = format!(
        "cafile {}\ncertfile {}\nkeyfile {}\nrequire_certificate true\n\
         use_identity_as_username false\nallow_anonymous true\n\
         listener {} 127.0.0.1\nmax_queued_messages 0\n",
        at("ca.pem"),
        at("server.pem"),
        at("server.key"),
        plain.port()
    );
    let broker = Mosquitto::start(folder, &text)?;
    let section = format!(
        "[[region]]\ndestination = \"{DESTINATION}\"\nconnector = \"mqtt\"\n\
         url = \"mqtts://localhost:{}\"\nca = \"{}\"\nclient_cert = \"{}\"\nclient_key = \"{}\"\n",
        broker.address.port(),
        at("ca.pem"),
        at("box.pem"),
        at("box.key")
    );
    Ok((broker, section))
}

/// Who reads what the region got.
pub(crate) struct Reader {
    stream: TcpStream,
    decoder: Decoder,
}

impl Reader {
    pub(crate) fn subscribe(address: SocketAddr) -> Result<Self> {
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

    /// Reads until so many different records have come; their ids.
    fn take(&mut self, count: usize) -> Result<BTreeSet<String>> {
        let mut ids = BTreeSet::new();
        self.read(|payload| {
            ids.extend(parcels(payload)?);
            Ok(ids.len() >= count)
        })?;
        Ok(ids)
    }

    /// Reads until so many different parcels have come, whatever they look like.
    pub(crate) fn parcels(&mut self, count: usize) -> Result<Vec<Value>> {
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
    fn read(&mut self, mut enough: impl FnMut(&[u8]) -> Result<bool>) -> Result<()> {
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

/// The ids of a message's parcels, each with the profile's fields in the profile's order.
fn parcels(payload: &[u8]) -> Result<Vec<String>> {
    let parcels = match serde_json::from_slice(payload)? {
        Value::Array(parcels) => parcels,
        parcel => vec![parcel],
    };
    let text = std::str::from_utf8(payload)?;
    ensure!(text.trim_start_matches('[').starts_with(r#"{"event_id":"#), "{text}");
    parcels
        .into_iter()
        .map(|parcel| {
            let keys: BTreeSet<_> =
                parcel.as_object().context("no object")?.keys().map(String::as_str).collect();
            let fields = ["event_id", "subject_ref", "check_time", "direction", "site_ref"];
            ensure!(keys == BTreeSet::from(fields), "{parcel}");
            Ok(parcel["event_id"].as_str().context("no id")?.to_owned())
        })
        .collect()
}
