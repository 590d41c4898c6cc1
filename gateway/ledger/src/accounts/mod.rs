//! Who may log in to the page: acts in the journal, looked up in memory.

use crate::act::Act;
use crate::submit::ActSender;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

/// The one list of roles.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Role {
    Facilities,
    Hr,
    Employee,
    ItAdmin,
    Security,
    Dpo,
    DpoDeputy,
    WorksCouncil,
    Auditor,
}

impl Role {
    /// Every role, in the order pages list them.
    pub const ALL: [Self; 9] = [
        Self::Facilities,
        Self::Hr,
        Self::Employee,
        Self::ItAdmin,
        Self::Security,
        Self::Dpo,
        Self::DpoDeputy,
        Self::WorksCouncil,
        Self::Auditor,
    ];

    /// The name in policies, commands and acts, as `it-admin`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Facilities => "facilities",
            Self::Hr => "hr",
            Self::Employee => "employee",
            Self::ItAdmin => "it-admin",
            Self::Security => "security",
            Self::Dpo => "dpo",
            Self::DpoDeputy => "dpo-deputy",
            Self::WorksCouncil => "works-council",
            Self::Auditor => "auditor",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = AccountsError;

    fn from_str(text: &str) -> Result<Self, AccountsError> {
        let found = Self::ALL.into_iter().find(|role| role.name() == text);
        found.ok_or(AccountsError::Role)
    }
}

/// One account.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Account {
    /// Login name, 1 to 64 characters of letters, digits, `.`, `-`, `_`.
    pub name: String,
    /// What they may do.
    pub roles: Vec<Role>,
    /// Departments an `hr` sees; empty is all.
    pub departments: Vec<String>,
    /// argon2id in PHC form; `None` until first login.
    pub password: Option<String>,
    /// SHA-256 in hex of the single-use code for the first login.
    pub one_time_code: Option<String>,
    /// Disabled accounts cannot log in.
    pub disabled: bool,
    /// When it was made, milliseconds since 1970.
    pub created_ms: i64,
}

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
    /// The table is full.
    #[error("no more than {0} accounts")]
    Full(usize),
    /// The journal did not take it.
    #[error(transparent)]
    Commit(#[from] crate::CommitError),
}

/// All accounts by name: what the acts say.
#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Table {
    by_name: BTreeMap<String, Account>,
}

impl Table {
    /// Does what a journaled act says; other acts are ignored.
    pub(crate) fn apply(&mut self, act: &Act) {
        if let Act::AccountWritten { account, .. } = act {
            self.by_name.insert(account.name.clone(), account.clone());
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
}

impl Accounts {
    /// Accounts a box can hold.
    pub const MAX: usize = 1_000;

    /// Departments one account can be bound to.
    pub const MAX_DEPARTMENTS: usize = 64;

    /// Characters of a department, a password in PHC form or a hashed code.
    pub const MAX_TEXT: usize = 512;

    /// Takes over `table`, as the checkpoint or replay left it.
    pub(crate) fn new(table: Table, acts: ActSender) -> Self {
        let changing = tokio::sync::Mutex::default();
        Self { shared: Arc::new(Shared { table: RwLock::new(table), changing, acts }) }
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
        let act = Act::AccountWritten { actor: actor.to_owned(), account };
        Ok(self.shared.acts.submit(vec![act]).await?)
    }

    /// Puts a journaled act into the table; other acts are ignored.
    pub(crate) fn apply(&self, act: &Act) {
        if matches!(act, Act::AccountWritten { .. }) {
            self.shared.table.write().unwrap_or_else(PoisonError::into_inner).apply(act);
        }
    }

    /// What a checkpoint holds.
    pub(crate) fn snapshot(&self) -> Table {
        self.read().clone()
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

fn check(account: &Account) -> Result<(), AccountsError> {
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
    if account.password.iter().chain(&account.one_time_code).any(|text| long(text)) {
        return Err(AccountsError::TooLong("password or code"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::submit::testing::Applier;

    fn started() -> (Accounts, Applier) {
        let applier = Applier::new();
        let accounts = Accounts::new(Table::default(), applier.acts.clone());
        let target = accounts.clone();
        applier.start(move |act| target.apply(act));
        (accounts, applier)
    }

    fn account(name: &str) -> Account {
        Account {
            name: name.into(),
            roles: vec![Role::Hr],
            departments: vec![],
            password: None,
            one_time_code: None,
            disabled: false,
            created_ms: 1,
        }
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

    #[test]
    fn roles_read_back_as_written() {
        for role in Role::ALL {
            assert_eq!(role.name().parse::<Role>().unwrap(), role);
            assert_eq!(serde_json::to_value(role).unwrap(), role.name());
        }
        assert!("root".parse::<Role>().is_err());
    }
}
