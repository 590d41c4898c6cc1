//! Orders and tasks that wait for a terminal, and reports that wait for whoever asked.
//!
//! One task at a time for each terminal. What is to be sent waits here, sealed, until a link that
//! reaches the terminal takes it; whoever asked sends it again until a report comes. So a link
//! that goes, and a box that restarts, cost a repetition and nothing else.

mod again;
mod post;

pub(crate) use post::Route;

use crate::verify::Introduction;
use again::Again;
use muster_attendance::DeviceId;
use muster_proto::message::{Report, Stamp, TaskReason, TaskResult};
use post::Post;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedMutexGuard, mpsc, watch};
use zeroize::Zeroizing;

/// Reports that wait for whoever asked.
const MAX_REPORTS: usize = 8;

/// What a terminal said of a task.
pub(crate) struct Told {
    pub(crate) result: TaskResult,
    pub(crate) reason: TaskReason,
    pub(crate) data: Zeroizing<Vec<u8>>,
}

#[derive(Default)]
struct Terminal {
    /// Held by whoever has a task done.
    turn: Arc<tokio::sync::Mutex<()>>,
    post: Post,
    again: Option<Again>,
    asked: Option<(u32, mpsc::Sender<Told>)>,
    /// The newest entry of its event log that was journaled since the start.
    noted: Stamp,
    /// The newest greeting since the start, and a hash of what it said.
    greeted: (Stamp, u64),
    /// The terminal said that every punch before this one has its receipt.
    settled: Stamp,
    /// The newest punch that came since the start.
    punched: Stamp,
}

/// What a greeting is, beside those before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Greeting {
    /// The newest.
    New,
    /// The newest, come once more.
    Twice,
    /// One of this boot that is no longer the newest.
    Again,
    /// The number of the newest with other words, or it knows nothing of punches of its own boot:
    /// two terminals use one boot number.
    Reused,
    /// Of an earlier boot: replayed, or of a terminal that was reset or copied.
    Earlier,
}

/// All terminals'. Bounded by the table of devices: only those that are paired get in.
pub(crate) struct Tasks {
    terminals: Mutex<HashMap<DeviceId, Terminal>>,
    next: Mutex<u32>,
    next_route: AtomicU64,
    /// Changes whenever there is something for links to take.
    news: watch::Sender<u64>,
}

impl Tasks {
    /// `epoch` grows with every start of the box, so that numbers of tasks differ.
    pub(crate) fn new(epoch: u32) -> Self {
        Self {
            terminals: Mutex::default(),
            next: Mutex::new(epoch << 16 | 1),
            next_route: AtomicU64::new(0),
            news: watch::Sender::new(0),
        }
    }

    /// A way to terminals, for a link that begins.
    pub(crate) fn route(&self) -> Route {
        Route(self.next_route.fetch_add(1, Relaxed))
    }

    /// Changes whenever there may be something to take.
    pub(crate) fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    fn tell_links(&self) {
        self.news.send_modify(|number| *number = number.wrapping_add(1));
    }

    fn terminals(&self) -> MutexGuard<'_, HashMap<DeviceId, Terminal>> {
        self.terminals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number for a task, not used by this box lately, and not 0.
    pub(crate) fn number(&self) -> u32 {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let number = *next;
        *next = next.wrapping_add(1).max(1);
        number
    }

    /// Waits until nobody else has `device` do anything.
    pub(crate) async fn turn(&self, device: DeviceId) -> OwnedMutexGuard<()> {
        let turn = self.terminals().entry(device).or_default().turn.clone();
        turn.lock_owned().await
    }

    /// Where reports on task `id` will come.
    pub(crate) fn ask(&self, device: DeviceId, id: u32) -> mpsc::Receiver<Told> {
        let (asked, reports) = mpsc::channel(MAX_REPORTS);
        self.terminals().entry(device).or_default().asked = Some((id, asked));
        reports
    }

