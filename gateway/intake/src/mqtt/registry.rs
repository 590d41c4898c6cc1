//! Which client is connected where: a second connection of a name ends the first (MQTT 5, section
//! 3.1.4, action 3).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The connected clients, by device name. Bounded by the limit on connections.
#[derive(Default)]
pub(super) struct Registry {
    seats: Mutex<HashMap<Arc<str>, Arc<Notify>>>,
}

impl Registry {
    /// Seats a client and tells whoever had the seat to go.
    pub(super) fn seat(self: &Arc<Self>, name: &str) -> Seat {
        let (name, gone) = (Arc::<str>::from(name), Arc::new(Notify::new()));
        if let Some(former) = self.lock().insert(name.clone(), gone.clone()) {
            former.notify_one();
        }
        Seat { registry: self.clone(), name, gone }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Notify>>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client's place, until dropped.
pub(super) struct Seat {
    registry: Arc<Registry>,
    name: Arc<str>,
    gone: Arc<Notify>,
}

impl Seat {
    /// Resolves when another connection has taken the name.
    pub(super) fn gone(&self) -> Arc<Notify> {
        self.gone.clone()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.registry.lock();
        if seats.get(&self.name).is_some_and(|gone| Arc::ptr_eq(gone, &self.gone)) {
            seats.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_second_takes_the_seat_of_the_first() {
        let registry = Arc::new(Registry::default());
        let first = registry.seat("a");
        let second = registry.seat("a");
        first.gone().notified().await;
        drop(first);
        assert_eq!(registry.lock().len(), 1);
        drop(second);
        assert_eq!(registry.lock().len(), 0);
    }
}
