//! What is said on one connection: who may come in, which topics it may use, and what its messages
//! are answered with. No socket and no waiting here.

use super::Gate;
use super::client::{Client, Receipt, reason_code};
use super::packet::{Ack, Fault};
use super::registry::Seat;
use super::session::{Connect, Denial, Filter, Session, Step};
use crate::ingest::{Answer, Message, Reply};
use crate::limits::RECEIPT_BACKLOG;
use crate::tasks::Route;
use crate::topic;
use mqtt_protocol_core::mqtt::result_code::SubackReasonCode;
use muster_attendance::DeviceId;
use muster_ledger::{Device, DeviceState, Refusal, RefusalReason};
use ring::rand::{SecureRandom, SystemRandom};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// What a connection proved before its first packet.
#[derive(Clone, Debug)]
pub(crate) enum Identity {
    /// Nothing: it came over loopback, and is who it says.
    Loopback,
    /// A certificate of the box's CA: its common name, and its SHA-256 in hex.
    Certificate {
        /// The common name.
        name: String,
        /// SHA-256 of the certificate in DER, in lower-case hex.
        digest: String,
        /// When it ends, seconds since 1970, where it does.
        ends: Option<i64>,
    },
}

/// Check-ins that were read together.
#[derive(Default)]
pub(super) struct Round {
    pub(super) entries: Vec<Entry>,
    pub(super) messages: Vec<Message>,
}

/// How a message is acknowledged, and on which topic its receipt goes out.
pub(super) struct Entry {
    ack: Ack,
    receipt: Receipt,
}

/// What the connection does after a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Flow {
    /// Goes on with the next packet.
    On,
    /// Waits for so many bytes.
    Await(usize),
    /// Answers what it has and closes.
    Close(End),
}

/// Why a connection ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// The client went.
    Gone,
    /// The box shuts down.
    Shutdown,
    Timeout,
    Protocol,
    /// It does not read what it is sent.
    Slow,
    Identity,
    Revoked,
    TakenOver,
    /// Its punches cannot be taken now.
    Later,
}

impl End {
    /// The label of the metric.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Shutdown => "shutdown",
            Self::Timeout => "timeout",
            Self::Protocol => "protocol",
            Self::Slow => "slow",
            Self::Identity => "identity",
            Self::Revoked => "revoked",
            Self::TakenOver => "taken-over",
            Self::Later => "later",
        }
    }

    /// What an MQTT 5 client is told, unless it was told already.
    fn fault(self) -> Option<Fault> {
        Some(match self {
            Self::Gone | Self::Protocol => return None,
            Self::Shutdown => Fault::ServerShuttingDown,
            Self::Timeout => Fault::KeepAliveTimeout,
            Self::Slow => Fault::QuotaExceeded,
            Self::Identity | Self::Revoked => Fault::NotAuthorized,
            Self::TakenOver => Fault::SessionTakenOver,
            Self::Later => Fault::ImplementationSpecificError,
        })
    }
}

/// One side of a dialogue with a client.
pub(super) struct Dialogue {
    gate: Arc<Gate>,
    identity: Identity,
    pub(super) session: Session,
    client: Option<Client>,
    seat: Option<Seat>,
    /// One and a half times the client's keep-alive.
    pub(super) patience: Option<Duration>,
    route: Route,
}

impl Dialogue {
    pub(super) fn new(identity: Identity, gate: Arc<Gate>) -> Self {
        let (session, route) = (Session::new(), gate.ingest.tasks().route());
        Self { gate, identity, session, client: None, seat: None, patience: None, route }
    }

    /// Resolves when another connection takes this client's name; `None` before it has one.
    pub(super) fn seat(&self) -> Option<Arc<Notify>> {
        self.seat.as_ref().map(Seat::gone)
    }

