//! Tokens by which programs read the page's figures: roles, departments and an end.

use super::{Accounts, AccountsError, Role};
use crate::act::Act;
use serde::{Deserialize, Serialize};

/// A token. The token itself is shown once and kept as its digest.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ApiToken {
    /// What people call it: as an account's name.
    pub name: String,
    /// SHA-256 of the token, hex.
    pub digest: String,
    /// What it may read.
    pub roles: Vec<Role>,
    /// Departments that an `hr` token sees; empty is all.
    pub departments: Vec<String>,
    /// Until when, milliseconds since 1970.
    pub expires_ms: i64,
    /// Who made it.
    pub by: String,
}

impl Accounts {
    /// Tokens a box can have.
    pub const MAX_TOKENS: usize = 200;
    /// The longest that one is good for.
    pub const MAX_TOKEN_MS: i64 = 366 * 24 * 3600 * 1000;

    /// All tokens, by name; those that have ended too.
    pub fn tokens(&self) -> Vec<ApiToken> {
        self.read().tokens.values().cloned().collect()
    }

    /// The token of this digest, if it is good at `now_ms`.
    pub fn token(&self, digest: &str, now_ms: i64) -> Option<ApiToken> {
        let table = self.read();
        let mut tokens = table.tokens.values();
        tokens.find(|token| token.digest == digest && now_ms < token.expires_ms).cloned()
    }

    /// Makes a token, in place of one of the same name. It only reads, whatever its roles.
    pub async fn make_token(&self, token: ApiToken, now_ms: i64) -> Result<(), AccountsError> {
        super::check(&super::Account::new(&token.name, token.roles.clone(), now_ms))?;
        if token.roles.is_empty() || token.departments.len() > Self::MAX_DEPARTMENTS {
            return Err(AccountsError::Refused("a token has a role, and at most 64 departments"));
        }
        if !(now_ms..=now_ms + Self::MAX_TOKEN_MS).contains(&token.expires_ms) {
            return Err(AccountsError::Refused("a token is good for 1 to 366 days"));
        }
        let _one = self.hold().await;
        if self.read().tokens.len() >= Self::MAX_TOKENS {
            return Err(AccountsError::Full(Self::MAX_TOKENS));
        }
        Ok(self.shared.acts.submit(vec![Act::TokenMade { token }]).await?)
    }

    /// Ends a token at once.
    pub async fn end_token(&self, actor: &str, name: &str) -> Result<(), AccountsError> {
        if !self.read().tokens.contains_key(name) {
            return Err(AccountsError::Unknown(name.to_owned()));
        }
        let (actor, name) = (actor.to_owned(), name.to_owned());
        Ok(self.shared.acts.submit(vec![Act::TokenEnded { actor, name }]).await?)
    }
}
