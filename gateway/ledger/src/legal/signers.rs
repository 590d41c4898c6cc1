//! Since when each signer is one: for a day a new one neither signs nor approves.
//!
//! Who is enrolled before the first policy was accepted, while the box is set up, does not wait:
//! until then nothing leaves.

use crate::Signer;
use muster_residency::key::TrustedSigner;
use serde::{Deserialize, Serialize};

/// A new signer waits this long.
const WAIT_MS: i64 = 24 * 3600 * 1000;
/// Signers of a box; as many lines as a signature file may have.
pub(crate) const MAX_SIGNERS: usize = 64;

/// Signers with when they were enrolled, milliseconds since 1970. Who is not here never waited.
#[derive(Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Newcomers(Vec<(Signer, i64)>);

impl Newcomers {
    /// These and nobody else are signers now; `known` were before.
    pub(crate) fn enrol(&mut self, known: &[Signer], now: &[Signer], at_ms: i64, waits: bool) {
        self.0.retain(|(signer, since)| now.contains(signer) && at_ms - since < WAIT_MS);
        let new = now.iter().filter(|signer| waits && !known.contains(signer));
        self.0.extend(new.map(|signer| (signer.clone(), at_ms)));
    }

    /// From when on a signer signs, milliseconds since 1970, if they still wait.
    pub(crate) fn waits_until(&self, signer: &Signer, now_ms: i64) -> Option<i64> {
        let (_, since) = self.0.iter().find(|(new, _)| new == signer)?;
        Some(since + WAIT_MS).filter(|&until| now_ms < until)
    }

    /// Those of `signers` who may sign at `now_ms`.
    pub(crate) fn seasoned(&self, signers: &[Signer], now_ms: i64) -> Vec<TrustedSigner> {
        let seasoned = signers.iter().filter(|signer| self.waits_until(signer, now_ms).is_none());
        seasoned.map(trusted).collect()
    }
}

fn trusted(signer: &Signer) -> TrustedSigner {
    TrustedSigner {
        person: signer.person.clone(),
        role: signer.role.clone(),
        public_key: signer.public_key,
    }
}

/// Who signs after a change; the text says why it cannot be made.
pub(crate) fn changed(
    known: &[Signer],
    add: &[Signer],
    remove: &[String],
) -> Result<Vec<Signer>, &'static str> {
    if add.is_empty() && remove.is_empty() {
        return Err("nobody comes and nobody goes");
    }
    if remove.iter().any(|person| !known.iter().any(|signer| signer.person == *person)) {
        return Err("whoever is to go is no signer; `muster signers list` shows who is");
    }
    let mut signers: Vec<Signer> =
        known.iter().filter(|signer| !remove.contains(&signer.person)).cloned().collect();
    for signer in add {
        let same = |other: &Signer| {
            other.public_key == signer.public_key
                || (&other.person, &other.role) == (&signer.person, &signer.role)
        };
        if signers.iter().any(same) {
            return Err("this key, or this person in this role, is enrolled already");
        }
        if !is_word(&signer.person) || !is_word(&signer.role) {
            return Err("a signer's name and role have 1 to 64 visible characters and no spaces");
        }
        signers.push(signer.clone());
    }
    let several = |word: fn(&Signer) -> &str| {
        signers.first().is_some_and(|first| signers.iter().any(|s| word(s) != word(first)))
    };
    let dpo = signers.iter().any(|signer| signer.role == "dpo");
    let enough = dpo && several(|s| &s.person) && several(|s| &s.role);
    if !remove.is_empty() && !enough {
        return Err("two people in two roles, the dpo among them, must be left to sign");
    }
    if signers.len() > MAX_SIGNERS { Err("no more than 64 signers") } else { Ok(signers) }
}

fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.chars().count())
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(person: &str, role: &str, key: u8) -> Signer {
        Signer { person: person.into(), role: role.into(), public_key: [key; 32] }
    }

    #[test]
    fn a_new_signer_waits_a_day_and_an_old_one_never() {
        let (old, new) = (signer("a", "dpo", 1), signer("b", "hr", 2));
        let mut newcomers = Newcomers::default();
        newcomers.enrol(&[], std::slice::from_ref(&old), 0, false);
        assert_eq!(newcomers.waits_until(&old, 0), None);
        let both = [old.clone(), new.clone()];
        newcomers.enrol(std::slice::from_ref(&old), &both, 1_000, true);
        assert_eq!(newcomers.waits_until(&old, 1_000), None);
        assert_eq!(newcomers.waits_until(&new, 1_000), Some(1_000 + WAIT_MS));
        assert_eq!(newcomers.seasoned(&both, 999 + WAIT_MS).len(), 1);
        assert_eq!(newcomers.seasoned(&both, 1_000 + WAIT_MS).len(), 2);
        // The same again changes nothing; going and coming back begins anew.
        newcomers.enrol(&both, &both, 2_000, true);
        assert_eq!(newcomers.waits_until(&new, 2_000), Some(1_000 + WAIT_MS));
        newcomers.enrol(&both, std::slice::from_ref(&old), 3_000, true);
        newcomers.enrol(std::slice::from_ref(&old), &both, 4_000, true);
        assert_eq!(newcomers.waits_until(&new, 4_000), Some(4_000 + WAIT_MS));
    }

    #[test]
    fn enough_signers_are_left() {
        let known = [signer("a", "dpo", 1), signer("b", "hr", 2), signer("c", "security", 3)];
        let check = |add: &[Signer], remove: &[&str], expect: Result<usize, &str>| {
            let remove: Vec<String> = remove.iter().map(|r| (*r).to_owned()).collect();
            let found = changed(&known, add, &remove).map(|signers| signers.len());
            match expect {
                Ok(n) => assert_eq!(found, Ok(n)),
                Err(part) => assert!(found.is_err_and(|e| e.contains(part)), "{part}"),
            }
        };
        check(&[signer("d", "hr", 4)], &[], Ok(4));
        check(&[], &["c"], Ok(2));
        check(&[signer("d", "dpo", 4)], &["a"], Ok(3));
        check(&[], &[], Err("nobody comes"));
        check(&[], &["x"], Err("no signer"));
        check(&[], &["a"], Err("the dpo among them"));
        check(&[signer("d", "hr", 4)], &["a"], Err("the dpo among them"));
        check(&[signer("d", "hr", 1)], &[], Err("enrolled already"));
        check(&[signer("b", "hr", 9)], &[], Err("enrolled already"));
        check(&[signer("d e", "hr", 9)], &[], Err("visible characters"));
    }
}