    /// Handles what is at `from` in `bytes`; messages go into `round`. Returns the bytes used.
    pub(super) fn next(&mut self, bytes: &[u8], from: usize, round: &mut Round) -> (usize, Flow) {
        let (used, step) = self.session.step(bytes.get(from..).unwrap_or_default());
        let flow = match step {
            Step::Await(wanted) => Flow::Await(wanted),
            Step::Handled => Flow::On,
            Step::Close => Flow::Close(End::Protocol),
            Step::Connect(connect) => self.connect(&connect),
            Step::Publish { ack, topic, payload } => self.message(round, ack, |gate, client| {
                let payload = payload.start + from..payload.end + from;
                client.message(&gate.ingest.handles().devices, topic, payload)
            }),
            Step::Oversized { ack, length } => self.message(round, ack, |gate, client| {
                client.oversized(&gate.ingest.handles().devices, from, length)
            }),
            Step::Subscribe { id, filters } => self.subscribe(id, filters),
            Step::Unsubscribe { id, filters } => self.unsubscribe(id, &filters),
        };
        (used, flow)
    }

    fn message(
        &mut self,
        round: &mut Round,
        ack: Ack,
        read: impl FnOnce(&Gate, &mut Client) -> (Message, Receipt),
    ) -> Flow {
        let Some(client) = &mut self.client else { return Flow::Close(End::Protocol) };
        let (message, receipt) = read(&self.gate, client);
        round.messages.push(message);
        round.entries.push(Entry { ack, receipt });
        Flow::On
    }

    fn subscribe(&mut self, id: u16, filters: Vec<Filter>) -> Flow {
        let Some(client) = &mut self.client else { return Flow::Close(End::Protocol) };
        let devices = &self.gate.ingest.handles().devices;
        let grant = |filter: Filter| match filter.refusal {
            Some(refusal) => refusal,
            None => client.subscribe(devices, &filter.text),
        };
        let codes: Vec<SubackReasonCode> = filters.into_iter().map(grant).collect();
        self.session.subscribed(id, codes);
        self.give_orders();
        Flow::On
    }

    /// Says what waits for the client, or for devices it carries, on their command topics.
    pub(super) fn give_orders(&mut self) {
        let Some(client) = self.client.as_ref().filter(|client| client.takes_orders()) else {
            return;
        };
        let (tasks, devices) = (self.gate.ingest.tasks(), &self.gate.ingest.handles().devices);
        for device in tasks.addressees() {
            let Some(name) = devices.get(device).map(|paired| paired.name) else { continue };
            let topic = topic::command(&name);
            if !client.listens_on(&topic) {
                continue;
            }
            while self.session.out.len() <= RECEIPT_BACKLOG
                && let Some(sealed) = tasks.take(device, self.route)
            {
                self.session.publish_out(&topic, &sealed);
            }
        }
    }

    fn unsubscribe(&mut self, id: u16, filters: &[String]) -> Flow {
        let Some(client) = &mut self.client else { return Flow::Close(End::Protocol) };
        let existed: Vec<bool> = filters.iter().map(|f| client.unsubscribe(f)).collect();
        self.session.unsubscribed(id, &existed);
        Flow::On
    }

    fn connect(&mut self, connect: &Connect) -> Flow {
        let (name, id, assigned) = match self.admit(connect) {
            Ok(admitted) => admitted,
            Err(denial) => {
                self.session.refuse(denial);
                return Flow::Close(End::Identity);
            }
        };
        if !self.session.accept(connect, assigned.then_some(name.as_str())) {
            return Flow::Close(End::Protocol);
        }
        self.patience = (connect.keep_alive > 0)
            .then(|| Duration::from_millis(u64::from(connect.keep_alive) * 1500));
        self.seat = Some(self.gate.registry.seat(&name));
        self.client = Some(Client::new(&name, id));
        Flow::On
    }

    /// The device's name, its number where known, and whether the name was made up here.
    fn admit(&self, connect: &Connect) -> Result<(String, Option<DeviceId>, bool), Denial> {
        let devices = &self.gate.ingest.handles().devices;
        match &self.identity {
            Identity::Certificate { name, digest, ends } => {
                let device = self.paired(name, digest)?;
                self.note_shown(&device, digest, *ends);
                Ok((name.clone(), Some(device.id), false))
            }
            Identity::Loopback if connect.client_id.is_empty() => {
                Ok((assigned_name().ok_or(Denial::NotAuthorized)?, None, true))
            }
            Identity::Loopback if !topic::is_device_name(&connect.client_id) => {
                Err(Denial::Identifier)
            }
            Identity::Loopback => {
                let device = devices.find(&connect.client_id);
                if device.as_ref().is_some_and(|d| d.state == DeviceState::Revoked) {
                    return Err(Denial::NotAuthorized);
                }
                Ok((connect.client_id.clone(), device.map(|d| d.id), false))
            }
        }
    }

