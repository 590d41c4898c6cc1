//! Who may log in to the page: acts in the journal, looked up in memory.

mod account;
mod bound;
mod kept;
mod token;

pub use account::{Account, Role};
pub use bound::{OwnAccess, Warden};
pub use token::ApiToken;

use crate::CommitError;
use crate::act::Act;
use crate::directory::{Context, SealKey};
use crate::submit::ActSender;
use ring::rand::{SecureRandom as _, SystemRandom};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use zeroize::Zeroizing;

/// Why an account cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// A name is used once.
    #[error("there is already an account named {0}")]
    Exists(String),
    /// No such account.
    #[error("there is no account named {0}")]
    Unknown(String),
    /// The name does not fit.
    #[error("an account name has 1 to 64 characters: letters, digits, dot, hyphen, underscore")]
    Name,
    /// Not one of [`Role::ALL`].
    #[error(
        "a role is one of facilities, hr, employee, it-admin, security, dpo, dpo-deputy, \
         works-council, auditor"
    )]
    Role,
    /// A field is longer than it can honestly be; names the field.
    #[error("the account's {0} is too long")]
    TooLong(&'static str),
    /// A rule of who may have which account; the text says it.
    #[error("{0}")]
    Refused(&'static str),
    /// The table is full.
    #[error("no more than {0} accounts")]
    Full(usize),
    /// The journal did not take it.
    #[error(transparent)]
    Commit(#[from] crate::CommitError),
}

/// All accounts by name: what the acts say.
#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Table {
    by_name: BTreeMap<String, Account>,
    /// A policy has been published: from then on two people decide on privileged accounts.
    set_up_closed: bool,
    tokens: BTreeMap<String, ApiToken>,
    /// The step of the code that was used last, by account.
    used: BTreeMap<String, u64>,
    wardens: BTreeMap<String, Warden>,
    access: BTreeMap<u64, OwnAccess>,
}

impl Table {
    /// Does what a journaled act says; other acts are ignored.
    pub(crate) fn apply(&mut self, act: &Act) {
        match act {
            Act::AccountWritten { account, .. } => {
                self.by_name.insert(account.name.clone(), account.clone());
            }
            Act::PolicyAccepted { .. } | Act::Governed { governance: Some(_) } => {
                self.set_up_closed = true;
            }
            Act::TokenMade { token } => {
                self.tokens.insert(token.name.clone(), token.clone());
            }
            Act::TokenEnded { name, .. } => drop(self.tokens.remove(name)),
            Act::FactorUsed { actor, step } if self.by_name.contains_key(actor) => {
                self.used.insert(actor.clone(), *step);
            }
            _ => self.apply_bound(act),
        }
    }
}

/// The accounts. Cheap to clone; clones share them.
#[derive(Clone)]
pub struct Accounts {
    shared: Arc<Shared>,
}

struct Shared {
    table: RwLock<Table>,
    /// Writes go one at a time, so that a name is made once.
    changing: tokio::sync::Mutex<()>,
    acts: ActSender,
    /// Seals the secrets of second factors.
    factors: SealKey,
}

impl Accounts {
    /// Accounts a box can hold.
    pub const MAX: usize = 1_000;

    /// Departments one account can be bound to.
    pub const MAX_DEPARTMENTS: usize = 64;

    /// Characters of a department, a password in PHC form or a hashed code.
    pub const MAX_TEXT: usize = 512;

    /// Recovery codes that one account can have left.
    pub const MAX_RECOVERY: usize = 16;

    /// Takes over `table`, as the checkpoint or replay left it.
    pub(crate) fn new(table: Table, acts: ActSender, factors: SealKey) -> Self {
        let changing = tokio::sync::Mutex::default();
        let table = RwLock::new(table);
        Self { shared: Arc::new(Shared { table, changing, acts, factors }) }
    }

    /// Finds by name.
    pub fn find(&self, name: &str) -> Option<Account> {
        self.read().by_name.get(name).cloned()
    }

    /// All, by name.
    pub fn list(&self) -> Vec<Account> {
        self.read().by_name.values().cloned().collect()
    }

    /// Writes an account, new (`create`) or changed; `actor` is who did it. Fsynced on return.
    pub async fn put(
        &self,
        actor: &str,
        account: Account,
        create: bool,
    ) -> Result<(), AccountsError> {
        check(&account)?;
        let _one = self.shared.changing.lock().await;
        self.admit(&account.name, create)?;
        self.alone(self.find(&account.name).as_ref(), &account)?;
        let act = Act::AccountWritten { actor: actor.to_owned(), account };
        Ok(self.shared.acts.submit(vec![act]).await?)
    }

    /// Changes an account as it is at this moment, so that of two who change it at once neither
    /// undoes the other's; gives what `edit` gives. Fsynced on return.
    pub async fn change<T>(
        &self,
        actor: &str,
        name: &str,
        edit: impl FnOnce(&mut Account) -> Result<T, AccountsError> + Send,
    ) -> Result<T, AccountsError> {
        let _one = self.shared.changing.lock().await;
        let mut account = self.find(name).ok_or_else(|| AccountsError::Unknown(name.to_owned()))?;
        let before = account.clone();
        let given = edit(&mut account)?;
        check(&account)?;
        self.alone(Some(&before), &account)?;
        let act = Act::AccountWritten { actor: actor.to_owned(), account };
        self.shared.acts.submit(vec![act]).await?;
        Ok(given)
    }

    /// Seals the secret of a second factor, for [`Account::second_factor`] of this account alone.
    pub fn seal_factor(&self, name: &str, secret: &[u8]) -> Result<String, AccountsError> {
        let mut nonce = [0; 12];
        let random = SystemRandom::new().fill(&mut nonce);
        random.map_err(|_| CommitError::Invalid("the system gave no random bytes".into()))?;
        Ok(self.shared.factors.seal(nonce, Context::factor(name), secret))
    }

    /// The secret of an account's second factor; `None` where it has none that opens.
    pub fn factor(&self, account: &Account) -> Option<Zeroizing<Vec<u8>>> {
        let sealed = account.second_factor.as_deref()?;
        self.shared.factors.open(Context::factor(&account.name), sealed)
    }

    /// Uses up the codes of an account's second factor up to that of `step`, half minutes since
    /// 1970. False if this one, or a later one, was used before. Fsynced on return, so that no
    /// restart makes a code good again.
    pub async fn use_factor(&self, name: &str, step: u64) -> Result<bool, AccountsError> {
        let _one = self.shared.changing.lock().await;
        if self.read().used.get(name).is_some_and(|last| step <= *last) {
            return Ok(false);
        }
        let act = Act::FactorUsed { actor: name.to_owned(), step };
        self.shared.acts.submit(vec![act]).await?;
        Ok(true)
    }

    /// Puts a journaled act into the table; other acts are ignored.
    pub(crate) fn apply(&self, act: &Act) {
        if matches!(
            act,
            Act::AccountWritten { .. }
                | Act::PolicyAccepted { .. }
                | Act::Governed { .. }
                | Act::TokenMade { .. }
                | Act::TokenEnded { .. }
                | Act::FactorUsed { .. }
                | Act::WardenWritten { .. }
                | Act::WardenEnded { .. }
                | Act::AccessWritten { .. }
                | Act::AccessEnded { .. }
                | Act::PersonErased { .. }
        ) {
            self.shared.table.write().unwrap_or_else(PoisonError::into_inner).apply(act);
        }
    }

    /// What a checkpoint holds.
    pub(crate) fn snapshot(&self) -> Table {
        self.read().clone()
    }

    /// Whether first set-up is over: a policy has been published.
    pub fn is_set_up_closed(&self) -> bool {
        self.read().set_up_closed
    }

    /// Keeps others from changing accounts while what two people decided is journaled.
    pub(crate) async fn hold(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.shared.changing.lock().await
    }

    /// What one person may not do alone once first set-up is over: make a privileged account or
    /// give more rights to one, and take a log-in away that its owner then no longer has.
    fn alone(&self, before: Option<&Account>, after: &Account) -> Result<(), AccountsError> {
        if !self.is_set_up_closed() {
            return Ok(());
        }
        let rights = |account: &Account| {
            (account.roles.clone(), account.departments.clone(), account.disabled)
        };
        let tightens = before.is_some_and(|before| {
            let shut = Account { disabled: true, ..before.clone() };
            rights(&shut) == rights(after)
        });
        let same = before.is_some_and(|before| rights(before) == rights(after));
        let privileged = after.is_privileged() || before.is_some_and(Account::is_privileged);
        if privileged && !same && !tightens {
            return Err(AccountsError::Refused(
                "two people make or change an account that administers the box or decides on \
                 data: ask with --key FILE, and let the other `muster approve`",
            ));
        }
        let taken = before.is_some_and(|before| {
            (before.second_factor.is_some() && after.second_factor.is_none())
                || (before.password.is_some() && after.one_time_code.is_some())
        });
        if taken {
            return Err(AccountsError::Refused(
                "two others reset a lost log-in: ask with --key FILE, and let the other \
                 `muster approve`",
            ));
        }
        Ok(())
    }

    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.shared.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit(&self, name: &str, create: bool) -> Result<(), AccountsError> {
        let table = self.read();
        match (table.by_name.contains_key(name), create) {
            (true, true) => Err(AccountsError::Exists(name.to_owned())),
            (false, false) => Err(AccountsError::Unknown(name.to_owned())),
            (false, true) if table.by_name.len() >= Self::MAX => {
                Err(AccountsError::Full(Self::MAX))
            }
            _ => Ok(()),
        }
    }
}

pub(crate) fn check(account: &Account) -> Result<(), AccountsError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if !(1..=64).contains(&account.name.len()) || !account.name.chars().all(fits) {
        return Err(AccountsError::Name);
    }
    let long = |text: &str| text.chars().count() > Accounts::MAX_TEXT;
    if account.roles.len() > Role::ALL.len() {
        return Err(AccountsError::TooLong("list of roles"));
    }
    if account.departments.len() > Accounts::MAX_DEPARTMENTS
        || account.departments.iter().any(|text| long(text))
    {
        return Err(AccountsError::TooLong("list of departments"));
    }
    let secrets = account.password.iter().chain(&account.one_time_code);
    if secrets.chain(&account.second_factor).chain(&account.recovery).any(|text| long(text))
        || account.recovery.len() > Accounts::MAX_RECOVERY
    {
        return Err(AccountsError::TooLong("password or code"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::submit::testing::Applier;

    pub(super) fn started() -> (Accounts, Applier) {
        let applier = Applier::new();
        let key = SealKey::derive(&[7; 32]);
        let accounts = Accounts::new(Table::default(), applier.acts.clone(), key);
        let target = accounts.clone();
        applier.start(move |act| target.apply(act));
        (accounts, applier)
    }

    fn account(name: &str) -> Account {
        Account::new(name, vec![Role::Hr], 1)
    }

    #[tokio::test]
    async fn a_name_is_made_once_and_changed_after() {
        let (accounts, _applier) = started();
        let missing = accounts.put("root", account("mei"), false).await;
        assert!(matches!(missing, Err(AccountsError::Unknown(_))));
        accounts.put("root", account("mei"), true).await.unwrap();
        let twice = accounts.put("root", account("mei"), true).await;
        assert!(matches!(twice, Err(AccountsError::Exists(_))));
        let disabled = Account { disabled: true, ..account("mei") };
        accounts.put("root", disabled, false).await.unwrap();
        assert!(accounts.find("mei").unwrap().disabled);
        assert_eq!(accounts.list().len(), 1);
    }

    #[tokio::test]
    async fn names_and_lengths_are_checked() {
        let (accounts, applier) = started();
        for name in ["", "a b", "mei@x", "é", &"x".repeat(65)] {
            let answer = accounts.put("root", account(name), true).await;
            assert!(matches!(answer, Err(AccountsError::Name)), "{name:?}");
        }
        let long = Account { password: Some("x".repeat(600)), ..account("mei") };
        let answer = accounts.put("root", long, true).await;
        assert!(matches!(answer, Err(AccountsError::TooLong(_))));
        assert!(applier.journal.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn two_changes_at_once_both_stand() {
        let (accounts, _applier) = started();
        accounts.put("root", account("mei"), true).await.unwrap();
        let disable = accounts.change("root", "mei", |account| {
            account.disabled = true;
            Ok(())
        });
        let rename = accounts.change("mei", "mei", |account| {
            account.departments.push("kitchen".into());
            Ok(account.departments.len())
        });
        let (disabled, length) = tokio::join!(disable, rename);
        assert!(disabled.is_ok() && length.is_ok_and(|length| length == 1));
        let mei = accounts.find("mei").unwrap();
        assert!(mei.disabled && mei.departments == ["kitchen"]);
    }

    #[tokio::test]
    async fn after_set_up_two_people_decide_on_who_administers() {
        let (accounts, applier) = started();
        let admin = Account::new("admin", vec![Role::ItAdmin], 1);
        accounts.put("init", admin.clone(), true).await.unwrap();
        let other = Account::new("other", vec![Role::Dpo], 1);
        accounts.put("admin", other, true).await.unwrap();
        let governance = crate::Governance {
            policy: String::new(),
            law_pack: String::new(),
            signatures: String::new(),
        };
        let published = Act::Governed { governance: Some(governance) };
        applier.acts.submit(vec![published]).await.unwrap();
        let third = Account::new("third", vec![Role::Security], 1);
        let refused = |answer| matches!(answer, Err(AccountsError::Refused(_)));
        assert!(refused(accounts.put("admin", third, true).await));
        assert!(refused(accounts.put("admin", Account { roles: vec![], ..admin }, false).await));
        let set = |edit: fn(&mut Account)| {
            accounts.change("x", "admin", move |account| {
                edit(account);
                Ok(())
            })
        };
        assert!(set(|a| a.password = Some("p".into())).await.is_ok());
        assert!(set(|a| a.second_factor = Some("s".into())).await.is_ok());
        assert!(refused(set(|a| a.second_factor = None).await));
        assert!(refused(set(|a| a.one_time_code = Some("c".into())).await));
        assert!(set(|a| a.disabled = true).await.is_ok(), "one shuts out");
        assert!(refused(set(|a| a.disabled = false).await), "two let in again");
        accounts.put("admin", account("mei"), true).await.unwrap();
    }

    #[tokio::test]
    async fn a_factor_opens_for_its_own_account_alone() {
        let (accounts, _applier) = started();
        let sealed = accounts.seal_factor("mei", b"twenty bytes of them").unwrap();
        let with = |name: &str| Account { second_factor: Some(sealed.clone()), ..account(name) };
        let opened = accounts.factor(&with("mei"));
        assert_eq!(opened.as_deref().map(Vec::as_slice), Some(&b"twenty bytes of them"[..]));
        assert!(accounts.factor(&with("lei")).is_none());
        assert!(accounts.factor(&account("mei")).is_none());
    }

    #[test]
    fn roles_read_back_as_written() {
        for role in Role::ALL {
            assert_eq!(role.name().parse::<Role>().unwrap(), role);
            assert_eq!(serde_json::to_value(role).unwrap(), role.name());
        }
        assert!("root".parse::<Role>().is_err());
    }
}
