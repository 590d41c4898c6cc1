//! One worker a destination: connects, attests, drains, settles, backs off.

use crate::backoff::Backoff;
use crate::isolation::Isolation;
use crate::region::{Connector, Region};
use crate::tls::{Proof, RegionTls};
use crate::{dingtalk, https, mqtt};
use muster_attendance::EventId;
use muster_ledger::{Attestation, Outbox, OutboxError, Parcel, PauseReason, Settlement};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::Instrument as _;

/// How often a worker looks whether the policy (still) names its destination.
const POLICY_POLL: Duration = Duration::from_secs(1);

/// A running worker.
pub struct Uplink {
    task: JoinHandle<()>,
}

impl Uplink {
    /// Waits for the worker to end after `shutdown` was told; at most `patience`.
    pub async fn stopped(mut self, patience: Duration) {
        if tokio::time::timeout(patience, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }

    /// Whether the worker has ended: before shutdown that is a fault.
    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }
}

/// Starts draining `outbox` to `region` until `shutdown` turns true. `random` spreads retries.
pub fn start(
    region: Region,
    outbox: Outbox,
    shutdown: watch::Receiver<bool>,
    random: fn() -> u64,
) -> Uplink {
    let span = tracing::info_span!("region", destination = outbox.destination());
    let worker = Worker {
        region,
        outbox,
        random,
        delivered: 0,
        batch: 0,
        isolation: Isolation::default(),
        dingtalk: dingtalk::Memory::default(),
    };
    Uplink { task: tokio::spawn(worker.run(shutdown).instrument(span)) }
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Ended {
    #[error("{0}")]
    Down(String),
    #[error("{0}")]
    WrongRegion(String),
    #[error("{0}")]
    WrongTenant(String),
    /// No more calls for now: why, and for how long at least.
    #[error("{0}")]
    Quota(String, Duration),
    #[error("the policy names another region now")]
    PolicyChanged,
    #[error("the emergency stop is on")]
    Stopped,
    #[error("told to wait {0:?}")]
    Wait(Duration),
    #[error("{0}")]
    Ledger(#[from] OutboxError),
}

pub(crate) struct Worker {
    pub(crate) region: Region,
    pub(crate) outbox: Outbox,
    pub(crate) isolation: Isolation,
    pub(crate) dingtalk: dingtalk::Memory,
    /// Parcels the region has answered for: what resets the back-off.
    delivered: u64,
    /// Number of the batch that went out last, since the start: what the log names.
    batch: u64,
    random: fn() -> u64,
}

impl Worker {
    async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        tokio::select! {
            () = self.serve() => {}
            _ = shutdown.wait_for(|stop| *stop) => {}
        }
    }

    async fn serve(&mut self) {
        let mut backoff = Backoff::default();
        loop {
            self.outbox.running().await;
            let Some(expected) = self.outbox.expected_region() else {
                tokio::time::sleep(POLICY_POLL).await;
                continue;
            };
            let before = self.delivered;
            let outbox = self.outbox.clone();
            // What is under way goes down with its connection and back to the queue.
            let ended = tokio::select! {
                biased;
                () = outbox.stopped() => Ended::Stopped,
                ended = self.connect(&expected) => ended,
            };
            if self.delivered > before {
                backoff.reset();
            }
            let wait = match &ended {
                Ended::PolicyChanged | Ended::Stopped => continue,
                Ended::Wait(wait) | Ended::Quota(_, wait) => *wait,
                _ => backoff.next((self.random)()),
            };
            self.report(&ended).await;
            tokio::time::sleep(wait).await;
        }
    }

    async fn connect(&mut self, expected: &str) -> Ended {
        let proof = match self.region.connector {
            Connector::Mqtt | Connector::Https => Proof::Region(expected),
            Connector::Dingtalk => Proof::Contract,
        };
        let tls = match RegionTls::new(&self.region, proof) {
            Ok(tls) => tls,
            Err(error) => return Ended::Down(error.to_string()),
        };
        tls.forget();
        let ended = match self.region.connector {
            Connector::Mqtt => mqtt::drain(self, &tls, expected).await,
            Connector::Https => https::drain(self, &tls, expected).await,
            Connector::Dingtalk => dingtalk::drain(self, &tls, expected).await,
        };
        match tls.seen().and_then(|seen| seen.refused) {
            Some(why) => Ended::WrongRegion(format!("the certificate is valid, and {why}")),
            None => ended,
        }
    }

    async fn report(&self, ended: &Ended) {
        tracing::warn!(batch = self.batch, cause = %ended, "not connected to the region");
        let reason = match ended {
            Ended::WrongRegion(cause) => PauseReason::WrongRegion(cause.clone()),
            Ended::WrongTenant(cause) => PauseReason::WrongTenant(cause.clone()),
            Ended::Quota(cause, _) => PauseReason::Quota(cause.clone()),
            Ended::PolicyChanged | Ended::Stopped | Ended::Ledger(_) => return,
            Ended::Down(_) | Ended::Wait(_) => PauseReason::Down(ended.to_string()),
        };
        let kind = match &reason {
            PauseReason::Down(_) => "down",
            PauseReason::WrongRegion(_) => "wrong-region",
            PauseReason::WrongTenant(_) => "wrong-tenant",
            PauseReason::Quota(_) => "quota",
        };
        metrics::counter!("muster_region_pauses_total", "kind" => kind).increment(1);
        if let Err(error) = self.outbox.pause(reason).await {
            tracing::error!(%error, "the pause is not journaled");
        }
    }

    /// Tells the outbox that the peer of this connection is the region the policy names.
    pub(crate) async fn attest(
        &self,
        tls: &RegionTls,
        expected: &str,
        cipher: &str,
    ) -> Result<(), Ended> {
        let peer = tls.peer(&self.region.address, cipher);
        let region = expected.to_owned();
        let attestation = match self.region.connector {
            Connector::Mqtt | Connector::Https => Attestation::Endpoint { region, peer },
            Connector::Dingtalk => Attestation::Contract { region, peer, clause: None },
        };
        tracing::info!(region = expected, proof = attestation.proof(), "connected");
        Ok(self.outbox.attest(attestation).await?)
    }

    /// Takes the next parcels, or says that the policy changed its mind about the region.
    pub(crate) async fn next(&mut self, expected: &str, max: usize) -> Result<Vec<Parcel>, Ended> {
        let parcels = self.asking(expected, max).await?;
        self.goes_out(&parcels);
        Ok(parcels)
    }

    /// The same as work by itself, for who does other things meanwhile; [`Worker::goes_out`] is told
    /// of what comes of it.
    pub(crate) fn asking(
        &self,
        expected: &str,
        max: usize,
    ) -> impl Future<Output = Result<Vec<Parcel>, Ended>> + Send + use<> {
        let max = self.isolation.allowed(max);
        let (outbox, expected) = (self.outbox.clone(), expected.to_owned());
        async move {
            loop {
                if outbox.expected_region().as_ref() != Some(&expected) {
                    return Err(Ended::PolicyChanged);
                }
                match tokio::time::timeout(POLICY_POLL, outbox.next(max)).await {
                    Ok(parcels) => return Ok(parcels?),
                    Err(_) => continue,
                }
            }
        }
    }

    /// Numbers a batch.
    pub(crate) fn goes_out(&mut self, parcels: &[Parcel]) {
        self.batch += 1;
        tracing::debug!(batch = self.batch, parcels = parcels.len(), "a batch goes out");
    }

    /// Settles parcels that the region answered for.
    pub(crate) async fn settle(&mut self, settled: Vec<(Parcel, Settlement)>) -> Result<(), Ended> {
        self.settling(settled).await
    }

    /// The same as work by itself.
    pub(crate) fn settling(
        &mut self,
        settled: Vec<(Parcel, Settlement)>,
    ) -> impl Future<Output = Result<(), Ended>> + Send + use<> {
        let answered = settled.iter().filter(|(_, s)| *s != Settlement::Unknown).count();
        self.isolation.passed(answered);
        self.delivered += answered as u64;
        tracing::debug!(batch = self.batch, answered, "the region has answered");
        let outbox = self.outbox.clone();
        async move { Ok(outbox.settle(settled).await?) }
    }

    /// Gives back parcels whose connection died; one that kills connections is set aside.
    pub(crate) async fn give_back(&mut self, parcels: Vec<Parcel>) -> Result<(), Ended> {
        let ids: Vec<EventId> = parcels.iter().map(Parcel::key).collect();
        let poison = self.isolation.died_with(&ids);
        let settlement = || match poison {
            true => Settlement::Rejected {
                reason: "every connection ended while this record alone was under way".into(),
            },
            false => Settlement::Unknown,
        };
        let back = parcels.into_iter().map(|parcel| (parcel, settlement())).collect();
        Ok(self.outbox.settle(back).await?)
    }
}
