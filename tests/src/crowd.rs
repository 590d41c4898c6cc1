//! Terminals of every habit around one gateway, four over MQTT and one on a serial line, and the
//! region that gets their records.

use crate::device::{After, Device, Habits, Way};
use crate::gateway::Gateway;
use crate::ledgerbook::Claim;
use crate::office;
use crate::punch::people;
use crate::random::Random;
use crate::region::{Looks, Region};
use crate::serial::{M1, Wiring};
use crate::site::{Layout, Site};
use anyhow::Result;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Pause between two looks of an MQTT terminal at its connection.
const PAUSE: Duration = Duration::from_millis(4);
/// Mean pause between two punches at the M1.
const M1_PAUSE: Duration = Duration::from_millis(40);

/// The terminals.
pub struct Crowd {
    /// Tell it where the gateway is.
    pub way: Way,
    seed: u64,
    devices: Vec<Device>,
    m1: M1,
    /// Where everything goes that may go.
    pub region: Region,
}

impl Crowd {
    /// Sets a box up in `dir`: people, a signed policy, the region, an M1; then switches all
    /// terminals on. What is not the box's lies in `keep`. From `made`, called when `muster init`
    /// is through, everything must outlive a fault.
    pub fn set_up(
        binary: PathBuf,
        dir: &Path,
        keep: &Path,
        random: &mut Random,
        made: impl FnOnce() -> Result<()>,
    ) -> Result<(Site, Self)> {
        let region = Region::start(office::REGION, keep, Looks::Closely)?;
        let mut layout = Layout::new(binary, dir);
        layout.serial = vec![keep.join("tty-m1")];
        layout.log = keep.join("gateway.log");
        layout.more = region.section(office::DESTINATION);
        office::make_keys(&mut layout, keep)?;
        let site = Site::init(layout)?;
        made()?;
        office::import(&site, people())?;
        office::publish(&site, keep)?;
        let crowd = Self::start(&site, keep, region, random)?;
        Ok((site, crowd))
    }

    fn start(site: &Site, keep: &Path, region: Region, random: &mut Random) -> Result<Self> {
        let (way, seed) = (Way::default(), random.next());
        let wiring = Wiring {
            name: "m1-lobby".to_owned(),
            credentials: site.pair("m1", "m1-lobby", keep)?,
            port: keep.join("tty-m1"),
            random: random.fork(),
            seed,
            pause: M1_PAUSE,
        };
        let habits = [
            ("gate-1", 16, After::Resend),
            ("gate-2", 16, After::ResendBackwards),
            ("gate-3", 16, After::Forget),
            ("gate-4", 1, After::Reboot),
        ];
        let device = |(name, window, after)| {
            let name = String::from(name);
            Device::start(Habits { name, seed, window, after, pause: PAUSE }, &way)
        };
        let devices = habits.map(device).into();
        Ok(Self { devices, m1: M1::start(wiring)?, way, seed, region })
    }

    /// Tells the terminals where the gateway is now.
    pub fn meet(&self, gateway: &Gateway) -> Result<()> {
        self.way.set(Some(gateway.loopback()?));
        Ok(())
    }

    /// Nobody makes punches any more, and all that were sent get their receipt.
    pub fn drain(&self, limit: Duration) -> Result<()> {
        self.m1.drain(limit)?;
        self.devices.iter().try_for_each(|device| device.drain(limit))
    }

    /// What all claim now; `drained` after [`Crowd::drain`].
    pub fn claims(&self, drained: bool) -> Vec<Claim> {
        let mqtt = self.devices.iter().map(|device| Claim::of_device(device, self.seed));
        mqtt.chain([Claim::of_m1(&self.m1, self.seed, drained)]).collect()
    }

    /// An error where the gateway broke a protocol, or a terminal failed by itself.
    pub fn check(&self) -> Result<()> {
        self.devices.iter().try_for_each(Device::breach)?;
        self.m1.check()
    }

    /// Receipts so far over MQTT.
    pub fn receipted(&self) -> u64 {
        self.devices.iter().map(Device::receipted).sum()
    }
}
