//! What an account is, and the one list of roles.

use crate::AccountsError;
use muster_attendance::PersonId;

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

    /// Whether it may do more than read; asking for a correction of one's own data is no more.
    pub fn is_beyond_reading(self) -> bool {
        !matches!(self, Self::Employee | Self::Auditor)
    }

    /// Whether whoever holds it administers the box or decides on data: once a policy has been
    /// published, two people make such an account.
    pub fn is_privileged(self) -> bool {
        matches!(self, Self::ItAdmin | Self::Security | Self::Dpo | Self::DpoDeputy)
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
    /// The second factor's secret, sealed by [`crate::Accounts::seal_factor`]; `None` until it is
    /// enrolled.
    #[serde(default)]
    pub second_factor: Option<String>,
    /// SHA-256 in hex of the recovery codes that are left, each good for one log-in.
    #[serde(default)]
    pub recovery: Vec<String>,
    /// Whose account it is, where they are in the directory: employees see this person's punches.
    #[serde(default)]
    pub person: Option<PersonId>,
}

impl Account {
    /// How long a new account cannot approve.
    pub const PROBATION_MS: i64 = 24 * 3600 * 1000;

    /// A new one, in which nobody can log in yet.
    pub fn new(name: &str, roles: Vec<Role>, created_ms: i64) -> Self {
        Self {
            name: name.to_owned(),
            roles,
            departments: Vec::new(),
            password: None,
            one_time_code: None,
            disabled: false,
            created_ms,
            second_factor: None,
            recovery: Vec::new(),
            person: None,
        }
    }

    /// Takes the hashed one-time code of a first log-in, where nobody has chosen a password yet.
    pub fn renew_code(&mut self, digest: String) -> Result<(), AccountsError> {
        if self.password.is_some() {
            return Err(AccountsError::Refused(
                "somebody logs in there already; two others reset a lost log-in: `muster user \
                 reset NAME --key FILE`",
            ));
        }
        self.one_time_code = Some(digest);
        Ok(())
    }

    /// Whether it takes a second factor to log in: for all rights beyond reading.
    pub fn needs_second_factor(&self) -> bool {
        self.roles.iter().any(|role| role.is_beyond_reading())
    }

    /// Whether two people decide on it: see [`Role::is_privileged`].
    pub fn is_privileged(&self) -> bool {
        self.roles.iter().any(|role| role.is_privileged())
    }

    /// Whether it is old enough to approve what another asked for.
    pub fn may_approve(&self, now_ms: i64) -> bool {
        now_ms.saturating_sub(self.created_ms) >= Self::PROBATION_MS
    }
}