    /// The paired device whose current certificate this is.
    fn paired(&self, name: &str, digest: &str) -> Result<Device, Denial> {
        let device = self.gate.ingest.handles().devices.find(name).ok_or(Denial::NotAuthorized)?;
        let is = |certificate: &Option<String>| certificate.as_deref() == Some(digest);
        let known = device.certificate.is_none() || is(&device.certificate) || is(&device.former);
        match device.state == DeviceState::Paired && known {
            true => Ok(device),
            false => Err(Denial::NotAuthorized),
        }
    }

    /// Notes that a device has shown the certificate that it was given last, and when that ends.
    fn note_shown(&self, device: &Device, digest: &str, ends: Option<i64>) {
        let is_last = device.certificate.as_deref() == Some(digest);
        if is_last && (device.former.is_some() || device.certificate_ends_s != ends) {
            self.gate.ingest.handles().devices.shown(device.id, digest, ends);
        }
    }

    /// What to journal about a client that was turned away for who it is.
    pub(super) fn turned_away(&self) -> Option<Refusal> {
        let Identity::Certificate { name, .. } = &self.identity else { return None };
        let device = self.gate.ingest.handles().devices.find(name);
        let reason = match &device {
            None => RefusalReason::UnknownDevice,
            Some(device) if device.state == DeviceState::Revoked => RefusalReason::Revoked,
            Some(_) => RefusalReason::NotAuthentic,
        };
        Some(Refusal { device: device.map(|d| d.id), message: None, reason, length: 0 })
    }

    /// Looks again whether the client may stay, because pairings have changed.
    pub(super) fn reconsider(&mut self) -> Flow {
        let Some(client) = &mut self.client else { return Flow::On };
        client.forget();
        let stays = match &self.identity {
            Identity::Certificate { name, digest, .. } => self.paired(name, digest).is_ok(),
            Identity::Loopback => {
                let device = self.gate.ingest.handles().devices.find(client.name());
                device.is_none_or(|d| d.state != DeviceState::Revoked)
            }
        };
        if stays { Flow::On } else { Flow::Close(End::Revoked) }
    }

    /// Answers messages in their order; stops at the first that cannot be taken now.
    pub(super) fn answer(&mut self, entries: &[Entry], replies: Vec<Reply>) -> Flow {
        for (entry, reply) in entries.iter().zip(replies) {
            if matches!(reply.answer, Answer::Later(_)) {
                return Flow::Close(End::Later);
            }
            if let Some((device, _)) = reply.sealed {
                self.gate.ingest.tasks().spoke(device, self.route);
            }
            self.session.acknowledge(entry.ack, reason_code(&reply.answer));
            self.send_receipt(&entry.receipt, reply);
        }
        Flow::On
    }

    /// The receipt for people, bridges and sealed devices to read; the acknowledgement does not
    /// depend on it.
    fn send_receipt(&mut self, receipt: &Receipt, reply: Reply) {
        let topic = self.client.as_ref().and_then(|client| client.subscribed(receipt));
        let Some(topic) = topic.filter(|_| self.session.out.len() <= RECEIPT_BACKLOG) else {
            return;
        };
        let text = match (reply.sealed, receipt) {
            (Some(_), _) => reply.seal(self.gate.ingest.seals()),
            (None, Receipt::Own) => reply.json().map(String::into_bytes),
            (None, Receipt::Carried(_)) => None,
        };
        if let Some(text) = text {
            self.session.publish_out(topic, &text);
        }
    }

    /// Says goodbye where the version has a way to.
    pub(super) fn part(&mut self, end: End) {
        if let Some(fault) = end.fault() {
            self.session.fault(fault);
        }
        self.session.part();
    }
}

/// A name for a client that brought none.
fn assigned_name() -> Option<String> {
    let mut random = [0u8; 8];
    SystemRandom::new().fill(&mut random).ok()?;
    Some(format!("auto-{:016x}", u64::from_ne_bytes(random)))
}
