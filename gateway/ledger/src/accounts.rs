//! Who may log in to the page: acts in the journal.

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

/// One account.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
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
    /// The table is full.
    #[error("no more than {0} accounts")]
    Full(usize),
    /// The journal did not take it.
    #[error(transparent)]
    Commit(#[from] crate::CommitError),
}

/// The accounts.
#[derive(Clone)]
pub struct Accounts {}

impl Accounts {
    /// Accounts a box can hold.
    pub const MAX: usize = 1_000;

    /// Finds by name.
    pub fn find(&self, name: &str) -> Option<Account> {
        let _ = name;
        todo!()
    }

    /// All, by name.
    pub fn list(&self) -> Vec<Account> {
        todo!()
    }

    /// Writes an account, new (`create`) or changed; `actor` is who did it. Fsynced on return.
    pub async fn put(
        &self,
        actor: &str,
        account: Account,
        create: bool,
    ) -> Result<(), AccountsError> {
        let _ = (actor, account, create);
        todo!()
    }
}
