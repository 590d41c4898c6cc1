//! What an office sees of a full box: `MUSTER_BENCH_RECORDS` records (10 million if it says nothing)
//! of 5,000 people over a year, then day board, a person's month, search, the month's file, and 200
//! live boards. Times are taken at the client, TLS included, over one connection.

use crate::bench_box::{BenchBox, stop};
use crate::table::{Row, count, mib, ms, quantile, table};
use crate::terminal::Terminal;
use anyhow::{Context as _, Result, ensure};
use muster_tests::gateway::Gateway;
use muster_tests::mqtt;
use muster_tests::page::{Connection, Page};
use muster_tests::punch::{now_s, rfc3339};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

const RECORDS: u64 = 10_000_000;
const PEOPLE: u64 = 5_000;
/// Days that the records are spread over: what a terminal may be behind, and some less.
const DAYS: u64 = 380;
/// Check-ins that are sent before their receipts are read.
const TOGETHER: u64 = 500;
/// Questions of each kind.
const ASKED: usize = 300;
const BOARDS: usize = 200;
/// Punches whose receipts are timed, before the boards and beside them.
const PUNCHES: u64 = 3_000;
/// Between two of them: what is wanted is how long one takes, not how many fit.
const PACE: Duration = Duration::from_millis(3);

const GOAL: Duration = Duration::from_millis(50);
const FILE_GOAL: Duration = Duration::from_secs(2);
const MEMORY_GOAL: u64 = 64 << 20;

#[allow(clippy::print_stderr)]
pub(crate) fn office() -> Result<Vec<Row>> {
    let bench = BenchBox::new(|layout, _| {
        layout.page = true;
        Ok(())
    })?;
    let records = std::env::var("MUSTER_BENCH_RECORDS").ok().and_then(|text| text.parse().ok());
    let records = records.unwrap_or(RECORDS);
    let (gateway, _) = bench.start()?;
    let begun = Instant::now();
    fill(gateway.loopback()?, records)?;
    let filled = begun.elapsed();
    bench.settle_down()?;
    let shown = begun.elapsed();
    let rate = records as f64 / filled.as_secs_f64();
    let what = format!("{records} records stored; all in the views");
    let took =
        format!("{:.0} s ({}/s); {:.0} s", filled.as_secs_f64(), count(rate), shown.as_secs_f64());
    let mut rows = vec![row(&what, took, "", None)];
    eprint!("{}", table(&rows));
    let told = bench.site.muster(&["user", "add", "mei", "--role", "hr"])?;
    let code = code(&told).context("no one-time code was printed")?;
    let console = gateway.listening().console.context("no page")?;
    let mut page = Page::enter_as(console, "mei", code)?;
    let measured = pages(&mut page)?;
    eprint!("{}", table(&measured));
    rows.extend(measured);
    rows.extend(boards(&gateway, &page)?);
    let files = files(&gateway, &mut page);
    rows.extend(files.with_context(|| log(&bench.site.layout().log))?);
    stop(gateway)?;
    Ok(rows)
}

/// The last lines of the gateway's log.
fn log(file: &Path) -> String {
    let log = std::fs::read_to_string(file).unwrap_or_default();
    let lines: Vec<_> = log.lines().rev().take(10).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}

/// The word that looks like a code: groups of five joined by hyphens.
fn code(text: &str) -> Option<&str> {
    let mut words = text.split(|c: char| c.is_whitespace() || "`\"',.".contains(c));
    words.find(|word| word.len() > 10 && word.split('-').all(|group| group.len() == 5))
}

/// Stores the records as a terminal sends what it had kept: in the order of time, each once.
pub(crate) fn fill(address: SocketAddr, records: u64) -> Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.write_all(&mqtt::connect("bench-gate", 600))?;
    stream.read_exact(&mut [0; 4])?;
    let first = now_s() - DAYS as i64 * 86_400;
    let (mut bytes, mut answers) = (Vec::new(), vec![0; 4 * TOGETHER as usize]);
    let mut sent = 0;
    while sent < records {
        let some = TOGETHER.min(records - sent);
        bytes.clear();
        for n in sent..sent + some {
            // A day's punches follow each other; everybody comes once in so many.
            let at = first + (n as i64) * (DAYS as i64 * 86_400 - 3_600) / records as i64;
            let (person, seq) = (n % PEOPLE, n + 1);
            let direction = if (n / PEOPLE).is_multiple_of(2) { "in" } else { "out" };
            let payload = format!(
                r#"{{"v":1,"boot":1,"seq":{seq},"person":"{person:05}","at":"{}","method":"card","outcome":"granted","direction":"{direction}","live":false}}"#,
                rfc3339(at)
            );
            let id = (n % TOGETHER) as u16 + 1;
            bytes.extend(mqtt::publish(
                "muster/1/bench-gate/checkin",
                id,
                false,
                payload.as_bytes(),
            ));
        }
        stream.write_all(&bytes)?;
        let answers = answers.get_mut(..4 * some as usize).unwrap_or_default();
        stream.read_exact(answers)?;
        let receipted = answers.chunks_exact(4).all(|answer| answer.starts_with(&[0x40, 2]));
        ensure!(receipted, "a punch was not receipted");
        sent += some;
    }
    Ok(())
}

