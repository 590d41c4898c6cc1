//! A box in a temporary folder.

use muster_intake::{Config, Handles, Intake};
use muster_ledger::{Clock, ClockTrust, Ledger, Options, RootKey};
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

/// A ledger, and the folder it is gone with.
pub(crate) struct Site {
    pub(crate) ledger: Ledger,
    pub(crate) clock: Clock,
    pub(crate) data: tempfile::TempDir,
}

impl Site {
    pub(crate) fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let clock = Clock::new(|| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            (now.as_millis() as i64, ClockTrust::Trusted)
        });
        let options = Options {
            data: data.path().to_owned(),
            site: "mo-hq".into(),
            time_zone: "Asia/Macau".into(),
            root_key: RootKey::new([7; 32]),
            clock: clock.clone(),
            views_cache_bytes: 1 << 20,
        };
        let (ledger, _) = Ledger::open(options).unwrap();
        Self { ledger, clock, data }
    }

    pub(crate) fn handles(&self) -> Handles {
        Handles::of(&self.ledger, self.clock.clone())
    }

    pub(crate) async fn start(&self, config: Config) -> Intake {
        let config = Config { data: self.data.path().to_owned(), ..config };
        Intake::start(config, self.handles()).await.unwrap()
    }

    /// Intake with the plaintext listener only, and its address.
    pub(crate) async fn loopback(&self) -> (Intake, SocketAddr) {
        let any = Some(([127, 0, 0, 1], 0).into());
        let intake = self.start(Config { mqtt_loopback: any, ..Config::default() }).await;
        let address = intake.addresses().mqtt_loopback.unwrap();
        (intake, address)
    }

    /// Waits until exactly `count` punches were answered as being on disk.
    pub(crate) async fn has_receipted(&self, count: u64) {
        for _ in 0..200 {
            if self.ledger.status().receipted >= count {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        assert_eq!(self.ledger.status().receipted, count);
    }
}
