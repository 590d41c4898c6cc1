//! The demo's terminals: an M1 on a serial line, an M2 over mutual TLS, and a C1 over mutual TLS
//! that joins two more M1s. All run the firmware's own code.

use super::emulated;
use super::leak::Canaries;
use super::pty::{M1, Pty};
use super::stage::{PEOPLE, UNMAPPED};
use crate::gateway::Gateway;
use anyhow::{Context as _, Result, bail};
use muster_c1::{C1, LineConfig, Login, Terminal, Ways};
use muster_intake::authority::{Authority, Credentials, Pairing};
use muster_ledger::DeviceKind;
use muster_m2::{Capture, Direction, Evidence, EvidenceKind, M2, Method, Outcome};
use ring::rand::{SecureRandom, SystemRandom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub(super) const ADDRESS: u8 = 1;
const FACE_IMAGE: usize = 768;
const FACE_TEMPLATE: usize = 256;

/// Finger pages of the M1s with the numbers of their people; the last finger nobody knows.
const FINGERS: [(u16, &str); 5] =
    [(1, "00011"), (2, "00021"), (3, "00022"), (4, "00012"), (5, "00023")];
const STRANGER: u16 = 9;

/// All terminals of the demo.
pub(super) struct Terminals {
    m1: M1,
    c1: C1,
    behind_c1: [M1; 2],
    m2: M2,
    m2_made: AtomicU64,
    m2_evidence_bytes: AtomicU64,
    canaries: Arc<Canaries>,
}

/// What the terminals have counted, all together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) punches: u64,
    pub(super) receipted: u64,
    pub(super) evidence_bytes: u64,
}

impl Terminals {
    /// Pairs and starts them. The M1's line was opened before, so that the box could be told of it;
    /// with an `image` it runs that.
    pub(super) async fn start(
        folder: &Path,
        line: Pty,
        gateway: &Gateway,
        canaries: Arc<Canaries>,
        image: Option<&Path>,
    ) -> Result<Self> {
        let pairing = Pairings::new(gateway)?;
        let first = pairing.pair("m1-gate", DeviceKind::M1, None).await?;
        let m1 = match image {
            Some(image) => emulated::start(folder, image, line, &first, &FINGERS)?,
            None => m1(line, &first, canaries.clone())?,
        };
        let centre = pairing.pair("c1-hall", DeviceKind::C1, None).await?;
        let (mut behind, mut lines) = (Vec::new(), Vec::new());
        for name in ["m1-hall-east", "m1-hall-west"] {
            let made = pairing.pair(name, DeviceKind::M1, Some("c1-hall")).await?;
            let line = Pty::open()?;
            let terminals = vec![Terminal { address: ADDRESS, name: name.to_owned() }];
            lines.push(LineConfig { port: line.path.clone(), baud: 115_200, terminals });
            behind.push(self::m1(line, &made, canaries.clone())?);
        }
        let port = gateway.listening.mqtt.context("the box listens for terminals")?.port();
        let ways = Ways { lines, listener: None };
        let c1 = C1::start(&folder.join("c1"), login(&centre, port), ways, None)?;
        let face = pairing.pair("m2-lobby", DeviceKind::M2, None).await?;
        let m2 = M2::start(&folder.join("m2"), login(&face, port))?;
        let Ok(behind_c1) = behind.try_into() else { bail!("two M1s are behind the C1") };
        let (m2_made, m2_evidence_bytes) = (AtomicU64::new(0), AtomicU64::new(0));
        Ok(Self { m1, c1, behind_c1, m2, m2_made, m2_evidence_bytes, canaries })
    }

    /// Somebody at each terminal, by the number of the step.
    pub(super) fn step(&self, step: u64) -> Result<()> {
        self.face(step)?;
        let finger = |step: u64| match step % 23 {
            22 => STRANGER,
            other => FINGERS[other as usize % FINGERS.len()].0,
        };
        match step % 5 {
            0 => self.m1.press(finger(step / 5)),
            2 => self.behind_c1[0].press(finger(step / 5 + 7)),
            4 => self.behind_c1[1].press(finger(step / 5 + 13)),
            _ => {}
        }
        Ok(())
    }

