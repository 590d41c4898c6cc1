//! Threads that call the store, so that a call that hangs or panics harms nobody else.
//!
//! A thread that hangs inside the store cannot be ended: it is left behind with its folder moved
//! away under it. How many may be left behind is bounded by whoever opens stores.

use super::store::{Place, Store, StoreError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc as async_mpsc, oneshot};

/// Requests that may wait for one thread; callers beyond wait outside.
const MAX_WAITING: usize = 64;

type Job = Box<dyn FnOnce(&Store) + Send>;

/// One thread with a store. Dropping the last handle ends the thread once it is idle.
#[derive(Clone)]
pub(super) struct Runner {
    jobs: async_mpsc::Sender<Job>,
    watch: Arc<Watch>,
    ended: Arc<Mutex<mpsc::Receiver<()>>>,
}

/// Since when the thread is at its request.
struct Watch {
    base: Instant,
    /// Milliseconds after `base`, plus one; 0 is idle.
    since: AtomicU64,
}

/// Opens a store within `limit`.
pub(super) fn open(place: Place, limit: Duration) -> Result<Store, StoreError> {
    let (done, opened) = mpsc::sync_channel(1);
    std::thread::Builder::new().name("muster-views-open".into()).spawn(move || {
        let store = catch_unwind(AssertUnwindSafe(|| Store::open(&place)));
        let _ = done.send(store.unwrap_or(Err(StoreError::Panicked)));
    })?;
    opened.recv_timeout(limit).unwrap_or(Err(StoreError::Hanging))
}

impl Runner {
    /// Starts a thread.
    pub(super) fn start(name: &str, store: Store) -> Result<Self, StoreError> {
        let (jobs, mut waiting) = async_mpsc::channel::<Job>(MAX_WAITING);
        let watch = Arc::new(Watch { base: Instant::now(), since: AtomicU64::new(0) });
        let own = watch.clone();
        let (ending, ended) = mpsc::sync_channel::<()>(0);
        std::thread::Builder::new().name(name.into()).spawn(move || {
            while let Some(job) = waiting.blocking_recv() {
                own.since.store(own.now(), SeqCst);
                // After a panic nothing of the store is used again: the answer is dropped, and
                // whoever asked sets the store aside.
                let ended = catch_unwind(AssertUnwindSafe(|| job(&store)));
                own.since.store(0, SeqCst);
                if ended.is_err() {
                    break;
                }
            }
            drop(store);
            drop(ending);
        })?;
        Ok(Self { jobs, watch, ended: Arc::new(Mutex::new(ended)) })
    }

    /// Lets the thread end and waits at most `limit` until it has let go of the store.
    pub(super) fn end(self, limit: Duration) {
        drop(self.jobs);
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = ended.recv_timeout(limit);
    }

    /// Asks from a thread and waits, at most `limit`.
    pub(super) fn call<T: Send + 'static>(
        &self,
        limit: Duration,
        ask: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (done, answer) = mpsc::sync_channel(1);
        let job: Job = Box::new(move |store| {
            let _ = done.send(ask(store));
        });
        self.jobs.try_send(job).map_err(|_| StoreError::Panicked)?;
        match answer.recv_timeout(limit) {
            Ok(answer) => answer,
            Err(mpsc::RecvTimeoutError::Timeout) => Err(StoreError::Hanging),
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(StoreError::Panicked),
        }
    }

    /// Asks from a task; how long one request may take is watched by [`Self::hangs`].
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (done, answer) = oneshot::channel();
        let job: Job = Box::new(move |store| {
            let _ = done.send(ask(store));
        });
        self.jobs.send(job).await.map_err(|_| StoreError::Gone)?;
        answer.await.unwrap_or(Err(StoreError::Panicked))
    }

    /// Whether the thread has been at one request for longer than `limit`.
    pub(super) fn hangs(&self, limit: Duration) -> bool {
        let since = self.watch.since.load(SeqCst);
        since != 0 && self.watch.now().saturating_sub(since) > limit.as_millis() as u64
    }
}

impl Watch {
    fn now(&self) -> u64 {
        self.base.elapsed().as_millis() as u64 + 1
    }
}
