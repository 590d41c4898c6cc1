//! The one thread that writes the vault: groups what waits, appends, fsyncs once a file, answers.

use super::entry::{HEADER_LEN, Header, PREFIX_LEN};
use super::shelf::{DayFile, Shelf, sync_folder};
use super::{VaultError, VaultStatus};
use muster_attendance::Method;
use std::collections::{HashMap, HashSet, VecDeque};
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot};

/// Groups that share an fsync.
const MAX_GROUP: usize = 64;
/// Files kept open for appending.
const MAX_OPEN: usize = 16;
/// Entries remembered so that a message that comes again is kept once.
const MAX_KNOWN: usize = 16 * 1024;
/// Bytes of what was set aside in one day.
const MAX_SET_ASIDE: u64 = 16 * 1024 * 1024;
/// Free space that the vault leaves to the journal: so many bytes, or a tenth of a small disk.
const MIN_FREE: u64 = 128 * 1024 * 1024;

/// An entry and where it goes.
pub(super) struct Append {
    pub(super) shelf: Shelf,
    pub(super) bytes: Vec<u8>,
}

/// What the writer is asked for.
pub(super) enum Order {
    /// Append all or none; answered true once they are fsynced.
    Append { group: Vec<Append>, done: oneshot::Sender<bool> },
    /// Delete what is past its time: `keep` says for how many days a method is kept.
    Purge { today: i64, keep: Box<dyn Fn(Option<Method>) -> u32 + Send> },
}

/// Opens the folder and starts the thread; it ends when `orders` is dropped.
pub(super) fn start(
    dir: PathBuf,
    max_bytes: u64,
    orders: mpsc::Receiver<Order>,
    status: Arc<Mutex<VaultStatus>>,
) -> Result<(), VaultError> {
    let failed = |source| VaultError::Io { path: dir.clone(), source };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(failed)?;
    sync_folder(&dir).map_err(failed)?;
    let mut writer = Writer {
        bytes: size_of_folder(&dir).map_err(failed)?,
        dir: dir.clone(),
        max_bytes,
        open: HashMap::new(),
        known: Known::default(),
        status,
    };
    writer.show(None);
    std::thread::Builder::new()
        .name("vault".into())
        .spawn(move || writer.run(orders))
        .map_err(failed)?;
    Ok(())
}

fn size_of_folder(dir: &PathBuf) -> io::Result<u64> {
    fs::read_dir(dir)?.try_fold(0, |sum, file| Ok(sum + file?.metadata()?.len()))
}

struct Writer {
    dir: PathBuf,
    max_bytes: u64,
    bytes: u64,
    open: HashMap<Shelf, DayFile>,
    known: Known,
    status: Arc<Mutex<VaultStatus>>,
}

type Group = (Vec<Append>, oneshot::Sender<bool>);

impl Writer {
    fn run(&mut self, mut orders: mpsc::Receiver<Order>) {
        while let Some(first) = orders.blocking_recv() {
            let (mut groups, mut next) = (Vec::new(), Some(first));
            while let Some(order) = next.take() {
                match order {
                    Order::Append { group, done } => groups.push((group, done)),
                    Order::Purge { today, keep } => self.purge(today, &keep),
                }
                if groups.len() < MAX_GROUP {
                    next = orders.try_recv().ok();
                }
            }
            self.append_all(groups);
        }
    }

    fn append_all(&mut self, groups: Vec<Group>) {
        if groups.is_empty() {
            return;
        }
        let (mut written, mut problem) = (Vec::new(), None);
        let mut before = HashMap::new();
        for (group, done) in groups {
            match self.append(&group, &mut before) {
                Ok(()) => written.push((group.len() as u64, done)),
                Err(cause) => {
                    problem = Some(cause);
                    let _ = done.send(false);
                }
            }
        }
        if let Err(error) = self.sync(&before) {
            problem = Some(cause(&error));
            for (_, done) in written {
                let _ = done.send(false);
            }
            return self.show(problem);
        }
        let sealed: u64 = written.iter().map(|(count, _)| count).sum();
        self.lock().sealed += sealed;
        self.show(problem);
        for (_, done) in written {
            let _ = done.send(true);
        }
    }

    /// Appends a group; on an error none of it stays. `before` keeps each file's length before
    /// the round.
    fn append(&mut self, group: &[Append], before: &mut HashMap<Shelf, u64>) -> Result<(), String> {
        self.check_room(group.iter().map(|append| append.bytes.len() as u64).sum())?;
        let mut undo: Vec<(Shelf, u64)> = Vec::new();
        for append in group {
            let appended = self.append_one(append, before, &mut undo);
            if let Err(error) = appended {
                for (shelf, length) in undo.into_iter().rev() {
                    if let Some(open) = self.open.get_mut(&shelf) {
                        self.bytes -= open.length.saturating_sub(length);
                        open.undo(length);
                    }
                }
                return Err(error);
            }
        }
        Ok(())
    }