    fn face(&self, step: u64) -> Result<()> {
        let (image, template) = (random_bytes(FACE_IMAGE), random_bytes(FACE_TEMPLATE));
        self.canaries.plant(&image);
        self.canaries.plant(&template);
        let evidence = [
            Evidence { kind: EvidenceKind::FaceImage, media: "image/jpeg", data: &image },
            Evidence { kind: EvidenceKind::FaceTemplate, media: "", data: &template },
        ];
        let number = match step % 17 {
            16 => UNMAPPED,
            other => PEOPLE[other as usize % PEOPLE.len()].0,
        };
        let offset = jiff::tz::Offset::constant(8);
        let capture = Capture {
            person: Some(number),
            at: &jiff::Timestamp::now().display_with_offset(offset).to_string(),
            method: Method::Face,
            outcome: Outcome::Granted,
            direction: Some(if step % 4 < 2 { Direction::In } else { Direction::Out }),
            live: true,
            unsure_clock: false,
            evidence: &evidence,
        };
        self.m2.punch(&capture)?;
        self.m2_made.fetch_add(1, Ordering::Relaxed);
        self.m2_evidence_bytes.fetch_add((image.len() + template.len()) as u64, Ordering::Relaxed);
        Ok(())
    }

    /// The count so far, taken from the terminals themselves.
    pub(super) fn tally(&self) -> Tally {
        let mut tally = Tally {
            punches: self.m2_made.load(Ordering::Relaxed),
            receipted: self.m2.receipted() - self.m2.refused(),
            evidence_bytes: self.m2_evidence_bytes.load(Ordering::Relaxed),
        };
        for m1 in [&self.m1, &self.behind_c1[0], &self.behind_c1[1]] {
            tally.punches += m1.counted.punches.load(Ordering::Relaxed);
            tally.receipted += m1.counted.receipted.load(Ordering::Relaxed);
            tally.evidence_bytes += m1.counted.evidence_bytes.load(Ordering::Relaxed);
        }
        tally
    }

    /// Messages the C1 holds for the box.
    pub(super) fn waiting_at_c1(&self) -> usize {
        self.c1.waiting()
    }
}

struct Pairings {
    authority: Authority,
    devices: muster_ledger::Devices,
    keyring: muster_ledger::Keyring,
}

impl Pairings {
    fn new(gateway: &Gateway) -> Result<Self> {
        let keyring = gateway.ledger.keyring();
        let authority = Authority::open(&keyring)?;
        Ok(Self { authority, devices: gateway.ledger.devices(), keyring })
    }

    async fn pair(
        &self,
        name: &str,
        kind: DeviceKind,
        carrier: Option<&str>,
    ) -> Result<Credentials> {
        let carrier = carrier.map(str::to_owned);
        let pairing = Pairing { name: name.to_owned(), kind, carrier, address: Some(ADDRESS) };
        Ok(self.authority.pair(&self.devices, &self.keyring, pairing).await?)
    }
}

fn m1(line: Pty, made: &Credentials, canaries: Arc<Canaries>) -> Result<M1> {
    let mut secret = zeroize::Zeroizing::new([0; 32]);
    for (byte, hex) in secret.iter_mut().zip(made.secret_hex.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(hex)?, 16)?;
    }
    M1::start(line, &made.name, &secret, ADDRESS, &FINGERS, canaries)
}

fn login(made: &Credentials, port: u16) -> Login {
    Login {
        device: made.name.clone(),
        host: "localhost".to_owned(),
        port,
        ca_pem: made.ca_pem.clone().into_bytes(),
        certificate_pem: made.certificate_pem.clone().into_bytes(),
        key_pem: made.key_pem.as_bytes().to_vec(),
        subscribe: Vec::new(),
        certificate_name: None,
    }
}

/// Unique bytes for synthetic evidence.
pub(super) fn random_bytes(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    // Without random numbers the demo's evidence is all zeros, and its search finds nothing.
    let _ = SystemRandom::new().fill(&mut bytes);
    bytes
}
