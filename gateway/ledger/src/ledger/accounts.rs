//! Accounts that two people decide on.

use super::Ledger;
use crate::accounts::check;
use crate::act::Act;
use crate::{Account, Action, RequestError};

impl Ledger {
    /// The account as `action` leaves it; `None` where it is about no account.
    fn decided(&self, action: &Action) -> Result<Option<Account>, RequestError> {
        let accounts = self.accounts();
        let account = match action {
            Action::WriteAccount { name, roles, departments } => {
                let now_ms = self.inner.shared.clock.now_ms();
                let known = accounts.find(name);
                let known = known.unwrap_or_else(|| Account::new(name, Vec::new(), now_ms));
                let (roles, departments) = (roles.clone(), departments.clone());
                Account { roles, departments, disabled: false, ..known }
            }
            Action::ResetAccount { name } => {
                let known = accounts.find(name);
                let known = known.ok_or_else(|| {
                    RequestError::Refused(format!("there is no account named {name}"))
                })?;
                Account {
                    password: None,
                    one_time_code: None,
                    second_factor: None,
                    recovery: Vec::new(),
                    ..known
                }
            }
            _ => return Ok(None),
        };
        check(&account).map_err(|error| RequestError::Refused(error.to_string()))?;
        Ok(Some(account))
    }

    /// Refuses a request about an account that could not be carried out.
    pub(super) fn may_ask(&self, action: &Action) -> Result<(), RequestError> {
        self.decided(action).map(drop)
    }

    /// Journals what two people decided on an account, after `acts`.
    pub(super) async fn write_decided(
        &self,
        actor: String,
        action: &Action,
        mut acts: Vec<Act>,
    ) -> Result<(), RequestError> {
        let accounts = self.accounts();
        let _one = accounts.hold().await;
        let account = self.decided(action)?;
        acts.extend(account.map(|account| Act::AccountWritten { actor, account }));
        Ok(self.inner.acts.submit(acts).await?)
    }
}
