//! Draining the queue over MQTT with mutual TLS: oldest first, a bounded window under way, each
//! entry removed when its PUBACK comes.

use crate::store::{Entry, PushError, Store};
use crate::{pair, tls};
use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, Outgoing, Packet, QoS,
    TlsConfiguration, Transport,
};
use rustls::ClientConfig;
use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

/// Entries under way at once.
pub const WINDOW: usize = 16;
/// An entry goes as live if it is sent within so long of being pushed.
pub const LIVE: Duration = Duration::from_secs(10);
/// Messages from the box that wait to be taken; a slow taker loses the newest.
const INCOMING: usize = 64;
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// No acknowledgement for so long means the connection is gone.
const ACK_TIMEOUT: Duration = Duration::from_secs(20);
/// Waits between tries double up to this.
const LONGEST_WAIT: Duration = Duration::from_secs(15);
const FIRST_WAIT: Duration = Duration::from_millis(200);
const MAX_PACKET: usize = 320 * 1024;

/// When a device first asks to have its certificate renewed, how often it asks again, and how soon
/// where nobody answered.
const RENEW_FIRST: Duration = Duration::from_secs(5);
const RENEW_EVERY: Duration = Duration::from_secs(24 * 3600);
const RENEW_RETRY: Duration = Duration::from_secs(3600);

/// Where the box is, and who this device is.
#[derive(Clone)]
pub struct Login {
    /// Name in the device's certificate; also its client id.
    pub device: String,
    /// Host name or address of the box, as its certificate says.
    pub host: String,
    /// Port of its TLS listener.
    pub port: u16,
    /// The box's authority, PEM.
    pub ca_pem: Vec<u8>,
    /// The device's certificate, PEM.
    pub certificate_pem: Vec<u8>,
    /// The device's key, PEM.
    pub key_pem: Vec<u8>,
    /// Topics to listen on, as the device's own receipts.
    pub subscribe: Vec<String>,
    /// The name in the certificate of whoever listens there, where it is not the host's, as for a
    /// C1 that stands before the box.
    pub certificate_name: Option<String>,
}

/// A message from the box.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// As `muster/1/<device>/receipt`.
    pub topic: String,
    /// As sent.
    pub payload: Vec<u8>,
}

/// Why forwarding cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The queue's file.
    #[error("the queue cannot be opened: {0}")]
    Store(#[from] std::io::Error),
    /// Certificate or key.
    #[error("the credentials cannot be used: {0}")]
    Credentials(String),
}

/// The running forwarder; dropping it stops sending, and what waits stays on disk.
pub struct Forwarder {
    shared: Arc<Shared>,
    login: Arc<Login>,
    task: JoinHandle<()>,
    renewal: Option<JoinHandle<()>>,
}

struct Shared {
    store: Mutex<Store>,
    /// For the next connection.
    tls: Mutex<Arc<ClientConfig>>,
    /// What the newest entries say while they are live; bounded by [`WINDOW`].
    live: Mutex<VecDeque<(u64, Instant, Vec<u8>)>>,
    pushed: Notify,
    acknowledged: AtomicU64,
}

impl Shared {
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tls(&self) -> Arc<ClientConfig> {
        self.tls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn live(&self) -> MutexGuard<'_, VecDeque<(u64, Instant, Vec<u8>)>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What entry `index` says as live, if it still is.
    fn take_live(&self, index: u64) -> Option<Vec<u8>> {
        let mut live = self.live();
        live.retain(|(_, since, _)| since.elapsed() < LIVE);
        let at = live.iter().position(|(i, ..)| *i == index)?;
        live.remove(at).map(|(_, _, payload)| payload)
    }
}

impl Forwarder {
    /// Opens the queue at `path` and starts sending. Messages from the box come out of the
    /// receiver.
    pub fn start(
        path: &Path,
        login: Login,
    ) -> Result<(Self, mpsc::Receiver<Incoming>), StartError> {
        let store = Store::open(path)?;
        let tls = tls::client(&login)?;
        let shared = Arc::new(Shared {
            store: Mutex::new(store),
            tls: Mutex::new(tls),
            live: Mutex::default(),
            pushed: Notify::new(),
            acknowledged: AtomicU64::new(0),
        });
        let (incoming, taken) = mpsc::channel(INCOMING);
        let login = Arc::new(login);
        let sender = Sender { shared: shared.clone(), login: login.clone(), incoming };
        let task = tokio::spawn(sender.run());
        Ok((Self { shared, login, task, renewal: None }, taken))
    }

