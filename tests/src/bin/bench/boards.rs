//! Receipts beside live boards: spans without boards and spans with them take turns on one box, so
//! that what else the machine does falls on both alike.

use crate::office::{MEMORY_GOAL, row};
use crate::table::{Row, median, mib, ms, quantile};
use crate::terminal::Terminal;
use anyhow::Result;
use muster_tests::gateway::Gateway;
use muster_tests::page::Page;
use muster_tests::punch::now_s;
use std::net::{Shutdown, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const BOARDS: usize = 200;
/// Spans without boards, and as many with them.
const PAIRS: usize = 7;
/// How long receipts are timed in each span.
const SPAN: Duration = Duration::from_secs(10);
/// Between two punches: what is wanted is how long one takes, not how many fit.
const PACE: Duration = Duration::from_millis(3);
/// After boards were opened or closed: that is not what is timed.
const REST: Duration = Duration::from_secs(1);
/// How much lower the priority of those who read boards is.
const READERS_GIVE_WAY: i32 = 15;
/// Most that the p99 may move.
const GOAL: f64 = 1.1;

/// Receipts without boards and beside them, and what the boards hold.
#[allow(clippy::print_stderr)]
pub(crate) fn boards(gateway: &Gateway, page: &mut Page) -> Result<Vec<Row>> {
    let name = format!("bench-live-{}", now_s());
    let mut punches = Punches { terminal: Terminal::connect(gateway.loopback()?, &name)?, next: 1 };
    punches.p99()?;
    let (mut alone, mut beside, mut held) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        alone.push(punches.p99()?);
        let before = gateway.resident()?;
        let open = Boards::open(page)?;
        beside.push(punches.p99()?);
        held.push(gateway.resident()?.saturating_sub(before));
        open.close();
        std::thread::sleep(REST);
        let (a, b) = (alone.last().copied(), beside.last().copied());
        eprintln!("p99 without boards {}, beside them {}", ms_of(a), ms_of(b));
    }
    let most = held.into_iter().max().unwrap_or_default();
    let (alone, beside) = (median(alone), median(beside));
    let ratio = beside / alone;
    Ok(vec![
        row(
            "200 live boards hold, most of all openings",
            mib(most),
            "64 MiB",
            Some(most <= MEMORY_GOAL),
        ),
        Row {
            what: format!(
                "receipt beside {BOARDS} live boards, p99, median of {PAIRS} spans in turn"
            ),
            ours: ms_of(Some(beside)),
            against: format!("without them {}", ms_of(Some(alone))),
            ratio: format!("{ratio:.2}"),
            goal: "at most 1.1",
            met: Some(ratio <= GOAL),
        },
    ])
}

/// One terminal's punches, each waited for.
struct Punches {
    terminal: Terminal,
    next: u64,
}

impl Punches {
    /// Of the receipts of one span, in seconds.
    fn p99(&mut self) -> Result<f64> {
        let (begun, mut times) = (Instant::now(), Vec::new());
        while begun.elapsed() < SPAN {
            times.push(self.terminal.punch(self.next)?);
            self.next += 1;
            std::thread::sleep(PACE);
        }
        Ok(quantile(&mut times, 990).as_secs_f64())
    }
}

/// Live boards, each on a connection of its own.
struct Boards(Vec<(TcpStream, JoinHandle<()>)>);

impl Boards {
    fn open(page: &Page) -> Result<Self> {
        let mut open = Vec::with_capacity(BOARDS);
        for _ in 0..BOARDS {
            let mut line = page.connect()?;
            line.begin("/today/live")?;
            let socket = line.socket()?;
            let reader = std::thread::spawn(move || {
                // Boards hang elsewhere: what they take of this machine is not what is timed.
                let _ = rustix::process::nice(READERS_GIVE_WAY);
                line.drain();
            });
            open.push((socket, reader));
        }
        std::thread::sleep(REST);
        Ok(Self(open))
    }

    fn close(self) {
        for (socket, reader) in self.0 {
            // The other end may have closed it already.
            let _ = socket.shutdown(Shutdown::Both);
            let _ = reader.join();
        }
    }
}

fn ms_of(seconds: Option<f64>) -> String {
    ms(Duration::from_secs_f64(seconds.unwrap_or_default()))
}
