//! A region that cannot prove that it is the one gets no byte.

use crate::stage::Stage;
use anyhow::{Context as _, Result, ensure};
use muster_tests::authority::{Authority, Server};
use muster_tests::mqtt::{Decoder, Packet};
use muster_tests::office::{DESTINATION, REGION};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a refused handshake may linger.
const SILENCE: Duration = Duration::from_secs(5);

/// An MQTT server whose certificate can be exchanged while it runs. It ends with the process.
struct Exchangeable {
    port: u16,
    shared: Arc<Mutex<Shown>>,
}

struct Shown {
    config: Arc<ServerConfig>,
    /// Connections since this certificate.
    connections: u64,
    /// Bytes of application data since then.
    plain: u64,
}

impl Exchangeable {
    fn start(config: Arc<ServerConfig>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Mutex::new(Shown { config, connections: 0, plain: 0 }));
        let theirs = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = theirs.clone();
                // A handshake that fails is what is wanted.
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Ok(Self { port, shared })
    }

    fn show(&self, config: Arc<ServerConfig>) {
        *lock(&self.shared) = Shown { config, connections: 0, plain: 0 };
    }

    /// Connections and bytes of application data since the certificate was shown.
    fn seen(&self) -> (u64, u64) {
        let shown = lock(&self.shared);
        (shown.connections, shown.plain)
    }
}

fn lock(shared: &Mutex<Shown>) -> std::sync::MutexGuard<'_, Shown> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(stream: TcpStream, shared: &Mutex<Shown>) -> Result<()> {
    let config = lock(shared).config.clone();
    lock(shared).connections += 1;
    stream.set_read_timeout(Some(SILENCE))?;
    let mut stream = StreamOwned::new(ServerConnection::new(config)?, stream);
    let (mut decoder, mut bytes) = (Decoder::default(), [0; 4096]);
    loop {
        let len = stream.read(&mut bytes)?;
        ensure!(len > 0, "closed");
        lock(shared).plain += len as u64;
        decoder.push(&bytes[..len]);
        while let Some(packet) = decoder.next_packet()? {
            match packet {
                Packet::Other(0x10) => stream.write_all(&[0x20, 2, 0, 0])?,
                Packet::Publish(_, Some(id), _) => {
                    stream.write_all(&[&[0x40, 2][..], &id.to_be_bytes()].concat())?;
                }
                _ => {}
            }
        }
        stream.flush()?;
    }
}

/// A certificate, and what the box must say of it.
type Bad<'a> = (&'a Authority, Server<'a>, &'a str);

/// Shows each bad certificate in turn, then a good one.
fn nothing_until_mended(authority: &Authority, bad: &[Bad<'_>]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let good = authority.issue(&Server::of(REGION))?.tls13()?;
    let region = Exchangeable::start(good.clone())?;
    region.show(bad[0].0.issue(&bad[0].1)?.tls13()?);
    let section = section(region.port, authority, folder.path())?;
    let mut stage = Stage::start(folder.path(), &section)?;
    stage.punch(5)?;
    for (signer, server, words) in bad {
        region.show(signer.issue(server)?.tls13()?);
        let told = |d: &Value| region.seen().0 >= 1 && d["paused"].to_string().contains(words);
        let status = stage.until(words, told)?;
        ensure!(status["backlog"] == 5, "{words}: {status}");
        ensure!(region.seen().1 == 0, "{words}: {} bytes were sent", region.seen().1);
    }
    // Mended, it is used without anybody's help.
    region.show(good);
    stage.settled(5)?;
    ensure!(region.seen().1 > 0, "the parcels came from nowhere");
    stage.stop()
}

#[test]
fn a_certificate_of_another_region_or_host_gets_nothing() -> Result<()> {
    let (authority, good) = (Authority::new()?, Server::of(REGION));
    nothing_until_mended(
        &authority,
        &[
            (&authority, Server::of("cn-hangzhou"), "cn-hangzhou"),
            (&authority, Server { region: None, ..good }, "no region"),
            (&authority, Server { host: "elsewhere", ..good }, "not valid for name"),
        ],
    )
}

#[test]
fn a_certificate_out_of_its_time_or_of_strangers_gets_nothing() -> Result<()> {
    let (authority, stranger, good) = (Authority::new()?, Authority::new()?, Server::of(REGION));
    nothing_until_mended(
        &authority,
        &[
            (&authority, Server { years: (2020, 2021), ..good }, "xpired"),
            (&authority, Server { years: (2080, 2090), ..good }, "not valid yet"),
            (&stranger, good, "BadSignature"),
        ],
    )
}

/// A server that speaks nothing newer than TLS 1.2: OpenSSL's, which prints what it is sent.
#[test]
fn an_older_tls_gets_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let authority = Authority::new()?;
    let identity = authority.issue(&Server::of(REGION))?;
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("server.pem"), &identity.certificate)?;
    std::fs::write(at("server.key"), &identity.key)?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut command = Command::new("openssl");
    command.args(["s_server", "-tls1_2", "-accept", &format!("127.0.0.1:{port}"), "-cert"]);
    command.arg(at("server.pem")).arg("-key").arg(at("server.key"));
    command.stdin(Stdio::piped()).stderr(Stdio::null()).stdout(File::create(at("said"))?);
    let mut server = command.spawn().context("cannot run openssl: install it")?;
    let told = || -> Result<()> {
        let mut stage = Stage::start(folder.path(), &section(port, &authority, folder.path())?)?;
        stage.punch(3)?;
        let alert = |d: &Value| d["paused"].to_string().contains("ProtocolVersion");
        let status = stage.until("told of", alert)?;
        ensure!(status["backlog"] == 3, "{status}");
        stage.stop()
    }();
    server.kill()?;
    server.wait()?;
    told?;
    let said = std::fs::read_to_string(at("said"))?;
    ensure!(said.contains("ACCEPT") && !said.contains("event_id"), "it got: {said}");
    Ok(())
}

fn section(port: u16, authority: &Authority, folder: &Path) -> Result<String> {
    let ca = folder.join("region-ca.pem");
    std::fs::write(&ca, authority.pem())?;
    Ok(format!(
        "[[region]]\ndestination = \"{DESTINATION}\"\nconnector = \"mqtt\"\n\
         url = \"mqtts://localhost:{port}\"\nca = \"{}\"\n",
        ca.display()
    ))
}
