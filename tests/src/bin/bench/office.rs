//! What an office sees of a full box: `MUSTER_BENCH_RECORDS` records (10 million if it says nothing)
//! of 5,000 people over a year, then day board, a person's month, search, the month's file, and 200
//! live boards. Times are taken at the client, TLS included, over one connection.

use crate::bench_box::{BenchBox, stop};
use crate::boards::boards;
use crate::lists::lists;
use crate::table::{Row, count, mib, ms, quantile, table};
use anyhow::{Context as _, Result, bail, ensure};
use muster_tests::gateway::Gateway;
use muster_tests::mqtt;
use muster_tests::page::Page;
use muster_tests::punch::{now_s, rfc3339};
use muster_tests::site::Layout;
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
/// How long a box that was started may take until it rests, and how long it is looked at.
const PATIENCE: Duration = Duration::from_secs(300);
const LOOK: Duration = Duration::from_secs(1);

const GOAL: Duration = Duration::from_millis(50);
const FILE_GOAL: Duration = Duration::from_secs(2);
pub(crate) const MEMORY_GOAL: u64 = 64 << 20;

/// A part of what is asked of a full box.
type Part = fn(&Gateway, &mut Page) -> Result<Vec<Row>>;

/// Each by its name.
const PARTS: [(&str, Part); 4] =
    [("pages", |_, page| pages(page)), ("boards", boards), ("files", files), ("lists", lists)];

/// `MUSTER_BENCH_BOX` names a folder in which the filled box is left for the next run, and
/// `MUSTER_BENCH_PARTS` the parts that are wanted, if not all.
#[allow(clippy::print_stderr)]
pub(crate) fn office() -> Result<Vec<Row>> {
    let with_page = |layout: &mut Layout, _: &Path| {
        layout.page = true;
        Ok(())
    };
    let bench = match std::env::var_os("MUSTER_BENCH_BOX") {
        Some(kept) => BenchBox::kept(Path::new(&kept), with_page)?,
        None => BenchBox::new(with_page)?,
    };
    let (gateway, _) = bench.start()?;
    let mut rows = filled(&bench, &gateway)?;
    // A kept box knows those of earlier runs.
    let name = format!("mei-{}", now_s());
    let told = bench.site.muster(&["user", "add", &name, "--role", "hr"])?;
    let code = code(&told).context("no one-time code was printed")?;
    let console = gateway.listening().console.context("no page")?;
    let mut page = Page::enter_as(console, &name, code)?;
    let wanted = std::env::var("MUSTER_BENCH_PARTS").unwrap_or_default();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.split(',').any(|one| one == name);
    for (_, part) in PARTS.into_iter().filter(|(name, _)| is_wanted(name)) {
        let measured = part(&gateway, &mut page);
        let measured = measured.with_context(|| log(&bench.site.layout().log))?;
        eprint!("{}", table(&measured));
        rows.extend(measured);
    }
    stop(gateway)?;
    Ok(rows)
}

/// Fills the box, unless an earlier run did.
fn filled(bench: &BenchBox, gateway: &Gateway) -> Result<Vec<Row>> {
    let done = bench.dir.join("filled");
    if done.exists() {
        bench.settle_down()?;
        calm_down(gateway)?;
        return Ok(Vec::new());
    }
    let records = std::env::var("MUSTER_BENCH_RECORDS").ok().and_then(|text| text.parse().ok());
    let records = records.unwrap_or(RECORDS);
    let begun = Instant::now();
    fill(gateway.loopback()?, records)?;
    let filled = begun.elapsed();
    bench.settle_down()?;
    let shown = begun.elapsed();
    std::fs::write(done, records.to_string())?;
    let rate = records as f64 / filled.as_secs_f64();
    let what = format!("{records} records stored; all in the views");
    let took =
        format!("{:.0} s ({}/s); {:.0} s", filled.as_secs_f64(), count(rate), shown.as_secs_f64());
    Ok(vec![row(&what, took, "", None)])
}

