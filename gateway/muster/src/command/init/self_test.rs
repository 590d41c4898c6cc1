//! A punch through a whole gateway, in a folder of its own on the disk of the data: whether this
//! machine, this disk and this program can take one. Nothing of it stays.

use crate::config::Config;
use crate::gateway::Gateway;
use anyhow::{Context as _, Result, ensure};
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long the receipt may take.
const PATIENCE: Duration = Duration::from_secs(10);
const TERMINAL: &str = "self-test";
/// CONNACK: accepted, no session.
const ACCEPTED: [u8; 4] = [0x20, 2, 0, 0];
/// PUBACK of packet 1.
const RECEIPT: [u8; 4] = [0x40, 2, 0, 1];

/// How long a punch took from the terminal to its receipt, which is after the disk has it.
pub(super) async fn punch(data: &Path) -> Result<Duration> {
    let folder = tempfile::tempdir_in(data).context("no room for a self-test")?;
    let text = "[box]\nsite = \"self-test\"\n[mqtt]\nloopback = \"127.0.0.1:0\"\n\
                [clock]\ntrust = \"assume\"\n";
    let config = Config::parse(text, Path::new("gateway.toml"), folder.path().to_owned())?;
    let (gateway, _) = Gateway::start(config).await?;
    let listening = gateway.listening.loopback.context("the self-test does not listen")?;
    let receipted = timeout(PATIENCE, receipt(listening)).await;
    gateway.stop().await;
    receipted.context("no receipt in time")?
}

async fn receipt(listening: SocketAddr) -> Result<Duration> {
    let mut stream = TcpStream::connect(listening).await?;
    let mut connect = vec![0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 60];
    connect.extend(text(TERMINAL)?);
    stream.write_all(&packet(0x10, &connect)?).await?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await?;
    ensure!(answer == ACCEPTED, "the terminal is not let in");
    let at = jiff::Timestamp::now();
    let punch = format!(
        "{{\"v\":1,\"boot\":1,\"seq\":1,\"person\":\"self-test\",\"at\":\"{at:.0}\",\
         \"method\":\"card\",\"outcome\":\"granted\"}}"
    );
    let mut publish = text(&format!("muster/1/{TERMINAL}/checkin"))?;
    publish.extend([0, 1]);
    publish.extend(punch.as_bytes());
    let sent = Instant::now();
    stream.write_all(&packet(0x32, &publish)?).await?;
    stream.read_exact(&mut answer).await?;
    ensure!(answer == RECEIPT, "the punch is not receipted");
    Ok(sent.elapsed())
}

/// MQTT's text: length, then bytes.
fn text(text: &str) -> Result<Vec<u8>> {
    let length = u16::try_from(text.len())?.to_be_bytes();
    Ok([&length, text.as_bytes()].concat())
}

/// A packet of less than 16,384 bytes.
fn packet(kind: u8, body: &[u8]) -> Result<Vec<u8>> {
    let length = u16::try_from(body.len())?;
    let mut bytes = vec![kind, (length & 0x7f) as u8 | 0x80, (length >> 7) as u8];
    bytes.extend(body);
    Ok(bytes)
}
