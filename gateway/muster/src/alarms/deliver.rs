//! Each sink with a queue of its own, bounded; what is not taken is tried again until it is.

use super::{Alarm, Section, mail, webhook};
use anyhow::Result;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;

/// Alarms that wait for one sink; more are dropped and counted.
const MAX_WAITING: usize = 64;
/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The first pause between two tries, doubled up to the last.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LAST_PAUSE: Duration = Duration::from_secs(300);

/// How many sinks have not taken an alarm yet.
#[derive(Clone)]
pub(super) struct Receipt(Arc<AtomicUsize>);

impl Receipt {
    pub(super) fn is_delivered(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }
}

struct Waiting {
    alarm: Alarm,
    /// As it was raised, RFC 3339.
    at: String,
    receipt: Receipt,
}

/// Where alarms go.
pub(super) struct Sinks(Vec<(&'static str, mpsc::Sender<Waiting>)>);

enum Sink {
    Webhook(webhook::Caller),
    Mail(mail::Sender),
}

impl Sinks {
    /// Reads what each sink needs, and starts it.
    pub(super) fn start(section: &Section, site: &str) -> Result<Self> {
        let mut sinks = Vec::new();
        if let Some(webhook) = &section.webhook {
            sinks.push(("webhook", Sink::Webhook(webhook::Caller::new(webhook, site)?)));
        }
        if let Some(mail) = &section.mail {
            sinks.push(("mail", Sink::Mail(mail::Sender::new(mail, site, section.language())?)));
        }
        let start = |(name, sink)| {
            let (sender, receiver) = mpsc::channel(MAX_WAITING);
            tokio::spawn(serve(name, sink, receiver));
            (name, sender)
        };
        Ok(Self(sinks.into_iter().map(start).collect()))
    }

    /// Hands an alarm to every sink.
    pub(super) fn send(&self, alarm: &Alarm) -> Receipt {
        let receipt = Receipt(Arc::new(AtomicUsize::new(self.0.len())));
        let at = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        for (name, sender) in &self.0 {
            let (alarm, at, receipt) = (alarm.clone(), at.clone(), receipt.clone());
            if sender.try_send(Waiting { alarm, at, receipt }).is_err() {
                count(name, "dropped", 1);
            }
        }
        receipt
    }
}

async fn serve(name: &'static str, sink: Sink, mut waiting: mpsc::Receiver<Waiting>) {
    while let Some(Waiting { alarm, at, receipt }) = waiting.recv().await {
        let mut pause = FIRST_PAUSE;
        loop {
            let tried = tokio::time::timeout(PATIENCE, async {
                match &sink {
                    Sink::Webhook(caller) => caller.call(&alarm, &at).await,
                    Sink::Mail(sender) => sender.send(&alarm, &at).await,
                }
            });
            match tried.await {
                Ok(Ok(())) => break,
                Ok(Err(error)) => tracing::warn!("{name}: an alarm waits: {error:#}"),
                Err(_) => tracing::warn!("{name}: an alarm waits: no answer in time"),
            }
            count(name, "failed", 1);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
        count(name, "sent", 1);
        receipt.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Adds to the count of tries.
pub(super) fn count(sink: &'static str, result: &'static str, more: u64) {
    metrics::counter!("muster_alarms_delivered_total", "sink" => sink, "result" => result)
        .increment(more);
}