fn pages(page: &mut Page) -> Result<Vec<Row>> {
    let today = rfc3339(now_s());
    let month = today.get(..7).unwrap_or_default();
    let board = text(&page.get("/today")?);
    let person = board.split("/people/").nth(1).and_then(|rest| rest.split(['/', '"']).next());
    let person = person.context("the board links to nobody")?.to_owned();
    let csrf = page.csrf("/today")?;
    let mut line = page.connect()?;
    let month = format!("/people/{person}/month/{month}");
    let mut rows = Vec::new();
    for (what, path) in [("day board", "/today"), ("a person's month", month.as_str())] {
        let (times, bytes) = ask(|| line.get(path))?;
        rows.push(timed(&format!("{what}, p99 ({bytes} bytes before compression)"), times));
    }
    let fields = [("csrf", csrf.as_str()), ("q", "Person 04999")];
    let (times, _) = ask(|| line.post("/today/search", &fields))?;
    rows.push(timed("search among 5,000 people, p99", times));
    Ok(rows)
}

fn ask(mut question: impl FnMut() -> Result<(u16, Vec<u8>)>) -> Result<(Vec<Duration>, usize)> {
    let (mut times, mut bytes) = (Vec::new(), 0);
    for _ in 0..ASKED {
        let begun = Instant::now();
        let (status, body) = question()?;
        times.push(begun.elapsed());
        ensure!(status == 200, "{status}: {}", text(&body));
        bytes = body.len();
    }
    Ok((times, bytes))
}

/// The month's file of everybody, with how much more the box held for it.
fn files(gateway: &Gateway, page: &mut Page) -> Result<Vec<Row>> {
    let month = rfc3339(now_s() - 40 * 86_400);
    let month = month.get(..7).unwrap_or_default();
    let csrf = page.csrf("/plans")?;
    let mut line = page.connect()?;
    let mut rows = Vec::new();
    // Taking a file away asks for the second factor; it then holds for the next one too.
    let code = page.code(1)?;
    for (detail, code) in [("sums", code.as_str()), ("days", "")] {
        let fields = [("csrf", csrf.as_str()), ("month", month), ("department", "")];
        let how = [("form", "xlsx"), ("detail", detail), ("code", code)];
        let fields = [fields.as_slice(), &how[..if code.is_empty() { 2 } else { 3 }]].concat();
        let before = gateway.resident()?;
        // From here on the peak is this file's.
        std::fs::write(format!("/proc/{}/clear_refs", gateway.pid()), "5")?;
        let begun = Instant::now();
        let (status, body) = line.post("/sheets/file", &fields)?;
        let took = begun.elapsed();
        let more = peak(gateway.pid())?.saturating_sub(before);
        ensure!(status == 200 && body.starts_with(b"PK"), "no file: {status} {}", text(&body));
        let what = format!("month of {PEOPLE} people as XLSX, {detail}; more memory at its peak");
        let met = took <= FILE_GOAL && more <= MEMORY_GOAL;
        rows.push(row(&what, format!("{}; {}", ms(took), mib(more)), "2 s; 64 MiB", Some(met)));
    }
    Ok(rows)
}

/// The most that a process has held, in bytes.
fn peak(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next()).context("no peak")?;
    Ok(kib.parse::<u64>()? * 1024)
}

/// Live boards, each on a connection of its own, and receipts beside them.
fn boards(gateway: &Gateway, page: &Page) -> Result<Vec<Row>> {
    let mut terminal = Terminal::connect(gateway.loopback()?, "bench-live")?;
    let mut receipts = |first: u64| -> Result<Vec<Duration>> {
        let mut times = Vec::new();
        for number in first..first + PUNCHES {
            times.push(terminal.punch(number)?);
            std::thread::sleep(PACE);
        }
        Ok(times)
    };
    receipts(1)?;
    let mut alone = receipts(1 + PUNCHES)?;
    let before = gateway.resident()?;
    let mut open: Vec<Connection> = Vec::new();
    for _ in 0..BOARDS {
        let mut line = page.connect()?;
        line.begin("/today/live")?;
        open.push(line);
    }
    let readers: Vec<_> =
        open.into_iter().map(|line| std::thread::spawn(move || line.drain())).collect();
    let mut beside = receipts(1 + 2 * PUNCHES)?;
    let more = gateway.resident()?.saturating_sub(before);
    drop(readers);
    let (alone, beside) = (quantile(&mut alone, 990), quantile(&mut beside, 990));
    let ratio = beside.as_secs_f64() / alone.as_secs_f64();
    let held = row("200 live boards hold", mib(more), "64 MiB", Some(more <= MEMORY_GOAL));
    Ok(vec![
        held,
        Row {
            what: "receipt beside 200 live boards, p99".to_owned(),
            ours: ms(beside),
            against: format!("without them {}", ms(alone)),
            ratio: format!("{ratio:.2}"),
            goal: "at most 1.1",
            met: Some(ratio <= 1.1),
        },
    ])
}

fn timed(what: &str, mut times: Vec<Duration>) -> Row {
    let (median, p99) = (quantile(&mut times, 500), quantile(&mut times, 990));
    row(what, format!("{} (median {})", ms(p99), ms(median)), "50 ms", Some(p99 <= GOAL))
}

fn row(what: &str, ours: String, goal: &'static str, met: Option<bool>) -> Row {
    let (against, ratio) = (String::new(), String::new());
    Row { what: what.to_owned(), ours, against, ratio, goal, met }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
