//! The bare-metal image in QEMU's `lm3s6965evb`, with a fingerprint module on its second serial
//! port. The first is a stream that the caller carries to a box; the third, the log, is kept as
//! lines. Its card is a file.

use super::FingerModule;
use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// The emulator's program; Debian has it in `qemu-system-arm`.
pub const PROGRAM: &str = "qemu-system-arm";
/// What the machine has written to devices that QEMU does not have.
pub(super) const TRACE: &str = "trace";
/// How long it may take to come up.
const START: Duration = Duration::from_secs(20);
/// How long it may take to answer on its control socket.
const ANSWER: Duration = Duration::from_secs(20);
const TICK: Duration = Duration::from_millis(2);
/// Lines of the log that are kept; older ones go.
const MAX_LINES: usize = 50_000;
/// Where in a packet of the module the instruction lies, and that of a search.
const INSTRUCTION: usize = 9;
const SEARCH: u8 = 0x04;
/// Longest packet of the module, in bytes.
const MAX_COMMAND: usize = 267;

/// What an emulator is started with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// What is in the chip's flash, from its first byte on: boot loader and image.
    pub image: PathBuf,
    /// The card's image, as `muster device card` makes it.
    pub card: PathBuf,
    /// An existing folder for sockets; the system allows some 90 bytes for its path.
    pub sockets: PathBuf,
}

/// What the machine has said, and what its module saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// Lines of the log, each with when it came.
    pub lines: VecDeque<(Instant, String)>,
    /// Lines that went because there were too many.
    pub dropped: u64,
    /// When the module last answered a search.
    pub searched: Option<Instant>,
}

type Shared = Arc<(Mutex<Seen>, Condvar)>;

/// A running machine; killed when dropped.
#[derive(Debug)]
pub struct Emulator {
    child: Child,
    control: BufReader<UnixStream>,
    keypad: UnixStream,
    seen: Shared,
}

impl Emulator {
    /// Switches the machine on. `module` outlives it, as a module with a supply of its own. Gives
    /// the machine, and the end of its serial port to the box, which does not block.
    pub fn start(
        setup: &Setup,
        module: &Arc<Mutex<FingerModule>>,
    ) -> io::Result<(Self, UnixStream)> {
        let sockets = ["box", "module", "log", "control"].map(|name| setup.sockets.join(name));
        let mut listeners = Vec::new();
        for socket in &sockets {
            listeners.push(listen(socket)?);
        }
        let mut child = command(setup, &sockets).spawn()?;
        let streams: io::Result<Vec<_>> =
            listeners.iter().map(|listener| accept(listener, &mut child)).collect();
        let Ok(Ok([line, finger, log, control])) = streams.map(<[UnixStream; 4]>::try_from) else {
            // It may be gone already.
            let _ = child.kill();
            let mut said = String::new();
            if let Some(errors) = &mut child.stderr {
                let _ = errors.take(4096).read_to_string(&mut said);
            }
            let _ = child.wait();
            return Err(io::Error::other(format!("the emulator does not start: {}", said.trim())));
        };
        line.set_nonblocking(true)?;
        let (seen, keypad) = (Shared::default(), log.try_clone()?);
        let (theirs, module) = (seen.clone(), module.clone());
        thread::spawn(move || serve_module(finger, &module, &theirs));
        let theirs = seen.clone();
        thread::spawn(move || keep_log(log, &theirs));
        control.set_read_timeout(Some(ANSWER))?;
        let mut me = Self { child, control: BufReader::new(control), keypad, seen };
        me.ask(r#"{"execute":"qmp_capabilities"}"#)?;
        Ok((me, line))
    }

    /// Types on the keypad, which is on the log's port: `0` to `9`, `*` and `#`.
    pub fn type_keys(&mut self, keys: &str) -> io::Result<()> {
        self.keypad.write_all(keys.as_bytes())
    }

    /// Sends a command of QEMU's machine protocol, one JSON document; gives the answer's line.
    pub fn ask(&mut self, command: &str) -> io::Result<String> {
        self.control.get_mut().write_all(command.as_bytes())?;
        loop {
            let mut line = String::new();
            if self.control.read_line(&mut line)? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            if line.starts_with(r#"{"return""#) {
                return Ok(line);
            }
            if line.starts_with(r#"{"error""#) {
                return Err(io::Error::other(line));
            }
        }
    }

    /// What the machine has said so far.
    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        lock(&self.seen.0)
    }

