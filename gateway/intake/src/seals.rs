//! The keys of sealed messages: opening what devices send, sealing what the box answers.

use muster_attendance::DeviceId;
use muster_ledger::{Clock, ClockTrust, Devices, Keyring};
use muster_proto::message::{
    Command, Job, MAX_TASK, Message, Noted, Order, Reason, Receipt, ReceiptResult, Stamp, Task,
    Welcome,
};
use muster_proto::seal::{Keys, OVERHEAD};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// Longest body of what the box sends here.
const MAX_BODY: usize = MAX_TASK;

/// The offset from UTC that terminals shall show, in minutes, at a time in milliseconds since 1970.
#[derive(Clone)]
pub struct LocalOffset(Arc<dyn Fn(i64) -> i16 + Send + Sync>);

impl LocalOffset {
    /// Takes the site's rule.
    pub fn new(offset: impl Fn(i64) -> i16 + Send + Sync + 'static) -> Self {
        Self(Arc::new(offset))
    }
}

impl Default for LocalOffset {
    /// UTC.
    fn default() -> Self {
        Self::new(|_| 0)
    }
}

/// Every device's keys, derived when first needed.
pub(crate) struct Seals {
    devices: Devices,
    keyring: Keyring,
    clock: Clock,
    offset: LocalOffset,
    /// Empty where it is not known.
    site: String,
    /// Of all that the box has sealed since its start, to whichever device: with the keyring's
    /// epoch, which grows with every start, never the same twice.
    count: AtomicU64,
    revision: watch::Receiver<u64>,
    /// As of a revision of the pairings. Bounded by the table of devices.
    cache: Mutex<(u64, HashMap<DeviceId, Arc<Keys>>)>,
}

impl Seals {
    pub(crate) fn new(handles: &crate::Handles, offset: LocalOffset, site: String) -> Self {
        Self {
            devices: handles.devices.clone(),
            keyring: handles.keyring.clone(),
            clock: handles.clock.clone(),
            offset,
            site,
            count: AtomicU64::new(1),
            revision: handles.devices.revision(),
            cache: Mutex::default(),
        }
    }

    /// The keys of a device that is paired; `None` for any other.
    pub(crate) fn keys(&self, device: DeviceId) -> Option<Arc<Keys>> {
        let revision = *self.revision.borrow();
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.0 != revision {
            *cache = (revision, HashMap::new());
        }
        if let Some(keys) = cache.1.get(&device) {
            return Some(keys.clone());
        }
        let keys = Arc::new(self.derive(device)?);
        cache.1.insert(device, keys.clone());
        Some(keys)
    }

    fn derive(&self, device: DeviceId) -> Option<Keys> {
        let name = self.devices.get(device)?.name;
        let secret = self.keyring.device_secret(device).ok()?;
        let mut keys = Keys::derive(secret.expose(), &name).ok()?;
        // Without a site, or with one that cannot be bound, there are no tasks.
        let _ = keys.set_site(&self.site);
        Some(keys)
    }

    /// A receipt for `punch`, sealed for `device`.
    pub(crate) fn receipt(
        &self,
        device: DeviceId,
        punch: Stamp,
        result: ReceiptResult,
        reason: Reason,
    ) -> Option<Vec<u8>> {
        let (epoch, count) = self.stamp();
        let box_ms = self.trusted_ms();
        self.seal(device, &Receipt { epoch, count, punch, result, reason, box_ms })
    }

    /// The answer to the Hello `hello`, sealed for `device`.
    pub(crate) fn welcome(&self, device: DeviceId, hello: Stamp) -> Option<Vec<u8>> {
        let (epoch, count) = self.stamp();
        let box_ms = self.trusted_ms();
        let offset_minutes = (self.offset.0)(self.clock.now_ms()).clamp(-1440, 1440);
        self.seal(device, &Welcome { epoch, count, hello, box_ms, offset_minutes })
    }

    /// The box's word on an entry of an event log, sealed for `device`.
    pub(crate) fn noted(&self, device: DeviceId, note: Stamp) -> Option<Vec<u8>> {
        let (epoch, count) = self.stamp();
        self.seal(device, &Noted { epoch, count, note })
    }

    /// A task, sealed for `device` and this site.
    pub(crate) fn task(&self, device: DeviceId, id: u32, job: Job<'_>) -> Option<Vec<u8>> {
        let (epoch, count) = self.stamp();
        self.seal(device, &Task { epoch, count, id, job })
    }

    /// An order, sealed for `device`.
    pub(crate) fn order(&self, device: DeviceId, order: Order) -> Option<Vec<u8>> {
        let (epoch, count) = self.stamp();
        self.seal(device, &Command { epoch, count, order })
    }

    /// The box's epoch: grows with every start.
    pub(crate) fn epoch(&self) -> u32 {
        self.keyring.epoch()
    }

    fn stamp(&self) -> (u32, u64) {
        (self.keyring.epoch(), self.count.fetch_add(1, Ordering::Relaxed))
    }

    fn trusted_ms(&self) -> i64 {
        match self.clock.trust() {
            ClockTrust::Trusted => self.clock.now_ms().max(0),
            ClockTrust::Untrusted => 0,
        }
    }

    fn seal<'m, M: Message<'m>>(&self, device: DeviceId, message: &M) -> Option<Vec<u8>> {
        let keys = self.keys(device)?;
        let mut sealed = vec![0; OVERHEAD + MAX_BODY];
        let length = keys.seal(message, &mut sealed).ok()?;
        sealed.truncate(length);
        Some(sealed)
    }
}
