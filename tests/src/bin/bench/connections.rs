//! 5,000 terminals connected over TLS, each with a certificate of its own: memory for each, at rest
//! and after each has punched once; against mosquitto.

use crate::bench_box::{BenchBox, folder, part, stop};
use crate::table::{Row, mib};
use crate::terminal::padded_check_in;
use anyhow::{Context as _, Result, ensure};
use muster_tests::authority::{Authority, Identity, Server};
use muster_tests::gateway::resident;
use muster_tests::mosquitto::Mosquitto;
use muster_tests::mqtt;
use muster_tests::punch::now_s;
use muster_tests::site::Site;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

/// Terminals.
const TERMINALS: u64 = 5_000;
/// Terminals that are paired at once.
const PAIRING: usize = 8;
/// Descriptors beside those of terminals.
const SPARE: u64 = 1_000;
/// After which a connection has given back what it does not need at rest.
const REST: Duration = Duration::from_secs(12);
/// Seconds without a word.
const KEEP_ALIVE_S: u16 = 600;
const GOAL_BYTES: u64 = 40 << 10;

/// A terminal's end of its connection.
type Terminal = StreamOwned<ClientConnection, TcpStream>;

/// Six minutes, most of them to pair the terminals.
pub(crate) fn connections() -> Result<Vec<Row>> {
    allow_descriptors()?;
    let count = part(TERMINALS);
    let bench = BenchBox::new(|layout, _| {
        layout.tls = true;
        Ok(())
    })?;
    let (gateway, _) = bench.start()?;
    let address = gateway.listening().mqtt.context("no TLS listener")?;
    let (ca, identities) = paired(&bench.site, &bench.dir, count)?;
    sleep(REST);
    let before = gateway.resident()?;
    let mut terminals = connect_all(address, &ca, &identities)?;
    sleep(REST);
    let silent = gateway.resident()?;
    for (number, terminal) in terminals.iter_mut().enumerate() {
        punch(terminal, number as u64)?;
    }
    sleep(REST);
    let spoken = gateway.resident()?;
    drop(terminals);
    stop(gateway)?;
    let each = |bytes: u64| bytes.saturating_sub(before) / count;
    let worst = each(silent.max(spoken));
    let theirs = theirs(count)?;
    let kib = |bytes: u64| format!("{:.1} KiB", bytes as f64 / 1024.0);
    Ok(vec![Row {
        what: format!("{count} terminals connected over TLS, memory for each"),
        ours: format!(
            "{} at rest, {} after a punch of each ({} in all)",
            kib(each(silent)),
            kib(each(spoken)),
            mib(spoken)
        ),
        against: format!("mosquitto {} at rest", kib(theirs)),
        ratio: format!("{:.2}", worst as f64 / theirs as f64),
        goal: "40 KiB",
        met: Some(worst <= GOAL_BYTES),
    }])
}

/// As many descriptors as the system allows, for the programs that are started here too.
fn allow_descriptors() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let wanted = part(TERMINALS) + SPARE;
    let enough = limit.maximum.is_none_or(|maximum| maximum >= wanted);
    ensure!(enough, "the system allows {:?} open files; {wanted} are needed", limit.maximum);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?)
}

fn name(number: u64) -> String {
    format!("door-{number:05}")
}

/// Pairs terminals; the box's authority, and who each of them is.
fn paired(site: &Site, dir: &Path, count: u64) -> Result<(String, Vec<Identity>)> {
    let numbers: Vec<u64> = (0..count).collect();
    let pair = |number: &u64| -> Result<(String, Identity)> {
        let folder = site.pair("m2", &name(*number), dir)?;
        let text = |file: &str| std::fs::read_to_string(folder.join(file));
        let identity = Identity { certificate: text("device.pem")?, key: text("device.key")? };
        Ok((text("ca.pem")?, identity))
    };
    let lanes = numbers.chunks(numbers.len().div_ceil(PAIRING));
    let lanes: Vec<Result<Vec<_>>> = std::thread::scope(|scope| {
        let lanes: Vec<_> =
            lanes.map(|lane| scope.spawn(|| lane.iter().map(pair).collect())).collect();
        let gone = |_| Err(anyhow::anyhow!("a thread failed"));
        lanes.into_iter().map(|lane| lane.join().unwrap_or_else(gone)).collect()
    });
    let mut all = Vec::new();
    for lane in lanes {
        all.extend(lane?);
    }
    let ca = all.first().context("no terminals")?.0.clone();
    Ok((ca, all.into_iter().map(|(_, identity)| identity).collect()))
}

fn connect_all(address: SocketAddr, ca: &str, identities: &[Identity]) -> Result<Vec<Terminal>> {
    let numbered = (0..).zip(identities);
    numbered.map(|(number, identity)| connect(address, ca, identity, number)).collect()
}

fn connect(address: SocketAddr, ca: &str, who: &Identity, number: u64) -> Result<Terminal> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.as_bytes())?)?;
    let certificates = CertificateDer::pem_slice_iter(who.certificate.as_bytes());
    let certificates = certificates.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(who.key.as_bytes())?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_client_auth_cert(certificates, key)?;
    let client = ClientConnection::new(Arc::new(config), ServerName::try_from("localhost")?)?;
    let mut terminal = StreamOwned::new(client, TcpStream::connect(address)?);
    terminal.write_all(&mqtt::connect(&name(number), KEEP_ALIVE_S))?;
    let mut answer = [0; 4];
    terminal.read_exact(&mut answer).with_context(|| format!("terminal {number}"))?;
    ensure!(answer == [0x20, 2, 0, 0], "CONNECT was answered with {answer:?}");
    Ok(terminal)
}

fn punch(terminal: &mut Terminal, number: u64) -> Result<()> {
    let payload = padded_check_in(1, 1, number, now_s());
    let topic = format!("muster/1/{}/checkin", name(number));
    terminal.write_all(&mqtt::publish(&topic, 1, false, payload.as_bytes()))?;
    let mut answer = [0; 4];
    terminal.read_exact(&mut answer)?;
    ensure!(answer == [0x40, 2, 0, 1], "a punch was answered with {answer:?}");
    Ok(())
}

/// What mosquitto holds for each terminal at rest, with certificates on both sides too.
fn theirs(count: u64) -> Result<u64> {
    let dir = folder()?;
    let authority = Authority::new()?;
    let server = authority.issue(&Server { region: None, ..Server::of("") })?;
    let file = |name: &str, text: &str| -> Result<String> {
        let path = dir.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path.display().to_string())
    };
    let (ca, certificate, key) = (
        file("ca.pem", authority.pem())?,
        file("server.pem", &server.certificate)?,
        file("server.key", &server.key)?,
    );
    let mosquitto = Mosquitto::start(
        dir.path(),
        &format!(
            "cafile {ca}\ncertfile {certificate}\nkeyfile {key}\nrequire_certificate true\n\
             tls_version tlsv1.3\nallow_anonymous true\n"
        ),
    )?;
    let identities = (0..count).map(|number| authority.client(&name(number)));
    let identities = identities.collect::<Result<Vec<_>>>()?;
    let before = resident(mosquitto.pid())?;
    let terminals = connect_all(mosquitto.address, authority.pem(), &identities)?;
    sleep(REST);
    let after = resident(mosquitto.pid())?;
    drop(terminals);
    Ok(after.saturating_sub(before) / count)
}
