//! The MQTT connector: rumqttc, QoS 1, several parcels a message. While messages wait for their
//! acknowledgements the next are chosen, journaled and sent, and those answered are settled, so that
//! box and region do not wait for each other.
//!
//! rumqttc persists nothing and forgets what is pending on a fresh session, so each connection
//! gets a fresh event loop and the outbox stays the only truth. `publish` gives no packet id:
//! messages and ids are paired by order. An id must not come round again while it is owed an answer
//! (rumqttc stands still then), so nothing is sent more than [`MAX_MESSAGES`] after a message that
//! was not answered. A poll of rumqttc that is given up may leave bytes behind unsent: [`pump`]
//! never gives one up.

use crate::region::Region;
use crate::tls::RegionTls;
use crate::under_way::UnderWay;
use crate::worker::{Ended, Worker};
use crate::{CONNECT_TIMEOUT, SETTLE_TIMEOUT, batch};
use muster_ledger::{Outbox, Parcel, Settlement};
use rumqttc::{
    AsyncClient, Event, EventLoop, MqttOptions, Outgoing, Packet, QoS, TlsConfiguration, Transport,
};
use std::pin::Pin;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

/// Messages of one batch: they are chosen, journaled and settled together.
const BATCH_MESSAGES: usize = 8;
/// Batches under way at once: while one is chosen, some are with the region and one is settled.
/// Fewer to a region that is slow, so that a live punch never has long to wait.
const MAX_BATCHES: usize = 4;
/// Messages under way at once.
const MAX_MESSAGES: usize = MAX_BATCHES * BATCH_MESSAGES;
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// Larger than any packet either side may send here.
const MAX_PACKET: usize = batch::MAX_BYTES + 1024;
/// rumqttc offers these and does not tell which was agreed.
const CIPHERS: &str = "TLS13 AES-GCM or ChaCha20-Poly1305";

/// Drains until the connection ends; says why.
pub(crate) async fn drain(worker: &mut Worker, tls: &RegionTls, expected: &str) -> Ended {
    match Connection::open(&worker.region, &worker.outbox, tls).await {
        Ok(connection) => connection.drain(worker, tls, expected).await.unwrap_or_else(|e| e),
        Err(ended) => ended,
    }
}

struct Connection {
    client: AsyncClient,
    events: EventLoop,
    topic: String,
}

impl Connection {
    async fn open(region: &Region, outbox: &Outbox, tls: &RegionTls) -> Result<Self, Ended> {
        let id = format!("muster-{}-{}", region.site, outbox.destination());
        let mut options = MqttOptions::new(id, region.address.host.clone(), region.address.port);
        options.set_transport(Transport::Tls(TlsConfiguration::Rustls(tls.config.clone())));
        options.set_keep_alive(KEEP_ALIVE).set_clean_session(true);
        options.set_inflight(MAX_MESSAGES as u16 * 2).set_max_packet_size(MAX_PACKET, MAX_PACKET);
        let (client, mut events) = AsyncClient::new(options, MAX_MESSAGES * 2);
        events.network_options.set_connection_timeout(CONNECT_TIMEOUT.as_secs());
        events.network_options.set_tcp_nodelay(true);
        match timeout(CONNECT_TIMEOUT, events.poll()).await {
            Ok(Ok(_)) => {
                let topic = format!("attendance/{}/{}", region.site, outbox.destination());
                Ok(Self { client, events, topic })
            }
            Ok(Err(error)) => Err(Ended::Down(cause(&error))),
            Err(_) => Err(Ended::Down("no answer to the connection".into())),
        }
    }

    async fn drain(
        self,
        worker: &mut Worker,
        tls: &RegionTls,
        expected: &str,
    ) -> Result<Ended, Ended> {
        worker.attest(tls, expected, CIPHERS).await?;
        let Self { client, mut events, topic } = self;
        let (tell, told) = mpsc::channel(MAX_MESSAGES);
        let under_way = UnderWay::new(Instant::now());
        let mut exchange = Exchange { client, topic, told, under_way, asked: None, settling: None };
        let ended = tokio::select! {
            ended = pump(&mut events, tell) => ended,
            ended = exchange.run(worker, expected) => ended,
        };
        exchange.end(worker, ended).await
    }
}

/// What the other side of the pump needs to know.
enum Word {
    /// The next message went out under this packet id.
    Sent(u16),
    Acknowledged(u16),
}

/// Moves bytes until the connection ends; says why.
async fn pump(events: &mut EventLoop, tell: mpsc::Sender<Word>) -> Ended {
    loop {
        let word = match events.poll().await {
            Ok(Event::Outgoing(Outgoing::Publish(id))) => Word::Sent(id),
            Ok(Event::Incoming(Packet::PubAck(ack))) => Word::Acknowledged(ack.pkid),
            Ok(_) => continue,
            Err(error) => return Ended::Down(cause(&error)),
        };
        // The other side lives as long as this one.
        let _ = tell.send(word).await;
    }
}