    /// Has the box renew the certificate in `credentials` in good time: the box says when. The next
    /// connection shows the new one.
    pub fn keep_certificate(&mut self, kind: &'static str, credentials: PathBuf) {
        let (shared, login) = (self.shared.clone(), self.login.clone());
        self.renewal = Some(tokio::spawn(renew(shared, login, kind, credentials)));
    }

    /// Makes an entry durable; it goes out by itself. Blocks for one disk sync.
    pub fn push(&self, topic: String, payload: Vec<u8>) -> Result<u64, PushError> {
        let index = self.shared.store().push(&Entry { topic, payload })?;
        self.shared.pushed.notify_one();
        Ok(index)
    }

    /// The same for a punch that says otherwise while it is live: `live` is sent if that happens
    /// within [`LIVE`], and what is on disk, `stored`, from then on.
    pub fn push_live(
        &self,
        topic: String,
        live: Vec<u8>,
        stored: Vec<u8>,
    ) -> Result<u64, PushError> {
        let index = self.shared.store().push(&Entry { topic, payload: stored })?;
        let mut fresh = self.shared.live();
        if fresh.len() >= WINDOW {
            fresh.pop_front();
        }
        fresh.push_back((index, Instant::now(), live));
        drop(fresh);
        self.shared.pushed.notify_one();
        Ok(index)
    }

    /// Entries the box has acknowledged since the start.
    pub fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    /// Entries not acknowledged yet.
    pub fn waiting(&self) -> usize {
        self.shared.store().waiting()
    }
}

async fn renew(shared: Arc<Shared>, login: Arc<Login>, kind: &'static str, folder: PathBuf) {
    let mut login = Login::clone(&login);
    let mut pause = RENEW_FIRST;
    loop {
        tokio::time::sleep(pause).await;
        let (asks, place) = (login.clone(), folder.clone());
        let asked = tokio::task::spawn_blocking(move || pair::renew(&asks, kind, &place)).await;
        pause = match asked {
            Ok(Ok(false)) => RENEW_EVERY,
            Ok(Ok(true)) => match renewed(&mut login, &folder) {
                Ok(tls) => {
                    *shared.tls.lock().unwrap_or_else(PoisonError::into_inner) = tls;
                    tracing::info!(device = login.device, "the certificate is renewed");
                    RENEW_EVERY
                }
                Err(error) => {
                    tracing::error!(%error, "the renewed certificate cannot be used");
                    RENEW_RETRY
                }
            },
            Ok(Err(error)) => {
                tracing::debug!(%error, "the box was not asked for a newer certificate");
                RENEW_RETRY
            }
            Err(_) => RENEW_RETRY,
        };
    }
}

/// Shows the renewed certificate from now on.
fn renewed(login: &mut Login, folder: &Path) -> Result<Arc<ClientConfig>, StartError> {
    let both = std::fs::read(folder.join(pair::RENEWED))?;
    let next = Login { certificate_pem: both.clone(), key_pem: both, ..login.clone() };
    let tls = tls::client(&next)?;
    *login = next;
    Ok(tls)
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.task.abort();
        self.renewal.iter().for_each(JoinHandle::abort);
    }
}

struct Sender {
    shared: Arc<Shared>,
    login: Arc<Login>,
    incoming: mpsc::Sender<Incoming>,
}

/// One connection's bookkeeping: messages and packet ids are paired by order.
#[derive(Default)]
struct UnderWay {
    /// Given to the client, without a packet id yet.
    given: VecDeque<u64>,
    /// On the wire, by packet id.
    sent: HashMap<u16, u64>,
    last: Option<u64>,
}