    fn append_one(
        &mut self,
        append: &Append,
        before: &mut HashMap<Shelf, u64>,
        undo: &mut Vec<(Shelf, u64)>,
    ) -> Result<(), String> {
        let header = append
            .bytes
            .get(PREFIX_LEN..)
            .and_then(|rest| rest.first_chunk::<HEADER_LEN>())
            .and_then(Header::read)
            .ok_or("an entry without a header")?;
        self.opened(append.shelf).map_err(|error| cause(&error))?;
        if !self.known.insert(header) {
            return Ok(());
        }
        let Some(open) = self.open.get_mut(&append.shelf) else { return Err("no file".into()) };
        if append.shelf.method.is_none() && open.length > MAX_SET_ASIDE {
            self.known.remove(&header);
            return Err(
                "too much was set aside today; look at the device that repeats itself".into()
            );
        }
        before.entry(append.shelf).or_insert(open.length);
        undo.push((append.shelf, open.length));
        if let Err(error) = open.append(&append.bytes) {
            self.known.remove(&header);
            return Err(cause(&error));
        }
        self.bytes += append.bytes.len() as u64;
        Ok(())
    }

    fn check_room(&self, more: u64) -> Result<(), String> {
        if self.bytes + more > self.max_bytes {
            return Err(format!(
                "the vault has reached its bound of {} MiB; shorten how long evidence is kept, or \
                 raise the bound",
                self.max_bytes >> 20
            ));
        }
        let disk = rustix::fs::statvfs(&self.dir).map_err(|error| cause(&error.into()))?;
        let (free, all) = (disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize);
        if free < more + MIN_FREE.min(all / 10) {
            return Err(
                "the disk is nearly full, and what is left is for punches; free some space".into(),
            );
        }
        Ok(())
    }

    /// Makes sure that a shelf's file is open.
    fn opened(&mut self, shelf: Shelf) -> io::Result<()> {
        if self.open.contains_key(&shelf) {
            return Ok(());
        }
        if self.open.len() >= MAX_OPEN {
            self.open.clear();
        }
        let known = &mut self.known;
        let open = DayFile::open(&self.dir.join(shelf.file_name()), |header| {
            known.insert(header);
        })?;
        self.bytes = (self.bytes + open.length).saturating_sub(open.length + open.torn);
        self.lock().torn_bytes += open.torn;
        self.open.insert(shelf, open);
        Ok(())
    }

    /// Fsyncs what the round appended to; on an error nothing of the round stays.
    fn sync(&mut self, before: &HashMap<Shelf, u64>) -> io::Result<()> {
        let synced =
            before.keys().try_for_each(|shelf| self.open.get(shelf).map_or(Ok(()), DayFile::sync));
        if synced.is_err() {
            // After a failed fsync nobody knows what is on disk: start from what can be read.
            for (shelf, &length) in before {
                if let Some(mut open) = self.open.remove(shelf) {
                    self.bytes -= open.length.saturating_sub(length);
                    open.undo(length);
                }
            }
            self.known = Known::default();
        }
        synced
    }

    fn purge(&mut self, today: i64, keep: &dyn Fn(Option<Method>) -> u32) {
        let files = match fs::read_dir(&self.dir) {
            Ok(files) => files,
            Err(error) => return self.show(Some(cause(&error))),
        };
        let mut problem = None;
        for file in files.flatten() {
            let name = file.file_name();
            let Some(shelf) = name.to_str().and_then(Shelf::from_file_name) else { continue };
            if shelf.day + i64::from(keep(shelf.method)) >= today {
                continue;
            }
            let length = file.metadata().map_or(0, |data| data.len());
            self.open.remove(&shelf);
            match fs::remove_file(file.path()) {
                Ok(()) => self.bytes = self.bytes.saturating_sub(length),
                Err(error) => problem = Some(cause(&error)),
            }
        }
        let _ = sync_folder(&self.dir.join("any"));
        self.show(problem);
    }

    fn show(&self, problem: Option<String>) {
        if let Some(problem) = &problem {
            tracing::warn!(cause = problem, "evidence is not kept");
        }
        let mut status = self.lock();
        status.bytes = self.bytes;
        status.degraded = problem;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VaultStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn cause(error: &io::Error) -> String {
    format!("the vault cannot be written: {error}")
}

/// The newest entries: what they are and, by their nonce, what is in them.
#[derive(Default)]
struct Known {
    all: HashSet<Header>,
    order: VecDeque<Header>,
}

impl Known {
    /// Whether it is new.
    fn insert(&mut self, header: Header) -> bool {
        let header = Header { received_ms: 0, ..header };
        if !self.all.insert(header) {
            return false;
        }
        self.order.push_back(header);
        if self.order.len() > MAX_KNOWN
            && let Some(oldest) = self.order.pop_front()
        {
            self.all.remove(&oldest);
        }
        true
    }

    fn remove(&mut self, header: &Header) {
        let header = Header { received_ms: 0, ..*header };
        self.all.remove(&header);
        self.order.retain(|known| *known != header);
    }
}
