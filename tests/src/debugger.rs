//! A debugger on the emulated processor, as much of GDB's remote protocol as it takes to make the
//! firmware hang, or time pass.

use anyhow::{Context as _, Result, ensure};
use muster_terminal::sim::Emulator;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// How long the debugger may take to answer.
const ANSWER: Duration = Duration::from_secs(10);
/// `b .`, the shortest loop there is.
const LOOP: [u8; 2] = 0xE7FE_u16.to_le_bytes();
/// End of the symbol of the milliseconds since the start, eight bytes.
const CLOCK: &str = "5clock2MS.0";
/// Where among the registers the program counter is: the sixteenth, of eight hex digits each.
const PC: std::ops::Range<usize> = 15 * 8..16 * 8;

/// Lets the processor run a loop of one instruction from now on, found in the flash of this file
/// from `from` on. Interrupts go on.
pub fn hang(machine: &mut Emulator, flash: &[u8], from: usize, sockets: &Path) -> Result<()> {
    let pairs = flash.get(from..).unwrap_or_default().as_chunks::<2>().0;
    let at = pairs.iter().position(|pair| *pair == LOOP).context("no loop in the image")?;
    let at = (from + 2 * at) as u32;
    let mut stream = attach(machine, sockets)?;
    let mut registers = command(&mut stream, "g")?;
    ensure!(registers.len() >= PC.end && registers.is_ascii(), "no registers: {registers}");
    registers.replace_range(PC, &format!("{:08x}", at.swap_bytes()));
    let set = command(&mut stream, &format!("G{registers}"))?;
    ensure!(set == "OK", "the program counter cannot be set: {set}");
    ensure!(command(&mut stream, "D")? == "OK", "it does not go on");
    Ok(())
}

/// Lets time pass, all at once: the milliseconds that the firmware has counted since its start grow
/// by so many. `elf` is the program that runs, with its symbols.
pub fn pass(machine: &mut Emulator, elf: &Path, time: Duration, sockets: &Path) -> Result<()> {
    let at = address(elf, CLOCK)?;
    let mut stream = attach(machine, sockets)?;
    let counted = command(&mut stream, &format!("m{at:x},8"))?;
    let counted = u64::from_str_radix(&counted, 16).context("no count")?.swap_bytes();
    let later = (counted + time.as_millis() as u64).swap_bytes();
    let set = command(&mut stream, &format!("M{at:x},8:{later:016x}"))?;
    ensure!(set == "OK", "the count cannot be set: {set}");
    ensure!(command(&mut stream, "D")? == "OK", "it does not go on");
    Ok(())
}

/// Where a program has the one thing whose symbol ends so.
fn address(elf: &Path, end: &str) -> Result<u64> {
    let listed = Command::new("readelf").arg("-sW").arg(elf).output()?;
    let text = String::from_utf8_lossy(&listed.stdout);
    let of = |line: &str| {
        let mut fields = line.split_whitespace();
        let (value, name) = (fields.nth(1)?, fields.last()?);
        name.ends_with(end).then(|| u64::from_str_radix(value, 16).ok())?
    };
    text.lines().find_map(of).with_context(|| format!("no {end} in {}", elf.display()))
}

/// Stops the processor, until `D`.
fn attach(machine: &mut Emulator, sockets: &Path) -> Result<UnixStream> {
    let socket = sockets.join("debugger");
    let server = format!("gdbserver unix:{},server=on,wait=off", socket.display());
    let arguments = format!(r#"{{"command-line":"{server}"}}"#);
    machine.ask(&format!(r#"{{"execute":"human-monitor-command","arguments":{arguments}}}"#))?;
    // It stands still as soon as somebody has connected, and that is told unasked.
    connect(&socket)
}

fn connect(socket: &Path) -> Result<UnixStream> {
    let begun = Instant::now();
    loop {
        match UnixStream::connect(socket) {
            Ok(stream) => {
                stream.set_read_timeout(Some(ANSWER))?;
                return Ok(stream);
            }
            Err(error) if begun.elapsed() > ANSWER => return Err(error.into()),
            Err(_) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// Sends a packet and gives the answer's contents.
fn command(stream: &mut UnixStream, words: &str) -> Result<String> {
    let sum = words.bytes().fold(0u8, u8::wrapping_add);
    write!(stream, "${words}#{sum:02x}")?;
    loop {
        let answer = packet(stream)?;
        if !answer.starts_with('T') {
            return Ok(answer);
        }
    }
}

/// The contents of the next packet.
fn packet(stream: &mut UnixStream) -> Result<String> {
    let (mut answer, mut byte) = (String::new(), [0]);
    loop {
        stream.read_exact(&mut byte)?;
        match byte[0] {
            b'+' => {}
            b'$' => answer.clear(),
            b'#' => break,
            other => answer.push(char::from(other)),
        }
    }
    stream.read_exact(&mut [0; 2])?;
    stream.write_all(b"+")?;
    Ok(answer)
}
