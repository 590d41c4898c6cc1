//! Who is let in without an account: a warden's device, bound to its one list, and an employee, to
//! their own punches. Both begin with a code that somebody hands out; both end at a word.

use super::{Accounts, AccountsError, Table};
use crate::act::Act;
use muster_attendance::PersonId;
use serde::{Deserialize, Serialize};

/// A device that shows who was last seen on site, and nothing else.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Warden {
    /// What people call it: as an account's name.
    pub name: String,
    /// Who let it in.
    pub by: String,
    /// SHA-256 in hex of the code that enrols it; `None` once that was used.
    pub code: Option<String>,
    /// SHA-256 in hex of the token that it keeps; `None` until it is enrolled.
    pub digest: Option<String>,
    /// When it was invited, then enrolled, milliseconds since 1970.
    pub at_ms: i64,
    /// Until when the code, then the device, is good.
    pub until_ms: i64,
}

/// An employee's way to their own punches.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OwnAccess {
    /// Whose.
    pub person: PersonId,
    /// Who handed the code out: they do not decide on what is asked for through it.
    pub by: String,
    /// SHA-256 in hex of the code; `None` once it was used.
    pub code: Option<String>,
    /// Until when the code is good, milliseconds since 1970.
    pub code_until_ms: i64,
    /// The PIN's argon2id hash, sealed by [`crate::Directory::seal_note`]; `None` until it is
    /// chosen.
    pub pin: Option<String>,
    /// When the code was handed out, then when the PIN was chosen.
    pub at_ms: i64,
}

impl Accounts {
    /// Wardens' devices a box can have, invited ones included.
    pub const MAX_WARDENS: usize = 64;
    /// How long a device's code is good.
    pub const WARDEN_CODE_MS: i64 = 15 * 60 * 1000;
    /// How long a device stays enrolled.
    pub const WARDEN_MS: i64 = 366 * 24 * 3600 * 1000;
    /// Employees that can have access to their own punches.
    pub const MAX_ACCESS: usize = 50_000;
    /// How long an employee's code is good: it goes by hand, over a weekend too.
    pub const ACCESS_CODE_MS: i64 = 7 * 24 * 3600 * 1000;

    /// Wardens' devices by name; those whose time is over too.
    pub fn wardens(&self) -> Vec<Warden> {
        self.read().wardens.values().cloned().collect()
    }

    /// The device that keeps the token of this digest, if it is good at `now_ms`.
    pub fn warden(&self, digest: &str, now_ms: i64) -> Option<Warden> {
        let table = self.read();
        let fits = |one: &&Warden| one.digest.as_deref() == Some(digest) && now_ms < one.until_ms;
        table.wardens.values().find(fits).cloned()
    }

    /// Invites a device by the digest of a code. One of the same name that is enrolled stays so
    /// until the code is used.
    pub async fn invite_warden(
        &self,
        actor: &str,
        name: &str,
        code: String,
        now_ms: i64,
    ) -> Result<(), AccountsError> {
        super::check(&super::Account::new(name, Vec::new(), now_ms))?;
        let _one = self.hold().await;
        let old = {
            let table = self.read();
            if table.wardens.len() >= Self::MAX_WARDENS && !table.wardens.contains_key(name) {
                return Err(AccountsError::Full(Self::MAX_WARDENS));
            }
            table.wardens.get(name).cloned()
        };
        if old.is_some_and(|old| old.digest.is_some() && now_ms < old.until_ms) {
            return Err(AccountsError::Exists(name.to_owned()));
        }
        let warden = Warden {
            name: name.to_owned(),
            by: actor.to_owned(),
            code: Some(code),
            digest: None,
            at_ms: now_ms,
            until_ms: now_ms.saturating_add(Self::WARDEN_CODE_MS),
        };
        Ok(self.shared.acts.submit(vec![Act::WardenWritten { warden }]).await?)
    }

