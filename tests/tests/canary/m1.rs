//! Evidence by way of an M1: over a noisy serial line with the firmware's own code, and sealed
//! over MQTT as a C1 would carry it.

use crate::evidence::{Maker, Piece};
use crate::json::PEOPLE;
use anyhow::{Context as _, Result, bail, ensure};
use muster_proto::message::{
    CheckIn, ClockState, Direction, Evidence, EvidenceKind, Evidences, LocalTime, Method, Outcome,
};
use muster_proto::seal::{Keys, MAX_SEALED};
use muster_terminal::sim::{Board, RamFlash};
use muster_tests::link::{Answer, Link};
use muster_tests::punch::now_s;
use muster_tests::random::Random;
use muster_tests::serial::Line;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

/// Punches over the serial line.
const PUNCHES: usize = 12;
/// Its address on the line.
const ADDRESS: u8 = 1;
/// One byte of so many is wrong on the way.
const NOISE: u64 = 1_000;
/// How long all receipts may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often the board is looked after.
const TICK: Duration = Duration::from_millis(2);

/// Punches at an M1 on the line until all have their receipt, and gives what the vault must hold.
pub(crate) fn over_serial(
    line: &mut Line,
    name: &str,
    credentials: &Path,
    maker: &mut Maker,
) -> Result<Vec<Vec<u8>>> {
    let secret = secret(credentials)?;
    let board = Board::start(name, &secret, ADDRESS, RamFlash::new(64), &[]);
    let mut board = board.map_err(|error| anyhow::anyhow!("the terminal: {error}"))?;
    let mut noise = Random::new(7);
    // A stranger on the line, before there is any frame.
    line.write(&maker.blob().bytes);
    let pieces: Vec<_> = (0..PUNCHES).map(|_| maker.finger()).collect();
    let (begun, mut next) = (Instant::now(), 0);
    let (mut rx, mut tx) = ([0; 512], vec![0; Board::MAX_TX]);
    while next < PUNCHES || board.terminal.waiting() > 0 {
        ensure!(begun.elapsed() < PATIENCE, "{} without receipt", board.terminal.waiting());
        let now_ms = begun.elapsed().as_millis() as u64;
        let len = line.read(&mut rx)?;
        let len = board.poll(now_ms, &rx[..len], &mut tx, &[]);
        let sent = tx[..len].iter_mut().filter(|_| noise.one_in(NOISE));
        sent.for_each(|byte| *byte ^= 0x10);
        line.write(&tx[..len]);
        if next < PUNCHES && now_ms > 100 * next as u64 {
            let evidence = [wire(&pieces[next])];
            let person = Some(PEOPLE[next % PEOPLE.len()]);
            let (method, granted) = (Method::Fingerprint, Outcome::Granted);
            let punched = board.terminal.punch(now_ms, person, method, granted, None, &evidence);
            ensure!(punched.is_ok(), "the terminal has no room");
            next += 1;
        }
        std::thread::sleep(TICK);
    }
    Ok(pieces.into_iter().map(|piece| piece.bytes).collect())
}

/// Sends sealed check-ins, whole and spoilt, and gives what the vault must hold.
pub(crate) fn sealed(
    address: SocketAddr,
    name: &str,
    credentials: &Path,
    maker: &mut Maker,
) -> Result<Vec<Vec<u8>>> {
    let keys = keys(&secret(credentials)?, name)?;
    let topic = format!("muster/1/{name}/checkin");
    let mut link = Link::open(address, name)?;
    let mut send = |payload: &[u8]| -> Result<()> {
        if link.publish(&topic, payload)? == Answer::Closed {
            link = Link::open(address, name)?;
        }
        Ok(())
    };
    let good = maker.finger();
    send(&seal(&keys, 1, &good)?)?;
    let mut flipped = seal(&keys, 2, &maker.finger())?;
    flipped[60] ^= 1;
    send(&flipped)?;
    let cut = seal(&keys, 3, &maker.finger())?;
    send(&cut[..cut.len() / 2])?;
    send(&seal(&self::keys(&[7; 32], name)?, 4, &maker.finger())?)?;
    send(&[&seal(&keys, 5, &maker.finger())?[..18], &maker.finger().bytes].concat())?;
    Ok(vec![good.bytes])
}

fn seal(keys: &Keys, seq: u64, piece: &Piece) -> Result<Vec<u8>> {
    let evidence = Evidences::from_slice(&[wire(piece)]);
    let check_in = CheckIn {
        boot: 1,
        seq,
        person: Some(PEOPLE[1]),
        at: LocalTime { seconds: now_s() - 60, offset_minutes: 480 },
        method: Method::Fingerprint,
        outcome: Outcome::Granted,
        direction: Some(Direction::Out),
        live: true,
        clock: ClockState::Ok,
        evidence: evidence.map_err(|error| anyhow::anyhow!("{error}"))?,
        unknown_fields: 0,
    };
    let mut out = vec![0; MAX_SEALED];
    let len = keys.seal(&check_in, &mut out).map_err(|error| anyhow::anyhow!("{error}"))?;
    out.truncate(len);
    Ok(out)
}

fn keys(secret: &[u8; 32], name: &str) -> Result<Keys> {
    Keys::derive(secret, name).map_err(|error| anyhow::anyhow!("{error}"))
}

fn wire(piece: &Piece) -> Evidence<'_> {
    Evidence { kind: EvidenceKind::FingerprintTemplate, media: piece.media, data: &piece.bytes }
}

/// The pairing secret: 64 hex digits among the credentials.
fn secret(credentials: &Path) -> Result<[u8; 32]> {
    let text = std::fs::read_to_string(credentials.join("device.secret"))?;
    let digits = text.trim().as_bytes();
    if digits.len() != 64 {
        bail!("the pairing secret is not 64 hex digits");
    }
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
    bytes.and_then(|bytes| bytes.try_into().ok()).context("the pairing secret is not hex")
}
