//! An HTTPS region that follows a script: it settles record by record, and misbehaves on cue.

use crate::stage::Stage;
use anyhow::{Context as _, Result, ensure};
use muster_tests::authority::{Authority, Server};
use muster_tests::office::{DESTINATION, REGION};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a silent connection is kept.
const SILENCE: Duration = Duration::from_secs(60);

/// What it does with the next request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    /// Answers with this status and no settlement.
    Status(u16),
    /// Sends elsewhere.
    Redirect,
    /// Says yes in words that are no settlement.
    NoJson,
    /// Hangs up after the request.
    HangUp,
    /// Answers for every second record alone.
    Half,
    /// Names a record that it was never sent.
    Stranger,
}

/// What it has seen.
#[derive(Default)]
struct Book {
    script: VecDeque<Step>,
    /// What it refuses for good: times of this second.
    refused: Option<&'static str>,
    /// Records that it took, with their bytes.
    taken: BTreeMap<String, String>,
    /// Idempotency keys with the body they came with.
    keys: BTreeMap<String, String>,
    /// What it saw that should not be.
    faults: Vec<String>,
    requests: u64,
}

/// The region. It ends with the process.
struct Service {
    port: u16,
    book: Arc<Mutex<Book>>,
}

impl Service {
    fn start(config: Arc<ServerConfig>, script: &[Step]) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let book = Book { script: script.iter().copied().collect(), ..Book::default() };
        let book = Arc::new(Mutex::new(book));
        let theirs = book.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (config, book) = (config.clone(), theirs.clone());
                // A connection that breaks is the gateway's to mend.
                std::thread::spawn(move || serve(stream, config, &book));
            }
        });
        Ok(Self { port, book })
    }

    fn section(&self, authority: &Authority, folder: &Path) -> Result<String> {
        let ca = folder.join("region-ca.pem");
        std::fs::write(&ca, authority.pem())?;
        Ok(format!(
            "[[region]]\ndestination = \"{DESTINATION}\"\nconnector = \"https\"\n\
             url = \"https://localhost:{}/attendance\"\nca = \"{}\"\n",
            self.port,
            ca.display()
        ))
    }
}

fn lock(book: &Mutex<Book>) -> std::sync::MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(stream: TcpStream, config: Arc<ServerConfig>, book: &Mutex<Book>) -> Result<()> {
    stream.set_read_timeout(Some(SILENCE))?;
    let mut stream = StreamOwned::new(ServerConnection::new(config)?, stream);
    loop {
        let (head, body) = request(&mut stream)?;
        let answer = lock(book).answer(&head, &body)?;
        stream.write_all(answer.context("hangs up")?.as_bytes())?;
        stream.flush()?;
    }
}

/// Head and body of the next request.
fn request(stream: &mut impl std::io::Read) -> Result<(String, String)> {
    let (mut bytes, mut byte) = (Vec::new(), [0]);
    while !bytes.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        bytes.extend(byte);
    }
    let head = String::from_utf8(bytes)?.to_ascii_lowercase();
    let mut body = vec![0; header(&head, "content-length").context("no length")?.parse()?];
    stream.read_exact(&mut body)?;
    Ok((head, String::from_utf8(body)?))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.filter(|(key, _)| *key == name).map(|(_, value)| value).next()
}

impl Book {
    fn answer(&mut self, head: &str, body: &str) -> Result<Option<String>> {
        self.requests += 1;
        if !head.starts_with("post /attendance http/1.1\r\n") {
            self.faults.push(format!("asked for {head}"));
        }
        let key = header(head, "idempotency-key").context("no key")?.to_owned();
        if *self.keys.entry(key).or_insert_with(|| body.to_owned()) != body {
            self.faults.push("one key came with two bodies".to_owned());
        }
        let records: Vec<Value> = serde_json::from_str(body)?;
        let step = self.script.pop_front();
        Ok(match step {
            Some(Step::HangUp) => None,
            Some(Step::Status(status)) => Some(respond(status, "retry-after: 1\r\n", "")),
            Some(Step::Redirect) => Some(respond(307, "location: https://127.0.0.1:1/\r\n", "")),
            Some(Step::NoJson) => Some(respond(200, "", "thank you")),
            Some(Step::Stranger) => {
                Some(respond(200, "", &json!({"accepted": [records.len()]}).to_string()))
            }
            Some(Step::Half) => Some(self.settle(&records, 2)),
            None => Some(self.settle(&records, 1)),
        })
    }

