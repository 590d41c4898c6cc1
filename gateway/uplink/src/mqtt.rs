//! The MQTT connector: rumqttc, QoS 1, several parcels a message, every acknowledgement awaited
//! before the next batch.
//!
//! rumqttc persists nothing and forgets what is pending on a fresh session, so each connection
//! gets a fresh event loop and the outbox stays the only truth. `publish` gives no packet id:
//! messages and ids are paired by order.

use crate::region::Region;
use crate::tls::RegionTls;
use crate::worker::{Ended, Worker};
use crate::{CONNECT_TIMEOUT, SETTLE_TIMEOUT, batch};
use muster_ledger::{Outbox, Parcel, Settlement};
use rumqttc::{
    AsyncClient, Event, EventLoop, MqttOptions, Outgoing, Packet, QoS, TlsConfiguration, Transport,
};
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::timeout;

/// Messages under way at once; all are acknowledged before the next are sent.
const MAX_MESSAGES: usize = 8;
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
        mut self,
        worker: &mut Worker,
        tls: &RegionTls,
        expected: &str,
    ) -> Result<Ended, Ended> {
        worker.attest(tls, expected, CIPHERS).await?;
        loop {
            let parcels = tokio::select! {
                parcels = worker.next(expected, MAX_MESSAGES * batch::MAX_PARCELS) => parcels?,
                ended = self.idle() => return Ok(ended),
            };
            if parcels.is_empty() {
                return Ok(Ended::Down("the box is shutting down".into()));
            }
            match self.send(&parcels).await {
                Ok(()) => worker.settle(accepted(parcels)).await?,
                Err(ended) => {
                    worker.give_back(parcels).await?;
                    return Ok(ended);
                }
            }
        }
    }

    /// Keeps the connection alive while there is nothing to send.
    async fn idle(&mut self) -> Ended {
        loop {
            if let Err(error) = self.events.poll().await {
                return Ended::Down(cause(&error));
            }
        }
    }

    async fn send(&mut self, parcels: &[Parcel]) -> Result<(), Ended> {
        let mut messages = 0;
        for chunk in parcels.chunks(batch::MAX_PARCELS) {
            self.client
                .try_publish(&self.topic, QoS::AtLeastOnce, false, batch::payload(chunk))
                .map_err(|_| Ended::Down("the sending queue is full".into()))?;
            messages += 1;
        }
        match timeout(SETTLE_TIMEOUT, self.acknowledged(messages)).await {
            Ok(result) => result,
            Err(_) => Err(Ended::Down("no acknowledgement in time".into())),
        }
    }

    /// Waits until `messages` were sent and each was acknowledged by its packet id.
    async fn acknowledged(&mut self, messages: usize) -> Result<(), Ended> {
        let mut sent: HashMap<u16, bool> = HashMap::with_capacity(messages);
        while sent.len() < messages || sent.values().any(|acknowledged| !acknowledged) {
            match self.events.poll().await {
                Ok(Event::Outgoing(Outgoing::Publish(id))) => {
                    sent.insert(id, false);
                }
                Ok(Event::Incoming(Packet::PubAck(ack))) => {
                    if let Some(acknowledged) = sent.get_mut(&ack.pkid) {
                        *acknowledged = true;
                    }
                }
                Ok(_) => {}
                Err(error) => return Err(Ended::Down(cause(&error))),
            }
        }
        Ok(())
    }
}

fn accepted(parcels: Vec<Parcel>) -> Vec<(Parcel, Settlement)> {
    parcels.into_iter().map(|p| (p, Settlement::Accepted { receipt: None })).collect()
}

/// The error in words; library errors carry no payload.
fn cause(error: &rumqttc::ConnectionError) -> String {
    error.to_string().chars().take(200).collect()
}