    /// Enrols the device that brought the code of this digest: from now on it is known by the
    /// digest of its token. `None` where no such code is good. Fsynced on return.
    pub async fn enrol_warden(
        &self,
        code: &str,
        digest: String,
        now_ms: i64,
    ) -> Result<Option<Warden>, AccountsError> {
        let _one = self.hold().await;
        let fits = |one: &&Warden| one.code.as_deref() == Some(code) && now_ms < one.until_ms;
        let invited = self.read().wardens.values().find(fits).cloned();
        let Some(invited) = invited else { return Ok(None) };
        let warden = Warden {
            code: None,
            digest: Some(digest),
            at_ms: now_ms,
            until_ms: now_ms.saturating_add(Self::WARDEN_MS),
            ..invited
        };
        let act = Act::WardenWritten { warden: warden.clone() };
        self.shared.acts.submit(vec![act]).await?;
        Ok(Some(warden))
    }

    /// Ends a device at once.
    pub async fn end_warden(&self, actor: &str, name: &str) -> Result<(), AccountsError> {
        if !self.read().wardens.contains_key(name) {
            return Err(AccountsError::Unknown(name.to_owned()));
        }
        let (actor, name) = (actor.to_owned(), name.to_owned());
        Ok(self.shared.acts.submit(vec![Act::WardenEnded { actor, name }]).await?)
    }

    /// A person's access to their own punches.
    pub fn access(&self, person: PersonId) -> Option<OwnAccess> {
        self.read().access.get(&person.0).cloned()
    }

    /// How many have it, or a code for it.
    pub fn access_count(&self) -> usize {
        self.read().access.len()
    }

    /// Hands out a code to a person, by its digest; a PIN from before is void.
    pub async fn give_access(
        &self,
        actor: &str,
        person: PersonId,
        code: String,
        now_ms: i64,
    ) -> Result<(), AccountsError> {
        let _one = self.hold().await;
        let full = {
            let table = self.read();
            table.access.len() >= Self::MAX_ACCESS && !table.access.contains_key(&person.0)
        };
        if full {
            return Err(AccountsError::Full(Self::MAX_ACCESS));
        }
        let access = OwnAccess {
            person,
            by: actor.to_owned(),
            code: Some(code),
            code_until_ms: now_ms.saturating_add(Self::ACCESS_CODE_MS),
            pin: None,
            at_ms: now_ms,
        };
        Ok(self.shared.acts.submit(vec![Act::AccessWritten { access }]).await?)
    }

    /// Whose code this is, by its digest, if it is good at `now_ms`.
    pub fn access_of_code(&self, code: &str, now_ms: i64) -> Option<OwnAccess> {
        let table = self.read();
        let fits =
            |one: &&OwnAccess| one.code.as_deref() == Some(code) && now_ms < one.code_until_ms;
        table.access.values().find(fits).cloned()
    }

    /// Uses the code of this digest up: its person comes in by `pin` from now on. Whether it was
    /// still good. Fsynced on return.
    pub async fn choose_pin(
        &self,
        code: &str,
        pin: String,
        now_ms: i64,
    ) -> Result<bool, AccountsError> {
        let _one = self.hold().await;
        let Some(access) = self.access_of_code(code, now_ms) else { return Ok(false) };
        let access = OwnAccess { code: None, pin: Some(pin), at_ms: now_ms, ..access };
        self.shared.acts.submit(vec![Act::AccessWritten { access }]).await?;
        Ok(true)
    }

    /// Ends a person's access at once.
    pub async fn end_access(&self, actor: &str, person: PersonId) -> Result<(), AccountsError> {
        if self.access(person).is_none() {
            return Err(AccountsError::Unknown("that person".to_owned()));
        }
        let actor = actor.to_owned();
        Ok(self.shared.acts.submit(vec![Act::AccessEnded { actor, person }]).await?)
    }
}

