//! The canary: synthetic evidence goes in by every way there is, good and bad, and then nothing of
//! it may be found in anything that comes out, while the vault, opened with its key, holds what it
//! should.
//!
//! The search is held to leaks that are planted on purpose, in every way out. Strongest of all:
//! two runs that differ in nothing but evidence send the same bytes.

mod evidence;
mod exits;
mod json;
mod m1;
mod page;
mod stage;
mod vault;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evidence::Maker;
use exits::Exits;
use json::{Case, DEVICE};
use muster_tests::gateway::Gateway;
use muster_tests::link::{Answer, Link};
use muster_tests::mqtt::{self, Decoder, Packet};
use muster_tests::page::Page;
use muster_tests::punch::now_s;
use muster_tests::random::seed;
use muster_tests::serial::Line;
use stage::Stage;
use std::net::SocketAddr;
use std::time::Duration;

/// How long a stranger's connection is watched.
const STRANGER: Duration = Duration::from_millis(500);
/// Ways out that a box has at the least: fewer, and the search has looked at nothing.
const FEWEST_EXITS: usize = 40;

#[test]
fn no_evidence_comes_out_and_the_vault_has_it() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let stage = Stage::build(folder.path())?;
    let (serial, carried) = (stage.pair("m1-serial")?, stage.pair("m1-carried")?);
    let mut line = Line::plug(&stage.line())?;
    let mut maker = Maker::new(seed());

    let gateway = stage.start()?;
    let mut page = Page::enter(gateway.listening().console.context("no page")?, &stage.code)?;
    let cases = json::cases(&mut maker);
    let mut kept = over_mqtt(gateway.loopback()?, &cases)?;
    kept.extend(m1::over_serial(&mut line, "m1-serial", &serial, &mut maker)?);
    kept.extend(m1::sealed(gateway.loopback()?, "m1-carried", &carried, &mut maker)?);
    strangers(&gateway, &mut page, &mut maker)?;
    let mut exits = exits::metrics(&gateway)?;
    let gateway = crash(&stage, gateway, &mut kept, &mut maker)?;
    let console = gateway.listening().console.context("no page")?;
    let mut page = Page::enter_again(console, &page)?;

    let settled = stage.drain()?;
    let expected = cases.iter().filter(|case| case.forwarded).count();
    ensure!(settled >= expected, "{settled} of at least {expected} records reached the region");
    exits.extend(exits::asked(&stage.site, &gateway, &mut page)?);
    exits.extend(exits::files(&stage.site)?);
    Stage::stop(gateway)?;
    exits.extend(exits::files(&stage.site)?);
    exits.push(("the region's plain text".to_owned(), stage.region.plain()));

    the_log_is_loud(&exits);
    nothing_came_out(&maker, &exits);
    a_leak_would_be_seen(&mut maker, &exits);
    the_vault_holds(&vault::open(&stage.site)?, &kept)
}

/// The same punches with other evidence: what the region gets differs in its ids alone, which are
/// made of the moment of receipt.
#[test]
fn evidence_changes_nothing_that_is_sent() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let first = Stage::build(&folder.path().join("first"))?;
    let second = first.twin(&folder.path().join("second"))?;
    let (mut sent, began_s) = (Vec::new(), now_s() - 600);
    for (stage, seed) in [(&first, 1), (&second, 2)] {
        let _line = Line::plug(&stage.line())?;
        let gateway = stage.start()?;
        let mut link = Link::open(gateway.loopback()?, DEVICE)?;
        let mut maker = Maker::new(seed);
        for seq in 1..=20 {
            let person = json::PEOPLE[seq as usize % json::PEOPLE.len()];
            let pieces = [maker.face(), maker.vector()];
            let made = json::check_in_at(began_s, seq, Some(person), "face", &pieces);
            link.publish(&format!("muster/1/{DEVICE}/checkin"), made.to_string().as_bytes())?;
        }
        ensure!(stage.drain()? == 20, "not all was sent");
        Stage::stop(gateway)?;
        sent.push(parcels(&stage.region.plain())?);
    }
    ensure!(sent[0].len() == 20, "{} parcels were sent", sent[0].len());
    ensure!(sent[0] == sent[1], "{:#?}", sent);
    Ok(())
}

/// Sends the cases over one terminal's connection; gives what the vault must hold.
fn over_mqtt(address: SocketAddr, cases: &[Case]) -> Result<Vec<Vec<u8>>> {
    let mut link = Link::open(address, DEVICE)?;
    for case in cases {
        let answer = link.publish(&case.topic, &case.payload).context(case.name)?;
        if answer == Answer::Closed {
            ensure!(case.kept.is_empty() && !case.forwarded, "{}: not taken", case.name);
            link = Link::open(address, DEVICE)?;
        }
    }
    Ok(cases.iter().flat_map(|case| case.kept.clone()).collect())
}

/// Evidence that comes to every door by those who have no business there.
fn strangers(gateway: &Gateway, page: &mut Page, maker: &mut Maker) -> Result<()> {
    let ports = gateway.listening();
    let loopback = gateway.loopback()?;
    for bytes in [
        connect_with(maker),
        mqtt::connect(&maker.finger().base64(), 60),
        [mqtt::connect(DEVICE, 60), mqtt::subscribe(1, &maker.finger().base64())].concat(),
        cut_off(maker),
        maker.blob().bytes,
    ] {
        Link::send(loopback, &bytes)?.rest(STRANGER);
    }
    for port in [ports.mqtt, ports.console, ports.metrics].into_iter().flatten() {
        let made = json::check_in(800, Some("00001"), "face", &[maker.face()]).to_string();
        Link::send(port, made.as_bytes())?.rest(STRANGER);
        let path = format!("GET /{} HTTP/1.1\r\n\r\n", maker.finger().base64());
        Link::send(port, path.as_bytes())?.rest(STRANGER);
    }
    let (name, password) = (maker.finger().base64(), maker.finger().base64());
    page.post("/login", &[("csrf", &name), ("name", &name), ("password", &password)])?;
    page.post(&format!("/people/{}", maker.finger().base64()), &[])?;
    Ok(())
}