    /// Puts a sealed task where links take it.
    pub(crate) fn send(&self, device: DeviceId, sealed: Vec<u8>) {
        self.post(device, sealed, true);
    }

    /// The same of an order, which nobody waits for.
    pub(crate) fn order(&self, device: DeviceId, sealed: Vec<u8>) {
        self.post(device, sealed, false);
    }

    fn post(&self, device: DeviceId, sealed: Vec<u8>, task: bool) {
        self.terminals().entry(device).or_default().post.send(sealed, task);
        self.tell_links();
    }

    /// Nobody waits for the task any more.
    pub(crate) fn forget(&self, device: DeviceId) {
        let mut terminals = self.terminals();
        let terminal = terminals.entry(device).or_default();
        terminal.asked = None;
        terminal.post.drop_tasks();
    }

    /// A message whose seal held came from `device` by this way.
    pub(crate) fn spoke(&self, device: DeviceId, route: Route) {
        if self.terminals().entry(device).or_default().post.spoke(route) {
            self.tell_links();
        }
    }

    /// The terminals that something waits for.
    pub(crate) fn addressees(&self) -> Vec<DeviceId> {
        let terminals = self.terminals();
        let waiting = terminals.iter().filter(|(_, terminal)| !terminal.post.is_empty());
        waiting.map(|(device, _)| *device).collect()
    }

    /// The next sealed message for `device`, for a way that may lead to it.
    pub(crate) fn take(&self, device: DeviceId, route: Route) -> Option<Vec<u8>> {
        self.terminals().get_mut(&device)?.post.take(route)
    }

    /// Remembers that `device` is to send again what it keeps from this punch on.
    pub(crate) fn want_again(&self, device: DeviceId, from: Stamp) {
        let mut terminals = self.terminals();
        let terminal = terminals.entry(device).or_default();
        let boot = Some(terminal.greeted.0.boot).filter(|boot| *boot > 0);
        terminal.again = Some(Again::new(from, boot));
    }

    /// A punch whose seal held came from `device`; `live` if it had not waited.
    pub(crate) fn came(&self, device: DeviceId, stamp: Stamp, live: bool) {
        let mut terminals = self.terminals();
        let terminal = terminals.entry(device).or_default();
        terminal.punched = stamp.max(terminal.punched);
        if let Some(again) = terminal.again.as_mut().filter(|_| !live) {
            again.came(stamp);
        }
    }

    /// The terminal greets: from which punch on it has to be asked once more, if at all.
    pub(crate) fn still_wanted(&self, device: DeviceId, boot: u32) -> Option<Stamp> {
        let mut terminals = self.terminals();
        let wanted = &mut terminals.get_mut(&device)?.again;
        let again = wanted.as_mut()?;
        if again.greeted(boot) {
            return Some(again.from);
        }
        *wanted = None;
        None
    }

    /// A report came. One that nobody waits for is dropped: its task was given up.
    pub(crate) fn reported(&self, device: DeviceId, report: &Report<'_>) {
        let terminals = self.terminals();
        let asked = terminals.get(&device).and_then(|terminal| terminal.asked.as_ref());
        if let Some((_, asked)) = asked.filter(|(id, _)| *id == report.id) {
            let Report { result, reason, .. } = *report;
            let data = Zeroizing::new(report.data.to_vec());
            // Whoever asked hears of it again.
            let _ = asked.try_send(Told { result, reason, data });
        }
    }

    /// Notes a greeting, and says how it stands to those before it since the start of the box.
    pub(crate) fn greeted(&self, device: DeviceId, said: Introduction) -> Greeting {
        let Introduction { stamp, hash, next, settled } = said;
        let mut terminals = self.terminals();
        let terminal = terminals.entry(device).or_default();
        let newest = &mut terminal.greeted;
        let greeting = match stamp.cmp(&newest.0) {
            Ordering::Greater if stamp.boot < terminal.punched.boot => Greeting::Earlier,
            Ordering::Greater if next <= terminal.punched => Greeting::Reused,
            Ordering::Greater => Greeting::New,
            Ordering::Equal if hash == newest.1 => Greeting::Twice,
            Ordering::Equal => Greeting::Reused,
            Ordering::Less if stamp.boot < newest.0.boot => Greeting::Earlier,
            Ordering::Less => Greeting::Again,
        };
        if greeting == Greeting::New {
            *newest = (stamp, hash);
            if settled {
                terminal.settled = next;
            }
        }
        greeting
    }

