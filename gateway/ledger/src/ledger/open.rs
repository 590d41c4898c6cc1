//! From a data folder to a running ledger.

use super::{Inner, Ledger, OpenError, Options, Recovery};
use crate::act::Act;
use crate::core::{Core, Shared};
use crate::decider::Decider;
use crate::directory::SealKey;
use crate::journal::{Draft, Fact, Journal, JournalError, Start};
use crate::keyring::{Keyring, KeyringError};
use crate::legal::Legal;
use crate::state::{State, Year, checkpoint};
use crate::submit::ActSender;
use crate::tables::Building;
use crate::{Clock, ClockTrust, RootKey, Views, committer, sweeper, views};
use jiff::tz::TimeZone;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;
use zeroize::Zeroizing;

/// Name of the key that pseudonyms are made under.
const PSEUDONYM_KEY: &str = "pseudonyms";
/// Name of the key that the secrets of second factors are sealed under.
const FACTOR_KEY: &str = "second-factors";

pub(super) fn open(options: Options) -> Result<(Ledger, Recovery), OpenError> {
    let began = Instant::now();
    if TimeZone::get(&options.time_zone).is_err() {
        let zone = &options.time_zone;
        let text = format!("`{zone}` is not a time zone; use an IANA name as Asia/Macau");
        return Err(OpenError::Options(text));
    }
    let lock = lock(&options.data)?;
    let Options { data, site, time_zone, root_key, clock, views_cache_bytes } = options;
    let zone = TimeZone::get(&time_zone).unwrap_or(TimeZone::UTC);
    let now = (clock.now_ms(), clock.trust());
    let mut found = recover(&data, root_key, &site, zone, now)?;
    found.recovery.took_ms = began.elapsed().as_millis() as u64;
    let views = ViewsOptions { zone: time_zone, cache_bytes: views_cache_bytes };
    start(found, data, site, clock, views, lock)
}

/// What the journal gave.
struct Found {
    keyring: Keyring,
    journal: Journal,
    epoch: u16,
    state: State,
    building: Building,
    recovery: Recovery,
}

struct ViewsOptions {
    zone: String,
    cache_bytes: u64,
}

/// Opens keyring and journal, reads the state, and journals the start.
fn recover(
    data: &Path,
    root_key: RootKey,
    site: &str,
    zone: TimeZone,
    (now_ms, trust): (i64, ClockTrust),
) -> Result<Found, OpenError> {
    let keyring = Keyring::open(data, root_key).map_err(|error| key_error(data, error))?;
    let failed = |error| journal_error(data, error);
    let (mut journal, start) = Journal::open(data, &keyring, now_ms).map_err(failed)?;
    let epoch = start.epoch;
    let mut recovery = Recovery {
        torn_bytes: start.torn_bytes,
        damaged: start.damaged.clone(),
        damaged_count: start.damaged_count,
        broken_chain: start.broken_chain,
        rolled_back: start.rolled_back,
        ..Recovery::default()
    };
    let (mut state, building) = replay(start, &journal, &keyring, data, zone)?;
    let said = opening(site, &recovery, epoch, trust == ClockTrust::Trusted);
    if append(&mut journal, &said, epoch, now_ms).map_err(failed)? {
        said.iter().for_each(|act| state.apply_act(act, now_ms));
    }
    recovery.records = journal.next_record().saturating_sub(1);
    Ok(Found { keyring, journal, epoch, state, building, recovery })
}

/// Starts the threads.
fn start(
    found: Found,
    data: PathBuf,
    site: String,
    clock: Clock,
    views: ViewsOptions,
    lock: File,
) -> Result<(Ledger, Recovery), OpenError> {
    let Found { keyring, journal, epoch, state, mut building, recovery } = found;
    let pseudonyms = keyring.named_key(PSEUDONYM_KEY).map_err(|e| key_error(&data, e))?;
    destroy_again(&keyring, &state.legal).map_err(|e| key_error(&data, e))?;
    for erasure in state.legal.rights.erasures() {
        building.apply(&Act::PersonErased { erasure: erasure.clone() });
    }
    let (acts, submissions) = ActSender::new();
    if let Some(cut) = &state.legal.rights.cut {
        // A crash may have come between the act and the files.
        let cut = journal.reader().cut(cut.batch);
        cut.map_err(|source| OpenError::Io { path: data.join("journal"), source })?;
    }
    let factors = keyring.named_key(FACTOR_KEY).map_err(|e| key_error(&data, e))?;
    let tables = building.finish(&acts, &clock, SealKey::derive(factors.expose()));
    let now_ms = clock.now_ms();
    let mut core = Core::new(state, Decider::new(&site));
    core.tick(now_ms, clock.trust());
    core.govern(now_ms);
    let shared = Shared::new(core, tables, clock, site, journal.reader());
    shared.journal_bytes.store(journal.bytes(), Relaxed);
    let io = |source| OpenError::Io { path: data.clone(), source };
    let thread = committer::Thread { journal, epoch, shared: shared.clone(), submissions };
    let requests = committer::start(thread).map_err(io)?;
    sweeper::start(shared.clone(), requests.downgrade()).map_err(io)?;
    let zone = views.zone.clone();
    let views = Views::open(views::Setup {
        folder: &data.join("views"),
        cache_bytes: views.cache_bytes,
        zone: &views.zone,
        batches: shared.reader().into(),
        head: shared.head(),
        lookups: shared.clone().into(),
        directory: shared.tables.directory.clone(),
    })
    .map_err(io)?;
    let pseudonyms = Zeroizing::new(*pseudonyms.expose());
    let told = recovery.clone();
    let inner = Inner {
        shared,
        requests,
        acts,
        keyring,
        views,
        recovery,
        pseudonyms,
        zone,
        changing: tokio::sync::Mutex::new(()),
        calendar: tokio::sync::Mutex::default(),
        calm: std::sync::Mutex::default(),
        refused: std::sync::Mutex::default(),
        _lock: lock,
    };
    Ok((Ledger { inner: Arc::new(inner) }, told))
}