impl Table {
    /// Does what an act says of who is let in without an account; other acts are ignored.
    pub(super) fn apply_bound(&mut self, act: &Act) {
        match act {
            Act::WardenWritten { warden } => {
                self.wardens.insert(warden.name.clone(), warden.clone());
            }
            Act::WardenEnded { name, .. } => drop(self.wardens.remove(name)),
            Act::AccessWritten { access } => {
                self.access.insert(access.person.0, access.clone());
            }
            Act::AccessEnded { person, .. } => drop(self.access.remove(&person.0)),
            Act::PersonErased { erasure } if erasure.is_of_all() => {
                self.access.retain(|person, _| !erasure.persons.contains(&PersonId(*person)));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::tests::started;
    use crate::legal::Erasure;

    const HOUR: i64 = 3_600_000;

    #[tokio::test]
    async fn a_warden_is_enrolled_once_by_its_code_until_it_is_ended() {
        let (accounts, _applier) = started();
        accounts.invite_warden("fong", "gate-tablet", "c1".into(), 0).await.unwrap();
        assert!(accounts.enrol_warden("c2", "t".into(), 1).await.unwrap().is_none());
        let late = Accounts::WARDEN_CODE_MS;
        assert!(accounts.enrol_warden("c1", "t".into(), late).await.unwrap().is_none());
        let made = accounts.enrol_warden("c1", "t1".into(), late - 1).await.unwrap().unwrap();
        assert_eq!((made.by.as_str(), made.code), ("fong", None));
        assert!(accounts.enrol_warden("c1", "t2".into(), 2).await.unwrap().is_none(), "once");
        assert!(accounts.warden("t1", HOUR).is_some() && accounts.warden("t2", HOUR).is_none());
        assert!(accounts.warden("t1", late + Accounts::WARDEN_MS).is_none(), "not for ever");
        let again = accounts.invite_warden("fong", "gate-tablet", "c3".into(), HOUR).await;
        assert!(matches!(again, Err(AccountsError::Exists(_))), "one name, one device");
        let back = Table::restore(&accounts.snapshot().keep().unwrap()).unwrap();
        assert_eq!(back.wardens.len(), 1);
        accounts.end_warden("fong", "gate-tablet").await.unwrap();
        assert!(accounts.warden("t1", HOUR).is_none());
        assert!(accounts.end_warden("fong", "gate-tablet").await.is_err());
        let bad = accounts.invite_warden("fong", "a b", "c".into(), 0).await;
        assert!(matches!(bad, Err(AccountsError::Name)));
    }

    #[tokio::test]
    async fn a_code_to_ones_own_punches_is_good_once_and_goes_with_the_person() {
        let (accounts, applier) = started();
        let ana = PersonId(7);
        accounts.give_access("mei", ana, "c1".into(), 0).await.unwrap();
        assert!(accounts.access_of_code("c1", Accounts::ACCESS_CODE_MS).is_none());
        assert!(accounts.choose_pin("c1", "sealed".into(), HOUR).await.unwrap());
        assert!(!accounts.choose_pin("c1", "other".into(), HOUR).await.unwrap(), "once");
        let access = accounts.access(ana).unwrap();
        assert_eq!((access.by.as_str(), access.pin.as_deref()), ("mei", Some("sealed")));
        accounts.give_access("lei", ana, "c2".into(), HOUR).await.unwrap();
        assert!(accounts.access(ana).unwrap().pin.is_none(), "a new code voids the PIN");
        let erasure = |biometrics_only| Erasure {
            request: String::new(),
            persons: vec![ana],
            biometrics_only,
            deferred_ms: None,
            law: None,
            at_ms: 0,
            todo: Default::default(),
        };
        for (biometrics_only, left) in [(true, 1), (false, 0)] {
            let erased = Act::PersonErased { erasure: erasure(biometrics_only) };
            applier.acts.submit(vec![erased]).await.unwrap();
            assert_eq!(accounts.access_count(), left);
        }
        assert!(accounts.end_access("mei", ana).await.is_err());
    }
}