/// Waits until the box rests: after a start it looks at every record that waits.
fn calm_down(gateway: &Gateway) -> Result<()> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let used = gateway.cpu()?;
        std::thread::sleep(LOOK);
        if gateway.cpu()?.saturating_sub(used) < LOOK / 20 {
            return Ok(());
        }
    }
    bail!("the box does not rest")
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

/// The month's files of everybody, with how much more the box held for each.
fn files(gateway: &Gateway, page: &mut Page) -> Result<Vec<Row>> {
    let month = last_month();
    let csrf = page.csrf("/plans")?;
    let mut line = page.connect()?;
    let mut rows = Vec::new();
    // Taking a file away asks for the second factor; it then holds for the next ones too.
    let code = page.code(1)?;
    let mut code = Some(code.as_str());
    for (form, detail) in [("xlsx", "sums"), ("xlsx", "days"), ("csv", "sums"), ("csv", "days")] {
        let mut fields = vec![("csrf", csrf.as_str()), ("month", &month), ("department", "")];
        fields.extend([("form", form), ("detail", detail)]);
        fields.extend(code.take().map(|code| ("code", code)));
        let mut bytes = 0;
        let cost = Cost::of(gateway, || {
            let (status, body) = line.post("/sheets/file", &fields)?;
            let is_file = body.starts_with(if form == "xlsx" { b"PK" } else { b"\xEF\xBB" });
            ensure!(status == 200 && is_file, "no file: {status} {}", text(&body));
            bytes = body.len() as u64;
            Ok(())
        })?;
        let what = format!("month of {PEOPLE} people as {form}, {detail}, {}", mib(bytes));
        rows.push(cost.row(&what, Some(FILE_GOAL)));
    }
    Ok(rows)
}

/// A month that is over and lies whole in the box, as addresses have it.
pub(crate) fn last_month() -> String {
    let month = rfc3339(now_s() - 40 * 86_400);
    month.get(..7).unwrap_or_default().to_owned()
}

/// What an answer costs the box.
pub(crate) struct Cost {
    took: Duration,
    processor: Duration,
    /// Memory at the peak, over what was held before.
    more: u64,
}

impl Cost {
    pub(crate) fn of(gateway: &Gateway, ask: impl FnOnce() -> Result<()>) -> Result<Self> {
        let (before, used) = (gateway.resident()?, gateway.cpu()?);
        // From here on the peak is this answer's.
        std::fs::write(format!("/proc/{}/clear_refs", gateway.pid()), "5")?;
        let begun = Instant::now();
        ask()?;
        let took = begun.elapsed();
        let processor = gateway.cpu()?.saturating_sub(used);
        Ok(Self { took, processor, more: peak(gateway.pid())?.saturating_sub(before) })
    }

    pub(crate) fn row(&self, what: &str, limit: Option<Duration>) -> Row {
        let ours = format!(
            "{}, processor {}; {} more at the peak",
            ms(self.took),
            ms(self.processor),
            mib(self.more)
        );
        let met = limit.is_none_or(|limit| self.took <= limit) && self.more <= MEMORY_GOAL;
        row(what, ours, if limit.is_some() { "2 s; 64 MiB" } else { "64 MiB" }, Some(met))
    }
}

/// The most that a process has held, in bytes.
fn peak(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next()).context("no peak")?;
    Ok(kib.parse::<u64>()? * 1024)
}

fn timed(what: &str, mut times: Vec<Duration>) -> Row {
    let (median, p99) = (quantile(&mut times, 500), quantile(&mut times, 990));
    row(what, format!("{} (median {})", ms(p99), ms(median)), "50 ms", Some(p99 <= GOAL))
}

pub(crate) fn row(what: &str, ours: String, goal: &'static str, met: Option<bool>) -> Row {
    let (against, ratio) = (String::new(), String::new());
    Row { what: what.to_owned(), ours, against, ratio, goal, met }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
