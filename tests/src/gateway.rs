//! A running gateway, as whoever started it sees it: a process, its ready line, signals.

use crate::site::Site;
use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How often a process is looked at while it ends.
const TICK: Duration = Duration::from_millis(5);
/// How long one answer of `/healthz` may take.
const HTTP_LIMIT: Duration = Duration::from_secs(5);
/// Ticks in which Linux tells programs of processor time, on every architecture (`USER_HZ`).
const TICKS_A_SECOND: u64 = 100;

/// Where a gateway listens, as its ready line says.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Listening {
    pub mqtt: Option<SocketAddr>,
    pub loopback: Option<SocketAddr>,
    pub console: Option<SocketAddr>,
    pub metrics: Option<SocketAddr>,
}

/// A gateway's process; killed when dropped.
#[derive(Debug)]
pub struct Gateway {
    child: Child,
    spawned: Instant,
    lines: Receiver<String>,
    listening: Option<Listening>,
}

impl Gateway {
    /// Starts `muster run`.
    pub fn spawn(site: &Site) -> Result<Self> {
        let layout = site.layout();
        let log = File::options().create(true).append(true).open(&layout.log)?;
        let mut command = layout.program();
        command.arg("run").arg("--config").arg(site.config()).stdin(Stdio::null());
        if std::env::var_os("RUST_LOG").is_none() {
            command.env("RUST_LOG", "info");
        }
        let spawned = Instant::now();
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn()?;
        let lines = follow(child.stdout.take().context("no output")?);
        Ok(Self { child, spawned, lines, listening: None })
    }

    /// Waits for the ready line; how long the start took.
    pub fn ready(&mut self, limit: Duration) -> Result<Duration> {
        loop {
            let left = limit.saturating_sub(self.spawned.elapsed());
            match self.lines.recv_timeout(left) {
                Ok(line) if line.starts_with("ready") => {
                    self.listening = Some(listening(&line)?);
                    return Ok(self.spawned.elapsed());
                }
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => bail!("not ready within {limit:?}"),
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("ended before it was ready: {}", self.child.wait()?)
                }
            }
        }
    }

    /// Where it listens; nothing before it is ready.
    pub fn listening(&self) -> Listening {
        self.listening.clone().unwrap_or_default()
    }

    /// The plaintext listener.
    pub fn loopback(&self) -> Result<SocketAddr> {
        self.listening().loopback.context("no loopback listener")
    }

    /// Its process number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory, in bytes.
    pub fn resident(&self) -> Result<u64> {
        resident(self.pid())
    }

    /// Processor time used so far, by threads that have ended too; in hundredths of a second.
    pub fn cpu(&self) -> Result<Duration> {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.pid()))?;
        // The name, in parentheses, may hold anything; utime and stime are the 12th and 13th
        // fields after it, in ticks (proc(5)).
        let (_, fields) = text.rsplit_once(") ").context("no such process")?;
        let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u64>);
        let ticks = ticks.sum::<std::result::Result<u64, _>>()?;
        Ok(Duration::from_millis(ticks * 1000 / TICKS_A_SECOND))
    }

    /// Status and body of `GET path` on the metrics listener.
    pub fn http(&self, path: &str) -> Result<(u16, String)> {
        let address = self.listening().metrics.context("no metrics listener")?;
        let mut stream = TcpStream::connect_timeout(&address, HTTP_LIMIT)?;
        stream.set_read_timeout(Some(HTTP_LIMIT))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok());
        Ok((status.context("no status")?, body.to_owned()))
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = Pid::from_raw(self.child.id() as i32).context("no process")?;
        Ok(kill_process(pid, signal)?)
    }

    /// SIGKILL, and the box is off until it is started anew.
    pub fn stop_now(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop).map_err(Into::into)
    }

    /// SIGKILL; returns when it is gone.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// SIGTERM; an error where it is not gone within `limit`.
    pub fn terminate(mut self, limit: Duration) -> Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        let asked = Instant::now();
        while asked.elapsed() < limit {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(TICK);
        }
        bail!("still running {limit:?} after SIGTERM")
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Resident memory of a process, in bytes.
pub fn resident(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}

/// Lines of the child's output as they come, until it ends.
fn follow(out: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// `ready … listen={…}`.
fn listening(line: &str) -> Result<Listening> {
    let Some((_, json)) = line.split_once("listen=") else { return Ok(Listening::default()) };
    serde_json::from_str(json).with_context(|| format!("the ready line is odd: {line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_line_tells_the_ports() {
        let line = r#"ready records=3 listen={"mqtt":null,"loopback":"127.0.0.1:4","serial":[]}"#;
        assert_eq!(listening(line).unwrap().loopback, Some("127.0.0.1:4".parse().unwrap()));
        assert_eq!(listening("ready").unwrap(), Listening::default());
        assert!(listening("ready listen={").is_err());
    }
}
