//! The table in a checkpoint: JSON, so that a later version can add members. The form before that,
//! postcard without second factors, is still read.

use super::{Account, Role, Table};
use serde::Deserialize;
use std::collections::BTreeMap;

/// An account as the first form has it.
#[derive(Deserialize)]
struct First {
    name: String,
    roles: Vec<Role>,
    departments: Vec<String>,
    password: Option<String>,
    one_time_code: Option<String>,
    disabled: bool,
    created_ms: i64,
}

impl From<First> for Account {
    fn from(first: First) -> Self {
        let First { name, roles, departments, password, one_time_code, disabled, created_ms } =
            first;
        let account = Self::new(&name, roles, created_ms);
        Self { departments, password, one_time_code, disabled, ..account }
    }
}

impl Table {
    /// For a checkpoint.
    pub(crate) fn keep(&self) -> Option<Vec<u8>> {
        serde_json::to_vec(self).ok()
    }

    /// From what [`Table::keep`] gave, now or in the version before.
    pub(crate) fn restore(bytes: &[u8]) -> Option<Self> {
        if let Ok(table) = serde_json::from_slice(bytes) {
            return Some(table);
        }
        let first: BTreeMap<String, First> = postcard::from_bytes(bytes).ok()?;
        let by_name = first.into_iter().map(|(name, one)| (name, one.into())).collect();
        // What closes set-up is journaled at every publication; the safe side until then.
        Some(Self { by_name, set_up_closed: true, ..Self::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_read_back() {
        let account = Account {
            password: Some("$argon2id$".into()),
            second_factor: Some("sealed".into()),
            recovery: vec!["00".into()],
            ..Account::new("mei", vec![Role::Hr], 5)
        };
        let by_name = [("mei".to_owned(), account.clone())].into();
        let table = Table { by_name, ..Table::default() };
        let back = Table::restore(&table.keep().unwrap()).unwrap();
        assert!(back.by_name["mei"] == account);

        // name, hr, one department, a password, no code, disabled, 5 as zigzag.
        let first =
            [&[1, 3][..], b"mei", &[3], b"mei", &[1, 1, 1, 1], b"k", &[1, 1], b"p", &[0, 1, 10]]
                .concat();
        let back = Table::restore(&first).unwrap();
        let mei = &back.by_name["mei"];
        assert_eq!((mei.departments.as_slice(), mei.created_ms), (&["k".to_owned()][..], 5));
        assert!(mei.disabled && mei.roles == [Role::Hr] && mei.second_factor.is_none());
        assert!(Table::restore(&[1, 2]).is_none());
    }
}