    /// Takes one record in so many.
    fn settle(&mut self, records: &[Value], one_in: usize) -> String {
        let (mut accepted, mut rejected) = (Vec::new(), Vec::new());
        for (index, record) in records.iter().enumerate().step_by(one_in) {
            if self.refuses(record) {
                rejected.push(json!({"index": index, "reason": "not at this second"}));
                continue;
            }
            accepted.push(index);
            let id = record["event_id"].as_str().unwrap_or_default().to_owned();
            let text = record.to_string();
            if *self.taken.entry(id).or_insert_with(|| text.clone()) != text {
                self.faults.push(format!("a record came again with other bytes: {text}"));
            }
        }
        respond(200, "", &json!({"accepted": accepted, "rejected": rejected}).to_string())
    }

    fn refuses(&self, record: &Value) -> bool {
        let time = record["check_time"].as_str().unwrap_or_default();
        self.refused.is_some_and(|second| time.contains(second))
    }
}

fn respond(status: u16, more: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} x\r\n{more}content-length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn each_record_is_settled_by_itself_whatever_comes_between() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let authority = Authority::new()?;
    let script = [
        Step::Status(429),
        Step::Half,
        Step::Status(500),
        Step::NoJson,
        Step::Redirect,
        Step::Stranger,
        Step::HangUp,
        Step::Half,
        Step::Status(503),
    ];
    let service = Service::start(authority.issue(&Server::of(REGION))?.tls13()?, &script)?;
    let section = service.section(&authority, folder.path())?;
    let mut stage = Stage::start(folder.path(), &section)?;
    // One a second over two minutes: twice there is one that the region refuses.
    lock(&service.book).refused = Some(":13+");
    stage.punch(120)?;
    stage.until("done", |d| d["backlog"] == 0 && d["rejected"] == 2 && d["settled"] == 118)?;
    let book = lock(&service.book);
    ensure!(book.faults.is_empty(), "{:#?}", book.faults);
    ensure!(book.script.is_empty(), "not all of the script was played: {:?}", book.script);
    ensure!(book.taken.len() == 118, "{} were taken", book.taken.len());
    drop(book);
    // What the region refused is set aside and shown, not lost and not sent elsewhere.
    let rows = stage.site.json(&["records", "--format", "json"])?;
    let rows = rows.as_array().context("no list")?;
    let aside = rows.iter().filter(|row| row["state"] == "quarantined").count();
    ensure!(aside == 2, "{aside} are set aside");
    stage.stop()
}

/// A record that ends every connection must not block those behind it.
#[test]
fn a_record_that_ends_every_connection_blocks_no_other() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let authority = Authority::new()?;
    let service = Service::start(authority.issue(&Server::of(REGION))?.tls13()?, &[])?;
    let section = service.section(&authority, folder.path())?;
    let mut stage = Stage::start(folder.path(), &section)?;
    stage.punch(20)?;
    stage.settled(20)?;
    // A status that says the body itself is at fault: alone, it is the record's end.
    lock(&service.book).script = VecDeque::from([Step::Status(422)]);
    stage.punch(1)?;
    stage.until("set aside", |d| d["rejected"] == 1)?;
    stage.punch(20)?;
    stage.settled(40)?;
    ensure!(lock(&service.book).faults.is_empty(), "{:?}", lock(&service.book).faults);
    stage.stop()
}

/// Delivered, waiting at a region that fails, refused for good: each is told apart, and nothing is
/// lost or twice.
#[test]
fn what_is_permitted_and_cannot_be_delivered_has_its_own_number() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let authority = Authority::new()?;
    let down = [Step::Status(503); 100];
    let service = Service::start(authority.issue(&Server::of(REGION))?.tls13()?, &down)?;
    let section = service.section(&authority, folder.path())?;
    let mut stage = Stage::start(folder.path(), &section)?;
    stage.punch(30)?;
    let all = |d: &Value| d["permitted"] == 30 && d["undeliverable"] == 30 && d["settled"] == 0;
    stage.until("undeliverable", all)?;
    lock(&service.book).script.clear();
    stage.until("delivered", |d| d["undeliverable"] == 0 && d["settled"] == 30)?;
    lock(&service.book).script = VecDeque::from([Step::Status(422)]);
    stage.punch(1)?;
    let one = |d: &Value| d["permitted"] == 31 && d["undeliverable"] == 1 && d["backlog"] == 0;
    stage.until("refused", one)?;
    let report = stage.site.json(&["report", "delivery", "--format", "json"])?;
    let told = report.to_string();
    let row = &report["sections"]["delivery"]["rows"][0];
    let counts = [("permitted", 31), ("settled", 30), ("in-time", 30), ("undeliverable", 1)];
    for (column, expect) in counts.into_iter().chain([("rejected", 1), ("overdue", 0)]) {
        ensure!(row[column] == expect, "{column}: {told}");
    }
    let wanted = format!("muster_outbox_undeliverable_records{{destination=\"{DESTINATION}\"}} 1");
    stage.measured(&wanted)?;
    ensure!(lock(&service.book).faults.is_empty(), "{:?}", lock(&service.book).faults);
    stage.stop()
}
