//! What every request shares.

use crate::assets::Assets;
use crate::guard::Problem;
use crate::jobs::Jobs;
use crate::live::LiveBoard;
use crate::pages::warden::roll::Neighbour;
use crate::pages::warden::safe::Ticks;
use crate::password::Passwords;
use crate::reasons::{self, Explained};
use crate::session::Sessions;
use crate::throttle::Throttle;
use crate::totp;
use crate::visits::Visits;
use crate::when::Zone;
use crate::words::{Catalogue, Words};
use muster_attendance::{EventId, PersonId};
use muster_ledger::{
    Accounts, Clock, Devices, Directory, Explanation, Governance, Health, Plans, Sheets, Status,
    Steward, Views,
};
use ring::rand::SystemRandom;
use serde::Serialize;
use std::sync::Arc;

/// What the page needs of the box: the ledger's read side, and two ways to ask how it is doing.
#[derive(Clone)]
pub struct Handles {
    /// Days, people's days, held records, punches as they happen.
    pub views: Views,
    /// Names.
    pub directory: Directory,
    /// Terminals.
    pub devices: Devices,
    /// Who may log in.
    pub accounts: Accounts,
    /// Rosters, leave, corrections, closed months.
    pub plans: Plans,
    /// Sheets, computed from punches and plans.
    pub sheets: Sheets,
    /// [`muster_ledger::Ledger::status`], as a closure so that the page gets no more of the ledger.
    pub status: Arc<dyn Fn() -> Status + Send + Sync>,
    /// Checks of `/healthz` beyond the ledger's own (links, disk, clock); may be empty.
    pub checks: Arc<dyn Fn() -> Vec<Check> + Send + Sync>,
    /// Makes reports: what `muster report` prints.
    pub reports: crate::pages::reports::Reports,
    /// The policy's life, legal evidence, approvals, rights and packs.
    pub steward: Steward,
    /// The policy's files, for drafts.
    pub policy_files: PolicyFiles,
    /// Makes audit packs; it blocks.
    pub packs: crate::pages::governance::packs::Packs,
    /// Makes a copy of all that is held on one person.
    pub copies: crate::pages::governance::requests::Copies,
    /// The stored decision of a record; it blocks.
    pub explain: Explain,
    /// Makes one-time codes for terminals at the wall; `None` where terminals with certificates
    /// have no listener. It blocks.
    pub pair: Option<crate::pairing::Pair>,
    /// Pairs M1s and makes their cards. It blocks.
    pub card: crate::pairing::Card,
    /// The public key that reports are signed with, hex; shown so that files can be checked.
    pub report_key: String,
    /// The site's other boxes, as this one last heard of them.
    pub neighbours: Arc<dyn Fn() -> Vec<Neighbour> + Send + Sync>,
    /// What the box does for the page, as for the command line.
    pub commands: crate::jobs::Commands,
    /// The box's clock.
    pub clock: Clock,
}

/// Reads a file, or says why not.
type Read = Arc<dyn Fn() -> Result<String, String> + Send + Sync>;
/// Writes files, or says why not.
type Write = Arc<dyn Fn(&Governance) -> Result<(), String> + Send + Sync>;

/// The files that the configuration names for policy and law pack.
#[derive(Clone)]
pub struct PolicyFiles {
    /// The law pack's text, as a draft is to be judged with it.
    pub law_pack: Read,
    /// Puts a version that was accepted in the place of the files, so that the box begins with it.
    pub accepted: Write,
}

/// What explains a record: `None` if there is no such record.
pub type Explain = Arc<dyn Fn(EventId) -> Result<Option<Explanation>, String> + Send + Sync>;

/// One check of the box's health, as `/healthz` shows it.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// As `disk`; a fixed set.
    pub name: String,
    /// How it is.
    pub status: Health,
    /// Since when, milliseconds since 1970-01-01T00:00:00Z, where known.
    pub since: Option<i64>,
    /// Why it is not well; without personal data.
    pub cause: Option<String>,
    /// What to do about it.
    pub cure: Option<String>,
}

/// Whether accounts with rights beyond reading need a second factor.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SecondFactor {
    /// They do.
    #[default]
    Required,
    /// Nobody does: for a demonstration that ends with its process. Every page says so.
    Waived,
}

impl SecondFactor {
    pub(crate) fn is_waived(self) -> bool {
        self == Self::Waived
    }
}

