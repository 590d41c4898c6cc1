//! The journal's events at a collector of the tests: each once and in order, though it was away for
//! a while, broke off in the middle and the gateway was killed; and nobody's name among them.

use anyhow::{Context as _, Result, ensure};
use muster_tests::authority::{Authority, Server};
use muster_tests::binary::{Build, gateway};
use muster_tests::office;
use muster_tests::site::{Layout, Site};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::collections::BTreeSet;
use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(60);
const PERSON: &str = "Person 00017";

/// What a collector has read, connection by connection.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A collector that is there until it is dropped.
struct Collector {
    address: SocketAddr,
    away: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Collector {
    /// Takes in what comes; the first `broken` connections it breaks off after some bytes.
    fn start(
        address: SocketAddr,
        tls: Option<Arc<ServerConfig>>,
        heard: Heard,
        mut broken: usize,
    ) -> Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let away = Arc::new(AtomicBool::new(false));
        let gone = away.clone();
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if gone.load(Ordering::Relaxed) {
                    return;
                }
                if broken > 0 {
                    broken -= 1;
                    // In the middle of it: closing on unread bytes resets the connection.
                    let _ = (&stream).read(&mut [0; 30]);
                    continue;
                }
                let mut text = Vec::new();
                let mut source: Box<dyn Read> = match &tls {
                    None => Box::new(stream),
                    Some(tls) => {
                        let server = ServerConnection::new(tls.clone()).expect("a connection");
                        Box::new(StreamOwned::new(server, stream))
                    }
                };
                if source.read_to_end(&mut text).is_ok() {
                    let text = String::from_utf8(text).expect("UTF-8");
                    heard.0.lock().unwrap_or_else(PoisonError::into_inner).push(text);
                }
            }
        });
        Ok(Self { address, away, thread: Some(thread) })
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.away.store(true, Ordering::Relaxed);
        // So that it stops waiting for the next one.
        let _ = std::net::TcpStream::connect(self.address);
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

/// The messages of a connection, each after its length (RFC 5425).
fn framed(mut text: &str) -> Result<Vec<&str>> {
    let mut found = Vec::new();
    while !text.is_empty() {
        let (length, rest) = text.split_once(' ').context("no length")?;
        let (message, rest) = rest.split_at(length.parse()?);
        found.push(message);
        text = rest;
    }
    Ok(found)
}

/// The seven parts of an RFC 5424 message before its text, and the text.
fn parts(message: &str) -> Result<([&str; 7], &str)> {
    let mut words = message.splitn(8, ' ');
    let mut head = [""; 7];
    for part in &mut head {
        *part = words.next().context("a short header")?;
    }
    let text = words.next().context("no message")?;
    let priority = head[0].strip_prefix('<').and_then(|p| p.strip_suffix(">1")).context("PRI")?;
    ensure!(priority.parse::<u8>()? / 8 == 13, "log audit: {priority}");
    ensure!(head[1].ends_with('Z') && head[1].parse::<jiff::Timestamp>().is_ok(), "{head:?}");
    ensure!(head[2..5] == [Site::NAME, "muster", "-"] && head[6] == "-", "{head:?}");
    Ok((head, text))
}

/// The ids of every act that is an event, in the journal's order, from the journal's own export.
fn acts(site: &Site) -> Result<Vec<String>> {
    let (mut ids, mut place) = (Vec::new(), (0, 0));
    site.lines(&["journal", "export"], |line| {
        let line: serde_json::Value = serde_json::from_str(line)?;
        if line["kind"] != "act" {
            return Ok(());
        }
        let batch = line["batch"].as_u64().context("a batch")?;
        place = if place.0 == batch { (batch, place.1 + 1) } else { (batch, 0) };
        if !["decided", "labelled", "events-told"].iter().any(|name| line["act"] == *name) {
            ids.push(format!("{}-{}-{}", line["epoch"], place.0, place.1));
        }
        Ok(())
    })?;
    Ok(ids)
}

