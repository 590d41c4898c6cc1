//! From the broker's messages to the ingest, and back with acknowledgements and receipts.

use super::Generation;
use crate::ingest::{Answer, Ingest, Message, OnFull, Reply};
use crate::limits::MAX_PAYLOAD;
use crate::tasks::Route;
use crate::topic::{self, Purpose};
use crate::verify::Speaker;
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use muster_ledger::{DeviceState, DevicesError, RefusalReason};
use rumqttc::{AsyncClient, Publish, QoS};
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use zeroize::Zeroizing;

/// Batches that wait for the disk.
const MAX_WAITING: usize = 8;

/// Messages that were read together.
pub(super) struct Arrived {
    /// Of which connection.
    pub(super) generation: u64,
    pub(super) messages: Vec<Publish>,
    pub(super) _paid: OwnedSemaphorePermit,
}

type Waiting = Pin<Box<dyn Future<Output = (Arrived, Vec<Reply>)> + Send>>;

pub(super) struct Pump {
    ingest: Arc<Ingest>,
    client: AsyncClient,
    generation: Generation,
    trust: bool,
    route: Route,
}

impl Pump {
    pub(super) fn new(
        ingest: Arc<Ingest>,
        client: AsyncClient,
        generation: Generation,
        trust: bool,
    ) -> Self {
        let route = ingest.tasks().route();
        Self { ingest, client, generation, trust, route }
    }

    /// Works until nothing can come any more.
    pub(super) async fn run(self, mut arriving: mpsc::Receiver<Arrived>) {
        let mut waiting: FuturesOrdered<Waiting> = FuturesOrdered::new();
        let mut news = self.ingest.tasks().news();
        loop {
            tokio::select! {
                Ok(()) = news.changed() => self.give_orders(),
                Some((arrived, replies)) = waiting.next() => self.answer(&arrived, replies),
                arrived = arriving.recv(), if waiting.len() < MAX_WAITING => match arrived {
                    Some(arrived) => waiting.push_back(self.take(arrived)),
                    None => return,
                },
            }
        }
    }

    fn take(&self, arrived: Arrived) -> Waiting {
        let mut bytes = Zeroizing::new(Vec::new());
        let messages: Vec<_> =
            arrived.messages.iter().map(|publish| self.message(publish, &mut bytes)).collect();
        let ingest = self.ingest.clone();
        Box::pin(async move {
            let replies = ingest.take("broker", OnFull::Wait, &mut bytes, &messages).await;
            (arrived, replies)
        })
    }

    fn message(&self, publish: &Publish, bytes: &mut Vec<u8>) -> Message {
        let who = self.speaker(&publish.topic);
        let start = bytes.len();
        if publish.payload.len() <= MAX_PAYLOAD {
            bytes.extend_from_slice(&publish.payload);
        }
        let device = who.as_ref().ok().map(|speaker| speaker.device());
        Message { who, device, payload: start..bytes.len(), length: publish.payload.len() }
    }

    fn speaker(&self, topic: &str) -> Result<Speaker, Option<RefusalReason>> {
        let Some((name, Purpose::CheckIn)) = topic::parse(topic) else {
            return Err(Some(RefusalReason::BadTopic));
        };
        let devices = &self.ingest.handles().devices;
        match devices.find(name) {
            Some(device) if device.state == DeviceState::Revoked => {
                Err(Some(RefusalReason::Revoked))
            }
            Some(device) if self.trust => Ok(Speaker::Itself(device.id)),
            Some(device) => Ok(Speaker::Carried(device.id)),
            None if self.trust => match devices.intern(name) {
                Ok(device) => Ok(Speaker::Itself(device)),
                Err(DevicesError::Commit(_)) => Err(None),
                Err(_) => Err(Some(RefusalReason::UnknownDevice)),
            },
            None => Err(Some(RefusalReason::UnknownDevice)),
        }
    }

    /// Acknowledges what was taken. From the first that was not, nothing is: the connection is
    /// given up, and the broker sends it all again on the next.
    fn answer(&self, arrived: &Arrived, replies: Vec<Reply>) {
        for (publish, reply) in arrived.messages.iter().zip(replies) {
            if matches!(reply.answer, Answer::Later(_)) {
                self.generation.while_current(arrived.generation, || {
                    // If the channel is full, the broker's timeout ends the connection.
                    let _ = self.client.try_disconnect();
                });
                return;
            }
            if let Some((device, _)) = reply.sealed {
                self.ingest.tasks().spoke(device, self.route);
            }
            let receipt = self.receipt(publish, reply);
            self.generation.while_current(arrived.generation, || {
                // The channel has room for more than a broker has under way.
                let _ = self.client.try_ack(publish);
                if let Some((topic, receipt)) = receipt {
                    let _ = self.client.try_publish(topic, QoS::AtMostOnce, false, receipt);
                }
            });
        }
    }

    /// Publishes what waits for terminals behind this broker.
    fn give_orders(&self) {
        let tasks = self.ingest.tasks();
        for device in tasks.addressees() {
            let Some(paired) = self.ingest.handles().devices.get(device) else { continue };
            while let Some(sealed) = tasks.take(device, self.route) {
                let topic = topic::command(&paired.name);
                // What finds no room is given again by whoever asked.
                let _ = self.client.try_publish(topic, QoS::AtMostOnce, false, sealed);
            }
        }
    }

    fn receipt(&self, publish: &Publish, reply: Reply) -> Option<(String, Vec<u8>)> {
        let (name, _) = topic::parse(&publish.topic)?;
        let receipt = match reply.sealed {
            Some(_) => reply.seal(self.ingest.seals())?,
            None if self.trust => reply.json()?.into_bytes(),
            None => return None,
        };
        Some((topic::receipt(name), receipt))
    }
}
