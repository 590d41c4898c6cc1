//! What takes longer than an answer: the doctor's round, a finger at a terminal. Each runs by
//! itself; pages show how far it is. In memory: what matters of it is in the journal.

use muster_ledger::trail::{ActFilter, ActRow};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The longest that one may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(240);
/// Jobs that are remembered.
const MAX_JOBS: usize = 40;
/// Jobs that run at a time.
const MAX_RUNNING: usize = 8;

/// What the box can be asked to do.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Command {
    /// Looks at everything, as `muster doctor`.
    Doctor,
    /// Has a terminal take a person's finger and keep it on a page of its module.
    Finger { terminal: String, number: String, page: u16 },
    /// Lets a person choose a PIN at a terminal.
    Pin { terminal: String, number: String },
    /// Asks a terminal to send again all that it keeps.
    Again { terminal: String },
    /// Looks for acts in the journal.
    Acts(ActFilter),
    /// Checks the whole journal: every batch and the chain over them.
    Verify,
}

impl Command {
    /// Whether it reads the whole journal: one of them at a time.
    fn reads_all(&self) -> bool {
        matches!(self, Self::Doctor | Self::Acts(_) | Self::Verify)
    }
}

/// What came of it.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Done {
    Nothing,
    Looked(Vec<Look>),
    /// The newest first, and how many there are.
    Acts(Vec<ActRow>, u64),
    /// Batches and records, and where the first damage is.
    Verified {
        batches: u64,
        records: u64,
        damage: Option<String>,
    },
}

/// How something that was looked at stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[allow(missing_docs)]
pub enum LookState {
    Well,
    Warning,
    Broken,
}

/// One thing that the doctor looked at.
#[derive(Clone, Debug)]
pub struct Look {
    /// What kind of thing.
    pub check: String,
    /// Which of its kind.
    pub name: String,
    /// How it stands.
    pub state: LookState,
    /// What was seen; of something that is not well, why.
    pub cause: String,
    /// What to do, where something is not well.
    pub cure: Option<String>,
    /// Its place in the handbook.
    pub runbook: String,
}

/// What comes of a command, later.
pub type Outcome = Pin<Box<dyn Future<Output = Result<Done, String>> + Send>>;

/// Does a command under an account's name; an error is a sentence for people.
pub type Commands = Arc<dyn Fn(String, Command) -> Outcome + Send + Sync>;

/// A job as it stands.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    number: u64,
    pub(crate) command: Command,
    pub(crate) started_ms: i64,
    /// When it ended and what came of it; `None` while it runs.
    pub(crate) ended: Option<(i64, Result<Done, String>)>,
}

/// Why a job does not start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NotNow {
    /// The same is under way.
    Running,
    /// Too much is.
    Busy,
}

#[derive(Default)]
struct Table {
    last: u64,
    jobs: VecDeque<Job>,
}

#[derive(Default)]
pub(crate) struct Jobs(Mutex<Table>);

impl Jobs {
    /// Starts a job whose end `now` will date.
    pub(crate) fn start(
        self: &Arc<Self>,
        command: Command,
        outcome: Outcome,
        now: impl Fn() -> i64 + Send + 'static,
    ) -> Result<(), NotNow> {
        let number = self.begin(command, now())?;
        let jobs = self.clone();
        tokio::spawn(async move {
            let outcome = tokio::time::timeout(LIMIT, outcome).await;
            let outcome = outcome.unwrap_or_else(|_| Err("it took too long".to_owned()));
            jobs.end(number, now(), outcome);
        });
        Ok(())
    }

    fn begin(&self, command: Command, started_ms: i64) -> Result<u64, NotNow> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let running = table.jobs.iter().filter(|job| job.ended.is_none());
        if running.clone().any(|job| job.command == command) {
            return Err(NotNow::Running);
        }
        let reads = command.reads_all();
        let reading = running.clone().any(|job| job.command.reads_all());
        if running.count() >= MAX_RUNNING || (reads && reading) {
            return Err(NotNow::Busy);
        }
        if reads {
            // What an older one found is large, and of no use any more.
            let kind = std::mem::discriminant(&command);
            table.jobs.retain(|job| std::mem::discriminant(&job.command) != kind);
        }
        if table.jobs.len() >= MAX_JOBS
            && let Some(oldest) = table.jobs.iter().position(|job| job.ended.is_some())
        {
            table.jobs.remove(oldest);
        }
        table.last += 1;
        let number = table.last;
        table.jobs.push_back(Job { number, command, started_ms, ended: None });
        Ok(number)
    }

    fn end(&self, number: u64, at_ms: i64, outcome: Result<Done, String>) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(job) = table.jobs.iter_mut().find(|job| job.number == number) {
            job.ended = Some((at_ms, outcome));
        }
    }

    /// The newest first, of those that `wanted` says.
    pub(crate) fn of(&self, wanted: impl Fn(&Command) -> bool) -> Vec<Job> {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.jobs.iter().rev().filter(|job| wanted(&job.command)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(terminal: &str) -> Command {
        Command::Again { terminal: terminal.to_owned() }
    }

    #[test]
    fn the_same_runs_once_and_few_at_a_time() {
        let jobs = Jobs::default();
        let first = jobs.begin(again("0"), 1).expect("a job");
        assert_eq!(jobs.begin(again("0"), 2), Err(NotNow::Running));
        for n in 1..MAX_RUNNING {
            assert!(jobs.begin(again(&n.to_string()), 2).is_ok());
        }
        assert_eq!(jobs.begin(again("one more"), 3), Err(NotNow::Busy));
        assert!(jobs.begin(Command::Verify, 3).is_err(), "the table is full of others");
        jobs.end(first, 4, Ok(Done::Nothing));
        assert!(jobs.begin(again("0"), 5).is_ok(), "again, once it is done");
        assert_eq!(jobs.of(|command| *command == again("0")).len(), 2);
    }

    #[test]
    fn the_journal_is_read_by_one_at_a_time() {
        let jobs = Jobs::default();
        let first = jobs.begin(Command::Doctor, 1).expect("a job");
        assert_eq!(jobs.begin(Command::Verify, 2), Err(NotNow::Busy));
        assert!(jobs.begin(again("0"), 2).is_ok());
        jobs.end(first, 3, Ok(Done::Looked(Vec::new())));
        assert!(jobs.begin(Command::Verify, 4).is_ok());
        assert_eq!(jobs.of(|command| *command == Command::Doctor).len(), 1, "what it found stays");
    }

    #[test]
    fn the_list_is_bounded() {
        let jobs = Jobs::default();
        for n in 0..3 * MAX_JOBS as u64 {
            let number = jobs.begin(again(&n.to_string()), 0).expect("a job");
            jobs.end(number, 1, Ok(Done::Nothing));
        }
        assert_eq!(jobs.of(|_| true).len(), MAX_JOBS);
    }
}