/// Work that goes on beside the rest.
type Beside<T> = Option<Pin<Box<dyn Future<Output = Result<T, Ended>> + Send>>>;

/// Parcels on one connection.
struct Exchange {
    client: AsyncClient,
    topic: String,
    told: mpsc::Receiver<Word>,
    under_way: UnderWay<Parcel>,
    /// The next parcels, being chosen.
    asked: Beside<Vec<Parcel>>,
    /// Answered parcels, being settled.
    settling: Beside<()>,
}

impl Exchange {
    async fn run(&mut self, worker: &mut Worker, expected: &str) -> Ended {
        loop {
            match self.step(worker, expected).await {
                Ok(()) => {}
                Err(ended) => return ended,
            }
        }
    }

    async fn step(&mut self, worker: &mut Worker, expected: &str) -> Result<(), Ended> {
        self.ask(worker, expected);
        let since = self.under_way.waits_since();
        tokio::select! {
            parcels = done(&mut self.asked) => self.send(worker, parcels?)?,
            settled = done(&mut self.settling) => settled?,
            Some(word) = self.told.recv() => self.hear(word),
            () = patience(since) => return Err(Ended::Down("no acknowledgement in time".into())),
        }
        self.settle(worker);
        Ok(())
    }

    /// Has the next parcels chosen where there is room for them.
    fn ask(&mut self, worker: &Worker, expected: &str) {
        let at_work = self.under_way.len() + usize::from(self.settling.is_some());
        let allowed = worker.isolation.allowed(self.under_way.allowed(MAX_BATCHES));
        if self.asked.is_none() && at_work < allowed {
            let next = worker.asking(expected, BATCH_MESSAGES * batch::MAX_PARCELS);
            self.asked = Some(Box::pin(next));
        }
    }

    fn send(&mut self, worker: &mut Worker, parcels: Vec<Parcel>) -> Result<(), Ended> {
        worker.goes_out(&parcels);
        if parcels.is_empty() {
            return Err(Ended::Down("the box is shutting down".into()));
        }
        let payloads: Vec<_> = parcels.chunks(batch::MAX_PARCELS).map(batch::payload).collect();
        // First, so that they are given back should the queue be full.
        self.under_way.sent(parcels, payloads.len(), Instant::now());
        for payload in payloads {
            self.client
                .try_publish(&self.topic, QoS::AtLeastOnce, false, payload)
                .map_err(|_| Ended::Down("the sending queue is full".into()))?;
        }
        Ok(())
    }

    fn hear(&mut self, word: Word) {
        match word {
            Word::Sent(id) => self.under_way.named(id),
            Word::Acknowledged(id) => self.under_way.answered(id),
        }
    }

    /// Has what is answered settled, one lot after the other.
    fn settle(&mut self, worker: &mut Worker) {
        if self.settling.is_none() {
            let answered = self.under_way.take_answered(Instant::now());
            if !answered.is_empty() {
                self.settling = Some(Box::pin(worker.settling(accepted(answered))));
            }
        }
    }

    /// Settles what was answered; the rest goes back to the queue.
    async fn end(mut self, worker: &mut Worker, ended: Ended) -> Result<Ended, Ended> {
        while let Ok(word) = self.told.try_recv() {
            self.hear(word);
        }
        if let Some(settling) = self.settling.take() {
            settling.await?;
        }
        self.settle(worker);
        if let Some(settling) = self.settling.take() {
            settling.await?;
        }
        let left = self.under_way.take_all();
        if matches!(ended, Ended::Down(_)) && !left.is_empty() {
            worker.give_back(left).await?;
        }
        Ok(ended)
    }
}

/// What comes of work that goes on beside; never, where there is none.
async fn done<T>(work: &mut Beside<T>) -> Result<T, Ended> {
    let Some(going_on) = work else { return std::future::pending().await };
    let outcome = going_on.await;
    *work = None;
    outcome
}

/// Returns when an answer that has been waited for since then does not come any more.
async fn patience(since: Option<Instant>) {
    match since {
        Some(since) => tokio::time::sleep_until(since + SETTLE_TIMEOUT).await,
        None => std::future::pending().await,
    }
}

fn accepted(parcels: Vec<Parcel>) -> Vec<(Parcel, Settlement)> {
    parcels.into_iter().map(|p| (p, Settlement::Accepted { receipt: None })).collect()
}

/// The error in words; library errors carry no payload.
fn cause(error: &rumqttc::ConnectionError) -> String {
    error.to_string().chars().take(200).collect()
}
