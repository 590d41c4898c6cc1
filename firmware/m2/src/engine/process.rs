//! The engine as a process of its own, without any network.

use super::wire::{Decoder, Message, WireError, write};
use super::{Engine, EngineError, Frame, Shown, Sighting};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long the engine may take to say that it is there.
pub const START_LIMIT: Duration = Duration::from_secs(20);
/// Pause between two looks for it.
const LOOK: Duration = Duration::from_millis(20);
/// How long it may take to take what it is told.
const WRITE_LIMIT: Duration = Duration::from_secs(5);

/// How the engine is run.
#[derive(Clone, Debug)]
pub struct Spawn {
    /// The program.
    pub program: PathBuf,
    /// What it is called with, before `--socket PATH`.
    pub arguments: Vec<String>,
    /// Where its socket is to be.
    pub socket: PathBuf,
}

/// A running engine; it ends when this is dropped.
pub struct Process {
    child: Child,
    stream: UnixStream,
    decoder: Decoder,
    frame: Option<Frame>,
    name: String,
}

impl Process {
    /// Spawns the engine in a network namespace of its own, makes sure that it is in one, and
    /// greets it. Waits for at most [`START_LIMIT`].
    pub fn start(spawn: &Spawn) -> Result<Self, EngineError> {
        let listener = listen(&spawn.socket)?;
        let mut child = command(spawn).spawn()?;
        match greet(&listener, &mut child) {
            Ok((stream, decoder, name)) => Ok(Self { child, stream, decoder, frame: None, name }),
            Err(error) => {
                end(&mut child);
                Err(error)
            }
        }
    }

    /// What the engine calls itself.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Engine for Process {
    fn next(&mut self, patience: Duration) -> Result<Option<Sighting>, EngineError> {
        let until = Instant::now() + patience;
        loop {
            match self.decoder.take()? {
                Some(Message::Frame(frame)) => self.frame = Some(frame),
                Some(Message::Result(sighting)) => {
                    return Ok(Some(Sighting { frame: self.frame.take(), ..sighting }));
                }
                Some(_) => return Err(WireError::Value("order").into()),
                None if !receive(&mut self.stream, &mut self.decoder, until)? => return Ok(None),
                None => {}
            }
        }
    }

    fn shown(&mut self, what: Shown) -> Result<(), EngineError> {
        write(&Message::Shown(what), &mut self.stream)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn end(child: &mut Child) {
    // It may be gone already.
    let _ = child.kill();
    let _ = child.wait();
}

/// Reads once; false if nothing came until then.
fn receive(
    stream: &mut UnixStream,
    decoder: &mut Decoder,
    until: Instant,
) -> Result<bool, EngineError> {
    let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    stream.set_read_timeout(Some(left))?;
    match decoder.read(stream) {
        Ok(true) => Ok(true),
        Ok(false) => Err(io::Error::from(ErrorKind::UnexpectedEof).into()),
        Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// A socket that only this user may connect to.
fn listen(path: &Path) -> io::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// The engine through `unshare`, which gives it an empty network namespace and then becomes it.
/// Only root may do that as it is; anybody else brings a user namespace along.
fn command(spawn: &Spawn) -> Command {
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-current-user"]);
    }
    command.arg("--net").arg("--").arg(&spawn.program).args(&spawn.arguments);
    command.arg("--socket").arg(&spawn.socket).stdin(Stdio::null()).stdout(Stdio::null());
    let path = std::env::var_os("PATH");
    command.env_clear().envs(path.map(|path| ("PATH", path)));
    command
}

fn greet(
    listener: &UnixListener,
    child: &mut Child,
) -> Result<(UnixStream, Decoder, String), EngineError> {
    let until = Instant::now() + START_LIMIT;
    let mut stream = accept(listener, child, until)?;
    let network = |what: io::Error| EngineError::Network(what.to_string());
    if let Some(way) = way_out(child.id()).map_err(network)? {
        return Err(EngineError::Network(way));
    }
    stream.set_write_timeout(Some(WRITE_LIMIT))?;
    let mut decoder = Decoder::default();
    loop {
        match decoder.take()? {
            Some(Message::Ready { name }) => {
                write(&Message::Start, &mut stream)?;
                return Ok((stream, decoder, name));
            }
            Some(_) => return Err(WireError::Value("order").into()),
            None if !receive(&mut stream, &mut decoder, until)? => {
                return Err(io::Error::from(ErrorKind::TimedOut).into());
            }
            None => {}
        }
    }
}

/// The connection of the process that was spawned; others are hung up on.
fn accept(listener: &UnixListener, child: &mut Child, until: Instant) -> io::Result<UnixStream> {
    while Instant::now() < until {
        match listener.accept() {
            Ok((stream, _)) => {
                let peer = rustix::net::sockopt::socket_peercred(&stream)?;
                if peer.pid.as_raw_pid().cast_unsigned() == child.id() {
                    stream.set_nonblocking(false)?;
                    return Ok(stream);
                }
                tracing::warn!("somebody else came to the engine's socket");
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        if let Some(status) = child.try_wait()? {
            return Err(io::Error::other(format!("it ended at once: {status}")));
        }
        std::thread::sleep(LOOK);
    }
    Err(ErrorKind::TimedOut.into())
}

/// How a process could reach a network; `None` if it cannot: it is in another network namespace
/// than we are, with a loopback interface alone and no route.
pub fn way_out(pid: u32) -> io::Result<Option<String>> {
    let namespace = |who: &str| fs::read_link(format!("/proc/{who}/ns/net"));
    if namespace(&pid.to_string())? == namespace("self")? {
        return Ok(Some("it shares the terminal's network".into()));
    }
    let read = |file: &str| fs::read_to_string(format!("/proc/{pid}/net/{file}"));
    let interfaces = read("dev")?;
    let names = interfaces.lines().skip(2).filter_map(|line| line.split(':').next());
    if let Some(other) = names.map(str::trim).find(|name| *name != "lo") {
        return Ok(Some(format!("it has the interface {other}")));
    }
    if read("route")?.lines().skip(1).any(|line| !line.trim().is_empty()) {
        return Ok(Some("it has a route".into()));
    }
    Ok(None)
}