    /// Waits until `ready` finds what it looks for in what was seen; nothing after `limit`.
    pub fn wait<T>(&self, limit: Duration, mut ready: impl FnMut(&Seen) -> Option<T>) -> Option<T> {
        let begun = Instant::now();
        let mut seen = self.seen();
        loop {
            if let Some(found) = ready(&seen) {
                return Some(found);
            }
            let left = limit.checked_sub(begun.elapsed())?;
            let waited = self.seen.1.wait_timeout(seen, left);
            seen = waited.map_or_else(|poisoned| poisoned.into_inner().0, |(seen, _)| seen);
        }
    }

    /// The same as [`Emulator::seen`], to look at when the machine is gone.
    pub fn keep_seen(&self) -> Arc<(Mutex<Seen>, Condvar)> {
        self.seen.clone()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// SIGKILL, as when the power fails; returns when it is gone.
    pub fn kill(mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn listen(socket: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(socket) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(socket)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn accept(listener: &UnixListener, child: &mut Child) -> io::Result<UnixStream> {
    let begun = Instant::now();
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false)?;
                return Ok(stream);
            }
            Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
            Err(error) if child.try_wait()?.is_some() || begun.elapsed() > START => {
                return Err(error);
            }
            Err(_) => thread::sleep(TICK),
        }
    }
}

fn command(setup: &Setup, sockets: &[PathBuf; 4]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(["-M", "lm3s6965evb", "-display", "none", "-monitor", "none"]);
    command.arg("-kernel").arg(&setup.image);
    // A comma ends a value of an option, two are one of the value.
    let text = |path: &Path| path.to_string_lossy().replace(',', ",,");
    let [ports @ .., control] = sockets;
    for (name, socket) in ["box", "module", "log"].into_iter().zip(ports) {
        command.arg("-chardev").arg(format!("socket,id={name},path={}", text(socket)));
        command.arg("-serial").arg(format!("chardev:{name}"));
    }
    command.arg("-qmp").arg(format!("unix:{}", text(control)));
    command.arg("-drive").arg(format!("if=sd,format=raw,file={}", text(&setup.card)));
    command.args(["-device", "ds1338,address=0x68"]);
    // QEMU has no flash controller: what is written to it is on record, see `CodeFlash`.
    command.args(["-d", "unimp", "-D"]).arg(setup.sockets.join(TRACE));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// Answers the driver until the machine is gone. Commands come byte by byte.
fn serve_module(mut stream: UnixStream, module: &Mutex<FingerModule>, seen: &Shared) {
    let (mut bytes, mut command) = ([0; 512], Vec::new());
    while let Ok(len @ 1..) = stream.read(&mut bytes) {
        let sent = bytes.get(..len).unwrap_or_default();
        command.extend_from_slice(sent);
        let answer = lock(module).exchange(sent);
        if answer.is_empty() && command.len() < MAX_COMMAND {
            continue;
        }
        if stream.write_all(&answer).is_err() {
            return;
        }
        if command.get(INSTRUCTION) == Some(&SEARCH) {
            lock(&seen.0).searched = Some(Instant::now());
            seen.1.notify_all();
        }
        command.clear();
    }
}

/// Keeps lines until the machine is gone.
fn keep_log(stream: UnixStream, seen: &Shared) {
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let mut seen_now = lock(&seen.0);
        seen_now.lines.push_back((Instant::now(), line.trim_end().to_owned()));
        if seen_now.lines.len() > MAX_LINES {
            seen_now.lines.pop_front();
            seen_now.dropped += 1;
        }
        drop(seen_now);
        seen.1.notify_all();
    }
}

/// A lock that outlives a panic elsewhere.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
