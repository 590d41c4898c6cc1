//! The way acts take to the committer: the same ordered queue that punches take, so that an act
//! submitted before a punch is in the journal before it.

use crate::CommitError;
use crate::act::Act;
use tokio::sync::{mpsc, oneshot};

/// What the committer says of a submission: in the journal and fsynced, or not at all.
pub(crate) type Durable = oneshot::Receiver<Result<(), CommitError>>;

/// Acts on their way: journaled together, applied to the tables, then answered.
pub(crate) struct Submission {
    /// In order.
    pub(crate) acts: Vec<Act>,
    /// Answered after the fsync.
    pub(crate) done: oneshot::Sender<Result<(), CommitError>>,
}

/// Sends acts to the committer. Cheap to clone. The queue has no bound of its own: whoever submits
/// waits for the answer, and detached submissions are bounded by the tables that make them.
#[derive(Clone)]
pub(crate) struct ActSender {
    queue: mpsc::UnboundedSender<Submission>,
}

impl ActSender {
    /// A sender and the committer's end of it.
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Submission>) {
        let (queue, taken) = mpsc::unbounded_channel();
        (Self { queue }, taken)
    }

    /// Journals `acts`; they are fsynced and applied to the tables when this returns.
    pub(crate) async fn submit(&self, acts: Vec<Act>) -> Result<(), CommitError> {
        self.submit_detached(acts).await.unwrap_or(Err(CommitError::Closed))
    }

    /// Queues `acts` ahead of whatever is queued next and does not wait. The answer may be dropped.
    pub(crate) fn submit_detached(&self, acts: Vec<Act>) -> Durable {
        let (done, durable) = oneshot::channel();
        // A closed queue drops `done`, which the receiver sees.
        let _ = self.queue.send(Submission { acts, done });
        durable
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use std::sync::{Arc, Mutex};

    /// A committer that only applies: answers each submission after `apply` has seen its acts.
    pub(crate) struct Applier {
        pub(crate) acts: ActSender,
        pub(crate) journal: Arc<Mutex<Vec<Act>>>,
        fail_next: Arc<Mutex<Option<CommitError>>>,
        queue: Mutex<Option<mpsc::UnboundedReceiver<Submission>>>,
    }

    impl Applier {
        pub(crate) fn new() -> Self {
            let (acts, queue) = ActSender::new();
            Self {
                acts,
                journal: Arc::default(),
                fail_next: Arc::default(),
                queue: Mutex::new(Some(queue)),
            }
        }

        /// The next submission is answered with `error` and not applied.
        pub(crate) fn fail_next(&self, error: CommitError) {
            *self.fail_next.lock().unwrap() = Some(error);
        }

        /// Starts the thread.
        pub(crate) fn start(&self, apply: impl Fn(&Act) + Send + 'static) {
            let mut queue = self.queue.lock().unwrap().take().unwrap();
            let (journal, fail_next) = (self.journal.clone(), self.fail_next.clone());
            std::thread::spawn(move || {
                while let Some(submission) = queue.blocking_recv() {
                    let failed = fail_next.lock().unwrap().take();
                    let answer = failed.map_or(Ok(()), Err);
                    if answer.is_ok() {
                        journal.lock().unwrap().extend(submission.acts.iter().cloned());
                        submission.acts.iter().for_each(&apply);
                    }
                    let _ = submission.done.send(answer);
                }
            });
        }
    }
}
