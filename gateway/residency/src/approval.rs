//! Signed requests and approvals: what two people must say together, and who may say it.
//!
//! A line is that of [`crate::signature`], over another text: which part of the pair it is, the
//! SHA-256 of the exact request, and the person and role of the signer.

use crate::canonical::hash_text;
use crate::key::{SigningKey, TrustedSigner};
use crate::policy::Signer;
use crate::signature::{self, SignatureFault};

/// Roles one of whom must be among the two.
pub const OFFICERS: [&str; 2] = ["dpo", "dpo-deputy"];

/// Hex digits of a request's id.
const ID_LEN: usize = 12;

/// Which of the two a line is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// Asks.
    Ask,
    /// Says yes.
    Approve,
}

/// Why two lines are not two people's word.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ApprovalFault {
    /// The line does not count.
    #[error(transparent)]
    Signature(#[from] SignatureFault),
    /// Nobody approves what they asked for.
    #[error("who asked cannot approve; let somebody else sign")]
    SamePerson,
    /// Two roles are needed.
    #[error("both sign in the same role; let somebody of another role sign")]
    SameRole,
    /// The officer is missing.
    #[error("the data protection officer or their deputy must be one of the two")]
    NoOfficer,
}

/// What a request is called: the beginning of the hash of its text.
pub fn id(request: &str) -> String {
    digest(request).split_off("sha256:".len()).chars().take(ID_LEN).collect()
}

/// Signs one part of a request.
pub fn sign(part: Part, request: &str, key: &SigningKey) -> String {
    signature::sign_text(&statement(part, request, key.person(), key.role()), key)
}

/// Who signed a part, if the line is good and they are trusted.
pub fn verify(
    part: Part,
    request: &str,
    line: &str,
    trusted: &[TrustedSigner],
) -> Result<Signer, ApprovalFault> {
    let text = |person: &str, role: &str| statement(part, request, person, role);
    Ok(signature::verify_text(line.trim_end(), trusted, text)?)
}

/// The person and role that a line names, whether or not it is good.
pub fn signer_named(line: &str) -> Option<(&str, &str)> {
    let mut words = line.trim_end().split(' ');
    (words.next() == Some(signature::MARK)).then_some(())?;
    words.next().zip(words.next())
}

/// Two people, two roles, the data protection officer or their deputy among them.
pub fn two_people(asked: &Signer, approves: &Signer) -> Result<(), ApprovalFault> {
    if asked.person == approves.person {
        return Err(ApprovalFault::SamePerson);
    }
    if asked.role == approves.role {
        return Err(ApprovalFault::SameRole);
    }
    let officer = |signer: &Signer| OFFICERS.contains(&signer.role.as_str());
    if officer(asked) || officer(approves) { Ok(()) } else { Err(ApprovalFault::NoOfficer) }
}

fn statement(part: Part, request: &str, person: &str, role: &str) -> String {
    let part = match part {
        Part::Ask => "ask",
        Part::Approve => "approve",
    };
    let hash = digest(request);
    format!("muster request signature 1\n{part} {hash}\nperson {person}\nrole {role}\n")
}

fn digest(request: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, request.as_bytes());
    let mut hash = [0; 32];
    hash.copy_from_slice(digest.as_ref());
    hash_text(&hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    fn key(person: &str, role: &str, seed: u8) -> SigningKey {
        SigningKey::new(person, role, Zeroizing::new([seed; 32])).expect("a key")
    }

    #[test]
    fn a_line_is_good_for_its_part_of_its_request_alone() {
        let a = key("ho.mei", "dpo", 1);
        let trusted = [a.trusted()];
        let line = sign(Part::Ask, "erase 7", &a);
        let check = |part, request, line: &str, good: bool| {
            assert_eq!(verify(part, request, line, &trusted).is_ok(), good, "{request} {line}");
        };
        check(Part::Ask, "erase 7", &line, true);
        check(Part::Approve, "erase 7", &line, false);
        check(Part::Ask, "erase 8", &line, false);
        check(Part::Ask, "erase 7", &line.replace("dpo", "security"), false);
        check(Part::Ask, "erase 7", "", false);
        assert!(verify(Part::Ask, "erase 7", &line, &[]).is_err());
        assert_eq!(id("erase 7").len(), ID_LEN);
        assert_ne!(id("erase 7"), id("erase 8"));
    }

    #[test]
    fn two_people_in_two_roles_with_an_officer() {
        let check = |a: (&str, &str), b: (&str, &str), expect: Result<(), ApprovalFault>| {
            let of =
                |(person, role): (&str, &str)| Signer { person: person.into(), role: role.into() };
            assert_eq!(two_people(&of(a), &of(b)), expect);
            assert_eq!(two_people(&of(b), &of(a)), expect);
        };
        check(("a", "dpo"), ("b", "security"), Ok(()));
        check(("a", "dpo-deputy"), ("b", "hr"), Ok(()));
        check(("a", "dpo"), ("a", "security"), Err(ApprovalFault::SamePerson));
        check(("a", "dpo"), ("b", "dpo"), Err(ApprovalFault::SameRole));
        check(("a", "hr"), ("b", "security"), Err(ApprovalFault::NoOfficer));
    }
}
