//! One terminal at a time: tasks of several steps, and what the journal hears of them.

use super::words::reason_word;
use super::{TASK_LIMIT, TerminalError};
use crate::ingest::Ingest;
use crate::split::{BiometricEvidence, EvidenceKind};
use crate::tasks::Told;
use muster_attendance::{Attendance, DeviceClock, DeviceId, DeviceTime, Method, Outcome, PersonId};
use muster_ledger::Did;
use muster_proto::message::{Grounds, IMAGE_HEAD, Job, MAX_DATA, MAX_PART, TaskResult};
use std::time::Duration;
use tokio::time::Instant;
use zeroize::Zeroizing;

/// A task goes again after so long without a report.
const AGAIN: Duration = Duration::from_secs(2);
/// Bytes of a template, at most: what a terminal's fingerprint module gives.
const MAX_TEMPLATE: usize = 1_536;

/// One terminal, and the way to it.
pub(super) struct AtTerminal<'a> {
    pub(super) ingest: &'a Ingest,
    pub(super) name: String,
    pub(super) device: DeviceId,
}

impl AtTerminal<'_> {
    pub(super) fn strange(&self) -> TerminalError {
        TerminalError::Strange(self.name.clone())
    }

    /// Has a job done; gives the data of the report.
    pub(super) async fn done(&self, job: Job<'_>) -> Result<Zeroizing<Vec<u8>>, TerminalError> {
        let tasks = self.ingest.tasks();
        let _turn = tasks.turn(self.device).await;
        let id = tasks.number();
        let mut reports = tasks.ask(self.device, id);
        let until = Instant::now() + TASK_LIMIT;
        let told = loop {
            let sealed = self.ingest.seals().task(self.device, id, job);
            tasks.send(self.device, sealed.ok_or(TerminalError::Site)?);
            match tokio::time::timeout(AGAIN, reports.recv()).await {
                Ok(Some(told)) if told.result != TaskResult::Working => break Some(told),
                Ok(Some(_)) => tokio::time::sleep(AGAIN / 4).await,
                Ok(None) | Err(_) => {}
            }
            if Instant::now() >= until {
                break None;
            }
        };
        tasks.forget(self.device);
        match told {
            None => Err(TerminalError::Silent(self.name.clone())),
            Some(Told { result: TaskResult::Done, data, .. }) => Ok(data),
            Some(Told { reason, .. }) => {
                Err(TerminalError::Refused { terminal: self.name.clone(), reason })
            }
        }
    }

    /// The template on a page, part by part.
    pub(super) async fn template(&self, page: u16) -> Result<Zeroizing<Vec<u8>>, TerminalError> {
        let mut whole = Zeroizing::new(Vec::with_capacity(MAX_TEMPLATE + MAX_DATA));
        loop {
            let offset = whole.len() as u16;
            let part = self.done(Job::ReadTemplate { page, offset }).await?;
            if part.is_empty() && !whole.is_empty() {
                return Ok(whole);
            }
            if part.is_empty() || whole.len() + part.len() > MAX_TEMPLATE {
                return Err(self.strange());
            }
            whole.extend_from_slice(&part);
        }
    }

    pub(super) async fn write(
        &self,
        number: &str,
        page: u16,
        grounds: Grounds,
        template: &[u8],
    ) -> Result<(), TerminalError> {
        let total = template.len() as u16;
        for (at, part) in template.chunks(MAX_PART).enumerate() {
            let offset = (at * MAX_PART) as u16;
            let job = Job::WriteTemplate { number, page, grounds, total, offset, part };
            self.done(job).await?;
        }
        Ok(())
    }

    pub(super) async fn update(
        &self,
        head: &[u8; IMAGE_HEAD],
        image: &[u8],
    ) -> Result<(), TerminalError> {
        self.done(Job::BeginUpdate { head }).await?;
        for (at, part) in image.chunks(MAX_PART).enumerate() {
            let offset = u32::try_from(at * MAX_PART)
                .map_err(|_| TerminalError::Invalid("the image is larger than any flash"))?;
            self.done(Job::UpdatePart { offset, part }).await?;
        }
        self.done(Job::EndUpdate).await.map(|_| ())
    }

    /// Seals an enrolled template into the vault. It has no punch: boot 0, which no punch has,
    /// and the number of a task stand for one.
    pub(super) async fn seal(&self, person: Option<PersonId>, template: Zeroizing<Vec<u8>>) {
        let received_ms = self.ingest.handles().clock.now_ms();
        let attendance = Attendance {
            device: self.device,
            boot: 0,
            seq: u64::from(self.ingest.tasks().number()),
            person,
            at: DeviceTime { seconds: received_ms / 1000, offset_minutes: 0 },
            received_ms,
            method: Method::Fingerprint,
            outcome: Outcome::Granted,
            direction: None,
            live: true,
            clock: DeviceClock::Ok,
        };
        let kind = EvidenceKind::FingerprintTemplate;
        let piece = BiometricEvidence::new(kind, String::new(), template);
        self.ingest.vault().seal(vec![(attendance, piece)]).await;
    }

    pub(super) async fn journal(
        &self,
        task: &str,
        person: Option<PersonId>,
        error: Option<&TerminalError>,
        count: u32,
    ) -> Result<(), TerminalError> {
        let result = match error {
            None => "done",
            Some(TerminalError::Refused { reason, .. }) => reason_word(*reason),
            Some(TerminalError::Silent(_)) => "silent",
            Some(_) => "failed",
        };
        let count = if error.is_none() { count } else { 0 };
        let did = Did { task: task.to_owned(), person, result: result.to_owned(), count };
        Ok(self.ingest.handles().devices.did(self.device, did).await?)
    }
}