pub(crate) struct App {
    pub(crate) handles: Handles,
    pub(crate) site: String,
    pub(crate) zone: Zone,
    pub(crate) allowed_hosts: Vec<String>,
    pub(crate) sessions: Sessions,
    pub(crate) throttle: Throttle,
    /// Tries of those without an account, by number; and, apart so that one cannot push the other
    /// out, failures by where they come from.
    pub(crate) doors: Throttle,
    pub(crate) places: Throttle,
    pub(crate) visits: Visits,
    pub(crate) ticks: Ticks,
    pub(crate) jobs: Arc<Jobs>,
    pub(crate) passwords: Passwords,
    pub(crate) second_factor: SecondFactor,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) assets: Assets,
    pub(crate) live: Arc<LiveBoard>,
    pub(crate) random: SystemRandom,
    /// One report is made at a time.
    pub(crate) report_turn: tokio::sync::Semaphore,
    /// Large forms kept for somebody who has to log in first.
    pub(crate) keeping: tokio::sync::Semaphore,
    /// Where data goes, as it was drawn last.
    pub(crate) flows: crate::pages::flows::Drawn,
}

pub(crate) type Shared = Arc<App>;

/// A person as pages show them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Who {
    /// The name, or words in its place where there is none.
    pub(crate) shown: String,
    /// The number the terminals send.
    pub(crate) number: String,
    pub(crate) department: String,
    /// Whether HR has given a name.
    pub(crate) named: bool,
}

impl App {
    pub(crate) fn now_ms(&self) -> i64 {
        self.handles.clock.now_ms()
    }

    /// Whether `typed` is a code of the account's second factor that is good now; it is used up.
    pub(crate) async fn takes_code(
        &self,
        account: &str,
        secret: &[u8],
        typed: &str,
    ) -> Result<bool, Problem> {
        let Some(step) = totp::matching(secret, typed, self.now_ms()) else { return Ok(false) };
        let fresh = self.handles.accounts.use_factor(account, step).await;
        fresh.map_err(|_| Problem::NotSaved)
    }

    pub(crate) fn who(&self, person: PersonId, t: &Words) -> Who {
        let Some(profile) = self.handles.directory.profile(person) else {
            let shown = t.say("person-erased");
            return Who { shown, number: String::new(), department: String::new(), named: false };
        };
        let number = visible(&profile.person);
        let name = profile.name.as_deref().map(visible).filter(|name| !name.trim().is_empty());
        let named = name.is_some();
        let shown = name.unwrap_or_else(|| t.with("person-unnamed", "number", &number));
        let department = profile.department.as_deref().map(visible).unwrap_or_default();
        Who { shown, number, department, named }
    }

    /// A reason in words. Without any policy the engine says that it lacks signatures; people are
    /// told that there is none.
    pub(crate) fn explain(&self, code: &str, t: &Words) -> Explained {
        if code == reasons::UNSIGNED && (self.handles.status)().policy.is_none() {
            return Explained { code: code.to_owned(), ..reasons::explain(reasons::NO_POLICY, t) };
        }
        reasons::explain(code, t)
    }

    pub(crate) fn device_name(&self, device: muster_attendance::DeviceId, t: &Words) -> String {
        let name = self.handles.devices.get(device).map(|d| visible(&d.name));
        name.unwrap_or_else(|| t.say("terminal-unknown"))
    }
}

/// Control characters as their pictures (U+2400 and on), so that a page shows them and an HTML
/// parser does not stumble; all else unchanged.
pub(crate) fn visible(text: &str) -> String {
    let picture = |c: char| match u32::from(c) {
        n @ 0..0x20 => char::from_u32(0x2400 + n).unwrap_or('\u{FFFD}'),
        0x7F => '\u{2421}',
        0x80..=0x9F => '\u{FFFD}',
        _ => c,
    };
    text.chars().map(picture).collect()
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn control_characters_are_pictured() {
        for (input, expect) in [
            ("何美", "何美"),
            ("a\tb\r\nc", "a␉b␍␊c"),
            ("\u{1b}[31m", "␛[31m"),
            ("\u{202e}abc", "\u{202e}abc"),
            ("\u{0}\u{7f}\u{9b}", "␀␡\u{fffd}"),
            ("<b>=1+1</b>", "<b>=1+1</b>"),
        ] {
            assert_eq!(visible(input), expect);
        }
    }
}
