//! A box that is dark at first, a centre before it, an M1 on its line and an M2 in its network.

use crate::memory::Planted;
use crate::programs::{Program, Programs};
use anyhow::{Context as _, Result, ensure};
use muster_forwarder::config::BoxConfig;
use muster_m2::{Capture, Direction, Form, M2, Method, Outcome};
use muster_proto::message::{Evidence, EvidenceKind};
use muster_proto::seal::CENTRE_DOMAIN;
use muster_terminal::sim::{Board, RamFlash};
use muster_tests::binary::{Build, gateway};
use muster_tests::gateway::Gateway;
use muster_tests::serial::Line;
use muster_tests::site::{Layout, Site};
use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Fingers at the gate's M1.
pub(crate) const M1_PUNCHES: usize = 6;
/// Faces at the lobby's M2.
pub(crate) const M2_PUNCHES: usize = 5;
/// Bytes of evidence.
const TEMPLATE: usize = 256;
const IMAGE: usize = 3_000;
/// How often the gate is looked after.
const TICK: Duration = Duration::from_millis(2);
/// Time from one press to the next.
const PRESS: Duration = Duration::from_millis(700);
/// Records of the centre's queue begin with their length.
const HEAD: usize = 8;

/// The M1 at the gate.
pub(crate) struct Gate {
    board: Board,
    line: Line,
    began: Instant,
    pressed: Instant,
    templates: Vec<Vec<u8>>,
    person: String,
}

impl Gate {
    pub(crate) fn waiting(&self) -> u32 {
        self.board.terminal.waiting()
    }

    fn poll(&mut self) -> Result<()> {
        let (mut rx, mut tx) = ([0; 512], vec![0; Board::MAX_TX]);
        let now_ms = self.began.elapsed().as_millis() as u64;
        let length = self.line.read(&mut rx)?;
        let data = self.templates.last().map_or(&[][..], |t| t);
        let template = Evidence { kind: EvidenceKind::FingerprintTemplate, media: "", data };
        let length = self.board.poll(now_ms, &rx[..length], &mut tx, &[template]);
        self.line.write(&tx[..length]);
        std::thread::sleep(TICK);
        Ok(())
    }
}

pub(crate) struct Stage {
    programs: Programs,
    folder: PathBuf,
    site: Site,
    the_box: Option<Gateway>,
    centre_port: u16,
    faces: Vec<String>,
    pub(crate) gate: Gate,
}

impl Stage {
    pub(crate) fn build(folder: &Path, planted: &mut Planted) -> Result<Self> {
        let programs = Programs::find()?;
        let mut layout = Layout::new(gateway(Build::Real)?, &folder.join("box"));
        layout.tls = true;
        let site = Site::init(layout)?;
        let [box_port, centre_port] = free_ports()?;
        let config = fs::read_to_string(site.config())?;
        let port = format!("\nlisten = \"127.0.0.1:{box_port}\"\n[clock]");
        fs::write(site.config(), config.replace("\nlisten = \"127.0.0.1:0\"\n[clock]", &port))?;
        for (kind, name) in
            [("c1", "c1-hall"), ("m1", "m1-gate"), ("m2", "m2-lobby"), ("m2", "m2-outside")]
        {
            pair(&site, folder, kind, name)?;
        }
        let faces: Vec<_> = (0..M2_PUNCHES).map(|_| planted.person()).collect();
        captures(&folder.join("captures"), &faces, planted)?;
        fs::write(folder.join("c1.toml"), centre_toml(folder, box_port, centre_port))?;
        fs::write(folder.join("m2.toml"), lobby_toml(folder, &programs.engine, centre_port))?;
        let gate = gate(folder, planted)?;
        let folder = folder.to_owned();
        Ok(Self { programs, folder, site, the_box: None, centre_port, faces, gate })
    }

    pub(crate) fn start_centre(&self) -> Result<Program> {
        Program::start(&self.programs.centre, &self.folder.join("c1.toml"))
    }