impl UnderWay {
    fn len(&self) -> usize {
        self.given.len() + self.sent.len()
    }
}

impl Sender {
    async fn run(self) {
        let mut wait = FIRST_WAIT;
        loop {
            let before = self.shared.acknowledged.load(Ordering::Relaxed);
            if let Err(error) = self.connect().await {
                tracing::debug!(%error, device = self.login.device, "the box is not reached");
            }
            let progress = self.shared.acknowledged.load(Ordering::Relaxed) > before;
            wait = if progress { FIRST_WAIT } else { (wait * 2).min(LONGEST_WAIT) };
            tokio::time::sleep(wait).await;
        }
    }

    async fn connect(&self) -> Result<(), ConnectionError> {
        let login = &self.login;
        let mut options = MqttOptions::new(&login.device, &login.host, login.port);
        options.set_transport(Transport::Tls(TlsConfiguration::Rustls(self.shared.tls())));
        options.set_keep_alive(KEEP_ALIVE).set_clean_session(true);
        options.set_inflight(WINDOW as u16 * 2).set_max_packet_size(MAX_PACKET, MAX_PACKET);
        let (client, mut events) = AsyncClient::new(options, 2 * WINDOW + login.subscribe.len());
        events.poll().await?;
        for topic in &login.subscribe {
            let _ = client.try_subscribe(topic, QoS::AtMostOnce);
        }
        self.drain(client, events).await
    }

    async fn drain(
        &self,
        client: AsyncClient,
        mut events: EventLoop,
    ) -> Result<(), ConnectionError> {
        let mut under_way = UnderWay::default();
        loop {
            self.fill(&client, &mut under_way);
            let silence = if under_way.len() > 0 { ACK_TIMEOUT } else { Duration::MAX };
            tokio::select! {
                event = events.poll() => self.handle(event?, &mut under_way),
                () = self.shared.pushed.notified(), if under_way.len() < WINDOW => {}
                () = tokio::time::sleep(silence) => return Err(ConnectionError::NetworkTimeout),
            }
        }
    }

    /// Gives the client what fits the window, oldest first.
    fn fill(&self, client: &AsyncClient, under_way: &mut UnderWay) {
        let store = self.shared.store();
        let room = WINDOW.saturating_sub(under_way.len());
        for index in store.after(under_way.last).take(room) {
            match store.get(index) {
                Ok(Some(Entry { topic, payload })) => {
                    let payload = self.shared.take_live(index).unwrap_or(payload);
                    if client.try_publish(topic, QoS::AtLeastOnce, false, payload).is_err() {
                        return;
                    }
                    under_way.given.push_back(index);
                }
                Ok(None) => {}
                // It stays on disk for a person to look at; what follows must not wait for it.
                Err(error) => tracing::error!(%error, index, "an entry cannot be read"),
            }
            under_way.last = Some(index);
        }
    }

    fn handle(&self, event: Event, under_way: &mut UnderWay) {
        match event {
            Event::Outgoing(Outgoing::Publish(id)) => {
                if let Some(index) = under_way.given.pop_front() {
                    under_way.sent.insert(id, index);
                }
            }
            Event::Incoming(Packet::PubAck(ack)) => {
                if let Some(index) = under_way.sent.remove(&ack.pkid) {
                    self.acknowledge(index);
                }
            }
            Event::Incoming(Packet::Publish(publish)) => {
                let message =
                    Incoming { topic: publish.topic.clone(), payload: publish.payload.to_vec() };
                let _ = self.incoming.try_send(message);
            }
            _ => {}
        }
    }

    fn acknowledge(&self, index: u64) {
        self.shared.acknowledged.fetch_add(1, Ordering::Relaxed);
        if let Err(error) = self.shared.store().remove(index) {
            tracing::warn!(%error, "the queue cannot be written; the entry will go again");
        }
    }
}