fn wait(what: &str, done: impl Fn() -> Result<bool>) -> Result<()> {
    let since = Instant::now();
    while !done()? {
        ensure!(since.elapsed() < LIMIT, "not within {LIMIT:?}: {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}

fn ids(heard: &Heard) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    for connection in heard.all() {
        for message in framed(&connection)? {
            let (head, text) = parts(message)?;
            let told: serde_json::Value = serde_json::from_str(text)?;
            ensure!(told["event"] == head[5], "{message}");
            ids.push(told["id"].as_str().context("no id")?.to_owned());
        }
    }
    Ok(ids)
}

/// An address that nothing listens at.
fn free() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

#[test]
fn every_event_is_told_once_and_in_order_through_an_outage_and_a_kill() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let authority = Authority::new()?;
    std::fs::write(folder.path().join("siem-ca.pem"), authority.pem())?;
    let tls = authority.issue(&Server { region: None, ..Server::of("-") })?.tls13()?;
    let (address, heard) = (free()?, Heard::default());
    let mut layout = Layout::new(gateway(Build::Real)?, &folder.path().join("box"));
    office::make_keys(&mut layout, folder.path())?;
    layout.more =
        format!("[siem]\nurl = \"tls://localhost:{}\"\nca = \"../siem-ca.pem\"\n", address.port());
    let site = Site::init(layout)?;
    // Nobody takes anything in.
    let mut running = site.start()?;
    running.ready(Duration::from_secs(30))?;
    site.pair("m2", "gate-07", &folder.path().join("gate-07"))?;
    office::import(&site, (17..40).map(|n| format!("{n:05}")))?;
    wait("the outage shows", || Ok(running.http("/healthz")?.1.contains("\"siem\"")))?;
    running.kill()?;
    // Acts of the command line count as well.
    office::publish(&site, folder.path())?;
    site.muster(&["device", "revoke", "gate-07"])?;
    let mut running = site.start()?;
    running.ready(Duration::from_secs(30))?;
    let collector = Collector::start(address, Some(tls.clone()), heard.clone(), 2)?;
    let wanted = acts(&site)?;
    ensure!(wanted.len() > 20, "{wanted:?}");
    wait("all is told", || Ok(ids(&heard)?.len() >= wanted.len()))?;
    assert_eq!(ids(&heard)?, wanted, "each once and in order");
    // Killed after all was told: what comes then is new.
    running.kill()?;
    let mut running = site.start()?;
    running.ready(Duration::from_secs(30))?;
    site.muster(&["local-only", "on"])?;
    wait("what is new is told, and nothing again", || Ok(ids(&heard)? == acts(&site)?))?;
    drop(collector);
    ensure!(ids(&heard)?.len() > wanted.len());
    let text = heard.all().concat();
    let names: BTreeSet<&str> =
        ["device-paired", "device-revoked", "policy-accepted", "local-only"]
            .into_iter()
            .filter(|name| !text.contains(&format!("\"event\":\"{name}\"")))
            .collect();
    ensure!(names.is_empty(), "not told: {names:?}");
    for secret in [PERSON, "00017", "a.dpo", "b.admin"] {
        ensure!(!text.contains(secret), "{secret} is told");
    }
    ensure!(text.contains("\"name\":\"gate-07\""), "which terminal");
    running.kill()
}

#[test]
fn events_as_cef_on_lines_and_a_stranger_gets_none() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let heard = Heard::default();
    let collector = Collector::start(free()?, None, heard.clone(), 2)?;
    let mut layout = Layout::new(gateway(Build::Real)?, &folder.path().join("box"));
    let section =
        |url: &str| format!("[siem]\nurl = \"{url}\"\nformat = \"cef\"\nframing = \"lines\"\n");
    layout.more = section(&format!("tcp://{}", collector.address));
    let site = Site::init(layout)?;
    let mut running = site.start()?;
    running.ready(Duration::from_secs(30))?;
    site.pair("m1", "gate-1", &folder.path().join("gate"))?;
    wait("the pairing is told", || Ok(heard.all().concat().contains("device-paired")))?;
    running.kill()?;
    let text = heard.all().concat();
    for line in text.lines() {
        let (head, cef) = parts(line)?;
        let header: Vec<&str> = cef.splitn(8, '|').collect();
        ensure!(header[..3] == ["CEF:0", "Muster", "muster"] && header[4] == head[5], "{line}");
        ensure!(header[7].starts_with("externalId="), "{line}");
    }
    ensure!(text.contains(" musterName=gate-1 musterKind=m1"), "{text}");
    // A host that the authority does not vouch for gets no byte of it.
    let authority = Authority::new()?;
    std::fs::write(folder.path().join("ca.pem"), authority.pem())?;
    let stranger = Authority::new()?.issue(&Server { region: None, ..Server::of("-") })?.tls13()?;
    let (address, heard) = (free()?, Heard::default());
    let _collector = Collector::start(address, Some(stranger), heard.clone(), 0)?;
    let config = std::fs::read_to_string(site.config())?;
    let other = section(&format!("tls://localhost:{}", address.port())) + "ca = \"../ca.pem\"\n";
    std::fs::write(site.config(), config.replace(&layout_section(&config), &other))?;
    let mut running = site.start()?;
    running.ready(Duration::from_secs(30))?;
    wait("it shows", || Ok(running.http("/healthz")?.1.contains("TLS")))?;
    ensure!(heard.all().iter().all(String::is_empty), "nothing is told to a stranger");
    running.kill()
}

/// The section as it stands in a configuration: it is the last.
fn layout_section(config: &str) -> String {
    config[config.find("[siem]").unwrap_or(config.len())..].to_owned()
}