    pub(crate) fn start_lobby(&self) -> Result<Program> {
        Program::start(&self.programs.lobby, &self.folder.join("m2.toml"))
    }

    pub(crate) fn start_box(&mut self) -> Result<()> {
        let mut started = self.site.start()?;
        started.ready(Duration::from_secs(20))?;
        self.the_box = Some(started);
        Ok(())
    }

    /// Presses fingers until all punches are stored.
    pub(crate) fn punch_at_gate(&mut self, limit: Duration) -> Result<()> {
        self.until(limit, "the gate has stored its punches", |stage| {
            let gate = &mut stage.gate;
            let stored = gate.board.terminal.counts().stored as usize;
            gate.templates.truncate(M1_PUNCHES.saturating_sub(stored).max(1));
            // A finger must have been off the glass before it counts again.
            if stored < M1_PUNCHES && gate.pressed.elapsed() > PRESS {
                gate.board.module.press(3, 90);
                gate.pressed = Instant::now();
            }
            stored >= M1_PUNCHES
        })
    }

    /// Looks after the gate until `done`.
    pub(crate) fn until(
        &mut self,
        limit: Duration,
        what: &str,
        mut done: impl FnMut(&mut Self) -> bool,
    ) -> Result<()> {
        let begun = Instant::now();
        while !done(self) {
            let log = || fs::read_to_string(self.folder.join("c1.log")).unwrap_or_default();
            ensure!(begun.elapsed() < limit, "{what}: not within {limit:?}\n{}", log());
            self.gate.poll()?;
        }
        Ok(())
    }

    pub(crate) fn centre_folder(&self) -> PathBuf {
        self.folder.join("centre")
    }

    /// Check-ins in the centre's queue, taken from its file: entries that were not removed.
    pub(crate) fn waiting_at_centre(&self) -> usize {
        let bytes = fs::read(self.centre_folder().join("queue")).unwrap_or_default();
        let (mut waiting, mut rest) = (BTreeSet::new(), bytes.as_slice());
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let length = u32::from_le_bytes(*length) as usize;
            let Some(body) = after.get(HEAD - 4..HEAD - 4 + length) else { break };
            let index = &body[1..9];
            let check_in = body.get(9..).is_some_and(is_check_in);
            let _ = if check_in { waiting.insert(index) } else { waiting.remove(index) };
            rest = &after[HEAD - 4 + length..];
        }
        waiting.len()
    }

    /// Whether the centre acknowledges a message of an M2 that is paired with the box and not
    /// carried here.
    pub(crate) fn outsider_is_heard(&self) -> Result<bool> {
        let runtime = tokio::runtime::Runtime::new()?;
        let _inside = runtime.enter();
        let here = BoxConfig {
            host: Some("127.0.0.1".into()),
            port: Some(self.centre_port),
            credentials: "m2-outside".into(),
        };
        let mut login = here.login(Some("m2-outside"), &self.folder)?;
        login.certificate_name = Some(format!("c1-hall.{CENTRE_DOMAIN}"));
        let form = Form::Sealed(here.secret(&self.folder)?);
        let m2 = M2::start_as(&self.folder.join("outside"), login, form)?;
        m2.punch(&Capture {
            person: Some("1"),
            at: "2026-12-01T08:59:31+08:00",
            method: Method::Face,
            outcome: Outcome::Granted,
            direction: Some(Direction::In),
            live: true,
            unsure_clock: false,
            evidence: &[],
        })?;
        std::thread::sleep(Duration::from_secs(2));
        Ok(m2.waiting() == 0)
    }

    /// (device, person) of each record at the box.
    pub(crate) fn records(&self) -> Result<Vec<(String, String)>> {
        let records = self.site.json(&["records", "--format", "json"])?;
        let text = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap_or("-").to_owned();
        let rows = records.as_array().context("no rows")?.iter();
        let mut found: Vec<_> =
            rows.map(|row| (text(row, "device"), text(row, "person"))).collect();
        found.sort();
        Ok(found)
    }

    pub(crate) fn expected(&self) -> Vec<(String, String)> {
        let gate = (0..M1_PUNCHES).map(|_| ("m1-gate".to_owned(), self.gate.person.clone()));
        let lobby = self.faces.iter().map(|person| ("m2-lobby".to_owned(), person.clone()));
        let mut all: Vec<_> = gate.chain(lobby).collect();
        all.sort();
        all
    }
}