    /// Whether the terminal said that it has the receipt of this punch.
    pub(crate) fn is_settled(&self, device: DeviceId, punch: Stamp) -> bool {
        self.terminals().get(&device).is_some_and(|terminal| punch < terminal.settled)
    }

    /// Whether this entry was journaled since the start: entries come oldest first.
    pub(crate) fn is_noted(&self, device: DeviceId, note: Stamp) -> bool {
        self.terminals().get(&device).is_some_and(|terminal| terminal.noted >= note)
    }

    /// The entry is journaled.
    pub(crate) fn noted(&self, device: DeviceId, note: Stamp) {
        let mut terminals = self.terminals();
        let newest = &mut terminals.entry(device).or_default().noted;
        *newest = note.max(*newest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greetings() {
        let tasks = Tasks::new(1);
        let said = |boot, seq, hash| {
            let (stamp, next) = (Stamp { boot, seq }, Stamp { boot, seq: 10 });
            Introduction { stamp, hash, next, settled: hash == 7 }
        };
        let check = |boot, seq, hash, expect| {
            let greeting = tasks.greeted(DeviceId(1), said(boot, seq, hash));
            assert_eq!(greeting, expect, "{boot} {seq} {hash}");
        };
        check(3, 1, 7, Greeting::New);
        check(3, 1, 7, Greeting::Twice);
        check(3, 2, 8, Greeting::New);
        check(3, 1, 7, Greeting::Again);
        check(3, 2, 9, Greeting::Reused);
        check(2, 9, 7, Greeting::Earlier);
        check(4, 1, 7, Greeting::New);
        assert_eq!(tasks.greeted(DeviceId(2), said(1, 1, 7)), Greeting::New);
        // Only what a greeting said that counted.
        let settled = |boot, seq| tasks.is_settled(DeviceId(1), Stamp { boot, seq });
        assert!(settled(3, 99) && settled(4, 9) && !settled(4, 10));
        check(5, 1, 8, Greeting::New);
        assert!(settled(4, 9) && !settled(4, 10), "some wait: nothing new is known");
        tasks.came(DeviceId(1), Stamp { boot: 5, seq: 9 }, true);
        check(5, 2, 8, Greeting::New);
        tasks.came(DeviceId(1), Stamp { boot: 5, seq: 10 }, true);
        check(5, 3, 8, Greeting::Reused);
        tasks.came(DeviceId(1), Stamp { boot: 7, seq: 1 }, false);
        check(6, 1, 8, Greeting::Earlier);
        check(8, 1, 8, Greeting::New);
    }

    #[test]
    fn tasks_wait_within_a_bound_and_end_with_whoever_asked() {
        let (tasks, device) = (Tasks::new(1), DeviceId(1));
        let route = tasks.route();
        assert!(tasks.addressees().is_empty());
        tasks.send(device, vec![3]);
        assert_eq!(tasks.addressees(), [device]);
        assert_eq!([tasks.take(device, route), tasks.take(device, route)], [Some(vec![3]), None]);
        let mut reports = tasks.ask(device, 9);
        let (result, reason) = (TaskResult::Done, TaskReason::None);
        let report = |id| Report { boot: 1, count: 1, id, result, reason, data: &[5] };
        tasks.reported(device, &report(8));
        tasks.reported(device, &report(9));
        assert_eq!(reports.try_recv().ok().map(|told| told.data.to_vec()), Some(vec![5]));
        tasks.forget(device);
        tasks.reported(device, &report(9));
        assert!(reports.try_recv().is_err());
    }
}