/// Destroys what the journal says is destroyed: a crash may have come between the two.
fn destroy_again(keyring: &Keyring, legal: &Legal) -> Result<(), KeyringError> {
    for erasure in legal.rights.erasures() {
        super::rights::destroy(keyring, erasure)?;
    }
    let left = legal.rights.left.keys();
    left.copied().try_for_each(|person| keyring.destroy_vault(person))?;
    super::retain::destroy(keyring, &super::retain::gone(&legal.rights))
}

/// Makes the folder and takes it for this process.
fn lock(data: &Path) -> Result<File, OpenError> {
    let io = |source| OpenError::Io { path: data.to_owned(), source };
    std::fs::create_dir_all(data).map_err(io)?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(data.join("lock"))
        .map_err(io)?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(OpenError::InUse(data.to_owned())),
        Err(error) => Err(io(error.into())),
    }
}

/// State and tables as the journal tells them: from the checkpoint, or from the first batch where
/// that cannot be read.
fn replay(
    start: Start,
    journal: &Journal,
    keyring: &Keyring,
    data: &Path,
    zone: TimeZone,
) -> Result<(State, Building), OpenError> {
    let empty = || (State::default(), Building::empty(keyring));
    let restored = start.checkpoint.as_deref().map(|bytes| {
        let (state, tables) = checkpoint::read(bytes)?;
        Ok::<_, checkpoint::CheckpointError>((state, Building::restore(&tables, keyring)?))
    });
    let (mut reader, (mut state, mut building)) = match restored {
        Some(Ok(restored)) => (start.batches, restored),
        Some(Err(error)) => {
            tracing::warn!(%error, "reading the whole journal instead");
            (journal.reader(), empty())
        }
        None => (start.batches, empty()),
    };
    state.year = Year::in_zone(zone);
    let failed = |error: crate::journal::ReadError| OpenError::Io {
        path: data.join("journal"),
        source: std::io::Error::other(error),
    };
    while let Some(batch) = reader.next_batch().map_err(failed)? {
        if let Ok(acts) = &batch.acts {
            for bytes in acts.iter() {
                // An act of a later version is not understood and changes nothing here.
                if let Ok(act) = serde_json::from_slice::<Act>(bytes) {
                    building.apply(&act);
                    state.replay_act(&act, batch.at_ms);
                }
            }
        }
        if let Ok(facts) = &batch.facts {
            let facts: Vec<Fact> = facts.iter().collect();
            building.note_punches(&facts, batch.at_ms);
            state.remember(batch.first_record, &facts);
            state.apply_facts(batch.epoch, batch.first_record, &facts, false);
        }
    }
    // Months that were destroyed had their numbers too.
    state.next_record = state.next_record.max(journal.next_record());
    Ok((state, building))
}

/// What a start says.
fn opening(site: &str, recovery: &Recovery, epoch: u16, trusted: bool) -> [Act; 2] {
    let opened = Act::Opened {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        site: site.to_owned(),
        epoch,
        rolled_back: recovery.rolled_back,
        torn_bytes: recovery.torn_bytes,
    };
    [opened, Act::ClockTrusted { trusted }]
}

/// Journals the start. False where a full disk makes it wait: the box starts all the same.
fn append(
    journal: &mut Journal,
    acts: &[Act],
    epoch: u16,
    at_ms: i64,
) -> Result<bool, JournalError> {
    let acts: Vec<Vec<u8>> = acts.iter().map(Act::encode).collect();
    let draft = Draft { at_ms, epoch, facts: &[], acts: &acts, essential: true };
    match journal.append(&draft) {
        Ok(_) => Ok(true),
        Err(JournalError::Full) => Ok(false),
        Err(error) => Err(error),
    }
}

fn key_error(data: &Path, error: KeyringError) -> OpenError {
    match error {
        KeyringError::WrongKey => OpenError::WrongKey(data.join("keys")),
        KeyringError::Io(source) => OpenError::Io { path: data.join("keys"), source },
        other => OpenError::Journal(other.to_string()),
    }
}

fn journal_error(data: &Path, error: JournalError) -> OpenError {
    match error {
        JournalError::Io { path, source } => OpenError::Io { path, source },
        JournalError::Key(error) => key_error(data, error),
        other => OpenError::Journal(other.to_string()),
    }
}