/// Whether an entry is a punch: topic length, topic, then the seal's header.
fn is_check_in(entry: &[u8]) -> bool {
    let Some((length, rest)) = entry.split_first_chunk::<2>() else { return false };
    let sealed = rest.get(usize::from(u16::from_le_bytes(*length))..).unwrap_or_default();
    matches!(sealed, [1, 1 | 2, ..])
}

/// Two ports that were free a moment ago.
fn free_ports() -> Result<[u16; 2]> {
    let (one, two) = (TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
    Ok([one.local_addr()?.port(), two.local_addr()?.port()])
}

fn pair(site: &Site, folder: &Path, kind: &str, name: &str) -> Result<()> {
    let out = folder.join(name);
    let out = out.to_str().context("a folder's name is not text")?;
    let mut args = vec!["device", "pair", "--kind", kind, "--name", name, "--out", out];
    if kind != "c1" {
        args.extend(["--carrier", "c1-hall"]);
    }
    site.muster(&args)?;
    Ok(())
}

fn gate(folder: &Path, planted: &mut Planted) -> Result<Gate> {
    let person = planted.person();
    let digits = fs::read(folder.join("m1-gate/device.secret"))?;
    let secret = muster_forwarder::config::secret(digits.trim_ascii()).context("no secret")?;
    let users = [(3, person.as_str())];
    let board = Board::start("m1-gate", &secret, 1, RamFlash::new(64), &users);
    let board = board.map_err(|error| anyhow::anyhow!("{error}"))?;
    let templates = (0..M1_PUNCHES).map(|_| planted.evidence("a finger", TEMPLATE)).collect();
    let line = Line::plug(&folder.join("line"))?;
    Ok(Gate { board, line, began: Instant::now(), pressed: Instant::now(), templates, person })
}

fn captures(folder: &Path, faces: &[String], planted: &mut Planted) -> Result<()> {
    fs::create_dir(folder)?;
    let mut text = String::new();
    for (at, person) in faces.iter().enumerate() {
        fs::write(folder.join(format!("{at}.jpg")), planted.evidence("a face", IMAGE))?;
        let template = planted.evidence("a face's template", TEMPLATE);
        fs::write(folder.join(format!("{at}.template")), template)?;
        text += &format!(
            "[[capture]]\nafter_ms = 50\nperson = \"{person}\"\nliveness = \"live\"\n\
             score = 9800\nimage = \"{at}.jpg\"\ntemplate = \"{at}.template\"\n"
        );
    }
    Ok(fs::write(folder.join("captures.toml"), text)?)
}

fn centre_toml(folder: &Path, box_port: u16, port: u16) -> String {
    let line = folder.join("line");
    format!(
        "name = \"c1-hall\"\ndata = \"centre\"\n[box]\nhost = \"localhost\"\nport = {box_port}\n\
         credentials = \"c1-hall\"\n[mqtt]\nlisten = \"127.0.0.1:{port}\"\n\
         devices = [\"m2-lobby\"]\n[[line]]\nport = \"{}\"\n\
         terminals = [{{ address = 1, name = \"m1-gate\" }}]\n",
        line.display()
    )
}

fn lobby_toml(folder: &Path, engine: &Path, port: u16) -> String {
    format!(
        "name = \"m2-lobby\"\ndata = \"lobby\"\ntime_zone = \"Asia/Hong_Kong\"\n\
         [box]\nhost = \"127.0.0.1\"\nport = {port}\ncredentials = \"m2-lobby\"\n\
         [through]\ncentre = \"c1-hall\"\n[engine]\nprogram = \"{}\"\n\
         arguments = [\"--captures\", \"{}\"]\nleast_score = 9000\n",
        engine.display(),
        folder.join("captures").display()
    )
}