/// CONNECT of MQTT 3.1.1 with evidence as last will, user name and password.
fn connect_with(maker: &mut Maker) -> Vec<u8> {
    let mut body = b"\x00\x04MQTT\x04\xEE\x00\x3C".to_vec();
    let fields = [
        DEVICE.as_bytes().to_vec(),
        b"muster/1/gate-1/checkin".to_vec(),
        maker.finger().bytes,
        maker.finger().base64().into_bytes(),
        maker.finger().bytes,
    ];
    for field in fields {
        body.extend((field.len() as u16).to_be_bytes());
        body.extend(field);
    }
    let length = body.len();
    [&[0x10, (length & 0x7F) as u8 | 0x80, (length >> 7) as u8][..], &body].concat()
}

/// A publish that ends in the middle.
fn cut_off(maker: &mut Maker) -> Vec<u8> {
    let made = json::check_in(801, Some("00001"), "face", &[maker.face()]).to_string();
    let whole = mqtt::publish("muster/1/gate-1/checkin", 1, false, made.as_bytes());
    [mqtt::connect(DEVICE, 60), whole[..whole.len() / 2].to_vec()].concat()
}

/// SIGKILL while a punch with evidence is on its way; then the terminal sends it again.
fn crash(
    stage: &Stage,
    gateway: Gateway,
    kept: &mut Vec<Vec<u8>>,
    maker: &mut Maker,
) -> Result<Gateway> {
    let piece = maker.face();
    let made = json::check_in(900, Some("00001"), "face", std::slice::from_ref(&piece)).to_string();
    let topic = format!("muster/1/{DEVICE}/checkin");
    let publish = mqtt::publish(&topic, 1, false, made.as_bytes());
    let link = Link::send(gateway.loopback()?, &[mqtt::connect(DEVICE, 60), publish].concat())?;
    gateway.kill()?;
    drop(link);
    let gateway = stage.start()?;
    let answer = Link::open(gateway.loopback()?, DEVICE)?.publish(&topic, made.as_bytes())?;
    ensure!(answer == Answer::Acknowledged, "it was not taken after the crash");
    kept.push(piece.bytes);
    Ok(gateway)
}

/// A log at a lower level would show less than there is.
fn the_log_is_loud(exits: &Exits) {
    let log = exits.iter().find(|(exit, _)| exit.ends_with("gateway.log"));
    let log = log.map(|(_, text)| String::from_utf8_lossy(text)).unwrap_or_default();
    assert!(log.contains(" DEBUG "), "the log is not as loud as it can be: {log}");
}

fn nothing_came_out(maker: &Maker, exits: &Exits) {
    assert!(exits.len() >= FEWEST_EXITS, "only {} ways out were looked at", exits.len());
    let leaks: Vec<_> = exits
        .iter()
        .flat_map(|(exit, text)| {
            let leaks = maker.canaries().find(text).into_iter();
            leaks.map(move |leak| format!("{exit}: {} as {}", leak.piece, leak.written))
        })
        .collect();
    assert!(leaks.is_empty(), "evidence came out:\n{}", leaks.join("\n"));
}

/// A search that finds nothing must be one that would: a leak is planted at the end of each way
/// out in turn.
fn a_leak_would_be_seen(maker: &mut Maker, exits: &Exits) {
    const TAIL: usize = 64 << 10;
    let piece = maker.face();
    let leak = &piece.unique()[40..60];
    let hex: String = leak.iter().map(|byte| format!("{byte:02x}")).collect();
    let writings = [
        leak.to_vec(),
        STANDARD.encode(leak).into_bytes(),
        hex.into_bytes(),
        format!("{leak:?}").into_bytes(),
        leak.escape_ascii().to_string().into_bytes(),
    ];
    for ((exit, text), written) in exits.iter().zip(writings.iter().cycle()) {
        let tail = &text[text.len().saturating_sub(TAIL)..];
        let leaky = [tail, b"\n", written, b"\n"].concat();
        assert!(!maker.canaries().find(&leaky).is_empty(), "a leak in {exit} is not seen");
    }
}

fn the_vault_holds(held: &[Vec<u8>], kept: &[Vec<u8>]) -> Result<()> {
    for piece in kept {
        let found = held.iter().filter(|held| *held == piece).count();
        ensure!(found == 1, "a piece of {} bytes is {found} times in the vault", piece.len());
    }
    Ok(())
}

/// The parcels that a region got, each as its bytes with the id's characters put aside, sorted.
fn parcels(plain: &[u8]) -> Result<Vec<String>> {
    const ID: &str = "\"event_id\":\"";
    let (mut decoder, mut parcels) = (Decoder::default(), Vec::new());
    decoder.push(plain);
    while let Some(packet) = decoder.next_packet()? {
        let Packet::Publish(_, _, payload) = packet else { continue };
        let text = String::from_utf8(payload)?;
        let list = text.trim_start_matches('[').trim_end_matches(']');
        for parcel in list.split_inclusive('}').map(|parcel| parcel.trim_start_matches(',')) {
            let (before, after) = parcel.split_once(ID).context("a parcel without an id")?;
            let (id, rest) = after.split_once('"').context("an id without an end")?;
            parcels.push(format!("{before}{ID}{}\"{rest}", "#".repeat(id.len())));
        }
    }
    parcels.sort();
    Ok(parcels)
}
